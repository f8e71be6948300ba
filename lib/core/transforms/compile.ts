/** `mx.compile`: functions whose graph is made once and then used again. */

import { type array, freed, isArray, makeAll, makeFrom, slotOf } from "../array/array.js";
import { checkOptions, flag, slot } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { isFailure, native, reasonOf } from "../call/native.js";
import {
  interrupt,
  type List,
  lengthOf,
  list,
  resume,
  type Slot,
  type Slots,
  slotsFrom,
} from "../call/wire.js";
import { Device, DeviceType, Stream } from "../device.js";
import { Dtype } from "../dtype.js";
import { currentStream, isPromise } from "../lifetime/context.js";
import { keep } from "../lifetime/scope.js";
import type { AnyFunction } from "./transforms.js";
import { anArray, fill, isBranch, mapLeaves, takeArrays, treeLike, withArrays } from "./tree.js";

/** Of `compile`. */
export interface CompileOptions {
  /**
   * State that the function reads beside its arguments: a module, an
   * optimizer's `state`, `mx.random.state`, or lists and records of them.
   * Arrays in it are inputs of the graph; all else in it is a constant, and
   * where one changes, the function is traced again.
   */
  inputs?: unknown;
  /** State that the function changes: its arrays are set after every call. */
  outputs?: unknown;
  /**
   * Whether inputs of other sizes use the same graph. Functions that look at
   * shapes must not be compiled so. By default false.
   */
  shapeless?: boolean | undefined;
}

// What stands for things in a key, where it cannot be mistaken for a constant.
const aList = Symbol("list");
const aRecord = Symbol("record");

/** What a trace leaves behind: the function's result, arrays taken out. */
interface Trace {
  readonly result: unknown;
  readonly length: number;
}

/** Where an array of a tree stands. */
interface Place {
  readonly owner: Record<string, unknown>;
  readonly name: string;
  readonly value: array;
}

function isConstant(x: unknown): boolean {
  switch (typeof x) {
    case "number":
    case "string":
    case "boolean":
    case "bigint":
    case "undefined":
      return true;
    default:
      return (
        x === null ||
        x instanceof Dtype ||
        x instanceof DeviceType ||
        x instanceof Device ||
        x instanceof Stream
      );
  }
}

/**
 * Takes a tree apart: its arrays, and in `key` its structure and constants.
 * Two trees with equal keys differ in nothing but the values of their arrays.
 */
class Reader {
  readonly key: unknown[];
  readonly slots: Slot[] = [];
  // The branches that it is in.
  readonly #open: object[] = [];

  constructor(stream: unknown) {
    this.key = [stream];
  }

  arguments(args: readonly unknown[]): void {
    for (let i = 0; i < args.length; i++) {
      this.#argument(args[i], i);
    }
  }

  #argument(x: unknown, position: number): void {
    if (isArray(x)) {
      this.#array(x, position);
    } else if (isConstant(x)) {
      this.key.push(x);
    } else if (isBranch(x) && !(treeLike in x)) {
      this.#branch(x, (value) => this.#argument(value, position));
    } else {
      const hint = isBranch(x) ? " (a module belongs in the option inputs)" : "";
      throw mismatch(
        "compile",
        `argument ${position}`,
        `arrays, numbers, strings and other constants, or trees of them${hint}`,
        x,
      );
    }
  }

  state(x: unknown): void {
    if (isArray(x)) {
      this.#array(x, "inputs");
    } else if (isBranch(x)) {
      this.#branch(x, (value) => this.state(value));
    } else {
      this.key.push(x);
    }
  }

  #array(x: array, place: number | "inputs"): void {
    const s = slotOf(x);
    if (s < 0) {
      throw freed(s, "compile", place === "inputs" ? place : `argument ${place}`);
    }
    this.key.push(anArray);
    this.slots.push(s);
  }

  #branch(x: Record<string, unknown> | unknown[], read: (value: unknown) => void): void {
    if (this.#open.includes(x)) {
      throw new TypeError("[compile] expected a tree, received a value that contains itself");
    }
    this.#open.push(x);
    if (Array.isArray(x)) {
      const length = lengthOf(x, "compile", "arguments");
      this.key.push(aList, length);
      for (let i = 0; i < length; i++) {
        read(x[i]);
      }
    } else {
      const names = Object.keys(x);
      this.key.push(aRecord, names.length, (x as { [treeLike]?: unknown })[treeLike]);
      for (const name of names) {
        this.key.push(name);
        read(x[name]);
      }
    }
    this.#open.pop();
  }
}

