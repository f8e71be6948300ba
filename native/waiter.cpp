#include "waiter.h"

namespace mlxjs {

Waiter::Waiter(Environment& e) : loop_(e.loop) {
  // Before the event loop's own: hooks run in the reverse order.
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
}

void Waiter::wait(std::vector<Check> checks, Then then) {
  // Only a wait under way keeps the event loop going.
  loop_.hold();
  auto done = [this, then = std::move(then)] {
    loop_.let_go();
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
    // One after the other, each in a turn of the event loop: what comes while
    // one runs would follow it in the same turn.
    bool called = false;
    loop_.call_later([&, then = std::move(task.then)] {
      then();
      std::lock_guard inner(mutex_);
      called = true;
      changed_.notify_one();
    });
    lock.lock();
    changed_.wait(lock, [&] { return closing_ || called; });
  }
}

} // namespace mlxjs
