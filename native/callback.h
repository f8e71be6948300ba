#pragma once

#include "bind.h"

namespace mlxjs {

// Calls a JavaScript function. Its result is valid until other code of
// JavaScript's runs. node-addon-api would abort where the function throws null.
template <typename... Arguments>
napi_value
call_function(Environment& e, napi_value function, Arguments... arguments) {
  napi_value global, result;
  napi_get_global(e.env, &global);
  napi_value argv[] = {arguments...};
  auto status = napi_call_function(
      e.env, global, function, sizeof...(arguments), argv, &result);
  check(status, "a function");
  return result;
}

// The same with arrays as the argument, which JavaScript gets as a list of
// slots.
inline napi_value call_back(
    Environment& e,
    napi_value function,
    const std::vector<mx::array>& inputs) {
  return call_function(
      e, function, Convert<std::vector<mx::array>>::write(e, inputs));
}

} // namespace mlxjs
