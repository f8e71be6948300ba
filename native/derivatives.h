#pragma once

#include "transforms.h"

namespace mlxjs::transforms {

enum class Derivative { vjp, jvp };

// Whether MLX has the derivative of the operation wrong.
bool has_wrong_derivative(const mx::array& a, Derivative derivative);

// The outputs of a function that is being differentiated, with other operations
// of the same value in place of those whose derivative MLX has wrong.
Arrays with_right_derivatives(Arrays outputs, Derivative derivative);

} // namespace mlxjs::transforms
