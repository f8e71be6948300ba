// Normalizations and rotary positions as single operations on the CPU, whose
// values are those of the operations that MLX has for them: each step is
// rounded as it is there, and sums go from the first element to the last. This
// file is compiled without contraction of products and sums, which rounds once
// where MLX rounds twice.

#include "../fused.h"

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <type_traits>
#include <vector>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/primitives.h"

#include "../failed.h"
#include "../graph.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

bool is_for_us(const mx::array& x, const mx::Stream& s) {
  auto dtype = x.dtype();
  return s.device == mx::Device::cpu && !tracing() && x.ndim() > 0 &&
      x.size() > 0 &&
      (dtype == mx::float32 || dtype == mx::float16 || dtype == mx::bfloat16);
}

// Calls f with a value of the type that an array's elements have.
template <typename F>
void with_type(const mx::array& x, const F& f) {
  switch (x.dtype()) {
    case mx::float16:
      return f(mx::float16_t());
    case mx::bfloat16:
      return f(mx::bfloat16_t());
    default:
      return f(float());
  }
}

// A number in another type. MLX's own way to bfloat16 has a branch, which keeps
// the compiler from rounding several at once.
template <typename T>
T rounded(float x) {
  if constexpr (std::is_same_v<T, mx::bfloat16_t>) {
    auto bits = std::bit_cast<uint32_t>(x);
    auto near = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bool nan = (bits & 0x7fffffff) > 0x7f800000;
    return std::bit_cast<T>(static_cast<uint16_t>(nan ? 0x7fc0 : near));
  } else {
    return static_cast<T>(x);
  }
}

// Where the rows of an array begin, those along its last axis, one after the
// other.
class RowStarts {
 public:
  explicit RowStarts(const mx::array& a)
      : shape_(a.shape()),
        strides_(a.strides()),
        index_(a.ndim(), 0) {}

  int64_t next() {
    auto start = place_;
    for (int axis = static_cast<int>(shape_.size()) - 2; axis >= 0; axis--) {
      place_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) {
        break;
      }
      place_ -= strides_[axis] * shape_[axis];
      index_[axis] = 0;
    }
    return start;
  }

 private:
  mx::Shape shape_;
  mx::Strides strides_;
  mx::Shape index_;
  int64_t place_ = 0;
};

// An operation that no transformation ever meets, since it is made outside of
// all.
class Fused : public mx::UnaryPrimitive {
 public:
  using UnaryPrimitive::UnaryPrimitive;

  void eval_gpu(const Arrays&, mx::array&) override {
    throw std::logic_error("GPUs have kernels of their own.");
  }
  std::vector<mx::Shape> output_shapes(const Arrays& inputs) override {
    return {inputs[0].shape()};
  }

 protected:
  // Has the stream call f with the inputs and the output, which it holds
  // meanwhile.
  template <typename F>
  void dispatch(const Arrays& inputs, mx::array& out, F f) {
    out.set_data(mx::allocator::malloc(out.nbytes()));
    Arrays held;
    for (auto& input : inputs) {
      held.push_back(mx::array::unsafe_weak_copy(input));
    }
    mx::cpu::get_command_encoder(stream()).dispatch(
        [f,
         held = std::move(held),
         out = mx::array::unsafe_weak_copy(out)]() mutable {
          with_type(out, [&](auto type) { f(type, held, out); });
        });
  }
};

// x / √(mean(x²) + eps) or (x - mean(x)) / √(var(x) + eps), times a weight and
// plus a bias, if there are such.
template <bool centered>
class Norm final : public Fused {
 public:
  Norm(mx::Stream s, float eps, bool has_bias)
      : Fused(s),
        eps_(eps),
        has_bias_(has_bias) {}

  const char* name() const override {
    return centered ? "FusedLayerNorm" : "FusedRMSNorm";
  }

