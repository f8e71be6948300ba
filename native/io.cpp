#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <unistd.h>

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

// Gives what is written to a function of JavaScript's, piece by piece. Where
// that only writes to a file, which is open as `fd`, the system takes most of
// it at once, without a copy. JavaScript then writes what it does not take: it
// waits for pipes, and says what errors there are.
class FunctionWriter : public mx::io::Writer {
 public:
  FunctionWriter(Environment& e, const Napi::Value& write, int fd)
      : env_(e.env),
        write_(write),
        fd_(fd) {
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
    written_ += n;
    if (gathered_.size() + n > most_gathered) {
      finish();
    }
    if (n <= most_gathered) {
      gathered_.append(data, n);
      return;
    }
    give(data, n);
  }
  // Gives what is left.
  void finish() {
    if (!gathered_.empty()) {
      give(gathered_.data(), gathered_.size());
      gathered_.clear();
    }
  }
  std::string label() const override {
    return "memory";
  }

 private:
  void give(const char* data, size_t n) {
    static constexpr size_t longest = 1 << 24;
    while (n > 0) {
      auto m = std::min(n, longest);
      auto taken = fd_ < 0 ? -1 : ::write(fd_, data, m);
      if (taken <= 0) {
        call(data, m);
        taken = m;
      }
      data += taken;
      n -= taken;
    }
  }
  void call(const char* data, size_t n) {
    // Without it, every piece would stay until the end.
    Napi::HandleScope scope(env_);
    // A copy: the receiver may keep it.
    napi_value piece, receiver, result;
    check(napi_create_buffer_copy(env_, n, data, nullptr, &piece), "a buffer");
    napi_get_undefined(env_, &receiver);
    check(
        napi_call_function(env_, receiver, write_, 1, &piece, &result),
        "a function");
  }

  // Short pieces are put together up to this length.
  static constexpr size_t most_gathered = 1 << 18;

  napi_env env_;
  napi_value write_;
  int fd_;
  std::string gathered_;
  size_t written_ = 0;
};

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

// How the numbers of a tensor's dtype and of other types say more.
constexpr int big_endian = 1 << 8;
constexpr int column_major = 1 << 9;
constexpr int of_gguf = 1 << 10;

std::vector<mx::array> load_tensor(
    const std::shared_ptr<mx::io::Reader>& reader,
    size_t start,
    int type,
    mx::Shape shape,
    mx::StreamOrDevice s) {
  auto number = type & 255;
  if (type & of_gguf) {
    return load_unpacked(reader, start, unpacked_gguf(number, shape), s);
  }
  auto dtype = Convert<mx::Dtype>::from(number);
  if (type & column_major) {
    std::reverse(shape.begin(), shape.end());
  }
  auto out = load_plain(
      reader, start, std::move(shape), dtype, (type & big_endian) != 0, s);
  return {type & column_major ? mx::transpose(out, s) : out};
}

// Of each tensor, the list has the place where it starts, its type, how many
// dimensions it has, and these.
std::vector<mx::array> load_tensors(
    Environment& e,
    Napi::Value origin,
    Numbers tensors,
    mx::StreamOrDevice s) {
  auto [reader, lazily] = source_of(e, origin);
  std::vector<mx::array> out;
  size_t i = 0;
  auto next = [&](double most) {
    auto x = i < tensors.count ? tensors[i++] : -1;
    if (!(x >= 0 && x <= most)) {
      throw RangeError("Expected the places, types and shapes of tensors.");
    }
    return x;
  };
  auto next_integer = [&] { return static_cast<int>(next(2147483647.0)); };
  while (i < tensors.count) {
    auto start = static_cast<size_t>(next(9007199254740991.0));
    auto type = next_integer();
    mx::Shape shape;
    for (auto rank = next_integer(); rank > 0; rank--) {
      shape.push_back(next_integer());
    }
    shape = Convert<mx::Shape>::checked(std::move(shape));
    for (auto& a : load_tensor(reader, start, type, std::move(shape), s)) {
      out.push_back(std::move(a));
    }
  }
  if (!lazily) {
    // One by one: where there is no memory for one, none is still being read.
    for (auto& a : out) {
      evaluate(e, a);
    }
  }
  return out;
}

// Whether a text nests no deeper than the header of a safetensors file does and
// has no more records than it has room for: a parser of JSON would make
// gigabytes of other texts.
bool is_modest(Bytes bytes) {
  std::string_view text(static_cast<char*>(bytes.data), bytes.length);
  int depth = 0;
  size_t records = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    auto c = text[i];
    if (quoted) {
      i += c == '\\';
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      records++;
      if (++depth > 3) {
        return false;
      }
    } else if (c == ']' || c == '}') {
      depth--;
    }
  }
  // A tensor has three, in at least 50 bytes.
  return records <= 2 + text.size() / 16;
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

void save_npy(Environment& e, Napi::Value write, int fd, const mx::array& a) {
  evaluate(e, {a});
  auto writer = std::make_shared<FunctionWriter>(e, write, fd);
  mx::save(writer, a);
  writer->finish();
}

// The values of arrays alone, row-major. Each takes a multiple of so many
// bytes.
void save_values(
    Environment& e,
    Napi::Value write,
    int fd,
    Bytes head,
    std::vector<mx::array> arrays,
    size_t multiple) {
  static constexpr char zeros[32] = {};
  if (multiple < 1 || multiple > sizeof(zeros)) {
    throw RangeError("Expected a multiple of 1 to 32.");
  }
  FunctionWriter writer(e, write, fd);
  writer.write(static_cast<char*>(head.data), head.length);
  for (auto& a : arrays) {
    evaluate(e, a);
    auto row_major = a.flags().row_contiguous ? a : mx::contiguous(a);
    evaluate(e, row_major);
    auto n = row_major.nbytes();
    if (n > 0) {
      writer.write(row_major.data<char>(), n);
    }
    writer.write(zeros, (multiple - n % multiple) % multiple);
  }
  writer.finish();
}

} // namespace

const std::vector<Binding> io_bindings{
    LOCAL(open_file),
    LOCAL(close_file),
    LOCAL(load_tensors),
    LOCAL(is_modest),
    LOCAL(crc32),
    LOCAL(save_npy),
    LOCAL(save_values),
};

} // namespace mlxjs
