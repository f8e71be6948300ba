#pragma once

#include <memory>

#include "convert.h"

namespace mlxjs {

template <typename T>
void destroy(node_api_basic_env, void* data, void*) {
  delete static_cast<T*>(data);
}

// A tag that tells objects of one type from those of others.
template <typename T>
const napi_type_tag& tag_of() {
  static const char place = 0;
  static const napi_type_tag tag{
      0x6d6c782d6a732121, reinterpret_cast<uintptr_t>(&place)};
  return tag;
}

// A C++ object that the garbage collector frees.
template <typename T>
Napi::Value external(Environment& e, std::unique_ptr<T> x) {
  napi_value out;
  check(
      napi_create_external(e.env, x.get(), destroy<T>, nullptr, &out),
      "an object");
  x.release();
  check(napi_type_tag_object(e.env, out, &tag_of<T>()), "an object");
  return {e.env, out};
}

template <typename T>
T& unwrap(Environment& e, napi_value v) {
  bool is = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(e.env, v, &tag_of<T>(), &is) != napi_ok ||
      !is || napi_get_value_external(e.env, v, &data) != napi_ok) {
    throw TypeError("Expected an object of another kind.");
  }
  return *static_cast<T*>(data);
}

} // namespace mlxjs
