/** Scopes: `tidy` and `keep`. */
import { type array, freedByTidy, moveTo, scopeOf, takeSlot } from "../array/array.js";
import { refuseMore } from "../call/errors.js";
import { native } from "../call/native.js";
import { asFunction } from "../call/numbers.js";
import { list } from "../call/wire.js";
import { context, run } from "./context.js";
import { weigh } from "./garbage.js";
import { oneTree, visitHeld, visitOwned } from "./owner.js";

/** The arrays made inside a `tidy`, which frees them at its end. */
export class Scope {
  readonly #arrays: array[] = [];
  readonly #parent: Scope | undefined;
  // How many arrays were made in those inner scopes whose results came here.
  #inside = 0;
  left = false;

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
  }

  /** The innermost scope around it, or itself, that has not been left. */
  get open(): Scope | undefined {
    let scope: Scope | undefined = this;
    while (scope?.left) {
      scope = scope.#parent;
    }
    return scope;
  }

  add(x: array): void {
    // V8 calls a function for `push`, where a list begins without elements.
    this.#arrays[this.#arrays.length] = x;
  }

  /** Takes over the arrays that a value has of another scope. */
  take(value: unknown, other: Scope): void {
    visitHeld(value, (x) => {
      if (scopeOf(x) === other) {
        moveTo(x, this);
      }
    });
  }

  /** Frees all but what is reachable from the result, what owners hold, and what was kept. */
  leave(result: unknown): void {
    this.left = true;
    try {
      // To look at a result may run code, and fail.
      const around = this.open;
      let anyResult = false;
      visitHeld(result, (x) => {
        if (scopeOf(x) === this) {
          moveTo(x, around);
          anyResult = true;
        }
      });
      if (anyResult) {
        // A result that is not computed yet keeps what it is computed from.
        const made = this.#arrays.length + this.#inside;
        if (around === undefined) {
          weigh(made);
        } else {
          around.#inside += made;
        }
      }
    } finally {
      this.#release();
    }
  }

  #release(): void {
    try {
      if (this.#arrays.some((x) => scopeOf(x) === this)) {
        visitOwned((x) => {
          if (scopeOf(x) === this) {
            moveTo(x, undefined);
          }
        });
      }
    } finally {
      this.#free();
    }
  }

  #free(): void {
    const slots: number[] = [];
    for (const x of this.#arrays) {
      if (scopeOf(x) === this) {
        const slot = takeSlot(x, freedByTidy);
        if (slot >= 0) {
          slots.push(slot);
        }
      }
    }
    this.#arrays.length = 0;
    if (slots.length > 0) {
      native.release_all(list(slots));
    }
  }
}

/**
 * Runs a function and frees every array made inside it, but those that it
 * returns and those that it keeps. A result is looked through, as deep as it may
 * be: lists, records and modules, maps and sets, and the fields of other objects.
 * What is in variables of a function, in a `#private` field or a generator is not
 * found; it needs `mx.keep`.
 *
 * The garbage collector has no part in this, which makes it the fast path for
 * loops. Scopes nest; an asynchronous function's lasts until its promise
 * settles, and interleaved ones do not mix.
 *
 * What is in a field of a module, an optimizer or another `mx.Owner` when the
 * scope ends survives by itself.
 *
 * @throws What the function throws, or a getter of its result; its arrays are
 * freed then, too. TypeError for a generator, whose code would run later.
 * @example
 * const y = mx.tidy(() => {
 *   const x = mx.array([1, 2, 3]);
 *   return mx.sum(mx.multiply(x, x));
 * });
 * y
 * // array(14, dtype=float32)
 */
export function tidy<T>(fn: () => T): T {
  asFunction(fn, "tidy", "fn");
  const { scope: parent, stream, print } = context();
  const scope = new Scope(parent);
  return run("tidy", { scope, stream, print }, fn, (result) => scope.leave(result));
}

/**
 * Lets arrays outlive the `tidy` that they were made in: from then on the
 * garbage collector decides. Takes an array, or whatever holds some, as `tidy`
 * looks through results, and returns it.
 *
 * @example
 * let kept;
 * mx.tidy(() => {
 *   kept = mx.keep(mx.array([1, 2]));
 * });
 * kept
 * // array([1, 2], dtype=float32)
 */
export function keep<T>(tree: T): T;
export function keep<T>(tree: T, more?: unknown): T {
  refuseMore(more, "keep", "args[1]", oneTree);
  visitHeld(tree, (x) => {
    if (scopeOf(x) !== undefined) {
      moveTo(x, undefined);
    }
  });
  return tree;
}
