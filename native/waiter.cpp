#include "waiter.h"

#include "bind.h"

namespace mlxjs {

namespace {

void call_back(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Waiter::Then> then(static_cast<Waiter::Then*>(data));
  // Without an environment it is leaving: nobody is there to be told.
  if (env != nullptr) {
    (*then)();
  }
}

} // namespace

Waiter::Waiter(Environment& e) : environment_(e) {
  napi_value name;
  napi_create_string_utf8(e.env, "mlx-js", NAPI_AUTO_LENGTH, &name);
  auto status = napi_create_threadsafe_function(
      e.env,
      nullptr,
      nullptr,
      name,
      0,
      1,
      nullptr,
      nullptr,
      nullptr,
      call_back,
      &callback_);
  check(status, "a running environment");
  // Only a wait under way keeps the event loop alive.
  napi_unref_threadsafe_function(e.env, callback_);
  // Hooks run in the reverse order, so this one before that of the function,
  // which it has to release: Node 24 would wait for ever afterwards.
  napi_add_env_cleanup_hook(
      e.env,
      [](void* data) { static_cast<Environment*>(data)->waiter.reset(); },
      &e);
  thread_ = std::thread([this] { run(); });
}

Waiter::~Waiter() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
  napi_release_threadsafe_function(callback_, napi_tsfn_abort);
}

void Waiter::wait(std::vector<Check> checks, Then then) {
  if (waiting_++ == 0) {
    napi_ref_threadsafe_function(environment_.env, callback_);
  }
  auto done = [this, then = std::move(then)] {
    if (--waiting_ == 0) {
      napi_unref_threadsafe_function(environment_.env, callback_);
    }
    then();
  };
  {
    std::lock_guard lock(mutex_);
    tasks_.push({std::move(checks), std::move(done)});
  }
  changed_.notify_one();
}

void Waiter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !tasks_.empty(); });
    if (closing_) {
      return;
    }
    auto task = std::move(tasks_.front());
    tasks_.pop();
    lock.unlock();
    for (auto& check : task.checks) {
      check.wait();
    }
    auto then = std::make_unique<Then>(std::move(task.then));
    auto status = napi_call_threadsafe_function(
        callback_, then.get(), napi_tsfn_blocking);
    if (status == napi_ok) {
      then.release();
    }
    lock.lock();
  }
}

} // namespace mlxjs
