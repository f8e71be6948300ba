/** The dtype in which dtypes meet. */
import { dtypeId, elements } from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { Dtype, promoted } from "../dtype.js";
import { type array, isArray } from "./array.js";

function dtypeOf(x: unknown, fn: string, param: string): Dtype {
  if (x instanceof Dtype) {
    return x;
  }
  if (isArray(x)) {
    return x.dtype;
  }
  throw mismatch(fn, param, "an array or a dtype", x);
}

/**
 * The dtype that an operation on arrays or dtypes results in.
 *
 * @throws RangeError if the list is empty.
 * @example
 * mx.resultType([mx.array([1, 2], mx.float16), mx.int32])
 * // float16
 */
export function resultType(arraysAndDtypes: readonly (array | Dtype)[]): Dtype {
  const fn = "resultType";
  const expected = "a list of arrays and dtypes";
  const all = elements(arraysAndDtypes, expected, fn, "arraysAndDtypes");
  if (all.length === 0) {
    throw outOfRange(fn, "arraysAndDtypes", `${expected}, not empty`, arraysAndDtypes);
  }
  return all.map((x, i) => dtypeOf(x, fn, `arraysAndDtypes[${i}]`)).reduce(promoted);
}

/**
 * Whether a dtype, or an array's, becomes another by promotion, which loses no
 * more than an operation on both would.
 *
 * @example
 * [mx.canCast(mx.int32, mx.float16), mx.canCast(mx.float32, mx.int32)]
 * // [ true, false ]
 */
export function canCast(from: array | Dtype, to: Dtype): boolean {
  dtypeId(to, "canCast", "to");
  return promoted(dtypeOf(from, "canCast", "from"), to) === to;
}
