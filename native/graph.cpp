#include "graph.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <unordered_set>

#include "mlx/primitives.h"

#include "by_id.h"
#include "failed.h"

namespace mlxjs {

namespace {

// Where this thread's stack ends.
uintptr_t stack_end() {
  // Asking takes long where the stack is the main thread's.
  static thread_local uintptr_t end = [] {
#ifdef __APPLE__
    auto self = pthread_self();
    return reinterpret_cast<uintptr_t>(pthread_get_stackaddr_np(self)) -
        pthread_get_stacksize_np(self);
#else
    pthread_attr_t attributes;
    void* address = nullptr;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      pthread_attr_getstack(&attributes, &address, &size);
      pthread_attr_destroy(&attributes);
    }
    return reinterpret_cast<uintptr_t>(address);
#endif
  }();
  return end;
}

// Goes through a graph, inputs before what uses them. The height of an array is
// that of its highest input and 1, or what `met` makes of that, which is not 0.
template <typename F>
size_t walk(
    const std::vector<mx::array>& outputs,
    F met,
    const std::vector<mx::array>& starts = {}) {
  // The height 0 means that an array was not met.
  ById<size_t> heights;
  for (auto& start : starts) {
    heights[start.id()] = 1;
  }
  struct Step {
    const mx::array& array;
    size_t next_input = 0;
    size_t height = 1;
  };
  std::vector<Step> path;
  size_t highest = 0;
  for (auto& output : outputs) {
    if (heights[output.id()] != 0) {
      continue;
    }
    path.push_back({output});
    while (!path.empty()) {
      auto& step = path.back();
      auto& inputs = step.array.inputs();
      if (step.next_input < inputs.size()) {
        auto& input = inputs[step.next_input];
        auto height = heights[input.id()];
        if (height == 0) {
          path.push_back({input});
        } else {
          step.height = std::max(step.height, height + 1);
          step.next_input++;
        }
      } else {
        highest = std::max(highest, step.height);
        heights[step.array.id()] = met(step.array, step.height);
        path.pop_back();
      }
    }
  }
  return highest;
}

} // namespace

bool tracing() {
  static const auto& tracer = [] {
    auto a = new mx::array({}, mx::bool_, nullptr, {});
    a->set_tracer(true);
    return *a;
  }();
  return tracer.is_tracer();
}

bool is_for_all_shapes(const mx::array& traced) {
  // MLX counts elements in the graph only then.
  return traced.is_tracer() &&
      mx::number_of_elements(traced, {}, false, mx::int32).has_primitive();
}

size_t deepest_graph() {
  // The most that MLX was seen to take for one operation is 190 bytes.
  constexpr size_t for_one = 512;
  // What MLX takes beside the operations.
  constexpr size_t for_all = 1 << 15;
  constexpr size_t least = 16;
  auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  auto left = here - stack_end();
  return left < for_all ? least : std::max(least, (left - for_all) / for_one);
}

size_t depth_of(const std::vector<mx::array>& outputs) {
  return walk(outputs, [](auto&, size_t height) { return height; });
}

void in_order(
    const std::vector<mx::array>& outputs,
    const std::function<void(const mx::array&)>& f) {
  walk(outputs, [&](const mx::array& a, size_t height) {
    f(a);
    return height;
  });
}

void visit(
    const std::vector<mx::array>& outputs,
    const std::vector<mx::array>& starts,
    const std::function<void(mx::array&)>& f) {
  std::unordered_set<std::uintptr_t> seen;
  for (auto& a : starts) {
    seen.insert(a.id());
  }
  std::vector<mx::array> left(outputs);
  while (!left.empty()) {
    auto a = std::move(left.back());
    left.pop_back();
    if (seen.insert(a.id()).second) {
      for (auto& sibling : a.siblings()) {
        seen.insert(sibling.id());
      }
      left.insert(left.end(), a.inputs().begin(), a.inputs().end());
      f(a);
    }
  }
}

// MLX's own way fills a table with the inputs of each array that it frees,
// which takes a tenth of the time of a small operation. Here inputs are taken
// from an array before it is freed. Those of arrays with siblings are left to
// MLX.
void free_graph(mx::array& a) {
  auto is_free = [](const mx::array& x) {
    if (holders_of(x) != 1 || x.inputs().empty() || !x.siblings().empty()) {
      return false;
    }
    // Another thread may have held it until now.
    std::atomic_thread_fence(std::memory_order_acquire);
    return true;
  };
  std::vector<mx::array> left;
  auto take_inputs = [&](mx::array& x) {
    auto inputs = std::move(x.inputs());
    // One after the other: an array may be several of the inputs.
    for (; !inputs.empty(); inputs.pop_back()) {
      if (is_free(inputs.back())) {
        left.push_back(std::move(inputs.back()));
      }
    }
  };
  if (is_free(a)) {
    take_inputs(a);
  }
  while (!left.empty()) {
    auto x = std::move(left.back());
    left.pop_back();
    take_inputs(x);
  }
}

std::vector<mx::array> waypoints(
    const std::vector<mx::array>& outputs,
    const std::function<void(const mx::array&)>& met,
    const std::vector<mx::array>& starts) {
  std::vector<mx::array> out;
  auto deepest = deepest_graph();
  auto height_of = [&](const mx::array& a, size_t height) -> size_t {
    if (met) {
      met(a);
    }
    if (height < deepest) {
      return height;
    }
    out.push_back(a);
    return 1;
  };
  walk(outputs, height_of, starts);
  return out;
}

Route route(
    std::vector<mx::array> outputs,
    const std::function<void(const mx::array&)>& met,
    const std::vector<mx::array>& starts) {
  std::vector<mx::array> out;
  for (auto& a : waypoints(outputs, met, starts)) {
    out.push_back(mx::stop_gradient(a, a.primitive().stream()));
  }
  auto count = out.size();
  out.insert(
      out.end(),
      std::make_move_iterator(outputs.begin()),
      std::make_move_iterator(outputs.end()));
  return {std::move(out), count};
}

} // namespace mlxjs
