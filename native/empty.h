#pragma once

#include "environment.h"

namespace mlxjs {

// MLX's kernels divide by the sizes of what they are given. Where one of an
// operation's inputs has no elements there is nothing to compute or to sum:
// the result is zeros of its shape.
template <typename... Inputs>
mx::array unless_empty(
    const mx::array& out,
    mx::StreamOrDevice s,
    const Inputs&... inputs) {
  return ((inputs.size() == 0) || ...) ? mx::zeros(out.shape(), out.dtype(), s)
                                       : out;
}

} // namespace mlxjs
