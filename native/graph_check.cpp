#include "graph_check.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "mlx/primitives.h"

#include "graph.h"
#include "indices.h"
#include "linalg.h"
#include "products.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

template <typename T>
auto state(const mx::array& a) {
  return static_cast<const T&>(a.primitive()).state();
}

// A variant's name stands behind that of the operation.
std::string_view name_of(const mx::array& a) {
  std::string_view name = a.primitive().name();
  return name.substr(0, name.find(' '));
}

// Shapes. MLX computes those of a graph anew where it is for all shapes, but
// does not look whether they fit each other and what the operations keep of the
// shapes that they were made for.

using Fits = bool (*)(const Arrays& in, const mx::array& out);

// Whether two shapes are the same along all axes, or all but one.
bool alike(const mx::array& a, const mx::array& b, int but = -1) {
  if (a.ndim() != b.ndim()) {
    return false;
  }
  for (int i = 0; i < static_cast<int>(a.ndim()); i++) {
    if (i != but && a.shape(i) != b.shape(i)) {
      return false;
    }
  }
  return true;
}

bool fits_elements(const Arrays& in, const mx::array& out) {
  return std::ranges::all_of(in, [&](auto& a) { return alike(a, out); });
}

// Several operations in one. Some of them may broadcast, so the inputs need not
// have the same shape.
bool fits_compiled(const Arrays& in, const mx::array& out) {
  return std::ranges::all_of(in, [&](auto& a) {
    int surplus = out.ndim() - a.ndim();
    for (int i = 0; i < static_cast<int>(a.ndim()); i++) {
      if (a.shape(i) != 1 && a.shape(i) != out.shape(surplus + i)) {
        return false;
      }
    }
    return true;
  });
}

bool fits_size(const Arrays& in, const mx::array& out) {
  return in[0].size() == out.size();
}

bool fits_product(const Arrays& in, const mx::array& out) {
  auto &a = in[0], &b = in[1];
  auto inner = a.ndim() - 2;
  return a.ndim() == b.ndim() && a.shape(-1) == b.shape(-2) &&
      std::equal(
             a.shape().begin(), a.shape().begin() + inner, b.shape().begin());
}

bool fits_addmm(const Arrays& in, const mx::array& out) {
  return fits_product(in, out) && alike(in[2], out);
}

bool fits_gather_mm(const Arrays& in, const mx::array&) {
  return in[0].shape(-1) == in[1].shape(-2) && alike(in[2], in[3]);
}

bool fits_concatenate(const Arrays& in, const mx::array& out) {
  auto axis = state<mx::Concatenate>(out);
  return std::ranges::all_of(
      in, [&](auto& a) { return alike(a, in[0], axis); });
}

bool fits_convolution(const Arrays& in, const mx::array& out) {
  auto groups = std::get<5>(state<mx::Convolution>(out));
  return in[0].ndim() == in[1].ndim() &&
      in[0].shape(-1) == in[1].shape(-1) * groups;
}

// How many numbers a row of packed ones has.
int unpacked(const mx::array& w, int bits) {
  return static_cast<int64_t>(w.shape(-1)) * 32 / bits;
}

template <typename T>
bool fits_quantized(const Arrays& in, const mx::array& out) {
  auto all = state<T>(out);
  auto transposed = std::get<3>(all);
  auto &x = in[0], &w = in[1];
  auto inner = transposed ? unpacked(w, std::get<1>(all)) : w.shape(-2);
  return x.shape(-1) == inner && w.ndim() == in[2].ndim() &&
      w.shape(-2) == in[2].shape(-2) &&
      in[2].shape(-1) * std::get<0>(all) == unpacked(w, std::get<1>(all));
}

bool fits_gather_qmm(const Arrays& in, const mx::array& out) {
  return fits_quantized<mx::GatherQMM>(in, out) &&
      alike(in[in.size() - 2], in.back());
}

