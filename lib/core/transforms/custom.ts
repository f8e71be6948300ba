/** Functions that graphs hold: with transformations of their own, or computed again. */

import { type array, isArray, makeAll, makeFrom } from "../array/array.js";
import { asFunction, isList, sameShape, slot, slots } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { native } from "../call/native.js";
import { type Handler, type List, list, type Slot, slotsFrom } from "../call/wire.js";
import { complex64, type Dtype } from "../dtype.js";
import { withLent, withoutArrays } from "../lifetime/lending.js";
import { zeros } from "../ops/creation.js";
import { astype, broadcastTo } from "../ops/shape.js";
import {
  flatten,
  flattenArrays,
  flattenOnlyArrays,
  mappedAxis,
  type Structure,
} from "./structure.js";
import type { AxisTree } from "./transforms.js";
import type { AnyFunction, Checkpointable } from "./types.js";

// What a graph asks for, as in native/custom.cpp.
const requests = ["outputs", "vjp", "jvp", "vmap"] as const;

interface Rules {
  vjp?: AnyFunction;
  jvp?: AnyFunction;
  vmap?: AnyFunction;
}

interface ArrayType {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
}

function typesOf(arrays: readonly array[]): readonly ArrayType[] {
  return arrays.map(({ shape, dtype }) => ({ shape, dtype }));
}

const argument = (index: number) => `argument ${index}`;

function counted(arrays: number): string {
  return arrays === 1 ? "one array" : `${arrays} arrays`;
}

/**
 * One call of a function, for as long as a graph may transform it. It knows the
 * arguments' structure, and does not keep their arrays alive.
 */
class Call {
  readonly #fn: string;
  readonly #fun: AnyFunction;
  readonly #rules: Rules;
  // The arguments as rules get them, with records for modules, and as the function does.
  readonly #args: Structure;
  readonly #given: readonly unknown[];
  // The result's structure, and the types of its arrays.
  #result: Structure | undefined;
  #types: readonly ArrayType[] | undefined;

  constructor(fn: string, fun: AnyFunction, rules: Rules, given: unknown[], args: Structure) {
    this.#fn = fn;
    this.#fun = fun;
    this.#rules = rules;
    this.#args = args;
    this.#given = withoutArrays(given, fn);
  }

  /** The result of the call, from its arrays. */
  result(arrays: readonly array[]): unknown {
    return this.#result?.fill(arrays);
  }

  readonly handler: Handler = (request, values) => {
    const numbers = slotsFrom(values);
    switch (requests[request]) {
      case "vjp":
        return this.#vjp(numbers);
      case "jvp":
        return this.#jvp(numbers);
      case "vmap":
        return this.#vmap(numbers);
      default:
        return this.#outputs(numbers);
    }
  };

