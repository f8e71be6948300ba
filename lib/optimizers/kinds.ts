/** Kinds of options that only optimizers have. */
import { isArray } from "../core/array/array.js";
import { elements } from "../core/call/arguments.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { kindOf, kindWhere } from "../core/call/options.js";
import type { LearningRate } from "./optimizer.js";

type Pair = readonly [number, number];

function asPair(value: unknown, expected: string, fn: string, param: string): Pair {
  const all = elements(value, expected, fn, param);
  if (all.length !== 2 || !all.every((x) => typeof x === "number")) {
    throw mismatch(fn, param, expected, value);
  }
  return Object.freeze(all as [number, number]);
}

/** Two numbers. */
export const pair = kindOf<Pair>((value, fn, param) =>
  asPair(value, "a list of two numbers", fn, param),
);

/** Two coefficients of running averages. */
export const betas = kindOf<Pair>((value, fn, param) => {
  const expected = "two numbers in [0, 1)";
  const both = asPair(value, expected, fn, param);
  if (!both.every((beta) => beta >= 0 && beta < 1)) {
    throw outOfRange(fn, param, expected, value);
  }
  return both;
});

/** A learning rate: a number, an array of no dimensions or a schedule. */
export const rate = kindWhere<LearningRate>(
  (x) => typeof x === "number" || typeof x === "function" || isArray(x),
  "a number, an array or a schedule",
);
