#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "mlx/io/load.h"

#include "bind.h"
#include "evaluation.h"

// What is in a file is checked in lib/core/formats before MLX reads it here.

namespace mlxjs {

namespace {

using Arrays = std::unordered_map<std::string, mx::array>;

// Bytes of JavaScript's, for the time of one call.
class MemoryReader : public mx::io::Reader {
 public:
  explicit MemoryReader(Bytes bytes) : bytes_(bytes) {}

  bool is_open() const override {
    return true;
  }
  bool good() const override {
    return true;
  }
  size_t tell() override {
    return position_;
  }
  void seek(int64_t offset, std::ios_base::seekdir way) override {
    auto from = way == std::ios_base::beg ? 0
        : way == std::ios_base::end       ? bytes_.length
                                          : position_;
    position_ = from + offset;
  }
  void read(char* data, size_t n) override {
    read(data, n, position_);
    position_ += n;
  }
  void read(char* data, size_t n, size_t offset) override {
    if (offset > bytes_.length || n > bytes_.length - offset) {
      throw std::runtime_error("[read] Unable to read from memory.");
    }
    if (n > 0) {
      std::memcpy(data, static_cast<char*>(bytes_.data) + offset, n);
    }
  }
  std::string label() const override {
    return "memory";
  }

 private:
  Bytes bytes_;
  size_t position_ = 0;
};

// A file within a file, from the given place on. Positions are its own, since
// several threads read at a time.
class PartReader : public mx::io::Reader {
 public:
  PartReader(std::string file, size_t start)
      : fd_(open(file.c_str(), O_RDONLY | O_CLOEXEC)),
        start_(start),
        label_("file " + std::move(file)) {}
  ~PartReader() override {
    if (fd_ >= 0) {
      close(fd_);
    }
  }

  bool is_open() const override {
    return fd_ >= 0;
  }
  bool good() const override {
    return is_open();
  }
  size_t tell() override {
    return position_;
  }
  void seek(int64_t offset, std::ios_base::seekdir way) override {
    if (way == std::ios_base::end) {
      throw std::runtime_error("[read] The end of the part is not known.");
    }
    position_ = offset + (way == std::ios_base::cur ? position_ : 0);
  }
  void read(char* data, size_t n) override {
    read(data, n, position_);
    position_ += n;
  }
  void read(char* data, size_t n, size_t offset) override {
    offset += start_;
    while (n > 0) {
      auto done = pread(fd_, data, std::min<size_t>(n, 1 << 30), offset);
      if (done < 0 && errno == EINTR) {
        continue;
      }
      if (done <= 0) {
        throw std::runtime_error("[read] Unable to read from " + label_ + ".");
      }
      data += done;
      n -= done;
      offset += done;
    }
  }
  std::string label() const override {
    return label_;
  }

 private:
  int fd_;
  size_t start_;
  std::string label_;
  size_t position_ = 0;
};

// Gives what is written to a function of JavaScript's, piece by piece.
class FunctionWriter : public mx::io::Writer {
 public:
  FunctionWriter(Environment& e, const Napi::Value& write)
      : env_(e.env),
        write_(write) {
    if (!write.IsFunction()) {
      throw TypeError("Expected a function.");
    }
  }

  bool is_open() const override {
    return true;
  }
  bool good() const override {
    return true;
  }
  size_t tell() override {
    return written_;
  }
  void seek(int64_t, std::ios_base::seekdir) override {
    throw std::runtime_error("[write] Unable to seek.");
  }
  void write(const char* data, size_t n) override {
    static constexpr size_t longest = 1 << 26;
    while (n > 0) {
      auto m = std::min(n, longest);
      // Or every piece would stay until the end.
      Napi::HandleScope scope(env_);
      // A copy: the receiver may keep it.
      napi_value piece, receiver, result;
      check(
          napi_create_buffer_copy(env_, m, data, nullptr, &piece), "a buffer");
      napi_get_undefined(env_, &receiver);
      check(
          napi_call_function(env_, receiver, write_, 1, &piece, &result),
          "a function");
      data += m;
      n -= m;
      written_ += m;
    }
  }
  std::string label() const override {
    return "memory";
  }

