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
  // After this, no function is called any more.
  void close();

  using Task = std::function<void()>;
  // Has a function called in another turn of the event loop, unless the
  // environment ends before. It may be called on any thread, also inside of a
  // garbage collection.
  void call_later(Task task);

  // Keeps the event loop going until let_go() was called as often as this.
  void hold();
  void let_go();

 private:
  napi_env env_;
  std::mutex mutex_;
  // Null once it is closed.
  napi_threadsafe_function function_ = nullptr;
  size_t holds_ = 0;
};

} // namespace mlxjs
