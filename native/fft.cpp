#include "bind.h"
#include "empty.h"
#include "indices.h"

namespace mlxjs {

namespace {

using Axes = std::optional<std::vector<int>>;
using Norm = mx::fft::FFTNorm;

// In the order of lib/core/fft.ts.
Norm norm_of(int id) {
  switch (id) {
    case 1:
      return Norm::Ortho;
    case 2:
      return Norm::Forward;
    default:
      return Norm::Backward;
  }
}

using Transform = mx::array (*)(
    const mx::array&,
    const mx::Shape&,
    const std::vector<int>&,
    Norm,
    mx::StreamOrDevice);

// Over all axes where none are given. The sizes that are not given are those
// of the array; irfftn's last one is that of a result of even size.
template <Transform F>
mx::array transform(
    const mx::array& a,
    std::optional<mx::Shape> sizes,
    Axes axes,
    int norm,
    mx::StreamOrDevice s) {
  if (!axes) {
    axes.emplace();
    for (size_t i = 0; i < a.ndim(); i++) {
      axes->push_back(i);
    }
  }
  if (!sizes) {
    sizes.emplace();
    for (auto axis : *axes) {
      auto found = find_axis(a, axis);
      if (found < 0) {
        std::ostringstream msg;
        msg << "[fftn] axes: expected axes of an array with " << a.ndim()
            << " dimensions, received " << axis;
        throw RangeError(msg.str());
      }
      sizes->push_back(a.shape(found));
    }
    if (F == static_cast<Transform>(&mx::fft::irfftn) && !sizes->empty()) {
      sizes->back() = (sizes->back() - 1) * 2;
    }
  }
  // MLX multiplies the dimensions without looking out for overflow.
  double size = std::max<size_t>(a.size(), 1);
  for (auto n : *sizes) {
    size *= std::max(n, 1);
  }
  if (size >= 9223372036854775808.0) {
    throw RangeError("[fftn] s: expected a result of less than 2^63 elements.");
  }
  return unless_empty(F(a, *sizes, *axes, norm_of(norm), s), s, a);
}

mx::array fft_fftshift(const mx::array& a, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::fft::fftshift(a, *axes, s) : mx::fft::fftshift(a, s);
}

mx::array fft_ifftshift(const mx::array& a, Axes axes, mx::StreamOrDevice s) {
  return axes ? mx::fft::ifftshift(a, *axes, s) : mx::fft::ifftshift(a, s);
}

// An integer travels as a list of one where it may be absent.
using Integer = std::optional<std::vector<int>>;

std::optional<int> value_of(const Integer& x) {
  return x ? std::optional(x->at(0)) : std::nullopt;
}

mx::array fft_stft(
    const mx::array& x,
    int n_fft,
    Integer hop_length,
    Integer win_length,
    std::optional<mx::array> window,
    bool center,
    std::string pad_mode,
    int norm,
    bool onesided,
    mx::StreamOrDevice s) {
  auto out = mx::fft::stft(
      x,
      n_fft,
      value_of(hop_length),
      value_of(win_length),
      window,
      center,
      pad_mode,
      norm_of(norm),
      onesided,
      s);
  return unless_empty(out, s, x);
}

mx::array fft_istft(
    const mx::array& x,
    Integer n_fft,
    Integer hop_length,
    Integer win_length,
    std::optional<mx::array> window,
    bool center,
    int norm,
    bool onesided,
    Integer length,
    mx::StreamOrDevice s) {
  auto out = mx::fft::istft(
      x,
      value_of(n_fft),
      value_of(hop_length),
      value_of(win_length),
      window,
      center,
      norm_of(norm),
      onesided,
      value_of(length),
      s);
  return unless_empty(out, s, x);
}

} // namespace

#define TRANSFORM(name) \
  bind<&transform<static_cast<Transform>(&mx::fft::name)>>("fft_" #name)
// An MLX function as it is.
#define FFT(type, name) bind<static_cast<type>(&mx::fft::name)>("fft_" #name)

using Frequencies = mx::array (*)(int, double, mx::StreamOrDevice);

const std::vector<Binding> fft_bindings{
    TRANSFORM(fftn),
    TRANSFORM(ifftn),
    TRANSFORM(rfftn),
    TRANSFORM(irfftn),
    FFT(Frequencies, fftfreq),
    FFT(Frequencies, rfftfreq),
    LOCAL(fft_fftshift),
    LOCAL(fft_ifftshift),
    LOCAL(fft_stft),
    LOCAL(fft_istft),
};

} // namespace mlxjs
