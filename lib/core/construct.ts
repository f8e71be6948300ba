/** `mx.array`: what makes arrays, and their type. */
import { ArrayHandle, type array as ArrayType } from "./array.js";
import { Dtype } from "./dtype.js";
import { mismatch } from "./errors.js";
import { type ArrayInput, toArray } from "./values.js";

/**
 * A multi-dimensional array, evaluated lazily: an operation only notes what is
 * to be computed, and `mx.eval` or a look at the values computes it.
 */
export interface array extends ArrayType {}

/** Makes arrays, with or without `new`; `x instanceof mx.array` knows them. */
export interface ArrayConstructor {
  (data: ArrayInput, dtype?: Dtype): array;
  new (data: ArrayInput, dtype?: Dtype): array;
  readonly prototype: array;
}

/**
 * An array from a value, nested lists or a typed array, whose data is copied.
 * Numbers make float32, booleans bool, bigints int64; a typed array keeps its
 * type, but a `Float64Array` becomes float32. A dtype decides otherwise.
 *
 * @throws RangeError for ragged lists, TypeError for anything else that is no
 * number.
 * @example
 * mx.array([[1, 2], [3, 4]], mx.int32)
 * // array([[1, 2],
 * //        [3, 4]], dtype=int32)
 */
export const array = function array(data: ArrayInput, dtype?: Dtype): ArrayType {
  if (dtype !== undefined && dtype !== null && !(dtype instanceof Dtype)) {
    throw mismatch("array", "dtype", "a dtype such as mx.float32", dtype);
  }
  return toArray(data, dtype ?? undefined);
} as ArrayConstructor;

Object.defineProperty(array, "prototype", { value: ArrayHandle.prototype, writable: false });
Object.defineProperty(ArrayHandle.prototype, "constructor", { value: array });
