#include <algorithm>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "mlx/mlx.h"
#include "mlx/primitives.h"
#include "mlx/transforms_impl.h"

#include "graph.h"
#include "transforms.h"

// mx.vmap traces a function with arrays that lack the mapped axis, and then
// makes each operation once more with arrays that have it, by a rule of the
// operation's. MLX's own way from one operation to the next is recursive, and
// it believes rules that are wrong.

namespace mlxjs::transforms {

namespace {

using Axes = std::vector<int>;

// Arrays and the axis of each that is mapped, -1 for none.
struct Mapped {
  Arrays arrays;
  Axes axes;
};

// A rule for an operation that MLX maps wrongly. It gives MLX's rule other
// inputs, for which that is right, or does without it. `traced` is the
// operation's output as it was traced.
struct Rule {
  std::string_view operation;
  Mapped (*map)(const mx::array& traced, Mapped inputs, int size);
};

mx::Stream stream_of(const mx::array& a) {
  return a.primitive().stream();
}

Mapped map_with_mlx(const mx::array& traced, Mapped inputs, int) {
  auto [outputs, axes] = traced.primitive().vmap(inputs.arrays, inputs.axes);
  return {std::move(outputs), std::move(axes)};
}

void move_axis(Mapped& of, size_t i, int axis, mx::Stream s) {
  of.arrays[i] = mx::moveaxis(of.arrays[i], of.axes[i], axis, s);
  of.axes[i] = axis;
}

// Gives an array that is not mapped the axis, the same all along it.
void spread(Mapped& of, size_t i, int axis, int size, mx::Stream s) {
  auto out = mx::expand_dims(of.arrays[i], axis, s);
  auto shape = out.shape();
  shape[axis] = size;
  of.arrays[i] = mx::broadcast_to(out, std::move(shape), s);
  of.axes[i] = axis;
}

// The same operation of inputs that all have the axis, in the same place.
Mapped repeated(const mx::array& traced, Mapped inputs, int axis, int size) {
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  for (auto& a : traced.outputs()) {
    shapes.push_back(a.shape());
    shapes.back().insert(shapes.back().begin() + axis, size);
    dtypes.push_back(a.dtype());
  }
  Axes axes(shapes.size(), axis);
  auto outputs = mx::array::make_arrays(
      std::move(shapes), dtypes, traced.primitive_ptr(), inputs.arrays);
  return {std::move(outputs), std::move(axes)};
}

// For element-wise operations where MLX is wrong about the output's axis, shape
// or dtype, or forgets which variant of the operation it is.
Mapped map_elements(const mx::array& traced, Mapped inputs, int size) {
  auto axis = std::ranges::max(inputs.axes);
  auto s = stream_of(traced);
  for (size_t i = 0; i < inputs.axes.size(); i++) {
    if (inputs.axes[i] < 0) {
      spread(inputs, i, axis, size, s);
    } else {
      move_axis(inputs, i, axis, s);
    }
  }
  return repeated(traced, std::move(inputs), axis, size);
}

// MLX inverts mapped triangular matrices as if they were not triangular.
Mapped map_inverse(const mx::array& traced, Mapped inputs, int size) {
  move_axis(inputs, 0, 0, stream_of(traced));
  return repeated(traced, std::move(inputs), 0, size);
}

// MLX changes the operation that was traced, which another call may share.
Mapped map_reshape(const mx::array& traced, Mapped inputs, int size) {
  auto s = stream_of(traced);
  move_axis(inputs, 0, 0, s);
  auto shape = traced.shape();
  shape.insert(shape.begin(), size);
  return {{mx::reshape(inputs.arrays[0], std::move(shape), s)}, {0}};
}

// MLX moves the mapped axis once for each new axis, without regard to those
// that it moved over before.
Mapped map_expand_dims(const mx::array& traced, Mapped inputs, int) {
  auto axes = static_cast<mx::ExpandDims&>(traced.primitive()).state();
  // The mapped axis stays before the same axis of the array.
  int place = 0;
  for (int kept = 0;; place++) {
    bool is_new = std::ranges::count(axes, place) > 0;
    if (!is_new && kept++ == inputs.axes[0]) {
      break;
    }
  }
  for (auto& axis : axes) {
    axis += axis >= place;
  }
  auto out = mx::expand_dims(inputs.arrays[0], axes, stream_of(traced));
  return {{std::move(out)}, {place}};
}

// MLX gives an update that is not mapped to the first part alone.
Mapped map_slice_update(const mx::array& traced, Mapped inputs, int size) {
  if (inputs.axes[0] >= 0 && inputs.axes[1] < 0) {
    spread(inputs, 1, inputs.axes[0], size, stream_of(traced));
  }
  return map_with_mlx(traced, std::move(inputs), size);
}

// MLX numbers the parts in int32, which has no integers in common with uint64.
Mapped map_gather(const mx::array& traced, Mapped inputs, int size) {
  for (size_t i = 1; i < inputs.arrays.size(); i++) {
    auto& indices = inputs.arrays[i];
    if (indices.dtype() == mx::uint64) {
      indices = mx::astype(indices, mx::int64, stream_of(traced));
    }
  }
  return map_with_mlx(traced, std::move(inputs), size);
}

// MLX makes an axis among those of the updates before it moves the mapped one,
// and numbers the parts in the dtype of the indices.
Mapped map_scatter(const mx::array& traced, Mapped inputs, int size) {
  auto s = stream_of(traced);
  auto last = inputs.arrays.size() - 1;
  if (inputs.axes[last] > 0) {
    move_axis(inputs, last, 0, s);
  }
  for (size_t i = 1; i < last; i++) {
    auto& indices = inputs.arrays[i];
    if (indices.dtype().size() < 4) {
      indices = mx::astype(indices, mx::int32, s);
    }
  }
  return map_with_mlx(traced, std::move(inputs), size);
}

// MLX puts the mapped weights one after the other as channels of one
// convolution. With groups, each group of the input needs its own channels of
// all of them, next to each other.
Mapped map_convolution(const mx::array& traced, Mapped inputs, int size) {
  auto [stride, low, high, dilation, input_dilation, groups, flip] =
      static_cast<mx::Convolution&>(traced.primitive()).state();
  if (groups == 1 || inputs.axes[0] >= 0) {
    return map_with_mlx(traced, std::move(inputs), size);
  }
  auto s = stream_of(traced);
  move_axis(inputs, 1, 0, s);
  auto weights = mx::unflatten(inputs.arrays[1], 1, {groups, -1}, s);
  weights = mx::flatten(mx::moveaxis(weights, 0, 1, s), 0, 2, s);
  auto out = mx::conv_general(
      inputs.arrays[0],
      weights,
      stride,
      low,
      high,
      dilation,
      input_dilation,
      groups,
      flip,
      s);
  out = mx::unflatten(out, -1, {groups, size, -1}, s);
  out = mx::flatten(mx::moveaxis(out, -2, 0, s), -2, -1, s);
  return {{std::move(out)}, {0}};
}

// MLX does not add an array that is mapped to a product that is not.
Mapped map_addmm(const mx::array& traced, Mapped inputs, int size) {
  if (inputs.axes[0] < 0 && inputs.axes[1] < 0) {
    spread(inputs, 0, 0, size, stream_of(traced));
  }
  return map_with_mlx(traced, std::move(inputs), size);
}

// An operation with variants has the name that its variants' begin with.
constexpr Rule rules[] = {
    {"Abs", map_elements},
    {"BitwiseAnd", map_elements},
    {"BitwiseOr", map_elements},
    {"BitwiseXor", map_elements},
    {"DivMod", map_elements},
    {"LeftShift", map_elements},
    {"NaNEqual", map_elements},
    {"NotEqual", map_elements},
    {"RightShift", map_elements},
    {"AddMM", map_addmm},
    {"Convolution", map_convolution},
    {"DynamicSliceUpdate", map_slice_update},
    {"ExpandDims", map_expand_dims},
    {"Gather", map_gather},
    {"Inverse", map_inverse},
    {"Reshape", map_reshape},
    {"Scatter", map_scatter},
    {"SliceUpdate", map_slice_update},
};

bool is_of(std::string_view name, std::string_view operation) {
  return name.starts_with(operation) &&
      (name.size() == operation.size() || name[operation.size()] == ' ');
}

// Throws unless the outputs are those of the traced operation, beside the axis.
void check_mapped(
    const char* operation,
    const Mapped& outputs,
    const Arrays& traced,
    int size) {
  bool right = outputs.arrays.size() == traced.size() &&
      outputs.axes.size() == traced.size();
  for (size_t i = 0; right && i < traced.size(); i++) {
    auto& a = outputs.arrays[i];
    auto axis = outputs.axes[i];
    auto shape = traced[i].shape();
    right = axis <= static_cast<int>(shape.size());
    if (right && axis >= 0) {
      shape.insert(shape.begin() + axis, size);
    }
    right = right && a.shape() == shape && a.dtype() == traced[i].dtype();
  }
  if (!right) {
    std::ostringstream msg;
    msg << "[vmap] the operation " << operation
        << " cannot be mapped over these axes.";
    throw std::runtime_error(msg.str());
  }
}

Mapped map_operation(const mx::array& traced, Mapped inputs, int size) {
  auto name = traced.primitive().name();
  auto rule = std::ranges::find_if(
      rules, [&](auto& rule) { return is_of(name, rule.operation); });
  auto map = rule == std::end(rules) ? map_with_mlx : rule->map;
  auto outputs = map(traced, std::move(inputs), size);
  check_mapped(name, outputs, traced.outputs(), size);
  return outputs;
}

} // namespace

Arrays vmap(
    const MappedFunction& f,
    const Arrays& inputs,
    const std::vector<int>& in_axes) {
  Axes out_axes;
  auto [tracers, outputs] = mx::detail::vmap_trace(
      [&](const Arrays& xs) {
        auto [ys, axes] = f(xs);
        out_axes = std::move(axes);
        return ys;
      },
      inputs,
      in_axes);

  // What stands for the traced arrays that depend on mapped ones.
  std::unordered_map<std::uintptr_t, std::pair<mx::array, int>> mapped;
  int size = -1;
  for (size_t i = 0; i < inputs.size(); i++) {
    if (in_axes[i] >= 0) {
      size = inputs[i].shape(in_axes[i]);
      tracers[i].set_tracer(false);
      mapped.insert({tracers[i].id(), {inputs[i], in_axes[i]}});
    }
  }
  if (size < 0) {
    throw TypeError("[vmap] inAxes: expected an axis of at least one array");
  }

  in_order(outputs, [&](const mx::array& a) {
    // Operations with several outputs come here for each of them.
    if (mapped.contains(a.id())) {
      return;
    }
    Mapped from;
    bool depends = false;
    for (auto& input : a.inputs()) {
      auto found = mapped.find(input.id());
      bool is_mapped = found != mapped.end();
      depends = depends || is_mapped;
      from.arrays.push_back(is_mapped ? found->second.first : input);
      from.axes.push_back(is_mapped ? found->second.second : -1);
    }
    if (!depends) {
      return;
    }
    auto to = map_operation(a, std::move(from), size);
    auto traced = a.outputs();
    for (size_t i = 0; i < traced.size(); i++) {
      traced[i].set_tracer(false);
      mapped.insert({traced[i].id(), {std::move(to.arrays[i]), to.axes[i]}});
    }
  });

  for (size_t i = 0; i < outputs.size(); i++) {
    auto& out = outputs[i];
    auto found = mapped.find(out.id());
    auto axis = -1;
    if (found != mapped.end()) {
      std::tie(out, axis) = found->second;
    }
    if (axis < 0) {
      // The same for all parts.
      out = mx::expand_dims(out, out_axes[i]);
      auto shape = out.shape();
      shape[out_axes[i]] = size;
      out = mx::broadcast_to(out, std::move(shape));
    } else if (axis != out_axes[i]) {
      out = mx::moveaxis(out, axis, out_axes[i]);
    }
  }
  return outputs;
}

} // namespace mlxjs::transforms
