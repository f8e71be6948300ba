#include "gguf.h"

#include <algorithm>
#include <cstring>

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;
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

// Tensors that stay quantized, as MLX has it: 32 weights with a scale, and a
// bias, which the file has or which follows from the scale.
template <typename F>
Unpacked quantized(const mx::Shape& shape, Layout layout, int bits, F f) {
  auto weights = shape;
  weights.back() = weights.back() / 32 * bits;
  auto groups = shape;
  groups.back() /= 32;
  return {
      {std::move(weights), groups, groups},
      {mx::uint32, mx::float16, mx::float16},
      [=](mx::io::Reader& reader, size_t start, Arrays& out) {
        auto w = out[0].data<uint8_t>();
        auto s = out[1].data<Half>();
        auto b = out[2].data<Half>();
        each_block(
            reader,
            start,
            out[1].size() * layout.values,
            layout,
            [&](size_t i, const uint8_t* block) {
              s[i] = at<Half>(block);
              f(block, w + i * 4 * bits, s[i], b[i]);
            });
      }};
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

// Tensors of all other types, which become float16.
template <typename F>
Unpacked decoded(mx::Shape shape, Layout layout, F f) {
  return {
      {std::move(shape)},
      {mx::float16},
      [=](mx::io::Reader& reader, size_t start, Arrays& out) {
        auto size = out[0].size();
        auto data = out[0].data<Half>();
        std::vector<float> values(layout.values);
        each_block(
            reader, start, size, layout, [&](size_t i, const uint8_t* block) {
              f(block, values.data());
              auto first = i * layout.values;
              auto n = std::min(layout.values, size - first);
              for (size_t j = 0; j < n; j++) {
                data[first + j] = static_cast<Half>(values[j]);
              }
            });
      }};
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

Unpacked unpacked_gguf(int type, const mx::Shape& shape) {
  // The numbers of the types are the format's.
  switch (type) {
    case 2: // Q4_0
      return quantized(
          shape,
          {32, 18},
          4,
          [](const uint8_t* block, uint8_t* weights, Half scale, Half& bias) {
            bias = static_cast<Half>(-8 * static_cast<float>(scale));
            pack(block + 2, weights);
          });
    case 3: // Q4_1
      return quantized(
          shape,
          {32, 20},
          4,
          [](const uint8_t* block, uint8_t* weights, Half, Half& bias) {
            bias = at<Half>(block + 2);
            pack(block + 4, weights);
          });
    case 8: // Q8_0, of signed weights
      return quantized(
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
      return decoded(shape, {256, 84}, decode_q2_k);
    case 12:
      return decoded(shape, {256, 144}, decode_q4_k);
    case 14:
      return decoded(shape, {256, 210}, decode_q6_k);
    case 30:
      return decoded(shape, {1, 2}, decode_bf16);
    default:
      throw std::runtime_error(
          "[load] expected a type of tensors that MLX reads, received " +
          std::to_string(type));
  }
}

} // namespace mlxjs
