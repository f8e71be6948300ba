#include <map>
#include <sstream>

#include "mlx/export.h"
#include "mlx/graph_utils.h"
#include "mlx/primitives.h"

#include "callback.h"
#include "evaluation.h"
#include "exported/exported.h"
#include "external.h"
#include "graph.h"
#include "graph_check.h"
#include "indices.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

// A waypoint would be one more output of the function in the file.
void check_depth(const Arrays& outputs) {
  auto depth = depth_of(outputs);
  auto deepest = deepest_graph();
  if (depth > deepest) {
    throw RangeError(
        "[export_function] fun: expected at most " + std::to_string(deepest) +
        " operations after each other, which the stack of this thread has room "
        "for, received " +
        std::to_string(depth) + ". Export it in parts.");
  }
}

// MLX writes the values of captured arrays as they lie in memory.
void settle_constants(
    Environment& e,
    const Arrays& outputs,
    const Arrays& inputs) {
  // What has failed says so before anything is computed.
  visit(outputs, inputs, [](mx::array& a) {
    if (auto error = Failed::error_of(a)) {
      std::rethrow_exception(error);
    }
  });
  visit(outputs, inputs, [&](mx::array& a) {
    if (a.has_primitive()) {
      return;
    }
    evaluate(e, a);
    if (!a.flags().row_contiguous || a.data_size() != a.size()) {
      auto copy = mx::contiguous(a);
      evaluate(e, copy);
      a.copy_shared_buffer(copy);
    }
  });
}

// Calls the JavaScript function that is exported, with the positional arrays
// and those with names, which come in the order of their names.
struct Traced {
  Environment* environment;
  napi_value function;
  bool to_file;

  Arrays operator()(const mx::Args& args, const mx::Kwargs& kwargs) const {
    auto& e = *environment;
    auto inputs = args;
    for (auto& [_, a] :
         std::map<std::string, mx::array>(kwargs.begin(), kwargs.end())) {
      inputs.push_back(a);
    }
    auto outputs = Convert<Arrays>::read(e, call_back(e, function, inputs));
    check_depth(outputs);
    take_out_checks(e, outputs, inputs);
    if (to_file) {
      settle_constants(e, outputs, inputs);
    }
    return outputs;
  }
};

// Writes functions to a file. What it traces belongs to one call, so it is
// set for that.
struct Exporter {
  Traced traced{};
  std::optional<mx::FunctionExporter> exporter;

  Exporter(const std::string& file, bool shapeless, std::string metadata)
      : exporter(mx::exporter(
            file,
            [this](const mx::Args& args, const mx::Kwargs& kwargs) {
              return traced(args, kwargs);
            },
            shapeless,
            metadata)) {}
};

Napi::Value make_exporter(
    Environment& e,
    std::string file,
    bool shapeless,
    std::string metadata) {
  return external(
      e, std::make_unique<Exporter>(file, shapeless, std::move(metadata)));
}

// MLX leaves a file half-written where this fails, and its table of functions
// with an entry that it must not look at again: then nothing more is written.
void export_trace(
    Environment& e,
    Napi::Value object,
    Napi::Function function,
    Arrays args,
    Napi::Value names,
    Arrays values) {
  auto& x = unwrap<Exporter>(e, object);
  if (!x.exporter) {
    throw std::runtime_error(
        "[export_function] Attempting to write after exporting is closed.");
  }
  x.traced = {&e, function, true};
  // Whatever the function does to its exporter, this one is there until the
  // end of the call.
  auto exporter = std::move(*x.exporter);
  x.exporter.reset();
  exporter(args, named(names, values));
  x.exporter.emplace(std::move(exporter));
}

void close_exporter(Environment& e, Napi::Value object) {
  unwrap<Exporter>(e, object).exporter.reset();
}

// What the callback of an export gets, as plain JavaScript values: arrays are
// slots, and a dtype is { dtype: number }.
class Step {
 public:
  explicit Step(Environment& e) : e_(e) {}

  Napi::Value operator()(const mx::ExportCallbackInput& input) {
    auto out = Napi::Object::New(e_.env);
    for (auto& [key, value] : input) {
      out.Set(key, std::visit([&](auto& x) { return write(x); }, value));
    }
    return out;
  }

 private:
  Napi::Value write(bool x) {
    return Napi::Boolean::New(e_.env, x);
  }
  template <typename T>
    requires std::is_arithmetic_v<T>
  Napi::Value write(T x) {
    return Napi::Number::New(e_.env, static_cast<double>(x));
  }
  Napi::Value write(const std::string& x) {
    return Napi::String::New(e_.env, x);
  }
  Napi::Value write(mx::Dtype x) {
    auto out = Napi::Object::New(e_.env);
    out.Set("dtype", write(static_cast<int>(x.val())));
    return out;
  }
  Napi::Value write(const mx::array& x) {
    return {e_.env, Convert<mx::array>::write(e_, x)};
  }
  template <typename T>
  Napi::Value write(const std::optional<T>& x) {
    return x ? write(*x) : Napi::Env(e_.env).Null();
  }
  template <typename... T>
  Napi::Value write(const std::variant<T...>& x) {
    return std::visit([&](auto& value) { return write(value); }, x);
  }
  template <typename... T>
  Napi::Value write(const std::tuple<T...>& x) {
    return std::apply([&](auto&... values) { return row(values...); }, x);
  }
  template <typename A, typename B>
  Napi::Value write(const std::pair<A, B>& x) {
    return row(x.first, x.second);
  }
  template <typename T>
    requires requires(const T& x) { x.begin(); }
  Napi::Value write(const T& xs) {
    auto out = Napi::Array::New(e_.env);
    uint32_t i = 0;
    for (const auto& x : xs) {
      out.Set(i++, write(x));
    }
    return out;
  }
  template <typename... T>
  Napi::Value row(const T&... values) {
    auto out = Napi::Array::New(e_.env);
    uint32_t i = 0;
    (out.Set(i++, write(values)), ...);
    return out;
  }

