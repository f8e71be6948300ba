/** Errors in one voice: `[function] parameter: expected …, received …`. */
import { isNativeError } from "node:util/types";
import { type ErrorCode, rangeError, typeError, withCode } from "./codes.js";
import { describe } from "./describe.js";
import { hint } from "./hints.js";
import { lookUp } from "./objects.js";

export function mismatch(fn: string, param: string, expected: string, value: unknown): TypeError {
  const received = `${describe(value)}${hint(param, value, expected, fn)}`;
  return typeError(`[${fn}] ${param}: expected ${expected}, received ${received}`);
}

/** Whether something thrown is what {@link mismatch} gives, and no error of the program's. */
export function isMismatch(error: unknown): boolean {
  return hasCode(error, "ERR_INVALID_ARG_TYPE");
}

/** Whether something thrown is what {@link outOfRange} gives, and no error of the program's. */
export function isOutOfRange(error: unknown): boolean {
  return hasCode(error, "ERR_OUT_OF_RANGE");
}

/**
 * Refuses an object behind the last parameter: what it was meant for would not happen. A number may be
 * there, as `list.forEach(mx.dispose)` gives one.
 */
export function refuseMore(value: unknown, fn: string, param = "options", expected = "none"): void {
  if (typeof value === "object" && value !== null) {
    throw mismatch(fn, param, expected, value);
  }
}

/**
 * What a function throws for a wrong argument that an operation inside of it has found: the
 * operation's error, under the names that users know.
 */
export function renamed(error: unknown, fn: string, param: string): unknown {
  const code = argumentCodes.find((code) => hasCode(error, code));
  const [, rest] = /^\[[\w.]+\] [\w.[\]]+(: .*)$/s.exec(code ? (error as Error).message : "") ?? [];
  if (!code || !rest) {
    return error;
  }
  const Class = code === "ERR_OUT_OF_RANGE" ? RangeError : TypeError;
  return withCode(new Class(`[${fn}] ${param}${rest}`), code);
}

const argumentCodes: readonly ErrorCode[] = [
  "ERR_INVALID_ARG_TYPE",
  "ERR_OUT_OF_RANGE",
  "ERR_MLX_DISPOSED",
];

function hasCode(error: unknown, code: ErrorCode): boolean {
  return isNativeError(error) && lookUp(error, "code") === code;
}

export function outOfRange(
  fn: string,
  param: string,
  expected: string,
  value: unknown,
): RangeError {
  return rangeError(`[${fn}] ${param}: expected ${expected}, received ${describe(value)}`);
}

export function noMemory(fn: string, bytes: number): RangeError {
  const message = `[${fn}] There is not enough memory: ${bytes} bytes are wanted.`;
  return withCode(new RangeError(message), "ERR_MLX_OUT_OF_MEMORY");
}