// Whether a part fits into the array, and along other axes than the given ones
// is as large, if it has to be.
bool has_room(
    const mx::array& a,
    const mx::Shape& part,
    const std::vector<int>& axes,
    bool whole) {
  for (int i = 0; i < static_cast<int>(a.ndim()); i++) {
    bool free = !whole || std::ranges::count(axes, i) > 0;
    if (free ? part[i] > a.shape(i) : part[i] != a.shape(i)) {
      return false;
    }
  }
  return true;
}

// What a single index selects for updates, whose last axes are the array's.
mx::Shape part_of(const mx::array& updates, const mx::array& a) {
  return {updates.shape().end() - a.ndim(), updates.shape().end()};
}

bool fits_gather(const Arrays& in, const mx::array& out) {
  auto [axes, part] = state<mx::Gather>(out);
  return has_room(in[0], part, axes, true);
}

bool fits_gather_axis(const Arrays& in, const mx::array& out) {
  return alike(in[0], in[1], state<mx::GatherAxis>(out));
}

bool fits_scatter(const Arrays& in, const mx::array&) {
  return has_room(in[0], part_of(in.back(), in[0]), {}, false);
}

bool fits_scatter_axis(const Arrays& in, const mx::array& out) {
  auto axis = state<mx::ScatterAxis>(out).second;
  return alike(in[0], in[1], axis) && alike(in[1], in[2]);
}

bool fits_dynamic_slice(const Arrays& in, const mx::array& out) {
  return has_room(in[0], out.shape(), {}, false);
}

bool fits_dynamic_update(const Arrays& in, const mx::array&) {
  return has_room(in[0], in[1].shape(), {}, false);
}

bool fits_slice_update(const Arrays& in, const mx::array& out) {
  auto [_, start, stop, step] = state<mx::SliceUpdate>(out);
  return lies_within(in[1].shape(), start, step, in[0].shape());
}

bool fits_masked_scatter(const Arrays& in, const mx::array&) {
  return alike(in[0], in[1]) && in[0].shape(0) == in[2].shape(0);
}

template <typename T>
bool fits_partition(const Arrays& in, const mx::array& out) {
  auto [kth, axis] = state<T>(out);
  return kth < in[0].shape(axis);
}

bool fits_square(const Arrays& in, const mx::array&) {
  return in[0].shape(-1) == in[0].shape(-2);
}

// MLX refuses an array without elements where it is called, and divides by the
// length of the axis.
bool has_elements(const Arrays& in, const mx::array&) {
  return in[0].size() > 0;
}

bool fits_hadamard(const Arrays& in, const mx::array& out) {
  return has_elements(in, out) && has_hadamard_matrix(in[0]);
}

// Weights, one for each entry of the last axis.
template <size_t count>
bool fits_norm(const Arrays& in, const mx::array&) {
  return std::all_of(in.begin() + 1, in.begin() + 1 + count, [&](auto& w) {
    return w.ndim() == 0 || w.shape(0) == in[0].shape(-1);
  });
}

