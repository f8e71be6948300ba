// An addon of its own, for the package with CUDA: loads NVIDIA's libraries
// before libmlx, from where they are, and counts GPUs. It needs neither.
#include <dlfcn.h>
#include <node_api.h>

#include <string>

namespace {

napi_value text(napi_env env, const char* message) {
  napi_value out;
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &out);
  return out;
}

// Loads a library for good. What is loaded is found by its name when libmlx
// asks for it. Returns undefined, or what is wrong.
napi_value open(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  size_t length = 0;
  if (count < 1 ||
      napi_get_value_string_utf8(env, argument, nullptr, 0, &length) !=
          napi_ok) {
    return text(env, "expected the name of a library");
  }
  std::string name(length, '\0');
  napi_get_value_string_utf8(env, argument, name.data(), length + 1, &length);
  if (dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)) {
    return nullptr;
  }
  return text(env, dlerror());
}

// How many GPUs the driver knows; -1 without a driver that works.
napi_value devices(napi_env env, napi_callback_info) {
  int count = -1;
  if (auto driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) {
    auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
    auto get_count =
        reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
    if (!init || !get_count || init(0) != 0 || get_count(&count) != 0) {
      count = -1;
    }
  }
  napi_value out;
  napi_create_int32(env, count, &out);
  return out;
}

} // namespace

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"open",
       nullptr,
       open,
       nullptr,
       nullptr,
       nullptr,
       napi_enumerable,
       nullptr},
      {"devices",
       nullptr,
       devices,
       nullptr,
       nullptr,
       nullptr,
       napi_enumerable,
       nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}
