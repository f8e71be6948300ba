#pragma once

#include <cmath>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "environment.h"

// One converter for each C++ type: how a JavaScript value becomes it, how it
// becomes one, and what TypeScript calls it on the wire
// (lib/core/call/wire.ts). The facade has checked what users wrote; here a
// wrong value must only not crash.

namespace mlxjs {

inline void check(napi_status status, const char* expected) {
  if (status == napi_ok) {
    return;
  }
  if (status == napi_pending_exception) {
    throw Pending{};
  }
  throw TypeError(std::string("Expected ") + expected + ".");
}

template <typename T>
struct Convert;

template <typename T>
decltype(auto) read(Environment& e, napi_value v) {
  return Convert<std::remove_cvref_t<T>>::read(e, v);
}

template <>
struct Convert<int> {
  static constexpr auto ts = "number";
  static int read(Environment& e, napi_value v) {
    int32_t out;
    check(e.integer(v, &out), "an integer");
    return out;
  }
  static napi_value write(Environment& e, int x) {
    napi_value out;
    napi_create_int32(e.env, x, &out);
    return out;
  }
};

template <>
struct Convert<double> {
  static constexpr auto ts = "number";
  static double read(Environment& e, napi_value v) {
    double out;
    check(napi_get_value_double(e.env, v, &out), "a number");
    return out;
  }
  static napi_value write(Environment& e, double x) {
    napi_value out;
    napi_create_double(e.env, x, &out);
    return out;
  }
};

template <>
struct Convert<float> : Convert<double> {
  static float read(Environment& e, napi_value v) {
    return static_cast<float>(Convert<double>::read(e, v));
  }
};

template <>
struct Convert<size_t> : Convert<double> {
  static size_t read(Environment& e, napi_value v) {
    auto x = Convert<double>::read(e, v);
    if (!(x >= 0 && x <= 9007199254740991.0)) {
      throw RangeError("Expected a non-negative integer.");
    }
    return static_cast<size_t>(x);
  }
};

template <>
struct Convert<bool> {
  static constexpr auto ts = "boolean";
  static bool read(Environment& e, napi_value v) {
    bool out;
    check(napi_get_value_bool(e.env, v, &out), "a boolean");
    return out;
  }
  static napi_value write(Environment& e, bool x) {
    napi_value out;
    napi_get_boolean(e.env, x, &out);
    return out;
  }
};

template <typename T>
  requires std::is_arithmetic_v<T>
struct Convert<std::optional<T>> {
  static constexpr auto ts = "number | undefined";
  static std::optional<T> read(Environment& e, napi_value v) {
    napi_valuetype type;
    napi_typeof(e.env, v, &type);
    return type == napi_undefined ? std::nullopt
                                  : std::optional(Convert<T>::read(e, v));
  }
};

template <>
struct Convert<std::string> {
  static constexpr auto ts = "string";
  static std::string read(Environment& e, napi_value v) {
    size_t length;
    check(
        napi_get_value_string_utf8(e.env, v, nullptr, 0, &length), "a string");
    std::string out(length, '\0');
    napi_get_value_string_utf8(e.env, v, out.data(), length + 1, &length);
    return out;
  }
  static napi_value write(Environment& e, const std::string& x) {
    napi_value out;
    napi_create_string_utf8(e.env, x.data(), x.size(), &out);
    return out;
  }
};

// Values that an adaptor handles itself, through node-addon-api.
template <>
struct Convert<Napi::Value> {
  static constexpr auto ts = "unknown";
  static Napi::Value read(Environment& e, napi_value v) {
    return {e.env, v};
  }
  static napi_value write(Environment&, Napi::Value x) {
    return x;
  }
};

// A JavaScript object that is passed through. lib/core/call/native.ts returns
// it as it is, where it makes other lists and records anew in its own realm.
struct Same {
  napi_value value;
};

template <>
struct Convert<Same> {
  static constexpr auto ts = "object | undefined";
  static Same read(Environment&, napi_value v) {
    return {v};
  }
  static napi_value write(Environment& e, Same x) {
    if (x.value == nullptr) {
      napi_get_undefined(e.env, &x.value);
    }
    return x.value;
  }
};

template <>
struct Convert<Napi::Function> {
  static constexpr auto ts = "Callback";
  static Napi::Function read(Environment& e, napi_value v) {
    napi_valuetype type;
    napi_typeof(e.env, v, &type);
    if (type != napi_function) {
      throw TypeError("Expected a function.");
    }
    return {e.env, v};
  }
};

struct Promise {
  napi_value value;
};

template <>
struct Convert<Promise> {
  static constexpr auto ts = "Promise<void>";
  static napi_value write(Environment&, Promise x) {
    return x.value;
  }
};

// The bytes of an ArrayBuffer's view.
struct Bytes {
  void* data;
  size_t length;
};

template <>
struct Convert<Bytes> {
  static constexpr auto ts = "ArrayBufferView";
  static Bytes read(Environment& e, napi_value v) {
    // In the order of their numbers in Node-API.
    static constexpr uint8_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
    napi_typedarray_type type;
    size_t length, offset;
    napi_value buffer;
    auto env = e.env;
    auto status = napi_get_typedarray_info(
        env, v, &type, &length, nullptr, &buffer, &offset);
    if (status == napi_ok && type < std::size(sizes)) {
      return of(env, buffer, offset, length * sizes[type]);
    }
    status = napi_get_dataview_info(env, v, &length, nullptr, &buffer, &offset);
    check(status, "a typed array");
    return of(env, buffer, offset, length);
  }
  // A buffer can be gone, or shorter than when the view was made.
  static Bytes
  of(napi_env env, napi_value buffer, size_t offset, size_t length) {
    void* data;
    size_t size;
    auto status = napi_get_arraybuffer_info(env, buffer, &data, &size);
    if (status != napi_ok || offset > size || length > size - offset) {
      throw TypeError("Expected a view of a buffer that is still there.");
    }
    return {static_cast<char*>(data) + offset, length};
  }
};

template <>
struct Convert<mx::array> {
  static constexpr auto ts = "Slot";
  static constexpr auto ts_out = "Result";
  static const mx::array& read(Environment& e, napi_value v) {
    return e.arrays.at(Convert<int>::read(e, v));
  }
  static napi_value write(Environment& e, mx::array x) {
    return Convert<int>::write(e, e.arrays.put(std::move(x)));
  }
};

// Optional values: -1 stands for none.
template <>
struct Convert<std::optional<mx::array>> {
  static constexpr auto ts = "OptionalSlot";
  static std::optional<mx::array> read(Environment& e, napi_value v) {
    auto slot = Convert<int>::read(e, v);
    return slot < 0 ? std::nullopt : std::optional(e.arrays.at(slot));
  }
};

template <>
struct Convert<mx::Dtype> {
  static constexpr auto ts = "DtypeId";
  // In the order of their numbers in lib/core/dtype.ts.
  static constexpr mx::Dtype all[] = {
      mx::bool_,
      mx::uint8,
      mx::uint16,
      mx::uint32,
      mx::uint64,
      mx::int8,
      mx::int16,
      mx::int32,
      mx::int64,
      mx::float16,
      mx::float32,
      mx::float64,
      mx::bfloat16,
      mx::complex64};
  static mx::Dtype from(int id) {
    if (id < 0 || id >= static_cast<int>(std::size(all))) {
      throw TypeError("Expected a dtype.");
    }
    return all[id];
  }
  static mx::Dtype read(Environment& e, napi_value v) {
    return from(Convert<int>::read(e, v));
  }
  static napi_value write(Environment& e, mx::Dtype x) {
    return Convert<int>::write(e, static_cast<int>(x.val()));
  }
};

template <>
struct Convert<std::optional<mx::Dtype>> {
  static constexpr auto ts = "OptionalDtypeId";
  static std::optional<mx::Dtype> read(Environment& e, napi_value v) {
    auto id = Convert<int>::read(e, v);
    return id < 0 ? std::nullopt : std::optional(Convert<mx::Dtype>::from(id));
  }
};

template <>
struct Convert<mx::StreamOrDevice> {
  static constexpr auto ts = "StreamId";
  static mx::StreamOrDevice read(Environment& e, napi_value v) {
    auto id = Convert<int>::read(e, v);
    if (id < 0 || static_cast<size_t>(id) >= e.streams.size()) {
      throw TypeError("Expected a stream.");
    }
    return e.streams[id];
  }
};

// A list of numbers: its place in the shared buffer, where a count stands
// before its values; or, where it is too long for that, a Float64Array of the
// values. -1 stands for none, and what is below for a list of one small
// integer. The numbers are valid until others are sent.
class Numbers {
 public:
  size_t count;
  bool none = false;

