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
  return unless_empty(out, s, input, weight);
}

// In as many dimensions as there are strides.
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
