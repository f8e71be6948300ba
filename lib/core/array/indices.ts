/** Indices: integer arrays, or lists of integers, which become int32 arrays. */
import { slot, stream } from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { native } from "../call/native.js";
import { checkCount, lengthOf, list, type Slot, slotFrom } from "../call/wire.js";
import { int32 } from "../dtype.js";
import { type array, isArray, make } from "./array.js";

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
  // Whether the first element, or a list without any, has told all dimensions.
  let known = false;
  // Each element is read once: a list may be a proxy.
  const walk = (item: unknown, dimension: number): void => {
    if (Array.isArray(item)) {
      const length = lengthOf(item, fn, param);
      if (known) {
        if (length !== shape[dimension]) {
          throw outOfRange(fn, param, "lists of equal lengths at every level", x);
        }
      } else {
        known = length === 0;
        if (shape.push(length) > deepest) {
          throw outOfRange(fn, param, `at most ${deepest} nested lists`, x);
        }
      }
      for (let i = 0; i < length; i++) {
        walk(item[i], dimension + 1);
      }
      return;
    }
    if (known && dimension < shape.length) {
      throw outOfRange(fn, param, "lists of equal lengths at every level", x);
    }
    if (!known) {
      known = true;
      checkCount(
        shape.reduce((size, n) => size * n, 1),
        x,
        fn,
        param,
      );
    }
    if (isMask) {
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

/** For losses: the entries of `x` at the classes that targets name, along an axis, which goes. */
export function pickClasses(x: array, targets: array, axis: number, fn: string): array {
  const s = stream(undefined, fn);
  return make(native.pick_classes(slot(x, fn, "x"), slot(targets, fn, "targets"), axis, fn, s));
}
