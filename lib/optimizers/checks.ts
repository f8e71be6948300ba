/** Checks of hyperparameters. */
import { checkOptions } from "../core/call/arguments.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { asNumber } from "../core/call/numbers.js";

export { asBoolean, asInteger, asNumber } from "../core/call/numbers.js";
export { checkOptions, mismatch, outOfRange };

/** A number that is at least, or more than, a bound. */
export function bounded(
  x: number,
  bound: { from: number } | { above: number },
  fn: string,
  param: string,
): number {
  asNumber(x, fn, param);
  if ("from" in bound ? x >= bound.from : x > bound.above) {
    return x;
  }
  const expected = "from" in bound ? `at least ${bound.from}` : `more than ${bound.above}`;
  throw outOfRange(fn, param, `a number of ${expected}`, x);
}

function pair(x: unknown): readonly [number, number] | undefined {
  const all: unknown[] = Array.isArray(x) ? [...x] : [];
  return all.length === 2 && all.every((y) => typeof y === "number")
    ? (all as [number, number])
    : undefined;
}

/** Two numbers. */
export function asPair(x: unknown, fn: string, param: string): readonly [number, number] {
  const out = pair(x);
  if (out === undefined) {
    throw mismatch(fn, param, "a list of two numbers", x);
  }
  return out;
}

/** Two coefficients of running averages. */
export function asBetas(x: unknown, fn: string): readonly [number, number] {
  const expected = "two numbers in [0, 1)";
  const out = pair(x);
  if (out === undefined) {
    throw mismatch(fn, "betas", expected, x);
  }
  if (!out.every((beta) => beta >= 0 && beta < 1)) {
    throw outOfRange(fn, "betas", expected, x);
  }
  return out;
}
