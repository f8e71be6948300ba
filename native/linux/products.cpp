// Products of quantized matrices and of float16 and bfloat16 on the CPU.
//
// MLX unpacks a quantized weight anew for each row that it is multiplied with,
// and goes through products of half precision in plain loops. Here some rows of
// the second factor at a time become float32, few enough to stay in the
// processor's cache, and OpenBLAS multiplies with them. Sums are float32, and
// are rounded once.
//
// The operations stay MLX's: all that transforms, compiles or exports a graph
// sees what it knows. Just the place of eval_cpu in their tables of virtual
// functions is written over, when the first of a kind is to be computed.

#include "../products.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"

#include "library.h"
#include "openblas.h"

namespace mlxjs {

namespace mx = mlx::core;

namespace {

using Arrays = std::vector<mx::array>;
using Eval = void (*)(mx::Primitive*, const Arrays&, mx::array&);

// The inner loops, for processors with AVX2 and for all others: of each
// function `name_any` here is a `name` that picks one.

#define INLINE [[gnu::always_inline]] inline
#if defined(__x86_64__)
#define AVX2 [[gnu::target("avx2,fma,f16c")]]
bool has_avx2() {
  static bool has = __builtin_cpu_supports("avx2") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return has;
}
#define PICK(result, name, parameters, ...)                                 \
  AVX2 result name##_avx2 parameters {                                      \
    return name##_any(__VA_ARGS__);                                         \
  }                                                                         \
  result name parameters {                                                  \
    return has_avx2() ? name##_avx2(__VA_ARGS__) : name##_any(__VA_ARGS__); \
  }
#else
#define PICK(result, name, parameters, ...) \
  result name parameters {                  \
    return name##_any(__VA_ARGS__);         \
  }
#endif

INLINE float dot_any(const float* a, const float* b, int n) {
  typedef float Lanes __attribute__((vector_size(32), aligned(4), may_alias));
  Lanes sums[4] = {};
  int i = 0;
  for (; i + 32 <= n; i += 32) {
    for (int j = 0; j < 4; j++) {
      sums[j] += *reinterpret_cast<const Lanes*>(a + i + 8 * j) *
          *reinterpret_cast<const Lanes*>(b + i + 8 * j);
    }
  }
  auto lanes = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = 0;
  for (int j = 0; j < 8; j++) {
    sum += lanes[j];
  }
  for (; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}
PICK(float, dot, (const float* a, const float* b, int n), a, b, n)

// From half precision and back.

INLINE void
bfloat16_in_any(const uint16_t* in, int64_t stride, int n, float* out) {
  auto bits = reinterpret_cast<uint32_t*>(out);
  if (stride == 1) {
    for (int i = 0; i < n; i++) {
      bits[i] = static_cast<uint32_t>(in[i]) << 16;
    }
  } else {
    for (int i = 0; i < n; i++) {
      bits[i] = static_cast<uint32_t>(in[i * stride]) << 16;
    }
  }
}
PICK(
    void,
    bfloat16_in,
    (const uint16_t* in, int64_t stride, int n, float* out),
    in,
    stride,
    n,
    out)

// To the nearest, to even between two; NaN stays NaN.
INLINE void bfloat16_out_any(const float* in, int n, uint16_t* out) {
  auto bits = reinterpret_cast<const uint32_t*>(in);
  for (int i = 0; i < n; i++) {
    auto x = bits[i];
    auto rounded = (x + 0x7fff + ((x >> 16) & 1)) >> 16;
    bool nan = (x & 0x7fffffff) > 0x7f800000;
    out[i] = static_cast<uint16_t>(nan ? 0x7fc0 : rounded);
  }
}
PICK(void, bfloat16_out, (const float* in, int n, uint16_t* out), in, n, out)

void float16_in_any(
    const mx::float16_t* in,
    int64_t stride,
    int n,
    float* out) {
  for (int i = 0; i < n; i++) {
    out[i] = static_cast<float>(in[i * stride]);
  }
}

void float16_out_any(const float* in, int n, mx::float16_t* out) {
  for (int i = 0; i < n; i++) {
    out[i] = static_cast<mx::float16_t>(in[i]);
  }
}

#if defined(__x86_64__)
AVX2 int float16_in_avx2(const mx::float16_t* in, int n, float* out) {
  int i = 0;
  for (; i + 8 <= n; i += 8) {
    auto half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(half));
  }
  return i;
}

AVX2 int float16_out_avx2(const float* in, int n, mx::float16_t* out) {
  int i = 0;
  for (; i + 8 <= n; i += 8) {
    auto half = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), 0);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), half);
  }
  return i;
}
#else
constexpr bool has_avx2() {
  return false;
}
int float16_in_avx2(const mx::float16_t*, int, float*) {
  return 0;
}
int float16_out_avx2(const float*, int, mx::float16_t*) {
  return 0;
}
#endif

