import type { mx } from "mlx-js";
import { outOfRange, wrongType } from "./errors.js";

/** Refuses names that are no options, so that a typo is not ignored. */
export function checkNames(fn: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw wrongType(fn, "options", "a record of options", options);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw wrongType(fn, "options", `names among ${names.join(", ")}`, name);
    }
  }
}

/** True, false or nothing. */
export function checkFlag(value: unknown, fn: string, param: string): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw wrongType(fn, param, "true or false", value);
  }
}

/** A function, or nothing. */
export function checkFunction(value: unknown, fn: string, param: string): void {
  if (value !== undefined && typeof value !== "function") {
    throw wrongType(fn, param, "a function", value);
  }
}

/** A signal that aborts, of this realm or another, or nothing. */
export function checkSignal(value: unknown, fn: string): void {
  const { aborted, addEventListener } = Object(value) as Partial<mx.Signal>;
  const isSignal = typeof aborted === "boolean" && typeof addEventListener === "function";
  if (value !== undefined && !isSignal) {
    throw wrongType(fn, "signal", "an AbortSignal", value);
  }
}

/** Throws a signal's reason if it is aborted. Those of other realms need not have such a method. */
export function stopIfAborted(signal: mx.Signal | undefined): void {
  if (signal?.aborted) {
    throw signal.reason;
  }
}

/** A number within bounds, or what it is by default. */
export function checkNumber(
  value: unknown,
  fn: string,
  param: string,
  [least, most]: readonly [number, number],
): void {
  if (value === undefined) {
    return;
  }
  if (typeof value !== "number") {
    throw wrongType(fn, param, "a number", value);
  }
  if (!(value >= least && value <= most)) {
    const expected =
      most === Number.POSITIVE_INFINITY ? `at least ${least}` : `from ${least} to ${most}`;
    throw outOfRange(fn, param, expected, value);
  }
}
