#include "plan.h"

#include <algorithm>
#include <string_view>

#include "mlx/backend/cuda/cuda.h"

#include "graph.h"

namespace mlxjs {

namespace {

using Status = mx::array::Status;

// Between two evaluations, a kernel waits on an NVIDIA GPU for what the CPU
// computes. While it does, the driver may keep the CPU waiting in its turn, for
// memory, a copy or a kernel that it has to load. So there the CPU has to be
// done first.
bool waits_for_cpu(const mx::Stream& stream) {
  return stream.device == mx::Device::gpu && mx::cu::is_available();
}

constexpr auto left_its_function =
    "[eval] expected an array that can be computed, received one that has left "
    "a function while compile, grad or vmap traced it; return it from there, "
    "or name what holds it in { inputs, outputs } of mx.compile";

// Whether the CPU computes it, or is about to.
bool is_of_cpu(const mx::array& a) {
  auto on_cpu = [](auto& x) { return x.stream().device == mx::Device::cpu; };
  return a.status() == Status::unscheduled
      ? a.has_primitive() && on_cpu(a.primitive())
      : a.status() == Status::evaluated && a.event().valid() &&
          on_cpu(a.event());
}

} // namespace

namespace {

// MLX divides by the size of what it computes in kernels of compiled functions
// for NVIDIA GPUs and, on the CPU, in the others. Derivatives, vmap and
// functions for all shapes make these without a call that looks at the sizes.
bool divides_by_size(std::string_view operation) {
  return operation.starts_with("Compiled") ||
      operation.starts_with("Scatter") || operation == "QuantizedMatmul" ||
      operation == "GatherQMM" || operation == "Softmax";
}

// Where there is nothing to compute it is there at once, on any device.
bool complete_if_empty(const mx::array& a) {
  auto is_empty = [](const mx::array& output) { return output.size() == 0; };
  if (!is_empty(a) || a.is_tracer() || !divides_by_size(a.primitive().name())) {
    return false;
  }
  auto outputs = a.outputs();
  if (!std::ranges::all_of(outputs, is_empty)) {
    return false;
  }
  for (auto& output : outputs) {
    output.set_data(mx::allocator::malloc(0));
    output.set_status(Status::available);
  }
  mx::array(a).detach();
  return true;
}

} // namespace

Plan::Plan(const std::vector<mx::array>& outputs, Pieces pieces, bool others)
    : others_(others),
      pieces_(1) {
  if (!spare().empty()) {
    graph_ = std::move(spare().back());
    spare().pop_back();
  }
  struct Node {
    const mx::array& array;
    size_t next_input = 0;
  };
  std::vector<Node> path;
  bool any_tracers = tracing();
  auto enter = [&](const mx::array& a) {
    if (a.status() != Status::unscheduled) {
      return;
    }
    if (!a.has_primitive()) {
      if (!a.is_tracer()) {
        // MLX would take it for a fault of its own.
        throw std::runtime_error(left_its_function);
      }
      refused_ = true;
    } else if (!operation_of(a) && !complete_if_empty(a)) {
      path.push_back({a});
    }
  };
  for (auto& output : outputs) {
    meet(output, std::nullopt);
    enter(output);
    while (!path.empty()) {
      auto& node = path.back();
      auto& inputs = node.array.inputs();
      if (node.next_input < inputs.size()) {
        enter(inputs[node.next_input++]);
      } else {
        traced_ |= any_tracers && node.array.is_tracer();
        add(node.array, pieces);
        path.pop_back();
      }
    }
  }
  for (auto& output : outputs) {
    need(output);
  }
}

Plan::~Plan() {
  static constexpr size_t most = 4;
  static constexpr size_t longest = 1 << 14;
  graph_.outputs.clear();
  if (spare().size() < most && graph_.operations.capacity() <= longest) {
    graph_.operations.clear();
    graph_.inputs.clear();
    graph_.places.clear();
    graph_.calls.clear();
    spare().push_back(std::move(graph_));
  }
}

std::vector<Plan::Graph>& Plan::spare() {
  static thread_local std::vector<Graph> all;
  return all;
}

void Plan::forget_gone() {
  for (auto& output : graph_.outputs) {
    if (output.is_gone()) {
      output = {};
    }
  }
}

void Plan::add(const mx::array& a, Pieces pieces) {
  auto kind = kinds_.of(a.primitive());
  if (kind == Kind::failed) {
    std::rethrow_exception(Failed::error_of(a));
  }
  auto operation = graph_.operations.size();
  auto stream = a.primitive().stream();
  bool alone = kind == Kind::may_fail;
  auto& last = pieces_.back();
  bool full = pieces == Pieces::small && last.length() >= last.most();
  if (last.closed || full || (alone && last.length() > 0)) {
    pieces_.push_back({operation, operation});
  }
  auto& piece = pieces_.back();
  piece.end++;
  piece.device = stream.device;
  piece.closed = alone;
  if (alone) {
    piece.name = a.primitive().name();
  }
  if (!origins_.empty()) {
    graph_.calls.resize(operation);
    graph_.calls.push_back(origins_.of(a));
  }
  if (stream.device == mx::Device::cpu &&
      std::find(piece.streams.begin(), piece.streams.end(), stream) ==
          piece.streams.end()) {
    piece.streams.push_back(stream);
  }

  auto take = [&](const mx::array& input) {
    if (waits_for_cpu(stream) && is_of_cpu(input)) {
      piece.from_cpu.push_back(input);
    }
  };
  for (auto& input : a.inputs()) {
    if (input.status() == Status::unscheduled) {
      if (auto found = operation_of(input)) {
        graph_.inputs.push_back(*found);
        if (*found < piece.begin) {
          need(input);
          take(input);
        }
      }
    } else {
      meet(input, operation);
      take(input);
    }
  }
  auto output = [&](const mx::array& a) {
    piece.bytes += kind == Kind::view ? 0 : a.nbytes();
    graph_.places[a.id()].operation = operation + 1;
    graph_.outputs.emplace_back(a);
  };
  output(a);
  for (auto& sibling : a.siblings()) {
    output(sibling);
  }
  graph_.operations.push_back({graph_.inputs.size(), graph_.outputs.size()});
}

void Plan::meet(const mx::array& a, std::optional<size_t> user) {
  // An array keeps this status when MLX has removed its event, which was
  // signaled.
  if (a.status() != Status::evaluated) {
    return;
  }
  bool gpu = a.event().valid() && a.event().stream().device == mx::Device::gpu;
  if (others_ || gpu) {
    under_way_.push_back({a, user});
  } else {
    mx::array(a).wait();
  }
}

// Notes that the piece which computes the array has to give it.
void Plan::need(const mx::array& a) {
  auto place = graph_.places.find(a.id());
  if (place == nullptr || place->needed) {
    return;
  }
  place->needed = true;
  auto operation = place->operation - 1;
  auto piece = std::upper_bound(
      pieces_.begin(), pieces_.end(), operation, [](size_t i, auto& piece) {
        return i < piece.end;
      });
  piece->arrays.push_back(a);
}

std::optional<size_t> Plan::operation_of(const mx::array& a) {
  auto place = graph_.places.find(a.id());
  if (place == nullptr || place->operation == 0) {
    return std::nullopt;
  }
  return place->operation - 1;
}

Origins::Calls Plan::calls_of(size_t operation) const {
  auto& calls = graph_.calls;
  std::vector<bool> depends(calls.size());
  for (auto i = operation; i < calls.size(); i++) {
    auto input = i == 0 ? 0 : graph_.operations[i - 1].inputs_end;
    depends[i] = i == operation;
    for (; input < graph_.operations[i].inputs_end; input++) {
      depends[i] = depends[i] || depends[graph_.inputs[input]];
    }
    if (depends[i] && calls[i]) {
      return calls[i];
    }
  }
  return nullptr;
}

std::exception_ptr Plan::fail(const Piece& piece, std::exception_ptr error) {
  for (auto i = piece.begin; i < piece.end; i++) {
    graph_.operations[i].failed = true;
  }
  auto calls = piece.length() == 1 ? calls_of(piece.begin) : nullptr;
  error = EvaluationError::of(error, piece.name, calls);
  spread(error);
  return error;
}

std::exception_ptr Plan::fail_scheduling(
    const Piece& piece,
    std::exception_ptr error) {
  // MLX attaches the event first, then calls the operation, then changes the
  // state. There are no events in a transformation.
  auto threw = [](const mx::array& a) {
    return a.status() == Status::unscheduled && a.event().valid();
  };
  std::optional<std::exception_ptr> explained;
  for (auto i = piece.begin; i < piece.end && !explained; i++) {
    each_output(i, [&](mx::array& a) {
      if (!explained && (threw(a) || piece.length() == 1)) {
        auto name = a.has_primitive() ? a.primitive().name() : "";
        explained = EvaluationError::of(error, name, calls_of(i));
      }
    });
  }
  error = explained ? *explained : EvaluationError::of(error, "", nullptr);
  for (auto i = piece.begin; i < piece.end; i++) {
    each_output(i, [&](mx::array& a) {
      if (threw(a) || traced_) {
        graph_.operations[i].failed = true;
        Failed::mark(a, error);
      } else if (a.status() == Status::evaluated) {
        // MLX has waited for it.
        a.attach_event({});
        a.set_status(Status::available);
      }
    });
  }
  spread(error);
  return error;
}

bool Plan::fail_with(const Plan& other, const std::exception_ptr& error) {
  bool failed = false;
  for (auto& link : links_) {
    if (link.other.lock().get() == &other &&
        other.graph_.operations[link.operation].failed) {
      graph_.operations[link.user].failed = true;
      failed = true;
    }
  }
  if (failed) {
    spread(error);
  }
  return failed;
}

void Plan::spread(const std::exception_ptr& error) {
  size_t input = 0;
  for (size_t i = 0; i < graph_.operations.size(); i++) {
    auto& operation = graph_.operations[i];
    for (; input < operation.inputs_end; input++) {
      operation.failed |= graph_.operations[graph_.inputs[input]].failed;
    }
    if (!operation.failed) {
      continue;
    }
    each_output(i, [&](mx::array& a) {
      // Those that are not scheduled yet fail when they are.
      if (a.status() != Status::unscheduled) {
        Failed::mark(a, error);
      }
    });
  }
}

} // namespace mlxjs
