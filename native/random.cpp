#include <sstream>

#include "bind.h"
#include "indices.h"

namespace mlxjs {

// The key that a call is given, or the next one of its environment.
struct Key {
  mx::array value;
};

template <>
struct Convert<Key> {
  static constexpr auto ts = "OptionalSlot";
  static Key read(Environment& e, napi_value v) {
    auto slot = Convert<int>::read(e, v);
    return {slot < 0 ? e.next_random_key() : e.arrays.at(slot)};
  }
};

namespace {

// Seeds are 64 bits wide: BigInts.
uint64_t bits64(const Napi::Value& x) {
  if (!x.IsBigInt()) {
    throw TypeError("Expected a bigint.");
  }
  bool lossless;
  return x.As<Napi::BigInt>().Uint64Value(&lossless);
}

void random_seed(Environment& e, Napi::Value seed) {
  e.random_state = mx::random::key(bits64(seed));
}

mx::array random_state(Environment& e) {
  return e.random_key();
}

void set_random_state(Environment& e, const mx::array& key) {
  e.random_state = key;
}

mx::array random_key(Napi::Value seed) {
  return mx::random::key(bits64(seed));
}

// A function of MLX's with the environment's key; `Args` are its parameters
// before that.
template <auto F, typename... Args>
mx::array draw(Args... args, Key key, mx::StreamOrDevice s) {
  return F(args..., key.value, s);
}

mx::array random_uniform(
    Operand low,
    Operand high,
    mx::Shape shape,
    mx::Dtype dtype,
    Key key,
    mx::StreamOrDevice s) {
  return mx::random::uniform(
      low.resolve(), high.resolve(), shape, dtype, key.value, s);
}

mx::array random_normal(
    mx::Shape shape,
    mx::Dtype dtype,
    std::optional<Operand> loc,
    std::optional<Operand> scale,
    Key key,
    mx::StreamOrDevice s) {
  auto given = [&](const std::optional<Operand>& x) {
    return x ? std::optional(x->beside(dtype)) : std::nullopt;
  };
  return mx::random::normal(
      shape, dtype, given(loc), given(scale), key.value, s);
}

// Whether a bound lies where float32, as which MLX draws integers, has gaps. Of
// one that has yet to be computed nobody knows.
bool has_gaps(const Operand& bound) {
  constexpr int64_t exact = 1 << 24;
  auto a = bound.resolve();
  if (!mx::issubdtype(a.dtype(), mx::integer)) {
    return false;
  }
  bool out = a.dtype() == mx::uint64 && !bound.is_array();
  auto look = [&](int64_t x) { out = out || x < -exact || x > exact; };
  if (bound.is_array()) {
    each_known(a, look);
  } else if (!out) {
    look(a.dtype() == mx::int32 ? a.item<int32_t>() : a.item<int64_t>());
  }
  return out;
}

// Integers from all between the bounds: the distance between them times 96
// random bits, of which the integer part counts. In digits of 32 bits, so that
// no product is larger than 64.
mx::array randint_between(
    const mx::array& low,
    const mx::array& high,
    const mx::Shape& shape,
    mx::Dtype dtype,
    const mx::array& key,
    mx::StreamOrDevice s) {
  auto type = mx::promote_types(low.dtype(), high.dtype());
  auto wide = [&](const mx::array& x) { return mx::astype(x, mx::uint64, s); };
  auto digit = [&](const mx::array& x) {
    return mx::bitwise_and(x, mx::array(0xffffffffull, mx::uint64), s);
  };
  auto carry = [&](const mx::array& x) {
    return mx::right_shift(x, mx::array(32, mx::uint64), s);
  };
  auto start = mx::astype(low, type, s), stop = mx::astype(high, type, s);
  auto distance = mx::subtract(wide(stop), wide(start), s);
  auto d0 = digit(distance), d1 = carry(distance);
  auto size = shape;
  size.insert(size.begin(), 3);
  auto r = mx::unstack(mx::random::bits(size, 4, key, s), 0, s);
  for (auto& x : r) {
    x = wide(x);
  }
  auto times = [&](const mx::array& x, const mx::array& y, const mx::array& z) {
    return mx::add(mx::multiply(x, y, s), z, s);
  };
  auto a = times(r[1], d0, carry(mx::multiply(r[0], d0, s)));
  auto b = times(r[0], d1, digit(a));
  auto c = times(r[2], d0, carry(a));
  auto d = mx::add(times(r[1], d1, digit(c)), carry(b), s);
  auto offset = times(r[2], d1, mx::add(carry(c), carry(d), s));
  // There is none below the lower bound, as in MLX.
  auto none = mx::array(0, mx::uint64);
  offset = mx::where(mx::greater(stop, start, s), offset, none, s);
  auto out = mx::astype(mx::add(wide(start), offset, s), dtype, s);
  if (out.shape() != shape) {
    std::ostringstream msg;
    msg << "[uniform] Cannot generate random values of shape " << shape
        << " from broadcasted shape " << out.shape() << ".";
    throw std::invalid_argument(msg.str());
  }
  return out;
}

mx::array random_randint(
    Operand low,
    Operand high,
    mx::Shape shape,
    mx::Dtype dtype,
    Key key,
    mx::StreamOrDevice s) {
  auto from = low.resolve(), to = high.resolve();
  bool integers = mx::issubdtype(dtype, mx::integer) &&
      mx::issubdtype(mx::promote_types(from.dtype(), to.dtype()), mx::integer);
  return integers && (has_gaps(low) || has_gaps(high))
      ? randint_between(from, to, shape, dtype, key.value, s)
      : mx::random::randint(from, to, shape, dtype, key.value, s);
}

mx::array random_bernoulli(
    Operand p,
    std::optional<mx::Shape> shape,
    Key key,
    mx::StreamOrDevice s) {
  return shape ? mx::random::bernoulli(p.resolve(), *shape, key.value, s)
               : mx::random::bernoulli(p.resolve(), key.value, s);
}

mx::array random_truncated_normal(
    Operand lower,
    Operand upper,
    std::optional<mx::Shape> shape,
    mx::Dtype dtype,
    Key key,
    mx::StreamOrDevice s) {
  auto a = lower.resolve();
  auto b = upper.resolve();
  return shape ? mx::random::truncated_normal(a, b, *shape, dtype, key.value, s)
               : mx::random::truncated_normal(a, b, dtype, key.value, s);
}

mx::array random_categorical(
    const mx::array& logits,
    int axis,
    std::optional<mx::Shape> shape,
    int num_samples,
    Key key,
    mx::StreamOrDevice s) {
  if (shape) {
    return mx::random::categorical(logits, axis, *shape, key.value, s);
  }
  return num_samples < 0
      ? mx::random::categorical(logits, axis, key.value, s)
      : mx::random::categorical(logits, axis, num_samples, key.value, s);
}

mx::array random_permutation_of(int n, Key key, mx::StreamOrDevice s) {
  return mx::random::permutation(n, key.value, s);
}

} // namespace

#define DRAW(name, ...)                                                       \
  bind<&draw<                                                                 \
      static_cast<mx::array (*)(                                              \
          __VA_ARGS__, const std::optional<mx::array>&, mx::StreamOrDevice)>( \
          &mx::random::name),                                                 \
      __VA_ARGS__>>("random_" #name)

using Split = mx::array (*)(const mx::array&, int, mx::StreamOrDevice);

const std::vector<Binding> random_bindings{
    LOCAL(random_seed),
    LOCAL(random_state),
    LOCAL(set_random_state),
    LOCAL(random_key),
    bind<static_cast<Split>(&mx::random::split)>("random_split"),
    LOCAL(random_uniform),
    LOCAL(random_normal),
    DRAW(
        multivariate_normal,
        const mx::array&,
        const mx::array&,
        const mx::Shape&,
        mx::Dtype),
    LOCAL(random_randint),
    LOCAL(random_bernoulli),
    LOCAL(random_truncated_normal),
    DRAW(gumbel, const mx::Shape&, mx::Dtype),
    LOCAL(random_categorical),
    DRAW(laplace, const mx::Shape&, mx::Dtype, float, float),
    DRAW(permutation, const mx::array&, int),
    LOCAL(random_permutation_of),
};

} // namespace mlxjs
