#include "indices.h"

#include <span>
#include <sstream>
#include <string_view>
#include <unordered_set>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

#include "evaluation.h"
#include "graph.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

// Before the text of what a stream's thread throws.
constexpr std::string_view late_mark = "RangeError: ";

std::string
refusal(const Bounds& bounds, const Caller& caller, const std::string& got) {
  auto& [least, most, size, part] = bounds;
  std::ostringstream msg;
  msg << "[" << caller.function << "] " << caller.parameter << ": expected ";
  if (caller.of_mask) {
    msg << "as many parts as the mask selects, received " << most;
    return msg.str();
  }
  if (most < least) {
    msg << "none";
  } else {
    msg << "integers from " << least << " to " << most;
  }
  msg << " for ";
  if (part > 1) {
    msg << "a part of size " << part << " of ";
  }
  msg << "an axis of size " << size << ", received " << got;
  return msg.str();
}

// One pair of bounds for all indices, or one for each entry of their last axis.
using AllBounds = std::span<const Bounds>;

const Bounds& at(AllBounds all, size_t i) {
  return all[all.size() == 1 ? 0 : i % all.size()];
}

template <typename T>
struct Wrong {
  T index;
  Bounds bounds;
};

template <typename T>
bool inside(T x, const Bounds& bounds) {
  // A large uint64 would be negative.
  return (std::is_signed_v<T> || sizeof(T) < 8 ||
          static_cast<int64_t>(x) >= 0) &&
      bounds.has(static_cast<int64_t>(x));
}

template <typename T>
T clamped(T x, const Bounds& bounds) {
  return inside(x, bounds)           ? x
      : std::is_signed_v<T> && x < 0 ? static_cast<T>(bounds.least)
                                     : static_cast<T>(bounds.most);
}

// Copies indices in row-major order, clamped: whatever the stream does after an
// error, it stays inside of the arrays. Gives the first that was wrong. The
// output may be the input.
template <typename T>
std::optional<Wrong<T>> clamp_all(const mx::array& in, T* out, AllBounds all) {
  std::optional<Wrong<T>> wrong;
  auto one = [&](T x, const Bounds& bounds) {
    if (!wrong && !inside(x, bounds)) {
      wrong = {x, bounds};
    }
    return clamped(x, bounds);
  };
  if (in.flags().row_contiguous && all.size() == 1) {
    auto from = in.data<T>();
    bool right = true;
    for (size_t i = 0; i < in.size(); i++) {
      right &= inside(from[i], all[0]);
    }
    if (!right) {
      std::transform(
          from, from + in.size(), out, [&](T x) { return one(x, all[0]); });
    } else if (from != out) {
      std::copy_n(from, in.size(), out);
    }
    return wrong;
  }
  size_t i = 0;
  each_of(in.data<T>(), in, 0, [&](T x) {
    out[i] = one(x, at(all, i));
    i++;
  });
  return wrong;
}

// Passes indices through, and throws for one that is out of bounds.
class CheckIndices : public mx::UnaryPrimitive {
 public:
  CheckIndices(mx::Stream s, AllBounds bounds, Caller caller)
      : UnaryPrimitive(s),
        bounds_(bounds.begin(), bounds.end()),
        function_(caller.function),
        caller_(caller) {
    caller_.function = function_;
  }

  const char* name() const override {
    return "CheckIndices";
  }

  void eval_cpu(const Arrays& inputs, mx::array& out) override {
    auto& in = inputs[0];
    if (in.flags().row_contiguous && in.is_donatable()) {
      out.copy_shared_buffer(in);
    } else {
      out.set_data(mx::allocator::malloc(out.nbytes()));
    }
    auto& encoder = mx::cpu::get_command_encoder(stream());
    encoder.set_input_array(in);
    encoder.set_output_array(out);
    encoder.dispatch([bounds = bounds_,
                      function = function_,
                      caller = caller_,
                      in = mx::array::unsafe_weak_copy(in),
                      out = mx::array::unsafe_weak_copy(out)]() mutable {
      caller.function = function;
      with_integers(in, [&](auto* data) {
        using T = std::remove_const_t<std::remove_pointer_t<decltype(data)>>;
        if (auto wrong = clamp_all<T>(in, out.data<T>(), bounds)) {
          throw std::runtime_error(
              std::string(late_mark) +
              refusal(wrong->bounds, caller, std::to_string(wrong->index)));
        }
      });
    });
  }

