/**
 * Trees taken apart, into leaves and structure, and put together again. All that takes
 * trees goes through them with {@link flatten}.
 */

import { type array, freed, isArray, slot, slotOf } from "../array/array.js";
import { typeError } from "../call/codes.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { isStranger } from "../call/identity.js";
import { type List, lengthOf, list } from "../call/wire.js";
import { isPromise } from "../lifetime/context.js";
import {
  type Branch,
  indices,
  isBranch,
  joined,
  kindOf,
  namesOf,
  omitted,
  putChild,
  treeLike,
} from "./tree.js";

export type { Path, Structure };

/**
 * What an error calls the parameter that has the tree; for a list of arguments,
 * how it calls each by its index.
 */
export type Parameter = string | ((index: number) => string);

/** A branch that a path goes through, and the name of the child that it goes to. */
interface Step {
  readonly branch: object;
  readonly before: Step | undefined;
  name: string | number;
}

/**
 * The way from a tree's root to where a walk is. It finds branches that contain
 * themselves, and says in errors where something is wrong.
 */
class Path {
  readonly #fn: string;
  readonly #param: Parameter;
  #last: Step | undefined;
  /** How many branches it goes through. */
  depth = 0;

  constructor(fn: string, param: Parameter) {
    this.#fn = fn;
    this.#param = param;
  }

  /** Where it is, as in `gradients.layers.0`. */
  get where(): string {
    const names: (string | number)[] = [];
    for (let step = this.#last; step !== undefined; step = step.before) {
      names.unshift(step.name);
    }
    const param = this.#param;
    const start = typeof param === "string" ? param : param(names.shift() as number);
    return names.reduce<string>(joined, start);
  }

  /** Goes into a branch. */
  enter(branch: object): void {
    for (let step = this.#last; step !== undefined; step = step.before) {
      if (step.branch === branch) {
        const what = "expected a tree, received a value that contains itself";
        throw typeError(`[${this.#fn}] ${this.where}: ${what}`);
      }
    }
    this.#last = { branch, before: this.#last, name: "" };
    this.depth++;
  }

  /** The names of the children of a branch, as {@link namesOf}, but a list may not be too long. */
  namesOf(branch: Branch): (string | number)[] {
    return Array.isArray(branch) ? indices(this.lengthOf(branch)) : Object.keys(branch);
  }

