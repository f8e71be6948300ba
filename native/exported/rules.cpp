#include "rules.h"

#include <set>
#include <unordered_set>

#include "../indices.h"
#include "../products.h"

namespace mlxjs::exported {

namespace {

using Arrays = std::vector<mx::array>;
using Ints = std::vector<int>;

const mx::StreamOrDevice cpu = mx::Device(mx::Device::cpu);

void require(bool fits) {
  if (!fits) {
    throw std::invalid_argument("other inputs or another state");
  }
}

void require_axis(int axis, const mx::array& a) {
  require(axis >= 0 && axis < static_cast<int>(a.ndim()));
}

// Axes as MLX keeps them: none negative, in order, each once.
void require_axes(const Ints& axes, size_t ndim) {
  for (size_t i = 0; i < axes.size(); i++) {
    require(axes[i] >= 0 && axes[i] < static_cast<int>(ndim));
    require(i == 0 || axes[i - 1] < axes[i]);
  }
}

void require_integers(const mx::array& a) {
  require(mx::issubdtype(a.dtype(), mx::integer));
}

// Integers within the bounds, as far as they are constants: the others are
// looked at when the function is called.
void require_indices(File& file, const mx::array& a, const Bounds& bounds) {
  require_integers(a);
  if (auto values = file.values_of(a)) {
    each_known(*values, [&](int64_t x) { require(bounds.has(x)); });
  }
}

// The same of matrices in a stack, which MLX takes to be of 32 bits.
void require_matrices(File& file, const mx::array& a, const mx::array& stack) {
  require(a.itemsize() == 4);
  require_indices(file, a, Bounds::of_matrices(stack));
}

// The same of the starts of a part.
void require_starts(
    File& file,
    const mx::array& starts,
    const mx::array& a,
    const Ints& axes,
    const mx::Shape& part) {
  require_integers(starts);
  require(starts.size() == axes.size() && part.size() == a.ndim());
  if (auto values = file.values_of(starts)) {
    size_t i = 0;
    each_known(*values, [&](int64_t x) {
      auto axis = axes[i++];
      require(Bounds::of_part(a.shape(axis), part[axis]).has(x));
    });
  }
}

bool same(const mx::array& a, const mx::array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype();
}

// Outputs like those of MLX's own function.
Verdict like(Arrays expected) {
  return [expected = std::move(expected)](const Arrays& outputs) {
    return std::equal(
        outputs.begin(), outputs.end(), expected.begin(), expected.end(), same);
  };
}

// The same, of a function that uses the inputs as they are: where it would
// convert or broadcast them first, the operation does not take them.
Verdict made(Arrays expected, const Arrays& inputs) {
  auto& first = expected.at(0);
  require(
      first.has_primitive() &&
      std::equal(
          inputs.begin(),
          inputs.end(),
          first.inputs().begin(),
          first.inputs().end(),
          [](auto& a, auto& b) { return a.id() == b.id(); }));
  return like(std::move(expected));
}

using Unary = mx::array (*)(const mx::array&, mx::StreamOrDevice);
using Binary =
    mx::array (*)(const mx::array&, const mx::array&, mx::StreamOrDevice);

template <Unary F>
Verdict unary(File&, const Arrays& in) {
  return made({F(in.at(0), cpu)}, in);
}

template <Binary F>
Verdict binary(File&, const Arrays& in) {
  return made({F(in.at(0), in.at(1), cpu)}, in);
}

Verdict unchanged(File&, const Arrays& in) {
  require(in.size() == 1);
  return like(in);
}

// Functions of an axis.
template <mx::array (*F)(const mx::array&, int, mx::StreamOrDevice)>
Verdict along(File& file, const Arrays& in) {
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  return made({F(in[0], axis, cpu)}, in);
}

template <mx::array (*F)(const mx::array&, int, int, mx::StreamOrDevice)>
Verdict partition(File& file, const Arrays& in) {
  auto kth = file.integer();
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  require(kth >= 0);
  return made({F(in[0], kth, axis, cpu)}, in);
}

Verdict arg_reduce(File& file, const Arrays& in) {
  auto type = file.choice(2);
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  auto& a = in[0];
  return made(
      {type == 0 ? mx::argmin(a, axis, true, cpu)
                 : mx::argmax(a, axis, true, cpu)},
      in);
}

Verdict reduce(File& file, const Arrays& in) {
  using F =
      mx::array (*)(const mx::array&, const Ints&, bool, mx::StreamOrDevice);
  static constexpr F functions[] = {
      mx::all, mx::any, mx::sum, mx::prod, mx::min, mx::max};
  auto type = file.choice(std::size(functions));
  auto axes = file.integers();
  require(in.size() == 1);
  require_axes(axes, in[0].ndim());
  return like({functions[type](in[0], axes, true, cpu)});
}

Verdict scan(File& file, const Arrays& in) {
  using F =
      mx::array (*)(const mx::array&, int, bool, bool, mx::StreamOrDevice);
  static constexpr F functions[] = {
      mx::cummax, mx::cummin, mx::cumsum, mx::cumprod, mx::logcumsumexp};
  auto type = file.choice(std::size(functions));
  auto axis = file.integer();
  auto reverse = file.boolean();
  auto inclusive = file.boolean();
  require_axis(axis, in.at(0));
  return made({functions[type](in[0], axis, reverse, inclusive, cpu)}, in);
}

Verdict bitwise(File& file, const Arrays& in) {
  static constexpr Binary functions[] = {
      mx::bitwise_and,
      mx::bitwise_or,
      mx::bitwise_xor,
      mx::left_shift,
      mx::right_shift};
  auto f = functions[file.choice(std::size(functions))];
  return made({f(in.at(0), in.at(1), cpu)}, in);
}

Verdict log(File& file, const Arrays& in) {
  static constexpr Unary functions[] = {mx::log2, mx::log10, mx::log};
  auto f = functions[file.choice(std::size(functions))];
  return made({f(in.at(0), cpu)}, in);
}

Verdict sqrt(File& file, const Arrays& in) {
  auto reciprocal = file.boolean();
  auto& a = in.at(0);
  return made({reciprocal ? mx::rsqrt(a, cpu) : mx::sqrt(a, cpu)}, in);
}

// Shapes.

Verdict arange(File& file, const Arrays& in) {
  auto start = file.number<double>("a number");
  auto stop = file.number<double>("a number");
  auto step = file.number<double>("a number");
  require(in.empty());
  auto size = std::max(std::ceil((stop - start) / step), 0.0);
  return [=](const Arrays& out) {
    return out.size() == 1 && out[0].ndim() == 1 && out[0].shape(0) == size;
  };
}

Verdict as_strided(File& file, const Arrays& in) {
  auto shape = file.sizes();
  auto strides = file.list<int64_t>();
  auto offset = file.number<uint64_t>("an offset");
  require(in.size() == 1 && shape.size() == strides.size());
  double first = offset, last = offset;
  bool empty = false;
  for (size_t i = 0; i < shape.size(); i++) {
    auto reach = (shape[i] - 1.0) * strides[i];
    (reach < 0 ? first : last) += reach;
    empty |= shape[i] == 0;
  }
  require(empty || (first >= 0 && last < in[0].size()));
  return like({placeholder(shape, in[0].dtype())});
}

Verdict broadcast_to_output(const mx::array& a) {
  return [a](const Arrays& out) {
    return out.size() == 1 &&
        same(mx::broadcast_to(a, out[0].shape(), cpu), out[0]);
  };
}

Verdict broadcast(File& file, const Arrays& in) {
  file.sizes();
  return broadcast_to_output(in.at(0));
}

Verdict broadcast_axes(File& file, const Arrays& in) {
  auto axes = file.integers();
  for (auto& a : in) {
    for (size_t i = 0; i < axes.size(); i++) {
      require(axes[i] < 0 && -axes[i] <= static_cast<int>(a.ndim()));
      require(i == 0 || axes[i - 1] < axes[i]);
    }
  }
  return broadcast_to_output(in.at(0));
}

Verdict concatenate(File& file, const Arrays& in) {
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  return made({mx::concatenate(in, axis, cpu)}, in);
}

Verdict expand_dims(File& file, const Arrays& in) {
  auto axes = file.integers();
  require(in.size() == 1);
  require_axes(axes, in[0].ndim() + axes.size());
  return like({mx::expand_dims(in[0], axes, cpu)});
}

Verdict squeeze(File& file, const Arrays& in) {
  auto axes = file.integers();
  require(in.size() == 1);
  require_axes(axes, in[0].ndim());
  return like({mx::squeeze(in[0], axes, cpu)});
}

Verdict flatten(File& file, const Arrays& in) {
  auto start = file.integer();
  auto end = file.integer();
  require(in.size() == 1 && start <= end);
  require_axis(start, in[0]);
  require_axis(end, in[0]);
  return like({mx::flatten(in[0], start, end, cpu)});
}

Verdict unflatten(File& file, const Arrays& in) {
  auto axis = file.integer();
  auto shape = file.shape();
  require(in.size() == 1);
  require_axis(axis, in[0]);
  return like({mx::unflatten(in[0], axis, shape, cpu)});
}

// Its own shape may leave a dimension open.
Verdict reshape(File& file, const Arrays& in) {
  file.sizes();
  require(in.size() == 1);
  return [a = in[0]](const Arrays& out) {
    return out.size() == 1 && out[0].size() == a.size() &&
        out[0].dtype() == a.dtype();
  };
}

Verdict transpose(File& file, const Arrays& in) {
  auto axes = file.integers();
  require(in.size() == 1);
  for (auto axis : axes) {
    require_axis(axis, in[0]);
  }
  return like({mx::transpose(in[0], axes, cpu)});
}

Verdict pad(File& file, const Arrays& in) {
  auto axes = file.integers();
  auto low = file.shape();
  auto high = file.shape();
  for (auto axis : axes) {
    require_axis(axis, in.at(0));
  }
  require(axes.size() == low.size() && axes.size() == high.size());
  require(in.at(1).ndim() == 0);
  return made({mx::pad(in[0], axes, low, high, in[1], "constant", cpu)}, in);
}

Verdict split(File& file, const Arrays& in) {
  auto indices = file.sizes();
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  return made(mx::split(in[0], indices, axis, cpu), in);
}

// The state keeps a stop of -1 that stands for the place before the first
// element, so it cannot be given to MLX's function again.
Verdict slice(File& file, const Arrays& in) {
  auto start = file.sizes();
  auto stop = file.sizes();
  auto strides = file.sizes();
  require(in.size() == 1 && stop.size() == in[0].ndim());
  return [=, a = in[0]](const Arrays& out) {
    return out.size() == 1 && out[0].dtype() == a.dtype() &&
        lies_within(out[0].shape(), start, strides, a.shape());
  };
}

Verdict slice_update(File& file, const Arrays& in) {
  file.choice(5);
  auto start = file.sizes();
  auto stop = file.sizes();
  auto strides = file.sizes();
  require(in.size() == 2 && in[0].dtype() == in[1].dtype());
  require(stop.size() == in[0].ndim());
  require(lies_within(in[1].shape(), start, strides, in[0].shape()));
  return like({in[0]});
}

Verdict dynamic_slice(File& file, const Arrays& in) {
  auto axes = file.integers();
  auto size = file.shape();
  for (auto axis : axes) {
    require_axis(axis, in.at(0));
  }
  require_starts(file, in.at(1), in.at(0), axes, size);
  return made({mx::slice(in.at(0), in.at(1), axes, size, cpu)}, in);
}

Verdict dynamic_slice_update(File& file, const Arrays& in) {
  auto axes = file.integers();
  for (auto axis : axes) {
    require_axis(axis, in.at(0));
  }
  require_starts(file, in.at(2), in[0], axes, in[1].shape());
  return made({mx::slice_update(in.at(0), in.at(1), in.at(2), axes, cpu)}, in);
}

// Indices.

Verdict gather(File& file, const Arrays& in) {
  auto axes = file.integers();
  auto sizes = file.shape();
  require(!in.empty() && sizes.size() == in[0].ndim());
  Arrays indices(in.begin() + 1, in.end());
  for (size_t i = 0; i < indices.size() && i < axes.size(); i++) {
    require_axis(axes[i], in[0]);
    auto size = in[0].shape(axes[i]);
    auto bounds = Bounds::of_index(size, sizes[axes[i]]);
    require_indices(file, indices[i], bounds);
  }
  return made({mx::gather(in[0], indices, axes, sizes, cpu)}, in);
}

Verdict gather_axis(File& file, const Arrays& in) {
  auto axis = file.integer();
  require_axis(axis, in.at(0));
  require_indices(file, in.at(1), Bounds::of(in[0].shape(axis)));
  return made({mx::take_along_axis(in[0], in[1], axis, cpu)}, in);
}

Verdict scatter(File& file, const Arrays& in) {
  using F = mx::array (*)(
      const mx::array&,
      const Arrays&,
      const mx::array&,
      const Ints&,
      mx::StreamOrDevice);
  static constexpr F functions[] = {
      mx::scatter_max,
      mx::scatter_min,
      mx::scatter_add,
      mx::scatter_prod,
      mx::scatter};
  auto type = file.choice(std::size(functions));
  auto axes = file.integers();
  require(in.size() >= 2);
  Arrays indices(in.begin() + 1, in.end() - 1);
  auto& updates = in.back();
  require(updates.ndim() >= in[0].ndim());
  auto ndim = static_cast<int>(in[0].ndim());
  for (size_t i = 0; i < indices.size() && i < axes.size(); i++) {
    require_axis(axes[i], in[0]);
    auto size = in[0].shape(axes[i]);
    auto bounds = Bounds::of_index(size, updates.shape(axes[i] - ndim));
    require_indices(file, indices[i], bounds);
  }
  return made({functions[type](in[0], indices, in.back(), axes, cpu)}, in);
}

Verdict scatter_axis(File& file, const Arrays& in) {
  auto sums = file.choice(2) == 0;
  auto axis = file.integer();
  require(in.size() == 3);
  require_axis(axis, in[0]);
  require_indices(file, in[1], Bounds::of(in[0].shape(axis)));
  auto f = sums ? mx::scatter_add_axis : mx::put_along_axis;
  return made({f(in[0], in[1], in[2], axis, cpu)}, in);
}

Verdict masked_scatter(File&, const Arrays& in) {
  require(in.size() == 3 && in[0].ndim() > 0 && in[2].ndim() > 0);
  require(in[1].dtype() == mx::bool_ && in[1].shape() == in[0].shape());
  require(in[2].dtype() == in[0].dtype());
  require(in[2].shape(0) == in[0].shape(0));
  return like({in[0]});
}

Verdict searchsorted(File& file, const Arrays& in) {
  auto side = file.boolean() ? "right" : "left";
  return made({mx::searchsorted(in.at(0), in.at(1), side, cpu)}, in);
}

Verdict number_of_elements(File& file, const Arrays& in) {
  auto axes = file.integers();
  file.boolean();
  auto dtype = file.dtype();
  require(in.size() == 1);
  for (auto axis : axes) {
    require_axis(axis, in[0]);
  }
  return like({placeholder({}, dtype)});
}

Verdict depends(File&, const Arrays& in) {
  return [in](const Arrays& out) {
    return out.size() <= in.size() &&
        std::equal(out.begin(), out.end(), in.begin(), same);
  };
}

Verdict random_bits(File& file, const Arrays& in) {
  auto sizes = file.shape();
  auto width = file.integer();
  require(in.size() == 1 && in[0].ndim() > 0 && in[0].dtype() == mx::uint32);
  auto shape = in[0].shape();
  require(shape.back() == 2 && (width == 1 || width == 2 || width == 4));
  shape.pop_back();
  shape.insert(shape.end(), sizes.begin(), sizes.end());
  auto dtype = width == 1 ? mx::uint8 : width == 2 ? mx::uint16 : mx::uint32;
  return like({placeholder(shape, dtype)});
}

// Products.

Verdict addmm(File& file, const Arrays& in) {
  auto alpha = file.real();
  auto beta = file.real();
  require(in.size() == 3);
  return made({mx::addmm(in[2], in[0], in[1], alpha, beta, cpu)}, in);
}

Verdict block_masked_mm(File& file, const Arrays& in) {
  using Maybe = std::optional<mx::array>;
  auto size = file.integer();
  require(in.size() >= 3 && in.size() <= 5);
  Maybe out = in.size() == 4 ? Maybe() : in[2];
  Maybe left = in.size() == 3 ? Maybe() : in[in.size() - 2];
  Maybe right = in.size() == 3 ? Maybe() : in.back();
  return made(
      {mx::block_masked_mm(in[0], in[1], size, out, left, right, cpu)}, in);
}

Verdict gather_mm(File& file, const Arrays& in) {
  file.boolean();
  file.boolean();
  require(in.size() == 4);
  require_matrices(file, in[2], in[0]);
  require_matrices(file, in[3], in[1]);
  return made({mx::gather_mm(in[0], in[1], in[2], in[3], false, cpu)}, in);
}

struct Quantization {
  int group_size;
  int bits;
  bool affine;
  std::string mode;

