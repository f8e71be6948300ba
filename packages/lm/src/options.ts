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

/** A function, or nothing. */
export function checkFunction(value: unknown, fn: string, param: string): void {
  if (value !== undefined && typeof value !== "function") {
    throw wrongType(fn, param, "a function", value);
  }
}

/** A signal that aborts, of this realm or another, or nothing. */
export function checkSignal(value: unknown, fn: string): void {
  const { throwIfAborted } = Object(value) as { throwIfAborted?: unknown };
  if (value !== undefined && typeof throwIfAborted !== "function") {
    throw wrongType(fn, "signal", "an AbortSignal", value);
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
