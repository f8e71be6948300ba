/** Reductions, and what is like them: scans, positions of extremes, differences. */

import { type array, make, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axes,
  type Axis,
  arraySlot,
  flag,
  integer,
  optionalAxes,
  optionalAxis,
  optionalDtypeId,
  readOptions,
  stream,
  streamOf,
} from "../call/arguments.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import type { Dtype } from "../dtype.js";

/** Of every reduction. */
export interface ReduceOptions extends StreamOptions {
  /** Keep the reduced axes, with size 1. By default they go. */
  keepdims?: boolean | undefined;
}

/** Of `var` and `std`. */
export interface SpreadOptions extends ReduceOptions {
  /** What the number of elements is lowered by in the divisor. By default 0. */
  ddof?: number | undefined;
  /** The same, as the array API standard calls it; given, it counts instead of `ddof`. */
  correction?: number | null | undefined;
}

/** Of every scan. */
export interface ScanOptions extends StreamOptions {
  /** Begin at the end. By default at the start. */
  reverse?: boolean | undefined;
  /** Count an element in its own result, as by default, or only those before it. */
  inclusive?: boolean | undefined;
}

/** Of the scans that compute in a type of choice. */
export interface TypedScanOptions extends ScanOptions {
  /** The dtype of the result. By default the array's; int32 for booleans. */
  dtype?: Dtype | null | undefined;
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "all");
  return make(
    native.all(
      arraySlot(a, "all", "a"),
      optionalAxes(axis, "all"),
      flag(keepdims, false, "all", "keepdims"),
      streamOf(stream, "all"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "any");
  return make(
    native.any(
      arraySlot(a, "any", "a"),
      optionalAxes(axis, "any"),
      flag(keepdims, false, "any", "keepdims"),
      streamOf(stream, "any"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "sum");
  return make(
    native.sum(
      arraySlot(a, "sum", "a"),
      optionalAxes(axis, "sum"),
      flag(keepdims, false, "sum", "keepdims"),
      streamOf(stream, "sum"),
    ),
  );
}

/**
 * The number of elements that are not zero, as int32.
 *
 * @param options.axis The axis or several. By default all.
 * @example
 * mx.countNonzero(mx.array([[0, 1], [2, 3]]), { axis: 1 })
 * // array([1, 2], dtype=int32)
 */
export function countNonzero(a: array, options?: ReduceOptions & { axis?: Axes }): array {
  const { axis, keepdims, stream } = readOptions(options, ["axis", "keepdims"], "countNonzero");
  return make(
    native.count_nonzero(
      arraySlot(a, "countNonzero", "a"),
      optionalAxes(axis, "countNonzero"),
      flag(keepdims, false, "countNonzero", "keepdims"),
      streamOf(stream, "countNonzero"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "prod");
  return make(
    native.prod(
      arraySlot(a, "prod", "a"),
      optionalAxes(axis, "prod"),
      flag(keepdims, false, "prod", "keepdims"),
      streamOf(stream, "prod"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "min");
  return make(
    native.min(
      arraySlot(a, "min", "a"),
      optionalAxes(axis, "min"),
      flag(keepdims, false, "min", "keepdims"),
      streamOf(stream, "min"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "max");
  return make(
    native.max(
      arraySlot(a, "max", "a"),
      optionalAxes(axis, "max"),
      flag(keepdims, false, "max", "keepdims"),
      streamOf(stream, "max"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "minmax");
  return makeAll(
    native.minmax(
      arraySlot(a, "minmax", "a"),
      optionalAxes(axis, "minmax"),
      flag(keepdims, false, "minmax", "keepdims"),
      streamOf(stream, "minmax"),
    ),
  ) as [array, array];
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
  const { reverse, inclusive, stream } = readOptions(
    options,
    ["reverse", "inclusive"],
    "logcumsumexp",
  );
  return make(
    native.logcumsumexp(
      arraySlot(a, "logcumsumexp", "a"),
      optionalAxis(axis, "logcumsumexp"),
      flag(reverse, false, "logcumsumexp", "reverse"),
      flag(inclusive, true, "logcumsumexp", "inclusive"),
      streamOf(stream, "logcumsumexp"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "logsumexp");
  return make(
    native.logsumexp(
      arraySlot(a, "logsumexp", "a"),
      optionalAxes(axis, "logsumexp"),
      flag(keepdims, false, "logsumexp", "keepdims"),
      streamOf(stream, "logsumexp"),
    ),
  );
}

/**
 * The mean along an axis or several, by default all; of integers it is float32.
 *
 * @example
 * mx.mean(mx.array([[1, 2], [3, 5]]), 1)
 * // array([1.5, 4], dtype=float32)
 */
export function mean(a: ArrayInput, axis?: Axes, options?: ReduceOptions): array {
  const { keepdims, stream } = readOptions(options, ["keepdims"], "mean");
  return make(
    native.mean(
      arraySlot(a, "mean", "a"),
      optionalAxes(axis, "mean"),
      flag(keepdims, false, "mean", "keepdims"),
      streamOf(stream, "mean"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "median");
  return make(
    native.median(
      arraySlot(a, "median", "a"),
      optionalAxes(axis, "median"),
      flag(keepdims, false, "median", "keepdims"),
      streamOf(stream, "median"),
    ),
  );
}

function divisor(
  ddof: SpreadOptions["ddof"],
  correction: SpreadOptions["correction"],
  fn: string,
): number {
  const lowered = integer(ddof, 0, fn, "ddof");
  return integer(correction ?? undefined, lowered, fn, "correction");
}

/**
 * The variance along an axis or several, by default all.
 *
 * @example
 * mx.var(mx.array([1, 2, 3, 4]), null, { ddof: 1 })
 * // array(1.66667, dtype=float32)
 */
function _var(a: ArrayInput, axis?: Axes, options?: SpreadOptions): array {
  const { keepdims, ddof, correction, stream } = readOptions(
    options,
    ["keepdims", "ddof", "correction"],
    "var",
  );
  return make(
    native.var(
      arraySlot(a, "var", "a"),
      optionalAxes(axis, "var"),
      flag(keepdims, false, "var", "keepdims"),
      divisor(ddof, correction, "var"),
      streamOf(stream, "var"),
    ),
  );
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
  const { keepdims, ddof, correction, stream } = readOptions(
    options,
    ["keepdims", "ddof", "correction"],
    "std",
  );
  return make(
    native.std(
      arraySlot(a, "std", "a"),
      optionalAxes(axis, "std"),
      flag(keepdims, false, "std", "keepdims"),
      divisor(ddof, correction, "std"),
      streamOf(stream, "std"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "argmin");
  return make(
    native.argmin(
      arraySlot(a, "argmin", "a"),
      optionalAxis(axis, "argmin"),
      flag(keepdims, false, "argmin", "keepdims"),
      streamOf(stream, "argmin"),
    ),
  );
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
  const { keepdims, stream } = readOptions(options, ["keepdims"], "argmax");
  return make(
    native.argmax(
      arraySlot(a, "argmax", "a"),
      optionalAxis(axis, "argmax"),
      flag(keepdims, false, "argmax", "keepdims"),
      streamOf(stream, "argmax"),
    ),
  );
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
  const { reverse, inclusive, dtype, stream } = readOptions(
    options,
    ["reverse", "inclusive", "dtype"],
    "cumsum",
  );
  return make(
    native.cumsum(
      arraySlot(a, "cumsum", "a"),
      optionalAxis(axis, "cumsum"),
      flag(reverse, false, "cumsum", "reverse"),
      flag(inclusive, true, "cumsum", "inclusive"),
      optionalDtypeId(dtype, "cumsum"),
      streamOf(stream, "cumsum"),
    ),
  );
}

/**
 * The cumulative product along an axis or, by default, of the flattened array.
 *
 * @example
 * mx.cumprod(mx.array([1, 2, 3]), null, { inclusive: false })
 * // array([1, 1, 2], dtype=float32)
 */
export function cumprod(a: ArrayInput, axis?: Axis, options?: TypedScanOptions): array {
  const { reverse, inclusive, dtype, stream } = readOptions(
    options,
    ["reverse", "inclusive", "dtype"],
    "cumprod",
  );
  return make(
    native.cumprod(
      arraySlot(a, "cumprod", "a"),
      optionalAxis(axis, "cumprod"),
      flag(reverse, false, "cumprod", "reverse"),
      flag(inclusive, true, "cumprod", "inclusive"),
      optionalDtypeId(dtype, "cumprod"),
      streamOf(stream, "cumprod"),
    ),
  );
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
  const { reverse, inclusive, stream } = readOptions(options, ["reverse", "inclusive"], "cummax");
  return make(
    native.cummax(
      arraySlot(a, "cummax", "a"),
      optionalAxis(axis, "cummax"),
      flag(reverse, false, "cummax", "reverse"),
      flag(inclusive, true, "cummax", "inclusive"),
      streamOf(stream, "cummax"),
    ),
  );
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
  const { reverse, inclusive, stream } = readOptions(options, ["reverse", "inclusive"], "cummin");
  return make(
    native.cummin(
      arraySlot(a, "cummin", "a"),
      optionalAxis(axis, "cummin"),
      flag(reverse, false, "cummin", "reverse"),
      flag(inclusive, true, "cummin", "inclusive"),
      streamOf(stream, "cummin"),
    ),
  );
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
export function diff(a: ArrayInput, n?: number, axis?: number, options?: StreamOptions): array {
  return make(
    native.diff(
      arraySlot(a, "diff", "a"),
      integer(n, 1, "diff", "n"),
      integer(axis, -1, "diff", "axis"),
      stream(options, "diff"),
    ),
  );
}

// Python has these names, too.
export { cumprod as cumulativeProd, cumsum as cumulativeSum };
