/** Checks of plain values. */
import { mismatch, outOfRange } from "./errors.js";

/** A whole number that fits 32 bits, as MLX's shapes and axes do. */
export function asInteger(value: unknown, fn: string, param: string): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw mismatch(fn, param, "an integer", value);
  }
  if (value !== (value | 0)) {
    throw outOfRange(fn, param, "a 32-bit integer", value);
  }
  return value;
}

export function asNumber(value: unknown, fn: string, param: string): number {
  if (typeof value !== "number") {
    throw mismatch(fn, param, "a number", value);
  }
  return value;
}

export function asBoolean(value: unknown, fn: string, param: string): boolean {
  if (typeof value !== "boolean") {
    throw mismatch(fn, param, "a boolean", value);
  }
  return value;
}

export function asString(value: unknown, fn: string, param: string): string {
  if (typeof value !== "string") {
    throw mismatch(fn, param, "a string", value);
  }
  return value;
}

/** A size in bytes: a whole number that is not negative. */
export function asSize(value: unknown, fn: string, param: string): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw mismatch(fn, param, "an integer", value);
  }
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
    throw outOfRange(fn, param, "a size that is not negative", value);
  }
  return value;
}
