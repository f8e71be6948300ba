#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "mlx/backend/cuda/cuda.h"

#include "convert.h"

// MLX does not look at indices: one outside of its axis reads or writes
// elsewhere in memory. Here is what every index passes before MLX gets it.
// Those whose values are there are checked at once. The others go through an
// operation that checks them when they are computed. A GPU cannot throw, so
// there they are clamped where something is read; what would be written is
// dropped.

namespace mlxjs {

// The integers that are places of an axis, or starts of parts of it.
struct Bounds {
  int64_t least, most;
  // The size of the axis, and that of a part.
  int64_t size, part = 1;

  static Bounds of(int64_t size) {
    return {-size, size - 1, size};
  }
  static Bounds of_part(int64_t size, int64_t part) {
    return {0, size - part, size, part};
  }
  // For a part of an axis. A part of size 1 is an index, which may be negative.
  static Bounds of_index(int64_t size, int64_t part) {
    return part == 1 ? of(size) : of_part(size, part);
  }

  // For the matrices in a stack, which MLX does not count from the end.
  static Bounds of_matrices(const mx::array& stack) {
    int64_t count = 1;
    for (size_t i = 0; i + 2 < stack.ndim(); i++) {
      count *= stack.shape(i);
    }
    return {0, count - 1, count};
  }

  bool has(int64_t i) const {
    return least <= i && i <= most;
  }
  // Whether all numbers of an integer dtype are within the bounds.
  bool has_all(mx::Dtype dtype) const;
  bool operator==(const Bounds&) const = default;
};

// Whose indices they are, for messages: a function and its parameter.
struct Caller {
  std::string_view function;
  std::string_view parameter = "indices";
  // Whether the indices count the parts that a mask selects.
  bool of_mask = false;
  bool operator==(const Caller&) const = default;
};

[[noreturn]] void
refuse_index(int64_t index, const Bounds& bounds, const Caller& caller);

inline void
check_index(int64_t index, const Bounds& bounds, const Caller& caller) {
  if (!bounds.has(index)) {
    refuse_index(index, bounds, caller);
  }
}

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

// Calls f with the data of an integer array.
template <typename F>
void with_integers(const mx::array& a, const F& f) {
  switch (a.dtype()) {
    case mx::int8:
      return f(a.data<int8_t>());
    case mx::int16:
      return f(a.data<int16_t>());
    case mx::int32:
      return f(a.data<int32_t>());
    case mx::int64:
      return f(a.data<int64_t>());
    case mx::uint8:
      return f(a.data<uint8_t>());
    case mx::uint16:
      return f(a.data<uint16_t>());
    case mx::uint32:
      return f(a.data<uint32_t>());
    case mx::uint64:
      return f(a.data<uint64_t>());
    default:
      return;
  }
}

// Whether the values are there and can be read. CUDA would have to copy them
// for that.
inline bool is_known(const mx::array& a) {
  return !a.is_tracer() && a.is_available() && a.data_shared_ptr() != nullptr &&
      !mx::cu::is_available();
}

// Calls f for every value of an integer or boolean array if they are there.
template <typename F>
void each_known(const mx::array& a, const F& f) {
  if (!is_known(a)) {
    return;
  }
  if (a.dtype() == mx::bool_) {
    return each_of(a.data<bool>(), a, 0, f);
  }
  with_integers(a, [&](auto data) { each_of(data, a, 0, f); });
}

// Indices to read at, as they are or clamped.
mx::array checked(
    const mx::array& indices,
    const Bounds& bounds,
    const Caller& caller,
    mx::StreamOrDevice s);

// Indices of the matrices in a stack.
std::optional<mx::array> checked_matrices(
    const std::optional<mx::array>& indices,
    const mx::array& stack,
    const char* function,
    mx::StreamOrDevice s);

// The first places of a part of the array along some axes, to read it from.
mx::array checked_starts(
    const mx::array& starts,
    const mx::array& a,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice s);

// A mask that selects at most so many parts in each of its groups, which are
// along its first axis if there are several.
mx::array checked_mask(
    const mx::array& mask,
    int groups,
    int64_t parts,
    const char* function,
    mx::StreamOrDevice s);

// Whether a part of such a shape lies within an array.
bool lies_within(
    const mx::Shape& part,
    const mx::Shape& start,
    const mx::Shape& step,
    const mx::Shape& shape);

// The message, if an error tells of an index that was wrong when it was
// computed: of what a stream's thread throws nothing is left but the text.
std::optional<std::string> late_range_error(const char* text);

using Write = std::function<
    mx::array(const mx::array& a, const std::vector<mx::array>& indices)>;

// The result of a function that writes parts of the array, each of which begins
// where the indices of the axes say. `part` is the size of a part along the
// axes of the array.
mx::array written(
    const mx::array& a,
    std::vector<mx::array> indices,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice s,
    const Write& write);

// The same for a function that writes one part.
mx::array part_written(
    const mx::array& a,
    const mx::array& starts,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice s,
    const std::function<mx::array(const mx::array& starts)>& write);

// Gives every operation of a graph other inputs.
void replace_inputs(
    const std::vector<mx::array>& outputs,
    const std::vector<mx::array>& inputs,
    const std::function<mx::array(const mx::array&)>& replaced);

// Whose indices an array is, if they were checked and at most given another
// shape or dtype since.
std::optional<Caller> caller_of(const mx::array& a);

// An array as it was before it was checked.
const mx::array& before_checks(const mx::array& a);

// Takes the operations that MLX does not know out of a graph that is to be
// written to a file. Indices that do not depend on the function's inputs are
// computed, and so checked; operations of fused.h never depend on them.
void take_out_checks(
    Environment& e,
    std::vector<mx::array>& outputs,
    const std::vector<mx::array>& inputs);

// The number of an axis, which counts from the end if it is negative; -1 if
// there is no such axis.
inline int find_axis(const mx::array& a, int axis) {
  int ndim = a.ndim();
  auto found = axis < 0 ? axis + ndim : axis;
  return found >= 0 && found < ndim ? found : -1;
}

} // namespace mlxjs
