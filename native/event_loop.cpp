#include "event_loop.h"

#include <memory>

#include "convert.h"

namespace mlxjs {

namespace {

void call(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<EventLoop::Task> task(static_cast<EventLoop::Task*>(data));
  // Without an environment it is leaving: nobody is there to be told.
  if (env != nullptr) {
    Napi::HandleScope scope(env);
    (*task)();
  }
}

} // namespace

EventLoop::EventLoop(napi_env env) : env_(env) {
  napi_value name;
  napi_create_string_utf8(env, "mlx-js", NAPI_AUTO_LENGTH, &name);
  auto status = napi_create_threadsafe_function(
      env,
      nullptr,
      nullptr,
      name,
      0,
      1,
      nullptr,
      nullptr,
      nullptr,
      call,
      &function_);
  check(status, "a running environment");
  napi_unref_threadsafe_function(env, function_);
  // Hooks run in the reverse order, so this one before that of the function,
  // which it has to release: Node 24 would wait for ever afterwards.
  napi_add_env_cleanup_hook(
      env, [](void* data) { static_cast<EventLoop*>(data)->close(); }, this);
}

void EventLoop::close() {
  std::lock_guard lock(mutex_);
  if (function_ != nullptr) {
    napi_release_threadsafe_function(function_, napi_tsfn_abort);
    function_ = nullptr;
  }
}

void EventLoop::call_later(Task task) {
  auto data = std::make_unique<Task>(std::move(task));
  std::lock_guard lock(mutex_);
  if (function_ != nullptr &&
      napi_call_threadsafe_function(
          function_, data.get(), napi_tsfn_nonblocking) == napi_ok) {
    data.release();
  }
}

void EventLoop::hold() {
  if (holds_++ == 0) {
    napi_ref_threadsafe_function(env_, function_);
  }
}

void EventLoop::let_go() {
  if (--holds_ == 0) {
    napi_unref_threadsafe_function(env_, function_);
  }
}

} // namespace mlxjs
