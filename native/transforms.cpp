#include "mlx/mlx.h"
#include "mlx/transforms_impl.h"

#include "callback.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

// A function of JavaScript's as MLX calls it, for as long as this call lasts.
std::function<Arrays(const Arrays&)> traced(
    Environment& e,
    napi_value function) {
  return [&e, function](const Arrays& inputs) {
    return Convert<Arrays>::read(e, call_back(e, function, inputs));
  };
}

// The second list follows the first.
Arrays joined(std::pair<Arrays, Arrays> both) {
  auto [first, second] = std::move(both);
  first.insert(
      first.end(),
      std::make_move_iterator(second.begin()),
      std::make_move_iterator(second.end()));
  return first;
}

// The outputs of a function, then the gradients of the first with respect to
// the inputs of the given positions.
Arrays value_and_grad(
    Environment& e,
    Napi::Function function,
    Arrays inputs,
    std::vector<int> argnums) {
  return joined(mx::value_and_grad(traced(e, function), argnums)(inputs));
}

// The outputs of a function, then for each of them its Jacobian times the
// tangents.
Arrays
jvp(Environment& e, Napi::Function function, Arrays primals, Arrays tangents) {
  return joined(mx::jvp(traced(e, function), primals, tangents));
}

// The outputs of a function, then for each primal the cotangents times the
// Jacobian.
Arrays vjp(
    Environment& e,
    Napi::Function function,
    Arrays primals,
    Arrays cotangents) {
  return joined(mx::vjp(traced(e, function), primals, cotangents));
}

// Maps a function over an axis of each input, -1 for none. The function gives
// its outputs, then the axis of each.
Arrays vmap(
    Environment& e,
    Napi::Function function,
    Arrays inputs,
    std::vector<int> in_axes) {
  for (size_t i = 0; i < std::min(inputs.size(), in_axes.size()); i++) {
    if (in_axes[i] < -1 || in_axes[i] >= static_cast<int>(inputs[i].ndim())) {
      throw RangeError("Expected an axis of the array.");
    }
  }
  std::vector<int> out_axes;
  auto fun = [&](const Arrays& xs) {
    auto result = Numbers::read(e, call_back(e, function, xs));
    auto count = result.count / 2;
    Arrays outputs;
    out_axes.clear();
    for (size_t i = 0; i < count; i++) {
      outputs.push_back(e.arrays.at(result.integer(i)));
      out_axes.push_back(result.integer(count + i));
    }
    return outputs;
  };
  auto [traced_inputs, traced_outputs] =
      mx::detail::vmap_trace(fun, inputs, in_axes);
  return mx::detail::vmap_replace(
      inputs, traced_inputs, traced_outputs, in_axes, out_axes);
}

Arrays depends(Arrays inputs, Arrays dependencies) {
  // MLX takes the stream of the first.
  return inputs.empty() ? inputs : mx::depends(inputs, dependencies);
}

} // namespace

const std::vector<Binding> transform_bindings{
    LOCAL(value_and_grad),
    LOCAL(jvp),
    LOCAL(vjp),
    LOCAL(vmap),
    LOCAL(depends),
    UNARY(stop_gradient),
};

} // namespace mlxjs
