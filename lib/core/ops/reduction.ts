/** Reductions, and what is like them: scans, positions of extremes, differences. */

import { type array, make, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axes,
  type Axis,
  arraySlot,
  asInteger,
  optionalAxes,
  optionalAxis,
  stream,
} from "../call/arguments.js";
import { axesOption, dtypeOption, flag, integer, opOptions, optional } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { OptionalList } from "../call/wire.js";
import type { StreamOptions } from "../device.js";
import type { Dtype } from "../dtype.js";

/** Options of every reduction. */
export interface ReduceOptions extends StreamOptions {
  /** Whether to keep the reduced axes, with size 1. By default false. */
  keepdims?: boolean | undefined;
}

const readReduce = opOptions<ReduceOptions>()("sum", { keepdims: flag(false) });

/** Options of `var` and `std`. */
export interface SpreadOptions extends ReduceOptions {
  /** The divisor is `n - ddof`, for n elements. By default 0. */
  ddof?: number | undefined;
  /** The name that the array API standard has for `ddof`, and which counts where both are given. */
  correction?: number | null | undefined;
}

const readSpread = opOptions<SpreadOptions>()("var", {
  keepdims: flag(false),
  ddof: integer(0),
  correction: optional(integer()),
});

/** Options of every scan. */
export interface ScanOptions extends StreamOptions {
  /** Whether to begin at the end of the axis. By default false. */
  reverse?: boolean | undefined;
  /** Whether the result for an element includes the element itself. By default true. */
  inclusive?: boolean | undefined;
}

const way = { reverse: flag(false), inclusive: flag(true) };

const readScan = opOptions<ScanOptions>()("cummax", way);

/** Options of `cumsum` and `cumprod`. */
export interface TypedScanOptions extends ScanOptions {
  /** The dtype of the result. By default the array's; int32 for booleans. */
  dtype?: Dtype | null | undefined;
}

const readTypedScan = opOptions<TypedScanOptions>()("cumsum", { ...way, dtype: dtypeOption() });

function reduce<A extends Axes>(
  op: typeof native.sum,
  fn: string,
  a: ArrayInput,
  axis: A,
  options: ReduceOptions | undefined,
  readAxis: (axis: A, fn: string) => OptionalList = optionalAxes,
): array {
  const { keepdims, stream } = readReduce(options, fn);
  return make(op(arraySlot(a, fn, "a"), readAxis(axis, fn), keepdims, stream));
}

function spread(
  op: typeof native.var,
  fn: string,
  a: ArrayInput,
  axis: Axes,
  options: SpreadOptions | undefined,
): array {
  const { keepdims, ddof, correction, stream } = readSpread(options, fn);
  return make(
    op(arraySlot(a, fn, "a"), optionalAxes(axis, fn), keepdims, correction ?? ddof, stream),
  );
}

function scan(
  op: typeof native.cummax,
  fn: string,
  a: ArrayInput,
  axis: Axis,
  options: ScanOptions | undefined,
): array {
  const { reverse, inclusive, stream } = readScan(options, fn);
  return make(op(arraySlot(a, fn, "a"), optionalAxis(axis, fn), reverse, inclusive, stream));
}

function typedScan(
  op: typeof native.cumsum,
  fn: string,
  a: ArrayInput,
  axis: Axis,
  options: TypedScanOptions | undefined,
): array {
  const { reverse, inclusive, dtype, stream } = readTypedScan(options, fn);
  return make(op(arraySlot(a, fn, "a"), optionalAxis(axis, fn), reverse, inclusive, dtype, stream));
}

/**
 * Whether all elements along an axis or several, by default all, are true or
 * not zero.
 *
 * @example
 * mx.all(mx.array([[true, false], [true, true]]), 1)
 * // array([false, true], dtype=bool)
 */
export function all(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.all, "all", a, axis, options);
}

/**
 * Whether any element along an axis or several, by default all, is true or not
 * zero.
 *
 * @example
 * mx.any(mx.array([[0, 0], [0, 2]]), 0)
 * // array([false, true], dtype=bool)
 */
