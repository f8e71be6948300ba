/** What layers that are made of others share: what stands for a layer, and the shapes of inputs. */
import { asArray } from "../core/array/array.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { kindOf } from "../core/call/options.js";
import type * as mx from "../core/index.js";
import { Module, type UnaryLayer } from "./module.js";

/** A layer whose `forward` is such a function, or the function alone. */
export type Callable<F> = (Module & { forward: F }) | F;

/** A layer, or a function of an array. */
export type Layer = UnaryLayer | ((x: mx.array) => mx.array);

export function asCallable<F>(value: unknown, fn: string, param: string): Callable<F> {
  if (typeof value !== "function" && !(value instanceof Module && "forward" in value)) {
    throw mismatch(fn, param, "a layer or a function", value);
  }
  return value as Callable<F>;
}

/** A layer or a function of an array, as an option. */
export const layer = kindOf<Layer>(asCallable);

/** Calls a layer or a function. */
export function call<A extends unknown[], R>(f: Callable<(...args: A) => R>, ...args: A): R {
  return f instanceof Module ? f.forward(...args) : f(...args);
}

/**
 * Checks the shape of an input. An axis is its length or, where any will do, a name
 * for the error; `"..."` at the start stands for any number of axes.
 */
export function checkShape(
  x: mx.array,
  axes: readonly (number | string)[],
  fn: string,
  param: string,
): void {
  const { shape } = asArray(x, fn, param);
  const last = axes[0] === "..." ? axes.slice(1) : axes;
  const start = shape.length - last.length;
  const fits = last === axes ? start === 0 : start >= 0;
  if (!fits || last.some((n, i) => typeof n === "number" && n !== shape[start + i])) {
    throw outOfRange(fn, param, `the shape (${axes.join(", ")})`, shape);
  }
}
