#include "../bind.h"
#include "../empty.h"
#include "../graph.h"
#include "../indices.h"
#include "../products.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

mx::array tensordot(
    const mx::array& a,
    const mx::array& b,
    int axes,
    mx::StreamOrDevice s) {
  return mx::tensordot(a, b, axes, s);
}

// Over the axes of each, pair by pair.
mx::array tensordot_over(
    const mx::array& a,
    const mx::array& b,
    std::vector<int> axes_a,
    std::vector<int> axes_b,
    mx::StreamOrDevice s) {
  return mx::tensordot(a, b, axes_a, axes_b, s);
}

mx::array trace(
    const mx::array& a,
    int offset,
    int axis1,
    int axis2,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  auto out = dtype ? mx::trace(a, offset, axis1, axis2, *dtype, s)
                   : mx::trace(a, offset, axis1, axis2, s);
  return unless_empty(out, s, mx::diagonal(a, offset, axis1, axis2, s));
}

mx::array
einsum(const std::string& subscripts, Arrays operands, mx::StreamOrDevice s) {
  for (auto& x : operands) {
    x = in_order_if_empty(x, s);
  }
  return mx::einsum(subscripts, operands, s);
}

mx::array
vecdot(const mx::array& a, const mx::array& b, int axis, mx::StreamOrDevice s) {
  return mx::vecdot(in_order_if_empty(a, s), in_order_if_empty(b, s), axis, s);
}

mx::array addmm(
    const mx::array& c,
    const mx::array& a,
    const mx::array& b,
    float alpha,
    float beta,
    mx::StreamOrDevice s) {
  auto out = mx::addmm(c, a, b, alpha, beta, s);
  return unless_empty(out, s, out);
}

using Maybe = std::optional<mx::array>;

bool is_half(mx::Dtype dtype) {
  return dtype == mx::float16 || dtype == mx::bfloat16;
}

mx::array gather_mm(
    const mx::array& a,
    const mx::array& b,
    Maybe lhs_indices,
    Maybe rhs_indices,
    bool sorted_indices,
    mx::StreamOrDevice s) {
  auto lhs = checked_matrices(lhs_indices, a, "gather_mm", s);
  auto rhs = checked_matrices(rhs_indices, b, "gather_mm", s);
  auto dtype = mx::result_type(a, b);
  // On the CPU, MLX has it in float32 only.
  if (!has_own_products && is_half(dtype) &&
      mx::to_stream(s).device == mx::Device::cpu) {
    auto single = [&](auto& x) { return mx::astype(x, mx::float32, s); };
    auto out = mx::gather_mm(single(a), single(b), lhs, rhs, sorted_indices, s);
    return mx::astype(out, dtype, s);
  }
  return mx::gather_mm(a, b, lhs, rhs, sorted_indices, s);
}

mx::array hadamard_transform(
    const mx::array& a,
    std::optional<float> scale,
    mx::StreamOrDevice s) {
  if (!has_hadamard_matrix(a)) {
    throw RangeError(
        "[hadamard_transform] a: expected a last axis whose size is a power of "
        "two, or 12, 20 or 28 times one, received " +
        std::to_string(a.shape(-1)));
  }
  // MLX would keep the scale of the size that a function is traced for.
  if (!scale && is_for_all_shapes(a)) {
    auto size = mx::number_of_elements(a, {-1}, false, mx::float32, s);
    auto dtype =
        mx::issubdtype(a.dtype(), mx::floating) ? a.dtype() : mx::float32;
    auto factor = mx::astype(mx::rsqrt(size, s), dtype, s);
    return mx::hadamard_transform(mx::multiply(a, factor, s), 1.0f, s);
  }
  return mx::hadamard_transform(a, scale, s);
}