  /** The length of a list, which may not be too long. */
  lengthOf(list: readonly unknown[]): number {
    const param = typeof this.#param === "string" ? this.#param : "arguments";
    return lengthOf(list, this.#fn, param);
  }

  /** Goes to a child of the branch that was entered last. */
  at(name: string | number): void {
    (this.#last as Step).name = name;
  }

  /** Goes back out of the branch. */
  leave(): void {
    this.#last = (this.#last as Step).before;
    this.depth--;
  }

  mismatch(expected: string, value: unknown): TypeError {
    return mismatch(this.#fn, this.where, expected, value);
  }

  /** Refuses arrays of another copy of this package, which would be passed over. */
  refuseStranger(x: unknown): void {
    if (typeof x === "object" && x !== null && !isArray(x) && isStranger(x)) {
      throw this.mismatch("what this copy of mlx-js has made", x);
    }
  }
}

/** The way from the root of a tree that a function takes as a parameter. */
export function pathOf(fn: string, param: Parameter): Path {
  return new Path(fn, param);
}

/** How a tree is taken apart. */
export interface Flattening {
  /** The function that the user called, and its parameter, for errors. */
  readonly fn: string;
  readonly param: Parameter;
  /**
   * Whether a leaf is taken out rather than left in the structure; by default
   * all are. It may throw. Arrays are always taken out, and with it may not have
   * been freed.
   */
  readonly take?: ((leaf: unknown, path: Path) => boolean) | undefined;
  /** What counts as a leaf although it is a branch. */
  readonly isLeaf?: ((x: unknown) => boolean) | undefined;
  /** Whether modules do. */
  readonly modulesAreLeaves?: boolean | undefined;
  /** Whether whatever else modules have counts, too: other fields, and their {@link treeLike}. */
  readonly exact?: boolean | undefined;
}

// What stands in a structure for a leaf that was taken out, for a list and for a
// record. No leaf can be one of them.
const aLeaf = Symbol("leaf");
const aList = Symbol("list");
const aRecord = Symbol("record");

/**
 * Takes a tree apart: its leaves, in order, and its structure. Modules are records
 * of what belongs to the tree. Every child is read once.
 *
 * @param like A structure that the tree probably has. If it does, that one is given,
 * which costs less than to make another and to compare them.
 */
export function flatten<Leaf = unknown>(
  tree: unknown,
  how: Flattening,
  like?: Structure,
): [leaves: Leaf[], structure: Structure] {
  const walk = new Walk(how, like);
  walk.visit(tree, false);
  return [walk.leaves as Leaf[], walk.structure()];
}

// A class, as closures for every tree cost more.
class Walk {
  readonly leaves: unknown[] = [];
  readonly #path: Path;
  readonly #how: Flattening;
  readonly #like: Structure | undefined;
  // Undefined as long as it is the same as that of `#like`.
  #key: unknown[] | undefined;
  #length = 0;

  constructor(how: Flattening, like: Structure | undefined) {
    this.#path = new Path(how.fn, how.param);
    this.#how = how;
    this.#like = like;
    this.#key = like === undefined ? [] : undefined;
  }

  structure(): Structure {
    const like = this.#like;
    return like !== undefined && this.#key === undefined && like.key.length === this.#length
      ? like
      : new Structure(this.#ownKey());
  }

  #ownKey(): unknown[] {
    this.#key ??= (this.#like as Structure).key.slice(0, this.#length);
    return this.#key;
  }

  #put(token: unknown): void {
    if (this.#key !== undefined) {
      this.#key.push(token);
    } else if (!Object.is((this.#like as Structure).key[this.#length], token)) {
      this.#ownKey().push(token);
    }
    this.#length++;
  }

  /** Whether it belongs to the tree: in a module, only arrays and branches do. */
  visit(x: unknown, inModule: boolean): boolean {
    const { fn, take, isLeaf, modulesAreLeaves, exact } = this.#how;
    if (isArray(x)) {
      if (take !== undefined && slotOf(x) < 0) {
        throw freed(slotOf(x), fn, this.#path.where);
      }
      this.#take(x);
      return true;
    }
    const kind = kindOf(x);
    const isModule = kind === "module";
    if (kind === undefined || (isModule && modulesAreLeaves) || isLeaf?.(x)) {
      this.#path.refuseStranger(x);
      if (inModule && !exact && kind === undefined) {
        return false;
      }
      if (take === undefined || take(x, this.#path)) {
        this.#take(x);
      } else {
        this.#put(x);
      }
      return true;
    }
    this.#path.enter(x as Branch);
    if (kind === "list") {
      this.#list(x as unknown[], inModule);
    } else {
      this.#record(x as Record<string, unknown>, inModule || isModule, isModule);
    }
    this.#path.leave();
    return true;
  }

  #take(leaf: unknown): void {
    this.#put(aLeaf);
    this.leaves.push(leaf);
  }

  #list(x: unknown[], inModule: boolean): void {
    const length = this.#path.lengthOf(x);
    this.#put(aList);
    this.#put(length);
    for (let i = 0; i < length; i++) {
      this.#path.at(i);
      if (!this.visit(x[i], inModule)) {
        // It keeps its place, so that those behind it keep theirs.
        this.#put(aRecord);
        this.#put(0);
        this.#put(undefined);
      }
    }
  }

  #record(x: Record<string, unknown>, inModule: boolean, isModule: boolean): void {
    const names = Object.keys(x);
    this.#put(aRecord);
    const size = this.#length;
    this.#put(names.length);
    this.#put(isModule && this.#how.exact ? (x as { [treeLike]?: unknown })[treeLike] : undefined);
    for (const name of names) {
      this.#path.at(name);
      this.#put(name);
      if (!this.visit(x[name], inModule)) {
        const key = this.#ownKey();
        key.length = --this.#length;
        (key[size] as number)--;
      }
    }
  }
}

/** Takes the arrays out of a tree; all else stays in the structure. */
export function flattenArrays(tree: unknown, fn: string, param: Parameter): [array[], Structure] {
  return flatten<array>(tree, { fn, param, take: isArray });
}

/** Takes apart a tree that must have nothing but arrays. */
export function flattenOnlyArrays(
  tree: unknown,
  fn: string,
  param: Parameter,
): [array[], Structure] {
  return flatten<array>(tree, { fn, param, take: mustBeArray });
}

function mustBeArray(leaf: unknown, path: Path): never {
  throw path.mismatch(`an array or a tree of arrays${promiseHint(leaf, "transformed")}`, leaf);
}

/** What to say of a result that may be a promise: what cannot be done with its function. */
export function promiseHint(result: unknown, done: string): string {
  return isPromise(result) ? ` (an asynchronous function cannot be ${done})` : "";
}

/** What a function of arrays gave, one or a list of them, as the addon takes it. */
export function outputsOf(result: unknown, fn: string, done: string): List {
  const all = isArray(result) ? [result] : result;
  if (!Array.isArray(all) || !all.every(isArray)) {
    const expected = `an array or a list of arrays${promiseHint(result, done)}`;
    throw mismatch(fn, "fun's result", expected, result);
  }
  return list(all.map((x) => slot(x, fn, "fun's result")));
}

/** The axis among `ndim`, -1 for none. */
export function mappedAxis(axis: unknown, ndim: number, fn: string, param: string): number {
  if (axis === null) {
    return -1;
  }
  if (typeof axis !== "number" || !Number.isInteger(axis)) {
    throw mismatch(fn, param, "axes that are integers or null", axis);
  }
  if (axis < -ndim || axis >= ndim) {
    throw outOfRange(fn, param, `an axis of an array of ${ndim} dimensions`, axis);
  }
  return axis < 0 ? axis + ndim : axis;
}

/** How to go through something else along a structure. */
interface Companion<T> {
  /** What there is at a branch of so many children, from what led to it. */
  branch(at: T, size: number, isList: boolean): T;
  /** What leads to a child, from what there is at its branch. */
  child(at: T, name: string): T;
  /** What there is at a leaf, from what led to it, which it is by default. */
  leaf?(at: T): T;
}

const missing = Symbol("missing");

/** A tree without its leaves. It keeps no array alive. */
class Structure {
  /** @param key The branches, names and leaves in order, each branch before its children. */
  constructor(readonly key: readonly unknown[]) {}

  /** Whether a structure is the same, in what was left in it, too. */
  equals(other: Structure): boolean {
    if (this === other) {
      return true;
    }
    const { key } = this;
    if (key.length !== other.key.length) {
      return false;
    }
    for (let i = 0; i < key.length; i++) {
      if (!Object.is(key[i], other.key[i])) {
        return false;
      }
    }
    return true;
  }

  /** A tree with other leaves; what was left in the structure can be changed, too. */
  fill(leaves: readonly unknown[], mapRest?: (x: unknown) => unknown): unknown {
    const { key } = this;
    if (key.length === 1 && key[0] === aLeaf) {
      return leaves[0];
    }
    let at = 0;
    let next = 0;
    const build = (): unknown => {
      const token = key[at++];
      if (token === aLeaf) {
        return leaves[next++];
      }
      if (token === aList) {
        const out: unknown[] = [];
        for (let size = key[at++] as number; size > 0; size--) {
          const child = build();
          out.push(child === omitted ? {} : child);
        }
        return out;
      }
      if (token === aRecord) {
        const out = {};
        let size = key[at++] as number;
        for (at++; size > 0; size--) {
          const name = key[at++] as string;
          const child = build();
          if (child !== omitted) {
            putChild(out, name, child);
          }
        }
        return out;
      }
      return mapRest === undefined ? token : mapRest(token);
    };
    return build();
  }

  /** What a companion has at each leaf. */
  along<T>(start: T, { branch, child, leaf }: Companion<T>): T[] {
    const { key } = this;
    const out: T[] = [];
    let next = 0;
    const walk = (at: T): void => {
      const token = key[next++];
      if (token === aList) {
        const size = key[next++] as number;
        const here = branch(at, size, true);
        for (let i = 0; i < size; i++) {
          walk(child(here, String(i)));
        }
      } else if (token === aRecord) {
        const size = key[next++] as number;
        next++;
        const here = branch(at, size, false);
        for (let i = 0; i < size; i++) {
          walk(child(here, key[next++] as string));
        }
      } else if (token === aLeaf) {
        out.push(leaf === undefined ? at : leaf(at));
      }
    };
    walk(start);
    return out;
  }

  /** The name of each leaf, such as `layers.0.weight`. */
  names(prefix = ""): string[] {
    return this.along(prefix, { branch: (path) => path, child: joined });
  }

  /**
   * What another tree has at each leaf. It may have more. `wrong` makes the error
   * for a leaf, or a branch that has leaves, which it does not have.
   */
  pick(tree: unknown, wrong: (name: string, found: unknown, isLeaf: boolean) => Error): unknown[] {
    const places = this.along(
      { value: tree, name: "" },
      {
        branch(at, size) {
          if (size > 0 && !isBranch(at.value)) {
            throw wrong(at.name, at.value === missing ? undefined : at.value, false);
          }
          return at;
        },
        child({ value, name }, key) {
          const own = Object.hasOwn(value as object, key);
          return {
            value: own ? (value as Record<string, unknown>)[key] : missing,
            name: joined(name, key),
          };
        },
      },
    );
    return places.map(({ value, name }) => {
      if (value === missing) {
        throw wrong(name, undefined, true);
      }
      return value;
    });
  }

  /**
   * What a prefix of the tree has for each leaf: a tree of the same lists and
   * records, but where a leaf of it stands in place of a branch, it counts for all
   * that is below. `wrong` makes the error for one that is no prefix.
   */
  spread(prefix: unknown, wrong: () => Error): unknown[] {
    return this.along(prefix, {
      branch(part, size, isList) {
        if (isBranch(part)) {
          if (Array.isArray(part) !== isList || namesOf(part).length !== size) {
            throw wrong();
          }
        }
        return part;
      },
      child(part, name) {
        if (!isBranch(part)) {
          return part;
        }
        if (!Object.hasOwn(part, name)) {
          throw wrong();
        }
        return (part as Record<string, unknown>)[name];
      },
    });
  }
}

const listsOfLeaves: Structure[] = [];

/** The structure of a list that has so many leaves and nothing else. */
export function listOfLeaves(length: number): Structure {
  listsOfLeaves[length] ??= new Structure([aList, length, ...new Array(length).fill(aLeaf)]);
  return listsOfLeaves[length];
}

/** Where an array of a tree stands. */
export interface Place {
  readonly branch: Branch;
  readonly name: string | number;
  readonly value: array;
}

/** The places of a tree's arrays, in the order in which {@link flatten} has them. */
export function placesOf(tree: unknown, fn: string, param: string): Place[] {
  const out: Place[] = [];
  const path = new Path(fn, param);
  const walk = (branch: Branch): void => {
    path.enter(branch);
    for (const name of namesOf(branch)) {
      const value = (branch as Record<string, unknown>)[name];
      path.at(name);
      if (isArray(value)) {
        out.push({ branch, name, value });
      } else if (isBranch(value)) {
        walk(value);
      }
    }
    path.leave();
  };
  if (isBranch(tree)) {
    walk(tree);
  }
  return out;
}
