#pragma once

#include "environment.h"

namespace mlxjs {

// MLX's kernels divide by the sizes of their inputs, and a GPU may read a
// result that they gave no memory. Where one of an operation's inputs has no
// elements there is nothing to compute or to sum: the result is zeros of its
// shape.
template <typename... Inputs>
mx::array unless_empty(
    const mx::array& out,
    mx::StreamOrDevice s,
    const Inputs&... inputs) {
  return ((inputs.size() == 0) || ...) ? mx::zeros(out.shape(), out.dtype(), s)
                                       : out;
}

// MLX's reductions over an axis without elements never end if the array is
// transposed in memory. They take another path if it is row-major.
inline mx::array in_order_if_empty(const mx::array& a, mx::StreamOrDevice s) {
  return a.size() == 0 ? mx::contiguous(a, false, s) : a;
}

} // namespace mlxjs