// Elements of a floating dtype, so far apart, as float32.
void read_floats(
    mx::Dtype dtype,
    const void* data,
    int64_t begin,
    int64_t stride,
    int n,
    float* out) {
  if (dtype == mx::bfloat16) {
    bfloat16_in(static_cast<const uint16_t*>(data) + begin, stride, n, out);
  } else if (dtype == mx::float16) {
    auto in = static_cast<const mx::float16_t*>(data) + begin;
    int done = stride == 1 && has_avx2() ? float16_in_avx2(in, n, out) : 0;
    float16_in_any(in + done * stride, stride, n - done, out + done);
  } else {
    auto in = static_cast<const float*>(data) + begin;
    for (int i = 0; i < n; i++) {
      out[i] = in[i * stride];
    }
  }
}

void write_floats(
    mx::Dtype dtype,
    const float* in,
    int n,
    void* data,
    int64_t begin) {
  if (dtype == mx::bfloat16) {
    bfloat16_out(in, n, static_cast<uint16_t*>(data) + begin);
  } else {
    auto out = static_cast<mx::float16_t*>(data) + begin;
    int done = has_avx2() ? float16_out_avx2(in, n, out) : 0;
    float16_out_any(in + done, n - done, out + done);
  }
}

// Memory for as long as a product takes.
class Scratch {
 public:
  explicit Scratch(size_t count)
      : array_(
            mx::allocator::malloc(count * sizeof(float)),
            mx::Shape{},
            mx::float32) {}
  float* data() {
    return array_.data<float>();
  }

 private:
  mx::array array_;
};

// Quantized rows.

enum class Kind { affine, fp4, fp8 };

// The numbers that eight elements' bits stand for.
template <Kind kind, int bits>
INLINE void unpack(const uint8_t* in, const float* numbers, float* out) {
  if constexpr (bits == 8) {
    for (int i = 0; i < 8; i++) {
      out[i] =
          kind == Kind::affine ? static_cast<float>(in[i]) : numbers[in[i]];
    }
  } else {
    // Put together by shifts: bytes that are stored one by one cannot be loaded
    // as a word at once.
    uint64_t word = 0;
    for (int i = 0; i < bits; i++) {
      word |= static_cast<uint64_t>(in[i]) << (8 * i);
    }
    uint32_t halves[2] = {
        static_cast<uint32_t>(word), static_cast<uint32_t>(word >> (4 * bits))};
    for (int i = 0; i < 8; i++) {
      int element = (halves[i / 4] >> (bits * (i % 4))) & ((1 << bits) - 1);
      out[i] =
          kind == Kind::affine ? static_cast<float>(element) : numbers[element];
    }
  }
}

// What to read groups with, of which there are several, in a row.
struct Groups {
  const uint8_t* in;
  const float* numbers;
  const float* scales;
  const float* biases;
  int count;
  int size;
};

