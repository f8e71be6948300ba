// A library of macOS calls the system's functions and nobody else's, so MLX
// keeps its kernels where it likes: under the temporary directory, which macOS
// gives every user for themselves.

#include "../kernels.h"

#include <filesystem>

#include "../private_folder.h"

namespace mlxjs {

bool may_compile_kernels(napi_env) {
  static bool is_private = [] {
    std::error_code error;
    auto folder = std::filesystem::temp_directory_path(error);
    return !error && is_private_folder(folder);
  }();
  return is_private;
}

} // namespace mlxjs
