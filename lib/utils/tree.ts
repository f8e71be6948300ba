/**
 * Trees: values in nested lists, records and modules, such as the parameters
 * of a model and their gradients. What is neither is a leaf. Of a module's
 * fields those count that hold arrays, modules, lists or records.
 */
import { asFunction } from "../core/call/arguments.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { checkedLater, kindOf, optionsOf, text } from "../core/call/options.js";
import type * as mx from "../core/index.js";
import { type Flattening, flatten, pathOf } from "../core/transforms/structure.js";
import {
  type Branch,
  childOf,
  isBranch,
  isModule,
  namesOf,
  putChild,
} from "../core/transforms/tree.js";

/** A leaf, a list of trees or a record of trees. */
export type Tree<Leaf = mx.array> =
  | Leaf
  | readonly Tree<Leaf>[]
  | { readonly [name: string]: Tree<Leaf> };

/** The type of a tree with other leaves. What may be undefined, such as a part that a model may lack, still may. */
export type TreeOf<T, Leaf> = unknown extends T
  ? T
  : T extends mx.array
    ? Leaf
    : T extends undefined
      ? undefined
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

/** Options of `treeMapWithPath`. */
export interface PathOptions extends TreeOptions {
  /** What all names start with, before a dot. By default nothing. */
  path?: string | undefined;
}

/** Options of `treeFlatten`. */
export interface FlattenOptions extends TreeOptions {
  /** What all names start with, before a dot. By default nothing. */
  prefix?: string | undefined;
  /** A list, for pairs, or a record, for leaves under their names. By default a new list. */
  destination?: object | undefined;
}

const isLeaf = kindOf<IsLeaf>(asFunction)();
const readTree = optionsOf<TreeOptions>()("treeMap", { isLeaf });
const readPath = optionsOf<PathOptions>()("treeMapWithPath", { isLeaf, path: text("") });
const readFlatten = optionsOf<FlattenOptions>()("treeFlatten", {
  isLeaf,
  prefix: text(""),
  destination: checkedLater(),
});

/** How the tree of a function is taken apart. */
function flattening(fn: string, isLeaf?: IsLeaf, param = "tree"): Flattening {
  return { fn, param, isLeaf };
}

/** Maps a tree's leaves, which come with their names, and those of other trees. */
function mapTree(
  fn: string,
  map: (name: string, ...leaves: unknown[]) => unknown,
  tree: unknown,
  rest: readonly unknown[] | undefined = [],
  { isLeaf, path = "" }: PathOptions,
): unknown {
  asFunction(map, fn, "fn");
  if (!Array.isArray(rest)) {
    throw mismatch(fn, "rest", "a list of trees", rest);
  }
  const [leaves, structure] = flatten(tree, flattening(fn, isLeaf));
  const others = rest.map((other, i) =>
    structure.pick(other, (name) =>
      mismatch(fn, `rest[${i}]`, `a tree with "${name}", as the first has`, other),
    ),
  );
  const names = structure.names(path);
  const mapped = leaves.map((leaf, i) =>
    map(names[i] as string, leaf, ...others.map((other) => other[i])),
  );
  return structure.fill(mapped);
}

