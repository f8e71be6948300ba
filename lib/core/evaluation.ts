/** Evaluation: at once, and while the event loop runs. */

import { isMap, isProxy, isSet } from "node:util/types";
import { type array, isArray, slotOf } from "./array/array.js";
import { slots } from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import type { Signal } from "./call/globals.js";
import { native } from "./call/native.js";
import { isSignal } from "./call/options.js";
import { makeRoom, makeRoomOrWait, reportMemory } from "./lifetime/garbage.js";
import { flatten, type Path } from "./transforms/structure.js";
import { isBranch } from "./transforms/tree.js";
import type { AnyOwner, Evaluated } from "./transforms/types.js";

/**
 * What `mx.eval` takes: an array, or a list, a record or a module, whatever
 * arrays these have inside. What the names stand for have no arrays that could
 * be found: promises (`then`), functions (`bind`), maps and sets (`has`), typed
 * arrays (`buffer`), signals (`addEventListener`) and their controllers
 * (`abort`), and optimizers (`applyGradients`), whose `state` has.
 */
export type Evaluable =
  | array
  | AnyOwner
  | { readonly [name: string]: unknown }
  | (object & {
      readonly then?: undefined;
      readonly bind?: undefined;
      readonly has?: undefined;
      readonly buffer?: undefined;
      readonly addEventListener?: undefined;
      readonly abort?: undefined;
      readonly applyGradients?: undefined;
    });

/** What to pass instead of something that is no tree. */
function hint(x: unknown): string {
  if (typeof x === "function") {
    return "; call it first";
  }
  if (typeof x !== "object" || x === null) {
    return "";
  }
  if (typeof (x as { then?: unknown }).then === "function") {
    return "; await it first";
  }
  if (isMap(x)) {
    return "; pass [...map.values()]";
  }
  if (isSet(x)) {
    return "; pass [...set]";
  }
  if (isSignal(x)) {
    return "; pass it to mx.asyncEval";
  }
  if (isBranch((x as { state?: unknown }).state)) {
    return "; pass its state";
  }
  if (!isProxy(x) && Object.values(x).some(isArray)) {
    return "; let its class extend mx.Owner";
  }
  return "";
}

/** The error for what is no tree, with what to pass instead. */
export function noTree(expected: string, leaf: unknown, path: Path): Error {
  const error = path.mismatch(expected, leaf);
  error.message += hint(leaf);
  return error;
}

/** What errors call a tree. */
export const aTree = "an array, or a list, record or module of arrays";
// What lists and records may have beside arrays.
const values: ReadonlySet<string> = new Set(["number", "bigint", "boolean"]);

/** The arrays of an argument. What would be left uncomputed without a word is refused. */
function arraysIn(tree: unknown, fn: string, param: string): array[] {
  let hasValues = false;
  // Where a cache has nothing yet, an array may come later.
  let hasGaps = false;
  const take = (leaf: unknown, path: Path): boolean => {
    const isGap = leaf === null || leaf === undefined;
    const isValue = values.has(typeof leaf);
    if (path.depth > 0 && (isGap || isValue)) {
      hasGaps ||= isGap;
      hasValues ||= isValue;
      return false;
    }
    throw noTree(aTree, leaf, path);
  };
  const [arrays] = flatten<array>(tree, { fn, param, take });
  if (arrays.length === 0 && hasValues && !hasGaps) {
    throw mismatch(fn, param, aTree, tree);
  }
  return arrays;
}

/** How errors call an argument. */
type NameOf = (index: number) => string;

const nameOf: NameOf = (index) => `args[${index}]`;

function arraysOf(args: readonly unknown[], fn: string, nameOf: NameOf): readonly array[] {
  return args.every((x) => isArray(x) && slotOf(x) >= 0)
    ? (args as array[])
    : args.flatMap((x, i) => arraysIn(x, fn, nameOf(i)));
}

/**
 * Computes arrays and waits for them. Takes arrays and trees of them: lists,
 * records, modules.
 *
 * An evaluation that fails has failed for good: the arrays that could not be
 * computed, and all that depend on them, throw its error again whenever they are
 * read. What was computed rightly is there.
 *
 * @throws TypeError for what is neither an array nor a tree, and for a tree of
 * nothing but numbers and booleans; what the computation throws.
 * @example
 * const x = mx.add(mx.array([1, 2]), 1);
 * mx.eval(x);
 * x
 * // array([2, 3], dtype=float32)
 */
