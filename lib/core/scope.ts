/** Lifetimes: `tidy`, `keep`, `dispose`. */
import { type array, moveTo, scopeOf, takeSlot } from "./array.js";
import { context, currentScope, run } from "./context.js";
import { mismatch } from "./errors.js";
import { native } from "./native.js";

/** The arrays made inside a `tidy`, which frees them at its end. */
export class Scope {
  readonly #arrays: array[] = [];
  readonly #adopted: object[] = [];
  readonly #parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
  }

  add(x: array): void {
    this.#arrays.push(x);
  }

  adopt(tree: object): void {
    this.#adopted.push(tree);
  }

  /** Frees all but what is reachable from the result and what was kept. */
  leave(result: unknown): void {
    visitArrays(result, (x) => {
      if (scopeOf(x) === this) {
        moveTo(x, this.#parent);
      }
    });
    for (const tree of this.#adopted) {
      keepOf(tree, this);
    }
    const slots = new Float64Array(this.#arrays.length);
    let count = 0;
    for (const x of this.#arrays) {
      if (scopeOf(x) === this) {
        const slot = takeSlot(x);
        if (slot >= 0) {
          slots[count++] = slot;
        }
      }
    }
    this.#arrays.length = 0;
    native.release_all(slots.subarray(0, count));
  }
}

function keepOf(tree: object, scope: Scope): void {
  visitHeld(tree, (x) => {
    if (scopeOf(x) === scope) {
      moveTo(x, undefined);
    }
  });
}

/** Lets what a tree holds when the current scope ends outlive it. */
export function adopt(tree: object): void {
  currentScope()?.adopt(tree);
}

/**
 * Runs a function and frees every array made inside it, but those that it
 * returns (in lists, records or modules, too) and those that it keeps. The
 * garbage collector has no part in this, which makes it the fast path for
 * loops. Scopes nest; an asynchronous function's lasts until its promise
 * settles, and interleaved ones do not mix.
 *
 * The parameters of modules made inside, and what `update`, `loadWeights` and
 * optimizers store, survive by themselves. A field that your own code assigns
 * needs `mx.keep`.
 *
 * @throws What the function throws; its arrays are freed then, too.
 * @example
 * const y = mx.tidy(() => {
 *   const x = mx.array([1, 2, 3]);
 *   return mx.sum(mx.multiply(x, x));
 * });
 * y
 * // array(14, dtype=float32)
 */
export function tidy<T>(fn: () => T): T {
  if (typeof fn !== "function") {
    throw mismatch("tidy", "fn", "a function", fn);
  }
  const { scope: parent, stream, print } = context();
  const scope = new Scope(parent);
  return run({ scope, stream, print }, fn, (result) => scope.leave(result));
}

/**
 * Lets arrays outlive the `tidy` that they were made in: from then on the
 * garbage collector decides. Takes an array or a tree of them and returns it.
 *
 * @example
 * let kept;
 * mx.tidy(() => {
 *   kept = mx.keep(mx.array([1, 2]));
 * });
 * kept
 * // array([1, 2], dtype=float32)
 */
export function keep<T>(tree: T): T {
  visitArrays(tree, (x) => {
    if (scopeOf(x) !== undefined) {
      moveTo(x, undefined);
    }
  });
  return tree;
}

/**
 * Frees arrays at once: an array or a tree of them. Freeing twice does
 * nothing; any other use of a freed array throws.
 *
 * @example
 * const x = mx.array([1, 2]);
 * mx.dispose([x]);
 * x.disposed
 * // true
 */
export function dispose(tree: unknown): void {
  visitArrays(tree, (x) => {
    const slot = takeSlot(x);
    if (slot >= 0) {
      native.release(slot);
    }
  });
}