  #outputs(inputs: readonly Slot[]): List {
    const arrays = inputs.map(makeFrom);
    const result = withLent(this.#given, arrays, false, this.#fn, (args) => this.#fun(...args));
    // Checkpoints pass on what is not an array.
    const take = this.#fn === "checkpoint" ? flattenArrays : flattenOnlyArrays;
    const [outputs, structure] = take(result, this.#fn, "fun's result");
    if (outputs.length === 0) {
      throw mismatch(this.#fn, "fun's result", "at least one array", result);
    }
    const types = typesOf(outputs);
    this.#types ??= types;
    this.#result ??= structure;
    const first = this.#types;
    const same = (type: ArrayType, i: number) =>
      type.dtype === first[i]?.dtype && sameShape(type.shape, first[i].shape);
    if (types.length !== first.length || !types.every(same)) {
      const expected = "arrays of the same shapes and dtypes every time";
      const received = types.map(({ shape, dtype }) => `${dtype.name}[${shape}]`);
      throw mismatch(this.#fn, "fun's result", expected, received);
    }
    return slots(outputs, this.#fn, "fun's result");
  }

  // Arguments as a rule gets them: one by itself, several as a list.
  #bare(args: unknown): unknown {
    const all = args as unknown[];
    return all.length === 1 ? all[0] : all;
  }

  #primals(arrays: readonly array[]): unknown {
    return this.#bare(this.#args.fill(arrays));
  }

  // The same for what goes with each array; what is no array has null.
  #beside(values: readonly unknown[]): unknown {
    return this.#bare(this.#args.fill(values, () => null));
  }

  #vjp(numbers: readonly Slot[]): List {
    const outputs = this.#types?.length ?? 0;
    const arrays = numbers.map(makeFrom);
    const count = numbers.length - 2 * outputs;
    const primals = arrays.slice(0, count);
    // The rule may dispose of them.
    const types = typesOf(primals);
    const cotangents = this.result(arrays.slice(count, count + outputs));
    const result = this.#rules.vjp?.(
      this.#primals(primals),
      cotangents,
      this.result(arrays.slice(count + outputs)),
    );
    return this.#matched("vjp", result, types);
  }

  #jvp(numbers: readonly Slot[]): List {
    const count = numbers.length / 2;
    const values = numbers.map((s) => (s < 0 ? null : makeFrom(s)));
    const result = this.#rules.jvp?.(
      this.#primals(values.slice(0, count) as array[]),
      this.#beside(values.slice(count)),
    );
    return this.#matched("jvp", result, this.#types ?? []);
  }

  #vmap(numbers: readonly number[]): List {
    const count = numbers.length / 2;
    const inputs = (numbers.slice(0, count) as Slot[]).map(makeFrom);
    const axes = numbers.slice(count).map((axis) => (axis < 0 ? null : axis));
    // The rule may dispose of them.
    const at = axes.findIndex((axis) => axis !== null);
    const size = inputs[at]?.shape[axes[at] as number] as number;
    const result: unknown = this.#rules.vmap?.(this.#primals(inputs), this.#beside(axes));
    if (!isList(result) || result.length !== 2) {
      throw mismatch(this.#fn, "vmap's result", "a list of two: outputs and their axes", result);
    }
    const types = this.#types ?? [];
    const [given, structure] = flattenArrays(result[0], this.#fn, "vmap's result");
    const outAxes: number[] = [];
    const wrong = "lists and records as those of the outputs";
    const prefix = structure.spread(result[1], () =>
      mismatch(this.#fn, "vmap's axes", wrong, result),
    );
    const outputs = given.map((x, i) => {
      const mapped = mappedAxis(prefix[i], x.ndim, this.#fn, "vmap's axes");
      outAxes.push(mapped);
      const type = types[i];
      return type === undefined ? x : this.#mapped(x, mapped, size, type);
    });
    if (outputs.length !== types.length) {
      throw mismatch(this.#fn, "vmap's result", counted(types.length), result[0]);
    }
    // Slots come last: nothing but the list of outputs may keep them alive.
    const values = [...outAxes, ...outAxes];
    outputs.forEach((x, i) => {
      values[i] = slot(x, this.#fn, "vmap's result");
    });
    return list(values);
  }

  // An output of the vmap rule, whose axis is -1 where it is not mapped.
  #mapped(x: array, axis: number, size: number, { shape, dtype }: ArrayType): array {
    const expected = axis < 0 ? shape : shape.toSpliced(axis, 0, size);
    if (!sameShape(x.shape, expected)) {
      const what = `an output of the shape [${expected}] with its axis`;
      throw mismatch(this.#fn, "vmap's result", what, x);
    }
    return fitted(x, { shape: expected, dtype }, this.#fn, "vmap");
  }

  // The arrays that a rule gave, one for each of those types; null stands for
  // zeros.
  #matched(rule: string, result: unknown, types: readonly ArrayType[]): List {
    const [leaves] = flatten<array | null>(result, {
      fn: this.#fn,
      param: `${rule}'s result`,
      take: (leaf) => leaf === null,
    });
    const arrays = leaves.filter(isArray);
    const found = arrays.length === types.length ? arrays : leaves;
    if (found.length !== types.length) {
      throw mismatch(this.#fn, `${rule}'s result`, counted(types.length), result);
    }
    const matching = found.map((x, i) => {
      const type = types[i] as ArrayType;
      return x === null ? zeros(type.shape, type.dtype) : fitted(x, type, this.#fn, rule);
    });
    return slots(matching, this.#fn, `${rule}'s result`);
  }
}

// What a rule gave, as an array of the type that the graph goes on with, whose
// bytes are read as such.
function fitted(x: array, { shape, dtype }: ArrayType, fn: string, rule: string): array {
  const fits = x.shape.every((n, i) => n === 1 || n === shape[i + shape.length - x.ndim]);
  if (!fits || x.ndim > shape.length) {
    throw mismatch(fn, `${rule}'s result`, `an array of the shape [${shape}]`, x);
  }
  if (x.dtype === complex64 && dtype !== complex64) {
    throw mismatch(fn, `${rule}'s result`, `an array of the dtype ${dtype.name}`, x);
  }
  const cast = x.dtype === dtype ? x : astype(x, dtype);
  return sameShape(x.shape, shape) ? cast : broadcastTo(cast, shape);
}

/** The arguments of a function as its rules get them: one by itself, several as a list. */
export type Primals<F extends AnyFunction> = Parameters<F>["length"] extends 1
  ? Parameters<F>[0]
  : 1 extends Parameters<F>["length"]
    ? Parameters<F>[0] | Parameters<F>
    : Parameters<F>;

/** A tree with something else for each of its arrays, or null. */
export type Beside<T, V> = T extends array
  ? V | null
  : T extends object
    ? { [K in keyof T]: Beside<T[K], V> }
    : null;

/** Made by {@link customFunction}. */
export interface CustomFunction<F extends AnyFunction> {
  (...args: Parameters<F>): ReturnType<F>;
  /**
   * Sets how gradients are computed: from the arguments, the cotangents of the
   * results and the results, a cotangent for each array among the arguments;
   * null stands for zeros.
   */
  vjp(
    f: (primals: Primals<F>, cotangents: ReturnType<F>, outputs: ReturnType<F>) => unknown,
  ): CustomFunction<F>;
  /**
   * Sets how `mx.jvp` computes: from the arguments and the tangents, null
   * where there are none, a tangent for each result.
   */
  jvp(f: (primals: Primals<F>, tangents: Beside<Primals<F>, array>) => unknown): CustomFunction<F>;
  /**
   * Sets how `mx.vmap` computes: from the arguments and their axes, null for
   * those that are not mapped, the results and their axes.
   */
  vmap(
    f: (
      inputs: Primals<F>,
      axes: Beside<Primals<F>, number>,
    ) => readonly [outputs: ReturnType<F>, axes: AxisTree],
  ): CustomFunction<F>;
}

/**
 * A function like another, whose transformations can be set: `vjp`, `jvp` and
 * `vmap` take a function and give the custom function back. Those that are not
 * set are the usual ones. Its results are arrays or trees of arrays; arrays
 * that it captures count as constants.
 *
 * @throws What the functions throw, the same object; TypeError where their
 * results do not fit.
 * @example
 * const f = mx.customFunction((x, y) => mx.multiply(mx.sin(x), y));
 * f.vjp(([x, y], cotangent) => [
 *   mx.multiply(cotangent, mx.multiply(mx.cos(x), y)),
 *   mx.zerosLike(y),
 * ]);
 * mx.grad(f, [0, 1])(mx.array(0), mx.array(3))
 * // [ array(3, dtype=float32), array(0, dtype=float32) ]
 */
export function customFunction<F extends AnyFunction>(f: F): CustomFunction<F> {
  const fn = "customFunction";
  asFunction(f, fn, "f");
  const rules: Rules = {};
  const setter = (name: keyof Rules) => (rule: AnyFunction) => {
    asFunction(rule, `customFunction.${name}`, "f");
    rules[name] = rule;
    return custom;
  };
  const call = (...args: unknown[]): unknown => {
    const { vjp, jvp, vmap } = rules;
    if (!vjp && !jvp && !vmap) {
      return f(...args);
    }
    const [inputs, structure] = flattenArrays(args, fn, argument);
    // Later rules do not change graphs that are there.
    const made = new Call("customFunction", f, { ...rules }, args, structure);
    const given = slots(inputs, fn, "arguments");
    return made.result(makeAll(native.custom_function(given, made.handler, !!vjp, !!jvp, !!vmap)));
  };
  const members = { vjp: setter("vjp"), jvp: setter("jvp"), vmap: setter("vmap") };
  const custom = Object.assign(call, members) as CustomFunction<F>;
  return custom;
}

/**
 * A function like another, of which gradients keep only the arguments: what it
 * computes on its way is computed again when they need it, which takes less
 * memory and more time. Arguments and results are trees; what is not an array
 * in them is passed on.
 *
 * @throws What the function throws, the same object.
 * @example
 * const f = mx.checkpoint((x) => mx.exp(mx.square(x)));
 * mx.grad(f)(mx.array(0))
 * // array(0, dtype=float32)
 */
export function checkpoint<F extends AnyFunction>(fun: F & Checkpointable<F>): F {
  const fn = "checkpoint";
  asFunction(fun, fn, "fun");
  return ((...args: unknown[]) => {
    const [inputs, structure] = flattenArrays(args, fn, argument);
    const made = new Call("checkpoint", fun, {}, args, structure);
    const given = slots(inputs, fn, "arguments");
    return made.result(makeAll(native.checkpoint(given, made.handler)));
  }) as F;
}
