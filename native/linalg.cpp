#include <limits>

#include "bind.h"
#include "empty.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;

// The rest of LAPACK answers NaN with NaN or with an error, but what it looks
// for eigenvalues and singular values with may not return, or use what it never
// set. So it does not get to see all of that.

// As it is, but for infinities, which become NaN: of that the decomposition
// into singular values says that it failed.
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
    LINALG(mx::array (*)(const mx::array&, bool, mx::StreamOrDevice), cholesky),
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
