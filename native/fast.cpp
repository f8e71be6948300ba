#include "bind.h"
#include "empty.h"
#include "fused.h"
#include "indices.h"

namespace mlxjs {

namespace {

using Maybe = std::optional<mx::array>;

mx::array
rms_norm(const mx::array& x, Maybe weight, float eps, mx::StreamOrDevice s) {
  if (auto out = fused_rms_norm(x, weight, eps, s)) {
    return *out;
  }
  return unless_empty(mx::fast::rms_norm(x, weight, eps, s), s, x);
}

mx::array layer_norm(
    const mx::array& x,
    Maybe weight,
    Maybe bias,
    float eps,
    mx::StreamOrDevice s) {
  if (auto out = fused_layer_norm(x, weight, bias, eps, s)) {
    return *out;
  }
  return unless_empty(mx::fast::layer_norm(x, weight, bias, eps, s), s, x);
}

// A base of zero stands for none: then frequencies are given.
mx::array rope(
    const mx::array& a,
    int dims,
    bool traditional,
    float base,
    float scale,
    Operand offset,
    Maybe freqs,
    mx::StreamOrDevice s) {
  auto given = base == 0 ? std::nullopt : std::optional(base);
  auto place = offset.beside(mx::int32);
  if (auto out =
          fused_rope(a, dims, traditional, given, scale, place, freqs, s)) {
    return *out;
  }
  auto out =
      mx::fast::rope(a, dims, traditional, given, scale, place, freqs, s);
  return unless_empty(out, s, a);
}

mx::array scaled_dot_product_attention(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    float scale,
    std::string mask_mode,
    Maybe mask,
    Maybe sinks,
    bool force_fused,
    mx::StreamOrDevice s) {
  // MLX divides by the number of heads before it looks whether there are any.
  if (k.ndim() == 4 && k.shape(1) == 0) {
    throw RangeError(
        "[scaled_dot_product_attention] Expected at least one head.");
  }
  return mx::fast::scaled_dot_product_attention(
      q, k, v, scale, mask_mode, mask, sinks, force_fused, s);
}

mx::array cross_entropy(
    const mx::array& logits,
    const mx::array& targets,
    mx::StreamOrDevice s) {
  if (logits.ndim() == 0) {
    return mx::fast::cross_entropy(logits, targets, s); // which refuses it
  }
  auto count = logits.shape(-1);
  auto classes =
      checked(targets, Bounds::of(count), {"fast.crossEntropy", "targets"}, s);
  // The GPU has a kernel for this, which does not say what it does below 0.
  if (mx::to_stream(s).device == mx::Device::gpu) {
    if (classes.dtype().size() < 4) {
      classes = mx::astype(classes, mx::int32, s);
    }
    auto dtype = classes.dtype();
    auto negative = mx::less(classes, mx::array(0, dtype), s);
    auto from_end = mx::add(classes, mx::array(count, dtype), s);
    classes = mx::where(negative, from_end, classes, s);
  }
  return mx::fast::cross_entropy(logits, classes, s);
}

// MLX divides by the number of heads and takes the shapes on trust.
void check_gated_delta(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const mx::array& gamma,
    const mx::array& beta,
    const Maybe& mask) {
  auto prefix = [](const mx::array& x, size_t n) {
    return mx::Shape(x.shape().begin(), x.shape().begin() + n);
  };
  bool heads = q.ndim() == 4 && v.ndim() == 4 && k.shape() == q.shape() &&
      prefix(v, 2) == prefix(q, 2) && q.shape(2) > 0 &&
      v.shape(2) % q.shape(2) == 0;
  bool gates = heads && beta.shape() == prefix(v, 3) &&
      (gamma.ndim() == 3 || gamma.ndim() == 4) &&
      prefix(gamma, 3) == beta.shape();
  if (!gates) {
    throw std::invalid_argument(
        "[gated_delta_update] Expected q and k of shape [B, T, Hk, Dk], v of "
        "shape [B, T, Hv, Dv], gamma and beta of shape [B, T, Hv], and Hv to "
        "be a multiple of Hk.");
  }
  if (mask && mask->ndim() != 2) {
    throw std::invalid_argument(
        "[gated_delta_update] Expected a mask of shape [B, T].");
  }
}

std::vector<mx::array> gated_delta_update(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const mx::array& gamma,
    const mx::array& beta,
    Maybe initial_state,
    Maybe mask,
    mx::StreamOrDevice s) {
  check_gated_delta(q, k, v, gamma, beta, mask);
  return mx::fast::gated_delta_update(
      q, k, v, gamma, beta, initial_state, mask, s);
}

} // namespace

const std::vector<Binding> fast_bindings{
    LOCAL(rms_norm),
    LOCAL(layer_norm),
    LOCAL(rope),
    LOCAL(scaled_dot_product_attention),
    LOCAL(cross_entropy),
    LOCAL(gated_delta_update),
};

} // namespace mlxjs
