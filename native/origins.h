#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "failed.h"

namespace mlxjs {

// The error of an evaluation, with what is known of the operation that failed:
// MLX's name of it, and the JavaScript calls that made it.
struct EvaluationError : std::runtime_error {
  // Makes one of an error. An error of another evaluation is one already, and
  // is given as it is.
  static std::exception_ptr of(
      const std::exception_ptr& error,
      const std::string& operation,
      std::shared_ptr<const std::string> calls);

  std::exception_ptr cause;
  std::string operation;
  std::shared_ptr<const std::string> calls;

 private:
  EvaluationError(const std::exception& cause, std::exception_ptr error)
      : runtime_error(cause.what()),
        cause(std::move(error)) {}
};

// Which calls of JavaScript's made arrays, while somebody wants to know.
class Origins {
 public:
  using Calls = std::shared_ptr<const std::string>;
  static Origins& of_thread();

  void note(const mx::array& a, std::string calls);
  Calls of(const mx::array& a) const;
  bool empty() const {
    return known_.empty();
  }
  void clear() {
    known_.clear();
  }

 private:
  struct Known {
    // Keeps other arrays from getting its id.
    WeakArray array;
    Calls calls;
  };
  std::unordered_map<std::uintptr_t, Known> known_;
  // When there are more than this, those of arrays that are gone are removed.
  size_t most_ = 1024;
};

} // namespace mlxjs
