#include "../bind.h"

namespace mlxjs {

namespace {

using Window = mx::array (*)(int, mx::StreamOrDevice);

mx::array arange(
    double start,
    double stop,
    double step,
    mx::Dtype dtype,
    mx::StreamOrDevice s) {
  return mx::arange(start, stop, step, dtype, s);
}

mx::array full(
    mx::Shape shape,
    Operand vals,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  return dtype ? mx::full(shape, vals.beside(*dtype), *dtype, s)
               : mx::full(shape, vals.resolve(), s);
}

mx::array full_like(
    const mx::array& a,
    Operand vals,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  auto type = dtype.value_or(a.dtype());
  return mx::full_like(a, vals.beside(type), type, s);
}

mx::array zeros_like(
    const mx::array& a,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  return mx::zeros_like(a, dtype.value_or(a.dtype()), s);
}

mx::array ones_like(
    const mx::array& a,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  return mx::ones_like(a, dtype.value_or(a.dtype()), s);
}

using Filled = mx::array (*)(const mx::Shape&, mx::Dtype, mx::StreamOrDevice);
using Triangle = mx::array (*)(mx::array, int, mx::StreamOrDevice);

} // namespace

const std::vector<Binding> creation{
    LOCAL(arange),
    LOCAL(full),
    LOCAL(full_like),
    LOCAL(zeros_like),
    LOCAL(ones_like),
    BIND(Filled, zeros),
    BIND(Filled, ones),
    BIND(
        mx::array (*)(double, double, int, bool, mx::Dtype, mx::StreamOrDevice),
        linspace),
    BIND(mx::array (*)(int, int, int, mx::Dtype, mx::StreamOrDevice), eye),
    BIND(mx::array (*)(int, mx::Dtype, mx::StreamOrDevice), identity),
    BIND(mx::array (*)(int, int, int, mx::Dtype, mx::StreamOrDevice), tri),
    BIND(Triangle, tril),
    BIND(Triangle, triu),
    BIND(Window, bartlett),
    BIND(Window, hanning),
    BIND(Window, hamming),
    BIND(Window, blackman),
};

} // namespace mlxjs
