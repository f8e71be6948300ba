/** Indices: integer arrays, or lists of integers, which become int32 arrays. */
import { asInteger, integerAt, slot, stream } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { native } from "../call/native.js";
import { lengthOf, list, type Slot, slotFrom } from "../call/wire.js";
import { int32 } from "../dtype.js";
import { type array, isArray, make } from "./array.js";
import { flatten, toArray } from "./input.js";

/** Nested lists of whole numbers of 32 bits, with equal lengths at every level. */
export type IndexList = readonly (number | IndexList)[];

/** An integer array or a list of integers. */
export type Indices = array | IndexList;

/** The sizes and the integers of a list or, as 0 and 1, the booleans of a mask. */
export function flatIndices(x: IndexList, fn: string, param: string, isMask = false) {
  const expected = isMask ? "a list of booleans" : "an integer array or a list of integers";
  return flatten(
    x,
    fn,
    param,
    (list) => (Array.isArray(list) ? lengthOf(list, fn, param) : undefined),
    (leaf) => {
      if (!isMask) {
        return integerAt(leaf, 0, x, expected, fn, param);
      }
      if (typeof leaf !== "boolean") {
        throw mismatch(fn, param, expected, x);
      }
      return leaf ? 1 : 0;
    },
  );
}

/** Runs an operation with the slot of indices, which a list gets for that time. */
export function withIndices<T>(
  x: Indices,
  fn: string,
  param: string,
  operation: (indices: Slot) => T,
): T {
  if (isArray(x)) {
    return operation(slot(x, fn, param));
  }
  if (!Array.isArray(x)) {
    throw mismatch(fn, param, "an integer array or a list of integers", x);
  }
  const { shape, leaves } = flatIndices(x, fn, param);
  const made = slotFrom(native.from_bytes(Int32Array.from(leaves), list(shape), int32.id));
  try {
    return operation(made);
  } finally {
    native.release(made);
  }
}

/** For embeddings: what their input names along the first axis of a weight. */
export function pickRows(weight: array, x: number | Indices, fn: string): array {
  const s = stream(undefined, fn);
  const rows = typeof x === "number" ? toArray(asInteger(x, fn, "x"), int32) : x;
  return make(
    withIndices(rows, fn, "x", (at) => native.pick_rows(slot(weight, fn, "weight"), at, fn, s)),
  );
}

/** For losses: the entries of `x` at the classes that targets name, along an axis, which goes. */
export function pickClasses(x: array, targets: array, axis: number, fn: string): array {
  const s = stream(undefined, fn);
  return make(native.pick_classes(slot(x, fn, "x"), slot(targets, fn, "targets"), axis, fn, s));
}
