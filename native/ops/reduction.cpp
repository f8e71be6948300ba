#include "../bind.h"
#include "../empty.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;
using MaybeDtype = std::optional<mx::Dtype>;

// MLX has each function twice, for axes and for the whole array. `Options` are
// what follows the array and the axes.
template <typename... Options>
struct Reduction {
  using Over = mx::array (*)(
      const mx::array&,
      const std::vector<int>&,
      Options...,
      mx::StreamOrDevice);
  using All = mx::array (*)(const mx::array&, Options..., mx::StreamOrDevice);

  template <Over over, All all>
  static mx::array call(
      const mx::array& x,
      Axes axes,
      Options... options,
      mx::StreamOrDevice s) {
    auto reduce = [&](const mx::array& a) {
      return axes ? over(a, *axes, options..., s) : all(a, options..., s);
    };
    return x.size() == 0 ? reduce(in_order_if_empty(x, s)) : reduce(x);
  }
};

// The same for functions of one axis, which comes as a list of one.
template <typename... Options>
struct Along {
  using Over =
      mx::array (*)(const mx::array&, int, Options..., mx::StreamOrDevice);
  using All = mx::array (*)(const mx::array&, Options..., mx::StreamOrDevice);

  template <Over over, All all>
  static mx::array call(
      const mx::array& a,
      Axes axis,
      Options... options,
      mx::StreamOrDevice s) {
    return axis ? over(a, axis->at(0), options..., s) : all(a, options..., s);
  }
};

#define REDUCE(name) bind<&Reduction<bool>::call<&mx::name, &mx::name>>(#name)
#define SPREAD(name) \
  bind<&Reduction<bool, int>::call<&mx::name, &mx::name>>(#name)
#define SCAN(name) bind<&Along<bool, bool>::call<&mx::name, &mx::name>>(#name)
#define TYPED_SCAN(name) \
  bind<&Along<bool, bool, MaybeDtype>::call<&mx::name, &mx::name>>(#name)

// Without dimensions MLX would add -1 of them to keep.
template <Along<bool>::Over over, Along<bool>::All all>
mx::array
arg(const mx::array& a, Axes axis, bool keepdims, mx::StreamOrDevice s) {
  return Along<bool>::call<over, all>(
      a, axis, keepdims && (axis || a.ndim() > 0), s);
}

#define ARG(name) bind<&arg<&mx::name, &mx::name>>(#name)

std::tuple<mx::array, mx::array>
minmax(const mx::array& a, Axes axes, bool keepdims, mx::StreamOrDevice s) {
  return axes ? mx::minmax(a, *axes, keepdims, s) : mx::minmax(a, keepdims, s);
}

// Stops when nothing is left. MLX would go on as many times as asked for.
mx::array diff(const mx::array& a, int n, int axis, mx::StreamOrDevice s) {
  auto in_range = axis >= -int(a.ndim()) && axis < int(a.ndim());
  return mx::diff(a, in_range ? std::min(n, int(a.shape(axis))) : n, axis, s);
}

// A function for all shapes counts them in its graph.
mx::array number_of_elements(
    const mx::array& a,
    std::vector<int> axes,
    mx::Dtype dtype,
    mx::StreamOrDevice s) {
  return mx::number_of_elements(a, std::move(axes), false, dtype, s);
}

} // namespace

const std::vector<Binding> reduction{
    REDUCE(all),        REDUCE(any),
    REDUCE(sum),        REDUCE(prod),
    REDUCE(min),        REDUCE(max),
    REDUCE(mean),       REDUCE(median),
    REDUCE(logsumexp),  REDUCE(count_nonzero),
    LOCAL(minmax),      SPREAD(var),
    SPREAD(std),        ARG(argmin),
    ARG(argmax),        SCAN(logcumsumexp),
    SCAN(cummax),       SCAN(cummin),
    TYPED_SCAN(cumsum), TYPED_SCAN(cumprod),
    LOCAL(diff),        LOCAL(number_of_elements),
};

} // namespace mlxjs
