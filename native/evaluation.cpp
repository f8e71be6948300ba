#include "evaluation.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "bind.h"

namespace mlxjs {

namespace {

using Piece = Plan::Piece;

// MLX's own errors for what it does not evaluate.
void refuse(const Plan& plan, const std::vector<mx::array>& outputs) {
  if (plan.refused() || plan.traced()) {
    mx::async_eval(outputs);
  }
}

// The last thing that a stream of the CPU does in a piece: it takes the error
// out of the stream. MLX signals the events of the piece's arrays afterwards.
// So these have no error, which they would throw at whoever meets them first,
// and then forget.
class Guard : public mx::Primitive {
 public:
  using Primitive::Primitive;

  void eval_cpu(const std::vector<mx::array>&, std::vector<mx::array>& outputs)
      override {
    // MLX looks at the memory of what goes from a device to another, also where
    // nobody reads it.
    outputs[0].set_data(mx::allocator::malloc(outputs[0].nbytes()));
    check = mlxjs::check(stream());
  }
  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&)
      override {}
  const char* name() const override {
    return "Guard";
  }

  Check check;
};

void schedule(Plan& plan, Piece& piece, std::vector<mx::array> arrays) {
  try {
    for (auto& a : piece.from_cpu) {
      // An array that has failed since the plan was made is to be computed
      // again, which throws when it is scheduled. To wait for it would mark it
      // as one that has values.
      if (a.status() == mx::array::Status::evaluated) {
        a.wait();
      }
    }
    piece.from_cpu.clear();
    mx::async_eval(std::move(arrays));
  } catch (...) {
    std::rethrow_exception(
        plan.fail_scheduling(piece, std::current_exception()));
  }
}

// Schedules a piece with a guard on each of its streams, and gives the checks
// that tell when it is done.
std::vector<Check> schedule_guarded(Plan& plan, Piece& piece) {
  auto last = piece.arrays;
  std::vector<std::shared_ptr<Guard>> guards;
  for (auto& s : piece.streams) {
    auto& guard = guards.emplace_back(std::make_shared<Guard>(s));
    last.emplace_back(mx::Shape{}, mx::bool_, guard, last);
  }
  schedule(plan, piece, std::move(last));
  std::vector<Check> checks;
  for (auto& guard : guards) {
    checks.push_back(guard->check);
  }
  std::vector<mx::Stream> gpus;
  for (auto& a : piece.arrays) {
    auto& event = a.event();
    if (event.valid() && event.stream().device == mx::Device::gpu &&
        std::find(gpus.begin(), gpus.end(), event.stream()) == gpus.end()) {
      gpus.push_back(event.stream());
      checks.push_back(check(event));
    }
  }
  return checks;
}

void wait(const std::vector<Check>& checks) {
  for (auto& check : checks) {
    check.wait();
  }
}

std::future_status state(const Check& check) {
  return check.wait_for(std::chrono::seconds(0));
}

bool ready(const std::vector<Check>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](auto& check) {
    return state(check) == std::future_status::ready;
  });
}

// The first error of some checks, for which it waits.
std::exception_ptr error_of(const std::vector<Check>& checks) {
  for (auto& check : checks) {
    try {
      check.get();
    } catch (...) {
      return std::current_exception();
    }
  }
  return nullptr;
}

// All random numbers would come from a key that has failed, so there is a new
// one then.
void renew_random_state(Environment& e) {
  if (e.random_state && Failed::error_of(*e.random_state)) {
    e.random_state.reset();
  }
}

// Takes the errors out of the streams, so that the next evaluation does not
// meet them.
void forget_errors(const Piece& piece) {
  for (auto& s : piece.streams) {
    check(s).wait();
  }
}

// Arrays of a transformation keep their graph, and have no events.
void evaluate_traced(Plan& plan) {
  for (auto& piece : plan.pieces()) {
    try {
      mx::eval(piece.arrays);
    } catch (...) {
      forget_errors(piece);
      std::rethrow_exception(
          plan.fail_scheduling(piece, std::current_exception()));
    }
  }
}

// The error of a piece that has no guards, once it is done.
std::exception_ptr wait_for(Piece& piece) {
  try {
    for (auto& a : piece.arrays) {
      a.wait();
    }
    return nullptr;
  } catch (...) {
    forget_errors(piece);
    return std::current_exception();
  }
}

// Computes a piece and gives its error. MLX makes no events for the arrays
// then, which take longer than what could be done meanwhile. But without these
// nobody knows which operation threw while it was scheduled, so the rest is
// scheduled with events. Should that go well, the error was a task's, or too
// little memory for a moment, and all of the piece has failed.
std::exception_ptr evaluate_light(Plan& plan, Piece& piece) {
  try {
    mx::eval(piece.arrays);
  } catch (...) {
    auto error = std::current_exception();
    forget_errors(piece);
    schedule(plan, piece, piece.arrays);
    wait_for(piece);
    return error;
  }
  return wait_for(piece);
}

