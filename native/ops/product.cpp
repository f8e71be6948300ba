#include "../bind.h"

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
  return dtype ? mx::trace(a, offset, axis1, axis2, *dtype, s)
               : mx::trace(a, offset, axis1, axis2, s);
}

mx::array addmm(
    const mx::array& c,
    const mx::array& a,
    const mx::array& b,
    float alpha,
    float beta,
    mx::StreamOrDevice s) {
  return mx::addmm(c, a, b, alpha, beta, s);
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
using Maybe = std::optional<mx::array>;

} // namespace

const std::vector<Binding> product{
    BIND(Product, matmul),
    BIND(Product, inner),
    BIND(Product, outer),
    BIND(Product, kron),
    BIND(
        mx::array (*)(
            const mx::array&,
            const mx::array&,
            int,
            mx::StreamOrDevice),
        vecdot),
    BIND(
        mx::array (*)(const std::string&, const Arrays&, mx::StreamOrDevice),
        einsum),
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
    BIND(
        mx::array (*)(
            mx::array,
            mx::array,
            Maybe,
            Maybe,
            bool,
            mx::StreamOrDevice),
        gather_mm),
    BIND(
        mx::array (*)(mx::array, mx::array, mx::array, mx::StreamOrDevice),
        segmented_mm),
    LOCAL(tensordot),
    LOCAL(tensordot_over),
    LOCAL(trace),
    LOCAL(addmm),
    LOCAL(einsum_path),
};

} // namespace mlxjs
