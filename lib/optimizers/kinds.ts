/** What optimizers read: kinds of options that only they have, and the arguments of their constructors. */
import { isProxy } from "node:util/types";
import { isArray } from "../core/array/array.js";
import { elements } from "../core/call/arguments.js";
import { typeError } from "../core/call/codes.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { lookUp } from "../core/call/objects.js";
import { kindOf } from "../core/call/options.js";
import { type Branch, isBranch } from "../core/transforms/tree.js";
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

export function asRate(x: unknown, fn: string, param: string): LearningRate {
  if (typeof x === "number" || typeof x === "function" || isArray(x)) {
    return x as LearningRate;
  }
  throw wrong(fn, param, "a number, an array or a schedule", x);
}

/** A learning rate: a number, an array of no dimensions or a schedule. */
export const rate = kindOf(asRate);

/** Whether something is a module or a tree of arrays, as far as that shows without running code. */
function isParameters(x: unknown, depth = 0): x is object {
  if (typeof x !== "object" || x === null || depth > 8) {
    return false;
  }
  return (
    isArray(x) ||
    typeof lookUp(x, "trainableParameters") === "function" ||
    (!isProxy(x) && Object.keys(x).some((name) => isParameters(lookUp(x, name), depth + 1)))
  );
}

/** The error for an argument of an optimizer; some libraries have the model's parameters there. */
export function wrong(fn: string, param: string, expected: string, value: unknown): TypeError {
  if (!isParameters(value)) {
    return mismatch(fn, param, expected, value);
  }
  const received = isParameters(lookUp(Object(lookUp(value, "0")), "params"))
    ? "groups; optim.MultiOptimizer takes optimizers and filters that choose the parameters of each"
    : "a model's parameters; optimizer.update(model, gradients) gets the model";
  return typeError(`[${fn}] ${param}: expected ${expected}, received ${received}`);
}

/** Checks what holds parameters or gradients. */
export function checkRoot(
  x: unknown,
  fn: string,
  param: string,
  expected = "a record of arrays or an nn.Module",
): asserts x is Exclude<Branch, unknown[]> {
  if (!isBranch(x) || Array.isArray(x)) {
    throw mismatch(fn, param, expected, x);
  }
}

/** Reads the options of an optimizer. */
export function readOptions<Options, Values>(
  fn: string,
  read: (options: Options | undefined) => Values,
  options: Options | undefined,
): Values {
  try {
    return read(options);
  } catch (error) {
    // An option of a known name may be an array, too.
    const isOption = !String(error).includes(`[${fn}] options: `);
    throw !isOption && isParameters(options)
      ? wrong(fn, "options", "a record of options", options)
      : error;
  }
}

/** The same behind a learning rate, which is looked at first: it is the first to be written. */
export function readBehindRate<Options, Values>(
  fn: string,
  read: (options: Options | undefined) => Values,
  learningRate: unknown,
  options: Options | undefined,
): Values {
  asRate(learningRate, fn, "learningRate");
  return readOptions(fn, read, options);
}
