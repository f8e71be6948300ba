#include "operand.h"

#include <cstring>
#include <sstream>

namespace mlxjs {

namespace {

// The kinds of scalars, as lib/core/call/wire.ts writes them.
enum Kind { boolean, integer, floating, signed64, unsigned64, complex };

} // namespace

Operand Operand::read(Environment& e, napi_value v) {
  Operand out;
  const double* words;
  int32_t code;
  if (e.integer(v, &code) != napi_ok) {
    auto bytes = Convert<Bytes>::read(e, v);
    if (bytes.length < 3 * sizeof(double)) {
      throw TypeError("Expected an array or a scalar.");
    }
    words = static_cast<const double*>(bytes.data);
  } else if (code >= 0) {
    out.array_ = &e.arrays.at(code);
    return out;
  } else {
    // A place at the end of the stack is safe: behind it there are numbers,
    // too.
    words = e.scratch + e.take(~code);
  }
  out.cache_ = &e.scalars;
  switch (static_cast<int>(words[0])) {
    case boolean:
      out.scalar_ = words[1] != 0;
      break;
    case integer:
      out.scalar_ = static_cast<int64_t>(words[1]);
      break;
    case floating:
      out.scalar_ = words[1];
      break;
    case signed64:
      out.scalar_ = *reinterpret_cast<const int64_t*>(words + 1);
      break;
    case unsigned64:
      out.scalar_ = *reinterpret_cast<const uint64_t*>(words + 1);
      break;
    case complex:
      out.scalar_ = std::complex<float>(words[1], words[2]);
      break;
    default:
      throw TypeError("Expected a scalar.");
  }
  return out;
}

namespace {

template <typename T>
mx::array integral(T x, mx::Dtype dtype) {
  if (dtype == mx::bool_) {
    dtype = mx::int32;
  }
  if (mx::issubdtype(dtype, mx::integer)) {
    auto info = mx::iinfo(dtype);
    bool below = std::is_signed_v<T> && static_cast<int64_t>(x) < info.min;
    bool above = x > 0 && static_cast<uint64_t>(x) > info.max;
    if (below || above) {
      std::ostringstream msg;
      msg << "Converting " << x << " to " << dtype
          << " would result in overflow.";
      throw std::invalid_argument(msg.str());
    }
  }
  return mx::array(x, dtype);
}

mx::Dtype narrowest(int64_t x) {
  return x == static_cast<int32_t>(x) ? mx::int32 : mx::int64;
}

mx::array make(bool x, mx::Dtype dtype) {
  return mx::array(x, dtype);
}

mx::array make(int64_t x, mx::Dtype dtype) {
  // Python refuses what does not fit a narrow type.
  return integral(x, dtype == mx::bool_ ? narrowest(x) : dtype);
}

mx::array make(uint64_t x, mx::Dtype dtype) {
  return integral(x, dtype);
}

mx::array make(double x, mx::Dtype dtype) {
  if (x == 0 && !mx::issubdtype(dtype, mx::inexact)) {
    return make(int64_t{0}, dtype); // a negative zero
  }
  return mx::issubdtype(dtype, mx::floating)
      ? mx::array(x, dtype)
      : mx::array(static_cast<float>(x), mx::float32);
}

mx::array make(std::complex<float> x, mx::Dtype) {
  return mx::array(mx::complex64_t(x), mx::complex64);
}

} // namespace

mx::array Operand::resolve() const {
  if (array_) {
    return *array_;
  }
  if (std::holds_alternative<bool>(scalar_)) {
    return beside(mx::bool_);
  }
  if (auto x = std::get_if<int64_t>(&scalar_)) {
    return beside(narrowest(*x));
  }
  if (std::holds_alternative<uint64_t>(scalar_)) {
    return beside(mx::uint64);
  }
  return beside(mx::float32);
}

mx::array Operand::beside(mx::Dtype dtype) const {
  if (array_) {
    return *array_;
  }
  return std::visit(
      [&](auto x) {
        uint64_t bits = 0;
        static_assert(sizeof(x) <= sizeof(bits));
        std::memcpy(&bits, &x, sizeof(x));
        auto kind = static_cast<int>(scalar_.index());
        return cache_->get(kind, bits, dtype, [&] { return make(x, dtype); });
      },
      scalar_);
}

std::pair<mx::array, mx::array> resolve(const Operand& a, const Operand& b) {
  if (a.is_array()) {
    return {a.array(), b.beside(a.array().dtype())};
  }
  if (b.is_array()) {
    return {a.beside(b.array().dtype()), b.array()};
  }
  return {a.resolve(), b.resolve()};
}

} // namespace mlxjs
