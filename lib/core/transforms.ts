/** Transformations of functions: automatic differentiation. */

import { slot, slots, stream } from "./arguments.js";
import { type array, isArray, make, makeAll } from "./array.js";
import { isPromise } from "./context.js";
import type { StreamOptions } from "./device.js";
import { mismatch, outOfRange } from "./errors.js";
import { native } from "./native.js";
import { arraysOf, mapLeaves, withArrays } from "./tree.js";
import { type List, list, type Slots } from "./wire.js";

/**
 * The same values, through which no gradient flows.
 *
 * @example
 * mx.grad((x) => mx.multiply(x, mx.stopGradient(x)))(mx.array(3))
 * // array(3, dtype=float32)
 */
export function stopGradient(a: array, options?: StreamOptions): array {
  return make(native.stop_gradient(slot(a, "stopGradient", "a"), stream(options, "stopGradient")));
}

// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
export type AnyFunction = (...args: any[]) => unknown;

type Gradients<F extends AnyFunction, N> = N extends number
  ? Parameters<F>[N]
  : N extends readonly number[]
    ? { -readonly [I in keyof N]: N[I] extends number ? Parameters<F>[N[I]] : never }
    : never;

function positions(argnums: unknown, count: number, fn: string): number[] {
  const given = Array.isArray(argnums) ? argnums : [argnums];
  if (given.length === 0) {
    throw mismatch(fn, "argnums", "at least one position", argnums);
  }
  const out = given.map((n: unknown) => {
    if (typeof n !== "number" || !Number.isInteger(n)) {
      throw mismatch(fn, "argnums", "an integer or a list of integers", argnums);
    }
    const position = n < 0 ? n + count : n;
    if (position < 0 || position >= count) {
      throw outOfRange(fn, "argnums", `positions among ${count} arguments`, argnums);
    }
    return position;
  });
  if (new Set(out).size !== out.length) {
    throw outOfRange(fn, "argnums", "each position once", argnums);
  }
  return out;
}

function differentiated(tree: unknown, position: number, fn: string): array[] {
  const out: array[] = [];
  mapLeaves(tree, (leaf) => {
    if (!isArray(leaf)) {
      throw mismatch(fn, `argument ${position}`, "an array or a tree of arrays", leaf);
    }
    out.push(leaf);
    return leaf;
  });
  return out;
}

// What may be differentiated: an array, or a list that starts with one.
function checkOutput(output: unknown, fn: string): void {
  const first = Array.isArray(output) ? output[0] : output;
  if (isArray(first)) {
    return;
  }
  const hint = isPromise(output) ? " (an asynchronous function cannot be differentiated)" : "";
  throw mismatch(fn, "fun's result", `an array or a list that starts with one${hint}`, output);
}

function differentiate(fun: AnyFunction, argnums: unknown, args: unknown[], fn: string) {
  const picked = positions(argnums, args.length, fn);
  const inputs = picked.map((position) => differentiated(args[position], position, fn));
  const all = inputs.flat();
  let output: unknown;
  let outputs = 0;
  const trace = (tracers: Slots): List => {
    const arrays = makeAll(tracers);
    const call = [...args];
    let next = 0;
    picked.forEach((position, i) => {
      const count = (inputs[i] as array[]).length;
      call[position] = withArrays(args[position], arrays.slice(next, next + count));
      next += count;
    });
    output = fun(...call);
    checkOutput(output, fn);
    const leaves = arraysOf(output);
    outputs = leaves.length;
    return slots(leaves, fn, "fun's result");
  };
  const range = Array.from(all, (_, i) => i);
  const values = makeAll(native.value_and_grad(trace, slots(all, fn, "arguments"), list(range)));
  let next = outputs;
  const grads = picked.map((position, i) => {
    const count = (inputs[i] as array[]).length;
    const tree = withArrays(args[position], values.slice(next, next + count));
    next += count;
    return tree;
  });
  return {
    value: withArrays(output, values.slice(0, outputs)),
    grads: Array.isArray(argnums) ? grads : grads[0],
  };
}

function requireFunction(fun: unknown, fn: string): void {
  if (typeof fun !== "function") {
    throw mismatch(fn, "fun", "a function", fun);
  }
}

/**
 * A function that computes a function's value and its gradient with respect to
 * the arguments at `argnums`, which are arrays or trees of them. The function
 * returns a scalar array, or a list that starts with one; the rest of the list
 * is passed on.
 *
 * @throws What the function throws, the same object.
 * @example
 * const f = mx.valueAndGrad((x) => mx.sum(mx.square(x)));
 * const [value, grad] = f(mx.array([1, 2]));
 * [value, grad]
 * // [ array(5, dtype=float32), array([2, 4], dtype=float32) ]
 */
export function valueAndGrad<F extends AnyFunction, const N extends number | readonly number[] = 0>(
  fun: F,
  argnums: N = 0 as N,
): (...args: Parameters<F>) => [ReturnType<F>, Gradients<F, N>] {
  requireFunction(fun, "valueAndGrad");
  return (...args) => {
    const { value, grads } = differentiate(fun, argnums, args, "valueAndGrad");
    return [value as ReturnType<F>, grads as Gradients<F, N>];
  };
}

/**
 * A function that computes the gradient of a function with respect to the
 * arguments at `argnums`; see {@link valueAndGrad}.
 *
 * @example
 * mx.grad((x, y) => mx.multiply(x, y), 1)(mx.array(2), mx.array(3))
 * // array(2, dtype=float32)
 */
export function grad<F extends AnyFunction, const N extends number | readonly number[] = 0>(
  fun: F,
  argnums: N = 0 as N,
): (...args: Parameters<F>) => Gradients<F, N> {
  requireFunction(fun, "grad");
  return (...args) => differentiate(fun, argnums, args, "grad").grads as Gradients<F, N>;
}
