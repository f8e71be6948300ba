#pragma once

#include <algorithm>
#include <limits>
#include <sstream>

#include "mlx/backend/cuda/cuda.h"

#include "convert.h"

// MLX does not look at indices: one outside of its axis reads or writes
// elsewhere in memory. What is known of them at the time of the call is
// checked here; those that a computation has yet to give are not.

namespace mlxjs {

template <typename T, typename F>
void each_of(const T* data, const mx::array& a, int dimension, const F& f) {
  if (dimension == static_cast<int>(a.ndim())) {
    if constexpr (std::is_same_v<T, uint64_t>) {
      auto most = static_cast<T>(std::numeric_limits<int64_t>::max());
      f(static_cast<int64_t>(std::min(*data, most)));
    } else {
      f(static_cast<int64_t>(*data));
    }
    return;
  }
  auto stride = a.strides()[dimension];
  for (int i = 0; i < a.shape(dimension); i++) {
    each_of(data + i * stride, a, dimension + 1, f);
  }
}

// Calls f for every value of an integer or boolean array if they are there.
// CUDA would have to copy them for that.
template <typename F>
void each_known(const mx::array& a, const F& f) {
  if (a.is_tracer() || !a.is_available() || a.data_shared_ptr() == nullptr ||
      mx::cu::is_available()) {
    return;
  }
  switch (a.dtype()) {
    case mx::bool_:
      return each_of(a.data<bool>(), a, 0, f);
    case mx::int8:
      return each_of(a.data<int8_t>(), a, 0, f);
    case mx::int16:
      return each_of(a.data<int16_t>(), a, 0, f);
    case mx::int32:
      return each_of(a.data<int32_t>(), a, 0, f);
    case mx::int64:
      return each_of(a.data<int64_t>(), a, 0, f);
    case mx::uint8:
      return each_of(a.data<uint8_t>(), a, 0, f);
    case mx::uint16:
      return each_of(a.data<uint16_t>(), a, 0, f);
    case mx::uint32:
      return each_of(a.data<uint32_t>(), a, 0, f);
    case mx::uint64:
      return each_of(a.data<uint64_t>(), a, 0, f);
    default:
      return;
  }
}

// Throws for an index outside of -size, or 0, to size - 1.
inline void check_index(
    int64_t index,
    int64_t size,
    const char* function,
    bool from_end = true) {
  auto least = from_end ? -size : 0;
  if (index < least || index >= size) {
    std::ostringstream msg;
    msg << "[" << function << "] indices: expected ";
    if (size == 0) {
      msg << "none";
    } else {
      msg << "integers from " << least << " to " << size - 1;
    }
    msg << " for an axis of size " << size << ", received " << index;
    throw RangeError(msg.str());
  }
}

inline void check_indices(
    const mx::array& indices,
    int64_t size,
    const char* function,
    bool from_end = true) {
  if (!mx::issubdtype(indices.dtype(), mx::integer)) {
    // MLX finds this out as late as in the evaluation for some, which it then
    // does not recover from.
    std::ostringstream msg;
    msg << "[" << function << "] indices: expected integers, received "
        << indices.dtype();
    throw TypeError(msg.str());
  }
  each_known(
      indices, [&](int64_t i) { check_index(i, size, function, from_end); });
}

// The same for indices of the matrices in a stack, of which MLX counts none
// from the end.
inline void check_matrices(
    const std::optional<mx::array>& indices,
    const mx::array& stack,
    const char* function) {
  if (!indices) {
    return;
  }
  int64_t count = 1;
  for (size_t i = 0; i + 2 < stack.ndim(); i++) {
    count *= stack.shape(i);
  }
  check_indices(*indices, count, function, false);
}

// The axis, counted from the end if it is negative; -1 if there is none such.
inline int find_axis(const mx::array& a, int axis) {
  int ndim = a.ndim();
  auto found = axis < 0 ? axis + ndim : axis;
  return found >= 0 && found < ndim ? found : -1;
}

} // namespace mlxjs
