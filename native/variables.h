#pragma once

#include <string>
#include <vector>

#include <napi.h>

namespace mlxjs {

// The environment's variables, for whoever looks for one on another thread than
// the one that sets process.env: in C, setting a variable moves the list that
// others may be reading. Workers see a copy of it that is their own.
class Variables {
 public:
  // As they were last read: when the addon was loaded, or since.
  static const Variables& latest();
  // As they were when a function was first called compiled.
  static const Variables& of_kernels();
  // Those that the thread of an environment sees.
  static void read(napi_env env);

  explicit Variables(std::vector<std::string> lines)
      : lines_(std::move(lines)) {}

  // None where it is not set.
  const char* find(const std::string& name) const;
  // As a process takes them.
  const std::vector<std::string>& lines() const {
    return lines_;
  }

 private:
  std::vector<std::string> lines_;
};

// What MLX is told of a variable.
const char* variable(const char* name);

} // namespace mlxjs
