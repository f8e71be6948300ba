#include <algorithm>
#include <atomic>
#include <functional>
#include <string_view>

#include "mlx/compile.h"
#include "mlx/compile_impl.h"

#include "callback.h"
#include "evaluation.h"
#include "graph.h"
#include "graph_check.h"
#include "kernels.h"

namespace mlxjs {

namespace {

// A fused kernel keeps the graph that it was made of, up to the kernel before
// it. So a chain of kernels is freed recursively, by whoever frees its end, and
// may not be longer than the stack has room for.
struct TooDeep {};

// Reads what a graph has of files. It is constant then, and not read again each
// time that the graph is computed: so it is where MLX itself reads it.
void read_files(Environment& e, const std::vector<mx::array>& outputs) {
  std::vector<mx::array> loaded;
  in_order(outputs, [&](auto& a) {
    if (a.inputs().empty() && a.has_primitive() &&
        std::string_view(a.primitive().name()) == "Load") {
      loaded.push_back(a);
    }
  });
  try {
    evaluate(e, loaded);
  } catch (...) {
    // They have failed, and what is computed from them will.
  }
}

// Traces a function: calls it with arrays that stand for its inputs. It gives
// its trace's number and its outputs.
struct Trace {
  Environment* environment;
  napi_value function;

  mx::detail::ArraysAndExtra operator()(
      const std::vector<mx::array>& inputs) const {
    auto& e = *environment;
    auto result = Numbers::read(e, call_back(e, function, inputs));
    auto number = result.integer(0);
    std::vector<mx::array> outputs;
    for (size_t i = 1; i < result.count; i++) {
      outputs.push_back(e.arrays.at(result.integer(i)));
    }
    if (depth_of(outputs) > deepest_graph()) {
      throw TooDeep{};
    }
    read_files(e, outputs);
    return {std::move(outputs), std::make_shared<int>(number)};
  }
};

// A trace's number, and the outputs of its graph.
struct Traced {
  int number;
  std::vector<mx::array> outputs;
};

bool any_tracer(const std::vector<mx::array>& arrays) {
  return std::any_of(
      arrays.begin(), arrays.end(), std::mem_fn(&mx::array::is_tracer));
}

// Calls the compiled function of a number, which the thread's cache has a list
// of graphs for: by the types of the inputs and by a key, which stands for all
// else that the graph depends on. Gives nothing where the function is to be
// called as it is: inside of other transformations, and where compiling is
// switched off or, for want of a compiler or of a folder, not possible; and
// where the graph is too deep.
std::optional<Traced> call_compiled(
    Environment& e,
    int number,
    Napi::Function trace,
    std::vector<mx::array> inputs,
    int key,
    bool shapeless,
    mx::StreamOrDevice s) {
  bool for_cpu = mx::to_stream(s).device == mx::Device::cpu;
  if (any_tracer(inputs) || (for_cpu && !may_compile_kernels(e.env))) {
    return std::nullopt;
  }
  auto compiled = mx::detail::compile(
      mx::detail::ArrayFnWithExtra(Trace{&e, trace}),
      number,
      shapeless,
      {static_cast<uint64_t>(key)});
  // MLX gives back what it does not compile.
  if (compiled.target<Trace>()) {
    return std::nullopt;
  }
  try {
    auto [outputs, extra] = compiled(inputs);
    if (shapeless) {
      check_graph(outputs, inputs);
    }
    return Traced{*std::static_pointer_cast<int>(extra), std::move(outputs)};
  } catch (const TooDeep&) {
    return std::nullopt;
  }
}

void erase(node_api_basic_env, void* data, void* hint) {
  mx::detail::compile_erase(
      mx::detail::compile_cache(), reinterpret_cast<uintptr_t>(data));
  static_cast<Environment*>(hint)->unreference();
}

// A number for a compiled function, whose graphs live as long as it does. The
// cache is a thread's, which may have several environments.
int new_compiled(Environment& e, Napi::Value function) {
  static std::atomic<int> last = 0;
  auto number = ++last;
  auto data = reinterpret_cast<void*>(static_cast<uintptr_t>(number));
  auto status = napi_add_finalizer(e.env, function, data, erase, &e, nullptr);
  check(status, "a function");
  e.references++;
  return number;
}

} // namespace

// As a list of slots, of which the first is the trace's number.
template <>
struct Convert<std::optional<Traced>> {
  static constexpr auto ts = "Slots | undefined";
  static napi_value write(Environment& e, std::optional<Traced> x) {
    if (!x) {
      napi_value undefined;
      napi_get_undefined(e.env, &undefined);
      return undefined;
    }
    return write_list(e, x->outputs.size() + 1, [&](size_t i) {
      return i == 0 ? x->number : e.arrays.put(std::move(x->outputs[i - 1]));
    });
  }
};

const std::vector<Binding> compile_bindings{
    LOCAL(call_compiled),
    LOCAL(new_compiled),
    BIND(void (*)(), disable_compile),
    BIND(void (*)(), enable_compile),
};

} // namespace mlxjs
