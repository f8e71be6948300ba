#include <unordered_map>

#include "mlx/primitives.h"

#include "bind.h"
#include "kernels.h"
#include "waiter.h"

namespace mlxjs {

namespace {

void eval(std::vector<mx::array> arrays) {
  KernelFolder folder;
  mx::eval(std::move(arrays));
}

// Cuts a graph into pieces that are small enough to be scheduled without
// waiting: MLX blocks whoever schedules while too much is under way. A piece
// is the list of its arrays that later pieces or the caller need.
std::vector<std::vector<mx::array>> pieces(
    const std::vector<mx::array>& outputs) {
  // How many operations a piece has: MLX starts to wait at about a hundred on
  // the CPU, at a few hundred on a GPU, and two pieces are under way at once.
  static constexpr size_t cpu_length = 16;
  static constexpr size_t gpu_length = 256;

  struct Node {
    mx::array array;
    size_t next_input = 0;
  };
  std::unordered_map<std::uintptr_t, size_t> piece_of;
  std::vector<std::vector<mx::array>> out(1);
  std::unordered_map<std::uintptr_t, bool> needed;
  size_t length = 0;

  auto pending = [&](const mx::array& a) {
    return a.status() == mx::array::Status::unscheduled && a.has_primitive();
  };
  auto need = [&](const mx::array& a) {
    auto place = piece_of.find(a.id());
    if (place != piece_of.end() && !needed[a.id()]) {
      needed[a.id()] = true;
      out[place->second].push_back(a);
    }
  };

  // Inputs before what uses them.
  std::vector<Node> path;
  for (auto& output : outputs) {
    if (!pending(output) || piece_of.count(output.id())) {
      continue;
    }
    path.push_back({output});
    while (!path.empty()) {
      auto& node = path.back();
      auto& inputs = std::as_const(node.array).inputs();
      if (node.next_input < inputs.size()) {
        auto& input = inputs[node.next_input++];
        if (pending(input) && !piece_of.count(input.id())) {
          path.push_back({input});
        }
        continue;
      }
      auto array = std::move(node.array);
      path.pop_back();
      if (piece_of.count(array.id())) {
        continue;
      }
      bool gpu = array.primitive().stream().device == mx::Device::gpu;
      if (length >= (gpu ? gpu_length : cpu_length)) {
        out.emplace_back();
        length = 0;
      }
      length++;
      auto current = out.size() - 1;
      for (auto& result : array.outputs()) {
        piece_of.emplace(result.id(), current);
      }
      for (auto& input : std::as_const(array).inputs()) {
        auto place = piece_of.find(input.id());
        if (place != piece_of.end() && place->second != current) {
          need(input);
        }
      }
    }
  }
  for (auto& output : outputs) {
    need(output);
  }
  return out;
}

// An evaluation that goes on while the event loop runs. Graphs are scheduled
// on the thread that built them, piece by piece; only waiting is left to
// another thread.
class Evaluation : public std::enable_shared_from_this<Evaluation> {
 public:
  Evaluation(Environment& e, std::vector<mx::array> outputs)
      : environment_(e),
        outputs_(std::move(outputs)),
        pieces_(pieces(outputs_)) {}

  Promise start() {
    Promise promise;
    check(
        napi_create_promise(environment_.env, &deferred_, &promise.value),
        "a running environment");
    // Two pieces at once keep the stream busy.
    schedule();
    schedule();
    return promise;
  }

 private:
  void schedule() {
    if (next_ >= pieces_.size()) {
      return;
    }
    auto arrays = std::move(pieces_[next_++]);
    try {
      KernelFolder folder;
      mx::async_eval(arrays);
    } catch (...) {
      return fail(std::current_exception());
    }
    under_way_++;
    environment_.waiter->wait(
        next_ == pieces_.size() ? outputs_ : arrays,
        [self = shared_from_this()](std::exception_ptr error) {
          self->advance(error);
        });
  }

  void advance(std::exception_ptr error) {
    Napi::HandleScope scope(environment_.env);
    under_way_--;
    if (error) {
      return fail(error);
    }
    schedule();
    if (under_way_ > 0 || settled_) {
      return;
    }
    settled_ = true;
    outputs_.clear();
    napi_value undefined;
    napi_get_undefined(environment_.env, &undefined);
    // Fails in a worker that is being terminated: nobody is there to be told.
    napi_resolve_deferred(environment_.env, deferred_, undefined);
  }

  void fail(std::exception_ptr error) {
    next_ = pieces_.size();
    outputs_.clear();
    if (settled_) {
      return;
    }
    settled_ = true;
    napi_value reason;
    try {
      std::rethrow_exception(error);
    } catch (...) {
      reason = error_of(environment_.env);
    }
    napi_reject_deferred(environment_.env, deferred_, reason);
  }

  Environment& environment_;
  std::vector<mx::array> outputs_;
  std::vector<std::vector<mx::array>> pieces_;
  size_t next_ = 0;
  size_t under_way_ = 0;
  bool settled_ = false;
  napi_deferred deferred_ = nullptr;
};

Promise async_eval(Environment& e, std::vector<mx::array> outputs) {
  if (!e.waiter) {
    e.waiter = std::make_unique<Waiter>(e);
  }
  return std::make_shared<Evaluation>(e, std::move(outputs))->start();
}

} // namespace

const std::vector<Binding> evaluation_bindings{
    LOCAL(eval),
    LOCAL(async_eval),
};

} // namespace mlxjs