export function any(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.any, "any", a, axis, options);
}

/**
 * The sum along an axis or several, by default all. Integers of less than 32
 * bits and booleans are summed in 32 bits.
 *
 * @example
 * mx.sum(mx.array([[1, 2], [3, 4]]), 0)
 * // array([4, 6], dtype=float32)
 */
export function sum(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.sum, "sum", a, axis, options);
}

/** Options of `countNonzero`. */
export interface CountNonzeroOptions extends ReduceOptions {
  /** The axis or several. By default all. */
  axis?: Axes;
}

const readCount = opOptions<CountNonzeroOptions>()("countNonzero", {
  axis: axesOption,
  keepdims: flag(false),
});

/**
 * The number of elements that are not zero, as int32.
 *
 * @example
 * mx.countNonzero(mx.array([[0, 1], [2, 3]]), { axis: 1 })
 * // array([1, 2], dtype=int32)
 */
export function countNonzero(a: ArrayInput, options?: CountNonzeroOptions): array {
  const { axis, keepdims, stream } = readCount(options);
  return make(native.count_nonzero(arraySlot(a, "countNonzero", "a"), axis, keepdims, stream));
}

/**
 * The product along an axis or several, by default all. Integers of less than
 * 32 bits and booleans are multiplied in 32 bits.
 *
 * @example
 * mx.prod(mx.array([[1, 2], [3, 4]]), 1)
 * // array([2, 12], dtype=float32)
 */
export function prod(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.prod, "prod", a, axis, options);
}

/**
 * The smallest element along an axis or several, by default all; NaN where
 * there is one.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.min(mx.array([[4, 2], [3, 1]]), 0)
 * // array([3, 1], dtype=float32)
 */
export function min(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.min, "min", a, axis, options);
}

/**
 * The largest element along an axis or several, by default all; NaN where
 * there is one.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.max(mx.array([[4, 2], [3, 1]]), 1, { keepdims: true })
 * // array([[4],
 * //        [3]], dtype=float32)
 */
export function max(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.max, "max", a, axis, options);
}

/**
 * The smallest and the largest element along an axis or several, by default
 * all.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.minmax(mx.array([3, 1, 2]))
 * // [ array(1, dtype=float32), array(3, dtype=float32) ]
 */
export function minmax(a: ArrayInput, axis?: Axes, options?: ReduceOptions): [array, array] {
  const fn = "minmax";
  const { keepdims, stream } = readReduce(options, fn);
  return makeAll(native.minmax(arraySlot(a, fn, "a"), optionalAxes(axis, fn), keepdims, stream));
}

/**
 * The logarithm of the cumulative sum of exponentials, without overflow, along
 * an axis or, by default, of the flattened array.
 *
 * @example
 * mx.logcumsumexp(mx.array([0, 0, 0]))
 * // array([0, 0.693147, 1.09861], dtype=float32)
 */
export function logcumsumexp(a: ArrayInput, axis?: Axis, options?: ScanOptions): array {
  return scan(native.logcumsumexp, "logcumsumexp", a, axis, options);
}

/**
 * The logarithm of the sum of exponentials, without overflow, along an axis or
 * several, by default all.
 *
 * @example
 * mx.logsumexp(mx.array([1000, 1000]))
 * // array(1000.69, dtype=float32)
 */
export function logsumexp(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.logsumexp, "logsumexp", a, axis, options);
}

/**
 * The mean along an axis or several, by default all; of integers it is float32.
 *
 * @example
 * mx.mean(mx.array([[1, 2], [3, 5]]), 1)
 * // array([1.5, 4], dtype=float32)
 */
export function mean(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.mean, "mean", a, axis, options);
}

/**
 * The median along an axis or several, by default all; of an even number of
 * elements the mean of the two in the middle.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.median(mx.array([[5, 1, 3], [2, 9, 4]]), 1)
 * // array([3, 4], dtype=float32)
 */
export function median(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  return reduce(native.median, "median", a, axis, options);
}