  Environment& e_;
};

void export_steps(
    Environment& e,
    Napi::Function callback,
    Napi::Function function,
    Arrays args,
    Napi::Value names,
    Arrays values,
    bool shapeless) {
  auto step = [&](const mx::ExportCallbackInput& input) {
    Napi::HandleScope scope(e.env);
    napi_value global, result;
    napi_get_global(e.env, &global);
    napi_value argument = Step(e)(input);
    check(
        napi_call_function(e.env, global, callback, 1, &argument, &result),
        "a function");
  };
  mx::export_function(
      mx::ExportCallback(step),
      std::function<Arrays(const mx::Args&, const mx::Kwargs&)>(
          Traced{&e, function, false}),
      args,
      named(names, values),
      shapeless);
}

// Gives a list of the imported object and the metadata.
Napi::Value import_function(Environment& e, std::string file) {
  auto out = Napi::Array::New(e.env, 2);
  try {
    exported::check(file);
  } catch (const exported::Fault& fault) {
    out.Set(0u, fault.expected);
    out.Set(1u, fault.received);
    return out;
  }
  auto imported =
      std::make_unique<mx::ImportedFunction>(mx::import_function(file));
  auto metadata = imported->metadata();
  out.Set(0u, external(e, std::move(imported)));
  out.Set(1u, metadata);
  return out;
}

// x86 answers the lowest integer divided by -1, and any divided by 0, with a
// signal that ends the process, and MLX's CPU backend looks out for 0 alone, in
// divmod not even for that. native/ops/arithmetic.cpp makes no such operation,
// but files have them.
void keep_from_trap(mx::array& a) {
#if defined(__x86_64__) || defined(_M_X64)
  std::string name = a.primitive().name();
  bool quotient = name == "FloorDivide" || name == "DivMod";
  if (!(quotient || name == "Remainder") ||
      !mx::issubdtype(a.dtype(), mx::integer) ||
      a.primitive().stream().device != mx::Device::cpu) {
    return;
  }
  mx::StreamOrDevice s = a.primitive().stream();
  auto x = a.inputs()[0];
  auto y = a.inputs()[1];
  auto one = mx::array(1, y.dtype());
  if (mx::issubdtype(y.dtype(), mx::signedinteger)) {
    auto minus = mx::equal(y, mx::array(-1, y.dtype()), s);
    x = quotient ? mx::where(minus, mx::negative(x, s), x, s) : x;
    y = mx::where(minus, one, y, s);
  }
  if (name == "DivMod") {
    auto zero = mx::equal(y, mx::array(0, y.dtype()), s);
    x = mx::where(zero, mx::zeros_like(x, s), x, s);
    y = mx::where(zero, one, y, s);
  }
  for (auto& output : a.outputs()) {
    output.inputs() = {x, y};
  }
#endif
}

// An imported operation has the first stream of its device that MLX finds,
// which may be another thread's. Here it gets this thread's default one.
void settle(const Arrays& outputs, const Arrays& inputs) {
  visit(outputs, inputs, [](mx::array& a) {
    if (a.has_primitive()) {
      auto& stream = const_cast<mx::Stream&>(a.primitive().stream());
      stream = mx::default_stream(stream.device);
      keep_from_trap(a);
    }
  });
}

Arrays call_imported(
    Environment& e,
    Napi::Value object,
    Arrays args,
    Napi::Value names,
    Arrays values) {
  auto& imported = unwrap<mx::ImportedFunction>(e, object);
  auto outputs = imported(args, named(names, values));
  args.insert(args.end(), values.begin(), values.end());
  settle(outputs, args);
  check_graph(outputs, args);
  return outputs;
}

std::string dot(Arrays outputs, Napi::Value names, Arrays values) {
  mx::NodeNamer namer;
  auto keys = names.As<Napi::Array>();
  for (uint32_t i = 0; i < keys.Length() && i < values.size(); i++) {
    namer.set_name(values[i], Napi::Value(keys[i]).As<Napi::String>());
  }
  outputs.insert(outputs.end(), values.begin(), values.end());
  auto nodes = waypoints(outputs);
  nodes.insert(nodes.end(), outputs.begin(), outputs.end());
  std::ostringstream out;
  mx::export_to_dot(out, std::move(namer), nodes);
  return out.str();
}

} // namespace

const std::vector<Binding> export_bindings{
    LOCAL(make_exporter),
    LOCAL(export_trace),
    LOCAL(close_exporter),
    LOCAL(export_steps),
    LOCAL(import_function),
    LOCAL(call_imported),
    LOCAL(dot),
};

} // namespace mlxjs
