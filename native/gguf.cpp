#include "gguf.h"

#include <algorithm>
#include <cstring>

namespace mlxjs {

namespace {

using Half = mx::float16_t;

// Numbers in a file lie anywhere.
template <typename T>
T at(const uint8_t* place) {
  T out;
  std::memcpy(&out, place, sizeof(T));
  return out;
}

float half(const uint8_t* place) {
  return static_cast<float>(at<Half>(place));
}

// An array, and its memory to be filled.
template <typename T>
std::pair<mx::array, T*> make(mx::Shape shape, mx::Dtype dtype) {
  size_t size = dtype.size();
  for (auto n : shape) {
    size *= n;
  }
  mx::array out(mx::allocator::malloc(size), std::move(shape), dtype);
  return {out, out.data<T>()};
}

// How a type's values lie in the file: so many in a block of so many bytes.
struct Layout {
  size_t values;
  size_t bytes;
};

// Calls a function with every block, which are read some at a time.
template <typename F>
void each_block(
    mx::io::Reader& reader,
    size_t start,
    size_t count,
    Layout layout,
    F f) {
  auto blocks = (count + layout.values - 1) / layout.values;
  auto most = std::max<size_t>(1, (size_t(1) << 22) / layout.bytes);
  std::vector<uint8_t> bytes(std::min(blocks, most) * layout.bytes);
  for (size_t i = 0; i < blocks; i += most) {
    auto n = std::min(most, blocks - i);
    reader.read(
        reinterpret_cast<char*>(bytes.data()),
        n * layout.bytes,
        start + i * layout.bytes);
    for (size_t j = 0; j < n; j++) {
      f(i + j, bytes.data() + j * layout.bytes);
    }
  }
}

mx::array plain(
    mx::io::Reader& reader,
    size_t start,
    const mx::Shape& shape,
    mx::Dtype dtype) {
  auto [out, data] = make<char>(shape, dtype);
  reader.read(data, out.nbytes(), start);
  return out;
}

// Those of MLX's own kind: 32 weights with a scale, and a bias, which the file
// has or which follows from the scale.
template <typename F>
std::vector<mx::array> quantized(
    mx::io::Reader& reader,
    size_t start,
    mx::Shape shape,
    Layout layout,
    int bits,
    F f) {
  size_t count = 1;
  for (auto n : shape) {
    count *= n;
  }
  auto weights_shape = shape;
  weights_shape.back() = weights_shape.back() / 32 * bits;
  shape.back() /= 32;
  auto [weights, w] = make<uint8_t>(weights_shape, mx::uint32);
  auto [scales, s] = make<Half>(shape, mx::float16);
  auto [biases, b] = make<Half>(shape, mx::float16);
  each_block(
      reader,
      start,
      count,
      layout,
      [&, w = w, s = s, b = b](size_t i, const uint8_t* block) {
        s[i] = at<Half>(block);
        f(block, w + i * 4 * bits, s[i], b[i]);
      });
  return {weights, scales, biases};
}

// The file has the first 16 weights in the lower halves of 16 bytes, the others
// in the upper ones; MLX has neighbours side by side.
void pack(const uint8_t* from, uint8_t* to) {
  for (int i = 0; i < 8; i++) {
    auto first = from[2 * i];
    auto second = from[2 * i + 1];
    to[i] = (first & 15) | (second & 15) << 4;
    to[i + 8] = first >> 4 | (second >> 4) << 4;
  }
}

// All others become float16.
template <typename F>
mx::array decoded(
    mx::io::Reader& reader,
    size_t start,
    const mx::Shape& shape,
    Layout layout,
    F f) {
  auto [out, data] = make<Half>(shape, mx::float16);
  std::vector<float> values(layout.values);
  each_block(
      reader,
      start,
      out.size(),
      layout,
      [&, data = data, size = out.size()](size_t i, const uint8_t* block) {
        f(block, values.data());
        auto first = i * layout.values;
        auto n = std::min(layout.values, size - first);
        for (size_t j = 0; j < n; j++) {
          data[first + j] = static_cast<Half>(values[j]);
        }
      });
  return out;
}

// 16 groups of 16 weights of 2 bits, with scales and minimums of 4.
void decode_q2_k(const uint8_t* block, float* out) {
  auto quants = block + 16;
  auto scale = half(block + 80);
  auto minimum = half(block + 82);
  for (int group = 0; group < 16; group++) {
    auto s = scale * (block[group] & 15);
    auto m = minimum * (block[group] >> 4);
    auto from = quants + group / 8 * 32 + group % 2 * 16;
    auto shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; i++) {
      *out++ = s * (from[i] >> shift & 3) - m;
    }
  }
}

// 8 groups of 32 weights of 4 bits, with scales and minimums of 6, the last
// four of which have their upper bits beside the first four. MLX takes those of
// every other group for the one after it, too, which is wrong.
void decode_q4_k(const uint8_t* block, float* out) {
  auto scale = half(block);
  auto minimum = half(block + 2);
  auto factors = block + 4;
  for (int group = 0; group < 8; group++) {
    int s, m;
    if (group < 4) {
      s = factors[group] & 63;
      m = factors[group + 4] & 63;
    } else {
      auto rest = factors[group + 4];
      s = (rest & 15) | factors[group - 4] >> 6 << 4;
      m = rest >> 4 | factors[group] >> 6 << 4;
    }
    auto from = block + 16 + group / 2 * 32;
    auto shift = group % 2 * 4;
    for (int i = 0; i < 32; i++) {
      *out++ = scale * s * (from[i] >> shift & 15) - minimum * m;
    }
  }
}

// 16 groups of 16 weights of 6 bits, with scales of 8: four bits lie in one
// place and two in another.
void decode_q6_k(const uint8_t* block, float* out) {
  auto scale = half(block + 208);
  for (int i = 0; i < 256; i++) {
    auto part = i / 128;
    auto row = i % 128 / 32;
    auto column = i % 32;
    auto low = block[part * 64 + row % 2 * 32 + column] >> row / 2 * 4 & 15;
    auto high = block[128 + part * 32 + column] >> row * 2 & 3;
    auto s = at<int8_t>(block + 192 + i / 16);
    out[i] = scale * s * ((low | high << 4) - 32);
  }
}

void decode_bf16(const uint8_t* block, float* out) {
  *out = static_cast<float>(at<mx::bfloat16_t>(block));
}

} // namespace

