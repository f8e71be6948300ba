#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <typeinfo>

#include "mlx/mlx.h"
#include "mlx/primitives.h"

#include "by_id.h"

namespace mlxjs {

namespace mx = mlx::core;

// The operation of an array whose evaluation has failed: it throws the error
// again. It replaces the operation in the array itself, which all arrays that
// depend on it share; so these fail, too, whether they were made before or
// after.
class Failed final : public mx::Primitive {
 public:
  Failed(mx::Stream stream, std::exception_ptr error)
      : Primitive(stream),
        error_(std::move(error)) {}

  // Marks an array as failed, with all other outputs of its operation.
  static void mark(mx::array a, const std::exception_ptr& error);
  // The error that an array has failed with, if it has.
  static std::exception_ptr error_of(const mx::array& a);

  using Arrays = std::vector<mx::array>;
  void eval_cpu(const Arrays&, Arrays&) override {
    std::rethrow_exception(error_);
  }
  void eval_gpu(const Arrays&, Arrays&) override {
    std::rethrow_exception(error_);
  }
  Arrays jvp(const Arrays&, const Arrays&, const std::vector<int>&) override {
    std::rethrow_exception(error_);
  }
  Arrays vjp(
      const Arrays&,
      const Arrays&,
      const std::vector<int>&,
      const Arrays&) override {
    std::rethrow_exception(error_);
  }
  std::pair<Arrays, std::vector<int>> vmap(
      const Arrays&,
      const std::vector<int>&) override {
    std::rethrow_exception(error_);
  }
  std::vector<mx::Shape> output_shapes(const Arrays&) override {
    std::rethrow_exception(error_);
  }
  const char* name() const override {
    return "Failed";
  }

 private:
  std::exception_ptr error_;
};

// What to expect of a primitive: that its results lie in the memory of what it
// is given, that it may throw for what the values are, or that it will, since
// it is Failed.
enum class Kind { unknown, usual, view, may_fail, failed };

// The kinds of primitives, noted by their types, of which there are few: the
// kind is asked for every operation.
class Kinds {
 public:
  static Kinds& of_thread();

  Kind of(mx::Primitive& p) {
    auto& kind = known_[reinterpret_cast<uintptr_t>(&typeid(p))];
    if (kind == Kind::unknown) {
      kind = find(p);
    }
    return kind;
  }

 private:
  static Kind find(mx::Primitive& p);

  ById<Kind> known_;
};

// How many references there are to an array, which MLX does not tell.
long holders_of(const mx::array& a);

// A weak reference to an array: it keeps neither the array's memory nor MLX
// from computing in place, which MLX does where nobody else holds an array.
// While it is there, no other array gets the same id.
class WeakArray {
 public:
  WeakArray() = default;
  explicit WeakArray(const mx::array& a);
  // The array, or nothing if it is gone.
  std::optional<mx::array> lock() const;
  bool is_gone() const {
    return shared_.expired();
  }

 private:
  // What an array shares with its copies, whose type is private.
  std::weak_ptr<void> shared_;
};

} // namespace mlxjs