  static Numbers read(Environment& e, napi_value v) {
    int32_t place;
    if (e.integer(v, &place) != napi_ok) {
      auto bytes = Convert<Bytes>::read(e, v);
      return {
          bytes.length / sizeof(double),
          static_cast<const double*>(bytes.data)};
    }
    if (place == -1) {
      return {0, nullptr, 0, true};
    }
    if (place < -1) {
      return {1, nullptr, static_cast<double>(place) + one_offset};
    }
    auto start = e.take(place);
    auto count = e.scratch[start];
    if (!(count >= 0 && count < Environment::stack_length - start)) {
      throw RangeError("Expected a list.");
    }
    return {static_cast<size_t>(count), e.scratch + start + 1};
  }

  double operator[](size_t i) const {
    return data_ == nullptr ? one_ : data_[i];
  }

  int integer(size_t i) const {
    auto x = (*this)[i];
    if (!(x >= -2147483648.0 && x <= 2147483647.0)) {
      throw RangeError("Expected a 32-bit integer.");
    }
    return static_cast<int>(x);
  }

 private:
  // What is added to a small integer's number on the wire, as
  // lib/core/call/wire.ts takes it away.
  static constexpr double one_offset = (1 << 20) + 2;

  Numbers(size_t count, const double* data, double one = 0, bool none = false)
      : count(count),
        none(none),
        data_(data),
        one_(one) {}

