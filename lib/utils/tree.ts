/**
 * Trees: values in nested lists, records and modules, such as the parameters
 * of a model and their gradients. What is neither is a leaf. Of a module's
 * fields those count that hold arrays, modules, lists or records.
 */
import { checkOptions } from "../core/call/arguments.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { asString } from "../core/call/numbers.js";
import type * as mx from "../core/index.js";
import { isBranch, treeLike } from "../core/transforms/tree.js";
import { childNames, childOf, cyclic, joined, putChild } from "./branches.js";

/** A leaf, a list of trees or a record of trees. */
export type Tree<Leaf = mx.array> =
  | Leaf
  | readonly Tree<Leaf>[]
  | { readonly [name: string]: Tree<Leaf> };

/** The type of a tree with other leaves. */
export type TreeOf<T, Leaf> = unknown extends T
  ? T
  : T extends mx.array
    ? Leaf
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: TreeOf<T[K], Leaf> }
      : T extends (...args: never[]) => unknown
        ? Leaf
        : T extends object
          ? { -readonly [K in keyof T]: TreeOf<T[K], Leaf> }
          : Leaf;

/** Whether a value is a leaf although it is a list, a record or a module. */
// biome-ignore lint/suspicious/noExplicitAny: any value of a tree
export type IsLeaf = (node: any) => boolean;

/** Options of the functions over trees. */
export interface TreeOptions {
  /** What counts as a leaf although it is a list, a record or a module. */
  isLeaf?: IsLeaf | undefined;
}

type Visit = (path: string, leaf: unknown, others: readonly unknown[]) => unknown;

/** Calls a function with every leaf and gives the tree of what it returns. */
function walkTree(
  fn: string,
  param: string,
  tree: unknown,
  rest: readonly unknown[],
  isLeaf: IsLeaf | undefined,
  start: string,
  visit: Visit,
): unknown {
  const open = new Set<object>();
  const walk = (node: unknown, others: readonly unknown[], path: string): unknown => {
    if (isLeaf?.(node) || !isBranch(node)) {
      return visit(path, node, others);
    }
    if (open.has(node)) {
      throw cyclic(fn, param, path);
    }
    open.add(node);
    const out = Array.isArray(node) ? new Array<unknown>(node.length) : {};
    for (const name of childNames(node)) {
      const at = joined(path, name);
      const below = others.map((other, i) => {
        if (!isBranch(other) || !Object.hasOwn(other, name)) {
          throw mismatch(fn, `rest[${i}]`, `a tree with "${at}", as the first has`, rest[i]);
        }
        return (other as Record<string, unknown>)[name];
      });
      putChild(out, name, walk((node as Record<string, unknown>)[name], below, at));
    }
    open.delete(node);
    return out;
  };
  return walk(tree, rest, start);
}

function requireFunction(x: unknown, fn: string, param: string): void {
  if (typeof x !== "function") {
    throw mismatch(fn, param, "a function", x);
  }
}

function readOptions(options: object | undefined, known: readonly string[], fn: string) {
  const given = (options ?? {}) as TreeOptions & Record<string, unknown>;
  checkOptions(given, known, fn);
  const read = Object.fromEntries(known.map((name) => [name, given[name]]));
  if (read["isLeaf"] !== undefined) {
    requireFunction(read["isLeaf"], fn, "isLeaf");
  }
  return read as TreeOptions & Record<string, unknown>;
}

function readRest(rest: unknown, fn: string): readonly unknown[] {
  if (rest === undefined) {
    return [];
  }
  if (!Array.isArray(rest)) {
    throw mismatch(fn, "rest", "a list of trees", rest);
  }
  return rest;
}

/**
 * The tree of what a function gives for each leaf. Further trees may follow in
 * a list, with at least the same leaves, which the function then gets, too. The
 * result has lists where the tree has lists, and records for records and
 * modules.
 *
 * @param options.isLeaf What counts as a leaf although it is a branch.
 * @throws TypeError if a further tree lacks a leaf, or if the tree contains
 * itself.
 * @example
 * const w = { a: mx.array([1, 2]), b: [mx.array(3)] };
 * const g = { a: mx.array([10, 20]), b: [mx.array(30)] };
 * utils.treeMap((x, y) => mx.add(x, y), w, [g])
 * // { a: array([11, 22], dtype=float32), b: [ array(33, dtype=float32) ] }
 */
export function treeMap<T, U>(
  // biome-ignore lint/suspicious/noExplicitAny: the leaves of any trees
  fn: (leaf: any, ...rest: any[]) => U,
  tree: T,
  rest?: readonly unknown[],
  options?: TreeOptions,
): TreeOf<T, U> {
  requireFunction(fn, "treeMap", "fn");
  const others = readRest(rest, "treeMap");
  const { isLeaf } = readOptions(options, ["isLeaf"], "treeMap");
  return walkTree("treeMap", "tree", tree, others, isLeaf, "", (_, leaf, more) =>
    fn(leaf, ...more),
  ) as TreeOf<T, U>;
}

