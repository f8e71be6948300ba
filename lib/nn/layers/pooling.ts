/** Layers that take the largest number or the mean of windows. Channels come last. */
import { outOfRange } from "../../core/call/errors.js";
import { asCount, asLength } from "../../core/call/numbers.js";
import { nullable, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { checkShape } from "../layer.js";
import { Module } from "../module.js";
import { asSizes, type Sizes, settingsText, sizes, spatialAxes } from "./spatial.js";

/** Options of pooling layers; `Size` is a number, or also a list of one for each dimension. */
export interface PoolOptions<Size> {
  /** How far the window moves from one place to the next. By default `kernelSize`. */
  stride?: Size | null | undefined;
  /**
   * How many numbers surround the input at either end: minus infinity for the maximum; zeros, which
   * count, for the mean. By default none.
   */
  padding?: Size | undefined;
}

const read1d = optionsOf<PoolOptions<number | Sizes<1>>>()("MaxPool1d", {
  stride: nullable(sizes(1, asCount)),
  padding: sizes(1, asLength, 0),
});

const read2d = optionsOf<PoolOptions<number | Sizes<2>>>()("MaxPool2d", {
  stride: nullable(sizes(2, asCount)),
  padding: sizes(2, asLength, 0),
});

const read3d = optionsOf<PoolOptions<number | Sizes<3>>>()("MaxPool3d", {
  stride: nullable(sizes(3, asCount)),
  padding: sizes(3, asLength, 0),
});

/**
 * The windows of an input, and the axes on which their elements are. If the windows tile the input,
 * it only has to be reshaped.
 */
function windowsOf(
  x: mx.array,
  kernelSize: readonly number[],
  stride: readonly number[],
  fn: string,
): [windows: mx.array, axes: number[]] {
  const { shape } = x;
  const places = kernelSize.map((size, i) => {
    const n = shape[i + 1] as number;
    return Math.floor((n - size) / (stride[i] as number)) + 1;
  });
  if (places.some((n) => n < 0)) {
    throw outOfRange(fn, "x", `at least ${kernelSize.join(" x ")} elements in a channel`, shape);
  }
  const whole = (size: number, i: number) =>
    size === stride[i] && (places[i] as number) * size === shape[i + 1];
  const [batch, channels] = [shape[0] as number, shape.at(-1) as number];
  if (kernelSize.every(whole)) {
    const tiles = kernelSize.flatMap((size, i) => [places[i] as number, size]);
    return [x.reshape([batch, ...tiles, channels]), kernelSize.map((_, i) => 2 * i + 2)];
  }
  const steps = shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1));
  const between = steps.slice(1, -1);
  const strides = [
    steps[0] as number,
    ...between.map((step, i) => step * (stride[i] as number)),
    ...between,
    1,
  ];
  return [
    mx.asStrided(x, [batch, ...places, ...kernelSize, channels], { strides }),
    kernelSize.map((_, i) => kernelSize.length + 1 + i),
  ];
}

/** The least number of a dtype. */
function lowest(dtype: mx.Dtype): number | bigint | boolean {
  if (mx.issubdtype(dtype, mx.inexact)) {
    return Number.NEGATIVE_INFINITY;
  }
  return dtype === mx.bool ? false : mx.iinfo(dtype).min;
}

/** The base of all pooling layers. */
class Pool<Dimensions extends 1 | 2 | 3> extends Module {
  readonly #fn: string;
  readonly #kind: "max" | "mean";
  readonly #kernelSize: Sizes<Dimensions>;
  readonly #stride: Sizes<Dimensions>;
  readonly #padding: Sizes<Dimensions>;

  constructor(
    fn: string,
    kind: "max" | "mean",
    dimensions: Dimensions,
    kernelSize: number | Sizes<Dimensions>,
    { stride, padding }: { stride: Sizes<Dimensions> | null; padding: Sizes<Dimensions> },
  ) {
    super();
    this.#fn = fn;
    this.#kind = kind;
    this.#kernelSize = asSizes(kernelSize, dimensions, asCount, fn, "kernelSize");
    this.#stride = stride ?? this.#kernelSize;
    this.#padding = padding;
  }

  // Getters: lists that are fields would be among the parameters.

  /** The size of the window. */
  get kernelSize(): Sizes<Dimensions> {
    return this.#kernelSize;
  }

  /** How far the window moves from one place to the next. */
  get stride(): Sizes<Dimensions> {
    return this.#stride;
  }

  /** How much surrounds the input at either end. */
  get padding(): Sizes<Dimensions> {
    return this.#padding;
  }

