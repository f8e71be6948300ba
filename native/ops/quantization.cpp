#include "../bind.h"
#include "../empty.h"
#include "../indices.h"

namespace mlxjs {

namespace {

using Maybe = std::optional<mx::array>;

// What a mode can have.
struct Format {
  std::vector<int> group_sizes;
  std::vector<int> bits;
};

const Format* find_format(const std::string& mode) {
  static const std::pair<const char*, Format> formats[] = {
      {"affine", {{32, 64, 128}, {1, 2, 3, 4, 5, 6, 8}}},
      {"mxfp4", {{32}, {4}}},
      {"mxfp8", {{32}, {8}}},
      {"nvfp4", {{16}, {4}}}};
  for (auto& [name, format] : formats) {
    if (mode == name) {
      return &format;
    }
  }
  return nullptr;
}

std::string joined(const std::vector<int>& xs) {
  std::ostringstream out;
  for (auto& x : xs) {
    out << (&x == xs.data() ? "" : ", ") << x;
  }
  return out.str();
}

void check_one_of(
    const char* function,
    const char* what,
    const std::vector<int>& allowed,
    std::optional<int> x,
    const std::string& mode) {
  if (x && std::find(allowed.begin(), allowed.end(), *x) == allowed.end()) {
    std::ostringstream msg;
    msg << "[" << function << "] " << what << ": expected " << joined(allowed)
        << " for " << mode << ", received " << *x;
    throw RangeError(msg.str());
  }
}

// MLX divides by the bits, and the kernels of a mode read as many scales as
// its own group size asks for. A mode that there is not is left to MLX.
void check_format(
    const char* function,
    const std::string& mode,
    std::optional<int> group_size,
    std::optional<int> bits) {
  if (auto format = find_format(mode)) {
    check_one_of(function, "groupSize", format->group_sizes, group_size, mode);
    check_one_of(function, "bits", format->bits, bits, mode);
  }
}

// MLX compares the leading dimensions before it knows that there are as many
// of them, and the rows not at all.
void check_scales(
    const char* function,
    const mx::array& w,
    const mx::array& scales) {
  if (w.ndim() < 2 || scales.ndim() != w.ndim() ||
      scales.shape(-2) != w.shape(-2)) {
    std::ostringstream msg;
    msg << "[" << function << "] scales: expected as many rows as in w, of at "
        << "least two dimensions, received shape " << scales.shape()
        << " for w of shape " << w.shape();
    throw std::invalid_argument(msg.str());
  }
}

[[noreturn]] void refuse(const char* function, const char* expected) {
  throw std::invalid_argument(
      std::string("[") + function + "] Expected " + expected + ".");
}

void check_no_float64(const char* function, mx::Dtype dtype) {
  if (dtype == mx::float64) {
    refuse(function, "float32, float16 or bfloat16, received float64");
  }
}

std::vector<mx::array> quantize(
    const mx::array& w,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    Maybe global_scale,
    mx::StreamOrDevice s) {
  // Some modes would read a float64 as two floats.
  check_no_float64("quantize", w.dtype());
  auto out = mx::quantize(w, group_size, bits, mode, global_scale, s);
  for (auto& part : out) {
    part = unless_empty(part, s, w);
  }
  return out;
}

mx::array dequantize(
    const mx::array& w,
    const mx::array& scales,
    Maybe biases,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    Maybe global_scale,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  auto as = [&](std::optional<mx::Dtype> type) {
    auto out = mx::dequantize(
        w, scales, biases, group_size, bits, mode, global_scale, type, s);
    return unless_empty(out, s, w);
  };
  // Some modes would write floats where a float64 is.
  return dtype == mx::float64 && mode != "affine"
      ? mx::astype(as(mx::float32), mx::float64, s)
      : as(dtype);
}

mx::array quantized_matmul(
    const mx::array& x,
    const mx::array& w,
    const mx::array& scales,
    Maybe biases,
    bool transpose,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    mx::StreamOrDevice s) {
  check_format("quantized_matmul", mode, group_size, bits);
  check_scales("quantized_matmul", w, scales);
  auto out = mx::quantized_matmul(
      x, w, scales, biases, transpose, group_size, bits, mode, s);
  check_no_float64("quantized_matmul", out.dtype());
  return unless_empty(out, s, x, w);
}

mx::array gather_qmm(
    const mx::array& x,
    const mx::array& w,
    const mx::array& scales,
    Maybe biases,
    Maybe lhs_indices,
    Maybe rhs_indices,
    bool transpose,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    Maybe global_scale,
    bool sorted_indices,
    mx::StreamOrDevice s) {
  check_format("gather_qmm", mode, group_size, bits);
  check_scales("gather_qmm", w, scales);
  auto out = mx::gather_qmm(
      x,
      w,
      scales,
      biases,
      checked_matrices(lhs_indices, x, "gather_qmm", s),
      checked_matrices(rhs_indices, w, "gather_qmm", s),
      transpose,
      group_size,
      bits,
      mode,
      global_scale,
      sorted_indices,
      s);
  check_no_float64("gather_qmm", out.dtype());
  return unless_empty(out, s, x, w);
}

// Products of which both factors are quantized.

bool is_quantized(const mx::array& w) {
  return w.dtype() == mx::uint32;
}

void check_factors(
    const char* function,
    const mx::array& x,
    const mx::array& w,
    const Maybe& scales,
    const std::string& mode,
    std::optional<int> group_size,
    std::optional<int> bits) {
  check_format(function, mode, group_size, bits);
  if (mode == "affine") {
    refuse(function, "a mode of floating-point numbers, not affine");
  }
  if (x.ndim() < 1 || w.ndim() < 2) {
    refuse(function, "x to have a dimension, and w two");
  }
  if (is_quantized(w) != scales.has_value()) {
    refuse(function, "scales together with a quantized w, and only then");
  }
  auto format = find_format(mode);
  if (scales) {
    check_scales(function, w, *scales);
    if (scales->dtype() != mx::uint8) {
      refuse(function, "scales of uint8");
    }
  } else if (format && x.shape(-1) % format->group_sizes[0] != 0) {
    refuse(function, "a last dimension that the group size divides");
  }
}

void check_gpu(const char* function, bool needed, mx::StreamOrDevice s) {
  if (needed && mx::to_stream(s).device == mx::Device::cpu) {
    refuse(function, "a GPU: MLX cannot compute this on the CPU");
  }
}

mx::array qqmm(
    const mx::array& x,
    const mx::array& w,
    Maybe scales,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    Maybe global_scale_x,
    Maybe global_scale_w,
    mx::StreamOrDevice s) {
  check_factors("qqmm", x, w, scales, mode, group_size, bits);
  auto out = mx::qqmm(
      x, w, scales, group_size, bits, mode, global_scale_x, global_scale_w, s);
  // The CPU knows one row by a quantized matrix, and no global scales, which
  // it would ignore.
  auto row = static_cast<size_t>(x.shape(-1));
  bool simple = is_quantized(w) && x.size() == row && !global_scale_x;
  check_gpu("qqmm", !simple, s);
  return unless_empty(out, s, x, w);
}

// MLX checks less here than above.
mx::array gather_qqmm(
    const mx::array& x,
    const mx::array& w,
    Maybe scales,
    Maybe lhs_indices,
    Maybe rhs_indices,
    std::optional<int> group_size,
    std::optional<int> bits,
    std::string mode,
    Maybe global_scale_x,
    Maybe global_scale_w,
    bool sorted_indices,
    mx::StreamOrDevice s) {
  check_factors("gather_qqmm", x, w, scales, mode, group_size, bits);
  auto is_float = [](const mx::array& a) {
    return mx::issubdtype(a.dtype(), mx::floating) && a.dtype() != mx::float64;
  };
  if (!is_float(x) || !(is_quantized(w) || is_float(w))) {
    refuse(
        "gather_qqmm",
        "factors of float32, float16 or bfloat16, or a quantized w");
  }
  auto is_scale = [](const Maybe& a) {
    return !a || (a->size() == 1 && a->dtype() == mx::float32);
  };
  if (global_scale_x.has_value() != global_scale_w.has_value() ||
      (global_scale_x && mode != "nvfp4") || !is_scale(global_scale_x) ||
      !is_scale(global_scale_w)) {
    refuse(
        "gather_qqmm",
        "two global scales, float32 scalars, for nvfp4, or none");
  }
  if (scales &&
      !std::equal(
          w.shape().begin(), w.shape().end() - 1, scales->shape().begin())) {
    refuse("gather_qqmm", "scales of the leading dimensions of w");
  }
  auto out = mx::gather_qqmm(
      x,
      w,
      scales,
      checked_matrices(lhs_indices, x, "gather_qqmm", s),
      checked_matrices(rhs_indices, w, "gather_qqmm", s),
      group_size,
      bits,
      mode,
      global_scale_x,
      global_scale_w,
      sorted_indices,
      s);
  check_gpu("gather_qqmm", true, s);
  return unless_empty(out, s, x, w);
}

// MLX would take the bytes of a float64 for those of a float32.
mx::array to_fp8(const mx::array& x, mx::StreamOrDevice s) {
  return mx::to_fp8(
      x.dtype() == mx::float64 ? mx::astype(x, mx::float32, s) : x, s);
}

mx::array from_fp8(const mx::array& x, mx::Dtype dtype, mx::StreamOrDevice s) {
  return dtype == mx::float64
      ? mx::astype(mx::from_fp8(x, mx::float32, s), dtype, s)
      : mx::from_fp8(x, dtype, s);
}

} // namespace

const std::vector<Binding> quantization{
    LOCAL(quantize),
    LOCAL(dequantize),
    LOCAL(quantized_matmul),
    LOCAL(gather_qmm),
    LOCAL(qqmm),
    LOCAL(gather_qqmm),
    LOCAL(to_fp8),
    LOCAL(from_fp8),
};

} // namespace mlxjs
