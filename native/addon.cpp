#include "bind.h"
#include "waiter.h"

namespace mlxjs {

namespace {

napi_value error(
    napi_env env,
    napi_status (*create)(napi_env, napi_value, napi_value, napi_value*),
    const char* text) {
  napi_value message, out;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message);
  create(env, nullptr, message, &out);
  return out;
}

} // namespace

void raise(napi_env env) noexcept {
  try {
    throw;
  } catch (const Pending&) {
    // JavaScript's own exception goes on.
  } catch (const Napi::Error& e) {
    e.ThrowAsJavaScriptException();
  } catch (const TypeError& e) {
    napi_throw(env, error(env, napi_create_type_error, e.what()));
  } catch (const RangeError& e) {
    napi_throw(env, error(env, napi_create_range_error, e.what()));
  } catch (const std::bad_alloc&) {
    napi_throw(env, error(env, napi_create_range_error, "Out of memory."));
  } catch (const std::exception& e) {
    napi_throw(env, error(env, napi_create_error, e.what()));
  } catch (...) {
    napi_throw(env, error(env, napi_create_error, "Unknown error."));
  }
}

namespace {

const std::vector<const std::vector<Binding>*>& families() {
  static const std::vector<const std::vector<Binding>*> all{
      &array_bindings,
      &device_bindings,
      &stream_bindings,
      &memory_bindings,
      &transform_bindings,
      &random_bindings,
      &fast_bindings,
      &io_bindings,
      &subscript_bindings,
      &arithmetic,
      &comparison,
      &reduction,
      &creation,
      &shape,
      &indexing,
      &product};
  return all;
}

// Every binding's name and TypeScript type, for scripts/bindings.mjs.
napi_value signatures(napi_env env, napi_callback_info) {
  auto out = Napi::Object::New(env);
  for (auto family : families()) {
    for (auto& binding : *family) {
      out.Set(binding.name, binding.signature);
    }
  }
  return out;
}

void leave(napi_env, void* data, void*) {
  auto& e = *static_cast<Environment*>(data);
  e.waiter.reset();
  e.arrays = {};
  e.scalars = {};
  e.scratch_array.Reset();
  // Streams belong to their thread: a worker takes its own with it.
  try {
    mx::clear_streams();
  } catch (...) {
  }
  e.unreference();
}

napi_value init(napi_env env, napi_value exports) {
  auto e = new Environment(env);
  napi_set_instance_data(env, e, leave, nullptr);
  for (auto family : families()) {
    for (auto& binding : *family) {
      napi_value function;
      napi_create_function(
          env, binding.name, NAPI_AUTO_LENGTH, binding.callback, e, &function);
      napi_set_named_property(env, exports, binding.name, function);
    }
  }
  napi_value function;
  napi_create_function(
      env, "signatures", NAPI_AUTO_LENGTH, signatures, e, &function);
  napi_set_named_property(env, exports, "signatures", function);
  napi_set_named_property(env, exports, "scratch", e->scratch_array.Value());
  return exports;
}

} // namespace

} // namespace mlxjs

NAPI_MODULE_INIT() {
  return mlxjs::init(env, exports);
}
