/** `mx.compile`: functions whose graph is made once and then used again. */

import { type array, isArray, makeAll, makeFrom } from "../array/array.js";
import { asFunction, slot, slots } from "../call/arguments.js";
import { withCode } from "../call/codes.js";
import { mismatch } from "../call/errors.js";
import { isFailure, native, reasonOf } from "../call/native.js";
import { flag, kindOf, optional, optionsOf } from "../call/options.js";
import { type List, list, type Slot, type Slots, slotsFrom } from "../call/wire.js";
import { Device, DeviceType, Stream } from "../device.js";
import { Dtype } from "../dtype.js";
import { noTree } from "../evaluation.js";
import { currentStream, isPromise } from "../lifetime/context.js";
import { keep } from "../lifetime/scope.js";
import {
  type Flattening,
  flatten,
  listOfLeaves,
  type Path,
  type Place,
  placesOf,
  type Structure,
} from "./structure.js";
import { type Branch, childOf, isBranch, putChild } from "./tree.js";
import type { AnyFunction, Compilable } from "./types.js";

/** Options of `compile`. */
export interface CompileOptions {
  /**
   * State that the function reads beside its arguments: a module, an
   * optimizer's `state`, `mx.random.state`, or lists and records of them.
   * Arrays in it are inputs of the graph; numbers, texts, functions and a
   * module's other fields are constants, and where one changes, the function
   * is traced again.
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

/** Refuses what may hold arrays but is no tree, such as an optimizer: they would be passed over. */
function isOfTree(leaf: unknown, path: Path): boolean {
  if (isConstant(leaf) || typeof leaf === "function" || isBranch(leaf)) {
    return false;
  }
  throw noTree("arrays and constants, or a list, record or module of them", leaf, path);
}

const tree = kindOf<unknown>((value, fn, param) => {
  if (!isBranch(value)) {
    throw mismatch(fn, param, "a module, a list or a record", value);
  }
  flatten(value, { fn, param, take: isOfTree, modulesAreLeaves: true });
  return value;
});
const state = optional(tree());

const readCompile = optionsOf<CompileOptions>()("compile", {
  inputs: state,
  outputs: state,
  shapeless: flag(false),
});

/** What a trace leaves behind: the structure of the function's result. */
interface Trace {
  readonly result: Structure;
  readonly length: number;
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

function isTraced(leaf: unknown, path: Path): boolean {
  if (isConstant(leaf)) {
    return false;
  }
  const hint = isBranch(leaf) ? " (a module belongs in the option inputs)" : "";
  const expected = "arrays, numbers, strings and other constants, or trees of them";
  throw path.mismatch(`${expected}${hint}`, leaf);
}

/**
 * All that a graph depends on but the values of its arrays: the stream, and the
 * structure of arguments and captured state, constants included.
 */
interface Key {
  readonly stream: unknown;
  readonly args: Structure;
  readonly state: Structure;
}

const ofArguments: Flattening = {
  fn: "compile",
  param: (index) => `argument ${index}`,
  take: isTraced,
  modulesAreLeaves: true,
};
// What else may hold arrays would keep the trace's, which have no values.
const ofResult: Flattening = { fn: "compile", param: "fun's result", take: isTraced };
const ofState: Flattening = { fn: "compile", param: "inputs", take: isArray, exact: true };

/**
 * The arrays of a call, those of captured state last, and its key, which is `like` if the
 * call has the same.
 */
function read(
  args: readonly unknown[],
  inputs: unknown,
  stream: unknown,
  like?: Key,
): [arrays: readonly array[], key: Key] {
  // Most calls have arrays alone.
  const [given, structure] = args.every(isArray)
    ? [args, listOfLeaves(args.length)]
    : flatten<array>(args, ofArguments, like?.args);
  const [captured, state] =
    inputs === undefined ? [[], listOfLeaves(0)] : flatten<array>(inputs, ofState, like?.state);
  const arrays = captured.length === 0 ? given : [...given, ...captured];
  const same = like?.stream === stream && like?.args === structure && like?.state === state;
  return [arrays, same ? like : { stream, args: structure, state }];
}

function sameKey(a: Key, b: Key): boolean {
  return a.stream === b.stream && a.args.equals(b.args) && a.state.equals(b.state);
}

/** The keys of a function's calls so far, by number. */
class Keys {
  readonly #known: Key[] = [];
  #last = 0;

  /** That of the call before. */
  get last(): Key | undefined {
    return this.#known[this.#last];
  }

