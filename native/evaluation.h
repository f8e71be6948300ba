#pragma once

#include <deque>
#include <list>
#include <memory>
#include <unordered_map>

#include "convert.h"
#include "plan.h"
#include "waiter.h"

namespace mlxjs {

// Evaluates an array while JavaScript waits.
void evaluate(Environment& e, const mx::array& a);
// `meanwhile` is called when nothing is left but to wait for the results. It
// must not evaluate.
void evaluate(
    Environment& e,
    const std::vector<mx::array>& arrays,
    const std::function<void()>& meanwhile = {});

// The evaluations of an environment that go on while its event loop runs: first
// come, first served, and no more at once than MLX takes without blocking.
class EvaluationQueue {
 public:
  explicit EvaluationQueue(Environment& e) : environment_(e) {}

  // Starts an evaluation under a number that no other one has.
  Promise start(int number, std::vector<mx::array> outputs);
  // Settles the promise of an evaluation that is not done, and schedules no
  // more of it.
  void give_up(int number);
  // Whether nothing is under way.
  bool idle() const {
    return flights_.empty();
  }
  // Waits until it is known whether an array that is under way has failed.
  void finish(const mx::array& a);

 private:
  struct Evaluation;
  // A piece that is under way.
  struct Flight {
    std::shared_ptr<Evaluation> evaluation;
    std::shared_ptr<Plan> plan;
    Plan::Piece piece;
    std::vector<Check> checks;
    // Checks of earlier evaluations, which have to be done before this one is.
    std::vector<Check> others;
  };
  using Flights = std::list<Flight>;

  void schedule();
  void make_plan(Evaluation& e);
  void depart(std::shared_ptr<Evaluation> e);
  // Finishes the pieces that are done.
  void advance();
  void arrive(const Flight& flight);
  // Marks what has failed with a piece, and gives the error with what is known
  // of the operation.
  std::exception_ptr fail(const Flight& flight, std::exception_ptr error);
  Flights::iterator flight_of(const mx::array& a);
  void settle(Evaluation& e, std::exception_ptr error);

  Environment& environment_;
  // The evaluations that have pieces to schedule, and all that are not settled.
  std::deque<std::shared_ptr<Evaluation>> waiting_;
  std::unordered_map<int, std::shared_ptr<Evaluation>> open_;
  // The pieces under way, in the order in which they were scheduled.
  Flights flights_;
  // How many operations are under way.
  size_t scheduled_ = 0;
};

} // namespace mlxjs
