#pragma once

#include <functional>
#include <mutex>

#include <napi.h>

namespace mlxjs {

// The event loop of an environment, as other threads and garbage collections
// reach it. By itself it keeps nothing alive.
class EventLoop {
 public:
  explicit EventLoop(napi_env env);
  // No function is called any more.
  void close();

  using Task = std::function<void()>;
  // Has a function called in another turn, unless the environment ends before.
  // From any thread, also inside of a garbage collection.
  void call_later(Task task);

  // Keeps the event loop going until as many calls of let_go().
  void hold();
  void let_go();

 private:
  napi_env env_;
  std::mutex mutex_;
  // None, once it is closed.
  napi_threadsafe_function function_ = nullptr;
  size_t holds_ = 0;
};

} // namespace mlxjs
