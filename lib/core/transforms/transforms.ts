/** Transformations of functions: automatic differentiation and vectorization. */

import { type array, isArray, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import { asFunction, elements, isList, slot, slots } from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { native } from "../call/native.js";
import { kindWhere, optionsOf } from "../call/options.js";
import { type Callback, type List, list, type Slots } from "../call/wire.js";
import type { StreamOptions } from "../device.js";
import { withLent } from "../lifetime/lending.js";
import { unary } from "../ops/common.js";
import {
  flattenArrays,
  flattenOnlyArrays,
  mappedAxis,
  outputsOf,
  promiseHint,
  type Structure,
} from "./structure.js";
import type { AnyFunction, Differentiable, GradientOf, Mappable, Picked } from "./types.js";

/**
 * The same values, through which no gradient flows.
 *
 * @example
 * mx.grad((x) => mx.multiply(x, mx.stopGradient(x)))(mx.array(3))
 * // array(3, dtype=float32)
 */
export function stopGradient(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.stop_gradient, "stopGradient", a, options);
}

type Gradients<F extends AnyFunction, N> = N extends readonly number[]
  ? { -readonly [I in keyof N]: GradientOf<Picked<F, N[I]>> }
  : GradientOf<Picked<F, N>>;

function checkArgnums(argnums: unknown, fn: string): void {
  const given: unknown[] = Array.isArray(argnums) ? argnums : [argnums];
  if (given.length === 0) {
    throw mismatch(fn, "argnums", "at least one position", argnums);
  }
  if (!given.every(Number.isInteger)) {
    throw mismatch(fn, "argnums", "an integer or a list of integers", argnums);
  }
  checkDistinct(given, argnums, fn);
}

function checkDistinct(positions: unknown[], argnums: unknown, fn: string): void {
  if (new Set(positions).size !== positions.length) {
    throw outOfRange(fn, "argnums", "each position once", argnums);
  }
}

function positions(argnums: number | readonly number[], count: number, fn: string): number[] {
  const out = [argnums].flat().map((n) => {
    const position = n < 0 ? n + count : n;
    if (position < 0 || position >= count) {
      throw outOfRange(fn, "argnums", `positions among ${count} arguments`, argnums);
    }
    return position;
  });
  checkDistinct(out, argnums, fn);
  return out;
}

// What may be differentiated: an array or, for its value, a list that starts
// with one.
function checkOutput(output: unknown, fn: string): void {
  const listed = fn === "valueAndGrad";
  if (isArray(listed && isList(output) ? output[0] : output)) {
    return;
  }
  const expected = listed ? "an array or a list that starts with one" : "an array";
  throw mismatch(fn, "fun's result", `${expected}${promiseHint(output, "differentiated")}`, output);
}

function differentiate(
  fun: AnyFunction,
  argnums: number | readonly number[],
  args: unknown[],
  fn: string,
) {
  const picked = positions(argnums, args.length, fn);
  const trees = picked.map((position) => args[position]);
  const param = (index: number) => `argument ${picked[index]}`;
  // Before the call, since the function may change them.
  const [all, fields] = flattenOnlyArrays(trees, fn, param);
  let outputs = 0;
  let result: Structure | undefined;
  const call = (lent: unknown[]): List => {
    const given = [...args];
    picked.forEach((position, i) => {
      given[position] = lent[i];
    });
    const output = fun(...given);
    checkOutput(output, fn);
    const [leaves, structure] = flattenArrays(output, fn, "fun's result");
    result = structure;
    outputs = leaves.length;
    const out = slots(leaves, fn, "fun's result");
    const value = leaves[0] as array;
    if (value.ndim > 0) {
      throw mismatch(fn, "fun's result", "a scalar array", value);
    }
    return out;
  };
  // As in Python, the function gets the lists, records and modules themselves.
  const trace = (tracers: Slots): List => withLent(trees, makeAll(tracers), true, fn, call);
  const values = makeAll(native.value_and_grad(trace, slots(all, fn, "arguments")));
  const grads = fields.fill(values.slice(outputs)) as unknown[];
  return {
    value: result?.fill(values),
    grads: Array.isArray(argnums) ? grads : grads[0],
  };
}

/**
 * A function that computes a function's value and its gradient with respect to
 * the arguments at `argnums`, which are arrays or trees of them, also modules.
 * The function gets the same lists, records and modules, so what it assigns in
 * them stays there. It returns a scalar array, or a list that starts with one;
 * the rest of the list is passed on.
 *
 * @throws What the function throws, the same object.
 * @example
 * const f = mx.valueAndGrad((x) => mx.sum(mx.square(x)));
 * const [value, grad] = f(mx.array([1, 2]));
 * [value, grad]
 * // [ array(5, dtype=float32), array([2, 4], dtype=float32) ]
 */