 private:
  napi_env env_;
  napi_value write_;
  size_t written_ = 0;
};

// A hash map has no order of its own; give the same one every time.
template <typename Map>
std::vector<std::string> sorted_keys(const Map& map) {
  std::vector<std::string> keys;
  for (auto& [key, value] : map) {
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

napi_value write_text(Environment& e, const std::string& x) {
  return Convert<std::string>::write(e, x);
}

napi_value write_text(Environment& e, const mx::GGUFMetaData& x) {
  if (auto text = std::get_if<std::string>(&x)) {
    return write_text(e, *text);
  }
  if (auto texts = std::get_if<std::vector<std::string>>(&x)) {
    return Convert<std::vector<std::string>>::write(e, *texts);
  }
  return Convert<mx::array>::write(e, std::get<mx::array>(x));
}

// Names, the arrays' slots, the metadata's names, its values.
template <typename Metadata>
Napi::Value
result(Environment& e, const Arrays& arrays, const Metadata& metadata) {
  auto names = sorted_keys(arrays);
  std::vector<mx::array> values;
  for (auto& name : names) {
    values.push_back(arrays.at(name));
  }
  auto keys = sorted_keys(metadata);
  auto texts = Napi::Array::New(e.env, keys.size());
  for (size_t i = 0; i < keys.size(); i++) {
    texts.Set(i, Napi::Value(e.env, write_text(e, metadata.at(keys[i]))));
  }
  auto out = Napi::Array::New(e.env, 4);
  out.Set(0u, Convert<std::vector<std::string>>::write(e, names));
  out.Set(1u, Convert<std::vector<mx::array>>::write(e, std::move(values)));
  out.Set(2u, Convert<std::vector<std::string>>::write(e, keys));
  out.Set(3u, texts);
  return out;
}

mx::array load_npy(std::string file, mx::StreamOrDevice s) {
  return mx::load(file, s);
}

mx::array load_npy_part(std::string file, size_t start, mx::StreamOrDevice s) {
  return mx::load(std::make_shared<PartReader>(file, start), s);
}

// The bytes are JavaScript's, so they are read before the call returns.
mx::array load_npy_bytes(Environment& e, Bytes bytes, mx::StreamOrDevice s) {
  auto out = mx::load(std::make_shared<MemoryReader>(bytes), s);
  evaluate(e, out);
  return out;
}

Napi::Value
load_safetensors(Environment& e, std::string file, mx::StreamOrDevice s) {
  auto [arrays, metadata] = mx::load_safetensors(file, s);
  return result(e, arrays, metadata);
}

Napi::Value
load_safetensors_bytes(Environment& e, Bytes bytes, mx::StreamOrDevice s) {
  auto [arrays, metadata] =
      mx::load_safetensors(std::make_shared<MemoryReader>(bytes), s);
  // One by one: where there is no memory for one, none is still being read.
  for (auto& [name, array] : arrays) {
    evaluate(e, array);
  }
  return result(e, arrays, metadata);
}

Napi::Value load_gguf(Environment& e, std::string file, mx::StreamOrDevice s) {
  auto [arrays, metadata] = mx::load_gguf(file, s);
  return result(e, arrays, metadata);
}

void save_npy(Environment& e, std::string file, const mx::array& a) {
  evaluate(e, {a});
  mx::save(file, a);
}

void save_npy_to(Environment& e, Napi::Value write, const mx::array& a) {
  evaluate(e, {a});
  mx::save(std::make_shared<FunctionWriter>(e, write), a);
}

std::unordered_map<std::string, std::string> texts(
    const Napi::Value& names,
    const Napi::Value& values) {
  std::unordered_map<std::string, std::string> out;
  auto keys = strings(names);
  auto list = strings(values);
  for (size_t i = 0; i < keys.size() && i < list.size(); i++) {
    out.emplace(keys[i], list[i]);
  }
  return out;
}

void save_safetensors(
    Environment& e,
    std::string file,
    Napi::Value names,
    std::vector<mx::array> values,
    Napi::Value keys,
    Napi::Value metadata) {
  evaluate(e, values);
  mx::save_safetensors(file, named(names, values), texts(keys, metadata));
}

void save_safetensors_to(
    Environment& e,
    Napi::Value write,
    Napi::Value names,
    std::vector<mx::array> values,
    Napi::Value keys,
    Napi::Value metadata) {
  evaluate(e, values);
  mx::save_safetensors(
      std::make_shared<FunctionWriter>(e, write),
      named(names, values),
      texts(keys, metadata));
}

// MLX's own way to make an array row-major leaves some as they are.
void save_gguf(
    Environment& e,
    std::string file,
    Napi::Value names,
    std::vector<mx::array> values,
    Napi::Value keys,
    Napi::Value metadata) {
  std::unordered_map<std::string, mx::GGUFMetaData> data;
  auto list = metadata.As<Napi::Array>();
  uint32_t i = 0;
  for (auto& key : strings(keys)) {
    Napi::Value value = list[i++];
    if (value.IsString()) {
      data.emplace(key, value.As<Napi::String>().Utf8Value());
    } else if (value.IsArray()) {
      data.emplace(key, strings(value));
    } else {
      auto array = Convert<mx::array>::read(e, value);
      evaluate(e, array);
      data.emplace(key, mx::contiguous(array));
    }
  }
  evaluate(e, values);
  for (auto& value : values) {
    value = mx::contiguous(value);
  }
  mx::save_gguf(file, named(names, values), std::move(data));
}

} // namespace

const std::vector<Binding> io_bindings{
    LOCAL(load_npy),
    LOCAL(load_npy_part),
    LOCAL(load_npy_bytes),
    LOCAL(load_safetensors),
    LOCAL(load_safetensors_bytes),
    LOCAL(load_gguf),
    LOCAL(save_npy),
    LOCAL(save_npy_to),
    LOCAL(save_safetensors),
    LOCAL(save_safetensors_to),
    LOCAL(save_gguf),
};

} // namespace mlxjs
