/** `mx.array`: what makes arrays, and their type. */

import { optionalDtypeId } from "../call/arguments.js";
import { withCode } from "../call/codes.js";
import { renamed } from "../call/errors.js";
import { flag, optionsOf } from "../call/options.js";
import type { Dtype } from "../dtype.js";
import { array as ArrayClass, isArray } from "./array.js";
import { type ArrayInput, toArray } from "./input.js";

/**
 * A multi-dimensional array, evaluated lazily: an operation only notes what is
 * to be computed, and `mx.eval` or a look at the values computes it.
 */
export interface array extends ArrayClass {}

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
export const array = function array(data: ArrayInput, dtype?: Dtype): ArrayClass {
  optionalDtypeId(dtype, "array");
  return toArray(data, dtype ?? undefined);
} as ArrayConstructor;

Object.defineProperty(array, "prototype", { value: ArrayClass.prototype, writable: false });
Object.defineProperty(ArrayClass.prototype, "constructor", { value: array });

/** Options of `asarray`. */
export interface AsarrayOptions {
  /** Whether to copy always (true) or never (false). By default only where it is needed. */
  copy?: boolean | undefined;
}

const readAsarray = optionsOf<AsarrayOptions>()("asarray", { copy: flag() });

/**
 * An array from whatever `mx.array` takes; an array that has the dtype already
 * is returned itself, unless a copy is asked for.
 *
 * @throws Error if `copy` is false and a copy is needed.
 * @example
 * const x = mx.array([1, 2]);
 * mx.asarray(x) === x
 * // true
 */
export function asarray(a: ArrayInput, dtype?: Dtype | null, options?: AsarrayOptions): array {
  const { copy } = readAsarray(options);
  const same = isArray(a) && (dtype === undefined || dtype === null || a.dtype === dtype);
  if (same && copy !== true) {
    return a;
  }
  if (copy === false) {
    throw withCode(
      new Error("[asarray] copy: expected true or none, received false for a value to convert"),
      "ERR_INVALID_ARG_TYPE",
    );
  }
  optionalDtypeId(dtype, "asarray");
  try {
    return toArray(a, dtype ?? undefined);
  } catch (error) {
    throw renamed(error, "asarray", "a");
  }
}