/**
 * The variance along an axis or several, by default all.
 *
 * @example
 * mx.var(mx.array([1, 2, 3, 4]), null, { ddof: 1 })
 * // array(1.66667, dtype=float32)
 */
function _var(a: ArrayInput, axis?: Axes, options?: SpreadOptions): array {
  return spread(native.var, "var", a, axis, options);
}

export { _var as var };

/**
 * The standard deviation along an axis or several, by default all.
 *
 * @example
 * mx.std(mx.array([[1, 3], [2, 8]]), 1)
 * // array([1, 3], dtype=float32)
 */
export function std(a: ArrayInput, axis?: Axes, options?: SpreadOptions): array {
  return spread(native.std, "std", a, axis, options);
}

/**
 * Where the smallest element along an axis or, by default, of the flattened
 * array is first found, as uint32.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.argmin(mx.array([[4, 2], [1, 3]]), 1)
 * // array([1, 0], dtype=uint32)
 */
export function argmin(a: ArrayInput, axis?: Axis, options?: ReduceOptions): array {
  return reduce(native.argmin, "argmin", a, axis, options, optionalAxis);
}

/**
 * Where the largest element along an axis or, by default, of the flattened
 * array is first found, as uint32.
 *
 * @throws Error if there are no elements.
 * @example
 * mx.argmax(mx.array([[4, 2], [1, 7]]))
 * // array(3, dtype=uint32)
 */
export function argmax(a: ArrayInput, axis?: Axis, options?: ReduceOptions): array {
  return reduce(native.argmax, "argmax", a, axis, options, optionalAxis);
}

/**
 * The cumulative sum along an axis or, by default, of the flattened array.
 *
 * @example
 * mx.cumsum(mx.array([[1, 2], [3, 4]]), 0)
 * // array([[1, 2],
 * //        [4, 6]], dtype=float32)
 */
export function cumsum(a: ArrayInput, axis?: Axis, options?: TypedScanOptions): array {
  return typedScan(native.cumsum, "cumsum", a, axis, options);
}

/**
 * The cumulative product along an axis or, by default, of the flattened array.
 *
 * @example
 * mx.cumprod(mx.array([1, 2, 3]), null, { inclusive: false })
 * // array([1, 1, 2], dtype=float32)
 */
export function cumprod(a: ArrayInput, axis?: Axis, options?: TypedScanOptions): array {
  return typedScan(native.cumprod, "cumprod", a, axis, options);
}

/**
 * The largest element so far along an axis or, by default, of the flattened
 * array.
 *
 * @example
 * mx.cummax(mx.array([1, 3, 2, 5]))
 * // array([1, 3, 3, 5], dtype=float32)
 */
export function cummax(a: ArrayInput, axis?: Axis, options?: ScanOptions): array {
  return scan(native.cummax, "cummax", a, axis, options);
}

/**
 * The smallest element so far along an axis or, by default, of the flattened
 * array.
 *
 * @example
 * mx.cummin(mx.array([4, 1, 3, 2]), 0, { reverse: true })
 * // array([1, 1, 2, 2], dtype=float32)
 */
export function cummin(a: ArrayInput, axis?: Axis, options?: ScanOptions): array {
  return scan(native.cummin, "cummin", a, axis, options);
}

/**
 * The differences between neighbours along an axis, taken `n` times: each time
 * the axis is one shorter. Of booleans it is whether they differ.
 *
 * @param n By default 1.
 * @param axis By default the last.
 * @throws Error if `n` is negative.
 * @example
 * mx.diff(mx.array([1, 4, 9, 16]), 2)
 * // array([2, 2], dtype=float32)
 */
export function diff(a: ArrayInput, n = 1, axis = -1, options?: StreamOptions): array {
  const fn = "diff";
  return make(
    native.diff(
      arraySlot(a, fn, "a"),
      asInteger(n, fn, "n"),
      asInteger(axis, fn, "axis"),
      stream(options, fn),
    ),
  );
}

// Python has these names, too.
export { cumprod as cumulativeProd, cumsum as cumulativeSum };