template <Kind kind, int bits>
INLINE void read_any(const Groups& groups, float* out) {
  auto in = groups.in;
  for (int g = 0; g < groups.count; g++) {
    auto scale = groups.scales[g];
    auto bias = kind == Kind::affine ? groups.biases[g] : 0;
    for (int i = 0; i < groups.size; i += 8) {
      float eight[8];
      unpack<kind, bits>(in, groups.numbers, eight);
      for (int j = 0; j < 8; j++) {
        out[j] =
            kind == Kind::affine ? eight[j] * scale + bias : eight[j] * scale;
      }
      in += bits;
      out += 8;
    }
  }
}

#if defined(__x86_64__)
template <Kind kind, int bits>
AVX2 void read_avx2(const Groups& groups, float* out) {
  read_any<kind, bits>(groups, out);
}
#endif

template <Kind kind, int bits>
void read_groups(const Groups& groups, float* out) {
#if defined(__x86_64__)
  if (has_avx2()) {
    return read_avx2<kind, bits>(groups, out);
  }
#endif
  read_any<kind, bits>(groups, out);
}

using ReadGroups = void (*)(const Groups&, float*);

ReadGroups reader_of(Kind kind, int bits) {
  if (kind != Kind::affine) {
    return kind == Kind::fp4 ? read_groups<Kind::fp4, 4>
                             : read_groups<Kind::fp8, 8>;
  }
  switch (bits) {
    case 1:
      return read_groups<Kind::affine, 1>;
    case 2:
      return read_groups<Kind::affine, 2>;
    case 3:
      return read_groups<Kind::affine, 3>;
    case 4:
      return read_groups<Kind::affine, 4>;
    case 5:
      return read_groups<Kind::affine, 5>;
    case 6:
      return read_groups<Kind::affine, 6>;
    case 8:
      return read_groups<Kind::affine, 8>;
    default:
      return nullptr;
  }
}

constexpr std::array<float, 16> fp4_numbers{
    0,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    6, //
    -0.0f,
    -0.5,
    -1,
    -1.5,
    -2,
    -3,
    -4,
    -6};

// E4M3 without infinities and NaN, as MLX has it.
const float* fp8_numbers() {
  static const auto all = [] {
    std::array<float, 256> out;
    for (int i = 0; i < 256; i++) {
      int exponent = (i >> 3) & 15, fraction = i & 7;
      auto size = exponent == 0 ? std::ldexp(fraction, -9)
                                : std::ldexp(8 + fraction, exponent - 10);
      out[i] = static_cast<float>(i < 128 ? size : -size);
    }
    return out;
  }();
  return all.data();
}

float power_of_two(uint8_t exponent) {
  uint32_t bits =
      exponent == 0 ? 1u << 22 : static_cast<uint32_t>(exponent) << 23;
  float out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}

// A quantized matrix, as it lies in memory: rows of groups.
struct Quantized {
  int bits;
  int group_size;
  Kind kind;
  ReadGroups read;
  const uint8_t* elements;
  const void* scales;
  const void* biases;
  mx::Dtype dtype; // of scales and biases

  void read_rows(int64_t begin, int count, int length, float* out) const {
    int groups = length / group_size;
    Scratch factors(2 * groups);
    auto s = factors.data(), b = s + groups;
    for (auto row = begin; row < begin + count; row++, out += length) {
      if (kind == Kind::affine) {
        read_floats(dtype, scales, row * groups, 1, groups, s);
        read_floats(dtype, biases, row * groups, 1, groups, b);
      } else {
        auto in = static_cast<const uint8_t*>(scales) + row * groups;
        for (int g = 0; g < groups; g++) {
          s[g] = group_size == 16 ? fp8_numbers()[in[g]] : power_of_two(in[g]);
        }
      }
      auto numbers = kind == Kind::fp4 ? fp4_numbers.data() : fp8_numbers();
      read(
          {elements + row * length * bits / 8,
           numbers,
           s,
           b,
           groups,
           group_size},
          out);
    }
  }
};

// The product.

// Rows of float32: a factor as it lies in memory, or its transpose.
struct Floats {
  const float* data;
  bool transposed;
  int length;
};

// The second factor: so many rows of such a length, of which `read` makes some
// float32. They are the factor's columns if it is transposed.
struct Rows {
  int count;
  int length;
  bool transposed;
  std::function<void(int begin, int count, float* out)> read;
};

