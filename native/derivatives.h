#pragma once

#include "transforms.h"

namespace mlxjs::transforms {

enum class Derivative { vjp, jvp };

// The outputs of a function that is being differentiated, with other operations
// of the same value in the place of those whose derivatives MLX has wrong.
Arrays with_right_derivatives(Arrays outputs, Derivative derivative);

} // namespace mlxjs::transforms