  explicit Quantization(File& file)
      : group_size(file.integer()),
        bits(file.integer()) {
    static constexpr const char* modes[] = {
        "affine", "mxfp4", "mxfp8", "nvfp4"};
    auto choice = file.choice(std::size(modes));
    affine = choice == 0;
    mode = modes[choice];
    auto one_of = [](int x, std::initializer_list<int> all) {
      return std::find(all.begin(), all.end(), x) != all.end();
    };
    // MLX divides by them.
    require(
        affine ? one_of(group_size, {32, 64, 128}) &&
                one_of(bits, {2, 3, 4, 5, 6, 8})
               : one_of(group_size, {16, 32}) && one_of(bits, {4, 8}));
  }
  // The rows of the scales, which MLX does not compare.
  void require_scales(const mx::array& w, const mx::array& scales) const {
    require(w.ndim() >= 2 && scales.ndim() == w.ndim());
    require(scales.shape(-2) == w.shape(-2));
  }
  std::optional<mx::array> biases(const Arrays& in) const {
    return affine ? std::optional(in.at(3)) : std::nullopt;
  }
};

Verdict quantized_matmul(File& file, const Arrays& in) {
  Quantization q(file);
  auto transposed = file.boolean();
  require(in.size() == (q.affine ? 4 : 3));
  q.require_scales(in[1], in[2]);
  auto out = mx::quantized_matmul(
      in[0],
      in[1],
      in[2],
      q.biases(in),
      transposed,
      q.group_size,
      q.bits,
      q.mode,
      cpu);
  return made({out}, in);
}

Verdict gather_qmm(File& file, const Arrays& in) {
  Quantization q(file);
  auto transposed = file.boolean();
  file.boolean();
  file.boolean();
  auto n = in.size();
  require(n == (q.affine ? 6 : 5));
  q.require_scales(in[1], in[2]);
  require_matrices(file, in[n - 2], in[0]);
  require_matrices(file, in[n - 1], in[1]);
  auto out = mx::gather_qmm(
      in[0],
      in[1],
      in[2],
      q.biases(in),
      in[n - 2],
      in[n - 1],
      transposed,
      q.group_size,
      q.bits,
      q.mode,
      std::nullopt,
      false,
      cpu);
  return made({out}, in);
}

Verdict quantize(File& file, const Arrays& in) {
  Quantization q(file);
  auto back = file.boolean();
  if (!back) {
    require(in.size() == 1);
    return like(
        mx::quantize(in[0], q.group_size, q.bits, q.mode, std::nullopt, cpu));
  }
  require(in.size() == (q.affine ? 3 : 2));
  q.require_scales(in[0], in[1]);
  auto biases = q.affine ? std::optional(in[2]) : std::nullopt;
  return [=](const Arrays& out) {
    auto dtype = out.at(0).dtype();
    auto expected = mx::dequantize(
        in[0],
        in[1],
        biases,
        q.group_size,
        q.bits,
        q.mode,
        std::nullopt,
        dtype,
        cpu);
    return mx::issubdtype(dtype, mx::floating) && like({expected})(out);
  };
}

Verdict convolution(File& file, const Arrays& in) {
  auto strides = file.integers();
  auto low = file.integers();
  auto high = file.integers();
  auto dilation = file.integers();
  auto input_dilation = file.integers();
  auto groups = file.integer();
  auto flip = file.boolean();
  auto n = in.at(0).ndim() - 2;
  require(in[0].ndim() > 2 && groups > 0);
  for (auto list : {&strides, &low, &high, &dilation, &input_dilation}) {
    bool padding = list == &low || list == &high;
    require(list->size() == n);
    for (auto x : *list) {
      require(x >= (padding ? 0 : 1));
    }
  }
  auto out = mx::conv_general(
      in[0],
      in.at(1),
      strides,
      low,
      high,
      dilation,
      input_dilation,
      groups,
      flip,
      cpu);
  return made({out}, in);
}

// Of complex numbers, or from real ones and back, which halves the last axis.
Verdict fft(File& file, const Arrays& in) {
  auto axes = file.list<uint64_t>();
  auto inverse = file.boolean();
  auto real = file.boolean();
  auto odd = file.boolean();
  require(in.size() == 1 && !axes.empty());
  std::set<uint64_t> distinct(axes.begin(), axes.end());
  require(distinct.size() == axes.size() && *distinct.rbegin() < in[0].ndim());
  for (auto axis : axes) {
    require(in[0].shape(axis) > 0);
  }
  auto forth = real && !inverse;
  require(in[0].dtype() == (forth ? mx::float32 : mx::complex64));
  return [=, a = in[0], axis = axes.back()](const Arrays& out) {
    if (out.size() != 1 || out[0].ndim() != a.ndim()) {
      return false;
    }
    auto dtype = real && inverse ? mx::float32 : mx::complex64;
    auto from = a.shape();
    auto to = out[0].shape();
    if (real) {
      auto& half = forth ? to : from;
      auto& whole = forth ? from : to;
      if (whole[axis] < 1 || half[axis] != whole[axis] / 2 + 1 ||
          (inverse && odd != (whole[axis] % 2 == 1))) {
        return false;
      }
      to[axis] = from[axis];
    }
    return out[0].dtype() == dtype && from == to;
  };
}

// Linear algebra.

Verdict cholesky(File& file, const Arrays& in) {
  auto upper = file.boolean();
  return like({mx::linalg::cholesky(in.at(0), upper, cpu)});
}

Verdict inverse(File& file, const Arrays& in) {
  auto triangular = file.boolean();
  auto upper = file.boolean();
  auto& a = in.at(0);
  return like(
      {triangular ? mx::linalg::tri_inv(a, upper, cpu)
                  : mx::linalg::inv(a, cpu)});
}

Verdict qr(File&, const Arrays& in) {
  auto [q, r] = mx::linalg::qr(in.at(0), cpu);
  return like({q, r});
}

Verdict svd(File& file, const Arrays& in) {
  auto vectors = file.boolean();
  return like(mx::linalg::svd(in.at(0), vectors, cpu));
}

Verdict eig(File& file, const Arrays& in) {
  if (file.boolean()) {
    auto [values, vectors] = mx::linalg::eig(in.at(0), cpu);
    return like({values, vectors});
  }
  return like({mx::linalg::eigvals(in.at(0), cpu)});
}

Verdict eigh(File& file, const Arrays& in) {
  auto half = file.text();
  require(half == "L" || half == "U");
  if (file.boolean()) {
    auto [values, vectors] = mx::linalg::eigh(in.at(0), half, cpu);
    return like({values, vectors});
  }
  return like({mx::linalg::eigvalsh(in.at(0), half, cpu)});
}

// Layers, which are single operations on the GPU alone.

// An array, then weights: one number for each entry of its last axis, or one.
void require_weights(const Arrays& in, size_t count) {
  require(in.size() >= 1 + count && in[0].ndim() > 0);
  for (size_t i = 1; i <= count; i++) {
    auto& w = in[i];
    require(w.ndim() == 0 || (w.ndim() == 1 && w.shape(0) == in[0].shape(-1)));
    require(w.dtype() == in[0].dtype());
  }
}

template <size_t weights>
Verdict norm(File& file, const Arrays& in) {
  file.real();
  require(in.size() == 1 + weights);
  require_weights(in, weights);
  return like({in[0]});
}

template <size_t weights>
Verdict norm_vjp(File& file, const Arrays& in) {
  file.real();
  require(in.size() == 2 + weights && same(in[0], in.back()));
  require_weights(in, weights);
  return like(Arrays(in.begin(), in.end() - 1));
}

Verdict rope(File& file, const Arrays& in) {
  auto dims = file.integer();
  file.boolean();
  file.real();
  file.real();
  file.boolean();
  require((in.size() == 2 || in.size() == 3) && in[0].ndim() >= 3);
  require(dims > 0 && dims % 2 == 0 && dims <= in[0].shape(-1));
  require_integers(in[1]);
  require(in[1].size() == 1 || in[1].shape() == mx::Shape{in[0].shape(0)});
  require(in.size() == 2 || in[2].shape() == mx::Shape{dims / 2});
  return like({in[0]});
}

Verdict attention(File& file, const Arrays& in) {
  file.real();
  file.boolean();
  auto sinks = file.boolean();
  auto sums = file.boolean();
  file.boolean();
  auto masks = in.size() - 3 - sinks;
  require(in.size() >= 3 && masks <= 1);
  auto &q = in[0], &k = in[1], &v = in[2];
  require(q.ndim() == 4 && k.ndim() == 4 && v.ndim() == 4);
  require(q.dtype() == k.dtype() && q.dtype() == v.dtype());
  require(q.shape(0) == k.shape(0) && q.shape(0) == v.shape(0));
  require(q.shape(3) == k.shape(3) && k.shape(2) == v.shape(2));
  require(k.shape(1) == v.shape(1) && k.shape(1) > 0);
  require(q.shape(1) % k.shape(1) == 0);
  auto shape = q.shape();
  if (masks == 1) {
    auto scores = shape;
    scores[3] = k.shape(2);
    require(in[3].dtype() == mx::bool_ || in[3].dtype() == q.dtype());
    mx::broadcast_to(in[3], scores, cpu);
  }
  require(!sinks || in.back().shape() == mx::Shape{q.shape(1)});
  shape[3] = v.shape(3);
  Arrays out{placeholder(shape, q.dtype())};
  if (sums) {
    shape[3] = 1;
    out.push_back(placeholder(shape, mx::float32));
  }
  return like(out);
}

// A program for the GPU: what it does to its arrays is its own affair.
Verdict custom_kernel(File& file, const Arrays& in) {
  file.text();
  file.text();
  for (int i = 0; i < 6; i++) {
    require(file.integer() > 0);
  }
  auto inputs = file.count(3);
  for (size_t i = 0; i < 3 * inputs; i++) {
    file.boolean();
  }
  require(inputs == in.size());
  file.boolean();
  if (file.boolean()) {
    file.real();
  }
  for (auto n = file.count(5); n > 0; n--) {
    file.choice(3) == 2 ? file.skip(1, "a boolean") : file.skip(4, "a number");
  }
  file.boolean();
  require(file.integer() >= 0);
  file.choice(3);
  return [](const Arrays& out) { return !out.empty(); };
}

} // namespace

const std::unordered_map<std::string, Rule>& rules() {
  static const std::unordered_map<std::string, Rule> all{
      {"Abs", unchanged},
      {"Add", binary<mx::add>},
      {"AddMM", addmm},
      {"Arange", arange},
      {"ArcCos", unary<mx::arccos>},
      {"ArcCosh", unary<mx::arccosh>},
      {"ArcSin", unary<mx::arcsin>},
      {"ArcSinh", unary<mx::arcsinh>},
      {"ArcTan", unary<mx::arctan>},
      {"ArcTan2", binary<mx::arctan2>},
      {"ArcTanh", unary<mx::arctanh>},
      {"ArgPartition", partition<mx::argpartition>},
      {"ArgReduce", arg_reduce},
      {"ArgSort", along<mx::argsort>},
      {"AsType",
       [](File& file, const Arrays& in) {
         require(in.size() == 1);
         return like({placeholder(in[0].shape(), file.dtype())});
       }},
      {"AsStrided", as_strided},
      {"BitwiseBinary", bitwise},
      {"BlockMaskedMM", block_masked_mm},
      {"Broadcast", broadcast},
      {"BroadcastAxes", broadcast_axes},
      {"Ceil", unary<mx::ceil>},
      {"Concatenate", concatenate},
      {"Conjugate", unary<mx::conjugate>},
      {"Convolution", convolution},
      {"Copy", unchanged},
      {"Cos", unary<mx::cos>},
      {"Cosh", unary<mx::cosh>},
      {"Depends", depends},
      {"Divide", binary<mx::divide>},
      {"DivMod",
       [](File&, const Arrays& in) {
         return made(mx::divmod(in.at(0), in.at(1), cpu), in);
       }},
      {"DynamicSlice", dynamic_slice},
      {"DynamicSliceUpdate", dynamic_slice_update},
      {"Equal",
       [](File& file, const Arrays& in) {
         file.boolean();
         return binary<mx::equal>(file, in);
       }},
      {"Erf", unary<mx::erf>},
      {"ErfInv", unary<mx::erfinv>},
      {"Exp", unary<mx::exp>},
      {"Expm1", unary<mx::expm1>},
      {"ExpandDims", expand_dims},
      {"FFT", fft},
      {"Flatten", flatten},
      {"Floor", unary<mx::floor>},
      {"FloorDivide", binary<mx::floor_divide>},
      {"Full", unchanged},
      {"Gather", gather},
      {"GatherAxis", gather_axis},
      {"GatherMM", gather_mm},
      {"Greater", binary<mx::greater>},
      {"GreaterEqual", binary<mx::greater_equal>},
      {"Hadamard",
       [](File& file, const Arrays& in) {
         auto scale = file.real();
         require(has_hadamard_matrix(in.at(0)));
         return made({mx::hadamard_transform(in.at(0), scale, cpu)}, in);
       }},
      {"Imag", unary<mx::imag>},
      {"Less", binary<mx::less>},
      {"LessEqual", binary<mx::less_equal>},
      {"Log", log},
      {"Log1p", unary<mx::log1p>},
      {"LogicalNot", unary<mx::logical_not>},
      {"LogicalAnd", binary<mx::logical_and>},
      {"LogicalOr", binary<mx::logical_or>},
      {"LogAddExp", binary<mx::logaddexp>},
      {"LogSumExp",
       [](File&, const Arrays& in) {
         return made({mx::logsumexp(in.at(0), -1, true, cpu)}, in);
       }},
      {"MaskedScatter", masked_scatter},
      {"Matmul", binary<mx::matmul>},
      {"Maximum", binary<mx::maximum>},
      {"Minimum", binary<mx::minimum>},
      {"Multiply", binary<mx::multiply>},
      {"Negative", unary<mx::negative>},
      {"NotEqual", binary<mx::not_equal>},
      {"Reshape", reshape},
      {"NumberOfElements", number_of_elements},
      {"Pad", pad},
      {"Partition", partition<mx::partition>},
      {"Power", binary<mx::power>},
      {"QuantizedMatmul", quantized_matmul},
      {"GatherQMM", gather_qmm},
      {"RandomBits", random_bits},
      {"Real", unary<mx::real>},
      {"Remainder", binary<mx::remainder>},
      {"Reduce", reduce},
      {"Round", unary<mx::round>},
      {"Scan", scan},
      {"Scatter", scatter},
      {"ScatterAxis", scatter_axis},
      {"SearchSorted", searchsorted},
      {"Select",
       [](File&, const Arrays& in) {
         require(in.size() == 3);
         return made({mx::where(in[0], in[1], in[2], cpu)}, in);
       }},
      {"Sigmoid", unary<mx::sigmoid>},
      {"Sign", unary<mx::sign>},
      {"Sin", unary<mx::sin>},
      {"Sinh", unary<mx::sinh>},
      {"Slice", slice},
      {"SliceUpdate", slice_update},
      {"Softmax",
       [](File& file, const Arrays& in) {
         auto precise = file.boolean();
         return made({mx::softmax(in.at(0), -1, precise, cpu)}, in);
       }},
      {"Sort", along<mx::sort>},
      {"Split", split},
      {"Square", unary<mx::square>},
      {"Squeeze", squeeze},
      {"Sqrt", sqrt},
      {"StopGradient", unchanged},
      {"Subtract", binary<mx::subtract>},
      {"Tan", unary<mx::tan>},
      {"Tanh", unary<mx::tanh>},
      {"View",
       [](File& file, const Arrays& in) {
         auto dtype = file.dtype();
         require(in.size() == 1);
         return like({mx::view(in[0], dtype, cpu)});
       }},
      {"Transpose", transpose},
      {"Unflatten", unflatten},
      {"QRF", qr},
      {"SVD", svd},
      {"Inverse", inverse},
      {"Cholesky", cholesky},
      {"Eig", eig},
      {"Eigh", eigh},
      {"Quantize", quantize},
      {"RMSNorm", norm<1>},
      {"RMSNormVJP", norm_vjp<1>},
      {"LayerNorm", norm<2>},
      {"LayerNormVJP", norm_vjp<2>},
      {"RoPE", rope},
      {"ScaledDotProductAttention", attention},
      {"CustomKernel", custom_kernel}};
  return all;
}

} // namespace mlxjs::exported
