/**
 * Convolutions, as neural networks have them: the filter slides over the input
 * without being flipped. Channels come last, in inputs `[n, ...sizes, channels]`
 * and in weights `[filters, ...sizes, channels / groups]`.
 */

import { type array, make } from "../array/array.js";
import { asInteger, elements, integers, isList, shapeList, slot } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { flag, integer, kindWhere, oneOf, opOptions } from "../call/kinds.js";
import { native } from "../call/native.js";
import { type List, listOf } from "../call/wire.js";
import type { StreamOptions } from "../device.js";

// biome-ignore lint/suspicious/noExplicitAny: of whatever type the options say
const sizesOption = kindWhere<any>(
  (x) => typeof x === "number" || isList(x),
  "an integer or a list of integers",
);

/** Options of `convolve`. */
export interface ConvolveOptions extends StreamOptions {
  /**
   * How much of the result to give: all of it, `"full"`; the part as long as the
   * longer vector, `"same"`; or what needs no values beyond the ends, `"valid"`.
   * By default `"full"`.
   */
  mode?: "full" | "same" | "valid" | undefined;
}

const readConvolve = opOptions<ConvolveOptions>()("convolve", {
  mode: oneOf(["full", "same", "valid"], "full"),
});

/** Options of the convolutions; `Sizes` is a number, or also a list of one for each dimension. */
export interface ConvOptions<Sizes> extends StreamOptions {
  /** How far the filter moves from one place to the next. By default 1. */
  stride?: Sizes | undefined;
  /** How many zeros surround the input at either end. By default none. */
  padding?: Sizes | undefined;
  /** How far the elements of the filter are apart. By default 1. */
  dilation?: Sizes | undefined;
  /** How many groups the channels fall into, each with its own filters. By default 1. */
  groups?: number | undefined;
}

const places = {
  stride: sizesOption(1),
  padding: sizesOption(0),
  dilation: sizesOption(1),
  groups: integer(1),
};

const readConv = opOptions<ConvOptions<unknown>>()("conv1d", places);

/** Options of the transposed convolutions. */
export interface ConvTransposeOptions<Sizes> extends ConvOptions<Sizes> {
  /** What the result is longer by at its end. By default 0. */
  outputPadding?: Sizes | undefined;
}

const readConvTranspose = opOptions<ConvTransposeOptions<unknown>>()("convTranspose1d", {
  ...places,
  outputPadding: sizesOption(0),
});

/** Options of `convGeneral`. */
export interface ConvGeneralOptions extends StreamOptions {
  /** How far the filter moves from one place to the next. By default 1. */
  stride?: number | readonly number[] | undefined;
  /**
   * How many zeros surround the input at either end, or a list of those before
   * and a list of those behind it. By default none.
   */
  padding?:
    | number
    | readonly number[]
    | readonly [readonly number[], readonly number[]]
    | undefined;
  /** How far the elements of the filter are apart. By default 1. */
  kernelDilation?: number | readonly number[] | undefined;
  /** How far the elements of the input are apart, with zeros in between. By default 1. */
  inputDilation?: number | readonly number[] | undefined;
  /** How many groups the channels fall into, each with its own filters. By default 1. */
  groups?: number | undefined;
  /** Flip the filter: a convolution as in signal processing. By default false. */
  flip?: boolean | undefined;
}

const readConvGeneral = opOptions<ConvGeneralOptions>()("convGeneral", {
  stride: sizesOption(1),
  padding: sizesOption(0),
  kernelDilation: sizesOption(1),
  inputDilation: sizesOption(1),
  groups: integer(1),
  flip: flag(false),
});

/** One number for each dimension, from one for all of them or a list. */
function sizes(x: unknown, dimensions: number, fn: string, param: string): List {
  if (typeof x === "number") {
    return listOf(asInteger(x, fn, param), dimensions);
  }
  if (isList(x) && dimensions > 1 && x.length === dimensions) {
    return integers(x as readonly number[], fn, param);
  }
  const expected = dimensions > 1 ? `an integer or a list of ${dimensions}` : "an integer";
  throw mismatch(fn, param, expected, x);
}

