#pragma once

#include <complex>
#include <variant>

#include "convert.h"

namespace mlxjs {

// An array or a scalar. A scalar's type is weak: it follows the array beside
// it. On the wire an array is its slot, and a scalar is ~place, where its kind
// and its value stand in the shared buffer; where that is full, it is a
// Float64Array of them.
class Operand {
 public:
  static Operand read(Environment& e, napi_value v);

  bool is_array() const {
    return array_ != nullptr;
  }
  const mx::array& array() const {
    return *array_;
  }
  // The operand as an array where no other stands beside it.
  mx::array resolve() const;
  // The operand as an array beside one of the given dtype.
  mx::array beside(mx::Dtype dtype) const;

 private:
  using Scalar =
      std::variant<bool, int64_t, uint64_t, double, std::complex<float>>;

  const mx::array* array_ = nullptr;
  Scalar scalar_;
  ScalarCache* cache_ = nullptr;
};

template <>
struct Convert<Operand> {
  static constexpr auto ts = "OperandCode";
  static Operand read(Environment& e, napi_value v) {
    return Operand::read(e, v);
  }
};

template <>
struct Convert<std::optional<Operand>> {
  static constexpr auto ts = "OperandCode | undefined";
  static std::optional<Operand> read(Environment& e, napi_value v) {
    napi_valuetype type;
    napi_typeof(e.env, v, &type);
    return type == napi_undefined ? std::nullopt
                                  : std::optional(Operand::read(e, v));
  }
};

// Two operands, each weak beside the other if it is a scalar.
std::pair<mx::array, mx::array> resolve(const Operand& a, const Operand& b);

} // namespace mlxjs
