#pragma once

#include <optional>

#include "mlx/mlx.h"

namespace mlxjs {

namespace mx = mlx::core;

// Without a GPU, MLX puts normalizations and rotary positions together from
// small operations: an RMS norm from 11, a layer norm from 18, a rotation from
// 29, which is more than half of what a language model's token has. Under Linux
// each of these is one operation, with the same values to the last bit:
// linux/fused.cpp. The functions give nothing for what is left to MLX: all that
// a transformation looks at, devices that have a kernel of their own, and what
// is to be refused.
#ifdef __linux__
std::optional<mx::array> fused_rms_norm(
    const mx::array& x,
    const std::optional<mx::array>& weight,
    float eps,
    mx::StreamOrDevice s);
std::optional<mx::array> fused_layer_norm(
    const mx::array& x,
    const std::optional<mx::array>& weight,
    const std::optional<mx::array>& bias,
    float eps,
    mx::StreamOrDevice s);
std::optional<mx::array> fused_rope(
    const mx::array& x,
    int dims,
    bool traditional,
    std::optional<float> base,
    float scale,
    const mx::array& offset,
    const std::optional<mx::array>& freqs,
    mx::StreamOrDevice s);
#else
template <typename... Arguments>
std::optional<mx::array> fused_rms_norm(const Arguments&...) {
  return std::nullopt;
}
template <typename... Arguments>
std::optional<mx::array> fused_layer_norm(const Arguments&...) {
  return std::nullopt;
}
template <typename... Arguments>
std::optional<mx::array> fused_rope(const Arguments&...) {
  return std::nullopt;
}
#endif

} // namespace mlxjs
