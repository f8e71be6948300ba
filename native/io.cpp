#include <algorithm>
#include <array>
#include <cstring>

#include "mlx/io/load.h"

#include "bind.h"
#include "evaluation.h"
#include "external.h"
#include "file.h"
#include "gguf.h"

// What is in a file is checked in lib/core/io before MLX reads it here.

namespace mlxjs {

namespace {

// Bytes of JavaScript's, for the time of one call.
class MemoryReader : public PlacedReader {
 public:
  explicit MemoryReader(Bytes bytes) : bytes_(bytes) {}

  void read(char* data, size_t n, size_t offset) override {
    if (n > 0 && (offset > bytes_.length || n > bytes_.length - offset)) {
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
  size_t size() const override {
    return bytes_.length;
  }

  Bytes bytes_;
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
    static constexpr size_t longest = 1 << 24;
    while (n > 0) {
      auto m = std::min(n, longest);
      // Without it, every piece would stay until the end.
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

// An open file, for as long as something is to be read from it.
using File = std::shared_ptr<FileReader>;

// Where values come from, and whether they are read when they are needed: those
// of a file, unless too many stay open already. Bytes are JavaScript's, so they
// are read before the call returns.
struct Source {
  std::shared_ptr<mx::io::Reader> reader;
  bool lazily;
};

constexpr int most_open_files = 256;

Source source_of(Environment& e, Napi::Value origin) {
  if (origin.IsExternal()) {
    auto& file = unwrap<File>(e, origin);
    if (!file) {
      throw TypeError("Expected a file that is open.");
    }
    return {file, FileReader::count() <= most_open_files};
  }
  return {
      std::make_shared<MemoryReader>(Convert<Bytes>::read(e, origin)), false};
}

Napi::Value open_file(Environment& e, int fd, std::string path) {
  return external(
      e, std::make_unique<File>(std::make_shared<FileReader>(fd, path)));
}

// It stays open for the arrays whose values are still to be read. Gives whether
// it is as it was when it was opened.
bool close_file(Environment& e, Napi::Value file) {
  auto open = std::move(unwrap<File>(e, file));
  return open && open->is_unchanged();
}

mx::array load_npy(
    Environment& e,
    Napi::Value origin,
    size_t start,
    mx::StreamOrDevice s) {
  auto [reader, lazily] = source_of(e, origin);
  auto out = mx::load(std::make_shared<PartReader>(reader, start), s);
  if (!lazily) {
    evaluate(e, out);
  }
  return out;
}

// Gives names, the arrays' slots, the metadata's names and its texts.
Napi::Value
load_safetensors(Environment& e, Napi::Value origin, mx::StreamOrDevice s) {
  auto [reader, lazily] = source_of(e, origin);
  auto [arrays, metadata] = mx::load_safetensors(reader, s);
  auto names = sorted_keys(arrays);
  std::vector<mx::array> values;
  for (auto& name : names) {
    auto& value = values.emplace_back(arrays.at(name));
    // One by one: where there is no memory for one, none is still being read.
    if (!lazily) {
      evaluate(e, value);
    }
  }
  auto keys = sorted_keys(metadata);
  std::vector<std::string> texts;
  for (auto& key : keys) {
    texts.push_back(metadata.at(key));
  }
  auto out = Napi::Array::New(e.env, 4);
  out.Set(0u, Convert<std::vector<std::string>>::write(e, names));
  out.Set(1u, Convert<std::vector<mx::array>>::write(e, std::move(values)));
  out.Set(2u, Convert<std::vector<std::string>>::write(e, keys));
  out.Set(3u, Convert<std::vector<std::string>>::write(e, texts));
  return out;
}

std::vector<mx::array> load_tensor(
    Environment& e,
    Napi::Value origin,
    size_t start,
    int type,
    mx::Shape shape,
    mx::StreamOrDevice s) {
  auto [reader, lazily] = source_of(e, origin);
  auto out = load_gguf_tensor(reader, start, type, shape, s);
  if (!lazily) {
    evaluate(e, out);
  }
  return out;
}

// The checksum of zip archives, for eight bytes at a time: a table for each of
// their places.
constexpr auto crc_tables = [] {
  std::array<std::array<uint32_t, 256>, 8> out{};
  for (uint32_t i = 0; i < 256; i++) {
    auto crc = i;
    for (int bit = 0; bit < 8; bit++) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    out[0][i] = crc;
  }
  for (int place = 1; place < 8; place++) {
    for (int i = 0; i < 256; i++) {
      auto crc = out[place - 1][i];
      out[place][i] = crc >> 8 ^ out[0][crc & 255];
    }
  }
  return out;
}();

// Goes on from the checksum of what comes before.
double crc32(Bytes bytes, double before) {
  auto crc = ~static_cast<uint32_t>(before);
  auto data = static_cast<const uint8_t*>(bytes.data);
  auto end = data + bytes.length;
  auto& tables = crc_tables;
  for (; end - data >= 8; data += 8) {
    auto low = crc ^
        (data[0] | data[1] << 8 | data[2] << 16 |
         static_cast<uint32_t>(data[3]) << 24);
    crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^
        tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^ tables[3][data[4]] ^
        tables[2][data[5]] ^ tables[1][data[6]] ^ tables[0][data[7]];
  }
  for (; data < end; data++) {
    crc = crc >> 8 ^ tables[0][(crc ^ *data) & 255];
  }
  return ~crc;
}

void save_npy(Environment& e, Napi::Value write, const mx::array& a) {
  evaluate(e, {a});
  mx::save(std::make_shared<FunctionWriter>(e, write), a);
}

// An array's values alone, row-major.
void save_values(Environment& e, Napi::Value write, const mx::array& a) {
  auto row_major = mx::contiguous(a);
  evaluate(e, row_major);
  FunctionWriter(e, write).write(row_major.data<char>(), row_major.nbytes());
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

} // namespace

const std::vector<Binding> io_bindings{
    LOCAL(open_file),
    LOCAL(close_file),
    LOCAL(load_npy),
    LOCAL(load_safetensors),
    LOCAL(load_tensor),
    LOCAL(crc32),
    LOCAL(save_npy),
    LOCAL(save_values),
    LOCAL(save_safetensors),
};

} // namespace mlxjs
