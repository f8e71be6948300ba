#pragma once

#include <string>
#include <vector>

namespace mlxjs {

// The environment's variables, as they were when a function was first called
// compiled. Threads that compute or build look here: what they read in the
// system's own list a program may move at the same time, by setting
// process.env.
class Variables {
 public:
  // Read by whoever asks first, a thread of JavaScript's.
  static const Variables& get();

  // None where it is not set.
  const char* find(const std::string& name) const;
  // As a process takes them.
  const std::vector<std::string>& lines() const {
    return lines_;
  }

 private:
  Variables();

  std::vector<std::string> lines_;
};

} // namespace mlxjs