function conv(
  dimensions: number,
  input: array,
  weight: array,
  options: ConvOptions<unknown> | undefined,
): array {
  const fn = `conv${dimensions}d`;
  const { padding, stride, dilation, groups, stream } = readConv(options, fn);
  const around = sizes(padding, dimensions, fn, "padding");
  return make(
    native.conv_general(
      slot(input, fn, "input"),
      slot(weight, fn, "weight"),
      sizes(stride, dimensions, fn, "stride"),
      around,
      around,
      sizes(dilation, dimensions, fn, "dilation"),
      sizes(1, dimensions, fn, "inputDilation"),
      groups,
      false,
      stream,
    ),
  );
}

function convTranspose(
  dimensions: number,
  input: array,
  weight: array,
  options: ConvTransposeOptions<unknown> | undefined,
): array {
  const fn = `convTranspose${dimensions}d`;
  const { stride, padding, dilation, outputPadding, groups, stream } = readConvTranspose(
    options,
    fn,
  );
  return make(
    native.conv_transpose(
      slot(input, fn, "input"),
      slot(weight, fn, "weight"),
      sizes(stride, dimensions, fn, "stride"),
      sizes(padding, dimensions, fn, "padding"),
      sizes(dilation, dimensions, fn, "dilation"),
      sizes(outputPadding, dimensions, fn, "outputPadding"),
      groups,
      stream,
    ),
  );
}

/**
 * The discrete convolution of two vectors, as in signal processing: the shorter
 * one is flipped and slides over the other.
 *
 * @throws Error if an array is empty or no vector, and for other than
 * floating-point numbers.
 * @example
 * mx.convolve(mx.array([1, 2, 3]), mx.array([1, 10]))
 * // array([1, 12, 23, 30], dtype=float32)
 */
export function convolve(a: array, v: array, options?: ConvolveOptions): array {
  const { mode, stream } = readConvolve(options);
  return make(native.convolve(slot(a, "convolve", "a"), slot(v, "convolve", "v"), mode, stream));
}

/**
 * The convolution of sequences `[n, length, channels]` with filters
 * `[filters, size, channels / groups]`: `[n, places, filters]`.
 *
 * @throws Error if the shapes do not fit, and for other than floating-point
 * numbers.
 * @example
 * const x = mx.reshape(mx.array([1, 2, 3, 4]), [1, 4, 1]);
 * const w = mx.reshape(mx.array([1, 10]), [1, 2, 1]);
 * mx.flatten(mx.conv1d(x, w))
 * // array([21, 32, 43], dtype=float32)
 */
export function conv1d(input: array, weight: array, options?: ConvOptions<number>): array {
  return conv(1, input, weight, options);
}

/**
 * The convolution of images `[n, height, width, channels]` with filters
 * `[filters, height, width, channels / groups]`.
 *
 * @throws Error if the shapes do not fit, and for other than floating-point
 * numbers.
 * @example
 * const x = mx.ones([1, 4, 5, 3]);
 * const w = mx.ones([8, 3, 2, 3]);
 * mx.conv2d(x, w, { stride: [1, 2], padding: [1, 0] }).shape
 * // [ 1, 4, 2, 8 ]
 */
export function conv2d(
  input: array,
  weight: array,
  options?: ConvOptions<number | readonly [number, number]>,
): array {
  return conv(2, input, weight, options);
}

/**
 * The convolution of volumes `[n, depth, height, width, channels]` with filters
 * `[filters, depth, height, width, channels]`.
 *
 * @throws Error if the shapes do not fit, for more than one group, and for other
 * than floating-point numbers.
 * @example
 * const x = mx.ones([1, 3, 4, 5, 2]);
 * const w = mx.ones([8, 2, 2, 2, 2]);
 * mx.conv3d(x, w).shape
 * // [ 1, 2, 3, 4, 8 ]
 */
export function conv3d(
  input: array,
  weight: array,
  options?: ConvOptions<number | readonly [number, number, number]>,
): array {
  return conv(3, input, weight, options);
}

