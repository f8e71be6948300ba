#include <fstream>

#include "bind.h"

namespace mlxjs {

namespace {

// Names beside the list of arrays that they name.
using Names = Napi::Value;

std::vector<std::string> strings(const Napi::Value& list) {
  std::vector<std::string> out;
  auto names = list.As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); i++) {
    out.push_back(Napi::Value(names[i]).As<Napi::String>());
  }
  return out;
}

// An array of names, an array of slots, a record of texts.
Napi::Value result(
    Environment& e,
    std::unordered_map<std::string, mx::array> arrays,
    const std::unordered_map<std::string, std::string>& metadata) {
  std::vector<std::string> names;
  for (auto& [name, array] : arrays) {
    names.push_back(name);
  }
  // A hash map has no order of its own; give the same one every time.
  std::sort(names.begin(), names.end());
  std::vector<mx::array> values;
  for (auto& name : names) {
    values.push_back(arrays.at(name));
  }
  auto texts = Napi::Object::New(e.env);
  for (auto& [key, value] : metadata) {
    texts.Set(key, value);
  }
  auto out = Napi::Array::New(e.env, 3);
  out.Set(0u, Convert<std::vector<std::string>>::write(e, names));
  out.Set(1u, Convert<std::vector<mx::array>>::write(e, std::move(values)));
  out.Set(2u, texts);
  return out;
}

mx::array load_npy(std::string file, mx::StreamOrDevice s) {
  return mx::load(file, s);
}

void save_npy(std::string file, const mx::array& a) {
  mx::save(file, a);
}

Napi::Value
load_safetensors(Environment& e, std::string file, mx::StreamOrDevice s) {
  auto [arrays, metadata] = mx::load_safetensors(file, s);
  return result(e, std::move(arrays), metadata);
}

void save_safetensors(
    std::string file,
    Names names,
    std::vector<mx::array> values,
    Napi::Value metadata) {
  std::unordered_map<std::string, mx::array> arrays;
  auto keys = strings(names);
  for (size_t i = 0; i < keys.size() && i < values.size(); i++) {
    arrays.emplace(keys[i], values[i]);
  }
  std::unordered_map<std::string, std::string> texts;
  auto record = metadata.As<Napi::Object>();
  for (auto& key : strings(record.GetPropertyNames())) {
    texts.emplace(key, Napi::Value(record.Get(key)).As<Napi::String>());
  }
  mx::save_safetensors(file, arrays, texts);
}

} // namespace

const std::vector<Binding> io_bindings{
    LOCAL(load_npy),
    LOCAL(save_npy),
    LOCAL(load_safetensors),
    LOCAL(save_safetensors),
};

} // namespace mlxjs
