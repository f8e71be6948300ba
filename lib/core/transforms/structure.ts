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

/** A branch that a path goes through. */
interface Step {
  readonly branch: Branch;
  /** The names of a record's children. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  /** How many of its children the path has gone to; it is at the last of them. */
  next: number;
  /** What the walk has there. */
  readonly at: unknown;
}

function nameAt({ names }: Step, index: number): string | number {
  return names === undefined ? index : (names[index] as string);
}

// So many branches are compared one by one, which takes less than a set.
const few = 16;

/**
 * The way from a tree's root to where a walk is, by a loop, as trees may be deeper than the stack.
 * It finds branches that contain themselves, and says in errors where something is wrong.
 */
class Path {
  readonly #fn: string;
  readonly #param: Parameter;
  readonly #steps: Step[] = [];
  // The branches beyond the first few.
  #deep: Set<object> | undefined;

  constructor(fn: string, param: Parameter) {
    this.#fn = fn;
    this.#param = param;
  }

  /** How many branches it goes through. */
  get depth(): number {
    return this.#steps.length;
  }

  /** Where it is, as in `gradients.layers.0`. */
  get where(): string {
    const names = this.#steps.map((step) => nameAt(step, step.next - 1));
    const param = this.#param;
    const start = typeof param === "string" ? param : param(names.shift() as number);
    return names.reduce<string>(joined, start);
  }

  /** Goes into a branch next. `at` is what the walk has there. */
  enter(branch: Branch, at: unknown): Step {
    const steps = this.#steps;
    let isAbove = this.#deep?.has(branch) ?? false;
    for (let i = 0; i < few && i < steps.length; i++) {
      isAbove ||= (steps[i] as Step).branch === branch;
    }
    if (isAbove) {
      const what = "expected a tree, received a value that contains itself";
      throw typeError(`[${this.#fn}] ${this.where}: ${what}`);
    }
    if (steps.length >= few) {
      this.#deep ??= new Set();
      this.#deep.add(branch);
    }
    const names = Array.isArray(branch) ? undefined : Object.keys(branch);
    const length = names?.length ?? this.#lengthOf(branch as unknown[]);
    const step = { branch, names, length, next: 0, at };
    steps.push(step);
    return step;
  }

  /** The length of a list, which may not be too long. */
  #lengthOf(list: readonly unknown[]): number {
    const param = typeof this.#param === "string" ? this.#param : "arguments";
    return lengthOf(list, this.#fn, param);
  }

  /**
   * Visits every child of the branch that was entered, and then of those that `visit` enters. Each
   * child is read once.
   */
  through<At>(
    visit: (at: At, name: string | number, value: unknown, branch: Branch) => void,
  ): void {
    const steps = this.#steps;
    for (let last = steps.at(-1); last !== undefined; last = steps.at(-1)) {
      const { branch } = last;
      if (last.next === last.length) {
        steps.pop();
        this.#deep?.delete(branch);
        continue;
      }
      const name = nameAt(last, last.next++);
      visit(last.at as At, name, (branch as Record<string | number, unknown>)[name], branch);
    }
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
  walk.through(tree);
  return [walk.leaves as Leaf[], walk.structure()];
}

/** What a walk has at a branch. */
interface Entered {
  readonly inModule: boolean;
  /** Where in the key a record's number of children stands. */
  readonly size: number;
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

  through(tree: unknown): void {
    this.#visit(tree, false);
    this.#path.through<Entered>(({ inModule, size }, name, x) => {
      const isList = typeof name === "number";
      if (!isList) {
        this.#put(name);
      }
      if (this.#visit(x, inModule)) {
        return;
      }
      if (isList) {
        // It keeps its place, so that those behind it keep theirs.
        this.#putBranch(aRecord, 0, undefined);
      } else {
        const key = this.#ownKey();
        key.length = --this.#length;
        (key[size] as number)--;
      }
    });
  }

  /** Whether it belongs to the tree: in a module, only arrays and branches do. */
  #visit(x: unknown, inModule: boolean): boolean {
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
    const at: Entered = { inModule: inModule || isModule, size: this.#length + 1 };
    const { names, length } = this.#path.enter(x as Branch, at);
    const rest = isModule && exact ? (x as { [treeLike]?: unknown })[treeLike] : undefined;
    this.#putBranch(names === undefined ? aList : aRecord, length, rest);
    return true;
  }

  #putBranch(kind: symbol, size: number, rest: unknown): void {
    this.#put(kind);
    this.#put(size);
    this.#put(rest);
  }

  #take(leaf: unknown): void {
    this.#put(aLeaf);
    this.leaves.push(leaf);
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

