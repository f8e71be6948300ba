#include <algorithm>

#include "../bind.h"
#include "../empty.h"

namespace mlxjs {

namespace {

using Sizes = std::vector<int>;

// MLX divides by the number of groups.
void check_groups(int groups) {
  if (groups < 1) {
    throw RangeError(
        "[conv] groups: expected a positive integer, received " +
        std::to_string(groups));
  }
}

bool is_int(int64_t x) {
  return x == static_cast<int>(x);
}

// As many zeros between the elements along an axis as a dilation has.
mx::array dilated(const mx::array& a, int axis, int dilation, mx::Stream s) {
  auto out = mx::expand_dims(a, axis + 1, s);
  auto zero = mx::array(0, a.dtype());
  out = mx::pad(out, {axis + 1}, {0}, {dilation - 1}, zero, "constant", s);
  out = mx::flatten(out, axis, axis + 1, s);
  auto stop = out.shape();
  stop[axis] -= dilation - 1;
  return mx::slice(out, mx::Shape(stop.size(), 0), stop, s);
}

// Takes away from both ends of an axis, or adds zeros where that is negative.
mx::array
trimmed(const mx::array& a, int axis, int low, int high, mx::Stream s) {
  auto zero = mx::array(0, a.dtype());
  auto out = mx::pad(
      a,
      {axis},
      {std::max(-low, 0)},
      {std::max(-high, 0)},
      zero,
      "constant",
      s);
  auto start = mx::Shape(out.ndim(), 0);
  auto stop = out.shape();
  start[axis] = std::max(low, 0);
  stop[axis] -= std::max(high, 0);
  return mx::slice(out, start, stop, s);
}

// Where the input is dilated, MLX takes negative padding for a number of
// elements before the dilation, and the gradients come to negative padding if
// there is more of it than the kernel reaches, or if a stride leaves a rest. So
// it gets the other cases only: what the kernel reaches of the padding, or an
// input that is dilated already.
mx::array convolved(
    mx::array input,
    const mx::array& weight,
    Sizes stride,
    Sizes padding_lo,
    Sizes padding_hi,
    Sizes kernel_dilation,
    Sizes input_dilation,
    int groups,
    bool flip,
    mx::StreamOrDevice device) {
  auto s = mx::to_stream(device);
  auto axes = input.ndim() < 2 ? 0 : input.ndim() - 2;
  bool is_dilated =
      std::ranges::any_of(input_dilation, [](int n) { return n != 1; });
  // MLX says what is wrong with others.
  bool regular = is_dilated && weight.ndim() == input.ndim() &&
      input.size() > 0 && weight.size() > 0;
  if (regular) {
    for (auto sizes :
         {&stride,
          &padding_lo,
          &padding_hi,
          &kernel_dilation,
          &input_dilation}) {
      if (sizes->size() == 1) {
        sizes->resize(axes, sizes->at(0));
      }
      regular = regular && sizes->size() == axes;
    }
  }
  // How far the kernel reaches, and how far it can be moved.
  std::vector<int64_t> reaches, spans;
  for (size_t i = 0; regular && i < axes; i++) {
    int64_t dilation = input_dilation[i], size = input.shape(i + 1);
    reaches.push_back(int64_t{kernel_dilation[i]} * (weight.shape(i + 1) - 1));
    spans.push_back(
        (size - 1) * dilation + padding_lo[i] + padding_hi[i] - reaches[i]);
    regular = stride[i] > 0 && dilation > 0 && reaches[i] >= 0 &&
        spans[i] >= 0 && is_int(reaches[i]) && is_int(spans[i]) &&
        is_int(size * dilation);
  }
  Sizes low(regular ? axes : 0, 0), high = low;
  for (size_t i = 0; i < low.size(); i++) {
    auto& lo = padding_lo[i];
    auto& hi = padding_hi[i];
    auto reach = static_cast<int>(reaches[i]);
    if (input_dilation[i] == 1) {
      continue;
    }
    if (stride[i] == 1) {
      low[i] = std::clamp(lo, 0, reach) - lo;
      high[i] = std::clamp(hi, 0, reach) - hi;
      lo += low[i];
      hi += high[i];
    } else if (
        std::min(lo, hi) < 0 || std::max(lo, hi) > reach ||
        spans[i] % stride[i] != 0) {
      input = dilated(input, i + 1, input_dilation[i], s);
      input_dilation[i] = 1;
    }
  }
  auto out = mx::conv_general(
      input,
      weight,
      std::move(stride),
      std::move(padding_lo),
      std::move(padding_hi),
      std::move(kernel_dilation),
      std::move(input_dilation),
      groups,
      flip,
      s);
  for (size_t i = 0; i < low.size(); i++) {
    if (low[i] != 0 || high[i] != 0) {
      out = trimmed(out, i + 1, low[i], high[i], s);
    }
  }
  return unless_empty(out, s, input, weight);
}

mx::array conv_general(
    const mx::array& input,
    const mx::array& weight,
    Sizes stride,
    Sizes padding_lo,
    Sizes padding_hi,
    Sizes kernel_dilation,
    Sizes input_dilation,
    int groups,
    bool flip,
    mx::StreamOrDevice s) {
  check_groups(groups);
  return convolved(
      input,
      weight,
      std::move(stride),
      std::move(padding_lo),
      std::move(padding_hi),
      std::move(kernel_dilation),
      std::move(input_dilation),
      groups,
      flip,
      s);
}

// The transposed convolution, in as many dimensions as there are strides.
mx::array transposed(
    const mx::array& input,
    const mx::array& weight,
    const Sizes& stride,
    const Sizes& padding,
    const Sizes& dilation,
    const Sizes& output_padding,
    int groups,
    mx::StreamOrDevice s) {
  switch (stride.size()) {
    case 1:
      return mx::conv_transpose1d(
          input,
          weight,
          stride[0],
          padding.at(0),
          dilation.at(0),
          output_padding.at(0),
          groups,
          s);
    case 2: {
      auto pair = [](const Sizes& x) { return std::pair(x.at(0), x.at(1)); };
      return mx::conv_transpose2d(
          input,
          weight,
          pair(stride),
          pair(padding),
          pair(dilation),
          pair(output_padding),
          groups,
          s);
    }
    case 3: {
      auto triple = [](const Sizes& x) {
        return std::tuple(x.at(0), x.at(1), x.at(2));
      };
      return mx::conv_transpose3d(
          input,
          weight,
          triple(stride),
          triple(padding),
          triple(dilation),
          triple(output_padding),
          groups,
          s);
    }
    default:
      throw RangeError("Expected one to three strides.");
  }
}

mx::array conv_transpose(
    const mx::array& input,
    const mx::array& weight,
    Sizes stride,
    Sizes padding,
    Sizes dilation,
    Sizes output_padding,
    int groups,
    mx::StreamOrDevice s) {
  check_groups(groups);
  auto axes = stride.size();
  if (input.ndim() == axes + 2 && weight.ndim() == axes + 2 &&
      std::ranges::max(stride) > 1) {
    // As MLX does it, but with the convolution of this file.
    Sizes padding_lo, padding_hi;
    for (size_t i = 0; i < axes; i++) {
      auto lo =
          int64_t{dilation.at(i)} * (weight.shape(i + 1) - 1) - padding.at(i);
      auto hi = lo + output_padding.at(i);
      if (!is_int(lo) || !is_int(hi)) {
        throw RangeError("[conv_transpose] Expected 32-bit padding.");
      }
      padding_lo.push_back(lo);
      padding_hi.push_back(hi);
    }
    return convolved(
        input,
        weight,
        Sizes(axes, 1),
        std::move(padding_lo),
        std::move(padding_hi),
        std::move(dilation),
        std::move(stride),
        groups,
        true,
        s);
  }
  auto out = transposed(
      input, weight, stride, padding, dilation, output_padding, groups, s);
  return unless_empty(out, s, input, weight);
}

// Of two vectors, the shorter one being the filter.
mx::array convolve(
    const mx::array& a,
    const mx::array& v,
    std::string mode,
    mx::StreamOrDevice s) {
  if (a.ndim() != 1 || v.ndim() != 1 || a.size() == 0 || v.size() == 0) {
    throw std::invalid_argument(
        "[convolve] Expected two vectors that are not empty.");
  }
  auto& longer = a.size() < v.size() ? v : a;
  auto& shorter = a.size() < v.size() ? a : v;
  int n = shorter.shape(0);
  int lo = 0;
  int hi = 0;
  if (mode == "full") {
    lo = hi = n - 1;
  } else if (mode == "same") {
    lo = n / 2;
    hi = (n - 1) / 2;
  }
  auto out = mx::conv_general(
      mx::reshape(longer, {1, -1, 1}, s),
      mx::reshape(shorter, {1, -1, 1}, s),
      {1},
      {lo},
      {hi},
      {1},
      {1},
      1,
      true,
      s);
  return mx::reshape(out, {-1}, s);
}

} // namespace

const std::vector<Binding> convolution{
    LOCAL(conv_general),
    LOCAL(conv_transpose),
    LOCAL(convolve),
};

} // namespace mlxjs
