#include "../bind.h"

namespace mlxjs {

namespace {

using Axis = std::optional<std::vector<int>>;

mx::array take(
    const mx::array& a,
    const mx::array& indices,
    Axis axis,
    mx::StreamOrDevice s) {
  return axis ? mx::take(a, indices, axis->at(0), s) : mx::take(a, indices, s);
}

// At one index, whose axis goes.
mx::array
take_at(const mx::array& a, int index, Axis axis, mx::StreamOrDevice s) {
  return axis ? mx::take(a, index, axis->at(0), s) : mx::take(a, index, s);
}

// Without an axis: over the flattened array.
mx::array take_along_axis(
    const mx::array& a,
    const mx::array& indices,
    Axis axis,
    mx::StreamOrDevice s) {
  return axis ? mx::take_along_axis(a, indices, axis->at(0), s)
              : mx::take_along_axis(mx::reshape(a, {-1}, s), indices, 0, s);
}

mx::array put_along_axis(
    const mx::array& a,
    const mx::array& indices,
    Operand values,
    Axis axis,
    mx::StreamOrDevice s) {
  auto v = values.beside(a.dtype());
  if (axis) {
    return mx::put_along_axis(a, indices, v, axis->at(0), s);
  }
  auto flat = mx::reshape(a, {-1}, s);
  return mx::reshape(mx::put_along_axis(flat, indices, v, 0, s), a.shape(), s);
}

using Diagonal =
    mx::array (*)(const mx::array&, int, int, int, mx::StreamOrDevice);
using Slice = mx::array (*)(
    const mx::array&,
    const mx::array&,
    std::vector<int>,
    mx::Shape,
    mx::StreamOrDevice);
using SliceUpdate = mx::array (*)(
    const mx::array&,
    const mx::array&,
    const mx::array&,
    std::vector<int>,
    mx::StreamOrDevice);

} // namespace

const std::vector<Binding> indexing{
    LOCAL(take),
    LOCAL(take_at),
    LOCAL(take_along_axis),
    LOCAL(put_along_axis),
    BIND(Diagonal, diagonal),
    BIND(mx::array (*)(const mx::array&, int, mx::StreamOrDevice), diag),
    BIND(Slice, slice),
    BIND(SliceUpdate, slice_update),
};

} // namespace mlxjs
