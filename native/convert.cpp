#include "convert.h"

namespace mlxjs {

std::vector<std::string> strings(const Napi::Value& list) {
  std::vector<std::string> out;
  auto names = list.As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); i++) {
    out.push_back(Napi::Value(names[i]).As<Napi::String>());
  }
  return out;
}

std::unordered_map<std::string, mx::array> named(
    const Napi::Value& names,
    const std::vector<mx::array>& values) {
  std::unordered_map<std::string, mx::array> out;
  auto keys = strings(names);
  for (size_t i = 0; i < keys.size() && i < values.size(); i++) {
    out.emplace(keys[i], values[i]);
  }
  return out;
}

} // namespace mlxjs
