#include "bind.h"

namespace mlxjs {

namespace {

double live_arrays(Environment& e) {
  e.arrays.sweep();
  return static_cast<double>(e.arrays.size());
}

double live_bytes(Environment& e) {
  e.arrays.sweep();
  return static_cast<double>(e.arrays.nbytes());
}

double report_memory(Environment& e) {
  return static_cast<double>(e.report_memory());
}

// Makes V8 mark its heap now, a little at a time and mostly on other threads:
// that is what it does where it sees much new memory.
void start_marking(Environment& e) {
  static constexpr int64_t much = 1 << 27;
  int64_t total;
  napi_adjust_external_memory(e.env, much, &total);
  napi_adjust_external_memory(e.env, -much, &total);
}

} // namespace

const std::vector<Binding> memory_bindings{
    LOCAL(live_arrays),
    LOCAL(live_bytes),
    LOCAL(report_memory),
    LOCAL(start_marking),
    BIND(size_t (*)(), get_active_memory),
    BIND(size_t (*)(), get_peak_memory),
    BIND(void (*)(), reset_peak_memory),
    BIND(size_t (*)(), get_cache_memory),
    BIND(size_t (*)(), get_memory_limit),
    BIND(size_t (*)(size_t), set_memory_limit),
    BIND(size_t (*)(size_t), set_cache_limit),
    BIND(size_t (*)(size_t), set_wired_limit),
    BIND(void (*)(), clear_cache),
    BIND(size_t (*)(const std::vector<mx::array>&), get_array_buffer_size),
};

} // namespace mlxjs
