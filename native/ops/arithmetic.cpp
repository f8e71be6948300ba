#include "../bind.h"

namespace mlxjs {

namespace {

mx::array clip(
    const mx::array& a,
    std::optional<Operand> a_min,
    std::optional<Operand> a_max,
    mx::StreamOrDevice s) {
  auto bound = [&](const std::optional<Operand>& x) {
    return x ? std::optional(x->beside(a.dtype())) : std::nullopt;
  };
  return mx::clip(a, bound(a_min), bound(a_max), s);
}

mx::array round(Operand a, int decimals, mx::StreamOrDevice s) {
  return mx::round(a.resolve(), decimals, s);
}

mx::array softmax(
    const mx::array& a,
    std::optional<std::vector<int>> axes,
    bool precise,
    mx::StreamOrDevice s) {
  return axes ? mx::softmax(a, *axes, precise, s) : mx::softmax(a, precise, s);
}

// Bounds that are not given depend on the type.
mx::array nan_to_num(
    Operand a,
    float nan,
    std::optional<Operand> posinf,
    std::optional<Operand> neginf,
    mx::StreamOrDevice s) {
  auto given = [](const std::optional<Operand>& x) {
    return x ? std::optional(x->beside(mx::float32).item<float>())
             : std::nullopt;
  };
  return mx::nan_to_num(a.resolve(), nan, given(posinf), given(neginf), s);
}

// x86 answers the lowest integer divided by -1, and any divided by 0, with a
// signal that ends the process. MLX's CPU backend looks out for 0, except in
// divmod, and not for -1. Other processors wrap around, as is done here.
bool may_trap(const mx::array& a, const mx::array& b, mx::StreamOrDevice s) {
#if defined(__x86_64__) || defined(_M_X64)
  return mx::issubdtype(mx::promote_types(a.dtype(), b.dtype()), mx::integer) &&
      mx::to_stream(s).device == mx::Device::cpu;
#else
  return false;
#endif
}

// Where a divisor may be -1 of a type in which the processor traps; of a
// scalar it is known.
std::optional<mx::array> minus_one(
    const mx::array& a,
    const mx::array& b,
    bool scalar,
    mx::StreamOrDevice s) {
  auto type = mx::promote_types(a.dtype(), b.dtype());
  bool wide = type == mx::int32 || type == mx::int64;
  if (!wide || !mx::issubdtype(b.dtype(), mx::signedinteger)) {
    return std::nullopt;
  }
  if (scalar) {
    bool narrow = b.dtype() == mx::int32;
    if ((narrow ? b.item<int32_t>() : b.item<int64_t>()) != -1) {
      return std::nullopt;
    }
  }
  return mx::equal(b, mx::array(-1, b.dtype()), s);
}

mx::array quotient(
    const mx::array& a,
    const mx::array& b,
    bool scalar,
    mx::StreamOrDevice s) {
  if (may_trap(a, b, s)) {
    if (auto minus = minus_one(a, b, scalar, s)) {
      auto type = mx::promote_types(a.dtype(), b.dtype());
      auto x = mx::astype(a, type, s);
      auto one = mx::array(1, b.dtype());
      return mx::floor_divide(
          mx::where(*minus, mx::negative(x, s), x, s),
          mx::where(*minus, one, b, s),
          s);
    }
  }
  return mx::floor_divide(a, b, s);
}

mx::array rest(
    const mx::array& a,
    const mx::array& b,
    bool scalar,
    mx::StreamOrDevice s) {
  if (may_trap(a, b, s)) {
    if (auto minus = minus_one(a, b, scalar, s)) {
      // Divided by 1 as by -1, the remainder is 0.
      auto one = mx::array(1, b.dtype());
      return mx::remainder(a, mx::where(*minus, one, b, s), s);
    }
  }
  return mx::remainder(a, b, s);
}

mx::array floor_divide(Operand a, Operand b, mx::StreamOrDevice s) {
  auto [x, y] = resolve(a, b);
  return quotient(x, y, !b.is_array(), s);
}

mx::array remainder(Operand a, Operand b, mx::StreamOrDevice s) {
  auto [x, y] = resolve(a, b);
  return rest(x, y, !b.is_array(), s);
}

using Arrays = std::vector<mx::array>;

Arrays divmod(Operand a, Operand b, mx::StreamOrDevice s) {
  auto [x, y] = resolve(a, b);
  if (may_trap(x, y, s)) {
    bool scalar = !b.is_array();
    return {quotient(x, y, scalar, s), rest(x, y, scalar, s)};
  }
  return mx::divmod(x, y, s);
}

} // namespace

const std::vector<Binding> arithmetic{
    UNARY(abs),          UNARY(sign),
    UNARY(positive),     UNARY(negative),
    UNARY(reciprocal),   UNARY(square),
    UNARY(sqrt),         UNARY(rsqrt),
    UNARY(exp),          UNARY(expm1),
    UNARY(log),          UNARY(log2),
    UNARY(log10),        UNARY(log1p),
    UNARY(erf),          UNARY(erfinv),
    UNARY(sigmoid),      UNARY(sin),
    UNARY(cos),          UNARY(tan),
    UNARY(arcsin),       UNARY(arccos),
    UNARY(arctan),       UNARY(sinh),
    UNARY(cosh),         UNARY(tanh),
    UNARY(arcsinh),      UNARY(arccosh),
    UNARY(arctanh),      UNARY(degrees),
    UNARY(radians),      UNARY(floor),
    UNARY(ceil),         UNARY(trunc),
    UNARY(real),         UNARY(imag),
    UNARY(conjugate),    UNARY(bitwise_invert),
    BINARY(add),         BINARY(subtract),
    BINARY(multiply),    BINARY(divide),
    BINARY(power),       BINARY(arctan2),
    BINARY(logaddexp),   BINARY(maximum),
    BINARY(minimum),     BINARY(bitwise_and),
    BINARY(bitwise_or),  BINARY(bitwise_xor),
    BINARY(left_shift),  BINARY(right_shift),
    LOCAL(floor_divide), LOCAL(remainder),
    LOCAL(divmod),       LOCAL(clip),
    LOCAL(round),        LOCAL(softmax),
    LOCAL(nan_to_num),
};

} // namespace mlxjs
