/**
 * Sorting, and what follows from it. NaN counts as the largest number; complex
 * numbers are ordered by their real parts, then by their imaginary ones.
 */

import { type array, make, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axis,
  arraySlot,
  asInteger,
  type Operand,
  optionalAxis,
  slot,
  stream,
} from "../call/arguments.js";
import { flag, oneOf, operandOption, opOptions } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";

/** Options of `searchsorted`. */
export interface SearchsortedOptions extends StreamOptions {
  /** Whether a value goes before those equal to it, `"left"`, or behind them. By default `"left"`. */
  side?: "left" | "right" | undefined;
}

const readSearchsorted = opOptions<SearchsortedOptions>()("searchsorted", {
  side: oneOf(["left", "right"], "left"),
});

/** Options of `unique`. */
export interface UniqueOptions extends StreamOptions {
  /** Give also where each element occurs first. By default false. */
  returnIndex?: boolean | undefined;
  /** Give also the places of the array's elements among the unique ones. By default false. */
  returnInverse?: boolean | undefined;
  /** Give also how often each element occurs. By default false. */
  returnCounts?: boolean | undefined;
  /** What follows the last unique element. By default the first of them. */
  fillValue?: Operand | null | undefined;
}

const readUnique = opOptions<UniqueOptions>()("unique", {
  returnIndex: flag(false),
  returnInverse: flag(false),
  returnCounts: flag(false),
  fillValue: operandOption,
});

/** A part of what `unique` gives: one array if it is asked for. */
export type UniquePart<O extends UniqueOptions, K extends keyof UniqueOptions> = K extends keyof O
  ? O[K] extends true
    ? [array]
    : O[K] extends false | undefined
      ? []
      : array[]
  : [];

/** What `unique` gives: the values, then those of index, inverse and counts that are asked for. */
export type UniqueParts<O extends UniqueOptions> = [
  array,
  ...UniquePart<O, "returnIndex">,
  ...UniquePart<O, "returnInverse">,
  ...UniquePart<O, "returnCounts">,
];

/**
 * The elements in ascending order along an axis, by default the last; with
 * `null`, of the flattened array. Equal ones keep their order.
 *
 * @throws Error if there is no such axis.
 * @example
 * mx.sort(mx.array([[3, 1, 2], [6, 5, 4]]))
 * // array([[1, 2, 3],
 * //        [4, 5, 6]], dtype=float32)
 */
export function sort(a: ArrayInput, axis: Axis = -1, options?: StreamOptions): array {
  const fn = "sort";
  return make(native.sort(arraySlot(a, fn, "a"), optionalAxis(axis, fn), stream(options, fn)));
}

/**
 * The indices, as uint32, that put the elements in ascending order along an
 * axis, by default the last; with `null`, those of the flattened array. Equal
 * ones keep their order.
 *
 * @throws Error if there is no such axis.
 * @example
 * mx.argsort(mx.array([30, 10, 20]))
 * // array([1, 2, 0], dtype=uint32)
 */
export function argsort(a: ArrayInput, axis: Axis = -1, options?: StreamOptions): array {
  const fn = "argsort";
  return make(native.argsort(arraySlot(a, fn, "a"), optionalAxis(axis, fn), stream(options, fn)));
}

function around(
  op: typeof native.partition,
  fn: string,
  a: ArrayInput,
  n: number,
  param: string,
  axis: Axis,
  options: StreamOptions | undefined,
): array {
  return make(
    op(arraySlot(a, fn, "a"), asInteger(n, fn, param), optionalAxis(axis, fn), stream(options, fn)),
  );
}

/**
 * The elements in such an order along an axis, by default the last, that the
 * one at `kth` is where sorting puts it: none before it is larger, none behind
 * it smaller. With `null`, of the flattened array.
 *
 * @param kth A place along the axis; negative ones count from the end.
 * @throws Error if there is no such place.
 * @example
 * mx.partition(mx.array([5, 1, 4, 2, 3]), 2).get(2)
 * // array(3, dtype=float32)
 */
