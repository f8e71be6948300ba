/** What the walks through trees have in common. */
import * as mx from "../core/index.js";
import { isBranch, treeLike } from "../core/transforms/tree.js";

type Branch = Record<string, unknown> | unknown[];

/** The names of a branch's children: of a module, those that are trees. */
export function childNames(branch: Branch): string[] {
  if (Array.isArray(branch)) {
    return Array.from(branch, (_, i) => String(i));
  }
  const names = Object.keys(branch);
  return treeLike in branch
    ? names.filter((name) => branch[name] instanceof mx.array || isBranch(branch[name]))
    : names;
}

/** A child of a branch that is its own, not inherited. */
export function childOf(branch: unknown, name: string): unknown {
  return Object.hasOwn(branch as object, name)
    ? (branch as Record<string, unknown>)[name]
    : undefined;
}

/** Assigns to a record, also where the name is `__proto__`. */
export function putChild(branch: object, name: string, value: unknown): void {
  if (name === "__proto__") {
    const how = { value, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(branch, name, how);
  } else {
    (branch as Record<string, unknown>)[name] = value;
  }
}

export function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

export function cyclic(fn: string, param: string, path: string): TypeError {
  const where = joined(param, path);
  return new TypeError(`[${fn}] ${where}: expected a tree, received a value that contains itself`);
}
