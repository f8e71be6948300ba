/**
 * What holds where code runs: the `tidy` scope that frees its arrays, the
 * stream of `mx.stream` and the options of `mx.printoptions`. They follow
 * asynchronous functions across `await`, so that interleaved ones do not mix.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { PrintOptions } from "./printing.js";
import type { Scope } from "./scope.js";
import type { StreamId } from "./wire.js";

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
  return active === root && asynchronous > 0 ? (storage.getStore() ?? root) : active;
}

export function currentScope(): Scope | undefined {
  return context().scope;
}

export function currentStream(): StreamId {
  return context().stream;
}

/** Makes a context the current one until the returned function is called. */
export function enter(next: Context): () => void {
  const previous = active;
  active = next;
  return () => {
    active = previous;
  };
}

export function isPromise(x: unknown): x is PromiseLike<unknown> {
  return typeof (x as { then?: unknown } | undefined | null)?.then === "function";
}

/**
 * Runs a function in a context, and then `leave` with what it gave: when it
 * returns or throws or, where it returns a promise, when that settles.
 */
export function run<T>(
  next: Context,
  fn: () => T,
  leave: (result: unknown, failed: boolean) => void = () => {},
): T {
  const previous = active;
  active = next;
  let result: T;
  try {
    // The storage is what code after an `await` will find.
    result = storage.run(next, fn);
  } catch (error) {
    active = previous;
    leave(undefined, true);
    throw error;
  }
  active = previous;
  if (!isPromise(result)) {
    leave(result, false);
    return result;
  }
  asynchronous++;
  const done = (value: unknown, failed: boolean) => {
    asynchronous--;
    leave(value, failed);
  };
  return result.then(
    (value) => {
      done(value, false);
      return value;
    },
    (error: unknown) => {
      done(undefined, true);
      throw error;
    },
  ) as T;
}
