#pragma once

#include <memory>
#include <vector>

#include "mlx/io/load.h"
#include "mlx/mlx.h"

namespace mlxjs {

namespace mx = mlx::core;

// A tensor of a gguf file, whose values start at a place: one array, or, for
// those types that MLX has as quantized ones, weights, scales and biases. The
// shape and the type have been checked. Values are read when they are needed,
// by the CPU.
std::vector<mx::array> load_gguf_tensor(
    std::shared_ptr<mx::io::Reader> reader,
    size_t start,
    int type,
    const mx::Shape& shape,
    mx::StreamOrDevice s);

} // namespace mlxjs
