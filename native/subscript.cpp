// Subscripts: what `x[1:3, None, i]` is in Python. lib/core/array/subscript.ts
// writes the indices as numbers, a kind and what belongs to it for each.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bind.h"
#include "indices.h"

namespace mlxjs {

namespace {

enum Kind { integer, new_axis, ellipsis, slice, array, list, booleans };

struct Index {
  Kind kind;
  // An integer stands in start.
  std::optional<int> start = {}, stop = {}, step = {};
  std::optional<mx::array> indices = {};
};

using Indices = std::vector<Index>;

} // namespace

// The indices of an argument, decoded, with every bound checked.
template <>
struct Convert<Indices> {
  static constexpr auto ts = "List";

  static Indices read(Environment& e, napi_value v) {
    auto numbers = Numbers::read(e, v);
    size_t next = 0;
    auto number = [&] {
      if (next >= numbers.count) {
        throw RangeError("Expected an index.");
      }
      return numbers[next++];
    };
    auto whole = [&] {
      number();
      return numbers.integer(next - 1);
    };
    // NaN stands for none.
    auto bound = [&] {
      return std::isnan(number()) ? std::nullopt
                                  : std::optional(numbers.integer(next - 1));
    };
    Indices out;
    while (next < numbers.count) {
      switch (whole()) {
        case integer:
          out.push_back({integer, whole()});
          break;
        case new_axis:
          out.push_back({new_axis});
          break;
        case ellipsis:
          out.push_back({ellipsis});
          break;
        case slice: {
          auto start = bound(), stop = bound(), step = bound();
          out.push_back({slice, start, stop, step});
          break;
        }
        case array: {
          auto& a = e.arrays.at(whole());
          out.push_back({a.dtype() == mx::bool_ ? booleans : array});
          out.back().indices = a;
          break;
        }
        case list:
          out.push_back({list});
          out.back().indices = read_list(whole, mx::int32);
          break;
        case booleans:
          out.push_back({booleans});
          out.back().indices = read_list(whole, mx::bool_);
          break;
        default:
          throw TypeError("Expected an index.");
      }
    }
    return out;
  }

  // A list stands as its number of dimensions, their sizes, and the values.
  static mx::array read_list(const auto& whole, mx::Dtype dtype) {
    auto dimensions = whole();
    mx::Shape shape;
    double size = 1;
    for (int i = 0; i < dimensions; i++) {
      shape.push_back(std::max(whole(), 0));
      size *= shape.back();
    }
    std::vector<int> values;
    for (double i = 0; i < size; i++) {
      values.push_back(whole());
    }
    return mx::array(values.begin(), std::move(shape), dtype);
  }
};

namespace {

// A slice in the array's own terms: inside of the axis, the step signed.
struct Range {
  int start, count, step;
};

Range resolve(const Index& index, int64_t size) {
  int64_t step = index.step.value_or(1);
  if (step == 0) {
    throw RangeError("A slice's step must not be 0.");
  }
  // Forwards a slice lies between 0 and the size, backwards one below.
  int64_t least = step < 0 ? -1 : 0, most = step < 0 ? size - 1 : size;
  auto bound = [&](std::optional<int> x, int64_t absent) {
    return x ? std::clamp(*x + (*x < 0 ? size : 0), least, most) : absent;
  };
  auto start = bound(index.start, step < 0 ? most : least);
  auto stop = bound(index.stop, step < 0 ? least : most);
  auto count = step < 0 ? (start - stop - step - 1) / -step
                        : (stop - start + step - 1) / step;
  if (count <= 0) {
    return {0, 0, 1};
  }
  return {
      static_cast<int>(start),
      static_cast<int>(count),
      count == 1 ? 1 : static_cast<int>(step)};
}

std::vector<int> consecutive(int first, int count) {
  std::vector<int> out(count);
  std::iota(out.begin(), out.end(), first);
  return out;
}

// Exchanges the first axes with those after them.
mx::array
exchange(const mx::array& a, int first, int second, mx::StreamOrDevice s) {
  auto order = consecutive(0, a.ndim());
  auto begin = order.begin();
  std::rotate(begin, begin + first, begin + first + second);
  return mx::transpose(a, order, s);
}

// What indices mean for an array of some shape. It is done in two steps: a
// slice, whose axes of single integers go, and then, if there are arrays among
// the indices, a gather or scatter over the slice.
class Subscript {
 public:
  Subscript(const mx::array& x, const Indices& indices, const char* function);