bool fits(const mx::array& a) {
  static const std::unordered_map<std::string_view, Fits> all{
      {"Add", fits_elements},
      {"AddMM", fits_addmm},
      {"ArcTan2", fits_elements},
      {"ArgPartition", fits_partition<mx::ArgPartition>},
      {"BitwiseAnd", fits_elements},
      {"BitwiseOr", fits_elements},
      {"BitwiseXor", fits_elements},
      {"Concatenate", fits_concatenate},
      {"Convolution", fits_convolution},
      {"Divide", fits_elements},
      {"DivMod", fits_elements},
      {"DynamicSlice", fits_dynamic_slice},
      {"DynamicSliceUpdate", fits_dynamic_update},
      {"Eig", fits_square},
      {"Eigh", fits_square},
      {"Equal", fits_elements},
      {"Flatten", fits_size},
      {"FloorDivide", fits_elements},
      {"Gather", fits_gather},
      {"GatherAxis", fits_gather_axis},
      {"GatherMM", fits_gather_mm},
      {"GatherQMM", fits_gather_qmm},
      {"Greater", fits_elements},
      {"GreaterEqual", fits_elements},
      {"Hadamard", fits_hadamard},
      {"LayerNorm", fits_norm<2>},
      {"LeftShift", fits_elements},
      {"Less", fits_elements},
      {"LessEqual", fits_elements},
      {"LogAddExp", fits_elements},
      {"LogicalAnd", fits_elements},
      {"LogicalOr", fits_elements},
      {"LogSumExp", has_elements},
      {"MaskedScatter", fits_masked_scatter},
      {"Matmul", fits_product},
      {"Maximum", fits_elements},
      {"Minimum", fits_elements},
      {"Multiply", fits_elements},
      {"NaNEqual", fits_elements},
      {"NotEqual", fits_elements},
      {"Partition", fits_partition<mx::Partition>},
      {"Power", fits_elements},
      {"QuantizedMatmul", fits_quantized<mx::QuantizedMatmul>},
      {"Remainder", fits_elements},
      {"Reshape", fits_size},
      {"RightShift", fits_elements},
      {"RMSNorm", fits_norm<1>},
      {"Scatter", fits_scatter},
      {"ScatterAxis", fits_scatter_axis},
      {"Select", fits_elements},
      {"SliceUpdate", fits_slice_update},
      {"Squeeze", fits_size},
      {"Subtract", fits_elements},
      {"Unflatten", fits_size}};
  auto name = name_of(a);
  auto& in = a.inputs();
  if (name.starts_with("Compiled")) {
    return fits_compiled(in, a);
  }
  auto found = all.find(name);
  return found == all.end() || found->second(in, a);
}

void require_fit(const mx::array& a) {
  if (fits(a)) {
    return;
  }
  std::ostringstream msg;
  msg << "[shapeless] " << name_of(a) << ": expected inputs whose shapes fit "
      << "each other, and sizes that the function was made with, received";
  for (auto& input : a.inputs()) {
    msg << " " << input.shape();
  }
  throw RangeError(msg.str());
}

// Indices.

// A check makes an operation's indices safe, or gives what takes its place. The
// caller is the function that the user called, if it is known.
using Check = std::optional<mx::array> (*)(
    mx::array& a,
    mx::Stream s,
    const std::optional<Caller>& caller);

// The same operation of other inputs.
mx::array again(const mx::array& a, Arrays inputs) {
  auto shape = inputs[0].shape();
  return mx::array(shape, a.dtype(), a.primitive_ptr(), std::move(inputs));
}

std::optional<mx::array>
check_gather(mx::array& a, mx::Stream s, const std::optional<Caller>& caller) {
  auto [axes, part] = state<mx::Gather>(a);
  auto& in = a.inputs();
  for (size_t i = 0; i < axes.size(); i++) {
    auto bounds = Bounds::of_index(in[0].shape(axes[i]), part[axes[i]]);
    in[i + 1] = checked(in[i + 1], bounds, caller.value_or(Caller{"take"}), s);
  }
  return std::nullopt;
}

std::optional<mx::array> check_gather_axis(
    mx::array& a,
    mx::Stream s,
    const std::optional<Caller>& caller) {
  auto& in = a.inputs();
  auto axis = state<mx::GatherAxis>(a);
  auto bounds = Bounds::of(in[0].shape(axis));
  in[1] = checked(in[1], bounds, caller.value_or(Caller{"take_along_axis"}), s);
  return std::nullopt;
}

std::optional<mx::array>
check_scatter(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto [_, axes] = state<mx::Scatter>(a);
  auto in = a.inputs();
  auto updates = in.back();
  auto part = part_of(updates, in[0]);
  return written(
      in[0],
      Arrays(in.begin() + 1, in.end() - 1),
      axes,
      part,
      "at",
      s,
      [&](const mx::array& to, const Arrays& indices) {
        Arrays inputs{to};
        inputs.insert(inputs.end(), indices.begin(), indices.end());
        inputs.push_back(updates);
        return again(a, std::move(inputs));
      });
}

std::optional<mx::array>
check_scatter_axis(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto [_, axis] = state<mx::ScatterAxis>(a);
  auto in = a.inputs();
  return written(
      in[0],
      {in[1]},
      {axis},
      mx::Shape(in[0].ndim(), 1),
      "put_along_axis",
      s,
      [&](const mx::array& to, const Arrays& indices) {
        return again(a, {to, indices[0], in[2]});
      });
}

