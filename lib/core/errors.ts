/** Errors in one voice: `[function] parameter: expected …, received …`. */
import { inspect } from "node:util";

export function describe(value: unknown): string {
  try {
    // No code of the value's own runs: a message must not have effects.
    const text = inspect(value, {
      depth: 1,
      customInspect: false,
      maxArrayLength: 8,
      maxStringLength: 64,
      breakLength: Number.POSITIVE_INFINITY,
    });
    const quoted = typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : text;
    return quoted.length > 120 ? `${quoted.slice(0, 117)}...` : quoted;
  } catch {
    return typeof value;
  }
}

export function mismatch(fn: string, param: string, expected: string, value: unknown): TypeError {
  return new TypeError(`[${fn}] ${param}: expected ${expected}, received ${describe(value)}`);
}

export function outOfRange(
  fn: string,
  param: string,
  expected: string,
  value: unknown,
): RangeError {
  return new RangeError(`[${fn}] ${param}: expected ${expected}, received ${describe(value)}`);
}

export function noMemory(fn: string, bytes: number): RangeError {
  return new RangeError(`[${fn}] There is not enough memory: ${bytes} bytes are wanted.`);
}
