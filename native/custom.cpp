// Functions that a graph holds, because its transformations call them.

#include "callback.h"
#include "transforms.h"

namespace mlxjs {

namespace {

using transforms::Arrays;
using transforms::Function;
using Axes = std::vector<int>;

// What a handler is asked for, as in lib/core/transforms/custom.ts.
enum Request { request_outputs, request_vjp, request_jvp, request_vmap };

// A function of JavaScript's that computes one call of a custom function, and
// the transformations of that call. The graph holds it.
class Handler {
 public:
  Handler(Environment& e, napi_value function)
      : environment_(&e),
        table_(e.functions),
        place_(table_->put(function)) {}
  ~Handler() {
    table_->drop(place_);
  }
  Handler(const Handler&) = delete;

  Arrays outputs(const Arrays& inputs) {
    auto found = arrays(ask(request_outputs, slots(inputs)));
    if (found.empty() || (outputs_ > 0 && found.size() != outputs_)) {
      throw TypeError("Expected the same number of outputs, at least one.");
    }
    outputs_ = found.size();
    return found;
  }

  Arrays
  vjp(const Arrays& primals, const Arrays& cotangents, const Arrays& outputs) {
    auto values = slots(primals);
    append(values, slots(cotangents));
    append(values, slots(outputs));
    return arrays(ask(request_vjp, values), primals.size());
  }

  // -1 stands for a tangent that is not there.
  Arrays jvp(
      const Arrays& primals,
      const Arrays& tangents,
      const std::vector<int>& argnums) {
    auto values = slots(primals);
    values.resize(2 * primals.size(), -1);
    for (size_t i = 0; i < argnums.size(); i++) {
      values.at(primals.size() + argnums[i]) =
          environment_->arrays.put(mx::array(tangents[i]));
    }
    return arrays(ask(request_jvp, values), outputs_);
  }

  // -1 stands for the axis of an array that is not mapped.
  std::pair<Arrays, Axes> vmap(const Arrays& inputs, const Axes& axes) {
    auto values = slots(inputs);
    append(values, axes);
    auto result = ask(request_vmap, values);
    if (result.count != 2 * outputs_) {
      throw TypeError("Expected an array and an axis for each output.");
    }
    Axes out_axes;
    for (auto i = outputs_; i < result.count; i++) {
      out_axes.push_back(result.integer(i));
    }
    result.count = outputs_;
    return {arrays(result), std::move(out_axes)};
  }

 private:
  std::vector<int> slots(const Arrays& arrays) {
    std::vector<int> out;
    for (auto& a : arrays) {
      out.push_back(environment_->arrays.put(mx::array(a)));
    }
    return out;
  }

  static void append(std::vector<int>& values, const std::vector<int>& more) {
    values.insert(values.end(), more.begin(), more.end());
  }

  Numbers ask(Request request, const std::vector<int>& values) {
    auto& e = *environment_;
    auto list =
        write_list(e, values.size(), [&](size_t i) { return values[i]; });
    auto function = table_->at(place_);
    return Numbers::read(
        e, call_function(e, function, Convert<int>::write(e, request), list));
  }

  Arrays arrays(const Numbers& slots) {
    Arrays out;
    for (size_t i = 0; i < slots.count; i++) {
      out.push_back(environment_->arrays.at(slots.integer(i)));
    }
    return out;
  }

  Arrays arrays(const Numbers& slots, size_t count) {
    if (slots.count != count) {
      throw TypeError("Expected an array for each input or output.");
    }
    return arrays(slots);
  }

  Environment* environment_;
  std::shared_ptr<FunctionTable> table_;
  int place_;
  // The number of outputs, once it is known.
  size_t outputs_ = 0;
};

using SharedHandler = std::shared_ptr<Handler>;

Function outputs_of(SharedHandler handler) {
  return [handler](const Arrays& inputs) { return handler->outputs(inputs); };
}

// The rules of a function that has none of its own. MLX has the same, but not
// for graphs of any depth.

Arrays
vjp_of(const Function& f, const Arrays& primals, const Arrays& cotangents) {
  return transforms::vjp(f, primals, cotangents).second;
}

Arrays jvp_of(
    const Function& f,
    const Arrays& primals,
    const Arrays& tangents,
    const std::vector<int>& argnums) {
  Arrays all;
  for (auto& x : primals) {
    all.push_back(mx::zeros_like(x));
  }
  for (size_t i = 0; i < argnums.size(); i++) {
    all.at(argnums[i]) = tangents[i];
  }
  return transforms::jvp(f, primals, all).second;
}

std::pair<Arrays, Axes>
vmap_of(const Function& f, const Arrays& inputs, const Axes& axes) {
  Axes out_axes;
  auto mapped = [&](const Arrays& xs) {
    auto outputs = f(xs);
    out_axes.assign(outputs.size(), 0);
    return std::pair(std::move(outputs), out_axes);
  };
  auto outputs = transforms::vmap(mapped, inputs, axes);
  return {std::move(outputs), std::move(out_axes)};
}

// Calls a custom function, which has rules of its own for some transformations.
// The inputs are read first: putting the handler into its table may collect
// garbage.
Arrays custom_function(
    Arrays inputs,
    SharedHandler handler,
    bool has_vjp,
    bool has_jvp,
    bool has_vmap) {
  auto f = outputs_of(handler);
  auto vjp = [=](const Arrays& primals,
                 const Arrays& cotangents,
                 const Arrays& outputs) {
    return has_vjp ? handler->vjp(primals, cotangents, outputs)
                   : vjp_of(f, primals, cotangents);
  };
  auto jvp = [=](const Arrays& primals,
                 const Arrays& tangents,
                 const std::vector<int>& argnums) {
    return has_jvp ? handler->jvp(primals, tangents, argnums)
                   : jvp_of(f, primals, tangents, argnums);
  };
  auto vmap = [=](const Arrays& xs, const Axes& axes) {
    return has_vmap ? handler->vmap(xs, axes) : vmap_of(f, xs, axes);
  };
  return mx::custom_function(f, vjp, jvp, vmap)(inputs);
}

// Computes the function once more for its gradient, after the outputs.
Arrays checkpoint(Arrays inputs, SharedHandler handler) {
  auto f = outputs_of(handler);
  auto vjp = [f](const Arrays& primals,
                 const Arrays& cotangents,
                 const Arrays& outputs) {
    return vjp_of(f, mx::depends(primals, outputs), cotangents);
  };
  auto jvp = [f](const Arrays& primals,
                 const Arrays& tangents,
                 const std::vector<int>& argnums) {
    return jvp_of(f, primals, tangents, argnums);
  };
  auto vmap = [f](const Arrays& xs, const Axes& axes) {
    return vmap_of(f, xs, axes);
  };
  return mx::custom_function(f, vjp, jvp, vmap)(inputs);
}

} // namespace

template <>
struct Convert<SharedHandler> {
  static constexpr auto ts = "Handler";
  static SharedHandler read(Environment& e, napi_value v) {
    return std::make_shared<Handler>(e, Convert<Napi::Function>::read(e, v));
  }
};

const std::vector<Binding> custom_bindings{
    LOCAL(custom_function),
    LOCAL(checkpoint),
};

} // namespace mlxjs
