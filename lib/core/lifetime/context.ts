/**
 * What holds where code runs: the `tidy` scope that frees its arrays, the
 * stream of `mx.stream` and the options of `mx.printoptions`. They follow
 * asynchronous functions across `await`, so that interleaved ones do not mix.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { types } from "node:util";
import type { PrintOptions } from "../array/printing.js";
import { mismatch } from "../call/errors.js";
import type { StreamId } from "../call/wire.js";
import type { Scope } from "./scope.js";

export interface Context {
  readonly scope: Scope | undefined;
  readonly stream: StreamId;
  readonly print: PrintOptions;
}

const root: Context = { scope: undefined, stream: 0 as StreamId, print: { precision: -1 } };
const storage = new AsyncLocalStorage<Context>();

// Synchronous code finds its context here, at the price of a variable; only
// what runs after an `await` has to ask the storage.
let active: Context = root;
let asynchronous = 0;

export function context(): Context {
  return active === root && asynchronous > 0 ? stored() : active;
}

// Work that nobody waited for may come when its scope has been left.
function stored(): Context {
  const found = storage.getStore() ?? root;
  const scope = found.scope?.open;
  return scope === found.scope ? found : { ...found, scope };
}

export function currentStream(): StreamId {
  return context().stream;
}

// What was current before a context that was left, for whoever comes back to it.
const before = new WeakMap<Context, Context>();

function comeBackTo(previous: Context): void {
  active = previous;
  for (let next = before.get(active); next !== undefined; next = before.get(active)) {
    active = next;
  }
}

/**
 * Makes a context the current one until the returned function is called. Several
 * may be left in any order, and each more than once.
 */
export function enter(next: Context): () => void {
  const previous = active;
  active = next;
  return () => {
    before.set(next, previous);
    if (active === next) {
      comeBackTo(previous);
    }
  };
}

export function isPromise(x: unknown): x is PromiseLike<unknown> {
  return typeof (x as { then?: unknown } | undefined | null)?.then === "function";
}

/** A promise for what a function gave, if it is one itself. */
function promiseOf(result: unknown, name: string, param: string): Promise<unknown> | undefined {
  if (typeof result === "object" && types.isGeneratorObject(result)) {
    const expected = "a function that is done when it returns, or when its promise settles";
    throw mismatch(name, param, expected, result);
  }
  // A new one in any case: others may settle twice, or be called something else.
  return isPromise(result) ? new Promise((resolve) => resolve(result)) : undefined;
}

/**
 * Runs a function in a context, and then `leave` with what it gave: when it
 * returns or throws or, where it returns a promise, when that settles.
 */
export function run<T>(
  name: string,
  next: Context,
  fn: () => T,
  leave: (result: unknown) => void = () => {},
  param = "fn",
): T {
  const previous = active;
  active = next;
  let result: T;
  let promise: Promise<unknown> | undefined;
  try {
    // The storage is what code after an `await` will find.
    result = storage.run(next, () => {
      const given = fn();
      promise = promiseOf(given, name, param);
      return given;
    });
  } catch (error) {
    // Before any call: calls fail where no stack is left.
    active = previous;
    comeBackTo(previous);
    leaveAfterError(leave);
    throw error;
  }
  comeBackTo(previous);
  if (promise === undefined) {
    leave(result);
    return result;
  }
  asynchronous++;
  return promise.then(
    (value) => {
      asynchronous--;
      leave(value);
      return value;
    },
    (error: unknown) => {
      asynchronous--;
      leaveAfterError(leave);
      throw error;
    },
  ) as T;
}

function leaveAfterError(leave: (result: unknown) => void): void {
  try {
    leave(undefined);
  } catch {
    // The function's own error counts.
  }
}