/**
 * As {@link treeMap}, but the function gets the leaf's name first, such as
 * `"layers.0.weight"`.
 *
 * @param options.isLeaf What counts as a leaf although it is a branch.
 * @param options.path What all names start with, before a dot.
 * @throws TypeError if a further tree lacks a leaf, or if the tree contains
 * itself.
 * @example
 * utils.treeMapWithPath((path, x) => `${path} is ${x}`, { a: 1, b: [2, 3] })
 * // { a: 'a is 1', b: [ 'b.0 is 2', 'b.1 is 3' ] }
 */
export function treeMapWithPath<T, U>(
  // biome-ignore lint/suspicious/noExplicitAny: the leaves of any trees
  fn: (path: string, leaf: any, ...rest: any[]) => U,
  tree: T,
  rest?: readonly unknown[],
  options?: TreeOptions & { path?: string | undefined },
): TreeOf<T, U> {
  const name = "treeMapWithPath";
  requireFunction(fn, name, "fn");
  const others = readRest(rest, name);
  const { isLeaf, path } = readOptions(options, ["isLeaf", "path"], name);
  const start = path === undefined ? "" : asString(path, name, "path");
  return walkTree(name, "tree", tree, others, isLeaf, start, (at, leaf, more) =>
    fn(at, leaf, ...more),
  ) as TreeOf<T, U>;
}

/**
 * The leaves of a tree with their names, in order: a list of pairs, whose names
 * say the way with dots, or what was given as `destination` with them added.
 *
 * @param options.prefix What all names start with, before a dot.
 * @param options.isLeaf What counts as a leaf although it is a branch.
 * @param options.destination A list, for pairs, or a record, for leaves under
 * their names.
 * @throws TypeError if the tree contains itself.
 * @example
 * utils.treeFlatten({ layers: [{ weight: mx.array([1, 2]) }, { weight: mx.array([3]) }] })
 * // [
 * //   [ 'layers.0.weight', array([1, 2], dtype=float32) ],
 * //   [ 'layers.1.weight', array([3], dtype=float32) ]
 * // ]
 */
export function treeFlatten<Leaf = mx.array>(
  tree: unknown,
  options?: TreeOptions & {
    prefix?: string | undefined;
    destination?: [string, Leaf][] | undefined;
  },
): [string, Leaf][];
export function treeFlatten<Leaf = mx.array>(
  tree: unknown,
  options: TreeOptions & { prefix?: string | undefined; destination: Record<string, Leaf> },
): Record<string, Leaf>;
export function treeFlatten(
  tree: unknown,
  options?: TreeOptions & { prefix?: string | undefined; destination?: object | undefined },
): unknown {
  const name = "treeFlatten";
  const o = readOptions(options, ["prefix", "isLeaf", "destination"], name);
  const prefix = o["prefix"] === undefined ? "" : asString(o["prefix"], name, "prefix");
  const destination: unknown = o["destination"] ?? [];
  if (!isBranch(destination) || treeLike in destination) {
    throw mismatch(name, "destination", "a list or a record", destination);
  }
  // Python's prefixes start with a dot.
  walkTree(name, "tree", tree, [], o.isLeaf, prefix.replace(/^\./, ""), (path, leaf) => {
    if (Array.isArray(destination)) {
      destination.push([path, leaf]);
    } else {
      putChild(destination, path, leaf);
    }
  });
  return destination;
}

interface Node {
  readonly children: Map<string, Node>;
  leaf?: { readonly value: unknown };
}

const position = /^(0|[1-9]\d*)$/;
// So many positions may be left out of a tree's lists: names in a file must not
// ask for memory.
const mostGaps = 1 << 20;

function unflattened(root: Node): unknown {
  let gaps = 0;
  const build = ({ children, leaf }: Node): unknown => {
    if (leaf !== undefined) {
      if (children.size === 0) {
        return leaf.value;
      }
      children.set("", { children: new Map(), leaf });
    }
    const entries = [...children];
    if (!entries.every(([name]) => position.test(name))) {
      return Object.fromEntries(entries.map(([name, child]) => [name, build(child)]));
    }
    const out: unknown[] = [];
    for (const [name, child] of entries.sort(([a], [b]) => Number(a) - Number(b))) {
      gaps += Number(name) - out.length;
      if (gaps > mostGaps) {
        const expected = `lists with at most ${mostGaps} positions left out`;
        throw outOfRange("treeUnflatten", "tree", expected, name);
      }
      while (out.length < Number(name)) {
        out.push({});
      }
      out.push(build(child));
    }
    return out;
  };
  return build(root);
}

/**
 * The tree that {@link treeFlatten} made flat, from its list of pairs or its
 * record. A branch whose names are all numbers becomes a list; positions that
 * have no leaf get an empty record.
 *
 * @throws TypeError if a name is there twice, RangeError if a million positions
 * are left out.
 * @example
 * utils.treeUnflatten({ "layers.0.weight": 1, "layers.1.weight": 2, bias: 3 })
 * // { layers: [ { weight: 1 }, { weight: 2 } ], bias: 3 }
 */