  void eval_cpu(const Arrays& inputs, mx::array& out) override {
    auto compute = [eps = eps_, has_bias = has_bias_](
                       auto type, const Arrays& inputs, mx::array& out) {
      using T = decltype(type);
      auto& x = inputs[0];
      auto beside = inputs.begin() + 1;
      auto weight = beside < inputs.end() - has_bias ? &*beside++ : nullptr;
      auto bias = has_bias ? &*beside : nullptr;
      int64_t size = x.shape(-1), rows = x.size() / size;
      auto stride = x.strides(-1);
      auto inverse = static_cast<float>(1 / static_cast<double>(size));
      std::vector<float> row(size);
      RowStarts starts(x);
      auto to = out.data<T>();
      for (int64_t i = 0; i < rows; i++, to += size) {
        auto from = x.data<T>() + starts.next();
        for (int64_t j = 0; j < size; j++) {
          row[j] = static_cast<float>(from[j * stride]);
        }
        if (centered) {
          float sum = 0;
          for (int64_t j = 0; j < size; j++) {
            sum += row[j];
          }
          float mean = sum * inverse;
          for (int64_t j = 0; j < size; j++) {
            row[j] -= mean;
          }
        }
        float sum = 0;
        for (int64_t j = 0; j < size; j++) {
          sum += row[j] * row[j];
        }
        float factor = 1.0f / std::sqrt(sum * inverse + eps);
        for (int64_t j = 0; j < size; j++) {
          to[j] = rounded<T>(row[j] * factor);
        }
        auto combine = [&](const mx::array* other, auto f) {
          if (other == nullptr) {
            return;
          }
          auto values = other->data<T>();
          auto stride = other->strides(0);
          for (int64_t j = 0; j < size; j++) {
            to[j] = rounded<T>(
                f(static_cast<float>(to[j]),
                  static_cast<float>(values[j * stride])));
          }
        };
        combine(weight, std::multiplies<float>());
        combine(bias, std::plus<float>());
      }
    };
    dispatch(inputs, out, compute);
  }

 private:
  float eps_;
  bool has_bias_;
};

template <bool centered>
std::optional<mx::array> norm(
    const mx::array& x,
    const std::optional<mx::array>& weight,
    const std::optional<mx::array>& bias,
    float eps,
    const mx::Stream& s) {
  auto fits = [&](const std::optional<mx::array>& a) {
    return !a ||
        (a->ndim() == 1 && a->dtype() == x.dtype() &&
         a->shape(0) == x.shape(-1));
  };
  // The sum of one element is itself, though it be a negative zero.
  if (!is_for_us(x, s) || x.shape(-1) == 1 || !fits(weight) || !fits(bias)) {
    return std::nullopt;
  }
  Arrays inputs{x};
  for (auto& each : {weight, bias}) {
    if (each) {
      inputs.push_back(*each);
    }
  }
  return mx::array(
      x.shape(),
      x.dtype(),
      std::make_shared<Norm<centered>>(s, eps, bias.has_value()),
      std::move(inputs));
}

// Turns pairs of elements by angles whose cosines and sines are given.
class Rotation final : public Fused {
 public:
  Rotation(mx::Stream s, bool traditional)
      : Fused(s),
        traditional_(traditional) {}

  const char* name() const override {
    return "FusedRoPE";
  }

  void eval_cpu(const Arrays& inputs, mx::array& out) override {
    auto compute = [traditional = traditional_](
                       auto type, const Arrays& inputs, mx::array& out) {
      using T = decltype(type);
      auto& x = inputs[0];
      auto cosines = inputs[1].data<T>(), sines = inputs[2].data<T>();
      int64_t pairs = inputs[1].shape(-1), size = x.shape(-1);
      int64_t length = x.shape(-2), rows = x.size() / size;
      int64_t rows_of_one = rows / x.shape(0);
      // Texts of a batch may be at places of their own.
      bool shared = static_cast<int64_t>(inputs[1].size()) == length * pairs;
      auto stride = x.strides(-1);
      // How far the two of a pair are apart, and the pairs.
      int64_t apart = traditional ? 1 : pairs, step = traditional ? 2 : 1;
      auto product = [](float x, float y) {
        return static_cast<float>(rounded<T>(x * y));
      };
      // Distances that the compiler knows make it faster.
      auto turn = [&](const T* __restrict from,
                      const T* __restrict cosines,
                      const T* __restrict sines,
                      T* __restrict to,
                      auto stride,
                      auto step) {
        for (int64_t i = 0; i < pairs; i++) {
          auto cosine = static_cast<float>(cosines[i]);
          auto sine = static_cast<float>(sines[i]);
          auto a = static_cast<float>(from[i * step * stride]);
          auto b = static_cast<float>(from[(i * step + apart) * stride]);
          to[i * step] = rounded<T>(product(a, cosine) - product(b, sine));
          to[i * step + apart] =
              rounded<T>(product(a, sine) + product(b, cosine));
        }
      };
      constexpr std::integral_constant<int64_t, 1> one;
      RowStarts starts(x);
      auto to = out.data<T>();
      for (int64_t row = 0; row < rows; row++, to += size) {
        auto from = x.data<T>() + starts.next();
        auto text = shared ? 0 : row / rows_of_one;
        auto angles = (text * length + row % length) * pairs;
        if (stride == 1 && step == 1) {
          turn(from, cosines + angles, sines + angles, to, one, one);
        } else {
          turn(from, cosines + angles, sines + angles, to, stride, step);
        }
        for (auto j = 2 * pairs; j < size; j++) {
          to[j] = from[j * stride];
        }
      }
    };
    dispatch(inputs, out, compute);
  }

