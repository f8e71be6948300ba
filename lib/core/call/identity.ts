/** What is of this package: arrays, devices, modules and the like, and of which copy of it. */
import { join } from "node:path";
import { lookUp } from "./objects.js";

/** A copy of this package that is loaded: test runners load one for each file. */
export interface Copy {
  readonly folder: string;
}

/** This copy. */
export const here: Copy = { folder: join(__dirname, "..") };

/** What an object of this package is, and of which copy of it. */
export interface Identity {
  readonly copy: Copy;
  readonly what: string;
  /** The object in an error. */
  readonly describe?: ((x: never) => string) | undefined;
}

// All copies know it.
const identity: symbol = Symbol.for("mlx-js.identity");

/**
 * Says what the instances of a class are. It matters where two copies of the
 * package are loaded: an array of the other looks the same, but is a stranger.
 */
export function identify<T extends object>(
  type: { readonly prototype: T },
  what: string,
  describe?: (x: T) => string,
): void {
  const value: Identity = { copy: here, what, describe };
  Object.defineProperty(type.prototype, identity, { value });
}

/** What an object of this package, or of another copy of it, is. */
export function identityOf(x: unknown): Identity | undefined {
  return typeof x === "object" && x !== null
    ? (lookUp(x, identity) as Identity | undefined)
    : undefined;
}

/** Whether something is an array, a device, a module or the like, of this copy or another. */
export function isIdentified(x: unknown): boolean {
  return identityOf(x) !== undefined;
}

/** Whether something is an array, or the like, of another copy of this package. */
export function isStranger(x: unknown): boolean {
  const copy = identityOf(x)?.copy;
  return copy !== undefined && copy !== here;
}