/** What a node of a structure is; undefined for what was left in it. */
export type NodeKind = "leaf" | "list" | "record" | undefined;

/** How to go through something else along a structure. `where` gives the name of a place. */
interface Companion<T> {
  /** Looks at what there is at a branch of so many children. */
  branch?(at: T, size: number, isList: boolean, where: () => string): void;
  /** What there is at a child, from what there is at its branch. */
  child(at: T, name: string | number, kind: NodeKind, where: () => string): T;
}

/** A branch whose children are under way, and the child that is. */
interface Open<T> {
  readonly at: T;
  readonly isList: boolean;
  left: number;
  name: string | number;
}

function kindOfToken(token: unknown): NodeKind {
  switch (token) {
    case aLeaf:
      return "leaf";
    case aList:
      return "list";
    case aRecord:
      return "record";
  }
  return undefined;
}

/** A tree without its leaves. It keeps no array alive. */
class Structure {
  /**
   * @param key The branches, names and leaves in order, each branch before its children: its kind,
   * how many they are, and what else counts.
   */
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
    const open: Open<Branch>[] = [];
    let root: unknown;
    let leaf = 0;
    for (let next = 0; next < key.length; ) {
      const last = open.at(-1);
      const name = last === undefined || last.isList ? undefined : (key[next++] as string);
      const token = key[next++];
      const kind = kindOfToken(token);
      let node: unknown;
      if (kind === undefined) {
        node = mapRest === undefined ? token : mapRest(token);
      } else if (kind === "leaf") {
        node = leaves[leaf++];
      } else {
        node = kind === "list" ? [] : {};
      }
      if (last === undefined) {
        root = node;
      } else {
        last.left--;
        if (last.isList) {
          (last.at as unknown[]).push(node === omitted ? {} : node);
        } else if (node !== omitted) {
          putChild(last.at, name as string, node);
        }
      }
      if (kind === "list" || kind === "record") {
        open.push({
          at: node as Branch,
          isList: kind === "list",
          left: key[next++] as number,
          name: "",
        });
        next++;
      }
      while (open.at(-1)?.left === 0) {
        open.pop();
      }
    }
    return root;
  }

  /** What a companion has at each leaf. */
  along<T>(start: T, { branch, child }: Companion<T>): T[] {
    const { key } = this;
    const out: T[] = [];
    const open: Open<T>[] = [];
    const where = () => open.map(({ name }) => name).reduce<string>(joined, "");
    let at = start;
    for (let next = 0; ; ) {
      const kind = kindOfToken(key[next++]);
      if (kind === "leaf") {
        out.push(at);
      } else if (kind !== undefined) {
        const isList = kind === "list";
        const left = key[next++] as number;
        next++;
        branch?.(at, left, isList, where);
        open.push({ at, isList, left, name: -1 });
      }
      while (open.at(-1)?.left === 0) {
        open.pop();
      }
      const last = open.at(-1);
      if (last === undefined) {
        return out;
      }
      last.left--;
      last.name = last.isList ? (last.name as number) + 1 : (key[next++] as string);
      at = child(last.at, last.name, kindOfToken(key[next]), where);
    }
  }

  /** The name of each leaf, such as `layers.0.weight`. */
  names(prefix = ""): string[] {
    return this.along(prefix, { child: joined });
  }

  /**
   * What another tree has at each leaf. It may have more. `wrong` makes the error
   * for a leaf, or a branch that has leaves, which it does not have.
   */
  pick(tree: unknown, wrong: (name: string, found: unknown, isLeaf: boolean) => Error): unknown[] {
    return this.along(tree, {
      branch(found, size, _, where) {
        if (size > 0 && !isBranch(found)) {
          throw wrong(where(), found, false);
        }
      },
      child(branch, name, kind, where) {
        // That it is a branch was seen before.
        const isOwn = Object.hasOwn(branch as Branch, name);
        if (kind === "leaf" && !isOwn) {
          throw wrong(where(), undefined, true);
        }
        return isOwn ? (branch as Record<string | number, unknown>)[name] : undefined;
      },
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
  listsOfLeaves[length] ??= new Structure([
    aList,
    length,
    undefined,
    ...new Array(length).fill(aLeaf),
  ]);
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
  if (isBranch(tree)) {
    const path = new Path(fn, param);
    path.enter(tree, undefined);
    path.through((_, name, value, branch) => {
      if (isArray(value)) {
        out.push({ branch, name, value });
      } else if (isBranch(value)) {
        path.enter(value, undefined);
      }
    });
  }
  return out;
}