 private:
  bool traditional_;
};

// What cosines and sines depend on.
struct Turns {
  int length;
  int pairs;
  float base;
  float scale;
  std::uintptr_t offset;
  std::uintptr_t freqs;
  mx::Dtype dtype;
  mx::Stream stream;
  bool operator==(const Turns&) const = default;
};

struct KnownTurns {
  Turns turns;
  WeakArray cosines;
  WeakArray sines;
};

// As they are in MLX.
std::pair<mx::array, mx::array> new_turns(
    const Turns& t,
    mx::array offset,
    const std::optional<mx::array>& freqs) {
  auto& s = t.stream;
  if (offset.size() > 1) {
    offset = mx::expand_dims(offset, {-1, -2}, s);
  }
  auto positions = mx::multiply(
      mx::add(mx::arange(t.length, mx::float32, s), offset, s),
      mx::array(t.scale, mx::float32),
      s);
  auto inverse = freqs
      ? mx::reciprocal(mx::astype(*freqs, mx::float32, s), s)
      : mx::exp(
            mx::multiply(
                mx::arange(0, -t.pairs, -1, mx::float32, s),
                mx::array(std::log(t.base) / t.pairs, mx::float32),
                s),
            s);
  auto angles = mx::multiply(mx::expand_dims(positions, -1, s), inverse, s);
  return {
      mx::astype(mx::cos(angles, s), t.dtype, s),
      mx::astype(mx::sin(angles, s), t.dtype, s)};
}

// All layers of a model turn by the same angles. Those that were noted last are
// found again as long as they are part of a graph that is not computed yet,
// which also holds what they depend on; so no other array has its id.
std::pair<mx::array, mx::array> turns_of(
    const Turns& t,
    const mx::array& offset,
    const std::optional<mx::array>& freqs) {
  // Models have two kinds of layers at most.
  thread_local std::array<std::optional<KnownTurns>, 2> known;
  auto is_open = [](const std::optional<mx::array>& a) {
    return a && a->status() == mx::array::Status::unscheduled &&
        !Failed::error_of(*a);
  };
  for (auto& each : known) {
    if (each && each->turns == t) {
      auto cosines = each->cosines.lock(), sines = each->sines.lock();
      if (is_open(cosines) && is_open(sines)) {
        return {*cosines, *sines};
      }
    }
  }
  auto [cosines, sines] = new_turns(t, offset, freqs);
  std::swap(known[0], known[1]);
  known[0].emplace(KnownTurns{t, WeakArray(cosines), WeakArray(sines)});
  return {cosines, sines};
}

} // namespace

std::optional<mx::array> fused_rms_norm(
    const mx::array& x,
    const std::optional<mx::array>& weight,
    float eps,
    mx::StreamOrDevice s) {
  return norm<false>(x, weight, std::nullopt, eps, mx::to_stream(s));
}

std::optional<mx::array> fused_layer_norm(
    const mx::array& x,
    const std::optional<mx::array>& weight,
    const std::optional<mx::array>& bias,
    float eps,
    mx::StreamOrDevice s) {
  return norm<true>(x, weight, bias, eps, mx::to_stream(s));
}

std::optional<mx::array> fused_rope(
    const mx::array& x,
    int dims,
    bool traditional,
    std::optional<float> base,
    float scale,
    const mx::array& offset,
    const std::optional<mx::array>& freqs,
    mx::StreamOrDevice device) {
  auto s = mx::to_stream(device);
  bool right = is_for_us(x, s) && x.ndim() > 2 && dims > 0 && dims % 2 == 0 &&
      dims <= x.shape(-1) && offset.ndim() <= 1 &&
      (offset.dtype() == mx::int32 || offset.dtype() == mx::uint32) &&
      (offset.size() == 1 || static_cast<int>(offset.size()) == x.shape(0)) &&
      freqs.has_value() != base.has_value() &&
      (!freqs || (freqs->ndim() == 1 && freqs->shape(0) == dims / 2));
  if (!right) {
    return std::nullopt;
  }
  Turns turns{
      x.shape(-2),
      dims / 2,
      base.value_or(1),
      scale,
      offset.id(),
      freqs ? freqs->id() : 0,
      x.dtype(),
      s};
  auto [cosines, sines] = turns_of(turns, offset, freqs);
  return mx::array(
      x.shape(),
      x.dtype(),
      std::make_shared<Rotation>(s, traditional),
      {x, std::move(cosines), std::move(sines)});
}

} // namespace mlxjs