/**
 * The transposed convolution of sequences `[n, length, channels]` with filters
 * `[filters, size, channels / groups]`: every element of the input adds the
 * filter to the result, `stride` further each time.
 *
 * @throws Error if the shapes do not fit, and for other than floating-point
 * numbers.
 * @example
 * const x = mx.reshape(mx.array([1, 2, 3]), [1, 3, 1]);
 * const w = mx.reshape(mx.array([1, 10]), [1, 2, 1]);
 * mx.flatten(mx.convTranspose1d(x, w, { stride: 2 }))
 * // array([1, 10, 2, 20, 3, 30], dtype=float32)
 */
export function convTranspose1d(
  input: array,
  weight: array,
  options?: ConvTransposeOptions<number>,
): array {
  return convTranspose(1, input, weight, options);
}

/**
 * The transposed convolution of images `[n, height, width, channels]` with
 * filters `[filters, height, width, channels / groups]`.
 *
 * @throws Error if the shapes do not fit, and for other than floating-point
 * numbers.
 * @example
 * const x = mx.ones([1, 4, 5, 3]);
 * const w = mx.ones([8, 3, 2, 3]);
 * mx.convTranspose2d(x, w, { stride: 2, outputPadding: [1, 0] }).shape
 * // [ 1, 10, 10, 8 ]
 */
export function convTranspose2d(
  input: array,
  weight: array,
  options?: ConvTransposeOptions<number | readonly [number, number]>,
): array {
  return convTranspose(2, input, weight, options);
}

/**
 * The transposed convolution of volumes `[n, depth, height, width, channels]`
 * with filters `[filters, depth, height, width, channels]`.
 *
 * @throws Error if the shapes do not fit, for more than one group, and for other
 * than floating-point numbers.
 * @example
 * const x = mx.ones([1, 2, 3, 4, 2]);
 * const w = mx.ones([8, 2, 2, 2, 2]);
 * mx.convTranspose3d(x, w, { stride: [1, 2, 1] }).shape
 * // [ 1, 3, 6, 5, 8 ]
 */
export function convTranspose3d(
  input: array,
  weight: array,
  options?: ConvTransposeOptions<number | readonly [number, number, number]>,
): array {
  return convTranspose(3, input, weight, options);
}

/** The zeros before and behind. */
function paddings(x: unknown, fn: string): [before: List, behind: List] {
  const expected = "an integer, a list of integers or a list of two lists";
  const all = isList(x) ? elements(x, expected, fn, "padding") : x;
  if (isList(all) && all.some(isList)) {
    const [before, behind] = all as [readonly number[], readonly number[]];
    if (all.length !== 2) {
      throw mismatch(fn, "padding", expected, x);
    }
    return [integers(before, fn, "padding[0]"), integers(behind, fn, "padding[1]")];
  }
  const both = shapeList(all as number | readonly number[], fn, "padding");
  return [both, both];
}

/**
 * The convolution in one to three dimensions with all that there is to choose;
 * the others are cases of it. A list has one number for each dimension.
 *
 * @throws Error if the shapes do not fit, and for other than floating-point
 * numbers.
 * @example
 * const x = mx.reshape(mx.array([1, 2, 3]), [1, 3, 1]);
 * const w = mx.reshape(mx.array([1, 10]), [1, 2, 1]);
 * mx.flatten(mx.convGeneral(x, w, { padding: [[1], [0]], flip: true }))
 * // array([1, 12, 23], dtype=float32)
 */
export function convGeneral(input: array, weight: array, options?: ConvGeneralOptions): array {
  const fn = "convGeneral";
  const { padding, stride, kernelDilation, inputDilation, groups, flip, stream } =
    readConvGeneral(options);
  const [before, behind] = paddings(padding, fn);
  return make(
    native.conv_general(
      slot(input, fn, "input"),
      slot(weight, fn, "weight"),
      shapeList(stride, fn, "stride"),
      before,
      behind,
      shapeList(kernelDilation, fn, "kernelDilation"),
      shapeList(inputDilation, fn, "inputDilation"),
      groups,
      flip,
      stream,
    ),
  );
}
