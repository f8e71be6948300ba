/** What holds arrays: looking through values, and owners, whose fields keep theirs. */
import { types } from "node:util";
import { type array, isArray, takeSlot } from "../array/array.js";
import { refuseMore } from "../call/errors.js";
import { native } from "../call/native.js";
import { isRecord } from "../call/objects.js";
import { treeLike } from "../transforms/tree.js";

/** What errors of functions of one tree ask for. */
export const oneTree = "one argument, such as a list of all";

// A class that extends Map or Set may have methods of its own.
const { forEach: mapForEach } = Map.prototype;
const { forEach: setForEach } = Set.prototype;

/** Puts what a map or a set has on a list. */
function takeItems(x: object, ahead: unknown[]): void {
  if (types.isMap(x)) {
    mapForEach.call(x, (item, key) => ahead.push(key, item));
  } else if (types.isSet(x)) {
    setForEach.call(x, (item) => ahead.push(item));
  }
}

/**
 * Calls a function with every array that a value holds, each object once: in
 * lists, records and modules, in maps and sets, and in the fields of other
 * objects, as deep as they may be. Owners can be left to another function.
 */
export function visitHeld(
  value: unknown,
  visit: (x: array) => void,
  visitOwner?: (x: Owner) => void,
): void {
  if (isArray(value)) {
    visit(value);
    return;
  }
  const seen = new Set<object>();
  const ahead: unknown[] = [value];
  while (ahead.length > 0) {
    const x = ahead.pop();
    if (isArray(x)) {
      visit(x);
    } else if (typeof x === "object" && x !== null && !ArrayBuffer.isView(x) && !seen.has(x)) {
      seen.add(x);
      if (visitOwner !== undefined && isOwner(x)) {
        visitOwner(x);
        continue;
      }
      takeItems(x, ahead);
      for (const item of Object.values(x)) {
        ahead.push(item);
      }
    }
  }
}

let anyOwners = false;

/** Makes an object an owner, whose fields keep what they hold, and gives it. */
export function own<T extends object>(owner: T): T {
  anyOwners = true;
  native.own(owner);
  return owner;
}

/**
 * Calls a function with every array that a living owner holds, some more than
 * once: in its fields, and in lists, records, maps and sets there. Other objects
 * are looked through if they are owners themselves.
 */
export function visitOwned(visit: Visit): void {
  if (!anyOwners) {
    return;
  }
  const ahead: object[] = [];
  const visitAll = (owners: readonly object[]): void => {
    for (const owner of owners) {
      try {
        visitFields(owner, visit, ahead);
        if (ahead.length > 0) {
          visitBranches(ahead, visit);
        }
      } catch {
        // A getter's error is nothing to whoever ends a scope.
        ahead.length = 0;
      }
    }
  };
  visitAll(native.settled_owners() as object[]);
  native.visit_recent_owners((...owners: object[]) => visitAll(owners));
}

// Beyond so many lists, records, maps and sets, each is looked at only once. Few owners
// have that many, and to note what was seen takes longer than to look again.
const many = 1000;

type Visit = (x: array) => void;

function look(value: unknown, visit: Visit, ahead: object[]): void {
  if (typeof value === "object" && value !== null) {
    if (isArray(value)) {
      visit(value);
    } else if (!isOwner(value)) {
      ahead.push(value);
    }
  }
}

function visitFields(x: object, visit: Visit, ahead: object[]): void {
  // `for … in` costs least: engines make no list of names, and need not look each one up.
  for (const name in x) {
    look((x as Record<string, unknown>)[name], visit, ahead);
  }
}

function visitBranches(ahead: object[], visit: Visit): void {
  let seen: Set<object> | undefined;
  for (let count = 0; ahead.length > 0; count++) {
    const x = ahead.pop() as object;
    if (count > many) {
      seen ??= new Set();
      if (seen.has(x)) {
        continue;
      }
      seen.add(x);
    }
    if (isRecord(x)) {
      visitFields(x, visit, ahead);
      continue;
    }
    let items: unknown[] = [];
    if (Array.isArray(x)) {
      items = x;
    } else {
      takeItems(x, items);
    }
    for (const item of items) {
      look(item, visit, ahead);
    }
  }
}

/** Whether a value is an owner. */
let isOwner: (x: object) => x is Owner;
/** Notes that an owner is disposed of, and gives what it held. */
let emptied: (x: Owner) => unknown[];

/**
 * The base of classes whose fields hold arrays from step to step, such as a cache
 * of keys and values. What a step stores in a field outlives the `mx.tidy` that it
 * was made in: an array, or lists, records, maps and sets of them, and other
 * owners. `nn.Module` and `optim.Optimizer` are owners.
 *
 * Its arrays are freed by the garbage collector or, at once, by `dispose`, which
 * `using` calls. An array that another one takes the place of is left to the
 * collector, since others may hold it. What is in a `#private` field is not seen;
 * it needs `mx.keep`.
 *
 * To `mx.eval` and the other functions of trees it is a record of its fields.
 *
 * @example
 * class Cache extends mx.Owner {
 *   keys = mx.zeros([0, 2]);
 *   add(keys) {
 *     this.keys = mx.concatenate([this.keys, keys]);
 *   }
 * }
 * const cache = new Cache();
 * mx.tidy(() => cache.add(mx.array([[1, 2]])));
 * cache.keys
 * // array([[1, 2]], dtype=float32)
 */
export class Owner {
  #disposed = false;

  static {
    isOwner = (x): x is Owner => #disposed in x;
    emptied = (x) => {
      x.#disposed = true;
      return Object.values(x);
    };
  }

  constructor() {
    own(this);
  }

  /** What computations depend on beside the fields. */
  get [treeLike](): boolean | string | undefined {
    return true;
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return isOwner(this) && this.#disposed;
  }

  /**
   * Frees at once all arrays that its fields hold, and disposes the owners in
   * them. Again does nothing.
   */
  dispose(): void {
    if (!this.#disposed) {
      dispose(emptied(this));
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Frees arrays at once: an array, or all that something holds, as `tidy` looks
 * through results. Freeing twice does nothing; any other use of a freed array
 * throws.
 *
 * @example
 * const x = mx.array([1, 2]);
 * mx.dispose([x]);
 * x.disposed
 * // true
 */
export function dispose(tree: unknown): void;
export function dispose(tree: unknown, more?: unknown): void {
  refuseMore(more, "dispose", "args[1]", oneTree);
  const owners: Owner[] = [];
  const free = (x: unknown): void =>
    visitHeld(
      x,
      (x) => {
        const slot = takeSlot(x);
        if (slot >= 0) {
          native.release(slot);
        }
      },
      (owner) => owners.push(owner),
    );
  free(tree);
  // It goes on to those that are found meanwhile: owners may be deeper than the stack.
  for (const owner of owners) {
    // One that is just being disposed may be held by what it holds.
    if (owner.disposed) {
      continue;
    }
    if (owner.dispose === Owner.prototype.dispose) {
      free(emptied(owner));
    } else {
      owner.dispose();
    }
  }
}