// How many rows fit together into a processor's second-level cache.
int panel_of(const Rows& b) {
  constexpr int floats = 1 << 17;
  return std::clamp(floats / b.length / 8 * 8, 8, b.count);
}

// Up to this many rows of a are multiplied with one row of b after the other,
// which stays in the first-level cache meanwhile.
constexpr int few = 4;

// c (m, n) = a (m, k) b (k, n).
void multiply(int m, const Floats& a, const Rows& b, float* c) {
  int n = b.transposed ? b.count : b.length;
  bool dots = b.transposed && !a.transposed && m <= few;
  int panel = dots ? std::min(b.count, 8) : panel_of(b);
  Scratch rows(static_cast<size_t>(panel) * b.length);
  for (int begin = 0; begin < b.count; begin += panel) {
    int count = std::min(panel, b.count - begin);
    b.read(begin, count, rows.data());
    if (dots) {
      for (int j = 0; j < count; j++) {
        for (int i = 0; i < m; i++) {
          c[static_cast<int64_t>(i) * n + begin + j] =
              dot(a.data + static_cast<int64_t>(i) * a.length,
                  rows.data() + static_cast<int64_t>(j) * b.length,
                  b.length);
        }
      }
      continue;
    }
    auto a_part = a.data;
    if (!b.transposed) {
      a_part += a.transposed ? static_cast<int64_t>(begin) * a.length : begin;
    }
    scipy_cblas_sgemm(
        row_major,
        a.transposed ? transposed : as_it_is,
        b.transposed ? transposed : as_it_is,
        m,
        b.transposed ? count : n,
        b.transposed ? b.length : count,
        1,
        a_part,
        a.length,
        rows.data(),
        b.length,
        b.transposed || begin == 0 ? 0 : 1,
        b.transposed ? c + begin : c,
        n);
  }
}

// Where an element of an array is that counts in row-major order.
int64_t place_of(const mx::array& a, int64_t index) {
  int64_t out = 0;
  for (int axis = a.ndim() - 1; axis >= 0 && index > 0; axis--) {
    out += index % a.shape(axis) * a.strides(axis);
    index /= a.shape(axis);
  }
  return out;
}

// The rows of an array, from an element's on, as float32.
void read_rows_of(const mx::array& a, int64_t element, int rows, float* out) {
  auto length = a.shape(-1);
  for (int i = 0; i < rows; i++, element += length, out += length) {
    auto begin = place_of(a, element);
    read_floats(a.dtype(), a.data<void>(), begin, a.strides(-1), length, out);
  }
}

bool in_order(const mx::array& a) {
  return a.flags().row_contiguous;
}

// Smaller products take no longer in MLX.
constexpr int64_t small = 1 << 12;

bool is_large(const mx::array& a, const mx::array& out) {
  return static_cast<int64_t>(out.size()) * a.shape(-1) >= small;
}

// Quantized products.

struct Format {
  int group_size;
  int bits;
  mx::QuantizationMode mode;
  bool transposed;
};

bool takes(const Arrays& factors, const mx::array& out, const Format& f) {
  bool affine = f.mode == mx::QuantizationMode::Affine;
  auto& x = factors[0];
  return x.ndim() > 0 && is_large(x, out) &&
      (x.dtype() == mx::float32 || x.dtype() == mx::float16 ||
       x.dtype() == mx::bfloat16) &&
      out.dtype() == x.dtype() &&
      factors[2].dtype() == (affine ? x.dtype() : mx::uint8) &&
      std::all_of(factors.begin() + 1, factors.end(), in_order) &&
      reader_of(
          affine            ? Kind::affine
              : f.bits == 4 ? Kind::fp4
                            : Kind::fp8,
          f.bits) != nullptr;
}

