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