/**
 * A tree with the result of a function in the place of each leaf. Further trees, with at least the
 * same leaves, may follow in a list; the function then gets their leaves, too. The result has lists
 * where the tree has lists, and records for records and modules.
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
  asFunction(fn, "treeMap", "fn");
  const map = (_: string, ...leaves: [unknown]) => fn(...leaves);
  return mapTree("treeMap", map, tree, rest, readTree(options)) as TreeOf<T, U>;
}

/**
 * As {@link treeMap}, but the function gets the leaf's name first, such as
 * `"layers.0.weight"`.
 *
 * @param options.isLeaf What counts as a leaf although it is a branch.
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
  options?: PathOptions,
): TreeOf<T, U> {
  return mapTree("treeMapWithPath", fn, tree, rest, readPath(options)) as TreeOf<T, U>;
}

/**
 * The leaves of a tree with their names, in order: a list of pairs, whose names are paths with
 * dots, or the `destination` that was given, with the leaves added.
 *
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
  options?: FlattenOptions & { destination?: [string, Leaf][] | undefined },
): [string, Leaf][];
export function treeFlatten<Leaf = mx.array>(
  tree: unknown,
  options: FlattenOptions & { destination: Record<string, Leaf> },
): Record<string, Leaf>;
export function treeFlatten(tree: unknown, options?: FlattenOptions): unknown {
  const fn = "treeFlatten";
  const { prefix, isLeaf, destination = [] } = readFlatten(options);
  if (!isBranch(destination) || isModule(destination)) {
    throw mismatch(fn, "destination", "a list or a record", destination);
  }
  // Python's prefixes start with a dot.
  const start = prefix.replace(/^\./, "");
  const [leaves, structure] = flatten(tree, flattening(fn, isLeaf));
  const names = structure.names(start);
  if (Array.isArray(destination)) {
    leaves.forEach((leaf, i) => void destination.push([names[i], leaf]));
  } else {
    leaves.forEach((leaf, i) => void putChild(destination, names[i] as string, leaf));
  }
  return destination;
}

interface Node {
  readonly children: Map<string, Node>;
  leaf?: { readonly value: unknown };
}

const position = /^(0|[1-9]\d*)$/;
// The most positions that may be left out of a tree's lists, since names in a file must not make a
// huge list.
const mostGaps = 1 << 20;

function unflattened(root: Node): unknown {
  const out: unknown[] = [];
  const ahead: [branch: Branch, name: string | number, node: Node][] = [[out, 0, root]];
  let gaps = 0;
  // It goes on to what is added meanwhile.
  for (const [branch, name, { children, leaf }] of ahead) {
    if (leaf !== undefined && children.size === 0) {
      putChild(branch, name, leaf.value);
      continue;
    }
    if (leaf !== undefined) {
      children.set("", { children: new Map(), leaf });
    }
    const entries = [...children];
    const isList = entries.every(([name]) => position.test(name));
    const tree: Branch = isList ? [] : {};
    putChild(branch, name, tree);
    if (Array.isArray(tree)) {
      entries.sort(([a], [b]) => Number(a) - Number(b));
      for (const [name] of entries) {
        gaps += Number(name) - tree.length;
        if (gaps > mostGaps) {
          const expected = `lists with at most ${mostGaps} positions left out`;
          throw outOfRange("treeUnflatten", "tree", expected, name);
        }
        while (tree.length <= Number(name)) {
          tree.push({});
        }
      }
    }
    for (const [name, child] of entries) {
      ahead.push([tree, name, child]);
    }
  }
  return out[0];
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
export function treeUnflatten<T = any>(tree: readonly (readonly [string, unknown])[]): T;
// biome-ignore lint/suspicious/noExplicitAny: the tree's shape is in the names
export function treeUnflatten<T = any>(
  tree: readonly (readonly [string, unknown])[] | Readonly<Record<string, unknown>>,
): T;
export function treeUnflatten(tree: unknown): unknown {
  const fn = "treeUnflatten";
  if (!isBranch(tree) || isModule(tree)) {
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
  return unflattened(root);
}

/**
 * Reduces all leaves to one value, in order: the function gets what it returned for the leaf
 * before, and the leaf. Without an initializer it starts with the first leaf, and a tree without
 * leaves gives `undefined`.
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
  asFunction(fn, "treeReduce", "fn");
  const { isLeaf } = readTree(options, "treeReduce");
  const [leaves] = flatten(tree, flattening("treeReduce", isLeaf));
  const all = initializer === undefined ? leaves : [initializer, ...leaves];
  return all.length === 0 ? undefined : all.reduce((accumulator, leaf) => fn(accumulator, leaf));
}

function isAbsent(x: unknown): boolean {
  return x === undefined || x === null || (isBranch(x) && namesOf(x).length === 0);
}

/**
 * The tree with the leaves of two trees. Where both have a leaf at one place, a
 * function decides between them. `undefined`, `null` and empty branches are no
 * leaves.
 *
 * @throws TypeError if both have a leaf at one place and there is no function,
 * or if both contain themselves.
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
    asFunction(mergeFn, fn, "mergeFn");
  }
  const path = pathOf(fn, "treeA");
  const merged = (x: unknown, y: unknown): unknown => {
    if (isAbsent(x) && isAbsent(y)) {
      if (isBranch(x) && isBranch(y) && Array.isArray(x) !== Array.isArray(y)) {
        const where = `treeB${path.where.slice("treeA".length)}`;
        throw mismatch(fn, where, Array.isArray(x) ? "a list" : "a record", y);
      }
      return isBranch(x) ? x : y;
    }
    if (isAbsent(x) || isAbsent(y)) {
      return isAbsent(x) ? y : x;
    }
    if (isBranch(x) && isBranch(y) && Array.isArray(x) === Array.isArray(y)) {
      // What only the second has stays as it is here, behind the names of the first.
      const out = Array.isArray(x) ? [...x, ...(y as unknown[]).slice(x.length)] : { ...x, ...y };
      path.enter(x, { out, y });
      return out;
    }
    if (mergeFn === undefined) {
      const where = path.where === "treeA" ? "" : ` at "${path.where.slice("treeA.".length)}"`;
      throw mismatch(fn, "mergeFn", `a function, as both trees have a value${where}`, mergeFn);
    }
    return mergeFn(x, y);
  };
  const all = merged(treeA, treeB);
  path.through<{ out: Branch; y: Branch }>(({ out, y }, name, value) => {
    putChild(out, name, merged(value, childOf(y, name)));
  });
  return all as T;
}
