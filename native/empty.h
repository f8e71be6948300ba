#pragma once

#include "environment.h"

namespace mlxjs {

// MLX's kernels divide by the sizes of what they are given, and leave a result
// without memory that a GPU may look at. Where one of an operation's inputs has
// no elements there is nothing to compute or to sum: the result is zeros of its
// shape.
template <typename... Inputs>
mx::array unless_empty(
    const mx::array& out,
    mx::StreamOrDevice s,
    const Inputs&... inputs) {
  return ((inputs.size() == 0) || ...) ? mx::zeros(out.shape(), out.dtype(), s)
                                       : out;
}

// MLX's reductions never end over an axis without elements of an array that
// lies transposed in memory. One that is laid out in order takes another way.
inline mx::array in_order_if_empty(const mx::array& a, mx::StreamOrDevice s) {
  return a.size() == 0 ? mx::contiguous(a, false, s) : a;
}

} // namespace mlxjs
