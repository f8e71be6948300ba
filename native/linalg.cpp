#include <limits>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

#include "bind.h"
#include "empty.h"
#include "linalg.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;

// Most of LAPACK answers NaN with NaN or with an error. But its functions for
// eigenvalues and singular values may then not return, or use memory that they
// never set. So they do not get such values.

// The array, with NaN in the place of infinities: of NaN the decomposition into
// singular values says that it failed.
mx::array without_infinity(const mx::array& a, mx::StreamOrDevice s) {
  if (!mx::issubdtype(a.dtype(), mx::inexact)) {
    return a;
  }
  auto nan = mx::array(std::numeric_limits<float>::quiet_NaN(), a.dtype());
  return mx::where(mx::isfinite(a, s), a, nan, s);
}

// Calls f with zeros in the place of matrices that are not finite, and puts NaN
// in the place of what it gives for them.
template <typename F>
std::vector<mx::array>
of_finite(const mx::array& a, const F& f, mx::StreamOrDevice s) {
  if (a.ndim() < 2) {
    return f(a);
  }
  auto finite = mx::all(mx::isfinite(a, s), {-2, -1}, true, s);
  auto zero = mx::array(0.0f, a.dtype());
  auto out = f(mx::where(finite, a, zero, s));
  for (auto& x : out) {
    auto nan = mx::array(std::numeric_limits<float>::quiet_NaN(), x.dtype());
    auto mask = x.ndim() < a.ndim() ? mx::squeeze(finite, -1, s) : finite;
    x = mx::where(mask, x, nan, s);
  }
  return out;
}

mx::array linalg_norm(
    const mx::array& a,
    Axes axis,
    bool keepdims,
    mx::StreamOrDevice s) {
  return mx::linalg::norm(in_order_if_empty(a, s), axis, keepdims, s);
}

bool of_matrix(const mx::array& a, const Axes& axis) {
  return (axis ? axis->size() : a.ndim()) == 2;
}

mx::array linalg_norm_ord(
    const mx::array& a,
    double ord,
    Axes axis,
    bool keepdims,
    mx::StreamOrDevice s) {
  bool singular = std::abs(ord) == 2 && of_matrix(a, axis);
  return mx::linalg::norm(
      singular ? without_infinity(a, s) : in_order_if_empty(a, s),
      ord,
      axis,
      keepdims,
      s);
}

mx::array linalg_norm_named(
    const mx::array& a,
    std::string ord,
    Axes axis,
    bool keepdims,
    mx::StreamOrDevice s) {
  bool singular = ord == "nuc" && of_matrix(a, axis);
  return mx::linalg::norm(
      singular ? without_infinity(a, s) : in_order_if_empty(a, s),
      ord,
      axis,
      keepdims,
      s);
}

std::vector<mx::array>
linalg_svd(const mx::array& a, bool compute_uv, mx::StreamOrDevice s) {
  return mx::linalg::svd(without_infinity(a, s), compute_uv, s);
}

mx::array linalg_pinv(const mx::array& a, mx::StreamOrDevice s) {
  return mx::linalg::pinv(without_infinity(a, s), s);
}

std::vector<mx::array> linalg_eig(const mx::array& a, mx::StreamOrDevice s) {
  auto eig = [&](const mx::array& x) -> std::vector<mx::array> {
    auto [values, vectors] = mx::linalg::eig(x, s);
    // MLX has LAPACK read the transposed matrices and look for their left
    // eigenvectors; those of complex ones it forgets to conjugate.
    bool complex = x.dtype() == mx::complex64;
    return {values, complex ? mx::conjugate(vectors, s) : vectors};
  };
  return of_finite(a, eig, s);
}

mx::array linalg_eigvals(const mx::array& a, mx::StreamOrDevice s) {
  auto eigvals = [&](const mx::array& x) -> std::vector<mx::array> {
    return {mx::linalg::eigvals(x, s)};
  };
  return of_finite(a, eigvals, s)[0];
}

mx::array linalg_inv(const mx::array& a, mx::StreamOrDevice s) {
  return unless_empty(mx::linalg::inv(a, s), s, a);
}

mx::array linalg_tri_inv(const mx::array& a, bool upper, mx::StreamOrDevice s) {
  return unless_empty(mx::linalg::tri_inv(a, upper, s), s, a);
}

// Whether all entries on the diagonals of stacked matrices are positive.
template <typename T>
bool has_positive_diagonals(const T* data, const mx::array& a, int axis) {
  auto matrix = static_cast<int>(a.ndim()) - 2;
  auto step = a.strides()[axis] + (axis == matrix ? a.strides()[axis + 1] : 0);
  for (int i = 0; i < a.shape(axis); i++) {
    auto entry = data + i * step;
    if (axis == matrix ? !(*entry > 0)
                       : !has_positive_diagonals(entry, a, axis + 1)) {
      return false;
    }
  }
  return true;
}

// Passes factors of Cholesky's through, and throws where LAPACK stopped at a
// pivot that is not positive, of which MLX says nothing.
class CheckFactor : public mx::UnaryPrimitive {
 public:
  using UnaryPrimitive::UnaryPrimitive;

  const char* name() const override {
    return "CheckFactor";
  }