  void eval_gpu(const Arrays&, mx::array&) override {
    throw std::logic_error("Indices are not checked on a GPU.");
  }

  std::pair<Arrays, std::vector<int>> vmap(
      const Arrays& inputs,
      const std::vector<int>& axes) override {
    auto a = inputs[0];
    auto axis = axes[0];
    // Different bounds belong to the last axis.
    if (bounds_.size() > 1 && axis > 0) {
      a = mx::moveaxis(a, axis, 0, stream());
      axis = 0;
    }
    return {{passed(a)}, {axis}};
  }

  Arrays jvp(const Arrays&, const Arrays& tangents, const std::vector<int>&)
      override {
    return tangents;
  }

  Arrays vjp(
      const Arrays&,
      const Arrays& cotangents,
      const std::vector<int>&,
      const Arrays&) override {
    return cotangents;
  }

  bool is_equivalent(const Primitive& other) const override {
    auto& check = static_cast<const CheckIndices&>(other);
    return bounds_ == check.bounds_ && caller_ == check.caller_;
  }

  std::vector<mx::Shape> output_shapes(const Arrays& inputs) override {
    return {inputs[0].shape()};
  }

  const Caller& caller() const {
    return caller_;
  }

 private:
  mx::array passed(const mx::array& a) const {
    auto s = const_cast<CheckIndices*>(this)->stream();
    return mx::array(
        a.shape(),
        a.dtype(),
        std::make_shared<CheckIndices>(s, bounds_, caller_),
        {a});
  }

  std::vector<Bounds> bounds_;
  // The caller's name, which may not live as long as the graph.
  std::string function_;
  Caller caller_;
};

// Whether an array is a check: of indices, or of factors, which linalg.cpp
// makes.
bool is_check(const mx::array& a) {
  std::string_view name = a.has_primitive() ? a.primitive().name() : "";
  return name == "CheckIndices" || name == "CheckFactor";
}

// Whether it is one of the operations of fused.h.
bool is_fused(const mx::array& a) {
  return a.has_primitive() &&
      std::string_view(a.primitive().name()).starts_with("Fused");
}

bool is_gpu(mx::StreamOrDevice s) {
  return mx::to_stream(s).device == mx::Device::gpu;
}

void require_integers(const mx::array& indices, const Caller& caller) {
  if (!mx::issubdtype(indices.dtype(), mx::integer)) {
    // MLX finds this out as late as in the evaluation for some, which it then
    // does not recover from.
    std::ostringstream msg;
    msg << "[" << caller.function << "] " << caller.parameter
        << ": expected integers, received " << indices.dtype();
    throw TypeError(msg.str());
  }
}

// Whether the indices need no check when they are computed. Throws for those
// that are there and wrong.
bool is_settled(const mx::array& indices, AllBounds all, const Caller& caller) {
  require_integers(indices, caller);
  if (is_known(indices)) {
    size_t i = 0;
    each_known(
        indices, [&](int64_t x) { check_index(x, at(all, i++), caller); });
    return true;
  }
  if (indices.size() == 0) {
    return true;
  }
  for (auto& bounds : all) {
    if (bounds.most < bounds.least) {
      throw RangeError(
          refusal(bounds, caller, std::to_string(indices.size()) + " of them"));
    }
  }
  return std::ranges::all_of(
             all,
             [&](auto& bounds) { return bounds.has_all(indices.dtype()); }) ||
      is_for_all_shapes(indices);
}

// Indices, clamped by MLX's own operations.
mx::array clipped(const mx::array& indices, AllBounds all, mx::Stream s) {
  auto dtype = indices.dtype();
  auto info = mx::iinfo(dtype);
  auto limits = [&](auto limit) {
    std::vector<int64_t> values;
    for (auto& bounds : all) {
      values.push_back(limit(bounds));
    }
    return values.size() == 1
        ? mx::array(values[0], dtype)
        : mx::array(values.begin(), mx::Shape{int(values.size())}, dtype);
  };
  auto least = limits([&](auto& b) { return std::max(b.least, info.min); });
  auto most = limits([&](auto& b) {
    return info.max < static_cast<uint64_t>(b.most)
        ? static_cast<int64_t>(info.max)
        : b.most;
  });
  return mx::clip(indices, least, most, s);
}