std::vector<mx::array> load_gguf_tensor(
    mx::io::Reader& reader,
    size_t start,
    int type,
    const mx::Shape& shape) {
  // The numbers of the types are the format's.
  switch (type) {
    case 0:
      return {plain(reader, start, shape, mx::float32)};
    case 1:
      return {plain(reader, start, shape, mx::float16)};
    case 24:
      return {plain(reader, start, shape, mx::int8)};
    case 25:
      return {plain(reader, start, shape, mx::int16)};
    case 26:
      return {plain(reader, start, shape, mx::int32)};
    case 2: // Q4_0
      return quantized(
          reader,
          start,
          shape,
          {32, 18},
          4,
          [](const uint8_t* block, uint8_t* weights, Half scale, Half& bias) {
            bias = static_cast<Half>(-8 * static_cast<float>(scale));
            pack(block + 2, weights);
          });
    case 3: // Q4_1
      return quantized(
          reader,
          start,
          shape,
          {32, 20},
          4,
          [](const uint8_t* block, uint8_t* weights, Half, Half& bias) {
            bias = at<Half>(block + 2);
            pack(block + 4, weights);
          });
    case 8: // Q8_0, of signed weights
      return quantized(
          reader,
          start,
          shape,
          {32, 34},
          8,
          [](const uint8_t* block, uint8_t* weights, Half scale, Half& bias) {
            bias = static_cast<Half>(-128 * static_cast<float>(scale));
            std::transform(block + 2, block + 34, weights, [](uint8_t x) {
              return x ^ 128;
            });
          });
    case 10:
      return {decoded(reader, start, shape, {256, 84}, decode_q2_k)};
    case 12:
      return {decoded(reader, start, shape, {256, 144}, decode_q4_k)};
    case 14:
      return {decoded(reader, start, shape, {256, 210}, decode_q6_k)};
    case 30:
      return {decoded(reader, start, shape, {1, 2}, decode_bf16)};
    default:
      throw std::runtime_error(
          "[load] expected a type of tensors that MLX reads, received " +
          std::to_string(type));
  }
}

} // namespace mlxjs
