/** Larger and smaller images: nearest neighbours, linear and cubic interpolation. Channels come last. */

import { elements, isList } from "../../core/call/arguments.js";
import { outOfRange } from "../../core/call/errors.js";
import { asPositive } from "../../core/call/numbers.js";
import { flag, oneOf, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { checkShape } from "../layer.js";
import { Module } from "../module.js";
import { settingsText } from "./spatial.js";

/** Options of `upsampleLinear` and `upsampleCubic`. */
export interface InterpolationOptions {
  /**
   * Whether the centers of the outermost elements stay aligned, rather than their outer edges. By
   * default false.
   */
  alignCorners?: boolean | undefined;
  /**
   * Whether each element of a smaller result is a mean of all the elements that it covers. Not
   * together with `alignCorners`. By default false.
   */
  antialias?: boolean | undefined;
}

/** Options of {@link Upsample}. */
export interface UpsampleOptions extends InterpolationOptions {
  /** How new elements are computed from their neighbours. By default `"nearest"`. */
  mode?: "nearest" | "linear" | "cubic" | undefined;
}

const interpolation = { alignCorners: flag(false), antialias: flag(false) };

const readInterpolation = optionsOf<InterpolationOptions>()("upsampleLinear", interpolation);

const readUpsample = optionsOf<UpsampleOptions>()("Upsample", {
  mode: oneOf(["nearest", "linear", "cubic"], "nearest"),
  ...interpolation,
});

interface Interpolation {
  readonly alignCorners: boolean;
  readonly antialias: boolean;
}

function checkInterpolation<T extends Interpolation>(options: T, fn: string): T {
  if (options.alignCorners && options.antialias) {
    throw outOfRange(fn, "antialias", "false where alignCorners is true", true);
  }
  return options;
}

function asScale(value: unknown, fn: string, param: string): number {
  const scale = asPositive(value, fn, param);
  if (scale === Number.POSITIVE_INFINITY) {
    throw outOfRange(fn, param, "a finite number", value);
  }
  return scale;
}

function asScales(value: unknown, fn: string): readonly number[] {
  const all = elements(value, "a list of numbers", fn, "scaleFactor");
  return Object.freeze(all.map((x) => asScale(x, fn, "scaleFactor")));
}

/** Checks that there is a scale for each spatial dimension of an input. */
function checkScales(x: mx.array, scales: readonly number[], fn: string): void {
  checkShape(x, fn, "x", ["N", "L", "...", "C"]);
  if (x.ndim - 2 !== scales.length) {
    throw outOfRange(fn, "scaleFactor", `${x.ndim - 2} numbers for this input`, scales);
  }
}

/** The length of an axis in the result. */
function scaled(n: number, scale: number): number {
  return Math.trunc(scale * n);
}

/**
 * Resizes one spatial axis after the other: the function gets the array, the axis, its length and
 * its scale.
 */
function alongAxes(
  x: mx.array,
  scales: readonly number[],
  resize: (x: mx.array, axis: number, n: number, scale: number) => mx.array,
): mx.array {
  return scales.reduce((y, scale, i) => resize(y, i + 1, y.dim(i + 1), scale), x);
}

/** For each element of the result, the index of the element that it copies. */
function nearestIndices(n: number, scale: number): mx.array {
  const m = scaled(n, scale);
  const indices = mx.arange(0, m, 1, mx.float32);
  const step = n / m;
  const nearest =
    m > n ? indices.add(0.5).multiply(step).subtract(0.5).round() : indices.multiply(step);
  return nearest.astype(mx.uint32);
}

/** For each element of the result, its position among the input's elements. */
function positions(n: number, scale: number, alignCorners: boolean): mx.array {
  const m = scaled(n, scale);
  const indices = mx.arange(0, m, 1, mx.float32);
  return alignCorners
    ? indices.multiply((n - 1) / Math.max(m - 1, 1))
    : indices.divide(scale).subtract(((m - 1) / scale - n + 1) / 2);
}

/** How much an element counts, by its distance: nothing from `radius` on. */
interface Kernel {
  readonly radius: number;
  weight(distance: mx.array): mx.array;
}

const triangle: Kernel = {
  radius: 1,
  weight: (x) => mx.maximum(mx.subtract(1, x), 0),
};

/** Keys' kernel, whose slope at distance 1 is `a`. */
function cubic(a: number): Kernel {
  return {
    radius: 2,
    weight(x) {
      const factor = x.multiply(a + 2).subtract(a + 3);
      const near = factor.multiply(x).multiply(x).add(1);
      const far = x.subtract(5).multiply(x).add(8).multiply(x).subtract(4).multiply(a);
      return mx.where(x.lessEqual(1), near, mx.where(x.lessEqual(2), far, 0));
    },
  };
}

/** Along an axis, sums of elements times their weights. */
function interpolate(
  x: mx.array,
  axis: number,
  n: number,
  scale: number,
  { radius, weight }: Kernel,
  { alignCorners, antialias }: Interpolation,
): mx.array {
  const at = positions(n, scale, alignCorners);
  const floor = mx.floor(at);
  const width = antialias ? Math.max(1, 1 / scale) : 1;
  const reach = Math.ceil(radius * width);
  const taps = Array.from({ length: 2 * reach }, (_, i) => {
    const index = floor.add(i + 1 - reach);
    const weights = weight(at.subtract(index).abs().divide(width));
    const inside = index.greaterEqual(0).logicalAnd(index.less(n));
    return {
      index: mx.clip(index, 0, n - 1).astype(mx.uint32),
      // Beyond the edge, the edge is repeated or, with antialiasing, nothing counts.
      weights: antialias ? mx.where(inside, weights, 0) : weights,
    };
  });
  const sum = (xs: mx.array[]) => xs.reduce((a, b) => a.add(b));
  const total = antialias ? sum(taps.map(({ weights }) => weights)) : undefined;
  const along = [-1, ...new Array<number>(x.ndim - axis - 1).fill(1)];
  return sum(
    taps.map(({ index, weights }) => {
      const share = total === undefined ? weights : weights.divide(total);
      return mx.take(x, index, axis).multiply(share.reshape(along));
    }),
  );
}

function interpolated(
  x: mx.array,
  scaleFactor: readonly number[],
  options: InterpolationOptions | undefined,
  fn: string,
  kernelFor: (antialias: boolean) => Kernel,
): mx.array {
  const how = checkInterpolation(readInterpolation(options, fn), fn);
  const scales = asScales(scaleFactor, fn);
  checkScales(x, scales, fn);
  const kernel = kernelFor(how.antialias);
  return alongAxes(x, scales, (y, axis, n, scale) => interpolate(y, axis, n, scale, kernel, how));
}

/**
 * Makes each spatial dimension of (N, ..., C) as many times as long as its number in `scaleFactor`
 * says, rounded down. Each new element is a copy of the nearest one.
 *
 * @throws RangeError if there is not one factor for each spatial dimension.
 * @example
 * nn.upsampleNearest(mx.array([[[1], [2]]]), [2]).flatten()
 * // array([1, 1, 2, 2], dtype=float32)
 */
export function upsampleNearest(x: mx.array, scaleFactor: readonly number[]): mx.array {
  const fn = "upsampleNearest";
  const scales = asScales(scaleFactor, fn);
  checkScales(x, scales, fn);
  const whole = scales.every(Number.isInteger);
  return alongAxes(x, scales, (y, axis, n, scale) =>
    whole ? mx.repeat(y, scale, axis) : mx.take(y, nearestIndices(n, scale), axis),
  );
}

/**
 * The same as {@link upsampleNearest}, but a new element lies on the line between
 * its neighbours; in two dimensions, that is bilinear interpolation.
 *
 * @throws RangeError if there is not one factor for each spatial dimension, or if
 * `antialias` and `alignCorners` come together.
 * @example
 * nn.upsampleLinear(mx.array([[[1], [2]]]), [2]).flatten()
 * // array([1, 1.25, 1.75, 2], dtype=float32)
 */
export function upsampleLinear(
  x: mx.array,
  scaleFactor: readonly number[],
  options?: InterpolationOptions,
): mx.array {
  return interpolated(x, scaleFactor, options, "upsampleLinear", () => triangle);
}

/**
 * The same as {@link upsampleNearest}, but a new element lies on a cubic curve
 * through its four neighbours; in two dimensions, that is bicubic interpolation. The
 * slope of the kernel at distance 1 is -0.75 or, with `antialias`, -0.5. Keys, "Cubic
 * Convolution Interpolation for Digital Image Processing", 1981.
 *
 * @throws RangeError if there is not one factor for each spatial dimension, or if
 * `antialias` and `alignCorners` come together.
 * @example
 * nn.upsampleCubic(mx.array([[[1], [2]]]), [2]).flatten()
 * // array([0.894531, 1.22656, 1.77344, 2.10547], dtype=float32)
 */
export function upsampleCubic(
  x: mx.array,
  scaleFactor: readonly number[],
  options?: InterpolationOptions,
): mx.array {
  return interpolated(x, scaleFactor, options, "upsampleCubic", (antialias) =>
    cubic(antialias ? -0.5 : -0.75),
  );
}

/**
 * Resizes images, or any array with spatial dimensions between the first and the last: each becomes
 * `scaleFactor` times as long, rounded down. A list has a factor for each spatial dimension.
 *
 * `mode` says how: see {@link upsampleNearest}, {@link upsampleLinear} and
 * {@link upsampleCubic}. Odena, Dumoulin, Olah, "Deconvolution and Checkerboard
 * Artifacts", 2016, on why a convolution after it draws better than a transposed one.
 *
 * @throws RangeError if `antialias` comes with `alignCorners` or with `"nearest"` or,
 * when called, for an input without spatial dimensions.
 * @example
 * const x = mx.arange(1, 5).reshape([1, 2, 2, 1]);
 * new nn.Upsample(2, { mode: "linear" }).forward(x).squeeze()
 * // array([[1, 1.25, 1.75, 2],
 * //        [1.5, 1.75, 2.25, 2.5],
 * //        [2.5, 2.75, 3.25, 3.5],
 * //        [3, 3.25, 3.75, 4]], dtype=float32)
 */
export class Upsample extends Module {
  readonly #scaleFactor: number | readonly number[];
  readonly mode: "nearest" | "linear" | "cubic";
  readonly alignCorners: boolean;
  readonly antialias: boolean;

  constructor(scaleFactor: number | readonly number[], options?: UpsampleOptions) {
    super();
    const fn = "Upsample";
    const { mode, alignCorners, antialias } = checkInterpolation(readUpsample(options), fn);
    if (antialias && mode === "nearest") {
      throw outOfRange(fn, "antialias", 'false where mode is "nearest"', true);
    }
    this.#scaleFactor = isList(scaleFactor)
      ? asScales(scaleFactor, fn)
      : asScale(scaleFactor, fn, "scaleFactor");
    this.mode = mode;
    this.alignCorners = alignCorners;
    this.antialias = antialias;
  }

  // A getter: a list that is a field would be among the parameters.

  /** How many times as long the spatial dimensions become. */
  get scaleFactor(): number | readonly number[] {
    return this.#scaleFactor;
  }

  forward(x: mx.array): mx.array {
    const fn = "Upsample.forward";
    const { scaleFactor, mode, alignCorners, antialias } = this;
    checkShape(x, fn, "x", ["N", "L", "...", "C"]);
    const scales =
      typeof scaleFactor === "number"
        ? new Array<number>(x.ndim - 2).fill(scaleFactor)
        : scaleFactor;
    checkScales(x, scales, fn);
    if (mode === "nearest") {
      return upsampleNearest(x, scales);
    }
    const upsample = mode === "linear" ? upsampleLinear : upsampleCubic;
    return upsample(x, scales, { alignCorners, antialias });
  }

  protected override extraRepr(): string {
    const { scaleFactor, alignCorners, antialias } = this;
    const settings = { scaleFactor, mode: `'${this.mode}'`, alignCorners };
    return settingsText(antialias ? { ...settings, antialias } : settings);
  }
}