mx::array checked_all(
    const mx::array& indices,
    AllBounds all,
    const Caller& caller,
    mx::StreamOrDevice where) {
  auto settled = is_settled(indices, all, caller);
  // In a graph for all shapes it is there for the caller's name alone.
  auto is_mark = is_for_all_shapes(indices);
  if (settled && !is_mark) {
    return indices;
  }
  auto s = mx::to_stream(where);
  if (s.device == mx::Device::gpu && !is_mark) {
    return clipped(indices, all, s);
  }
  return mx::array(
      indices.shape(),
      indices.dtype(),
      std::make_shared<CheckIndices>(s, all, caller),
      {indices});
}

// Indices from the beginning of an axis of such a size; the size itself for
// those that are out of bounds.
mx::array redirected(mx::array i, const Bounds& bounds, mx::Stream s) {
  if (i.dtype().size() < 4) {
    i = mx::astype(i, mx::int32, s);
  }
  auto number = [&](int64_t x) { return mx::array(x, i.dtype()); };
  auto beyond = number(bounds.size);
  if (bounds.least < 0 && mx::issubdtype(i.dtype(), mx::signedinteger)) {
    i = mx::where(mx::less(i, number(0), s), mx::add(i, beyond, s), i, s);
  }
  auto right = mx::less_equal(i, number(bounds.most), s);
  if (mx::issubdtype(i.dtype(), mx::signedinteger)) {
    right = mx::logical_and(right, mx::greater_equal(i, number(0), s), s);
  }
  return mx::where(right, i, beyond, s);
}

} // namespace

bool Bounds::has_all(mx::Dtype dtype) const {
  auto info = mx::iinfo(dtype);
  return least <= info.min && most >= 0 &&
      info.max <= static_cast<uint64_t>(most);
}

void refuse_index(int64_t index, const Bounds& bounds, const Caller& caller) {
  throw RangeError(refusal(bounds, caller, std::to_string(index)));
}

