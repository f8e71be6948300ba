/** What objects of the user's are, and what they have, without running code of theirs. */
import { isProxy } from "node:util/types";

/**
 * Whether a value is a plain record: written as `{ … }`, from `JSON.parse`,
 * without a prototype, or a module's namespace. Each realm (a `vm` context, a
 * file of Jest's) has an `Object.prototype` of its own.
 */
export function isRecord(x: unknown): x is Record<string, unknown> {
  if (typeof x !== "object" || x === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(x);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null &&
      Object.hasOwn(prototype as object, "isPrototypeOf"))
  );
}

/** Gives an object a property as methods are: it is not listed, and can be replaced. */
export function define(x: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(x, name, { value, configurable: true, writable: true });
}

/** A property of an object or its prototypes, unless it takes code of theirs to know it. */
export function lookUp(x: object, name: string | symbol): unknown {
  for (let at: object | null = x; at !== null && !isProxy(at); at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, name);
    if (own !== undefined) {
      return own.value;
    }
  }
  return undefined;
}

/** A getter that all instances of a class share, which a class that extends theirs cannot replace. */
export function getterOf<T>(prototype: object, name: string | symbol): (this: unknown) => T {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => T;
}