// Rows of x, from an element's on, with the quantized matrix of a number.
void multiply_quantized(
    const Arrays& factors,
    const Format& f,
    int64_t x_element,
    int rows,
    int64_t matrix,
    mx::array& out,
    int64_t out_element) {
  auto& x = factors[0];
  auto& w = factors[1];
  auto& scales = factors[2];
  bool affine = f.mode == mx::QuantizationMode::Affine;
  auto kind = affine ? Kind::affine : f.bits == 4 ? Kind::fp4 : Kind::fp8;
  int count = w.shape(-2), length = scales.shape(-1) * f.group_size;
  auto w_size = static_cast<int64_t>(count) * w.shape(-1);
  auto scales_size = static_cast<int64_t>(count) * scales.shape(-1);
  auto part = [&](const mx::array& a) {
    return static_cast<const char*>(a.data<void>()) +
        matrix * scales_size * a.itemsize();
  };
  Quantized quantized{
      f.bits,
      f.group_size,
      kind,
      reader_of(kind, f.bits),
      reinterpret_cast<const uint8_t*>(w.data<uint32_t>() + matrix * w_size),
      part(scales),
      affine ? part(factors[3]) : nullptr,
      scales.dtype()};
  Rows b{count, length, f.transposed, [&](int begin, int count, float* to) {
           quantized.read_rows(begin, count, length, to);
         }};
  int k = x.shape(-1), n = out.shape(-1);

  bool direct = in_order(x) && x.dtype() == mx::float32;
  std::optional<Scratch> copy, sums;
  Floats a{direct ? x.data<float>() + x_element : nullptr, false, k};
  if (!direct) {
    copy.emplace(static_cast<size_t>(rows) * k);
    read_rows_of(x, x_element, rows, copy->data());
    a.data = copy->data();
  }
  if (out.dtype() == mx::float32) {
    return multiply(rows, a, b, out.data<float>() + out_element);
  }
  sums.emplace(static_cast<size_t>(rows) * n);
  multiply(rows, a, b, sums->data());
  for (int row = 0; row < rows; row++) {
    auto begin = static_cast<int64_t>(row) * n;
    write_floats(
        out.dtype(),
        sums->data() + begin,
        n,
        out.data<void>(),
        out_element + begin);
  }
}

// The arrays that a task works on: without references of its own, since the
// stream holds them until the task is done.
Arrays held(const Arrays& arrays, size_t count) {
  Arrays out;
  for (size_t i = 0; i < count; i++) {
    out.push_back(mx::array::unsafe_weak_copy(arrays[i]));
  }
  return out;
}

template <typename F>
void dispatch(mx::Primitive* operation, mx::array& out, F task) {
  out.set_data(mx::allocator::malloc(out.nbytes()));
  auto& encoder = mx::cpu::get_command_encoder(operation->stream());
  encoder.dispatch(
      [task = std::move(task),
       out = mx::array::unsafe_weak_copy(out)]() mutable { task(out); });
}

bool quantized_matmul(
    mx::Primitive* operation,
    const Arrays& inputs,
    mx::array& out) {
  auto [group_size, bits, mode, transposed] =
      static_cast<mx::QuantizedMatmul*>(operation)->state();
  Format f{group_size, bits, mode, transposed};
  if (!takes(inputs, out, f)) {
    return false;
  }
  dispatch(
      operation,
      out,
      [f, factors = held(inputs, inputs.size())](mx::array& out) {
        auto& x = factors[0];
        int k = x.shape(-1), n = out.shape(-1);
        // All of x, if there is one matrix.
        int64_t rows = factors[1].ndim() > 2 ? x.shape(-2) : x.size() / k;
        for (int64_t i = 0; i * rows * k < static_cast<int64_t>(x.size());
             i++) {
          multiply_quantized(
              factors, f, i * rows * k, rows, i, out, i * rows * n);
        }
      });
  return true;
}

