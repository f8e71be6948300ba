#include "bind.h"
#include "external.h"

// Kernels for the GPU, from their source.

namespace mlxjs {

namespace {

using mx::fast::CustomKernelFunction;
using Size = std::tuple<int, int, int>;

// A list of shapes; what is in them was checked.
std::vector<mx::Shape> shapes(const Napi::Value& list) {
  std::vector<mx::Shape> out;
  auto all = list.As<Napi::Array>();
  for (uint32_t i = 0; i < all.Length(); i++) {
    auto shape = Napi::Value(all[i]).As<Napi::Array>();
    auto& to = out.emplace_back();
    for (uint32_t j = 0; j < shape.Length(); j++) {
      to.push_back(Napi::Value(shape[j]).As<Napi::Number>().Int32Value());
    }
  }
  return out;
}

std::vector<mx::Dtype> dtypes(const std::vector<int>& ids) {
  std::vector<mx::Dtype> out;
  for (auto id : ids) {
    out.push_back(Convert<mx::Dtype>::from(id));
  }
  return out;
}

Size size(const std::vector<int>& xs) {
  return {xs.at(0), xs.at(1), xs.at(2)};
}

// Names with booleans, integers, and dtypes as their numbers in a list.
std::vector<std::pair<std::string, mx::fast::TemplateArg>> template_arguments(
    const Napi::Value& list) {
  std::vector<std::pair<std::string, mx::fast::TemplateArg>> out;
  auto all = list.As<Napi::Array>();
  for (uint32_t i = 0; i < all.Length(); i++) {
    auto pair = Napi::Value(all[i]).As<Napi::Array>();
    auto name = Napi::Value(pair[0u]).As<Napi::String>().Utf8Value();
    Napi::Value value = pair[1u];
    if (value.IsBoolean()) {
      out.emplace_back(name, value.As<Napi::Boolean>().Value());
    } else if (value.IsArray()) {
      auto id = Napi::Value(value.As<Napi::Array>()[0u]).As<Napi::Number>();
      out.emplace_back(name, Convert<mx::Dtype>::from(id.Int32Value()));
    } else {
      out.emplace_back(name, value.As<Napi::Number>().Int32Value());
    }
  }
  return out;
}

// Booleans, integers, and other numbers in a list.
std::vector<mx::fast::ScalarArg> scalars(const Napi::Value& list) {
  std::vector<mx::fast::ScalarArg> out;
  auto all = list.As<Napi::Array>();
  for (uint32_t i = 0; i < all.Length(); i++) {
    Napi::Value value = all[i];
    if (value.IsBoolean()) {
      out.emplace_back(value.As<Napi::Boolean>().Value());
    } else if (value.IsArray()) {
      auto x = Napi::Value(value.As<Napi::Array>()[0u]).As<Napi::Number>();
      out.emplace_back(x.FloatValue());
    } else {
      out.emplace_back(value.As<Napi::Number>().Int32Value());
    }
  }
  return out;
}

Napi::Value kernel(Environment& e, CustomKernelFunction function) {
  return external(
      e, std::make_unique<CustomKernelFunction>(std::move(function)));
}

Napi::Value metal_kernel(
    Environment& e,
    std::string name,
    Napi::Value inputs,
    Napi::Value outputs,
    std::string source,
    std::string header,
    bool ensure_row_contiguous,
    bool atomic_outputs,
    int math_mode) {
  return kernel(
      e,
      mx::fast::metal_kernel(
          name,
          strings(inputs),
          strings(outputs),
          source,
          header,
          ensure_row_contiguous,
          atomic_outputs,
          mx::CompileOptions(math_mode)));
}

Napi::Value cuda_kernel(
    Environment& e,
    std::string name,
    Napi::Value inputs,
    Napi::Value outputs,
    std::string source,
    std::string header,
    bool ensure_row_contiguous,
    int shared_memory) {
  return kernel(
      e,
      mx::fast::cuda_kernel(
          name,
          strings(inputs),
          strings(outputs),
          source,
          header,
          ensure_row_contiguous,
          shared_memory));
}

std::vector<mx::array> call_kernel(
    Environment& e,
    Napi::Value object,
    std::vector<mx::array> inputs,
    Napi::Value output_shapes,
    std::vector<int> output_dtypes,
    std::vector<int> grid,
    std::vector<int> threadgroup,
    Napi::Value arguments,
    std::optional<float> init_value,
    bool verbose,
    mx::StreamOrDevice s) {
  return unwrap<CustomKernelFunction>(e, object)(
      inputs,
      shapes(output_shapes),
      dtypes(output_dtypes),
      size(grid),
      size(threadgroup),
      template_arguments(arguments),
      init_value,
      verbose,
      s);
}

std::vector<mx::array> precompiled_cuda_kernel(
    std::string name,
    Bytes source,
    std::vector<mx::array> inputs,
    Napi::Value output_shapes,
    std::vector<int> output_dtypes,
    Napi::Value values,
    std::vector<int> grid,
    std::vector<int> threadgroup,
    int shared_memory,
    std::optional<float> init_value,
    bool ensure_row_contiguous,
    mx::StreamOrDevice s) {
  return mx::fast::precompiled_cuda_kernel(
      name,
      std::string(static_cast<const char*>(source.data), source.length),
      inputs,
      shapes(output_shapes),
      dtypes(output_dtypes),
      scalars(values),
      size(grid),
      size(threadgroup),
      shared_memory,
      init_value,
      ensure_row_contiguous,
      s);
}

} // namespace

const std::vector<Binding> custom_kernel_bindings{
    LOCAL(metal_kernel),
    LOCAL(cuda_kernel),
    LOCAL(call_kernel),
    LOCAL(precompiled_cuda_kernel),
};

} // namespace mlxjs