export function valueAndGrad<F extends AnyFunction, const N extends number | readonly number[] = 0>(
  fun: F & Differentiable<F, N, array | readonly unknown[]>,
  argnums: N = 0 as N,
): (...args: Parameters<F>) => [ReturnType<F>, Gradients<F, N>] {
  const fn = "valueAndGrad";
  asFunction(fun, fn, "fun");
  checkArgnums(argnums, fn);
  return (...args) => {
    const { value, grads } = differentiate(fun, argnums, args, fn);
    return [value as ReturnType<F>, grads as Gradients<F, N>];
  };
}

/**
 * A function that computes the gradient of a function with respect to the
 * arguments at `argnums`; see {@link valueAndGrad}. The function returns a
 * scalar array.
 *
 * @example
 * mx.grad((x, y) => mx.multiply(x, y), 1)(mx.array(2), mx.array(3))
 * // array(2, dtype=float32)
 */
export function grad<F extends AnyFunction, const N extends number | readonly number[] = 0>(
  fun: F & Differentiable<F, N, array>,
  argnums: N = 0 as N,
): (...args: Parameters<F>) => Gradients<F, N> {
  const fn = "grad";
  asFunction(fun, fn, "fun");
  checkArgnums(argnums, fn);
  return (...args) => differentiate(fun, argnums, args, fn).grads as Gradients<F, N>;
}

// A function of arrays, which gives an array or a list of them, as the addon
// calls it.
function ofArrays(fun: AnyFunction, fn: string): Callback {
  return (tracers) => outputsOf(fun(...makeAll(tracers)), fn, "differentiated");
}

/** An array for each result of a function that gives one or a list of them. */
export type ForResults<R extends array | readonly array[]> = R extends readonly array[]
  ? { -readonly [I in keyof R]: array }
  : [array];

/**
 * The Jacobian of a function at `primals`, times `tangents`: how its results
 * change where its arguments move along them. The function takes arrays and
 * gives one or a list of them. The first list are its results, the second the
 * products, of the same shapes. Tangents are cast to their primals' dtypes.
 *
 * @throws What the function throws, the same object; TypeError where the
 * tangents' number or shapes are not those of the primals.
 * @example
 * const f = (x, y) => mx.multiply(x, mx.square(y));
 * mx.jvp(f, [mx.array(2), mx.array(3)], [mx.array(1), mx.array(10)])
 * // [ [ array(18, dtype=float32) ], [ array(129, dtype=float32) ] ]
 */
export function jvp<const P extends readonly array[], const R extends array | readonly array[]>(
  fun: (...primals: P) => R,
  primals: P,
  tangents: readonly array[],
): [outputs: ForResults<R>, jvps: ForResults<R>] {
  const fn = "jvp";
  asFunction(fun, fn, "fun");
  const all = makeAll(
    native.jvp(
      ofArrays(fun as AnyFunction, fn),
      slots(primals, fn, "primals"),
      slots(tangents, fn, "tangents"),
    ),
  );
  const halves: unknown[] = [all.slice(0, all.length / 2), all.slice(all.length / 2)];
  return halves as [ForResults<R>, ForResults<R>];
}

/**
 * `cotangents` times the Jacobian of a function at `primals`: the gradients of
 * its results, weighted with them. The function takes arrays and gives one or
 * a list of them. The first list are its results, the second the products, of
 * the primals' shapes. Cotangents are cast to the results' dtypes.
 *
 * @throws What the function throws, the same object; TypeError where the
 * cotangents' number or shapes are not those of the results.
 * @example
 * const f = (x, y) => mx.multiply(x, mx.square(y));
 * mx.vjp(f, [mx.array(2), mx.array(3)], [mx.array(10)])
 * // [
 * //   [ array(18, dtype=float32) ],
 * //   [ array(90, dtype=float32), array(120, dtype=float32) ]
 * // ]
 */
export function vjp<const P extends readonly array[], const R extends array | readonly array[]>(
  fun: (...primals: P) => R,
  primals: P,
  cotangents: readonly array[],
): [outputs: ForResults<R>, vjps: { -readonly [I in keyof P]: array }] {
  const fn = "vjp";
  asFunction(fun, fn, "fun");
  const inputs = elements(primals, "a list of arrays", fn, "primals") as array[];
  const all = makeAll(
    native.vjp(
      ofArrays(fun as AnyFunction, fn),
      slots(inputs, fn, "primals"),
      slots(cotangents, fn, "cotangents"),
    ),
  );
  const outputs = all.length - inputs.length;
  const parts: unknown[] = [all.slice(0, outputs), all.slice(outputs)];
  return parts as [ForResults<R>, { -readonly [I in keyof P]: array }];
}