  numberOf(key: Key): number {
    if (key !== this.last) {
      const found = this.#known.findIndex((known) => sameKey(known, key));
      this.#last = found < 0 ? this.#known.push(key) - 1 : found;
    }
    return this.#last;
  }
}

function put(all: readonly Place[], values: readonly array[]): void {
  all.forEach(({ branch, name }, i) => {
    putChild(branch, name, values[i]);
  });
}

/** Notes what captured state is now; the result sets it back, except in some branches. */
function snapshot(tree: unknown): (but?: ReadonlySet<object>) => void {
  const before = new Map<Branch, Record<string, unknown>>();
  const note = (x: unknown): void => {
    if (isBranch(x) && !before.has(x)) {
      before.set(x, (Array.isArray(x) ? x.slice() : { ...x }) as Record<string, unknown>);
    }
  };
  note(tree);
  // It goes on to what is noted meanwhile.
  for (const values of before.values()) {
    Object.values(values).forEach(note);
  }
  return (but) => {
    for (const [branch, values] of before) {
      if (but?.has(branch)) {
        continue;
      }
      for (const name of Object.keys({ ...values, ...branch })) {
        if (!Object.hasOwn(values, name)) {
          delete (branch as Record<string, unknown>)[name];
        } else if (childOf(branch, name) !== values[name]) {
          putChild(branch, name, values[name]);
        }
      }
      if (Array.isArray(branch) && branch.length !== values["length"]) {
        branch.length = values["length"] as number;
      }
    }
  };
}

class Compiled {
  readonly #fun: AnyFunction;
  readonly #inputs: unknown;
  readonly #outputs: unknown;
  readonly #shapeless: boolean;
  readonly #keys = new Keys();
  readonly #traces: Trace[] = [];
  // The current call: its arguments and, once it traces, what sets the state back.
  #args: readonly unknown[] = [];
  #key: Key | undefined;
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
    const stream = currentStream();
    const [arrays, key] = read(args, this.#inputs, stream, this.#keys.last);
    this.#args = args;
    this.#key = key;
    const result = native.call_compiled(
      this.number,
      this.#trace,
      slots(arrays, "compile", "arguments"),
      this.#keys.numberOf(key),
      this.#shapeless,
      stream,
    );
    // Nothing of a call stays alive after it.
    const restore = this.#restore;
    this.#args = [];
    this.#key = undefined;
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
    const numbers = slotsFrom(result);
    const trace = this.#traces[numbers[0] as number] as Trace;
    const results: array[] = [];
    for (let i = 1; i < numbers.length; i++) {
      results.push(makeFrom(numbers[i] as Slot));
    }
    if (this.#outputs !== undefined) {
      this.#store(results.splice(trace.length));
    }
    return trace.result.fill(results);
  }

  // The arguments with tracers for arrays, from what they are when read again. The
  // graph is for all calls of the key: getters must not give something else now.
  #withTracers(tracers: readonly array[]): unknown[] {
    const key = this.#key as Key;
    const [, again] = read(this.#args, this.#inputs, key.stream);
    if (!sameKey(again, key)) {
      const expected = "values that stay the same when read again";
      throw mismatch("compile", "arguments", expected, this.#args);
    }
    return again.args.fill(tracers) as unknown[];
  }

  readonly #trace = (tracers: Slots): List => {
    const arrays = makeAll(tracers);
    const outputs: Place[] = [];
    let results: readonly array[];
    // Getters and setters of arguments and state may call this function, too.
    this.#tracing = true;
    try {
      const given = this.#withTracers(arrays);
      const restore = snapshot(this.#inputs);
      this.#restore = restore;
      // The captured arrays follow those of the arguments.
      const captured = placesOf(this.#inputs, "compile", "inputs");
      put(captured, arrays.slice(arrays.length - captured.length));
      const returned = this.#fun(...given);
      if (isPromise(returned)) {
        throw mismatch("compile", "fun's result", "arrays, not a promise", returned);
      }
      const [leaves, result] = flatten<array>(returned, ofResult);
      results = leaves;
      outputs.push(...placesOf(this.#outputs, "compile", "outputs"));
      this.#traces.push({ result, length: results.length });
      // What the function changed without saying so in `outputs` changes back:
      // the next call will not run it.
      restore(new Set(outputs.map(({ branch }) => branch)));
    } finally {
      this.#tracing = false;
    }
    const all = [...results, ...outputs.map(({ value }) => value)];
    return list([this.#traces.length - 1, ...all.map((x) => slot(x, "compile", "fun's result"))]);
  };

  #store(arrays: array[]): void {
    const targets = placesOf(this.#outputs, "compile", "outputs");
    if (targets.length !== arrays.length) {
      const expected = `${arrays.length} arrays, as when the function was traced`;
      const message = `[compile] outputs: expected ${expected}, received ${targets.length}`;
      throw withCode(new Error(message), "ERR_MLX_OPERATION");
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
export function compile<F extends AnyFunction>(
  fun: F & Compilable<F>,
  options?: CompileOptions,
): F {
  asFunction(fun, "compile", "fun");
  const { inputs, outputs, shapeless } = readCompile(options);
  const compiled = new Compiled(fun, inputs, outputs, shapeless);
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
