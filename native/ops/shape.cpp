#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "../bind.h"
#include "../empty.h"
#include "../indices.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;
using Arrays = std::vector<mx::array>;
using MoveAxes = mx::array (*)(const mx::array&, int, int, mx::StreamOrDevice);
using OneOrMany = Arrays (*)(const Arrays&, mx::StreamOrDevice);

// A shape whose sizes are not too small and whose elements can be counted, on
// which MLX does not insist.
const mx::Shape& checked(const mx::Shape& shape, int least = 0) {
  double size = 1;
  for (auto n : shape) {
    if (n < least) {
      throw RangeError("shape: expected sizes that are not negative");
    }
    size *= std::abs(n);
  }
  if (size > 9007199254740991.0) {
    throw RangeError("shape: expected at most 2^53 - 1 elements");
  }
  return shape;
}

mx::array reshape(const mx::array& a, mx::Shape shape, mx::StreamOrDevice s) {
  return mx::reshape(a, checked(shape, -1), s);
}

mx::array
unflatten(const mx::array& a, int axis, mx::Shape shape, mx::StreamOrDevice s) {
  checked(shape, -1);
  // What -1 stands for would be divided by 0.
  if (std::ranges::count(shape, 0) > 0 && std::ranges::count(shape, -1) > 0) {
    throw RangeError("[unflatten] Cannot infer a dimension beside one of 0.");
  }
  return mx::unflatten(a, axis, shape, s);
}

mx::array broadcast_to(Operand a, mx::Shape shape, mx::StreamOrDevice s) {
  return mx::broadcast_to(a.resolve(), checked(shape), s);
}

mx::array view(Operand a, mx::Dtype dtype, mx::StreamOrDevice s) {
  return mx::view(a.resolve(), dtype, s);
}

mx::array squeeze(const mx::array& a, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::squeeze(a, *axes, s) : mx::squeeze(a, s);
}

mx::array flip(const mx::array& a, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::flip(a, *axes, s) : mx::flip(a, s);
}

mx::array transpose(const mx::array& a, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::transpose(a, *axes, s) : mx::transpose(a, s);
}

// An axis may be longer than memory, where the array was broadcast.
void check_parts(int64_t parts) {
  if (parts > 1 << 20) {
    throw RangeError("a: expected at most 2^20 parts");
  }
}

// MLX cuts an array into up to ten parts by one operation, whose gradient puts
// those of the parts together. For more it takes a slice for each, whose
// gradients are all as large as the array, and adds them up. So parts are cut
// into parts here, where there are many.
Arrays split_at(
    const mx::array& a,
    const mx::Shape& indices,
    int axis,
    mx::StreamOrDevice s) {
  constexpr int most = 10;
  int parts = indices.size() + 1;
  auto along = find_axis(a, axis);
  bool ascending = along >= 0 && parts > 1 && indices.front() > 0 &&
      indices.back() < a.shape(along) &&
      std::ranges::is_sorted(indices, std::less_equal());
  if (parts <= most || !ascending) {
    return mx::split(a, indices, axis, s);
  }
  int size = (parts + most - 1) / most;
  mx::Shape cuts;
  for (int i = size; i < parts; i += size) {
    cuts.push_back(indices[i - 1]);
  }
  Arrays out;
  int part = 0, start = 0;
  for (auto& group : mx::split(a, cuts, axis, s)) {
    mx::Shape inside;
    for (int i = part; i < std::min(part + size, parts) - 1; i++) {
      inside.push_back(indices[i] - start);
    }
    std::ranges::move(
        split_at(group, inside, axis, s), std::back_inserter(out));
    part += size;
    start += group.shape(along);
  }
  return out;
}

// Into equal sections.
Arrays split(const mx::array& a, int sections, int axis, mx::StreamOrDevice s) {
  check_parts(sections);
  auto along = find_axis(a, axis);
  if (along < 0 || sections < 1 || a.shape(along) % sections != 0) {
    return mx::split(a, sections, axis, s);
  }
  mx::Shape indices;
  for (int i = 1; i < sections; i++) {
    indices.push_back(a.shape(along) / sections * i);
  }
  return split_at(a, indices, axis, s);
}

Arrays unstack(const mx::array& a, int axis, mx::StreamOrDevice s) {
  auto along = find_axis(a, axis);
  if (along < 0 || a.shape(along) == 0) {
    return mx::unstack(a, axis, s);
  }
  auto parts = mlxjs::split(a, a.shape(along), along, s);
  for (auto& part : parts) {
    part = mx::squeeze(part, along, s);
  }
  return parts;
}

mx::array concatenate(Arrays arrays, Axes axis, mx::StreamOrDevice s) {
  return axis ? mx::concatenate(std::move(arrays), axis->at(0), s)
              : mx::concatenate(std::move(arrays), s);
}

mx::array
repeat(const mx::array& a, int repeats, Axes axis, mx::StreamOrDevice s) {
  return axis ? mx::repeat(a, repeats, axis->at(0), s)
              : mx::repeat(a, repeats, s);
}

using Widths = std::vector<std::pair<int, int>>;