  forward(x: mx.array): mx.array {
    const fn = `${this.#fn}.forward`;
    checkShape(x, fn, "x", spatialAxes(this.#kernelSize.length));
    const [windows, axes] = windowsOf(this.#pad(x), this.#kernelSize, this.#stride, fn);
    return windows[this.#kind](axes);
  }

  #pad(x: mx.array): mx.array {
    if (this.#padding.every((n) => n === 0)) {
      return x;
    }
    const around = [0, ...this.#padding, 0].map((n): [number, number] => [n, n]);
    const constantValues = this.#kind === "max" ? lowest(x.dtype) : 0;
    return mx.pad(x, around, { constantValues });
  }

  protected override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return settingsText({ kernelSize, stride, padding });
  }
}

/**
 * The largest number of each window of `kernelSize` numbers, in each channel of
 * sequences (N, L, C). The result is (N, L', C) with
 *
 * `L' = floor((L + 2 padding - kernelSize) / stride) + 1`.
 *
 * Numbers at the end that fill no window are left out. Ranzato et al.,
 * "Unsupervised Learning of Invariant Feature Hierarchies with Applications to
 * Object Recognition", 2007.
 *
 * @example
 * new nn.MaxPool1d(2).forward(mx.array([[[1], [5], [2], [3]]])).flatten()
 * // array([5, 3], dtype=float32)
 */
export class MaxPool1d extends Pool<1> {
  constructor(kernelSize: number | Sizes<1>, options?: PoolOptions<number | Sizes<1>>) {
    super("MaxPool1d", "max", 1, kernelSize, read1d(options, "MaxPool1d"));
  }
}

/**
 * The largest number of each window of `kernelSize` numbers, in each channel of
 * images (N, H, W, C). The result is (N, H', W', C); the sizes follow from {@link
 * MaxPool1d}'s formula. Ranzato et al., "Unsupervised Learning of Invariant
 * Feature Hierarchies with Applications to Object Recognition", 2007.
 *
 * @example
 * const x = mx.arange(16).reshape([1, 4, 4, 1]);
 * new nn.MaxPool2d(2).forward(x).squeeze()
 * // array([[5, 7],
 * //        [13, 15]], dtype=int32)
 */
export class MaxPool2d extends Pool<2> {
  constructor(kernelSize: number | Sizes<2>, options?: PoolOptions<number | Sizes<2>>) {
    super("MaxPool2d", "max", 2, kernelSize, read2d(options, "MaxPool2d"));
  }
}

/**
 * The largest number of each window of `kernelSize` numbers, in each channel of
 * volumes or films (N, D, H, W, C). The result is (N, D', H', W', C); the sizes
 * follow from {@link MaxPool1d}'s formula. Ranzato et al., "Unsupervised Learning
 * of Invariant Feature Hierarchies with Applications to Object Recognition", 2007.
 *
 * @example
 * const pool = new nn.MaxPool3d([1, 2, 2], { padding: [0, 1, 1] });
 * pool.forward(mx.ones([1, 3, 4, 6, 2])).shape
 * // [ 1, 3, 3, 4, 2 ]
 */
export class MaxPool3d extends Pool<3> {
  constructor(kernelSize: number | Sizes<3>, options?: PoolOptions<number | Sizes<3>>) {
    super("MaxPool3d", "max", 3, kernelSize, read3d(options, "MaxPool3d"));
  }
}

/**
 * The mean of each window of `kernelSize` numbers, in each channel of sequences
 * (N, L, C). The result is (N, L', C) with
 *
 * `L' = floor((L + 2 padding - kernelSize) / stride) + 1`.
 *
 * Zeros of the padding count like other numbers. LeCun et al., "Gradient-Based
 * Learning Applied to Document Recognition", 1998.
 *
 * @example
 * new nn.AvgPool1d(2, { stride: 1 }).forward(mx.array([[[1], [5], [2], [3]]])).flatten()
 * // array([3, 3.5, 2.5], dtype=float32)
 */
export class AvgPool1d extends Pool<1> {
  constructor(kernelSize: number | Sizes<1>, options?: PoolOptions<number | Sizes<1>>) {
    super("AvgPool1d", "mean", 1, kernelSize, read1d(options, "AvgPool1d"));
  }
}

/**
 * The mean of each window of `kernelSize` numbers, in each channel of images (N,
 * H, W, C). The result is (N, H', W', C); the sizes follow from {@link
 * AvgPool1d}'s formula. LeCun et al., "Gradient-Based Learning Applied to Document
 * Recognition", 1998.
 *
 * @example
 * const x = mx.arange(16).reshape([1, 4, 4, 1]);
 * new nn.AvgPool2d([4, 2]).forward(x).squeeze()
 * // array([6.5, 8.5], dtype=float32)
 */
export class AvgPool2d extends Pool<2> {
  constructor(kernelSize: number | Sizes<2>, options?: PoolOptions<number | Sizes<2>>) {
    super("AvgPool2d", "mean", 2, kernelSize, read2d(options, "AvgPool2d"));
  }
}

/**
 * The mean of each window of `kernelSize` numbers, in each channel of volumes or
 * films (N, D, H, W, C). The result is (N, D', H', W', C); the sizes follow from
 * {@link AvgPool1d}'s formula. LeCun et al., "Gradient-Based Learning Applied to
 * Document Recognition", 1998.
 *
 * @example
 * const pool = new nn.AvgPool3d(2, { stride: [1, 2, 2] });
 * pool.forward(mx.ones([1, 3, 4, 6, 2])).shape
 * // [ 1, 2, 2, 3, 2 ]
 */
export class AvgPool3d extends Pool<3> {
  constructor(kernelSize: number | Sizes<3>, options?: PoolOptions<number | Sizes<3>>) {
    super("AvgPool3d", "mean", 3, kernelSize, read3d(options, "AvgPool3d"));
  }
}
