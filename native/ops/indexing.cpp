#include <algorithm>

#include "../bind.h"
#include "../indices.h"

namespace mlxjs {

namespace {

using Axis = std::optional<std::vector<int>>;

// The size of what indices count; MLX itself knows wrong axes.
std::optional<int64_t> size_along(const mx::array& a, const Axis& axis) {
  if (!axis) {
    return a.size();
  }
  auto along = find_axis(a, axis->at(0));
  return along < 0 ? std::nullopt : std::optional<int64_t>(a.shape(along));
}

void check_along(
    const mx::array& a,
    const mx::array& indices,
    const Axis& axis,
    const char* function) {
  if (auto size = size_along(a, axis)) {
    check_indices(indices, *size, function);
  }
}

mx::array take(
    const mx::array& a,
    const mx::array& indices,
    Axis axis,
    mx::StreamOrDevice s) {
  check_along(a, indices, axis, "take");
  return axis ? mx::take(a, indices, axis->at(0), s) : mx::take(a, indices, s);
}

// At one index, whose axis goes.
mx::array
take_at(const mx::array& a, int index, Axis axis, mx::StreamOrDevice s) {
  if (auto size = size_along(a, axis)) {
    check_index(index, *size, "take");
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
  check_along(a, indices, axis, "take_along_axis");
  return axis ? mx::take_along_axis(a, indices, axis->at(0), s)
              : mx::take_along_axis(mx::reshape(a, {-1}, s), indices, 0, s);
}

mx::array put_along_axis(
    const mx::array& a,
    const mx::array& indices,
    Operand values,
    Axis axis,
    mx::StreamOrDevice s) {
  check_along(a, indices, axis, "put_along_axis");
  auto v = values.beside(a.dtype());
  if (axis) {
    return mx::put_along_axis(a, indices, v, axis->at(0), s);
  }
  auto flat = mx::reshape(a, {-1}, s);
  return mx::reshape(mx::put_along_axis(flat, indices, v, 0, s), a.shape(), s);
}

// Throws unless a part of the given size fits behind each start.
void check_starts(
    const mx::array& a,
    const mx::array& starts,
    const std::vector<int>& axes,
    const mx::Shape& size,
    const char* function) {
  if (starts.size() != axes.size() || size.size() != a.ndim()) {
    return;
  }
  size_t i = 0;
  each_known(starts, [&](int64_t start) {
    auto axis = find_axis(a, axes[i++]);
    if (axis >= 0 && (start < 0 || start > a.shape(axis) - size[axis])) {
      std::ostringstream msg;
      msg << "[" << function << "] expected a part that stays inside of the "
          << "array, received a size of " << size[axis] << " at " << start
          << " for an axis of size " << a.shape(axis);
      throw RangeError(msg.str());
    }
  });
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
  check_starts(a, starts, axes, size, "slice");
  return mx::slice(a, starts, std::move(axes), std::move(size), s);
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
  check_starts(a, starts, axes, size, "slice_update");
  return mx::slice_update(a, update, starts, std::move(axes), s);
}

using Diagonal =
    mx::array (*)(const mx::array&, int, int, int, mx::StreamOrDevice);
} // namespace

const std::vector<Binding> indexing{
    LOCAL(take),
    LOCAL(take_at),
    LOCAL(take_along_axis),
    LOCAL(put_along_axis),
    BIND(Diagonal, diagonal),
    BIND(mx::array (*)(const mx::array&, int, mx::StreamOrDevice), diag),
    LOCAL(slice),
    LOCAL(slice_update),
};

} // namespace mlxjs
