#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "failed.h"
#include "origins.h"

namespace mlxjs {

// The operations that an evaluation has to do, inputs before what uses them, in
// pieces that are scheduled one after the other. MLX forgets a graph while it
// schedules it, and what its tasks throw is known to its stream alone; so this
// remembers what depends on what, and each operation that may fail has a piece
// to itself. What has failed is marked, once that is known.
class Plan {
 public:
  // MLX blocks whoever schedules while too much is under way, some fifty
  // operations on the CPU, a few hundred on a GPU. Small pieces can be
  // scheduled without waiting. Each piece costs some turns between threads, so
  // on the CPU those whose arrays take little memory have more operations than
  // MLX likes, and more of them are under way: a stream has work then while
  // JavaScript notes the next step.
  enum class Pieces { large, small };
  static constexpr size_t most_on_cpu = 16;
  static constexpr size_t most_light_on_cpu = 64;
  static constexpr size_t most_bytes_of_light = size_t(4) << 20;
  static constexpr size_t most_on_gpu = 256;

  struct Piece {
    // Its operations.
    size_t begin = 0;
    size_t end = 0;
    // Those of its arrays that later pieces or the caller need.
    std::vector<mx::array> arrays;
    // Its streams of the CPU.
    std::vector<mx::Stream> streams;
    // What the CPU computes in earlier pieces, and has to be there before this
    // is scheduled.
    std::vector<mx::array> from_cpu;
    // How many bytes its operations take.
    size_t bytes = 0;
    // Where its last operation is.
    mx::Device device = mx::Device::cpu;
    // Whether it has an operation that may fail, and so no other.
    bool closed = false;
    // The name of that operation.
    std::string name;

    size_t length() const {
      return end - begin;
    }
    // Whether it takes so little memory that many like it may be under way.
    bool is_light() const {
      return device == mx::Device::cpu && bytes <= most_bytes_of_light;
    }
    // How many operations it has at most.
    size_t most() const {
      return device == mx::Device::gpu ? most_on_gpu
          : is_light()                 ? most_light_on_cpu
                                       : most_on_cpu;
    }
    // How many may be under way with it.
    size_t most_under_way() const {
      return (is_light() ? 8 : 2) * most();
    }
  };

  // Throws the error of what has failed before, and one for arrays that have
  // left the function that was traced. Other plans may be under way.
  Plan(const std::vector<mx::array>& outputs, Pieces pieces, bool others);
  ~Plan();
  Plan(const Plan&) = delete;

  std::vector<Piece>& pieces() {
    return pieces_;
  }
  // An array that is on its way already, and what uses it: an operation, or
  // else whoever asked for it.
  struct UnderWay {
    mx::array array;
    std::optional<size_t> user;
  };
  // The arrays of this plan that are under way. It holds them until this is
  // called.
  std::vector<UnderWay> take_under_way() {
    return std::move(under_way_);
  }
  // Whether MLX is right to refuse it: a function is being traced, and the plan
  // needs arrays that nothing computes, since they stand for others in the
  // trace.
  bool refused() const {
    return refused_;
  }
  // Whether one of its arrays belongs to a transformation that is under way.
  bool traced() const {
    return traced_;
  }

  // The operation that computes an array, if it is one of this plan's.
  std::optional<size_t> operation_of(const mx::array& a);
  // Notes that an operation needs what an operation of another plan, which is
  // under way, computes.
  void
  depend(size_t user, const std::shared_ptr<Plan>& other, size_t operation) {
    links_.push_back({user, other, operation});
  }

  // Forgets the arrays that are gone, once all is scheduled: they need no mark
  // if something fails. Afterwards other arrays may have their ids.
  void forget_gone();

  // A piece was scheduled and has failed. Gives the error with what is known of
  // the operation.
  std::exception_ptr fail(const Piece& piece, std::exception_ptr error);
  // Scheduling a piece threw.
  std::exception_ptr fail_scheduling(
      const Piece& piece,
      std::exception_ptr error);
  // Another plan has failed: what depends on it does, too. Tells whether any
  // does.
  bool fail_with(const Plan& other, const std::exception_ptr& error);

 private:
  struct Operation {
    // Where its inputs and outputs end.
    size_t inputs_end;
    size_t outputs_end;
    bool failed = false;
  };

  struct Place {
    // Counted from 1; 0 for none.
    uint32_t operation = 0;
    bool needed = false;
  };

  template <typename F>
  void each_output(size_t operation, F f) const {
    auto begin =
        operation == 0 ? 0 : graph_.operations[operation - 1].outputs_end;
    for (auto i = begin; i < graph_.operations[operation].outputs_end; i++) {
      if (auto a = graph_.outputs[i].lock()) {
        f(*a);
      }
    }
  }

  void add(const mx::array& a, Pieces pieces);
  void meet(const mx::array& a, std::optional<size_t> user);
  void need(const mx::array& a);
  // The calls that made an operation, or else the first that depends on it:
  // many calls make several.
  Origins::Calls calls_of(size_t operation) const;
  // Marks what depends on operations that have failed.
  void spread(const std::exception_ptr& error);

  Kinds& kinds_ = Kinds::of_thread();
  const Origins& origins_ = Origins::of_thread();
  bool others_;
  struct Graph {
    std::vector<Operation> operations;
    std::vector<WeakArray> outputs;
    // By the numbers of their operations.
    std::vector<uint32_t> inputs;
    // By operation; none where nobody wants to know.
    std::vector<Origins::Calls> calls;
    ById<Place> places;
  };
  // The memory of plans that are gone: the next one needs as much.
  static std::vector<Graph>& spare();
  Graph graph_;
  struct Link {
    size_t user;
    std::weak_ptr<Plan> other;
    size_t operation;
  };
  std::vector<Link> links_;
  std::vector<Piece> pieces_;
  std::vector<UnderWay> under_way_;
  bool refused_ = false;
  bool traced_ = false;
};

} // namespace mlxjs
