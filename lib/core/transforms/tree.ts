/** Trees: values in nested lists, records and modules. What is none of them is a leaf. */

import { isArray } from "../array/array.js";
import { isRecord } from "../call/objects.js";

/** A list, a record or a module. */
export type Branch = Record<string, unknown> | unknown[];

/**
 * Marks objects of a class, such as modules, as records to trees. Its value is
 * what computations with the object depend on beside its fields. Where that is
 * undefined, the object is no tree after all.
 */
export const treeLike: unique symbol = Symbol.for("mlx-js.tree");

/** What kind of branch a value is: a list, a plain record of any realm, or a module. */
export function kindOf(x: unknown): "list" | "record" | "module" | undefined {
  if (typeof x !== "object" || x === null || isArray(x)) {
    return undefined;
  }
  if (Array.isArray(x)) {
    return "list";
  }
  if (treeLike in x) {
    return x[treeLike] !== undefined ? "module" : undefined;
  }
  return isRecord(x) ? "record" : undefined;
}

/** Whether a value is a list, a plain record of any realm, or a module. */
export function isBranch(x: unknown): x is Branch {
  return kindOf(x) !== undefined;
}

/**
 * Whether a branch is a module or another owner. Of its fields, and of what is
 * in lists and records there, only arrays and branches belong to the tree.
 */
export function isModule(x: object): boolean {
  return treeLike in x;
}

/** The names of a branch's children: of a list, its indices. */
export function namesOf(branch: Branch): (string | number)[] {
  return Array.isArray(branch) ? indices(branch.length) : Object.keys(branch);
}

/** The names of so many children of a list. */
export function indices(length: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < length; i++) {
    out.push(i);
  }
  return out;
}

/** A child of a branch that is its own, not inherited. */
export function childOf(branch: object, name: string | number): unknown {
  return Object.hasOwn(branch, name) ? (branch as Record<string, unknown>)[name] : undefined;
}

/** Assigns to a record, also where the name is `__proto__`. */
export function putChild(branch: object, name: string | number, value: unknown): void {
  if (name === "__proto__") {
    const how = { value, configurable: true, enumerable: true, writable: true };
    Object.defineProperty(branch, name, how);
  } else {
    (branch as Record<string, unknown>)[name] = value;
  }
}

/** The name of a child behind that of its branch: `layers.0.weight`. */
export function joined(path: string, name: string | number): string {
  return path === "" ? String(name) : `${path}.${name}`;
}

/** What a structure that is filled leaves out of records; in lists it is an empty record. */
export const omitted: unique symbol = Symbol("omitted");
