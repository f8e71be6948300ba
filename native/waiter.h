#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>

#include "environment.h"
#include "streams.h"

namespace mlxjs {

// Waits for what MLX computes on a thread of its own and then calls back on the
// thread of its environment, which meanwhile runs its event loop.
class Waiter {
 public:
  explicit Waiter(Environment& e);
  // Waits for what is computing now.
  ~Waiter();

  using Then = std::function<void()>;

  // Waits until all checks are done, whatever they say.
  void wait(std::vector<Check> checks, Then then);

 private:
  struct Task {
    std::vector<Check> checks;
    Then then;
  };

  void run();

  EventLoop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<Task> tasks_;
  bool closing_ = false;
  std::thread thread_;
};

} // namespace mlxjs
