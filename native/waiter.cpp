#include "waiter.h"

#include "bind.h"
#include "streams.h"

namespace mlxjs {

namespace {

struct Message {
  Waiter::Then then;
  std::exception_ptr error;
};

void call_back(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Message> message(static_cast<Message*>(data));
  // Without an environment it is leaving: nobody is there to be told.
  if (env != nullptr) {
    message->then(message->error);
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

void Waiter::wait(
    const std::vector<mx::array>& arrays,
    std::set<mx::Stream> streams,
    Then then) {
  // An array's own wait changes its state, which belongs to the thread that
  // made it; so the other thread waits for the same events on arrays of its
  // own, which have nothing else.
  std::vector<mx::array> marks;
  for (auto& a : arrays) {
    if (!a.event().valid()) {
      continue;
    }
    auto& stream = a.event().stream();
    if (stream.device == mx::Device::gpu) {
      auto& mark = marks.emplace_back(
          mx::Shape{}, mx::bool_, nullptr, std::vector<mx::array>{});
      mark.attach_event(a.event());
      mark.set_status(mx::array::Status::evaluated);
    } else {
      streams.insert(stream);
    }
  }
  std::vector<std::future<void>> checks;
  for (auto& s : streams) {
    checks.push_back(check_error(s));
  }
  if (waiting_++ == 0) {
    napi_ref_threadsafe_function(environment_.env, callback_);
  }
  auto done = [this, then = std::move(then)](std::exception_ptr error) {
    if (--waiting_ == 0) {
      napi_unref_threadsafe_function(environment_.env, callback_);
    }
    then(error);
  };
  {
    std::lock_guard lock(mutex_);
    tasks_.push({std::move(checks), std::move(marks), std::move(done)});
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
    auto message =
        std::make_unique<Message>(Message{std::move(task.then), nullptr});
    auto wait = [&](auto wait_for_one) {
      try {
        wait_for_one();
      } catch (...) {
        message->error = std::current_exception();
      }
    };
    for (auto& check : task.checks) {
      wait([&] { check.get(); });
    }
    for (auto& mark : task.marks) {
      wait([&] { mark.wait(); });
    }
    task.marks.clear();
    auto status = napi_call_threadsafe_function(
        callback_, message.get(), napi_tsfn_blocking);
    if (status == napi_ok) {
      message.release();
    }
    lock.lock();
  }
}

} // namespace mlxjs
