#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <queue>
#include <set>
#include <thread>

#include "environment.h"

namespace mlxjs {

// Waits for what MLX computes on a thread of its own and then calls back on the
// thread of its environment, which meanwhile runs its event loop.
class Waiter {
 public:
  explicit Waiter(Environment& e);
  // Waits for what is computing now.
  ~Waiter();

  // What it is told: the error that the computation ended with, if any.
  using Then = std::function<void(std::exception_ptr)>;

  // For the arrays, and for all that the streams have been given so far.
  void wait(
      const std::vector<mx::array>& arrays,
      std::set<mx::Stream> streams,
      Then then);

 private:
  struct Task {
    // On a stream of the CPU.
    std::vector<std::future<void>> checks;
    // On a GPU.
    std::vector<mx::array> marks;
    Then then;
  };

  void run();

  Environment& environment_;
  napi_threadsafe_function callback_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<Task> tasks_;
  size_t waiting_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

} // namespace mlxjs