std::optional<mx::array>
check_dynamic_slice(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto [axes, part] = state<mx::DynamicSlice>(a);
  auto& in = a.inputs();
  in[1] = checked_starts(in[1], in[0], axes, part, "slice", s);
  return std::nullopt;
}

std::optional<mx::array>
check_dynamic_update(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto axes = state<mx::DynamicSliceUpdate>(a);
  auto in = a.inputs();
  auto part = in[1].shape();
  auto write = [&](const mx::array& starts) {
    return again(a, {in[0], in[1], starts});
  };
  return part_written(in[0], in[2], axes, part, "slice_update", s, write);
}

std::optional<mx::array>
check_masked_scatter(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto& in = a.inputs();
  if (in[1].size() > 0) {
    auto groups = in[1].shape(0);
    auto parts = in[2].size() / groups;
    in[1] = checked_mask(in[1], groups, parts, "set", s);
  }
  return std::nullopt;
}

std::optional<mx::array>
check_gather_mm(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto& in = a.inputs();
  in[2] = *checked_matrices(in[2], in[0], "gather_mm", s);
  in[3] = *checked_matrices(in[3], in[1], "gather_mm", s);
  return std::nullopt;
}

std::optional<mx::array>
check_gather_qmm(mx::array& a, mx::Stream s, const std::optional<Caller>&) {
  auto& in = a.inputs();
  auto n = in.size();
  in[n - 2] = *checked_matrices(in[n - 2], in[0], "gather_qmm", s);
  in[n - 1] = *checked_matrices(in[n - 1], in[1], "gather_qmm", s);
  return std::nullopt;
}

std::optional<mx::array>
check_cholesky(mx::array& a, mx::Stream, const std::optional<Caller>&) {
  // The same once more, since all that use the first will use the check.
  return checked_factors(
      mx::array(a.shape(), a.dtype(), a.primitive_ptr(), a.inputs()));
}

Check find_check(std::string_view name) {
  static const std::unordered_map<std::string_view, Check> all{
      {"Gather", check_gather},
      {"GatherAxis", check_gather_axis},
      {"Scatter", check_scatter},
      {"ScatterAxis", check_scatter_axis},
      {"DynamicSlice", check_dynamic_slice},
      {"DynamicSliceUpdate", check_dynamic_update},
      {"MaskedScatter", check_masked_scatter},
      {"GatherMM", check_gather_mm},
      {"GatherQMM", check_gather_qmm},
      {"Cholesky", check_cholesky}};
  auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

} // namespace

void check_graph(Arrays& outputs, const Arrays& inputs) {
  // The earlier checks, for other shapes, know whose indices they are.
  std::unordered_map<std::uintptr_t, Caller> callers;
  std::vector<mx::array> earlier;
  visit(outputs, inputs, [&](mx::array& a) {
    for (auto& input : a.inputs()) {
      if (auto caller = caller_of(input)) {
        callers.insert_or_assign(a.id(), *caller);
        earlier.push_back(input);
      }
    }
  });
  replace_inputs(outputs, inputs, before_checks);
  std::unordered_map<std::uintptr_t, mx::array> others;
  visit(outputs, inputs, [&](mx::array& a) {
    if (!a.has_primitive()) {
      return;
    }
    require_fit(a);
    if (auto check = find_check(name_of(a))) {
      auto found = callers.find(a.id());
      auto caller =
          found == callers.end() ? std::nullopt : std::optional(found->second);
      if (auto other = check(a, a.primitive().stream(), caller)) {
        others.insert({a.id(), *other});
      }
    }
  });
  if (others.empty()) {
    return;
  }
  auto replaced = [&](const mx::array& a) {
    auto found = others.find(a.id());
    return found == others.end() ? a : found->second;
  };
  for (auto& output : outputs) {
    output = replaced(output);
  }
  replace_inputs(outputs, inputs, replaced);
}

} // namespace mlxjs
