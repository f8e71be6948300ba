/** Other arrays in the places of a tree's, for as long as a function runs. */
import { type array, isArray } from "../array/array.js";
import { anArray, enter, isBranch, treeLike } from "../transforms/tree.js";

type Branch = Record<string, unknown>;

interface Loan {
  branch: Branch;
  key: string;
  own: unknown;
  lent: unknown;
}

function isModule(x: object): boolean {
  return treeLike in x;
}

/**
 * The same tree with its leaves mapped, in which modules are records of their
 * arrays, in the shape of `parameters()`. The leaves come in the order of
 * {@link withLent}.
 */
export function mapFields(tree: unknown, fn: (leaf: unknown) => unknown): unknown {
  const path = new Set<object>();
  const walk = (x: unknown, inModule: boolean): unknown => {
    if (!isBranch(x)) {
      return inModule && !isArray(x) ? {} : fn(x);
    }
    enter(x, path);
    const inside = inModule || isModule(x);
    let out: unknown;
    if (Array.isArray(x)) {
      out = x.map((part) => walk(part, inside));
    } else {
      const entries = Object.entries(x);
      const taken = inside
        ? entries.filter(([, part]) => isArray(part) || isBranch(part))
        : entries;
      out = Object.fromEntries(taken.map(([key, part]) => [key, walk(part, inside)]));
    }
    path.delete(x);
    return out;
  };
  return walk(tree, false);
}

/** The same tree, in which modules are records of their arrays. */
export function fieldsOf(tree: unknown): unknown {
  return mapFields(tree, (leaf) => leaf);
}

/** A tree without its arrays, but for those of modules, which stay as they are. */
export function withoutArrays(tree: unknown): unknown {
  if (isBranch(tree) && !isModule(tree)) {
    return Array.isArray(tree)
      ? tree.map(withoutArrays)
      : Object.fromEntries(Object.entries(tree).map(([key, part]) => [key, withoutArrays(part)]));
  }
  return isArray(tree) ? anArray : tree;
}

/**
 * Calls a function with a list of trees in which other arrays stand in the
 * places of theirs, in order. Modules are the caller's own, and so are all lists
 * and records that are not frozen if they are lent `inPlace`: what the function
 * puts there stays, and all else is as before afterwards.
 */
export function withLent<T>(
  trees: readonly unknown[],
  arrays: readonly array[],
  inPlace: boolean,
  fn: (trees: unknown[]) => T,
): T {
  const loans: Loan[] = [];
  let next = 0;
  const lend = (x: unknown): unknown => {
    if (isArray(x) || x === anArray) {
      return arrays[next++];
    }
    if (!isBranch(x)) {
      return x;
    }
    const own = x as Branch;
    const out = (inPlace && !Object.isFrozen(own)) || isModule(x) ? own : copyOf(own);
    for (const key of Object.keys(own)) {
      const value = own[key];
      const lent = lend(value);
      if (lent === value) {
        continue;
      }
      out[key] = lent;
      if (out === own) {
        loans.push({ branch: own, key, own: value, lent });
      }
    }
    return out;
  };
  try {
    return fn(trees.map(lend));
  } finally {
    for (const { branch, key, own, lent } of loans.reverse()) {
      if (branch[key] === lent) {
        branch[key] = own;
      }
    }
  }
}

function copyOf(branch: Branch): Branch {
  return (Array.isArray(branch) ? [...branch] : { ...branch }) as Branch;
}
