#include "../bind.h"

namespace mlxjs {

namespace {

mx::array where(Operand condition, Operand x, Operand y, mx::StreamOrDevice s) {
  auto [a, b] = resolve(x, y);
  return mx::where(condition.resolve(), a, b, s);
}

mx::array
array_equal(Operand a, Operand b, bool equal_nan, mx::StreamOrDevice s) {
  auto [x, y] = resolve(a, b);
  return mx::array_equal(x, y, equal_nan, s);
}

// Only whether an operand is zero counts, so a scalar need not fit the type
// of the array beside it.
template <BinaryOp F>
mx::array logical(Operand a, Operand b, mx::StreamOrDevice s) {
  return F(a.resolve(), b.resolve(), s);
}

#define LOGICAL(name) bind<&logical<&mx::name>>(#name)

using Close = mx::array (*)(
    const mx::array&,
    const mx::array&,
    double,
    double,
    bool,
    mx::StreamOrDevice);

} // namespace

const std::vector<Binding> comparison{
    BINARY(equal),        BINARY(not_equal),   BINARY(less),
    BINARY(less_equal),   BINARY(greater),     BINARY(greater_equal),
    LOGICAL(logical_and), LOGICAL(logical_or), LOGICAL(logical_xor),
    UNARY(logical_not),   UNARY(isnan),        UNARY(isinf),
    UNARY(isfinite),      UNARY(isposinf),     UNARY(isneginf),
    LOCAL(where),         LOCAL(array_equal),  BIND(Close, allclose),
    BIND(Close, isclose),
};

} // namespace mlxjs
