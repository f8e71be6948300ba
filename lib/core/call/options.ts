/** Options: the record at the end of a call. */
import { isArray } from "../array/array.js";
import { mismatch } from "./errors.js";

/**
 * Checks that options are a record without names that the function does not
 * know: a typo is never ignored.
 */
export function checkOptions(options: unknown, known: readonly string[], fn: string): void {
  if (
    typeof options !== "object" ||
    options === null ||
    isArray(options) ||
    Array.isArray(options)
  ) {
    throw mismatch(fn, "options", `a record of ${known.join(", ")}`, options);
  }
  for (const name in options) {
    if (!known.includes(name)) {
      throw new TypeError(
        `[${fn}] options: expected ${known.join(", ")}, received an option "${name}"`,
      );
    }
  }
}