  mx::array get(const mx::array& x, mx::StreamOrDevice s) const;
  // The value in the shape in which `update` takes it.
  mx::array fit(mx::array value, mx::StreamOrDevice s) const;
  // The array with the part that the indices select replaced or combined.
  template <auto Slice, auto Scatter>
  mx::array update(
      const mx::array& x,
      const mx::array& value,
      mx::StreamOrDevice s) const;

 private:
  mx::array sliced(const mx::array& x, mx::StreamOrDevice s) const;

  const char* function_;
  // The slice of the array.
  mx::Shape start_, stop_, step_;
  bool whole_ = true;
  // Axes of the array whose index is an integer, and those among them that
  // come after an axis that stays.
  std::vector<int> integers_, inner_integers_;
  // The axes of the slice that arrays index.
  std::vector<mx::array> arrays_;
  std::vector<int> array_axes_;
  // The dimensions of these arrays, broadcast, and how many of the slice's
  // axes come before them in the result.
  mx::Shape picked_;
  int before_ = 0;
  // The result, and where it has new axes.
  mx::Shape shape_;
  std::vector<int> new_axes_;
  bool empty_ = false;
};

// What a mask would read has a shape that depends on values.
std::string refusal_of_mask(std::string_view function) {
  auto out = "[" + std::string(function) + "] indices: expected ";
  return function == "set"
      ? out + "a mask alone or integers, received a mask beside other indices"
      : out +
          "integers, received a mask of booleans; mx.where(mask, x, y) "
          "chooses by one, and x.set([mask], value) writes";
}

Subscript::Subscript(
    const mx::array& x,
    const Indices& indices,
    const char* function)
    : function_(function) {
  int ndim = x.ndim();
  int axes = 0, ellipses = 0;
  for (auto& index : indices) {
    if (index.kind == booleans) {
      throw TypeError(refusal_of_mask(function));
    }
    ellipses += index.kind == ellipsis;
    axes += index.kind != ellipsis && index.kind != new_axis;
  }
  if (ellipses > 1) {
    std::ostringstream msg;
    msg << "[" << function << "] indices: expected one \"...\" at most, "
        << "received " << ellipses;
    throw RangeError(msg.str());
  }
  if (axes > ndim) {
    std::ostringstream msg;
    msg << "[" << function << "] indices: expected at most " << ndim
        << ", one for each dimension, received " << axes;
    throw RangeError(msg.str());
  }

  // The dimensions of the result come in the order of the indices; those of
  // the arrays together, in the place of the first or, if something stands
  // between two of them, at the front.
  start_ = mx::Shape(ndim, 0);
  stop_ = x.shape();
  step_ = mx::Shape(ndim, 1);
  int axis = 0, kept = 0;
  bool apart = false, interrupted = false;
  std::optional<size_t> place;
  int before = 0;
  auto keep = [&](int size) {
    shape_.push_back(size);
    kept++;
    axis++;
  };
  auto advanced = [&] {
    apart = apart || interrupted;
    if (!place) {
      place = shape_.size();
      before = shape_.size() - new_axes_.size();
    }
  };
  auto plain = [&] { interrupted = place.has_value(); };
  auto visit = [&](const Index& index) {
    switch (index.kind) {
      case integer: {
        auto i = *index.start;
        auto size = x.shape(axis);
        check_index(i, Bounds::of(size), {function});
        advanced();
        start_[axis] = i < 0 ? i + size : i;
        stop_[axis] = start_[axis] + 1;
        integers_.push_back(axis);
        if (kept > 0) {
          inner_integers_.push_back(axis);
        }
        whole_ = false;
        axis++;
        break;
      }
      case new_axis:
        plain();
        new_axes_.push_back(shape_.size());
        shape_.push_back(1);
        break;
      case slice: {
        plain();
        auto size = x.shape(axis);
        auto [start, count, step] = resolve(index, size);
        auto last = start + (count - 1) * step;
        start_[axis] = start;
        step_[axis] = step;
        // One before the first element is -1, which would count from the end.
        stop_[axis] = count == 0 ? start
            : step > 0           ? last + 1
            : last > 0           ? last - 1
                                 : -size - 1;
        whole_ = whole_ && count == size && step == 1;
        keep(count);
        break;
      }
      default:
        advanced();
        arrays_.push_back(*index.indices);
        array_axes_.push_back(kept++);
        axis++;
    }
  };
  for (auto& index : indices) {
    if (index.kind != ellipsis) {
      visit(index);
      continue;
    }
    if (axes < ndim) {
      plain();
    }
    for (int rest = ndim - axes; rest > 0; rest--) {
      keep(x.shape(axis));
    }
  }
  while (axis < ndim) {
    keep(x.shape(axis));
  }
  if (arrays_.empty()) {
    return;
  }

  for (auto& a : arrays_) {
    picked_ = mx::broadcast_shapes(picked_, a.shape());
  }
  auto at = apart ? 0 : *place;
  before_ = apart ? 0 : before;
  for (auto& position : new_axes_) {
    position += position >= static_cast<int>(at) ? picked_.size() : 0;
  }
  shape_.insert(shape_.begin() + at, picked_.begin(), picked_.end());
  empty_ = std::ranges::count(shape_, 0) > 0;
}

mx::array Subscript::sliced(const mx::array& x, mx::StreamOrDevice s) const {
  if (whole_) {
    return x;
  }
  auto out = mx::slice(x, start_, stop_, step_, s);
  return integers_.empty() ? out : mx::squeeze(out, integers_, s);
}

mx::array Subscript::get(const mx::array& x, mx::StreamOrDevice s) const {
  auto out = sliced(x, s);
  auto arrays = arrays_;
  for (size_t i = 0; i < arrays.size(); i++) {
    auto bounds = Bounds::of(out.shape(array_axes_[i]));
    arrays[i] = checked(arrays[i], bounds, {function_}, s);
  }
  if (empty_) { // MLX does not gather from an axis of size 0
    return mx::zeros(shape_, x.dtype(), s);
  }
  if (!arrays_.empty()) {
    int picked = picked_.size();
    auto sizes = out.shape();
    auto gathered = array_axes_;
    for (auto& axis : gathered) {
      sizes[axis] = 1;
      axis += picked;
    }
    out = mx::gather(out, arrays, array_axes_, sizes, s);
    out = mx::squeeze(out, gathered, s);
    if (before_ > 0 && picked > 0) {
      out = exchange(out, picked, before_, s);
    }
  }
  return new_axes_.empty() ? out : mx::expand_dims(out, new_axes_, s);
}

mx::array Subscript::fit(mx::array value, mx::StreamOrDevice s) const {
  auto surplus =
      static_cast<int>(value.ndim()) - static_cast<int>(shape_.size());
  int leading = 0;
  while (leading < surplus && value.shape(leading) == 1) {
    leading++;
  }
  if (leading > 0) {
    value = mx::squeeze(value, consecutive(0, leading), s);
  }
  bool direct = new_axes_.empty() && inner_integers_.empty();
  if (arrays_.empty() && (value.ndim() == 0 || direct)) {
    return value; // the slice's update broadcasts it
  }
  value = mx::broadcast_to(value, shape_, s);
  if (!new_axes_.empty()) {
    value = mx::squeeze(value, new_axes_, s);
  }
  if (arrays_.empty()) {
    // Integers' axes have size 1 in the slice; broadcasting adds the outer
    // ones. Axes count from the end of the result, which has all others.
    auto inner = inner_integers_;
    for (auto& axis : inner) {
      axis -= start_.size();
    }
    return inner.empty() ? value : mx::expand_dims(value, inner, s);
  }
  int picked = picked_.size();
  if (before_ > 0 && picked > 0) {
    value = exchange(value, before_, picked, s);
  }
  auto axes = array_axes_;
  for (auto& axis : axes) {
    axis += picked;
  }
  return mx::expand_dims(value, axes, s);
}

template <auto Slice, auto Scatter>
mx::array Subscript::update(
    const mx::array& x,
    const mx::array& value,
    mx::StreamOrDevice s) const {
  if (arrays_.empty()) {
    return Slice(x, value, start_, stop_, step_, s);
  }
  auto write = [&](const mx::array& to, const std::vector<mx::array>& arrays) {
    return empty_ ? to : Scatter(to, arrays, value, array_axes_, s);
  };
  auto of = sliced(x, s);
  mx::Shape single(of.ndim(), 1);
  auto part = written(of, arrays_, array_axes_, single, function_, s, write);
  if (empty_) {
    return x;
  }
  if (whole_) {
    return part;
  }
  if (!integers_.empty()) {
    part = mx::expand_dims(part, integers_, s);
  }
  return mx::slice_update(x, part, start_, stop_, step_, s);
}

using SliceUpdate = mx::array (*)(
    const mx::array&,
    const mx::array&,
    mx::Shape,
    mx::Shape,
    mx::Shape,
    mx::StreamOrDevice);
using Scatter = mx::array (*)(
    const mx::array&,
    const std::vector<mx::array>&,
    const mx::array&,
    const std::vector<int>&,
    mx::StreamOrDevice);

constexpr SliceUpdate slice_set = &mx::slice_update;
constexpr SliceUpdate slice_add = &mx::slice_update_add;
constexpr SliceUpdate slice_prod = &mx::slice_update_prod;
constexpr SliceUpdate slice_max = &mx::slice_update_max;
constexpr SliceUpdate slice_min = &mx::slice_update_min;
constexpr Scatter scatter_set = &mx::scatter;
constexpr Scatter scatter_add = &mx::scatter_add;
constexpr Scatter scatter_prod = &mx::scatter_prod;
constexpr Scatter scatter_max = &mx::scatter_max;
constexpr Scatter scatter_min = &mx::scatter_min;

mx::array
subscript_get(const mx::array& x, Indices indices, mx::StreamOrDevice s) {
  return Subscript(x, indices, "get").get(x, s);
}

// What `x.get(i)` gives for one integer, the most frequent case.
mx::array subscript_row(const mx::array& x, int i, mx::StreamOrDevice s) {
  if (x.size() == 0 || x.ndim() == 0) {
    return subscript_get(x, {{integer, i}}, s);
  }
  auto size = x.shape(0);
  check_index(i, Bounds::of(size), {"get"});
  i = i < 0 ? i + size : i;
  // A slice is faster, but no function for all shapes can be compiled of it.
  return x.is_tracer() ? mx::take(x, mx::array(i, mx::uint32), 0, s)
                       : mx::take(x, i, 0, s);
}

// For a mask MLX takes a value that broadcasts to each part that the mask
// selects or one with as many parts, and more do not matter.
mx::array masked(
    const mx::array& x,
    const mx::array& mask,
    mx::array value,
    mx::StreamOrDevice s) {
  auto rest = std::max(0, static_cast<int>(x.ndim() - mask.ndim()));
  int leading = 0;
  while (static_cast<int>(value.ndim()) - leading > rest &&
         value.shape(leading) == 1) {
    leading++;
  }
  value = mx::squeeze(value, consecutive(0, leading), s);
  auto selected = mask;
  if (static_cast<int>(value.ndim()) == rest + 1) {
    selected = checked_mask(mask, 1, value.shape(0), "set", s);
    if (value.is_tracer()) {
      // MLX adds nothing to the gradient of the part after the last selected.
      auto zero = mx::array(0, value.dtype());
      value = mx::pad(value, {0}, {0}, {1}, zero, "constant", s);
    }
  }
  return mx::masked_scatter(x, selected, value, s);
}

// In place: the array in the slot becomes the result. Others that share its
// data do not change.
void subscript_set(
    Environment& e,
    int target,
    Indices indices,
    Operand value,
    mx::StreamOrDevice s) {
  auto& x = e.arrays.at(target);
  auto v = value.beside(x.dtype());
  if (indices.size() == 1 && indices[0].kind == booleans) {
    x.overwrite_descriptor(masked(x, *indices[0].indices, v, s));
    return;
  }
  Subscript subscript(x, indices, "set");
  x.overwrite_descriptor(
      subscript.update<slice_set, scatter_set>(x, subscript.fit(v, s), s));
}

mx::array subscript_at(
    const mx::array& x,
    Indices indices,
    std::string operation,
    Operand value,
    mx::StreamOrDevice s) {
  Subscript at(x, indices, "at");
  auto v = value.beside(x.dtype());
  if (operation == "subtract") {
    v = mx::negative(v, s);
  } else if (operation == "divide") {
    v = mx::reciprocal(v, s);
  }
  v = at.fit(v, s);
  if (operation == "add" || operation == "subtract") {
    return at.update<slice_add, scatter_add>(x, v, s);
  }
  if (operation == "multiply" || operation == "divide") {
    return at.update<slice_prod, scatter_prod>(x, v, s);
  }
  return operation == "maximum" ? at.update<slice_max, scatter_max>(x, v, s)
                                : at.update<slice_min, scatter_min>(x, v, s);
}

} // namespace

const std::vector<Binding> subscript_bindings{
    LOCAL(subscript_get),
    LOCAL(subscript_row),
    LOCAL(subscript_set),
    LOCAL(subscript_at),
};

} // namespace mlxjs