function sameKey(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i])) {
      return false;
    }
  }
  return true;
}

/** The keys of a function's calls so far, by number. */
class Keys {
  readonly #known: unknown[][] = [];
  #last = 0;

  numberOf(key: unknown[]): number {
    const last = this.#known[this.#last];
    if (last === undefined || !sameKey(last, key)) {
      const found = this.#known.findIndex((known) => sameKey(known, key));
      this.#last = found < 0 ? this.#known.push(key) - 1 : found;
    }
    return this.#last;
  }
}

/** The arrays of captured state, in the order in which {@link Reader} has them. */
function places(tree: unknown): Place[] {
  const out: Place[] = [];
  const walk = (branch: Record<string, unknown>): void => {
    for (const name of Object.keys(branch)) {
      const value = branch[name];
      if (isArray(value)) {
        out.push({ owner: branch, name, value });
      } else if (isBranch(value)) {
        walk(value as Record<string, unknown>);
      }
    }
  };
  walk({ tree });
  return out;
}

function put(all: readonly Place[], values: readonly array[]): void {
  all.forEach(({ owner, name }, i) => {
    owner[name] = values[i];
  });
}

/** Every branch of captured state as it is now, to be set back, save some. */
function snapshot(tree: unknown): (but?: ReadonlySet<object>) => void {
  const before = new Map<Record<string, unknown>, Record<string, unknown>>();
  const walk = (x: unknown): void => {
    if (isBranch(x)) {
      const branch = x as Record<string, unknown>;
      before.set(branch, { ...branch });
      Object.values(branch).forEach(walk);
    }
  };
  walk(tree);
  return (but) => {
    for (const [branch, values] of before) {
      for (const name of but?.has(branch) ? [] : Object.keys(branch)) {
        if (!Object.hasOwn(values, name)) {
          delete branch[name];
        } else if (branch[name] !== values[name]) {
          branch[name] = values[name];
        }
      }
    }
  };
}

const none: readonly unknown[] = [];

class Compiled {
  readonly #fun: AnyFunction;
  readonly #inputs: unknown;
  readonly #outputs: unknown;
  readonly #shapeless: boolean;
  readonly #keys = new Keys();
  readonly #traces: Trace[] = [];
  // The call under way: its arguments and, once it traces, the way back.
  #args: readonly unknown[] = none;
  #key: readonly unknown[] = none;
  #restore: ReturnType<typeof snapshot> | undefined;
  #tracing = false;
  number = 0;

  constructor(fun: AnyFunction, inputs: unknown, outputs: unknown, shapeless: boolean) {
    this.#fun = fun;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#shapeless = shapeless;
  }

