/** Indices: integer arrays, or lists of integers, which become int32 arrays. */
import { slot } from "./arguments.js";
import { type array, isArray, slotFrom } from "./array.js";
import { int32 } from "./dtype.js";
import { mismatch, outOfRange } from "./errors.js";
import { native } from "./native.js";
import { list, type Slot } from "./wire.js";

/** Nested lists of whole numbers of 32 bits, with equal lengths at every level. */
export type IndexList = readonly (number | IndexList)[];

/** An integer array or a list of integers. */
export type Indices = array | IndexList;

/** A list's sizes and its integers, row-major. */
export interface FlatIndices {
  readonly shape: number[];
  readonly values: number[];
}

// More dimensions than this are a list that contains itself.
const deepest = 64;

/** Flattens a list of integers or, for a mask, of booleans. */
export function flatIndices(x: IndexList, fn: string, param: string, isMask = false): FlatIndices {
  const expected = isMask ? "a list of booleans" : "an integer array or a list of integers";
  const shape: number[] = [];
  const values: number[] = [];
  for (let level: unknown = x; Array.isArray(level); level = level[0]) {
    if (shape.push(level.length) > deepest) {
      throw outOfRange(fn, param, `at most ${deepest} nested lists`, x);
    }
  }
  const walk = (item: unknown, dimension: number): void => {
    if (dimension < shape.length) {
      if (!Array.isArray(item) || item.length !== shape[dimension]) {
        throw outOfRange(fn, param, "lists of equal lengths at every level", x);
      }
      for (let i = 0; i < item.length; i++) {
        walk(item[i], dimension + 1);
      }
    } else if (isMask) {
      if (typeof item !== "boolean") {
        throw mismatch(fn, param, expected, x);
      }
      values.push(item ? 1 : 0);
    } else if (typeof item !== "number" || !Number.isInteger(item)) {
      throw mismatch(fn, param, expected, x);
    } else if (item !== (item | 0)) {
      throw outOfRange(fn, param, "32-bit integers", x);
    } else {
      values.push(item);
    }
  };
  walk(x, 0);
  return { shape, values };
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
  const { shape, values } = flatIndices(x, fn, param);
  const made = slotFrom(native.from_bytes(Int32Array.from(values), list(shape), int32.id));
  try {
    return operation(made);
  } finally {
    native.release(made);
  }
}
