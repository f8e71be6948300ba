// Takes the kernels that MLX compiles for the CPU from a store of the user's,
// or has them built beside all else.
//
// MLX asks for the temporary directory, writes a source into it, runs g++ and
// loads the library, all within Compiled::eval_cpu. libmlx finds that function
// in the addon first (see blas.cpp). What it calls of the system for this it
// would find in Node, so the places of these functions in libmlx's own table
// are written over; nobody else in the process notices.
//
// Whatever goes wrong on the way to a kernel, and until it is there, its
// operations are computed one by one.

#include "../kernels.h"
#include "../variables.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "mlx/primitives.h"
#include "mlx/version.h"

#include "kernel_builder.h"
#include "kernel_store.h"
#include "library.h"
#include "tape.h"

namespace mlxjs {

namespace fs = std::filesystem;
namespace mx = mlx::core;

namespace {

// Thrown through MLX where there is no kernel. No std::exception, which MLX
// would take for the compiler's.
struct NoKernel {};

// Whether kernels are waited for, as in Python, so that two runs of a program
// round alike.
bool waits_for_kernels() {
  static bool waits = [] {
    auto value = Variables::of_kernels().find("MLX_JS_KERNELS");
    return value && std::string_view(value) == "wait";
  }();
  return waits;
}

// MLX puts paths between double quotes, where the shell looks for variables; so
// they become variables.
void name_path(
    std::string& command,
    const std::string& path,
    const std::string& name) {
  for (auto place = command.find(path); place != std::string::npos;
       place = command.find(path, place + name.size() + 1)) {
    command.replace(place, path.size(), "$" + name);
  }
}

// The evaluation of a compiled operation, which may need a kernel that MLX does
// not have.
class Evaluation {
 public:
  explicit Evaluation(const mx::Compiled& operation)
      : operation_(operation),
        outer_(current_) {
    current_ = this;
  }
  ~Evaluation() {
    current_ = outer_;
  }
  Evaluation(const Evaluation&) = delete;

  // That of this thread.
  static Evaluation* current() {
    return current_;
  }

  // Whether it is on the way to a kernel.
  bool is_looking() const {
    return looking_;
  }

  // What MLX takes for the temporary directory, which it asks for when it has
  // no kernel.
  const fs::path& look() {
    looking_ = true;
    if (Builder::get().is_busy(operation_.lib_name())) {
      throw NoKernel{};
    }
    place_ = find_place();
    if (!place_) {
      Builder::get().fail(operation_.lib_name());
      throw NoKernel{};
    }
    folder_.emplace(*place_);
    return folder_->path();
  }

  // Instead of running the compiler. MLX reads nothing of what it says.
  FILE* build(std::string command) {
    auto path = find_source();
    auto source = read_source(path, std::move(command));
    library_ = Libraries::find(source.key);
    if (!library_ && place_->is_store) {
      load(source.key);
    }
    if (!library_ && waits_for_kernels()) {
      if (!Builder::get().build(source, *place_)) {
        throw std::runtime_error("[compile] The compiler has failed.");
      }
      library_ = Libraries::find(source.key);
    }
    if (!library_) {
      Builder::get().start(
          operation_.lib_name(), std::move(source), std::move(*place_));
      throw NoKernel{};
    }
    // MLX gives it another name.
    write(library_of(path), "");
    return fopen("/dev/null", "re");
  }

  // Instead of loading what the compiler has made.
  void* open() {
    looking_ = false;
    Builder::get().succeed(operation_.lib_name());
    return library_;
  }

 private:
  Source read_source(const fs::path& path, std::string command) const {
    auto text = path.empty() ? std::nullopt : read(path);
    if (!text) {
      throw std::runtime_error("[compile] MLX could not write a kernel.");
    }
    // The longest first.
    name_path(command, path, "source");
    name_path(command, library_of(path), "library");
    name_path(command, folder_->path(), "folder");
    name_path(command, include_path(), "includes");
    return {*text, std::move(command)};
  }

  static fs::path library_of(fs::path source) {
    return source.replace_extension(".so");
  }