// MLX's gradients and mapped functions of `pad` know only one of its two
// arrays, and the gradients read beyond their lists. So a value that is
// transformed is put around the array by other operations.
mx::array pad_around(
    const mx::array& a,
    const Widths& widths,
    const mx::array& value,
    mx::StreamOrDevice s) {
  auto inside = mx::full(a.shape(), true, mx::bool_, s);
  return mx::where(
      mx::pad(inside, widths, mx::array(false), "constant", s),
      mx::pad(a, widths, mx::array(0, a.dtype()), "constant", s),
      mx::reshape(mx::astype(value, a.dtype(), s), {}, s),
      s);
}

// The widths before and after each axis, one after the other; a single pair
// stands for all axes.
mx::array pad(
    const mx::array& a,
    std::vector<int> widths,
    Operand value,
    std::string mode,
    mx::StreamOrDevice s) {
  auto fill = value.beside(a.dtype());
  Widths pairs;
  for (size_t i = 0; i + 1 < widths.size(); i += 2) {
    pairs.emplace_back(widths[i], widths[i + 1]);
  }
  if (pairs.size() == 1) {
    pairs.assign(a.ndim(), Widths::value_type(pairs[0]));
  }
  if (fill.size() != 1) { // of more MLX would take the first
    std::ostringstream msg;
    msg << "[pad] constantValues: expected a scalar, received an array of the "
        << "shape " << fill.shape();
    throw TypeError(msg.str());
  }
  return mode == "constant" && fill.is_tracer()
      ? pad_around(a, pairs, fill, s)
      : mx::pad(a, pairs, fill, mode, s);
}

mx::array as_strided(
    const mx::array& a,
    std::optional<mx::Shape> shape,
    mx::Strides strides,
    bool row_major,
    size_t offset,
    mx::StreamOrDevice s) {
  auto dims = checked(shape.value_or(a.shape()));
  if (row_major) {
    strides = mx::Strides(dims.size(), 1);
    for (int i = static_cast<int>(dims.size()) - 2; i >= 0; i--) {
      strides[i] = strides[i + 1] * dims[i + 1];
    }
  }
  if (strides.size() != dims.size()) {
    throw RangeError("[as_strided] Expected a stride for each dimension.");
  }
  // MLX does not look whether the elements are there.
  double first = offset, last = offset;
  bool empty = false;
  for (size_t i = 0; i < dims.size(); i++) {
    empty = empty || dims[i] == 0;
    auto reach = static_cast<double>(strides[i]) * (dims[i] - 1);
    (reach < 0 ? first : last) += reach;
  }
  if (!empty && !(first >= 0 && last < a.size())) {
    throw RangeError(
        "[as_strided] Expected a shape, strides and an offset that stay "
        "inside of the array.");
  }
  // The derivative would need an element to begin at.
  return unless_empty(mx::as_strided(a, dims, strides, offset, s), s, a);
}

// MLX asks for one shift for all axes or one for each.
mx::array
roll(const mx::array& a, mx::Shape shift, Axes axes, mx::StreamOrDevice s) {
  if (axes && axes->size() == 1) {
    // Along one axis the shifts add up.
    return mx::roll(a, shift, axes->at(0), s);
  }
  return axes ? mx::roll(a, shift, *axes, s) : mx::roll(a, shift, s);
}

mx::array
roll_by(const mx::array& a, int shift, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::roll(a, shift, *axes, s) : mx::roll(a, shift, s);
}

mx::array astype(const mx::array& a, mx::Dtype dtype, mx::StreamOrDevice s) {
  return mx::astype(a, dtype, s);
}

std::vector<int> broadcast_shapes(mx::Shape a, mx::Shape b) {
  auto out = mx::broadcast_shapes(a, b);
  return {out.begin(), out.end()};
}

} // namespace

const std::vector<Binding> shape{
    LOCAL(reshape),
    BIND(MoveAxes, flatten),
    LOCAL(unflatten),
    BIND(
        mx::array (*)(
            const mx::array&,
            const std::vector<int>&,
            mx::StreamOrDevice),
        expand_dims),
    BIND(mx::array (*)(const Arrays&, int, mx::StreamOrDevice), stack),
    BIND(
        mx::array (*)(const mx::array&, std::vector<int>, mx::StreamOrDevice),
        tile),
    BIND(MoveAxes, swapaxes),
    BIND(MoveAxes, moveaxis),
    UNARY(matrix_transpose),
    LOCAL(broadcast_to),
    BIND(OneOrMany, broadcast_arrays),
    BIND(OneOrMany, atleast_1d),
    BIND(OneOrMany, atleast_2d),
    BIND(OneOrMany, atleast_3d),
    BIND(
        Arrays (*)(const Arrays&, bool, const std::string&, mx::StreamOrDevice),
        meshgrid),
    BIND(mx::array (*)(const mx::array&, bool, mx::StreamOrDevice), contiguous),
    LOCAL(view),
    LOCAL(squeeze),
    LOCAL(flip),
    LOCAL(transpose),
    LOCAL(split),
    LOCAL(unstack),
    LOCAL(split_at),
    LOCAL(concatenate),
    LOCAL(repeat),
    LOCAL(pad),
    LOCAL(as_strided),
    LOCAL(roll),
    LOCAL(roll_by),
    LOCAL(astype),
    LOCAL(broadcast_shapes),
};

} // namespace mlxjs