/**
 * An axis for each array of a tree, `null` for none; or a prefix of the tree,
 * whose axes count for all arrays below.
 */
export type AxisTree = number | null | readonly AxisTree[] | { readonly [name: string]: AxisTree };

/** Options of `vmap`. */
export interface VmapOptions {
  /**
   * The axes to map over: one for all arguments or, in a list, one for each;
   * of a function of one argument, those of its tree. By default 0.
   */
  inAxes?: Exclude<AxisTree, null> | undefined;
  /** Where the results have the axis. By default 0. */
  outAxes?: Exclude<AxisTree, null> | undefined;
}

// An axis for each array of a tree; results have one more than they were
// computed with.
function mappedAxes(
  [arrays, structure]: readonly [readonly array[], Structure],
  axes: unknown,
  param: string,
  given: unknown,
  more: number,
): number[] {
  const wrong = () => mismatch("vmap", param, "lists and records as those of the arrays", given);
  return structure
    .spread(axes, wrong)
    .map((axis, i) => mappedAxis(axis, (arrays[i] as array).ndim + more, "vmap", param));
}

// A single array's axis may be a list of one.
function axesOf(tree: unknown, axes: unknown): unknown {
  return isArray(tree) && isList(axes) && axes.length === 1 ? axes[0] : axes;
}

const axesTree = kindWhere<Exclude<AxisTree, null>>(
  (x) => x !== null && ["number", "object"].includes(typeof x) && !isArray(x),
  "an integer, or a list or record of integers and nulls",
);

const readVmap = optionsOf<VmapOptions>()("vmap", { inAxes: axesTree(0), outAxes: axesTree(0) });

/**
 * A function that maps another over an axis of its arguments, as if it was
 * called with each of the slices and its results were stacked, but with one
 * operation for all of them. Arguments and results are arrays or trees of
 * arrays.
 *
 * @throws What the function throws, the same object; Error where the axes'
 * lengths differ, or where an operation cannot be mapped.
 * @example
 * const add = mx.vmap((x, y) => mx.add(x, y), { inAxes: [0, null] });
 * add(mx.array([1, 2]), mx.array([10, 20]))
 * // array([[11, 21],
 * //        [12, 22]], dtype=float32)
 */
export function vmap<F extends AnyFunction>(fun: F & Mappable<F>, options?: VmapOptions): F {
  const fn = "vmap";
  asFunction(fun, fn, "fun");
  const { inAxes, outAxes } = readVmap(options);
  return ((...args: unknown[]) => {
    const inputs = flattenOnlyArrays(args, fn, (index) => `argument ${index}`);
    let result: Structure | undefined;
    const trace = (tracers: Slots): List => {
      const output = withLent(args, makeAll(tracers), false, fn, (lent) => fun(...lent));
      const outputs = flattenOnlyArrays(output, fn, "fun's result");
      result = outputs[1];
      const axes = mappedAxes(outputs, axesOf(output, outAxes), "outAxes", outAxes, 1);
      return list([...outputs[0].map((x) => slot(x, fn, "fun's result")), ...axes]);
    };
    const given = args.length === 1 ? [axesOf(args[0], inAxes)] : inAxes;
    const axes = mappedAxes(inputs, given, "inAxes", inAxes, 0);
    const values = makeAll(native.vmap(trace, slots(inputs[0], fn, "arguments"), list(axes)));
    return result?.fill(values);
  }) as F;
}

/**
 * The same arrays, which are not computed before `dependencies` are.
 *
 * @example
 * const [x, y] = [mx.array([1, 2]), mx.array(3)];
 * mx.depends(x, mx.exp(y))
 * // array([1, 2], dtype=float32)
 */
export function depends<T extends array | readonly array[]>(
  inputs: T,
  dependencies: array | readonly array[],
): T extends array ? array : array[] {
  const all = (xs: array | readonly array[], param: string): List =>
    isArray(xs) ? list([slot(xs, "depends", param)]) : slots(xs, "depends", param);
  const out = makeAll(native.depends(all(inputs, "inputs"), all(dependencies, "dependencies")));
  return (isArray(inputs) ? out[0] : out) as T extends array ? array : array[];
}
