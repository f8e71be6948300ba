#include "streams.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "mlx/scheduler.h"

namespace mlxjs {

namespace {

// Only streams that any thread may use can change hands. MLX finds them in a
// table that it does not lock, so all are made before the first is used. More
// workers than these at once get streams of their own.
struct Pool {
  static constexpr size_t size = 64;
  std::mutex mutex;
  std::vector<mx::Stream> idle;
  // Never used: these have no thread yet.
  std::vector<mx::Stream> fresh;
};

std::atomic<bool> pooled = false;

// Never destroyed, since threads of streams may outlive static objects.
Pool& pool() {
  static auto out = [] {
    auto pool = new Pool;
    for (size_t i = 0; i < Pool::size; i++) {
      pool->fresh.push_back(mx::new_thread_unsafe_stream(mx::Device::cpu));
    }
    pooled = true;
    return pool;
  }();
  return *out;
}

thread_local std::optional<std::vector<mx::Stream>> borrowed;

std::optional<mx::Stream> take(std::vector<mx::Stream>& streams) {
  if (streams.empty()) {
    return std::nullopt;
  }
  auto out = streams.back();
  streams.pop_back();
  return out;
}

std::optional<mx::Stream> borrow() {
  auto& p = pool();
  std::optional<mx::Stream> out;
  {
    std::lock_guard lock(p.mutex);
    out = take(p.idle);
    if (!out) {
      out = take(p.fresh);
      return out;
    }
  }
  try {
    mx::scheduler::check_error(*out);
  } catch (...) {
    // The error of a computation whose worker is gone.
  }
  return out;
}

} // namespace

void borrow_default_stream() {
  borrowed.emplace();
  if (auto s = borrow()) {
    borrowed->push_back(*s);
    mx::set_default_stream(*s);
  }
}

mx::Stream new_stream_of_thread(mx::Device d) {
  if (borrowed && d == mx::Device::cpu) {
    if (auto s = borrow()) {
      borrowed->push_back(*s);
      return *s;
    }
  }
  return mx::new_stream(d);
}

mx::Stream new_shared_stream(mx::Device d) {
  if (d == mx::Device::cpu) {
    auto& p = pool();
    std::lock_guard lock(p.mutex);
    if (auto s = take(p.fresh)) {
      return *s;
    }
  }
  return mx::new_thread_unsafe_stream(d);
}

void return_streams() {
  if (!borrowed) {
    return;
  }
  for (auto& s : *borrowed) {
    mx::scheduler::enqueue(s, [s] {
      auto& p = pool();
      std::lock_guard lock(p.mutex);
      p.idle.push_back(s);
    });
  }
  borrowed.reset();
}

std::vector<mx::Stream> busy_streams() {
  auto out = mx::get_streams();
  std::erase_if(out, [](auto& s) { return s.device != mx::Device::cpu; });
  if (!pooled) {
    return out;
  }
  auto& p = pool();
  std::lock_guard lock(p.mutex);
  std::erase_if(out, [&](auto& s) {
    return std::find(p.fresh.begin(), p.fresh.end(), s) != p.fresh.end();
  });
  return out;
}

namespace {

thread_local bool gives_work = false;

} // namespace

void meet_thread() {
  gives_work = true;
}

void after_work(std::function<void()> then) {
  // Called by whoever is the last to let go of it.
  std::shared_ptr<void> all(
      nullptr, [then = std::move(then)](void*) { then(); });
  if (!gives_work) {
    return;
  }
  for (auto& s : busy_streams()) {
    mx::scheduler::enqueue(s, [all] {});
  }
}

void wait_for_streams() {
  auto done = std::make_shared<std::promise<void>>();
  auto all = done->get_future();
  after_work([done] { done->set_value(); });
  all.wait();
}

Check check(mx::Stream s) {
  auto checked = std::make_shared<std::promise<void>>();
  Check check = checked->get_future().share();
  mx::scheduler::enqueue(s, [s, checked = std::move(checked)] {
    try {
      mx::scheduler::check_error(s);
      checked->set_value();
    } catch (...) {
      checked->set_exception(std::current_exception());
    }
  });
  return check;
}

Check check(mx::Event event) {
  // An array's own wait changes its state, which belongs to the thread that
  // made it; so this waits for the same event on an array that has nothing
  // else.
  mx::array mark({}, mx::bool_, nullptr, {});
  mark.attach_event(std::move(event));
  mark.set_status(mx::array::Status::evaluated);
  auto wait = [mark = std::move(mark)]() mutable { mark.wait(); };
  return std::async(std::launch::deferred, std::move(wait)).share();
}

namespace {

using Scheduler = mx::scheduler::Scheduler;

// What MLX counts is private to it. An explicit instantiation may name what is
// private.
struct Tasks {};
struct Mutex {};
int Scheduler::* part(Tasks);
std::mutex Scheduler::* part(Mutex);

template <typename Name, auto member>
struct Open {
  friend auto part(Name) -> decltype(member) {
    return member;
  }
};

template struct Open<Tasks, &Scheduler::n_active_tasks_>;
template struct Open<Mutex, &Scheduler::mtx>;

// More than there ever are.
constexpr int many_tasks = 1 << 24;

void change_tasks(int difference) {
  auto& scheduler = mx::scheduler::scheduler();
  std::lock_guard lock(scheduler.*part(Mutex()));
  scheduler.*part(Tasks()) += difference;
}

} // namespace

Unthrottled::Unthrottled() {
  change_tasks(-many_tasks);
}

Unthrottled::~Unthrottled() {
  change_tasks(many_tasks);
}

} // namespace mlxjs
