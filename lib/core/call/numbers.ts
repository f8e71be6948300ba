/** Checks of plain values. */
import { mismatch, outOfRange } from "./errors.js";

/** Checks a value, for the error with the names of the function and the parameter. */
export type Check<T> = (value: unknown, fn: string, param: string) => T;

/** Whether a value is an integer of 32 bits, as MLX's sizes and axes are. */
export function isInt32(x: unknown): x is number {
  return typeof x === "number" && x === (x | 0);
}

/** An integer of 32 bits. */
export function asInteger(value: unknown, fn: string, param: string): number {
  if (isInt32(value)) {
    return value;
  }
  throw Number.isInteger(value)
    ? outOfRange(fn, param, "a 32-bit integer", value)
    : mismatch(fn, param, "an integer", value);
}

/** Makes a check for the type of a value, as `typeof` names it. */
function ofType<T>(type: string): Check<T> {
  return (value, fn, param) => {
    if (typeof value !== type) {
      throw mismatch(fn, param, `a ${type}`, value);
    }
    return value as T;
  };
}

export const asNumber = ofType<number>("number");
export const asBoolean = ofType<boolean>("boolean");
export const asString = ofType<string>("string");

/** Makes a check of another one, which only some of its numbers pass. */
function bounded(
  check: Check<number>,
  isWithin: (x: number) => boolean,
  expected: string,
): Check<number> {
  return (value, fn, param) => {
    const x = check(value, fn, param);
    if (!isWithin(x)) {
      throw outOfRange(fn, param, expected, value);
    }
    return x;
  };
}

/** A whole number of at least 1, such as a size. */
export const asCount = bounded(asInteger, (n) => n >= 1, "a positive integer");
/** A whole number of at least 0, such as a length. */
export const asLength = bounded(asInteger, (n) => n >= 0, "an integer that is not negative");
/** How many layers to make: no more than any model has, since each is made at once. */
export const asDepth = bounded(
  asInteger,
  (n) => n >= 0 && n <= 10_000,
  "an integer from 0 to 10000",
);
/** A number above 0, such as what is added before a division. */
export const asPositive = bounded(asNumber, (x) => x > 0, "a number above 0");
/** A number of at least 0. */
export const asNotNegative = bounded(asNumber, (x) => x >= 0, "a number of at least 0");
/** A number from 0 up to 1, without 1. */
export const asShare = bounded(asNumber, (x) => x >= 0 && x < 1, "a number in [0, 1)");

/** A function of the type that the caller says. */
export function asFunction<F>(value: unknown, fn: string, param: string): F {
  if (typeof value !== "function") {
    throw mismatch(fn, param, "a function", value);
  }
  return value as F;
}

/** A size in bytes: a whole number that is not negative. */
export function asSize(value: unknown, fn: string, param: string): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw mismatch(fn, param, "an integer", value);
  }
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
    throw outOfRange(fn, param, "a size that is not negative", value);
  }
  return value;
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/**
 * The number of elements of a shape; undefined for what is no shape. Zero
 * dimensions do not hide those beside them, whose product MLX computes, too.
 */
export function sizeOf(shape: readonly unknown[]): number | undefined {
  let size = 1;
  let product = 1;
  for (const n of shape) {
    if (typeof n !== "number" || !Number.isInteger(n) || n < 0 || n > 0x7fffffff) {
      return undefined;
    }
    size *= n;
    product *= n || 1;
  }
  return shape.length <= 64 && product <= Number.MAX_SAFE_INTEGER ? size : undefined;
}
