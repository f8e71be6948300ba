#include "transforms.h"

#include <sstream>
#include <string_view>
#include <unordered_set>

#include "mlx/mlx.h"
#include "mlx/primitives.h"

#include "callback.h"
#include "derivatives.h"
#include "graph.h"

namespace mlxjs::transforms {

namespace {

// A function's outputs after waypoints, which it counts.
Function routed(const Function& f, Derivative derivative, size_t& waypoints) {
  return [&, derivative](const Arrays& inputs) {
    auto outputs = f(inputs);
    // MLX's vjp stops at the inputs: how they were made may be a long story.
    auto starts = derivative == Derivative::vjp ? inputs : Arrays{};
    bool wrong = false;
    auto look = [&](const mx::array& a) {
      wrong = wrong || has_wrong_derivative(a, derivative);
    };
    auto way = route(outputs, look, starts);
    if (wrong) {
      outputs = with_right_derivatives(std::move(outputs), derivative);
      way = route(std::move(outputs), {}, starts);
    }
    waypoints = way.waypoints;
    return way.outputs;
  };
}

mx::array cast(const mx::array& x, mx::Dtype dtype) {
  if (x.dtype() == dtype) {
    return x;
  }
  return x.has_primitive() ? mx::astype(x, dtype, x.primitive().stream())
                           : mx::astype(x, dtype);
}

bool loses(mx::Dtype from, mx::Dtype to, mx::Dtype::Category kind) {
  return mx::issubdtype(from, kind) && !mx::issubdtype(to, kind);
}

// A tangent or cotangent, cast to the dtype of what it belongs to: some
// operations read its bytes as if they were of that dtype. If the cast would
// lose an imaginary part or the fraction of a tangent, it is refused.
mx::array fitted(
    const mx::array& x,
    const mx::array& owner,
    const std::string& name,
    bool of_primal) {
  auto fail = [&](const auto& expected, const auto& received) {
    std::ostringstream msg;
    msg << name << ": expected " << expected << " as its "
        << (of_primal ? "primal" : "output") << " has, received " << received;
    throw TypeError(msg.str());
  };
  auto of_shape = [](const mx::array& a) {
    std::ostringstream out;
    out << "the shape " << a.shape();
    return out.str();
  };
  if (x.shape() != owner.shape()) {
    fail(of_shape(owner), of_shape(x));
  }
  if (loses(x.dtype(), owner.dtype(), mx::complexfloating) ||
      (of_primal && loses(x.dtype(), owner.dtype(), mx::inexact))) {
    fail(owner.dtype(), x.dtype());
  }
  return cast(x, owner.dtype());
}

// Casts derivatives to the dtypes of what they belong to, which those of masks
// do not have, and refuses other shapes, which would be wrong and dangerous.
void adopt(Arrays& derivatives, const Arrays& owners) {
  for (size_t i = 0; i < derivatives.size(); i++) {
    auto& x = derivatives[i];
    if (x.shape() != owners[i].shape()) {
      std::ostringstream msg;
      msg << "MLX gives a derivative of the shape " << x.shape() << " for "
          << owners[i].shape() << ".";
      throw std::runtime_error(msg.str());
    }
    x = cast(x, owners[i].dtype());
  }
}

std::string numbered(const char* list, size_t i) {
  return std::string(list) + "[" + std::to_string(i) + "]";
}

TypeError wrong_count(const char* list, size_t expected, size_t received) {
  std::ostringstream msg;
  msg << list << ": expected a list of " << expected << ", received one of "
      << received;
  return TypeError(msg.str());
}

void drop_first(Arrays& arrays, size_t count) {
  arrays.erase(arrays.begin(), arrays.begin() + count);
}

} // namespace

std::pair<Arrays, Arrays>
vjp(const Function& f, const Arrays& primals, const Arrays& cotangents) {
  size_t waypoints = 0;
  auto checked = [&](const Arrays& xs) {
    auto outputs = f(xs);
    // MLX keeps just one cotangent for an array that is there twice.
    if (outputs.size() > 1) {
      std::unordered_set<std::uintptr_t> seen;
      for (auto& out : outputs) {
        if (!seen.insert(out.id()).second) {
          out = mx::copy(out);
        }
      }
    }
    // It casts cotangents, and has none for outputs that are constants.
    size_t count = 0;
    for (auto& out : outputs) {
      if (out.has_primitive() &&
          std::string_view(out.primitive().name()) == "StopGradient") {
        continue;
      }
      if (count < cotangents.size()) {
        fitted(
            cotangents[count], out, numbered("[vjp] cotangents", count), false);
      }
      count++;
    }
    if (cotangents.size() < count) {
      throw wrong_count("[vjp] cotangents", count, cotangents.size());
    }
    return outputs;
  };
  auto out =
      mx::vjp(routed(checked, Derivative::vjp, waypoints), primals, cotangents);
  drop_first(out.first, waypoints);
  adopt(out.second, primals);
  return out;
}

std::pair<Arrays, Arrays>
jvp(const Function& f, const Arrays& primals, const Arrays& tangents) {
  if (tangents.size() != primals.size()) {
    throw wrong_count("[jvp] tangents", primals.size(), tangents.size());
  }
  Arrays along;
  for (size_t i = 0; i < primals.size(); i++) {
    auto name = numbered("[jvp] tangents", i);
    along.push_back(fitted(tangents[i], primals[i], name, true));
  }
  size_t waypoints = 0;
  auto out = mx::jvp(routed(f, Derivative::jvp, waypoints), primals, along);
  drop_first(out.first, waypoints);
  drop_first(out.second, waypoints);
  adopt(out.second, out.first);
  return out;
}

} // namespace mlxjs::transforms