bool lies_within(
    const mx::Shape& part,
    const mx::Shape& start,
    const mx::Shape& step,
    const mx::Shape& shape) {
  auto n = shape.size();
  if (part.size() != n || start.size() != n || step.size() != n) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    int64_t first = start[i];
    auto last = first + (part[i] - int64_t{1}) * step[i];
    auto inside = [&](int64_t x) { return x >= 0 && x < shape[i]; };
    if (part[i] > 0 && !(inside(first) && inside(last))) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> late_range_error(const char* text) {
  std::string_view all(text);
  if (!all.starts_with(late_mark)) {
    return std::nullopt;
  }
  return std::string(all.substr(late_mark.size()));
}

mx::array checked(
    const mx::array& indices,
    const Bounds& bounds,
    const Caller& caller,
    mx::StreamOrDevice s) {
  return checked_all(indices, {&bounds, 1}, caller, s);
}

std::optional<mx::array> checked_matrices(
    const std::optional<mx::array>& indices,
    const mx::array& stack,
    const char* function,
    mx::StreamOrDevice s) {
  return indices ? std::optional(checked(
                       *indices, Bounds::of_matrices(stack), {function}, s))
                 : std::nullopt;
}

namespace {

// None where MLX refuses the starts for their number or axes.
std::vector<Bounds> bounds_of_starts(
    const mx::array& starts,
    const mx::array& a,
    const std::vector<int>& axes,
    const mx::Shape& part) {
  std::vector<Bounds> out;
  if (starts.size() != axes.size() || part.size() != a.ndim()) {
    return out;
  }
  for (auto axis : axes) {
    auto i = find_axis(a, axis);
    if (i < 0) {
      return {};
    }
    out.push_back(Bounds::of_part(a.shape(i), part[i]));
  }
  return out;
}

} // namespace

mx::array checked_starts(
    const mx::array& starts,
    const mx::array& a,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice s) {
  auto bounds = bounds_of_starts(starts, a, axes, part);
  auto out = bounds.empty()
      ? starts
      : checked_all(starts, bounds, {function, "start"}, s);
  // MLX takes them from memory one after the other, whatever their strides are.
  if (is_check(out) || (is_known(out) && out.flags().row_contiguous)) {
    return out;
  }
  std::vector<int> zeros(out.size());
  return mx::add(out, mx::array(zeros.begin(), out.shape(), out.dtype()), s);
}

mx::array part_written(
    const mx::array& a,
    const mx::array& starts,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice s,
    const std::function<mx::array(const mx::array&)>& write) {
  auto out = write(checked_starts(starts, a, axes, part, function, s));
  auto bounds = bounds_of_starts(starts, a, axes, part);
  if (!is_gpu(s) || bounds.empty() ||
      is_settled(starts, bounds, {function, "start"})) {
    return out;
  }
  auto clamped = clipped(starts, bounds, mx::to_stream(s));
  return mx::where(mx::array_equal(starts, clamped, s), out, a, s);
}

mx::array written(
    const mx::array& a,
    Arrays indices,
    const std::vector<int>& axes,
    const mx::Shape& part,
    const char* function,
    mx::StreamOrDevice where,
    const Write& write) {
  auto s = mx::to_stream(where);
  std::vector<int> leaving;
  mx::Shape more;
  for (size_t i = 0; i < indices.size() && i < axes.size(); i++) {
    auto size = a.shape(axes[i]);
    auto length = part[axes[i]];
    auto bounds = Bounds::of_index(size, length);
    Caller caller{function};
    if (s.device == mx::Device::cpu) {
      indices[i] = checked(indices[i], bounds, caller, s);
    } else if (!is_settled(indices[i], {&bounds, 1}, caller)) {
      indices[i] = redirected(indices[i], bounds, s);
      leaving.push_back(axes[i]);
      more.push_back(length);
    }
  }
  if (leaving.empty()) {
    return write(a, indices);
  }
  // What leaves the array is written behind it, and cut off.
  mx::Shape none(leaving.size(), 0);
  auto zero = mx::array(0, a.dtype());
  auto wide = mx::pad(a, leaving, none, more, zero, "constant", s);
  return mx::slice(write(wide, indices), mx::Shape(a.ndim(), 0), a.shape(), s);
}

mx::array checked_mask(
    const mx::array& mask,
    int groups,
    int64_t parts,
    const char* function,
    mx::StreamOrDevice s) {
  if (mask.size() == 0 || is_for_all_shapes(mask)) {
    return mask;
  }
  if (groups == 1 && is_known(mask)) {
    int64_t count = 0;
    each_known(mask, [&](int64_t selected) { count += selected; });
    if (count > parts) {
      std::ostringstream msg;
      msg << "[" << function << "] value: expected " << count
          << " parts, as many as the mask selects, received " << parts;
      throw RangeError(msg.str());
    }
    return mask;
  }
  auto selected = mx::astype(mx::reshape(mask, {groups, -1}, s), mx::int32, s);
  auto count = mx::cumsum(selected, 1, false, true, s);
  auto within = checked(count, {0, parts, parts}, {function, "value", true}, s);
  auto kept = mx::reshape(mx::equal(count, within, s), mask.shape(), s);
  return mx::logical_and(mask, kept, s);
}

void replace_inputs(
    const Arrays& outputs,
    const Arrays& inputs,
    const std::function<mx::array(const mx::array&)>& replaced) {
  visit(outputs, inputs, [&](mx::array& a) {
    for (auto& output : a.outputs()) {
      for (auto& input : output.inputs()) {
        input = replaced(input);
      }
    }
  });
}

std::optional<Caller> caller_of(const mx::array& a) {
  // What operations do to the shape and the dtype of their indices.
  static const std::unordered_set<std::string_view> fitting{
      "AsType",
      "Broadcast",
      "BroadcastAxes",
      "ExpandDims",
      "Flatten",
      "Reshape",
      "Squeeze"};
  if (!a.has_primitive()) {
    return std::nullopt;
  }
  if (auto check = dynamic_cast<const CheckIndices*>(&a.primitive())) {
    return check->caller();
  }
  return fitting.contains(a.primitive().name()) ? caller_of(a.inputs()[0])
                                                : std::nullopt;
}

const mx::array& before_checks(const mx::array& a) {
  return is_check(a) ? before_checks(a.inputs()[0]) : a;
}

void take_out_checks(Environment& e, Arrays& outputs, const Arrays& inputs) {
  auto unchecked = [&](const mx::array& a) {
    if (is_fused(a) || (is_check(a) && !a.is_tracer())) {
      evaluate(e, a);
      return a;
    }
    return before_checks(a);
  };
  replace_inputs(outputs, inputs, unchecked);
  std::ranges::transform(outputs, outputs.begin(), unchecked);
}

} // namespace mlxjs
