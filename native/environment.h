#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include <napi.h>

#include "mlx/mlx.h"

#include "event_loop.h"
#include "owners.h"

namespace mlxjs {

namespace mx = mlx::core;

// A wrong argument: becomes a JavaScript TypeError.
struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A value out of range: becomes a JavaScript RangeError.
struct RangeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// JavaScript has thrown; its exception is pending in the environment and
// unwinds through MLX as this.
struct Pending {};

using Slot = int32_t;

// The arrays that JavaScript can see, each in a numbered slot. A slot's
// generation changes when it is emptied, so that a finalizer that comes late
// does not empty it when another array has it.
//
// A call that user code interrupts may have read slots already. Until that code
// has ended, slots that become empty are not given to other arrays, and those
// of dead objects are not emptied.
class ArrayTable {
 public:
  explicit ArrayTable(const int32_t& interrupted) : interrupted_(interrupted) {}
  Slot put(mx::array&& a);
  // Refuses arrays of 2^63 bytes or more: MLX multiplies dimensions without
  // looking for overflow, and would write such an array into the memory of a
  // small one.
  static void check_size(const mx::array& a);
  void release(Slot slot);
  void release(Slot slot, uint32_t generation);
  // For finalizers: the collector may run after the slots of a call were read
  // and before the call is made. So the slot is emptied by a later sweep().
  void release_later(Slot slot, uint32_t generation);
  // Empties the slots of dead objects: all that have values, and at most so
  // many of those that have only a graph.
  void sweep(size_t most = SIZE_MAX);
  // At the end of the environment.
  void clear();
  uint32_t generation(Slot slot) const {
    return entry(slot).generation;
  }
  mx::array& at(Slot slot) {
    if (!has(slot) || !entry(slot).array) {
      not_there();
    }
    return *entry(slot).array;
  }
  size_t size() const {
    return length_ - free_.size() - emptied_.size();
  }
  // The size of all arrays, computed or not.
  size_t nbytes() const {
    return nbytes_;
  }

 private:
  struct Entry {
    std::optional<mx::array> array;
    uint32_t generation = 0;
  };
  bool has(Slot slot) const {
    return static_cast<uint32_t>(slot) < length_;
  }
  Entry& entry(Slot slot) const {
    return blocks_[static_cast<uint32_t>(slot) / block_length]
                  [static_cast<uint32_t>(slot) % block_length];
  }
  [[noreturn]] static void not_there();
  // In blocks: references stay valid while user code adds arrays. Every call
  // looks arrays up, and takes twice the time in a deque.
  static constexpr uint32_t block_length = 256;
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  size_t length_ = 0;
  std::vector<Slot> free_;
  // Slots that were emptied while a call was interrupted.
  std::vector<Slot> emptied_;
  std::vector<std::pair<Slot, uint32_t>> dead_;
  std::vector<std::pair<Slot, uint32_t>> dead_values_;
  size_t nbytes_ = 0;
  // How many calls user code interrupts just now.
  const int32_t& interrupted_;
};

// Arrays of single values. Programs use the same few scalars again and again,
// and making an array of one costs as much as an operation.
class ScalarCache {
 public:
  // The array for a value of the given kind, which is made if the cache has
  // another value in its place.
  template <typename Make>
  mx::array get(int kind, uint64_t bits, mx::Dtype dtype, Make make) {
    auto type = static_cast<uint64_t>(dtype.val());
    auto hash = (bits ^ type << 8 ^ kind) * 0x9e3779b97f4a7c15;
    auto& entry = entries_[hash >> 58];
    if (!entry.array || entry.bits != bits || entry.kind != kind ||
        entry.type != type) {
      entry = {kind, type, bits, make()};
    }
    return *entry.array;
  }