export function partition(
  a: ArrayInput,
  kth: number,
  axis: Axis = -1,
  options?: StreamOptions,
): array {
  return around(native.partition, "partition", a, kth, "kth", axis, options);
}

/**
 * The indices, as uint32, that put the elements in the order of `partition`.
 *
 * @param kth A place along the axis; negative ones count from the end.
 * @throws Error if there is no such place.
 * @example
 * mx.argpartition(mx.array([50, 10, 40, 20, 30]), 2).get(2)
 * // array(4, dtype=uint32)
 */
export function argpartition(
  a: ArrayInput,
  kth: number,
  axis: Axis = -1,
  options?: StreamOptions,
): array {
  return around(native.argpartition, "argpartition", a, kth, "kth", axis, options);
}

/**
 * The `k` largest elements along an axis, by default the last, in no certain
 * order; with `null`, of the flattened array.
 *
 * @throws Error if there are fewer than `k`.
 * @example
 * mx.sort(mx.topk(mx.array([5, 1, 4, 2, 3]), 2))
 * // array([4, 5], dtype=float32)
 */
export function topk(a: ArrayInput, k: number, axis: Axis = -1, options?: StreamOptions): array {
  return around(native.topk, "topk", a, k, "k", axis, options);
}

/**
 * The indices, as uint32, at which values go into a sorted sequence so that it
 * stays sorted.
 *
 * @param sortedSequence An array of one dimension, in ascending order.
 * @param values An array of any shape; the result has the same.
 * @throws Error if the sequence has other than one dimension.
 * @example
 * const sorted = mx.array([1, 2, 2, 4]);
 * const values = mx.array([0, 2, 5]);
 * [mx.searchsorted(sorted, values), mx.searchsorted(sorted, values, { side: "right" })]
 * // [ array([0, 1, 4], dtype=uint32), array([0, 3, 4], dtype=uint32) ]
 */
export function searchsorted(
  sortedSequence: array,
  values: array,
  options?: SearchsortedOptions,
): array {
  const { side, stream } = readSearchsorted(options);
  return make(
    native.searchsorted(
      slot(sortedSequence, "searchsorted", "sortedSequence"),
      slot(values, "searchsorted", "values"),
      side,
      stream,
    ),
  );
}

/**
 * The distinct elements of the flattened array in ascending order, `size` of
 * them: the shape must not depend on the values, so the smallest are taken if
 * there are more, and a fill value follows if there are fewer. With
 * `returnIndex`, `returnInverse` or `returnCounts`, a list: the elements, the
 * index of the first of each, uint32, the index among them of every element of
 * the array, uint32 in its shape, and how many there are of each, int32, which
 * is 0 for the fill value.
 *
 * @throws Error for a negative size, and for an array without elements if there
 * is no fill value.
 * @example
 * const x = mx.array([20, 10, 20, 30]);
 * const [values, counts] = mx.unique(x, 4, { returnCounts: true, fillValue: 0 });
 * [mx.unique(x, 3), values, counts]
 * // [
 * //   array([10, 20, 30], dtype=float32),
 * //   array([10, 20, 30, 0], dtype=float32),
 * //   array([1, 2, 1, 0], dtype=int32)
 * // ]
 */
export function unique(
  a: array,
  size: number,
  options?: UniqueOptions & {
    returnIndex?: false | undefined;
    returnInverse?: false | undefined;
    returnCounts?: false | undefined;
  },
): array;
export function unique<
  const O extends UniqueOptions &
    ({ returnIndex: true } | { returnInverse: true } | { returnCounts: true }),
>(a: ArrayInput, size: number, options: O): UniqueParts<O>;
export function unique(a: ArrayInput, size: number, options?: UniqueOptions): array | array[];
export function unique(a: ArrayInput, size: number, options?: UniqueOptions): array | array[] {
  const { returnIndex, returnInverse, returnCounts, fillValue, stream } = readUnique(options);
  const found = makeAll(
    native.unique(
      arraySlot(a, "unique", "a"),
      asInteger(size, "unique", "size"),
      returnIndex,
      returnInverse,
      returnCounts,
      fillValue,
      stream,
    ),
  );
  return found.length === 1 ? (found[0] as array) : found;
}
