/** Which calls made the operation that an evaluation fails in. */
import { dirname, sep } from "node:path";
import { whenMade } from "./array/array.js";
import { native } from "./call/native.js";
import { asBoolean } from "./call/numbers.js";
import type { Slot } from "./call/wire.js";

// The package's own calls and Node's say nothing to users.
const own = [`${dirname(__dirname)}${sep}dist${sep}`, `${dirname(__dirname)}${sep}lib${sep}`];
// How many of the package's own may come first.
const ownCalls = 16;

function calls(): string {
  const at: { stack?: unknown } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackTraceLimit + ownCalls;
  Error.captureStackTrace(at, note);
  Error.stackTraceLimit = stackTraceLimit;
  return String(at.stack)
    .split("\n")
    .slice(1)
    .filter((line) => !line.includes("node:") && !own.some((folder) => line.includes(folder)))
    .slice(0, stackTraceLimit)
    .join("\n");
}

function note(slot: Slot): void {
  native.note_origin(slot, calls());
}

/**
 * Remembers for each array, from now on, which calls of your code made it, or no
 * longer does. If its evaluation fails, the error's `cause` has their stack, with
 * the line that noted the operation; without, the error only names the operation.
 * Making an array takes some 15 µs longer meanwhile.
 *
 * @example
 * mx.setTracebacks(true);
 * const inverse = mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
 * let error;
 * try {
 *   inverse.tolist();
 * } catch (caught) {
 *   error = caught;
 * }
 * mx.setTracebacks(false);
 * error.cause.message
 * // Inverse was called here
 */
export function setTracebacks(enabled: boolean): void {
  if (asBoolean(enabled, "setTracebacks", "enabled")) {
    whenMade(note);
  } else {
    whenMade(undefined);
    native.forget_origins();
  }
}
