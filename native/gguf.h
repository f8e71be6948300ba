#pragma once

#include "tensor.h"

namespace mlxjs {

// What a tensor of a gguf file becomes whose type is none of MLX's dtypes: one
// array, or, for those types that MLX has as quantized ones, weights, scales
// and biases. The shape and the type have been checked.
Unpacked unpacked_gguf(int type, const mx::Shape& shape);

} // namespace mlxjs
