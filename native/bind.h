#pragma once

#include <string>
#include <vector>

#include "operand.h"

// From a C++ function to a JavaScript one: a guard that turns exceptions into
// JavaScript's, a reader for the arguments in order, a writer for the result.
// This is the path of every call, so it uses the C API, without allocating.

namespace mlxjs {

struct Binding {
  const char* name;
  napi_callback callback;
  // Its type in TypeScript, from which lib/core/call/bindings.ts is derived.
  std::string (*signature)();
};

// What a call returns when C++ has thrown: a description of the exception that
// is being handled, or the value that JavaScript threw. lib/core/call/native.ts
// makes the error and throws it, for two reasons. The error has to be of the
// realm of that code, which need not be the one that the addon was loaded in.
// And throwing here could end the process: Node-API still remembers an
// exception while V8 takes it over, and if that collects garbage, the first
// finalizer to run is taken for the one that threw. `row` is the name of the
// function, which a message that names none begins with.
napi_value failure(napi_env env, const char* row = nullptr) noexcept;

// The name of the row that calls a function.
template <auto F>
inline const char* row_of = nullptr;

template <typename F>
struct Signature;

template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  static constexpr size_t arity = sizeof...(A);
};

// Braces: the arguments are read from left to right.
template <typename... A, size_t... I>
auto read_all(Environment& e, napi_value* argv, std::index_sequence<I...>) {
  return std::tuple<decltype(read<A>(e, argv[I]))...>{read<A>(e, argv[I])...};
}

template <typename R, typename... A, typename F>
R invoke(F f, Environment& e, napi_value* argv, R (*)(A...)) {
  return std::apply(
      f, read_all<A...>(e, argv, std::index_sequence_for<A...>{}));
}

// An adaptor may ask for its environment first.
template <typename R, typename... A, typename F>
R invoke(F f, Environment& e, napi_value* argv, R (*)(Environment&, A...)) {
  return std::apply(
      [&](auto&&... a) -> R { return f(e, std::forward<decltype(a)>(a)...); },
      read_all<A...>(e, argv, std::index_sequence_for<A...>{}));
}

template <auto F>
napi_value call(napi_env env, napi_callback_info info) {
  try {
    constexpr auto signature = static_cast<decltype(F)>(nullptr);
    constexpr size_t arity = Signature<decltype(F)>::arity;
    napi_value argv[arity + 1];
    size_t argc = arity;
    void* data;
    napi_get_cb_info(env, info, &argc, argv, nullptr, &data);
    auto& e = *static_cast<Environment*>(data);
    using Result = decltype(invoke(F, e, argv, signature));
    if constexpr (std::is_void_v<Result>) {
      invoke(F, e, argv, signature);
      return nullptr;
    } else {
      return Convert<std::remove_cvref_t<Result>>::write(
          e, invoke(F, e, argv, signature));
    }
  } catch (...) {
    return failure(env, row_of<F>);
  }
}

template <typename T>
std::string result_name() {
  if constexpr (std::is_void_v<T>) {
    return "void";
  } else if constexpr (requires { Convert<std::remove_cvref_t<T>>::ts_out; }) {
    return Convert<std::remove_cvref_t<T>>::ts_out;
  } else {
    return Convert<std::remove_cvref_t<T>>::ts;
  }
}

template <typename R, typename... A>
std::string signature_of(R (*)(A...)) {
  std::string out;
  char name = 'a';
  [[maybe_unused]] auto parameter = [&](const char* type) {
    out += (out.empty() ? "" : ", ") + std::string(1, name++) + ": " + type;
  };
  (parameter(Convert<std::remove_cvref_t<A>>::ts), ...);
  return "(" + out + ") => " + result_name<R>();
}

template <typename R, typename... A>
std::string signature_of(R (*)(Environment&, A...)) {
  return signature_of(static_cast<R (*)(A...)>(nullptr));
}

template <auto F>
Binding bind(const char* name) {
  row_of<F> = name;
  return {name, call<F>, [] {
            return signature_of(static_cast<decltype(F)>(nullptr));
          }};
}

// Rows. A row's name and its symbol are one token.

// An MLX function as it is, in the overload of the given type.
#define BIND(type, name) bind<static_cast<type>(&mx::name)>(#name)
// A function of this file.
#define LOCAL(name) bind<&name>(#name)

using UnaryOp = mx::array (*)(const mx::array&, mx::StreamOrDevice);
using BinaryOp =
    mx::array (*)(const mx::array&, const mx::array&, mx::StreamOrDevice);

template <UnaryOp F>
mx::array unary(Operand a, mx::StreamOrDevice s) {
  return a.is_array() ? F(a.array(), s) : F(a.resolve(), s);
}

template <BinaryOp F>
mx::array binary(Operand a, Operand b, mx::StreamOrDevice s) {
  if (a.is_array() && b.is_array()) {
    return F(a.array(), b.array(), s);
  }
  auto [x, y] = resolve(a, b);
  return F(x, y, s);
}

// An MLX function of one array or scalar.
#define UNARY(name) bind<&unary<&mx::name>>(#name)
// An MLX function of two operands. A scalar takes the dtype of the array beside
// it.
#define BINARY(name) bind<&binary<&mx::name>>(#name)
// The families; each is defined in its file.
extern const std::vector<Binding> array_bindings, owner_bindings,
    origin_bindings, device_bindings, stream_bindings, memory_bindings,
    evaluation_bindings, transform_bindings, custom_bindings, compile_bindings,
    export_bindings, custom_kernel_bindings, random_bindings, fast_bindings,
    linalg_bindings, fft_bindings, io_bindings, distributed_bindings,
    subscript_bindings, arithmetic, comparison, reduction, creation, shape,
    indexing, product, sorting, convolution, quantization;

} // namespace mlxjs