// All pieces are scheduled before any is waited for. Nobody can meet the arrays
// of the last one meanwhile, so it needs no guards.
void evaluate_all(Plan& plan, const std::function<void()>& meanwhile) {
  auto& pieces = plan.pieces();
  std::vector<std::vector<Check>> checks;
  std::exception_ptr error, last;
  try {
    for (; checks.size() + 1 < pieces.size();) {
      auto& piece = pieces[checks.size()];
      checks.push_back(schedule_guarded(plan, piece));
      piece.arrays.clear();
    }
    auto& piece = pieces.back();
    if (!meanwhile && piece.is_light() && piece.from_cpu.empty()) {
      last = evaluate_light(plan, piece);
    } else {
      schedule(plan, piece, piece.arrays);
      plan.forget_gone();
      if (meanwhile) {
        meanwhile();
      }
      last = wait_for(piece);
    }
  } catch (...) {
    error = std::current_exception();
  }
  std::exception_ptr first;
  auto note = [&](const Piece& piece, const std::exception_ptr& failure) {
    if (failure) {
      auto explained = plan.fail(piece, failure);
      first = first ? first : explained;
    }
  };
  for (size_t i = 0; i < checks.size(); i++) {
    note(pieces[i], error_of(checks[i]));
  }
  note(pieces.back(), last);
  first = first ? first : error;
  if (first) {
    std::rethrow_exception(first);
  }
}

// Waits for an array that is under way.
void finish(Environment& e, const mx::array& a) {
  if (e.evaluations) {
    e.evaluations->finish(a);
  }
  if (a.status() == mx::array::Status::evaluated) {
    try {
      mx::array(a).wait();
    } catch (...) {
      Failed::mark(a, std::current_exception());
    }
  }
}

} // namespace

void evaluate(Environment& e, const mx::array& a) {
  if (a.status() != mx::array::Status::available) {
    evaluate(e, std::vector{a});
  }
}

void evaluate(
    Environment& e,
    const std::vector<mx::array>& arrays,
    const std::function<void()>& meanwhile) {
  while (true) {
    bool others = e.evaluations && !e.evaluations->idle();
    Plan plan(arrays, Plan::Pieces::large, others);
    auto under_way = plan.take_under_way();
    if (!under_way.empty()) {
      for (auto& [a, _] : under_way) {
        finish(e, a);
      }
      // Some of them may have failed, so the plan is made anew.
      continue;
    }
    if (plan.refused()) {
      mx::eval(arrays);
    }
    e.has_evaluated = true;
    try {
      plan.traced() ? evaluate_traced(plan) : evaluate_all(plan, meanwhile);
    } catch (...) {
      renew_random_state(e);
      throw;
    }
    return;
  }
}

// An evaluation that goes on while the event loop runs.
struct EvaluationQueue::Evaluation {
  int number = 0;
  std::vector<mx::array> outputs;
  napi_deferred deferred = nullptr;
  // Made when it is the evaluation's turn, since earlier ones may have parts of
  // its graph.
  std::shared_ptr<Plan> plan;
  // Checks of outputs that earlier evaluations compute.
  std::vector<Check> others;
  // How many of the plan's pieces are scheduled.
  size_t scheduled = 0;
  size_t under_way = 0;

  bool all_scheduled() const {
    return !plan || scheduled == plan->pieces().size();
  }
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
  // Otherwise in a turn of its own, once one of them is there.
  if (flights_.size() < 2) {
    schedule();
  }
  return promise;
}

void EvaluationQueue::give_up(int number) {
  auto found = open_.find(number);
  if (found != open_.end()) {
    settle(*found->second, nullptr);
  }
}

void EvaluationQueue::finish(const mx::array& a) {
  auto flight = flight_of(a);
  if (flight == flights_.end()) {
    return;
  }
  wait(flight->checks);
  wait(flight->others);
  // What it depends on is done then, which a GPU does not tell until asked.
  for (auto before = flights_.begin(); before != flight; before++) {
    for (auto& check : before->checks) {
      if (state(check) == std::future_status::deferred) {
        check.wait();
      }
    }
  }
  advance();
}

// Graphs are scheduled on the thread that built them, piece by piece; only
// waiting is left to another thread. Two pieces keep a stream busy. Beyond
// these, each call schedules one more at most, since the event loop waits
// meanwhile: of pieces that take little memory there may be eight, so that the
// stream has work while JavaScript is busy with other things.
void EvaluationQueue::schedule() {
  bool more = true;
  while (!waiting_.empty()) {
    auto evaluation = waiting_.front();
    if (open_.count(evaluation->number)) {
      try {
        if (!evaluation->plan) {
          make_plan(*evaluation);
        }
        auto& next = evaluation->plan->pieces()[evaluation->scheduled];
        auto together = scheduled_ + next.length();
        bool busy = together > 2 * next.most();
        bool many = busy && (!more || together > next.most_under_way());
        if (scheduled_ > 0 && (many || !next.from_cpu.empty())) {
          return;
        }
        more = more && !busy;
        depart(evaluation);
      } catch (...) {
        renew_random_state(environment_);
        settle(*evaluation, std::current_exception());
      }
    }
    if (evaluation->all_scheduled()) {
      waiting_.pop_front();
    }
  }
}

