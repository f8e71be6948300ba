/** Checks of what layers are made with. */
import { mismatch, outOfRange } from "../core/call/errors.js";
import { asInteger } from "../core/call/numbers.js";

/** A size: a whole number of at least 1. */
export function asPositive(value: unknown, layer: string, param: string): number {
  const n = asInteger(value, layer, param);
  if (n < 1) {
    throw outOfRange(layer, param, "a positive integer", value);
  }
  return n;
}

/** A share, from 0 up to but not including 1. */
export function asProbability(value: unknown, layer: string, param: string): number {
  if (typeof value !== "number") {
    throw mismatch(layer, param, "a number", value);
  }
  if (!(value >= 0 && value < 1)) {
    throw outOfRange(layer, param, "a number from 0 up to 1, without 1", value);
  }
  return value;
}

/** What is added before a division: a number above 0. */
export function asEps(value: unknown, layer: string): number {
  if (typeof value !== "number") {
    throw mismatch(layer, "eps", "a number", value);
  }
  if (!(value > 0)) {
    throw outOfRange(layer, "eps", "a number above 0", value);
  }
  return value;
}
