#include "callback.h"

namespace mlxjs {

namespace {

// The outputs of a function, then the gradients of the first with respect to
// the inputs of the given positions.
std::vector<mx::array> value_and_grad(
    Environment& e,
    Napi::Function function,
    std::vector<mx::array> inputs,
    std::vector<int> argnums) {
  auto f = [&](const std::vector<mx::array>& xs) {
    return Convert<std::vector<mx::array>>::read(e, call_back(e, function, xs));
  };
  auto [values, grads] = mx::value_and_grad(
      std::function<std::vector<mx::array>(const std::vector<mx::array>&)>(f),
      argnums)(inputs);
  values.insert(
      values.end(),
      std::make_move_iterator(grads.begin()),
      std::make_move_iterator(grads.end()));
  return values;
}

} // namespace

const std::vector<Binding> transform_bindings{
    LOCAL(value_and_grad),
    UNARY(stop_gradient),
};

} // namespace mlxjs
