#include "environment.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

#include "evaluation.h"
#include "graph.h"
#include "waiter.h"

namespace mlxjs {

void ArrayTable::check_size(const mx::array& a) {
  auto bytes = static_cast<int64_t>(a.itemsize());
  bool overflow = false;
  bool empty = false;
  for (auto n : a.shape()) {
    overflow |= __builtin_mul_overflow(bytes, n, &bytes);
    empty |= n == 0;
  }
  if (overflow && !empty) {
    std::ostringstream message;
    message << "Expected arrays of less than 2^63 bytes, received " << a.dtype()
            << " of shape " << a.shape() << ".";
    throw RangeError(message.str());
  }
}

Slot ArrayTable::put(mx::array&& a) {
  check_size(a);
  // Empties one slot for each array that is made, so that the allocator has at
  // hand what the next operation needs; more of them if many are waiting.
  sweep(1 + dead_.size() / 4096);
  nbytes_ += a.nbytes();
  if (interrupted_ == 0 && !emptied_.empty()) {
    free_.insert(free_.end(), emptied_.begin(), emptied_.end());
    emptied_.clear();
  }
  if (!free_.empty()) {
    auto slot = free_.back();
    free_.pop_back();
    entry(slot).array.emplace(std::move(a));
    return slot;
  }
  if (length_ == blocks_.size() * block_length) {
    blocks_.push_back(std::make_unique<Entry[]>(block_length));
  }
  auto slot = static_cast<Slot>(length_++);
  entry(slot).array.emplace(std::move(a));
  return slot;
}

void ArrayTable::not_there() {
  throw TypeError("Expected an array, received one that has been disposed.");
}

void ArrayTable::release(Slot slot) {
  at(slot);
  release(slot, generation(slot));
}

void ArrayTable::release(Slot slot, uint32_t generation) {
  auto& [array, current] = entry(slot);
  if (current != generation) {
    return;
  }
  current++;
  // Moved out first: freeing an array may free others' memory, and must find
  // the table in order.
  auto dead = std::move(*array);
  nbytes_ -= dead.nbytes();
  array.reset();
  (interrupted_ > 0 ? emptied_ : free_).push_back(slot);
  free_graph(dead);
}

void ArrayTable::release_later(Slot slot, uint32_t generation) {
  // At the end of the environment there are none any more.
  bool is_there = has(slot) && entry(slot).generation == generation;
  bool has_values = is_there && entry(slot).array->data_shared_ptr();
  (has_values ? dead_values_ : dead_).emplace_back(slot, generation);
}

void ArrayTable::sweep(size_t most) {
  auto empty = [&](auto& dead, size_t count) {
    for (; interrupted_ == 0 && count > 0 && !dead.empty(); count--) {
      auto [slot, generation] = dead.back();
      dead.pop_back();
      release(slot, generation);
    }
  };
  empty(dead_values_, SIZE_MAX);
  empty(dead_, most);
}

void ArrayTable::clear() {
  length_ = 0;
  blocks_.clear();
  free_.clear();
  emptied_.clear();
  dead_.clear();
  dead_values_.clear();
  nbytes_ = 0;
}

namespace {

bool makes_numbers_of_objects(napi_env env) {
  napi_value object;
  int32_t number;
  return napi_create_object(env, &object) == napi_ok &&
      napi_get_value_int32(env, object, &number) == napi_ok;
}

} // namespace

FunctionTable::FunctionTable(napi_env env, std::function<void()> dropped)
    : env_(env),
      when_dropped_(std::move(dropped)) {
  napi_value list;
  napi_create_array(env, &list);
  napi_create_reference(env, list, 1, &list_);
}

int FunctionTable::put(napi_value function) {
  sweep();
  auto place = length_;
  if (free_.empty()) {
    length_++;
  } else {
    place = free_.back();
    free_.pop_back();
  }
  napi_value list;
  napi_get_reference_value(env_, list_, &list);
  napi_set_element(env_, list, place, function);
  return place;
}

napi_value FunctionTable::at(int place) const {
  napi_value list, function;
  napi_get_reference_value(env_, list_, &list);
  napi_get_element(env_, list, place, &function);
  return function;
}

void FunctionTable::drop(int place) {
  std::lock_guard lock(mutex_);
  dropped_.push_back(place);
  if (when_dropped_) {
    when_dropped_();
  }
}

void FunctionTable::sweep() {
  std::vector<int> dropped;
  {
    // Nothing in here collects garbage, which could drop more.
    std::lock_guard lock(mutex_);
    dropped.swap(dropped_);
  }
  if (dropped.empty()) {
    return;
  }
  napi_value list, undefined;
  napi_get_reference_value(env_, list_, &list);
  napi_get_undefined(env_, &undefined);
  for (auto place : dropped) {
    napi_set_element(env_, list, place, undefined);
    free_.push_back(place);
  }
}

void FunctionTable::close() {
  {
    std::lock_guard lock(mutex_);
    when_dropped_ = nullptr;
  }
  napi_delete_reference(env_, list_);
}

Environment::Environment(napi_env env)
    : env(env),
      coerces(makes_numbers_of_objects(env)),
      scratch_array(
          Napi::Persistent(Napi::Float64Array::New(env, scratch_length))),
      scratch(scratch_array.Value().Data()),
      shared(reinterpret_cast<Shared*>(scratch + stack_length)),
      loop(env),
      arrays(shared->interrupted),
      owners(env),
      functions(
          std::make_shared<FunctionTable>(env, [this] { sweep_later(); })) {
  streams = {std::monostate{}, mx::Device::cpu, mx::Device::gpu};
}

Environment::~Environment() = default;

Environment& Environment::of(napi_env env) {
  void* data;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

const mx::array& Environment::random_key() {
  if (!random_state) {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    random_state = mx::random::key(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
  }
  return *random_state;
}

mx::array Environment::next_random_key() {
  auto [state, key] = mx::random::split(random_key());
  random_state = std::move(state);
  return key;
}

void Environment::sweep_later() {
  // Most calls end with this look, which costs less than the exchange.
  if (sweeps_later || sweeps_later.exchange(true)) {
    return;
  }
  loop.call_later([this] {
    sweeps_later = false;
    arrays.sweep();
    report_memory();
  });
}

int64_t Environment::report_memory() {
  auto active = static_cast<int64_t>(mx::get_active_memory());
  int64_t total;
  functions->sweep();
  // An evaluation takes memory for itself, which a GPU gives back some time
  // after its end. So while one is under way, and the first time after one,
  // only what arrays hold counts as new.
  bool under_way = evaluations && !evaluations->idle();
  if (std::exchange(has_evaluated, false) || under_way) {
    auto held = static_cast<int64_t>(arrays.nbytes());
    active = std::min(active, std::max(reported_memory, held));
  }
  // This may collect garbage at once, so the figures are brought up to date
  // before it.
  auto change = active - reported_memory;
  reported_memory = active;
  napi_adjust_external_memory(env, change, &total);
  return total;
}

} // namespace mlxjs