namespace mlxjs {

namespace {

using transforms::Arrays;
using transforms::Function;

// A function of JavaScript's as MLX calls it, for as long as this call lasts.
Function traced(Environment& e, napi_value function) {
  return [&e, function](const Arrays& inputs) {
    return Convert<Arrays>::read(e, call_back(e, function, inputs));
  };
}

// The second list follows the first.
Arrays joined(std::pair<Arrays, Arrays> both) {
  auto [first, second] = std::move(both);
  first.insert(
      first.end(),
      std::make_move_iterator(second.begin()),
      std::make_move_iterator(second.end()));
  return first;
}

// The outputs of a function, then the gradients of the first with respect to
// the inputs.
Arrays value_and_grad(Environment& e, Napi::Function function, Arrays inputs) {
  auto differentiable = [f = traced(e, function)](const Arrays& xs) {
    auto outputs = f(xs);
    for (size_t i = 1; i < outputs.size(); i++) {
      auto& a = outputs[i];
      a = a.has_primitive() ? mx::stop_gradient(a, a.primitive().stream())
                            : mx::stop_gradient(a);
    }
    return outputs;
  };
  return joined(transforms::vjp(differentiable, inputs, {mx::array(1.0f)}));
}

// The outputs of a function, then for each of them its Jacobian times the
// tangents.
Arrays
jvp(Environment& e, Napi::Function function, Arrays primals, Arrays tangents) {
  return joined(transforms::jvp(traced(e, function), primals, tangents));
}

// The outputs of a function, then for each primal the cotangents times the
// Jacobian.
Arrays vjp(
    Environment& e,
    Napi::Function function,
    Arrays primals,
    Arrays cotangents) {
  return joined(transforms::vjp(traced(e, function), primals, cotangents));
}

// Maps a function over an axis of each input, -1 for none. The function gives
// its outputs, then the axis of each.
Arrays vmap(
    Environment& e,
    Napi::Function function,
    Arrays inputs,
    std::vector<int> in_axes) {
  for (size_t i = 0; i < std::min(inputs.size(), in_axes.size()); i++) {
    if (in_axes[i] < -1 || in_axes[i] >= static_cast<int>(inputs[i].ndim())) {
      throw RangeError("Expected an axis of the array.");
    }
  }
  auto mapped = [&](const Arrays& xs) {
    auto result = Numbers::read(e, call_back(e, function, xs));
    auto count = result.count / 2;
    Arrays outputs;
    std::vector<int> axes;
    for (size_t i = 0; i < count; i++) {
      outputs.push_back(e.arrays.at(result.integer(i)));
      axes.push_back(result.integer(count + i));
    }
    return std::pair(std::move(outputs), std::move(axes));
  };
  return transforms::vmap(mapped, inputs, in_axes);
}

Arrays depends(Arrays inputs, Arrays dependencies) {
  // MLX takes the stream of the first.
  return inputs.empty() ? inputs : mx::depends(inputs, dependencies);
}

} // namespace

const std::vector<Binding> transform_bindings{
    LOCAL(value_and_grad),
    LOCAL(jvp),
    LOCAL(vjp),
    LOCAL(vmap),
    LOCAL(depends),
    UNARY(stop_gradient),
};

} // namespace mlxjs
