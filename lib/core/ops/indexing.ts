/**
 * Elements picked by indices, slices at computed places, diagonals. Indices are
 * integer arrays or lists of integers; negative ones count from the end.
 */

import { type array, make } from "../array/array.js";
import { type Indices, withIndices } from "../array/indices.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axis,
  arraySlot,
  asInteger,
  integers,
  type Operand,
  operand,
  optionalAxis,
  slot,
  stream,
} from "../call/arguments.js";
import { opOptions } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import { ofDiagonal } from "./common.js";

/** Options of `diagonal`. */
export interface DiagonalOfOptions extends StreamOptions {
  /** Which diagonal: positive ones lie above the main one. By default 0. */
  offset?: number | undefined;
  /** The axis of the rows. By default 0. */
  axis1?: number | undefined;
  /** The axis of the columns. By default 1. */
  axis2?: number | undefined;
}

const readDiagonal = opOptions<DiagonalOfOptions>()("diagonal", { ...ofDiagonal });

/**
 * The elements at indices along an axis or, without one, of the flattened
 * array. The indices' dimensions take the axis's place; a single integer's
 * axis goes.
 *
 * @throws RangeError for indices outside of the axis, at the latest when they
 * are computed, as for `x.get`.
 * @example
 * mx.take(mx.array([[1, 2, 3], [4, 5, 6]]), [2, 0], 1)
 * // array([[3, 1],
 * //        [6, 4]], dtype=float32)
 */
export function take(
  a: ArrayInput,
  indices: number | Indices,
  axis?: Axis,
  options?: StreamOptions,
): array {
  const fn = "take";
  const along = optionalAxis(axis, fn);
  const s = stream(options, fn);
  if (typeof indices === "number") {
    const at = asInteger(indices, fn, "indices");
    return make(native.take_at(arraySlot(a, fn, "a"), at, along, s));
  }
  return make(
    withIndices(indices, fn, "indices", (at) => native.take(arraySlot(a, fn, "a"), at, along, s)),
  );
}

/**
 * The elements at indices along an axis, by default the last, where every other
 * place has indices of its own; with `null`, of the flattened array. So it takes
 * what `argsort` and `argmax` give. The other sizes broadcast.
 *
 * @throws RangeError for indices outside of the axis, as for `x.get`.
 * @example
 * mx.takeAlongAxis(mx.array([[1, 2, 3], [4, 5, 6]]), [[2], [0]])
 * // array([[3],
 * //        [4]], dtype=float32)
 */
export function takeAlongAxis(
  a: ArrayInput,
  indices: Indices,
  axis: Axis = -1,
  options?: StreamOptions,
): array {
  const fn = "takeAlongAxis";
  const along = optionalAxis(axis, fn);
  const s = stream(options, fn);
  return make(
    withIndices(indices, fn, "indices", (at) =>
      native.take_along_axis(arraySlot(a, fn, "a"), at, along, s),
    ),
  );
}

/**
 * The array with values put at indices along an axis, where every other place has
 * indices of its own, or, without an axis, of the flattened array.
 *
 * @throws RangeError for indices outside of the axis, as for `x.get`.
 * @example
 * mx.putAlongAxis(mx.array([[1, 2, 3], [4, 5, 6]]), [[2], [0]], mx.array([[30], [40]]), -1)
 * // array([[1, 2, 30],
 * //        [40, 5, 6]], dtype=float32)
 */
export function putAlongAxis(
  a: ArrayInput,
  indices: Indices,
  values: Operand,
  axis?: Axis,
  options?: StreamOptions,
): array {
  const fn = "putAlongAxis";
  const along = optionalAxis(axis, fn);
  const s = stream(options, fn);
  return make(
    withIndices(indices, fn, "indices", (at) =>
      native.put_along_axis(arraySlot(a, fn, "a"), at, operand(values, fn, "values"), along, s),
    ),
  );
}

/**
 * A part of the array whose start an array holds, so that it may come from a
 * computation.
 *
 * @param startIndices Where the part starts, along each of the axes.
 * @param sliceSize The shape of the part, all dimensions.
 * @throws RangeError if the part lies outside of the array, as for `x.get`.
 * @example
 * mx.slice(mx.array([[1, 2, 3], [4, 5, 6]]), [1], [1], [2, 2])
 * // array([[2, 3],
 * //        [5, 6]], dtype=float32)
 */
export function slice(
  a: ArrayInput,
  startIndices: Indices,
  axes: readonly number[],
  sliceSize: readonly number[],
  options?: StreamOptions,
): array {
  const fn = "slice";
  const along = integers(axes, fn, "axes");
  const size = integers(sliceSize, fn, "sliceSize");
  const s = stream(options, fn);
  return make(
    withIndices(startIndices, fn, "startIndices", (start) =>
      native.slice(arraySlot(a, fn, "a"), start, along, size, s),
    ),
  );
}

/**
 * The array with a part replaced whose start an array holds, so that it may come
 * from a computation.
 *
 * @param update The new part.
 * @param startIndices Where it starts, along each of the axes.
 * @throws RangeError if the part lies outside of the array, as for `x.get`.
 * @example
 * mx.sliceUpdate(mx.zeros([2, 3]), mx.array([[7], [8]]), [2], [1])
 * // array([[0, 0, 7],
 * //        [0, 0, 8]], dtype=float32)
 */
export function sliceUpdate(
  a: ArrayInput,
  update: array,
  startIndices: Indices,
  axes: readonly number[],
  options?: StreamOptions,
): array {
  const fn = "sliceUpdate";
  const along = integers(axes, fn, "axes");
  const s = stream(options, fn);
  return make(
    withIndices(startIndices, fn, "startIndices", (start) =>
      native.slice_update(arraySlot(a, fn, "a"), slot(update, fn, "update"), start, along, s),
    ),
  );
}

/**
 * A diagonal of a matrix as a vector, or a matrix with a vector on a diagonal
 * and zeros elsewhere.
 *
 * @param k Which diagonal: positive ones lie above the main one. By default 0.
 * @throws Error for other than one or two dimensions.
 * @example
 * mx.diag(mx.array([1, 2]), 1)
 * // array([[0, 1, 0],
 * //        [0, 0, 2],
 * //        [0, 0, 0]], dtype=float32)
 */
export function diag(a: ArrayInput, k = 0, options?: StreamOptions): array {
  const fn = "diag";
  return make(native.diag(arraySlot(a, fn, "a"), asInteger(k, fn, "k"), stream(options, fn)));
}

/**
 * A diagonal of a matrix; of more dimensions, that of every matrix, along the
 * last axis.
 *
 * @example
 * mx.diagonal(mx.array([[1, 2, 3], [4, 5, 6]]), { offset: 1 })
 * // array([2, 6], dtype=float32)
 */
export function diagonal(a: ArrayInput, options?: DiagonalOfOptions): array {
  const { offset, axis1, axis2, stream } = readDiagonal(options);
  return make(native.diagonal(arraySlot(a, "diagonal", "a"), offset, axis1, axis2, stream));
}