bool gather_qmm(
    mx::Primitive* operation,
    const Arrays& inputs,
    mx::array& out) {
  auto [group_size, bits, mode, transposed, _, sorted] =
      static_cast<mx::GatherQMM*>(operation)->state();
  Format f{group_size, bits, mode, transposed};
  size_t count = mode == mx::QuantizationMode::Affine ? 4 : 3;
  Arrays factors(
      inputs.begin(), inputs.begin() + std::min(count, inputs.size()));
  if (inputs.size() != count + 2 || !takes(factors, out, f)) {
    return false;
  }
  dispatch(
      operation,
      out,
      [f, all = held(inputs, count + 2), count](mx::array& out) {
        Arrays factors(all.begin(), all.begin() + count);
        auto& lhs = all[count];
        auto& rhs = all[count + 1];
        auto& x = factors[0];
        int64_t rows = x.shape(-2), k = x.shape(-1), n = out.shape(-1);
        for (int64_t i = 0; i < static_cast<int64_t>(lhs.size()); i++) {
          auto from = lhs.data<uint32_t>()[place_of(lhs, i)];
          auto with = rhs.data<uint32_t>()[place_of(rhs, i)];
          multiply_quantized(
              factors, f, from * rows * k, rows, with, out, i * rows * n);
        }
      });
  return true;
}

// Products of half precision.

bool takes_half(const mx::array& a, const mx::array& b, const mx::array& out) {
  auto dtype = out.dtype();
  return (dtype == mx::float16 || dtype == mx::bfloat16) &&
      a.dtype() == dtype && b.dtype() == dtype && is_large(a, out);
}

// A matrix of an array, as rows that lie in order in memory if there are such.
struct Matrix {
  Matrix(const mx::array& a, int64_t number)
      : array(a),
        begin(place_of(a, number * a.shape(-2) * a.shape(-1))),
        transposed(a.strides(-1) != 1 && a.strides(-2) == 1) {
    int across = transposed ? -2 : -1, along = transposed ? -1 : -2;
    count = a.shape(along);
    length = a.shape(across);
    row_stride = a.strides(along);
    stride = a.strides(across);
  }

  void read(int row, int count, float* out) const {
    for (int i = 0; i < count; i++, out += length) {
      auto at = begin + (row + i) * row_stride;
      read_floats(array.dtype(), array.data<void>(), at, stride, length, out);
    }
  }

  const mx::array& array;
  int64_t begin;
  bool transposed;
  int count;
  int length;
  int64_t row_stride;
  int64_t stride;
};

// The product of two matrices in float32, with room for the first of them.
void multiply(const Matrix& a, const Matrix& b, float* room, float* out) {
  a.read(0, a.count, room);
  Rows rows{
      b.count, b.length, b.transposed, [&](int begin, int count, float* to) {
        b.read(begin, count, to);
      }};
  auto m = a.transposed ? a.length : a.count;
  multiply(m, {room, a.transposed, a.length}, rows, out);
}

// alpha * a b + beta * c, if there is c.
void multiply_half(
    const Arrays& inputs,
    float alpha,
    float beta,
    mx::array& out) {
  auto& a = inputs[0];
  auto& b = inputs[1];
  int64_t m = a.shape(-2), k = a.shape(-1), n = b.shape(-1);
  Scratch left(m * k), sums(m * n), added(inputs.size() > 2 ? n : 0);
  for (int64_t i = 0; i * m * n < static_cast<int64_t>(out.size()); i++) {
    multiply(Matrix(a, i), Matrix(b, i), left.data(), sums.data());
    for (int64_t row = 0; row < m; row++) {
      auto element = (i * m + row) * n;
      auto sum = sums.data() + row * n;
      if (inputs.size() > 2) {
        read_rows_of(inputs[2], element, 1, added.data());
        for (int64_t j = 0; j < n; j++) {
          sum[j] = alpha * sum[j] + beta * added.data()[j];
        }
      }
      write_floats(out.dtype(), sum, n, out.data<void>(), element);
    }
  }
}

bool matmul(mx::Primitive* operation, const Arrays& inputs, mx::array& out) {
  if (!takes_half(inputs[0], inputs[1], out)) {
    return false;
  }
  dispatch(operation, out, [inputs = held(inputs, 2)](mx::array& out) {
    multiply_half(inputs, 1, 0, out);
  });
  return true;
}

