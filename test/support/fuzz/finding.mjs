// What is no finding, and what is one.
import { isDeepStrictEqual } from "node:util";
import mlx from "mlx-js";

/** @typedef {import("./hostile.mjs").Any} Any */

const mx = mlx.core;

/** What a check throws when the package is at fault. */
export class Finding extends Error {}

/** An error as the package's contract has it: of this realm, and with words. */
/** @param {Any} error */
export function isTyped(error) {
  return error instanceof Error && error.message !== "" && !(error instanceof Finding);
}

/**
 * What a function gives, or the error that it throws, of one of some classes.
 * @param {() => Any} fn
 * @param {Function[]} classes
 * @returns {{ value: Any, error?: undefined } | { error: Error, value?: undefined }}
 */
export function outcome(fn, classes = [Error]) {
  try {
    return { value: fn() };
  } catch (error) {
    if (isTyped(error) && classes.includes(/** @type {Any} */ (error).constructor)) {
      return { error: /** @type {Error} */ (error) };
    }
    throw error;
  }
}

/** A result as what it says: arrays are their dtypes, shapes and values. @param {Any} x @returns {Any} */
export function plain(x) {
  if (x instanceof mx.array) {
    return { dtype: String(x.dtype), shape: x.shape, values: x.flatten().tolist() };
  }
  if (Array.isArray(x)) {
    return x.map(plain);
  }
  if (typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype) {
    return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, plain(value)]));
  }
  return typeof x === "object" || typeof x === "function" ? typeof x : x;
}

/** @param {Any} a @param {Any} b @returns {boolean} */
function close(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    // Products may be summed in another order.
    return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(a));
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return isDeepStrictEqual(a, b);
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => close(a[key], b[key]));
}

/** @param {Any} x */
export function text(x) {
  return JSON.stringify(x, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}

/**
 * That two results, as `plain` gives them, are the same but for rounding.
 * @param {Any} received
 * @param {Any} expected
 */
export function expectSame(received, expected) {
  if (!close(received, expected)) {
    throw new Finding(`expected ${text(expected)}, received ${text(received)}`);
  }
}
