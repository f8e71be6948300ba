/** What layers share: what stands for a layer, the shapes of inputs, and the linear map. */
import { asArray } from "../core/array/array.js";
import { rangeError } from "../core/call/codes.js";
import { describe } from "../core/call/describe.js";
import { mismatch } from "../core/call/errors.js";
import { lookUp } from "../core/call/objects.js";
import { kindOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { Module, type UnaryLayer } from "./module.js";

/** A layer whose `forward` is such a function, or the function alone. */
export type Callable<F> = (Module & { forward: F }) | F;

/** A layer, or a function of an array. */
export type Layer = UnaryLayer | ((x: mx.array) => mx.array);

export function asCallable<F>(value: unknown, fn: string, param: string): Callable<F> {
  const isCallable =
    typeof value === "function"
      ? !(lookUp(value, "prototype") instanceof Module)
      : value instanceof Module && "forward" in value;
  if (!isCallable) {
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
 * A shape that an input may have: of each axis its length or, where any will do, a name for
 * the error. `"..."` stands for any number of axes.
 */
export type Axes = readonly (number | string)[];

function fits(shape: readonly number[], axes: Axes): boolean {
  const gap = axes.indexOf("...");
  const more = shape.length - axes.length;
  if (gap < 0 ? more !== 0 : more < -1) {
    return false;
  }
  for (let i = 0; i < axes.length; i++) {
    const axis = axes[i];
    if (typeof axis === "number" && axis !== shape[gap >= 0 && i > gap ? i + more : i]) {
      return false;
    }
  }
  return true;
}

/**
 * Checks the shape of an input, which is one of some. What would fit if its second axis
 * were the last, as channels are elsewhere, is told how to move it.
 */
export function checkShape(x: mx.array, fn: string, param: string, ...allowed: Axes[]): void {
  const { shape } = asArray(x, fn, param);
  for (const axes of allowed) {
    if (fits(shape, axes)) {
      return;
    }
  }
  const texts = allowed.map((axes) => `(${axes.join(", ")})`);
  const expected = [texts.slice(0, -1).join(", "), texts.at(-1)].filter(Boolean).join(" or ");
  const order = [...shape.keys()];
  order.push(...order.splice(1, 1));
  const moved = order.map((axis) => shape[axis] as number);
  const hint =
    shape.length > 2 && allowed.some((axes) => fits(moved, axes))
      ? `; if its channels are on axis 1, move them: ${param}.transpose([${order.join(", ")}])`
      : "";
  throw rangeError(
    `[${fn}] ${param}: expected the shape ${expected}, received ${describe(shape)}${hint}`,
  );
}

/**
 * An array of floats: integers and booleans become float32. Numbers among options are floats in Python,
 * `1.0` too, and what they meet becomes float32; in JavaScript a whole number beside integers stays one.
 */
export function floating(x: mx.array): mx.array {
  // What merely stands for an array, too, as operations take it.
  const a = mx.asarray(x);
  return mx.issubdtype(a.dtype, mx.inexact) ? a : a.astype(mx.float32);
}

/**
 * Draws weights as most layers begin with them: uniform between plus and minus `1 / sqrt(inputs)`, where so
 * many products make an output.
 */
export function initial(inputs: number): (...shape: number[]) => mx.array {
  const bound = Math.sqrt(1 / inputs);
  return (...shape) => mx.random.uniform(-bound, bound, shape);
}

/** The product of (..., k) with the transpose of a layer's weight, and its bias. */
export function linearMap(
  x: mx.array,
  { weight, bias }: { readonly weight: mx.array; readonly bias?: mx.array },
  fn: string,
): mx.array {
  const matrix = weight.transpose();
  try {
    return bias === undefined ? mx.matmul(x, matrix) : mx.addmm(bias, x, matrix);
  } catch (error) {
    // MLX has looked at the shapes: to do it before would take time in each call.
    checkShape(x, fn, "x", ["...", weight.dim(1)]);
    throw error;
  }
}
