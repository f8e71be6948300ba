#pragma once

#include "mlx/array.h"
#include "mlx/primitives.h"

namespace mlxjs {

// MLX's products of quantized matrices and of half precision are slow on the
// CPU under Linux, so the addon has its own: linux/products.cpp says how. It is
// called with an operation before the first of its kind is computed, on a
// thread of JavaScript's.
#ifdef MLX_JS_OWN_PRODUCTS
constexpr bool has_own_products = true;
void take_over(mlx::core::Primitive& operation);
#else
constexpr bool has_own_products = false;
inline void take_over(mlx::core::Primitive&) {}
#endif

// Whether there is a Hadamard matrix for the last axis of an array: of 2^k
// rows, or 12, 20 or 28 times as many. MLX takes all multiples of these for
// such sizes, and would write beyond the array.
bool has_hadamard_matrix(const mlx::core::array& a);

} // namespace mlxjs
