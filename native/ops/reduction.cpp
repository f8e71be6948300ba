#include "../bind.h"
#include "../empty.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;
using ReduceOver = mx::array (*)(
    const mx::array&,
    const std::vector<int>&,
    bool,
    mx::StreamOrDevice);
using ReduceAll = mx::array (*)(const mx::array&, bool, mx::StreamOrDevice);

// Over the axes given, or all of them.
template <ReduceOver Over, ReduceAll All>
mx::array
reduce(const mx::array& x, Axes axes, bool keepdims, mx::StreamOrDevice s) {
  auto a = in_order_if_empty(x, s);
  return axes ? Over(a, *axes, keepdims, s) : All(a, keepdims, s);
}

#define REDUCE(name) bind<&reduce<&mx::name, &mx::name>>(#name)

template <auto Over, auto All>
mx::array spread(
    const mx::array& x,
    Axes axes,
    bool keepdims,
    int ddof,
    mx::StreamOrDevice s) {
  auto a = in_order_if_empty(x, s);
  return axes ? Over(a, *axes, keepdims, ddof, s) : All(a, keepdims, ddof, s);
}

using SpreadOver = mx::array (*)(
    const mx::array&,
    const std::vector<int>&,
    bool,
    int,
    mx::StreamOrDevice);
using SpreadAll =
    mx::array (*)(const mx::array&, bool, int, mx::StreamOrDevice);

#define SPREAD(name)                      \
  bind<&spread<                           \
      static_cast<SpreadOver>(&mx::name), \
      static_cast<SpreadAll>(&mx::name)>>(#name)

using ArgOver = mx::array (*)(const mx::array&, int, bool, mx::StreamOrDevice);

template <ArgOver Over, ReduceAll All>
mx::array
arg(const mx::array& a, Axes axis, bool keepdims, mx::StreamOrDevice s) {
  // Without dimensions MLX would add -1 of them to keep.
  return axis ? Over(a, axis->at(0), keepdims, s)
              : All(a, keepdims && a.ndim() > 0, s);
}

#define ARG(name) bind<&arg<&mx::name, &mx::name>>(#name)

using ScanOver =
    mx::array (*)(const mx::array&, int, bool, bool, mx::StreamOrDevice);
using ScanAll = mx::array (*)(const mx::array&, bool, bool, mx::StreamOrDevice);

template <ScanOver Over, ScanAll All>
mx::array scan(
    const mx::array& a,
    Axes axis,
    bool reverse,
    bool inclusive,
    mx::StreamOrDevice s) {
  return axis ? Over(a, axis->at(0), reverse, inclusive, s)
              : All(a, reverse, inclusive, s);
}

#define SCAN(name) bind<&scan<&mx::name, &mx::name>>(#name)

using TypedScanOver = mx::array (*)(
    const mx::array&,
    int,
    bool,
    bool,
    std::optional<mx::Dtype>,
    mx::StreamOrDevice);
using TypedScanAll = mx::array (*)(
    const mx::array&,
    bool,
    bool,
    std::optional<mx::Dtype>,
    mx::StreamOrDevice);

template <TypedScanOver Over, TypedScanAll All>
mx::array typed_scan(
    const mx::array& a,
    Axes axis,
    bool reverse,
    bool inclusive,
    std::optional<mx::Dtype> dtype,
    mx::StreamOrDevice s) {
  return axis ? Over(a, axis->at(0), reverse, inclusive, dtype, s)
              : All(a, reverse, inclusive, dtype, s);
}

#define TYPED_SCAN(name) bind<&typed_scan<&mx::name, &mx::name>>(#name)

mx::array count_nonzero(
    const mx::array& x,
    Axes axes,
    bool keepdims,
    mx::StreamOrDevice s) {
  auto a = in_order_if_empty(x, s);
  return axes ? mx::count_nonzero(a, *axes, keepdims, s)
              : mx::count_nonzero(a, keepdims, s);
}

std::tuple<mx::array, mx::array>
minmax(const mx::array& a, Axes axes, bool keepdims, mx::StreamOrDevice s) {
  return axes ? mx::minmax(a, *axes, keepdims, s) : mx::minmax(a, keepdims, s);
}

// MLX goes on when nothing is left: as many times as asked for.
mx::array diff(const mx::array& a, int n, int axis, mx::StreamOrDevice s) {
  auto in_range = axis >= -int(a.ndim()) && axis < int(a.ndim());
  return mx::diff(a, in_range ? std::min(n, int(a.shape(axis))) : n, axis, s);
}

} // namespace

const std::vector<Binding> reduction{
    REDUCE(all),          REDUCE(any),         REDUCE(sum),
    REDUCE(prod),         REDUCE(min),         REDUCE(max),
    REDUCE(mean),         REDUCE(median),      REDUCE(logsumexp),
    LOCAL(count_nonzero), LOCAL(minmax),       SPREAD(var),
    SPREAD(std),          ARG(argmin),         ARG(argmax),
    SCAN(logcumsumexp),   SCAN(cummax),        SCAN(cummin),
    TYPED_SCAN(cumsum),   TYPED_SCAN(cumprod), LOCAL(diff),
};

} // namespace mlxjs