 private:
  struct Entry {
    int kind = 0;
    uint64_t type = 0;
    uint64_t bits = 0;
    std::optional<mx::array> array;
  };
  std::array<Entry, 64> entries_;
};

// The JavaScript functions that graphs hold, in numbered places. The last array
// of a graph may be freed inside of a garbage collection, or on another thread,
// or after the environment: then its functions are only noted, and released
// when the environment's thread sweeps the table.
class FunctionTable {
 public:
  // `dropped` is called, on whichever thread that is, when a function was
  // dropped.
  FunctionTable(napi_env env, std::function<void()> dropped);
  int put(napi_value function);
  napi_value at(int place) const;
  // From any thread.
  void drop(int place);
  // Releases the functions that were dropped.
  void sweep();
  // Releases all functions.
  void close();

 private:
  napi_env env_;
  // One reference for all: a JavaScript list of the functions.
  napi_ref list_;
  std::vector<int> free_;
  int length_ = 0;
  std::mutex mutex_;
  std::vector<int> dropped_;
  std::function<void()> when_dropped_;
};

class Waiter;
class EvaluationQueue;

// Everything the addon knows, once for each JavaScript environment (the main
// thread, each worker): nothing is shared between threads.
struct Environment {
  explicit Environment(napi_env env);
  ~Environment();

  static Environment& of(napi_env env);

  // Tells the garbage collector how much memory MLX holds; returns how much it
  // now believes to be held outside of its heap.
  int64_t report_memory();

  // Has what garbage collections and other threads left freed in another turn
  // of the event loop, if it is not freed before.
  void sweep_later();

  // Reads an integer from JavaScript. The status is an error for what is no
  // number.
  napi_status integer(napi_value value, int32_t* out) const {
    if (coerces) {
      napi_valuetype type;
      auto status = napi_typeof(env, value, &type);
      if (status != napi_ok || type != napi_number) {
        return napi_number_expected;
      }
    }
    return napi_get_value_int32(env, value, out);
  }

  napi_env env;
  // Whether the runtime makes numbers of other values, as Deno does, where
  // Node-API asks for an error.
  bool coerces;
  // Numbers on their way from JavaScript: scalars, shapes, lists of slots. They
  // lie in a stack: JavaScript puts on it what a call needs, and the call takes
  // it off as it reads.
  static constexpr size_t scratch_length = 4096;
  // Where the end of the buffer begins, which is for numbers that are sent to
  // JavaScript.
  static constexpr size_t results = scratch_length - 64;
  // What both sides share beside the numbers, which stands before that end.
  struct Shared {
    int32_t top;
    // How many calls user code interrupts just now.
    int32_t interrupted;
  };
  static constexpr size_t stack_length = results - 1;
  // It cannot be made where a worker is being ended. So it is made before what
  // the environment is told of, which would call into nothing then.
  Napi::Reference<Napi::Float64Array> scratch_array;
  double* scratch;
  Shared* shared;
  EventLoop loop;
  // Checks the place of what a call reads, and takes that off the stack.
  size_t take(int32_t place) {
    if (place < 0 || static_cast<size_t>(place) >= stack_length) {
      throw RangeError("Expected a place in the shared buffer.");
    }
    shared->top = std::min(shared->top, place);
    return place;
  }
  ArrayTable arrays;
  Owners owners;
  ScalarCache scalars;
  // Shared with graphs, which may outlive the environment.
  std::shared_ptr<FunctionTable> functions;
  // The addon's exports, for all that load it in this thread.
  Napi::ObjectReference exports;
  // What a stream's number stands for: 0 the default, 1 the CPU, 2 the GPU.
  std::vector<mx::StreamOrDevice> streams;
  // Groups of processes, by the number that JavaScript knows them by.
  std::vector<mx::distributed::Group> groups;
  // What random numbers come from; made when first needed.
  std::optional<mx::array> random_state;
  const mx::array& random_key();
  // The key of the next draw, for which the state moves on.
  mx::array next_random_key();

  int64_t reported_memory = 0;
  // Whether there was an evaluation since the last report.
  bool has_evaluated = false;
  std::atomic<bool> sweeps_later = false;
  std::unique_ptr<Waiter> waiter;
  std::unique_ptr<EvaluationQueue> evaluations;
  int last_evaluation = 0;

  // Finalizers may outlive the environment's own; the last one frees it.
  size_t references = 1;
  void unreference() {
    if (--references == 0) {
      delete this;
    }
  }
};

} // namespace mlxjs
