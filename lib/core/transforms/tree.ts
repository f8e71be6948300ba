/** Trees: arrays in lists, records and modules. */
import { type array, isArray } from "../array/array.js";
import { isStranger, mismatch } from "../call/errors.js";
import { isRecord } from "../call/records.js";

/** What a tree's branches are: lists, plain records and modules. */
export function isBranch(x: unknown): x is Record<string, unknown> | unknown[] {
  if (typeof x !== "object" || x === null || isArray(x)) {
    return false;
  }
  if (Array.isArray(x) || isRecord(x) || isTreeLike(x)) {
    return true;
  }
  // It would be passed over.
  if (isStranger(x)) {
    throw mismatch("tree", "leaf", "what this copy of mlx-js has made", x);
  }
  return false;
}

/**
 * Marks objects of a class, such as modules, as records to trees. Its value is
 * what computations with the object depend on beside its fields. Where that is
 * undefined, the object is no tree after all.
 */
export const treeLike: unique symbol = Symbol.for("mlx-js.tree");

function isTreeLike(x: object): boolean {
  return treeLike in x && x[treeLike] !== undefined;
}

/** Notes a branch that is gone through, in which it must not be met again. */
export function enter(branch: object, path: Set<object>): void {
  if (path.has(branch)) {
    throw new TypeError("[tree] expected a tree, received a value that contains itself");
  }
  path.add(branch);
}

/** The same tree with every leaf replaced; a cyclic one is a TypeError. */
export function mapLeaves(tree: unknown, fn: (leaf: unknown) => unknown): unknown {
  const path = new Set<object>();
  const walk = (x: unknown): unknown => {
    if (!isBranch(x)) {
      return fn(x);
    }
    enter(x, path);
    const out = Array.isArray(x)
      ? x.map(walk)
      : Object.fromEntries(Object.entries(x).map(([key, value]) => [key, walk(value)]));
    path.delete(x);
    return out;
  };
  return walk(tree);
}

/** Every array of a tree, in order; one that occurs twice is there twice. */
export function arraysOf(tree: unknown): array[] {
  const out: array[] = [];
  mapLeaves(tree, (leaf) => {
    if (isArray(leaf)) {
      out.push(leaf);
    }
    return leaf;
  });
  return out;
}

/** A tree with its arrays replaced, in order. */
export function withArrays(tree: unknown, arrays: readonly array[]): unknown {
  let next = 0;
  return mapLeaves(tree, (leaf) => (isArray(leaf) ? arrays[next++] : leaf));
}

/** Where an array was taken out of a tree. */
export const anArray: unique symbol = Symbol("array");

/** Takes the arrays out of a tree; what is left does not keep them alive. */
export function takeArrays(tree: unknown, arrays: array[]): unknown {
  return mapLeaves(tree, (leaf) => {
    if (isArray(leaf)) {
      arrays.push(leaf);
      return anArray;
    }
    return leaf;
  });
}

/** Puts values where arrays were taken out, in order. */
export function fill(tree: unknown, values: readonly unknown[]): unknown {
  if (tree === anArray) {
    return values[0];
  }
  let next = 0;
  return mapLeaves(tree, (leaf) => (leaf === anArray ? values[next++] : leaf));
}

/**
 * Calls a function with every leaf of a tree and what a prefix of the tree has
 * for it: a tree of the same lists and records, but where a leaf of it stands
 * in place of a branch, it counts for all that is below. `wrong` makes the
 * error for one that is no prefix.
 */
export function visitWithPrefix(
  tree: unknown,
  prefix: unknown,
  visit: (leaf: unknown, value: unknown) => void,
  wrong: () => Error,
): void {
  const walk = (branch: unknown, part: unknown): void => {
    if (!isBranch(branch)) {
      visit(branch, part);
    } else if (!isBranch(part)) {
      for (const child of Object.values(branch)) {
        walk(child, part);
      }
    } else {
      const names = Object.keys(branch);
      if (
        Array.isArray(branch) !== Array.isArray(part) ||
        names.length !== Object.keys(part).length ||
        !names.every((name) => Object.hasOwn(part, name))
      ) {
        throw wrong();
      }
      for (const name of names) {
        walk((branch as Record<string, unknown>)[name], (part as Record<string, unknown>)[name]);
      }
    }
  };
  walk(tree, prefix);
}