function evaluate<A extends readonly Evaluable[]>(...args: Evaluated<A>): void {
  const arrays = arraysOf(args, "eval", nameOf);
  const meanwhile = makeRoomOrWait();
  native.eval(slots(arrays, "eval", "args"), meanwhile);
  reportMemory();
}

export { evaluate as eval };

interface Waiting {
  readonly giveUps: Set<() => void>;
  readonly listener: () => void;
}

// A signal has one listener for all that wait: Node takes more than ten for a
// leak.
const waitingFor = new WeakMap<Signal, Waiting>();

/** Calls a function when a signal aborts. The function that it returns calls that off. */
function whenAborted(signal: Signal, giveUp: () => void): () => void {
  let waiting = waitingFor.get(signal);
  if (waiting === undefined) {
    const giveUps = new Set<() => void>();
    waiting = { giveUps, listener: () => giveUps.forEach((each) => void each()) };
    signal.addEventListener("abort", waiting.listener, { once: true });
    waitingFor.set(signal, waiting);
  }
  const { giveUps, listener } = waiting;
  giveUps.add(giveUp);
  return () => {
    giveUps.delete(giveUp);
    if (giveUps.size === 0) {
      signal.removeEventListener("abort", listener);
      waitingFor.delete(signal);
    }
  };
}

/** What a promise gives. A function is called for each signal that aborts until then, or has aborted. */
async function listening<T>(
  signals: readonly Signal[],
  giveUp: (signal: Signal) => void,
  promise: PromiseLike<T>,
): Promise<T> {
  const forget = signals.map((signal) => {
    if (signal.aborted) {
      giveUp(signal);
    }
    return whenAborted(signal, () => giveUp(signal));
  });
  try {
    return await promise;
  } finally {
    for (const each of forget) {
      each();
    }
  }
}

/**
 * Computes arrays while the event loop goes on: the promise settles when they
 * are there, and errors reject it. Takes what `mx.eval` takes and, among the
 * arguments, an `AbortSignal`: when that aborts, the promise is rejected with its
 * reason, and what has not begun is left uncomputed; the arrays stay usable. After the
 * first argument, `undefined` stands for no signal.
 *
 * Evaluations begin in the order of the calls. Only some are under way at once,
 * so that thousands of them do not block the event loop; the others wait.
 *
 * @throws The signal's reason; what `mx.eval` throws.
 * @example
 * const x = mx.add(mx.array([1, 2]), 1);
 * await mx.asyncEval(x, AbortSignal.timeout(10_000));
 * x
 * // array([2, 3], dtype=float32)
 */
export function asyncEval<A extends readonly (Evaluable | Signal | undefined)[]>(
  ...args: Evaluated<A>
): Promise<void> {
  return evaluateLater(args, "asyncEval", nameOf);
}

/** What {@link asyncEval} does, for a function whose errors call arguments by other names. */
export async function evaluateLater(
  args: readonly unknown[],
  fn: string,
  nameOf: NameOf,
): Promise<void> {
  const signals = args.filter(isSignal);
  const isNone = (x: unknown, i: number) => isSignal(x) || (x === undefined && i > 0);
  const trees = args.map((x, i) => (isNone(x, i) ? [] : x));
  const arrays = arraysOf(trees, fn, nameOf);
  throwIfAborted(signals);
  makeRoom();
  const number = native.new_evaluation();
  const giveUp = () => native.give_up_eval(number);
  await listening(signals, giveUp, native.async_eval(slots(arrays, fn, "args"), number));
  throwIfAborted(signals);
  reportMemory();
}

/** What a promise gives, unless a signal aborts first: then it throws its reason. */
export async function unlessAborted<T>(
  promise: PromiseLike<T>,
  signals: readonly Signal[],
): Promise<T> {
  let giveUp: (signal: Signal) => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = ({ reason }) => reject(reason);
  });
  return listening(signals, giveUp, Promise.race([promise, aborted]));
}

/** Throws a signal's reason if one is aborted. Those of other realms need not have such a method. */
export function throwIfAborted(signals: readonly Signal[]): void {
  for (const signal of signals) {
    if (signal.aborted) {
      throw signal.reason;
    }
  }
}

// As it is now: test frameworks put timers of their own in its place.
const { setImmediate } = globalThis;

/** Settles when the event loop has done what else is due: the first immediate still comes before timers, the second after them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => void setImmediate(resolve)));
}