void EvaluationQueue::make_plan(Evaluation& evaluation) {
  auto plan =
      std::make_shared<Plan>(evaluation.outputs, Plan::Pieces::small, !idle());
  refuse(*plan, evaluation.outputs);
  for (auto& [a, user] : plan->take_under_way()) {
    auto flight = flight_of(a);
    if (flight == flights_.end()) {
      continue;
    }
    if (user) {
      plan->depend(*user, flight->plan, *flight->plan->operation_of(a));
    } else {
      auto& others = evaluation.others;
      others.insert(others.end(), flight->checks.begin(), flight->checks.end());
    }
  }
  evaluation.plan = std::move(plan);
}

// Schedules the next piece of an evaluation.
void EvaluationQueue::depart(std::shared_ptr<Evaluation> evaluation) {
  auto& plan = evaluation->plan;
  auto& piece = plan->pieces()[evaluation->scheduled++];
  std::optional<Unthrottled> unthrottled;
  if (piece.is_light()) {
    unthrottled.emplace();
  }
  auto checks = schedule_guarded(*plan, piece);
  unthrottled.reset();
  piece.arrays.clear();
  auto& flight = flights_.emplace_back(Flight{evaluation, plan, piece, checks});
  if (evaluation->all_scheduled()) {
    flight.others = std::move(evaluation->others);
    checks.insert(checks.end(), flight.others.begin(), flight.others.end());
  }
  scheduled_ += flight.piece.length();
  evaluation->under_way++;
  environment_.waiter->wait(std::move(checks), [this] {
    Napi::HandleScope scope(environment_.env);
    advance();
    schedule();
  });
}

// What a flight depends on has departed before it, and is there before it. None
// overtakes another of its stream that comes in while this looks at them.
void EvaluationQueue::advance() {
  std::vector<mx::Stream> busy;
  for (auto next = flights_.begin(); next != flights_.end();) {
    auto flight = next++;
    auto& streams = flight->piece.streams;
    bool behind = std::any_of(streams.begin(), streams.end(), [&](auto& s) {
      return std::find(busy.begin(), busy.end(), s) != busy.end();
    });
    if (behind || !ready(flight->checks)) {
      busy.insert(busy.end(), streams.begin(), streams.end());
    } else if (ready(flight->others)) {
      auto arrived = std::move(*flight);
      flights_.erase(flight);
      arrive(arrived);
    }
  }
}

void EvaluationQueue::arrive(const Flight& flight) {
  auto& evaluation = *flight.evaluation;
  environment_.has_evaluated = true;
  scheduled_ -= flight.piece.length();
  evaluation.under_way--;
  if (auto error = error_of(flight.checks)) {
    settle(evaluation, fail(flight, error));
  } else if (evaluation.all_scheduled() && evaluation.under_way == 0) {
    settle(evaluation, nullptr);
  }
}

// Marks a piece as failed, and fails all evaluations that depend on it.
std::exception_ptr EvaluationQueue::fail(
    const Flight& flight,
    std::exception_ptr error) {
  std::vector<Plan*> failed{flight.plan.get()};
  error = flight.plan->fail(flight.piece, error);
  for (auto& later : flights_) {
    for (size_t i = 0; i < failed.size(); i++) {
      if (later.plan->fail_with(*failed[i], error)) {
        failed.push_back(later.plan.get());
        break;
      }
    }
  }
  renew_random_state(environment_);
  return error;
}

EvaluationQueue::Flights::iterator EvaluationQueue::flight_of(
    const mx::array& a) {
  return std::find_if(flights_.begin(), flights_.end(), [&](auto& flight) {
    auto operation = flight.plan->operation_of(a);
    return operation && *operation >= flight.piece.begin &&
        *operation < flight.piece.end;
  });
}

void EvaluationQueue::settle(Evaluation& evaluation, std::exception_ptr error) {
  if (!open_.erase(evaluation.number)) {
    return;
  }
  for (auto& output : evaluation.outputs) {
    error = error ? error : Failed::error_of(output);
  }
  evaluation.outputs.clear();
  // What is not scheduled yet stays undone.
  if (evaluation.plan) {
    auto& pieces = evaluation.plan->pieces();
    pieces.resize(evaluation.scheduled);
  }
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
  napi_resolve_deferred(env, evaluation.deferred, result);
}

namespace {

// `meanwhile` may be a function to call while this waits. Should it throw, as
// all functions of a worker do that is being terminated, Node-API throws that
// at the end.
void eval(
    Environment& e,
    std::vector<mx::array> arrays,
    Napi::Value meanwhile) {
  if (meanwhile.IsUndefined()) {
    evaluate(e, arrays);
    return;
  }
  evaluate(e, arrays, [&] {
    napi_value undefined;
    napi_get_undefined(e.env, &undefined);
    napi_call_function(e.env, undefined, meanwhile, 0, nullptr, nullptr);
  });
}

// The number of an evaluation, by which it can be given up. Of those, too, that
// another copy of the package begins.
int new_evaluation(Environment& e) {
  return ++e.last_evaluation;
}

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
    LOCAL(new_evaluation),
    LOCAL(async_eval),
    LOCAL(give_up_eval),
};

} // namespace mlxjs