bool addmm(mx::Primitive* operation, const Arrays& inputs, mx::array& out) {
  if (!takes_half(inputs[0], inputs[1], out) ||
      inputs[2].dtype() != out.dtype() || inputs[2].shape() != out.shape()) {
    return false;
  }
  auto [alpha, beta] = static_cast<mx::AddMM*>(operation)->state();
  dispatch(
      operation,
      out,
      [inputs = held(inputs, 3), alpha = alpha, beta = beta](mx::array& out) {
        multiply_half(inputs, alpha, beta, out);
      });
  return true;
}

// All of half precision, however small, since MLX has this in float32 only.
bool gather_mm(mx::Primitive* operation, const Arrays& inputs, mx::array& out) {
  if (out.dtype() != mx::float16 && out.dtype() != mx::bfloat16) {
    return false;
  }
  dispatch(operation, out, [inputs = held(inputs, 4)](mx::array& out) {
    auto &a = inputs[0], &b = inputs[1], &lhs = inputs[2], &rhs = inputs[3];
    int64_t m = a.shape(-2), k = a.shape(-1), n = b.shape(-1);
    if (out.size() == 0 || k == 0) {
      std::memset(out.data<void>(), 0, out.nbytes());
      return;
    }
    Scratch left(m * k), sums(m * n);
    for (int64_t i = 0; i < static_cast<int64_t>(lhs.size()); i++) {
      Matrix x(a, lhs.data<uint32_t>()[place_of(lhs, i)]);
      Matrix y(b, rhs.data<uint32_t>()[place_of(rhs, i)]);
      multiply(x, y, left.data(), sums.data());
      write_floats(
          out.dtype(), sums.data(), m * n, out.data<void>(), i * m * n);
    }
  });
  return true;
}

// Which operations are taken over, and what MLX has for them.
struct Product {
  std::string_view name;
  // Whether it is one for us, which is then on its way.
  bool (*compute)(mx::Primitive*, const Arrays&, mx::array&);
  Eval eval;
  Eval own = nullptr;
};

template <int i>
void eval(mx::Primitive* operation, const Arrays& inputs, mx::array& out);

Product products[] = {
    {"QuantizedMatmul", quantized_matmul, eval<0>},
    {"GatherQMM", gather_qmm, eval<1>},
    {"Matmul", matmul, eval<2>},
    {"AddMM", addmm, eval<3>},
    {"GatherMM", gather_mm, eval<4>},
};

template <int i>
void eval(mx::Primitive* operation, const Arrays& inputs, mx::array& out) {
  auto& product = products[i];
  if (!product.compute(operation, inputs, out)) {
    product.own(operation, inputs, out);
  }
}

// How far the place of eval_cpu is from the beginning of a table.
size_t offset() {
  using Member = void (mx::UnaryPrimitive::*)(const Arrays&, mx::array&);
  Member member = &mx::UnaryPrimitive::eval_cpu;
  struct {
    size_t place;
    ptrdiff_t adjustment;
  } parts;
  static_assert(sizeof(parts) == sizeof(member));
  std::memcpy(&parts, &member, sizeof(parts));
  // A virtual function is told by the lowest bit: of the adjustment on Arm.
#if defined(__x86_64__)
  return parts.place - 1;
#else
  return parts.place;
#endif
}

} // namespace

void take_over(mx::Primitive& operation) {
  start_threads();
  auto product = std::ranges::find(products, operation.name(), &Product::name);
  if (product == std::end(products)) {
    return;
  }
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (product->own == nullptr) {
    char* table;
    std::memcpy(&table, static_cast<void*>(&operation), sizeof(table));
    auto place = table + offset();
    std::memcpy(&product->own, place, sizeof(product->own));
    try {
      libmlx().set(
          reinterpret_cast<ElfW(Addr)>(place),
          reinterpret_cast<void*>(product->eval));
    } catch (const std::runtime_error&) {
      // MLX's own compute the same.
    }
  }
}

} // namespace mlxjs
