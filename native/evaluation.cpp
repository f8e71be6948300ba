#include "evaluation.h"

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "mlx/primitives.h"

#include "bind.h"
#include "streams.h"
#include "waiter.h"

namespace mlxjs {

namespace {

template <typename F>
void evaluating(Environment& e, F f) {
  try {
    f();
  } catch (...) {
    // An error that has come from another stream is at that one as well, where
    // it would meet the next evaluation.
    check_error(mx::default_stream(mx::Device::cpu));
    for (auto& s : e.streams) {
      if (std::holds_alternative<mx::Stream>(s) ||
          std::holds_alternative<mx::ThreadLocalStream>(s)) {
        auto stream = mx::to_stream(s);
        if (stream.device == mx::Device::cpu) {
          check_error(stream);
        }
      }
    }
    throw;
  }
}

} // namespace

void evaluate(Environment& e, mx::array& a) {
  evaluating(e, [&] { a.eval(); });
}

void evaluate(Environment& e, std::vector<mx::array> arrays) {
  evaluating(e, [&] { mx::eval(std::move(arrays)); });
}

namespace {

// What is scheduled together.
struct Piece {
  // Those of its arrays that later pieces or the caller need.
  std::vector<mx::array> arrays;
  // Those of the CPU.
  std::set<mx::Stream> streams;
  size_t length = 0;
  // How many operations a piece has at most.
  size_t most = cpu_length;

  // MLX blocks whoever schedules while too much is under way, about a hundred
  // operations on the CPU, a few hundred on a GPU.
  static constexpr size_t cpu_length = 16;
  static constexpr size_t gpu_length = 256;
};

// Cuts a graph into pieces that are small enough to be scheduled without
// waiting.
std::deque<Piece> pieces(const std::vector<mx::array>& outputs) {
  struct Node {
    mx::array array;
    size_t next_input = 0;
  };
  std::unordered_map<std::uintptr_t, size_t> piece_of;
  std::deque<Piece> out(1);
  std::unordered_set<std::uintptr_t> needed;

  auto pending = [&](const mx::array& a) {
    return a.status() == mx::array::Status::unscheduled && a.has_primitive();
  };
  auto need = [&](const mx::array& a) {
    auto place = piece_of.find(a.id());
    if (place != piece_of.end() && needed.insert(a.id()).second) {
      out[place->second].arrays.push_back(a);
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
      auto& stream = array.primitive().stream();
      bool gpu = stream.device == mx::Device::gpu;
      auto most = gpu ? Piece::gpu_length : Piece::cpu_length;
      if (out.back().length >= most) {
        out.emplace_back();
      }
      out.back().length++;
      out.back().most = most;
      if (!gpu) {
        out.back().streams.insert(stream);
      }
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

} // namespace

// An evaluation that goes on while the event loop runs.
struct EvaluationQueue::Evaluation {
  int number = 0;
  std::vector<mx::array> outputs;
  napi_deferred deferred = nullptr;
  // Once it is its turn; earlier evaluations may have parts of its graph.
  std::optional<std::deque<Piece>> rest;
  size_t under_way = 0;
};

Promise EvaluationQueue::start(int number, std::vector<mx::array> outputs) {
  auto evaluation = std::make_shared<Evaluation>();
  evaluation->number = number;
  evaluation->outputs = std::move(outputs);
  Promise promise;
  auto status = napi_create_promise(
      environment_.env, &evaluation->deferred, &promise.value);
  check(status, "a running environment");
  open_[number] = evaluation;
  waiting_.push_back(evaluation);
  schedule();
  return promise;
}

void EvaluationQueue::give_up(int number) {
  auto found = open_.find(number);
  if (found != open_.end()) {
    settle(found->second, nullptr);
  }
}

// Graphs are scheduled on the thread that built them, piece by piece; only
// waiting is left to another thread.
void EvaluationQueue::schedule() {
  while (!waiting_.empty()) {
    auto evaluation = waiting_.front();
    if (!open_.count(evaluation->number)) {
      waiting_.pop_front();
      continue;
    }
    if (!evaluation->rest) {
      evaluation->rest = pieces(evaluation->outputs);
    }
    // Two pieces at once keep a stream busy.
    auto& next = evaluation->rest->front();
    auto length = std::max<size_t>(next.length, 1);
    if (scheduled_ > 0 && scheduled_ + length > 2 * next.most) {
      return;
    }
    auto piece = std::move(next);
    evaluation->rest->pop_front();
    bool last = evaluation->rest->empty();
    if (last) {
      waiting_.pop_front();
    }
    try {
      mx::async_eval(piece.arrays);
    } catch (...) {
      settle(evaluation, std::current_exception());
      continue;
    }
    scheduled_ += length;
    evaluation->under_way++;
    environment_.waiter->wait(
        last ? evaluation->outputs : piece.arrays,
        std::move(piece.streams),
        [this, evaluation, length](std::exception_ptr error) {
          Napi::HandleScope scope(environment_.env);
          scheduled_ -= length;
          evaluation->under_way--;
          if (error || (evaluation->rest->empty() && !evaluation->under_way)) {
            settle(evaluation, error);
          }
          schedule();
        });
  }
}

void EvaluationQueue::settle(
    std::shared_ptr<Evaluation> evaluation,
    std::exception_ptr error) {
  if (!open_.erase(evaluation->number)) {
    return;
  }
  evaluation->outputs.clear();
  evaluation->rest.emplace();
  // These fail in a worker that is being terminated: nobody is there to be
  // told.
  auto env = environment_.env;
  napi_value result = nullptr;
  if (error) {
    try {
      std::rethrow_exception(error);
    } catch (...) {
      result = failure(env);
    }
  } else {
    napi_get_undefined(env, &result);
  }
  napi_resolve_deferred(env, evaluation->deferred, result);
}

namespace {

void eval(Environment& e, std::vector<mx::array> arrays) {
  evaluate(e, std::move(arrays));
}

// The number is for give_up_eval().
Promise async_eval(Environment& e, std::vector<mx::array> outputs, int number) {
  if (!e.waiter) {
    e.waiter = std::make_unique<Waiter>(e);
    e.evaluations = std::make_unique<EvaluationQueue>(e);
  }
  return e.evaluations->start(number, std::move(outputs));
}

// What is not scheduled yet stays undone.
void give_up_eval(Environment& e, int number) {
  if (e.evaluations) {
    e.evaluations->give_up(number);
  }
}

} // namespace

const std::vector<Binding> evaluation_bindings{
    LOCAL(eval),
    LOCAL(async_eval),
    LOCAL(give_up_eval),
};

} // namespace mlxjs
