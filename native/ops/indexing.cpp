#include <algorithm>

#include "../bind.h"
#include "../indices.h"

namespace mlxjs {

namespace {

using Axis = std::optional<std::vector<int>>;

// The size of the axis that indices count along. There is none for an axis that
// the array lacks, which MLX refuses.
std::optional<int64_t> size_along(const mx::array& a, const Axis& axis) {
  if (!axis) {
    return a.size();
  }
  auto along = find_axis(a, axis->at(0));
  return along < 0 ? std::nullopt : std::optional<int64_t>(a.shape(along));
}

mx::array checked_along(
    const mx::array& indices,
    const mx::array& a,
    const Axis& axis,
    const Caller& caller,
    mx::StreamOrDevice s) {
  auto size = size_along(a, axis);
  return size ? checked(indices, Bounds::of(*size), caller, s) : indices;
}

mx::array take(
    const mx::array& a,
    const mx::array& indices,
    Axis axis,
    mx::StreamOrDevice s) {
  auto safe = checked_along(indices, a, axis, {"take"}, s);
  return axis ? mx::take(a, safe, axis->at(0), s) : mx::take(a, safe, s);
}

// At one index, whose axis goes.
mx::array
take_at(const mx::array& a, int index, Axis axis, mx::StreamOrDevice s) {
  if (auto size = size_along(a, axis)) {
    check_index(index, Bounds::of(*size), {"take"});
    index = index < 0 ? index + static_cast<int>(*size) : index;
  }
  return axis ? mx::take(a, index, axis->at(0), s) : mx::take(a, index, s);
}

// Without an axis: over the flattened array.
mx::array take_along_axis(
    const mx::array& a,
    const mx::array& indices,
    Axis axis,
    mx::StreamOrDevice s) {
  auto safe = checked_along(indices, a, axis, {"take_along_axis"}, s);
  return axis ? mx::take_along_axis(a, safe, axis->at(0), s)
              : mx::take_along_axis(mx::reshape(a, {-1}, s), safe, 0, s);
}

// What a layer's input names along the first axis of its weight.
mx::array pick_rows(
    const mx::array& weight,
    const mx::array& x,
    std::string function,
    mx::StreamOrDevice s) {
  Caller caller{function, "x"};
  auto safe = checked_along(x, weight, std::vector{0}, caller, s);
  return mx::take(weight, safe, 0, s);
}

// What stands at the class that each target names, along an axis that goes.
mx::array pick_classes(
    const mx::array& a,
    const mx::array& targets,
    int axis,
    std::string function,
    mx::StreamOrDevice s) {
  auto classes = Bounds::of(a.shape(axis));
  Caller caller{function, "targets"};
  auto safe = checked(targets, classes, caller, s);
  auto picked = mx::take_along_axis(a, mx::expand_dims(safe, axis, s), axis, s);
  return mx::squeeze(picked, axis, s);
}

mx::array put_along(
    const mx::array& a,
    const mx::array& indices,
    const mx::array& values,
    int axis,
    mx::StreamOrDevice s) {
  auto along = find_axis(a, axis);
  if (along < 0) { // MLX knows wrong axes
    return mx::put_along_axis(a, indices, values, axis, s);
  }
  return written(
      a,
      {indices},
      {along},
      mx::Shape(a.ndim(), 1),
      "put_along_axis",
      s,
      [&](const mx::array& to, const std::vector<mx::array>& safe) {
        return mx::put_along_axis(to, safe[0], values, along, s);
      });
}

mx::array put_along_axis(
    const mx::array& a,
    const mx::array& indices,
    Operand values,
    Axis axis,
    mx::StreamOrDevice s) {
  auto v = values.beside(a.dtype());
  // Where there is no place to put anything, MLX looks at no dtype, either; and
  // an array of an empty list is float32.
  auto at = a.size() == 0 && indices.size() == 0
      ? mx::astype(indices, mx::int32, s)
      : indices;
  if (axis) {
    return put_along(a, at, v, axis->at(0), s);
  }
  auto flat = put_along(mx::reshape(a, {-1}, s), at, v, 0, s);
  return mx::reshape(flat, a.shape(), s);
}

mx::array slice(
    const mx::array& a,
    const mx::array& starts,
    std::vector<int> axes,
    mx::Shape size,
    mx::StreamOrDevice s) {
  for (auto n : size) {
    if (n < 0) {
      throw RangeError("[slice] Expected sizes that are not negative.");
    }
  }
  auto safe = checked_starts(starts, a, axes, size, "slice", s);
  return mx::slice(a, safe, std::move(axes), std::move(size), s);
}

mx::array slice_update(
    const mx::array& a,
    const mx::array& update,
    const mx::array& starts,
    std::vector<int> axes,
    mx::StreamOrDevice s) {
  if (update.ndim() > a.ndim()) {
    throw RangeError(
        "[slice_update] Expected an update of no more dimensions than the "
        "array.");
  }
  // Along the axes that the update lacks it has size 1, if there is a start.
  mx::Shape size(a.ndim(), 1);
  std::ranges::copy(update.shape(), size.end() - update.ndim());
  auto write = [&](const mx::array& safe) {
    return mx::slice_update(a, update, safe, axes, s);
  };
  return part_written(a, starts, axes, size, "slice_update", s, write);
}

using Diagonal =
    mx::array (*)(const mx::array&, int, int, int, mx::StreamOrDevice);
} // namespace

const std::vector<Binding> indexing{
    LOCAL(take),
    LOCAL(take_at),
    LOCAL(take_along_axis),
    LOCAL(put_along_axis),
    LOCAL(pick_rows),
    LOCAL(pick_classes),
    BIND(Diagonal, diagonal),
    BIND(mx::array (*)(const mx::array&, int, mx::StreamOrDevice), diag),
    LOCAL(slice),
    LOCAL(slice_update),
};

} // namespace mlxjs
