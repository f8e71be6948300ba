// The life of an array, and its way in and out of JavaScript's memory.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <unordered_set>

#include <sys/mman.h>

#include "bind.h"
#include "evaluation.h"

namespace mlxjs {

namespace {

// A slot and its generation, as the pointer that a finalizer gets.
void* pack(Slot slot, uint32_t generation) {
  return reinterpret_cast<void*>(
      static_cast<uintptr_t>(generation) << 32 | static_cast<uint32_t>(slot));
}

void finalize(node_api_basic_env, void* data, void* hint) {
  auto& e = *static_cast<Environment*>(hint);
  auto packed = reinterpret_cast<uintptr_t>(data);
  e.arrays.release_later(
      static_cast<Slot>(packed & 0xffffffff),
      static_cast<uint32_t>(packed >> 32));
  e.sweep_later();
  e.unreference();
}

// Ties an array to a JavaScript object: when the object is collected, the
// slot is emptied. The finalizer is a basic one, which runs inside the
// collection, so a loop that never returns to the event loop is cleaned up,
// too; ordinary ones would wait for it.
void release_with(Environment& e, Napi::Value object, int slot) {
  e.arrays.at(slot);
  auto data = pack(slot, e.arrays.generation(slot));
  auto status = napi_add_finalizer(e.env, object, data, finalize, &e, nullptr);
  check(status, "an object");
  e.references++;
}

void release(Environment& e, int slot) {
  e.arrays.release(slot);
}

void release_all(Environment& e, std::vector<int> slots) {
  for (auto slot : slots) {
    e.arrays.release(slot);
  }
}

// The second array's value becomes the first's.
void assign(Environment& e, int target, int source) {
  e.arrays.at(target).overwrite_descriptor(e.arrays.at(source));
}

mx::array scalar(Operand x, std::optional<mx::Dtype> dtype) {
  auto out = dtype ? x.beside(*dtype) : x.resolve();
  return dtype && out.dtype() != *dtype ? mx::astype(out, *dtype) : out;
}

// Throws unless the bytes fill the shape.
void check_filled(Bytes bytes, const mx::Shape& shape, size_t itemsize) {
  size_t size = 1;
  for (auto n : shape) {
    if (n < 0) {
      throw RangeError("shape: expected sizes that are not negative");
    }
    size *= n;
  }
  if (size * itemsize != bytes.length) {
    throw RangeError("The data does not fill the shape.");
  }
}

// An array from bytes in row-major order that hold values of the given type.
mx::array from_bytes(Bytes bytes, mx::Shape shape, mx::Dtype dtype) {
  check_filled(bytes, shape, dtype.size());
  auto data = mx::allocator::malloc(bytes.length);
  auto buffer = data.buffer();
  if (bytes.length > 0) {
    std::memcpy(buffer.raw_ptr(), bytes.data, bytes.length);
  }
  return mx::array(std::move(data), std::move(shape), dtype);
}

// A float16 or bfloat16 array from float32 values, rounded once.
mx::array from_floats(Bytes bytes, mx::Shape shape, mx::Dtype dtype) {
  check_filled(bytes, shape, sizeof(float));
  auto floats = static_cast<const float*>(bytes.data);
  return mx::array(floats, std::move(shape), dtype);
}

mx::array row_major(Environment& e, mx::array a) {
  evaluate(e, a);
  if (!a.flags().row_contiguous) {
    a = mx::contiguous(a);
    evaluate(e, a);
  }
  return a;
}

// The system hands out memory page by page when it is first written to, which
// takes longer than the writing, unless pages are large.
void want_large_pages(void* data, size_t length) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t page = 4096;
  constexpr size_t worthwhile = size_t(1) << 22;
  if (length >= worthwhile) {
    auto begin = reinterpret_cast<uintptr_t>(data);
    auto aligned = (begin + page - 1) / page * page;
    madvise(
        reinterpret_cast<void*>(aligned),
        begin + length - aligned,
        MADV_HUGEPAGE);
  }
#endif
}

// Computes the values, and tells how many bytes they take.
double computed_bytes(Environment& e, const mx::array& source) {
  auto a = source;
  evaluate(e, a);
  return static_cast<double>(a.nbytes());
}

// Copies the values into a buffer of as many bytes, row-major.
void copy_values(Environment& e, const mx::array& a, Bytes target) {
  auto source = row_major(e, a);
  if (source.nbytes() != target.length) {
    throw RangeError("The buffer does not fit the values.");
  }
  if (target.length > 0) {
    want_large_pages(target.data, target.length);
    std::memcpy(target.data, source.data<char>(), target.length);
  }
}

// Whether there are as many bytes of memory, now.
bool is_there(double bytes) {
  auto memory = std::malloc(static_cast<size_t>(bytes));
  std::free(memory);
  return memory != nullptr;
}

Napi::Value item(Environment& e, const mx::array& source) {
  if (source.size() != 1) {
    std::ostringstream msg;
    msg << "[item] expected an array of size 1, received one of shape "
        << source.shape();
    throw RangeError(msg.str());
  }
  auto a = source;
  evaluate(e, a);
  switch (a.dtype()) {
    case mx::bool_:
      return Napi::Boolean::New(e.env, *a.data<bool>());
    case mx::uint8:
      return Napi::Number::New(e.env, *a.data<uint8_t>());
    case mx::uint16:
      return Napi::Number::New(e.env, *a.data<uint16_t>());
    case mx::uint32:
      return Napi::Number::New(e.env, *a.data<uint32_t>());
    case mx::uint64:
      return Napi::BigInt::New(e.env, *a.data<uint64_t>());
    case mx::int8:
      return Napi::Number::New(e.env, *a.data<int8_t>());
    case mx::int16:
      return Napi::Number::New(e.env, *a.data<int16_t>());
    case mx::int32:
      return Napi::Number::New(e.env, *a.data<int32_t>());
    case mx::int64:
      return Napi::BigInt::New(e.env, *a.data<int64_t>());
    case mx::float16:
      return Napi::Number::New(
          e.env, static_cast<float>(*a.data<mx::float16_t>()));
    case mx::float32:
      return Napi::Number::New(e.env, *a.data<float>());
    case mx::float64:
      return Napi::Number::New(e.env, *a.data<double>());
    case mx::bfloat16:
      return Napi::Number::New(
          e.env, static_cast<float>(*a.data<mx::bfloat16_t>()));
    case mx::complex64: {
      auto value = *a.data<mx::complex64_t>();
      auto out = Napi::Object::New(e.env);
      out.Set("re", value.real());
      out.Set("im", value.imag());
      return out;
    }
  }
  throw TypeError("[item] unknown dtype");
}

// The number of dimensions; they themselves stand at the scratch buffer's end.
int dims(Environment& e, const mx::array& a) {
  auto& shape = a.shape();
  if (shape.size() > Environment::scratch_length - Environment::results) {
    throw RangeError("[shape] too many dimensions");
  }
  std::copy(shape.begin(), shape.end(), e.scratch + Environment::results);
  return static_cast<int>(shape.size());
}

int ndim(const mx::array& a) {
  return static_cast<int>(a.ndim());
}

double size(const mx::array& a) {
  return static_cast<double>(a.size());
}

mx::Dtype promote_types(mx::Dtype a, mx::Dtype b) {
  return mx::promote_types(a, b);
}

mx::Dtype dtype(const mx::array& a) {
  return a.dtype();
}

// Whether there are values, or can be. While a function is traced, arrays stand
// for those that it will be called with, and have neither a value nor a graph.
bool is_computable(const mx::array& source) {
  std::vector<mx::array> open{source};
  std::unordered_set<std::uintptr_t> seen{source.id()};
  while (!open.empty()) {
    auto a = std::move(open.back());
    open.pop_back();
    if (a.status() != mx::array::Status::unscheduled) {
      continue;
    }
    if (!a.has_primitive()) {
      return false;
    }
    for (auto& input : std::as_const(a).inputs()) {
      if (seen.insert(input.id()).second) {
        open.push_back(input);
      }
    }
  }
  return true;
}

// MLX's print options belong to the process, ours to their environment.
std::string to_string(Environment& e, const mx::array& source, int precision) {
  static std::mutex printing;
  auto a = source;
  evaluate(e, a);
  std::ostringstream out;
  std::lock_guard lock(printing);
  mx::set_printoptions({precision});
  out << a;
  return out.str();
}

} // namespace

const std::vector<Binding> array_bindings{
    LOCAL(release_with),
    LOCAL(release),
    LOCAL(release_all),
    LOCAL(assign),
    LOCAL(scalar),
    LOCAL(from_bytes),
    LOCAL(from_floats),
    LOCAL(computed_bytes),
    LOCAL(copy_values),
    LOCAL(is_there),
    LOCAL(item),
    LOCAL(dims),
    LOCAL(ndim),
    LOCAL(size),
    LOCAL(dtype),
    LOCAL(promote_types),
    LOCAL(is_computable),
    LOCAL(to_string),
};

} // namespace mlxjs