// Segments of an axis, of which none ends before it starts.
mx::array
checked_segments(const mx::array& segments, int size, mx::StreamOrDevice s) {
  // Both ends are places between entries.
  auto places = Bounds::of_part(size, 0);
  Caller caller{"segmented_mm", "segments"};
  auto safe = checked(segments, places, caller, s);
  if (segments.ndim() == 0 || segments.shape(-1) != 2 || segments.size() == 0) {
    return safe; // which MLX refuses, or nothing to compute
  }
  Caller of_length{"segmented_mm", "lengths of segments"};
  if (is_known(segments)) {
    std::optional<int64_t> start;
    each_known(segments, [&](int64_t x) {
      if (start) {
        check_index(x - *start, places, of_length);
      }
      start = start ? std::nullopt : std::optional(x);
    });
    return safe;
  }
  auto ends = mx::split(mx::astype(safe, mx::int32, s), 2, -1, s);
  auto length = mx::subtract(ends[1], ends[0], s);
  length = checked(length, places, of_length, s);
  return mx::concatenate({ends[0], mx::add(ends[0], length, s)}, -1, s);
}

mx::array segmented_mm(
    const mx::array& a,
    const mx::array& b,
    const mx::array& segments,
    mx::StreamOrDevice s) {
  if (a.ndim() != 2 || b.ndim() != 2) {
    return mx::segmented_mm(a, b, segments, s); // which says so
  }
  // MLX does not compare the sizes.
  if (a.shape(1) != b.shape(0)) {
    std::ostringstream msg;
    msg << "[segmented_mm] Last dimension of first input with shape "
        << a.shape() << " must match first dimension of second input with "
        << "shape " << b.shape() << ".";
    throw std::invalid_argument(msg.str());
  }
  auto safe = checked_segments(segments, a.shape(1), s);
  if (a.shape(0) * b.shape(1) == 0 && segments.ndim() > 0) {
    auto shape = segments.shape(); // nothing to compute, which MLX cannot
    shape.back() = a.shape(0);
    shape.push_back(b.shape(1));
    return mx::zeros(shape, mx::result_type(a, b), s);
  }
  return mx::segmented_mm(a, b, safe, s);
}

// The contractions in order and, for people, what they cost.
Napi::Value
einsum_path(Environment& e, std::string subscripts, Arrays operands) {
  auto [path, text] = mx::einsum_path(subscripts, operands);
  auto steps = Napi::Array::New(e.env, path.size());
  for (size_t i = 0; i < path.size(); i++) {
    auto step = Napi::Array::New(e.env, path[i].size());
    for (size_t j = 0; j < path[i].size(); j++) {
      step.Set(j, path[i][j]);
    }
    steps.Set(i, step);
  }
  auto out = Napi::Array::New(e.env, 2);
  out.Set(0u, steps);
  out.Set(1u, text);
  return out;
}

using Product =
    mx::array (*)(const mx::array&, const mx::array&, mx::StreamOrDevice);

} // namespace

bool has_hadamard_matrix(const mx::array& a) {
  auto size = a.ndim() > 0 ? a.shape(-1) : 1;
  auto fits = [size](int m) {
    auto n = size / m;
    return size % m == 0 && (n & (n - 1)) == 0;
  };
  return fits(1) || fits(12) || fits(20) || fits(28);
}

const std::vector<Binding> product{
    BIND(Product, matmul),
    BIND(Product, inner),
    BIND(Product, outer),
    BIND(Product, kron),
    LOCAL(vecdot),
    LOCAL(einsum),
    BIND(
        mx::array (*)(
            mx::array,
            mx::array,
            int,
            Maybe,
            Maybe,
            Maybe,
            mx::StreamOrDevice),
        block_masked_mm),
    LOCAL(hadamard_transform),
    LOCAL(gather_mm),
    LOCAL(segmented_mm),
    LOCAL(tensordot),
    LOCAL(tensordot_over),
    LOCAL(trace),
    LOCAL(addmm),
    LOCAL(einsum_path),
};

} // namespace mlxjs
