#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "convert.h"

namespace mlxjs {

// Now, while JavaScript waits.
void evaluate(Environment& e, mx::array& a);
void evaluate(Environment& e, std::vector<mx::array> arrays);

// The evaluations of an environment that go on while its event loop runs: first
// come, first served, and no more at once than MLX takes without blocking.
class EvaluationQueue {
 public:
  explicit EvaluationQueue(Environment& e) : environment_(e) {}

  // The number is the caller's, one for each evaluation.
  Promise start(int number, std::vector<mx::array> outputs);
  // Settles it, if it is not done, and schedules no more of it.
  void give_up(int number);

 private:
  struct Evaluation;

  void schedule();
  void settle(std::shared_ptr<Evaluation> e, std::exception_ptr error);

  Environment& environment_;
  // Those of which not all is scheduled, and all that are not settled.
  std::deque<std::shared_ptr<Evaluation>> waiting_;
  std::unordered_map<int, std::shared_ptr<Evaluation>> open_;
  // How many operations are under way.
  size_t scheduled_ = 0;
};

} // namespace mlxjs
