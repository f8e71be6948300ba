#pragma once

#include <vector>

#include "mlx/primitives.h"

namespace mlxjs {

// Computes what a compiled operation is made of, one operation after the other,
// with no kernel.
void evaluate_tape(
    mlx::core::Compiled& compiled,
    const std::vector<mlx::core::array>& inputs,
    std::vector<mlx::core::array>& outputs);

} // namespace mlxjs