  void eval_cpu(const std::vector<mx::array>& inputs, mx::array& out) override {
    auto& in = inputs[0];
    out.copy_shared_buffer(in);
    auto& encoder = mx::cpu::get_command_encoder(stream());
    encoder.set_input_array(in);
    encoder.dispatch([in = mx::array::unsafe_weak_copy(in)] {
      bool positive = in.dtype() == mx::float64
          ? has_positive_diagonals(in.data<double>(), in, 0)
          : has_positive_diagonals(in.data<float>(), in, 0);
      if (!positive) {
        throw std::runtime_error(
            "[linalg.cholesky] a: expected positive definite matrices");
      }
    });
  }

  void eval_gpu(const std::vector<mx::array>&, mx::array&) override {
    throw std::logic_error("Matrices are decomposed on the CPU.");
  }

  std::pair<std::vector<mx::array>, std::vector<int>> vmap(
      const std::vector<mx::array>& inputs,
      const std::vector<int>& axes) override {
    auto factors = mx::moveaxis(inputs[0], axes[0], 0, stream());
    return {{repeated(factors, stream())}, {0}};
  }

  std::vector<mx::array> jvp(
      const std::vector<mx::array>&,
      const std::vector<mx::array>& tangents,
      const std::vector<int>&) override {
    return tangents;
  }

  std::vector<mx::array> vjp(
      const std::vector<mx::array>&,
      const std::vector<mx::array>& cotangents,
      const std::vector<int>&,
      const std::vector<mx::array>&) override {
    return cotangents;
  }

  bool is_equivalent(const Primitive&) const override {
    return true;
  }

  std::vector<mx::Shape> output_shapes(
      const std::vector<mx::array>& inputs) override {
    return {inputs[0].shape()};
  }

  static mx::array repeated(const mx::array& factors, mx::Stream s) {
    auto check = std::make_shared<CheckFactor>(s);
    return mx::array(factors.shape(), factors.dtype(), check, {factors});
  }
};

mx::array
linalg_cholesky(const mx::array& a, bool upper, mx::StreamOrDevice s) {
  return checked_factors(mx::linalg::cholesky(a, upper, s));
}

mx::array
linalg_cholesky_inv(const mx::array& a, bool upper, mx::StreamOrDevice s) {
  return unless_empty(mx::linalg::cholesky_inv(a, upper, s), s, a);
}

std::vector<mx::array> linalg_lu(const mx::array& a, mx::StreamOrDevice s) {
  auto out = mx::linalg::lu(a, s);
  if (a.size() == 0) {
    // Rows without columns stay in their order.
    auto& rows = out[0];
    rows = mx::broadcast_to(
        mx::arange(0, a.shape(-2), rows.dtype(), s), rows.shape(), s);
    out[1] = unless_empty(out[1], s, a);
    out[2] = unless_empty(out[2], s, a);
  }
  return out;
}

std::pair<mx::array, mx::array> linalg_lu_factor(
    const mx::array& a,
    mx::StreamOrDevice s) {
  auto [lu, pivots] = mx::linalg::lu_factor(a, s);
  // MLX notes the columns' size in bytes where it takes it for a number of
  // elements, and element-wise operations would read beyond them.
  return {
      mx::contiguous(unless_empty(lu, s, a), false, s),
      unless_empty(pivots, s, a)};
}

mx::array
linalg_solve(const mx::array& a, const mx::array& b, mx::StreamOrDevice s) {
  return unless_empty(mx::linalg::solve(a, b, s), s, a);
}

mx::array linalg_solve_triangular(
    const mx::array& a,
    const mx::array& b,
    bool upper,
    mx::StreamOrDevice s) {
  return unless_empty(mx::linalg::solve_triangular(a, b, upper, s), s, a);
}

using One = mx::array (*)(const mx::array&, mx::StreamOrDevice);
using Pair = std::pair<mx::array, mx::array>;

} // namespace

mx::array checked_factors(const mx::array& factors) {
  return CheckFactor::repeated(factors, factors.primitive().stream());
}

// An MLX function as it is.
#define LINALG(type, name) \
  bind<static_cast<type>(&mx::linalg::name)>("linalg_" #name)

const std::vector<Binding> linalg_bindings{
    LOCAL(linalg_norm),
    LOCAL(linalg_norm_ord),
    LOCAL(linalg_norm_named),
    LINALG(Pair (*)(const mx::array&, mx::StreamOrDevice), qr),
    LOCAL(linalg_svd),
    LOCAL(linalg_pinv),
    LOCAL(linalg_eig),
    LOCAL(linalg_eigvals),
    LINALG(Pair (*)(const mx::array&, std::string, mx::StreamOrDevice), eigh),
    LINALG(
        mx::array (*)(const mx::array&, std::string, mx::StreamOrDevice),
        eigvalsh),
    LOCAL(linalg_inv),
    LOCAL(linalg_tri_inv),
    LOCAL(linalg_cholesky),
    LOCAL(linalg_cholesky_inv),
    LOCAL(linalg_lu),
    LOCAL(linalg_lu_factor),
    LOCAL(linalg_solve),
    LOCAL(linalg_solve_triangular),
    LINALG(
        mx::array (*)(
            const mx::array&,
            const mx::array&,
            int,
            mx::StreamOrDevice),
        cross),
    LINALG(One, det),
    LINALG(Pair (*)(const mx::array&, mx::StreamOrDevice), slogdet),
};

} // namespace mlxjs