// biome-ignore lint/suspicious/noExplicitAny: the tree's shape is in the names
export function treeUnflatten<T = any>(
  tree: readonly (readonly [string, unknown])[] | Readonly<Record<string, unknown>>,
): T {
  const fn = "treeUnflatten";
  if (!isBranch(tree) || treeLike in tree) {
    throw mismatch(fn, "tree", "a list of pairs or a record", tree);
  }
  const root: Node = { children: new Map() };
  for (const pair of Array.isArray(tree) ? tree : Object.entries(tree)) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "string") {
      throw mismatch(fn, "tree", "pairs of a name and a value", pair);
    }
    const [name, value] = pair as [string, unknown];
    let node = root;
    for (const part of name === "" ? [] : name.split(".")) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
    if (node.leaf !== undefined) {
      throw mismatch(fn, "tree", "every name once", name);
    }
    node.leaf = { value };
  }
  return unflattened(root) as T;
}

/**
 * What a function makes of all leaves, one after the other: it gets what it
 * returned for the one before and the leaf. Without an initializer it starts
 * with the first leaf, and a tree without leaves gives `undefined`.
 *
 * @param options.isLeaf What counts as a leaf although it is a branch.
 * @throws TypeError if the tree contains itself.
 * @example
 * utils.treeReduce((sum, x) => sum + x, { a: [1, 2, 3], b: [4, 5] }, 0)
 * // 15
 */
export function treeReduce<A>(
  // biome-ignore lint/suspicious/noExplicitAny: the leaves of any tree
  fn: (accumulator: A, leaf: any) => A,
  tree: unknown,
  initializer: A,
  options?: TreeOptions,
): A;
export function treeReduce(
  // biome-ignore lint/suspicious/noExplicitAny: the leaves of any tree
  fn: (accumulator: any, leaf: any) => unknown,
  tree: unknown,
  initializer?: undefined,
  options?: TreeOptions,
  // biome-ignore lint/suspicious/noExplicitAny: a leaf of any tree
): any;
export function treeReduce(
  fn: (accumulator: unknown, leaf: unknown) => unknown,
  tree: unknown,
  initializer?: unknown,
  options?: TreeOptions,
): unknown {
  requireFunction(fn, "treeReduce", "fn");
  const { isLeaf } = readOptions(options, ["isLeaf"], "treeReduce");
  let accumulator = initializer;
  let started = initializer !== undefined;
  walkTree("treeReduce", "tree", tree, [], isLeaf, "", (_, leaf) => {
    accumulator = started ? fn(accumulator, leaf) : leaf;
    started = true;
  });
  return accumulator;
}

function isAbsent(x: unknown): boolean {
  return x === undefined || x === null || (isBranch(x) && childNames(x).length === 0);
}

/**
 * The tree with the leaves of two trees. Where both have a leaf at one place, a
 * function decides between them. `undefined`, `null` and empty branches are no
 * leaves.
 *
 * @throws TypeError if both have a leaf at one place and there is no function,
 * or if a tree contains itself.
 * @example
 * utils.treeMerge({ a: [1], c: 5 }, { a: [2, 3], b: 4 }, (x, y) => x + y)
 * // { a: [ 3, 3 ], c: 5, b: 4 }
 */
// biome-ignore lint/suspicious/noExplicitAny: the trees' shapes become one
export function treeMerge<T = any>(
  treeA: unknown,
  treeB: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: the leaves of any trees
  mergeFn?: (a: any, b: any) => unknown,
): T {
  const fn = "treeMerge";
  if (mergeFn !== undefined) {
    requireFunction(mergeFn, fn, "mergeFn");
  }
  const openA = new Set<object>();
  const openB = new Set<object>();
  const merge = (x: unknown, y: unknown, path: string): unknown => {
    if (isAbsent(x) && isAbsent(y)) {
      if (isBranch(x) && isBranch(y) && Array.isArray(x) !== Array.isArray(y)) {
        throw mismatch(fn, joined("treeB", path), Array.isArray(x) ? "a list" : "a record", y);
      }
      return isBranch(x) ? x : y;
    }
    if (isAbsent(x) || isAbsent(y)) {
      return isAbsent(x) ? y : x;
    }
    if (!isBranch(x) || !isBranch(y) || Array.isArray(x) !== Array.isArray(y)) {
      if (mergeFn === undefined) {
        const where = path === "" ? "" : ` at "${path}"`;
        throw mismatch(fn, "mergeFn", `a function, as both trees have a value${where}`, mergeFn);
      }
      return mergeFn(x, y);
    }
    if (openA.has(x) || openB.has(y)) {
      throw cyclic(fn, openA.has(x) ? "treeA" : "treeB", path);
    }
    openA.add(x);
    openB.add(y);
    const out = Array.isArray(x) ? [] : {};
    for (const name of new Set([...childNames(x), ...childNames(y)])) {
      putChild(out, name, merge(childOf(x, name), childOf(y, name), joined(path, name)));
    }
    openA.delete(x);
    openB.delete(y);
    return out;
  };
  return merge(treeA, treeB, "") as T;
}