  // MLX names it.
  fs::path find_source() const {
    auto folder = folder_->path() / "mlx" / mx::version() / "cpu";
    std::error_code error;
    fs::directory_iterator at(folder, error), end;
    return error || at == end ? fs::path() : at->path();
  }

  // From the store, where the library is whole and can be loaded: it may have
  // been made for another system.
  void load(const std::string& key) {
    Store store(place_->folder);
    auto bytes = store.find(key);
    auto path = folder_->library();
    if (bytes && write(path, *bytes)) {
      library_ = Libraries::load(path, key);
    }
    if (!library_) {
      store.remove(key);
    }
  }

  static thread_local Evaluation* current_;

  const mx::Compiled& operation_;
  Evaluation* outer_;
  bool looking_ = false;
  std::optional<Place> place_;
  std::optional<BuildFolder> folder_;
  void* library_ = nullptr;
};

thread_local Evaluation* Evaluation::current_ = nullptr;

// As a shell would, but without one: there may be none, and where there is no
// compiler either, nobody should wait to hear that.
bool has_compiler() {
  auto variable = Variables::of_kernels().find("PATH");
  std::istringstream folders(variable ? variable : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto path = fs::path(folder) / "g++";
    struct stat status;
    if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        access(path.c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

// What libmlx calls instead of functions of the system. MLX for CUDA calls
// these for other purposes, too.

fs::path temporary_directory() {
  auto evaluation = Evaluation::current();
  return evaluation ? evaluation->look() : fs::temp_directory_path();
}

FILE* open_pipe(const char* command, const char* mode) {
  auto evaluation = Evaluation::current();
  return evaluation ? evaluation->build(command) : popen(command, mode);
}

int close_pipe(FILE* pipe) {
  return Evaluation::current() ? fclose(pipe) : pclose(pipe);
}

void* open_library(const char* name, int mode) {
  auto evaluation = Evaluation::current();
  return evaluation ? evaluation->open() : dlopen(name, mode);
}

int run_command(const char* command) {
  if (command == std::string_view("g++ --version > /dev/null 2>&1")) {
    return has_compiler() ? 0 : 1;
  }
  return std::system(command);
}

struct Call {
  const char* name;
  void* function;
};

const Call calls[] = {
    {"_ZNSt10filesystem19temp_directory_pathB5cxx11Ev",
     reinterpret_cast<void*>(&temporary_directory)},
    {"popen", reinterpret_cast<void*>(&open_pipe)},
    {"pclose", reinterpret_cast<void*>(&close_pipe)},
    {"dlopen", reinterpret_cast<void*>(&open_library)},
    {"system", reinterpret_cast<void*>(&run_command)},
};

// By the addon that libmlx calls, if several are loaded. Tells whether libmlx
// calls what it is expected to.
bool redirect() {
  static bool redirected = [] {
    auto library = libmlx();
    for (auto& call : calls) {
      if (!library.calls(call.name)) {
        return false;
      }
    }
    for (auto& call : calls) {
      library.redirect(call.name, call.function);
    }
    return true;
  }();
  return redirected;
}

} // namespace

bool may_compile_kernels(napi_env env) {
  static bool may = [env] {
    Variables::read(env);
    return redirect() && find_place();
  }();
  return may;
}

} // namespace mlxjs

namespace mlx::core {

void Compiled::eval_cpu(
    const std::vector<array>& inputs,
    std::vector<array>& outputs) {
  using Function =
      void (*)(Compiled*, const std::vector<array>&, std::vector<array>&);
  static auto own = reinterpret_cast<Function>(dlsym(
      RTLD_NEXT,
      "_ZN3mlx4core8Compiled8eval_cpu"
      "ERKSt6vectorINS0_5arrayESaIS3_EERS5_"));
  auto& builder = mlxjs::Builder::get();
  if (mlxjs::redirect() &&
      !(builder.any_lacking() && builder.lacks(lib_name()))) {
    mlxjs::Evaluation evaluation(*this);
    try {
      own(this, inputs, outputs);
      return;
    } catch (const mlxjs::NoKernel&) {
    } catch (...) {
      if (!evaluation.is_looking()) {
        throw;
      }
      builder.fail(lib_name());
    }
  }
  mlxjs::evaluate_tape(*this, inputs, outputs);
}

} // namespace mlx::core