  call(args: unknown[]): unknown {
    // While it traces, MLX refers to the function's entry in its cache. A nested
    // trace of the same function would add an entry and move that one.
    if (this.#tracing) {
      return this.#fun(...args);
    }
    const reader = new Reader(currentStream());
    const mark = interrupt();
    try {
      reader.arguments(args);
      if (this.#inputs !== undefined) {
        reader.state(this.#inputs);
      }
    } finally {
      resume(mark);
    }
    this.#args = args;
    this.#key = reader.key;
    const result = native.call_compiled(
      this.number,
      this.#trace,
      list(reader.slots),
      this.#keys.numberOf(reader.key),
      this.#shapeless,
    );
    // Between calls nothing of them stays alive.
    const restore = this.#restore;
    this.#args = none;
    this.#key = none;
    this.#restore = undefined;
    if (result === undefined) {
      // It may have been traced, and found to be too deep.
      restore?.();
      return this.#fun(...args);
    }
    if (isFailure(result)) {
      // The trace, or what came after it, failed.
      restore?.();
      throw reasonOf(result);
    }
    const slots = slotsFrom(result);
    const trace = this.#traces[slots[0] as number] as Trace;
    const arrays: array[] = [];
    for (let i = 1; i < slots.length; i++) {
      arrays.push(makeFrom(slots[i] as Slot));
    }
    if (this.#outputs !== undefined) {
      this.#store(arrays.splice(trace.length));
    }
    return fill(trace.result, arrays);
  }

  // The arguments again, as a tree of our own. The graph is for all calls of the
  // key: getters among them must not give something else now.
  #read(): unknown {
    const args = mapLeaves(this.#args, (leaf) => leaf) as unknown[];
    const reader = new Reader(this.#key[0]);
    reader.arguments(args);
    if (this.#inputs !== undefined) {
      reader.state(this.#inputs);
    }
    if (!sameKey(reader.key, this.#key)) {
      throw mismatch("compile", "arguments", "values that stay the same when read again", args);
    }
    return args;
  }

  readonly #trace = (tracers: Slots): List => {
    const arrays = makeAll(tracers);
    const outputs: Place[] = [];
    const results: array[] = [];
    // Getters and setters of arguments and state may call this function, too.
    this.#tracing = true;
    try {
      const given = this.#read();
      const restore = snapshot(this.#inputs);
      this.#restore = restore;
      // The captured arrays follow those of the arguments.
      const captured = places(this.#inputs);
      put(captured, arrays.slice(arrays.length - captured.length));
      const returned = this.#fun(...(withArrays(given, arrays) as unknown[]));
      if (isPromise(returned)) {
        throw mismatch("compile", "fun's result", "arrays, not a promise", returned);
      }
      const result = takeArrays(returned, results);
      outputs.push(...places(this.#outputs));
      this.#traces.push({ result, length: results.length });
      // What the function changed without saying so in `outputs` changes back:
      // the next call will not run it.
      restore(new Set(outputs.map(({ owner }) => owner)));
    } finally {
      this.#tracing = false;
    }
    const all = [...results, ...outputs.map(({ value }) => value)];
    return list([this.#traces.length - 1, ...all.map((x) => slot(x, "compile", "fun's result"))]);
  };

  #store(arrays: array[]): void {
    const targets = places(this.#outputs);
    if (targets.length !== arrays.length) {
      throw new Error(
        `[compile] outputs: expected ${arrays.length} arrays, as when the function was traced, ` +
          `received ${targets.length}`,
      );
    }
    put(targets, keep(arrays));
  }
}

/**
 * A function that does what another does, from a graph that is made when it is
 * first called with arrays of these shapes and dtypes and these constants. The
 * graph is simplified, and its element-wise operations are fused into kernels.
 *
 * The function runs only to be traced: what it does beside computing arrays,
 * such as printing, happens then alone, and it cannot look at values. State
 * that it reads or changes has to be named in `inputs` and `outputs`.
 *
 * On the CPU the kernels are compiled by `g++`; where there is none, or no
 * folder to do it in, the function is called as it is. The guide to files says
 * where they are kept.
 *
 * @throws What the function throws, the same object; TypeError for arguments
 * that are neither arrays nor constants.
 * @example
 * const f = mx.compile((x, y) => mx.add(mx.exp(mx.negative(x)), y));
 * f(mx.array(0), mx.array([1, 2]))
 * // array([2, 3], dtype=float32)
 */
export function compile<F extends AnyFunction>(fun: F, options?: CompileOptions): F {
  if (typeof fun !== "function") {
    throw mismatch("compile", "fun", "a function", fun);
  }
  const o = options ?? {};
  checkOptions(o, ["inputs", "outputs", "shapeless"], "compile");
  for (const name of ["inputs", "outputs"] as const) {
    const state = o[name];
    if (state !== undefined && state !== null && !isBranch(state)) {
      throw mismatch("compile", name, "a module, a list or a record", state);
    }
  }
  const compiled = new Compiled(
    fun,
    o.inputs ?? undefined,
    o.outputs ?? undefined,
    flag(o.shapeless, false, "compile", "shapeless"),
  );
  const call = (...args: unknown[]): unknown => compiled.call(args);
  compiled.number = native.new_compiled(call);
  return call as F;
}

/**
 * Makes compiled functions run as they are, in the whole process.
 *
 * @example
 * mx.disableCompile();
 * const f = mx.compile((x) => mx.add(x, 1));
 * mx.enableCompile();
 * f(mx.array(1))
 * // array(2, dtype=float32)
 */
export function disableCompile(): void {
  native.disable_compile();
}

/** Makes compiled functions use their graphs again, in the whole process. */
export function enableCompile(): void {
  native.enable_compile();
}