  const double* data_;
  double one_;
};

template <>
struct Convert<Numbers> {
  static constexpr auto ts = "List";
  static Numbers read(Environment& e, napi_value v) {
    return Numbers::read(e, v);
  }
};

template <typename List>
struct ConvertList {
  static constexpr auto ts = "List";
  static List read(Environment& e, napi_value v) {
    return from(Numbers::read(e, v));
  }
  static List from(const Numbers& numbers) {
    List out(numbers.count);
    for (size_t i = 0; i < numbers.count; i++) {
      out[i] = numbers.integer(i);
    }
    return out;
  }
};

template <>
struct Convert<mx::Shape> : ConvertList<mx::Shape> {
  // MLX multiplies the dimensions without looking out for overflow.
  static mx::Shape read(Environment& e, napi_value v) {
    return from(Numbers::read(e, v));
  }
  static mx::Shape from(const Numbers& numbers) {
    return checked(ConvertList<mx::Shape>::from(numbers));
  }
  static mx::Shape checked(mx::Shape shape) {
    double size = 1;
    for (auto n : shape) {
      size *= std::abs(static_cast<double>(n));
    }
    if (size >= 9223372036854775808.0) {
      throw RangeError("shape: expected fewer than 2^63 elements");
    }
    return shape;
  }
};
template <>
struct Convert<std::vector<int>> : ConvertList<std::vector<int>> {
  static constexpr auto ts_out = "number[]";
  static napi_value write(Environment& e, const std::vector<int>& xs) {
    napi_value out;
    napi_create_array_with_length(e.env, xs.size(), &out);
    for (size_t i = 0; i < xs.size(); i++) {
      napi_set_element(e.env, out, i, Convert<int>::write(e, xs[i]));
    }
    return out;
  }
};

template <>
struct Convert<mx::Strides> {
  static constexpr auto ts = "List";
  static mx::Strides read(Environment& e, napi_value v) {
    auto numbers = Numbers::read(e, v);
    mx::Strides out(numbers.count);
    for (size_t i = 0; i < numbers.count; i++) {
      out[i] = static_cast<int64_t>(numbers[i]);
    }
    return out;
  }
};

template <typename T>
  requires std::is_same_v<T, std::vector<int>> || std::is_same_v<T, mx::Shape>
struct Convert<std::optional<T>> {
  static constexpr auto ts = "OptionalList";
  static std::optional<T> read(Environment& e, napi_value v) {
    auto numbers = Numbers::read(e, v);
    return numbers.none ? std::nullopt
                        : std::optional(Convert<T>::from(numbers));
  }
};

// Sends a list of numbers to JavaScript, of which `at` gives each. A short list
// is written to the end of the shared buffer, and JavaScript gets its length.
template <typename At>
napi_value write_list(Environment& e, size_t length, At at) {
  if (length <= Environment::scratch_length - Environment::results) {
    for (size_t i = 0; i < length; i++) {
      e.scratch[Environment::results + i] = at(i);
    }
    return Convert<int>::write(e, static_cast<int>(length));
  }
  napi_value out;
  napi_create_array_with_length(e.env, length, &out);
  for (size_t i = 0; i < length; i++) {
    napi_set_element(e.env, out, i, Convert<int>::write(e, at(i)));
  }
  return out;
}

template <>
struct Convert<std::vector<mx::array>> {
  static constexpr auto ts = "List";
  static constexpr auto ts_out = "Slots";
  static std::vector<mx::array> read(Environment& e, napi_value v) {
    auto numbers = Numbers::read(e, v);
    std::vector<mx::array> out;
    out.reserve(numbers.count);
    for (size_t i = 0; i < numbers.count; i++) {
      out.push_back(e.arrays.at(numbers.integer(i)));
    }
    return out;
  }
  static napi_value write(Environment& e, std::vector<mx::array> xs) {
    // All sizes are checked before any array gets a slot.
    for (auto& x : xs) {
      ArrayTable::check_size(x);
    }
    return write_list(
        e, xs.size(), [&](size_t i) { return e.arrays.put(std::move(xs[i])); });
  }
};

template <typename Pair>
struct ConvertPair {
  static constexpr auto ts = "Slots";
  static napi_value write(Environment& e, Pair x) {
    return Convert<std::vector<mx::array>>::write(
        e, {std::move(std::get<0>(x)), std::move(std::get<1>(x))});
  }
};

template <>
struct Convert<std::tuple<mx::array, mx::array>>
    : ConvertPair<std::tuple<mx::array, mx::array>> {};
template <>
struct Convert<std::pair<mx::array, mx::array>>
    : ConvertPair<std::pair<mx::array, mx::array>> {};

template <>
struct Convert<std::vector<std::string>> {
  static constexpr auto ts = "string[]";
  static napi_value write(Environment& e, const std::vector<std::string>& xs) {
    napi_value out;
    napi_create_array_with_length(e.env, xs.size(), &out);
    for (size_t i = 0; i < xs.size(); i++) {
      napi_set_element(e.env, out, i, Convert<std::string>::write(e, xs[i]));
    }
    return out;
  }
};

// A list of texts, and arrays by their names; what is in the lists was checked.
std::vector<std::string> strings(const Napi::Value& list);
std::unordered_map<std::string, mx::array> named(
    const Napi::Value& names,
    const std::vector<mx::array>& values);

} // namespace mlxjs
