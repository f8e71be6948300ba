#include "derivatives.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "mlx/mlx.h"
#include "mlx/primitives.h"

#include "graph.h"

// MLX differentiates operation by operation, and for some operations, or some
// of their variants, it gives wrong values without a word.

namespace mlxjs::transforms {

namespace {

struct Rule {
  std::string_view operation;
  bool in_vjp, in_jvp;
  // Whether MLX is wrong about this operation of the name.
  bool (*is_wrong)(const mx::array& traced);
  // Its value, made of operations that MLX differentiates rightly.
  Arrays (*composed)(const mx::array& traced);
};

bool always(const mx::array&) {
  return true;
}

bool if_complex(const mx::array& traced) {
  return traced.dtype() == mx::complex64;
}

template <typename Primitive>
auto state_of(const mx::array& traced) {
  return static_cast<Primitive&>(traced.primitive()).state();
}

mx::Stream stream_of(const mx::array& traced) {
  return traced.primitive().stream();
}

// MLX leaves both factors out of the tangent.
bool has_factors(const mx::array& traced) {
  auto [alpha, beta] = state_of<mx::AddMM>(traced);
  return alpha != 1 || beta != 1;
}

Arrays compose_addmm(const mx::array& traced) {
  auto [alpha, beta] = state_of<mx::AddMM>(traced);
  auto& in = traced.inputs();
  auto s = stream_of(traced);
  auto dtype = traced.dtype();
  auto product = mx::matmul(in[0], in[1], s);
  return {mx::add(
      mx::multiply(mx::array(alpha, dtype), product, s),
      mx::multiply(mx::array(beta, dtype), in[2], s),
      s)};
}

// MLX forgets the masks where it is asked for their gradients.
bool has_traced_masks(const mx::array& traced) {
  auto& in = traced.inputs();
  return std::any_of(
      in.begin() + 2, in.end(), [](auto& mask) { return mask.is_tracer(); });
}

Arrays compose_block_masked_mm(const mx::array& traced) {
  auto block = state_of<mx::BlockMaskedMM>(traced);
  auto in = traced.inputs();
  auto s = stream_of(traced);
  auto masked = [&](const mx::array& a, mx::array mask) {
    for (auto axis : {-2, -1}) {
      mask = mx::repeat(mask, block, axis, s);
    }
    auto stop = mask.shape();
    std::copy(a.shape().end() - 2, a.shape().end(), stop.end() - 2);
    mask = mx::slice(mask, mx::Shape(stop.size(), 0), stop, s);
    return mx::multiply(a, mx::astype(mask, a.dtype(), s), s);
  };
  if (in.size() > 3) {
    in[0] = masked(in[0], in[in.size() - 2]);
    in[1] = masked(in[1], in[in.size() - 1]);
  }
  auto out = mx::matmul(in[0], in[1], s);
  bool has_output_mask = in.size() % 2 == 1;
  return {has_output_mask ? masked(out, in[2]) : out};
}

[[noreturn]] Arrays refuse(const mx::array& traced) {
  throw std::invalid_argument(
      std::string("[vjp] Not supported for ") + traced.primitive().name() +
      " of complex64.");
}

// MLX takes the remainder for a constant, too.
Arrays compose_divmod(const mx::array& traced) {
  auto& in = traced.inputs();
  auto s = stream_of(traced);
  return {mx::floor_divide(in[0], in[1], s), mx::remainder(in[0], in[1], s)};
}

// MLX takes the size for an even one.
bool is_of_odd_size(const mx::array& traced) {
  auto& fft = static_cast<mx::FFT&>(traced.primitive());
  auto axes = std::get<0>(fft.state());
  bool inverse = std::get<1>(fft.state()), real = std::get<2>(fft.state());
  return inverse && real && traced.shape(axes.back()) % 2 == 1;
}

Arrays compose_irfft(const mx::array& traced) {
  auto places = std::get<0>(state_of<mx::FFT>(traced));
  std::vector<int> axes(places.begin(), places.end());
  auto s = stream_of(traced);
  auto a = traced.inputs()[0];
  auto last = axes.back();
  axes.pop_back();
  if (!axes.empty()) {
    a = mx::fft::ifftn(a, axes, mx::fft::FFTNorm::Backward, s);
  }
  // The other half of the spectrum, which is that of real values.
  auto start = mx::Shape(a.ndim(), 0), step = mx::Shape(a.ndim(), 1);
  auto stop = a.shape();
  start[last] = stop[last] - 1;
  stop[last] = -stop[last];
  step[last] = -1;
  auto rest = mx::conjugate(mx::slice(a, start, stop, step, s), s);
  auto whole = mx::concatenate({a, rest}, last, s);
  return {mx::real(
      mx::fft::ifftn(whole, {last}, mx::fft::FFTNorm::Backward, s), s)};
}

// MLX multiplies the derivative by the value.
Arrays compose_full(const mx::array& traced) {
  return traced.inputs();
}

// MLX takes the matrix for a symmetric one, which the smallest ones other than
// powers of 2 are not.
int smallest_of(int size) {
  while (size % 8 == 0) {
    size /= 2;
  }
  return size;
}

bool is_not_symmetric(const mx::array& traced) {
  return smallest_of(traced.shape(-1)) > 4;
}

Arrays compose_hadamard(const mx::array& traced) {
  auto size = smallest_of(traced.shape(-1));
  auto s = stream_of(traced);
  auto parts = mx::unflatten(traced.inputs()[0], -1, {size, -1}, s);
  auto scale = state_of<mx::Hadamard>(traced);
  parts = mx::swapaxes(mx::hadamard_transform(parts, scale, s), -1, -2, s);
  auto matrix =
      mx::hadamard_transform(mx::eye(size, traced.dtype(), s), 1.0f, s);
  parts = mx::swapaxes(mx::matmul(parts, matrix, s), -1, -2, s);
  return {mx::flatten(parts, -2, -1, s)};
}

mx::array is_zero(const mx::array& a, mx::Stream s) {
  return mx::equal(a, mx::array(0, a.dtype()), s);
}

// MLX forgets to conjugate.
Arrays compose_power(const mx::array& traced) {
  auto& in = traced.inputs();
  auto s = stream_of(traced);
  auto zero = is_zero(in[0], s);
  auto base = mx::where(zero, mx::array(1, traced.dtype()), in[0], s);
  auto power = mx::exp(mx::multiply(in[1], mx::log(base, s), s), s);
  return {mx::where(zero, mx::stop_gradient(traced, s), power, s)};
}

// MLX takes the direction of a complex number for a constant.
Arrays compose_sign(const mx::array& traced) {
  auto& z = traced.inputs()[0];
  auto s = stream_of(traced);
  auto zero = is_zero(z, s);
  auto safe = mx::where(zero, mx::array(1, z.dtype()), z, s);
  auto length = mx::astype(mx::abs(safe, s), z.dtype(), s);
  return {
      mx::where(zero, mx::array(0, z.dtype()), mx::divide(safe, length, s), s)};
}

constexpr bool yes = true, no = false;

constexpr Rule rules[] = {
    {"AddMM", no, yes, has_factors, compose_addmm},
    {"BlockMaskedMM", yes, no, has_traced_masks, compose_block_masked_mm},
    {"CumLogAddExp", yes, no, if_complex, refuse},
    {"CumProd", yes, no, if_complex, refuse},
    {"DivMod", yes, yes, always, compose_divmod},
    {"FFT", no, yes, is_of_odd_size, compose_irfft},
    {"Full", yes, no, always, compose_full},
    {"Hadamard", yes, no, is_not_symmetric, compose_hadamard},
    {"Power", yes, no, if_complex, compose_power},
    {"Sign", yes, yes, if_complex, compose_sign},
};

const Rule* rule_of(const mx::array& a, Derivative derivative) {
  if (!a.has_primitive() || !a.is_tracer()) {
    return nullptr;
  }
  std::string_view name = a.primitive().name();
  for (auto& rule : rules) {
    if (name == rule.operation) {
      bool asked = derivative == Derivative::vjp ? rule.in_vjp : rule.in_jvp;
      return asked && rule.is_wrong(a) ? &rule : nullptr;
    }
  }
  return nullptr;
}

} // namespace

bool has_wrong_derivative(const mx::array& a, Derivative derivative) {
  return rule_of(a, derivative) != nullptr;
}

Arrays with_right_derivatives(Arrays outputs, Derivative derivative) {
  std::unordered_map<std::uintptr_t, mx::array> composed;
  auto replace = [&](mx::array& a) {
    if (auto found = composed.find(a.id()); found != composed.end()) {
      a = found->second;
    }
  };
  in_order(outputs, [&](const mx::array& a) {
    auto traced = a;
    if (!composed.empty()) {
      std::ranges::for_each(traced.inputs(), replace);
    }
    if (auto rule = rule_of(a, derivative)) {
      auto others = rule->composed(a);
      auto all = a.outputs();
      for (size_t i = 0; i < all.size(); i++) {
        composed.insert({all[i].id(), others[i]});
      }
    }
  });
  std::ranges::for_each(outputs, replace);
  return outputs;
}

} // namespace mlxjs::transforms
