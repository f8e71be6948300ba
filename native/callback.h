#pragma once

#include "bind.h"

namespace mlxjs {

// Calls a JavaScript function with arrays, that is a list of slots. What it
// gives is valid until other code of JavaScript's runs. node-addon-api would
// abort where the function throws null.
inline napi_value call_back(
    Environment& e,
    napi_value function,
    const std::vector<mx::array>& inputs) {
  napi_value global, result;
  napi_get_global(e.env, &global);
  napi_value argument = Convert<std::vector<mx::array>>::write(e, inputs);
  auto status =
      napi_call_function(e.env, global, function, 1, &argument, &result);
  check(status, "a function");
  return result;
}

} // namespace mlxjs
