import type { mx } from "mlx-js";
import { asNumber, kindOf, kindWhere, mismatch, outOfRange } from "mlx-js/options";

/** A number from 0 to 1. */
export function asFraction(value: unknown, fn: string, param: string): number {
  const x = asNumber(value, fn, param);
  if (!(x >= 0 && x <= 1)) {
    throw outOfRange(fn, param, "a number from 0 to 1", value);
  }
  return x;
}

/** A number from 0 to 1. */
export const fraction = kindOf(asFraction);

/** A record of anything. */
export const record = kindWhere<Readonly<Record<string, unknown>>>(
  (x) => typeof x === "object" && x !== null && !Array.isArray(x),
  "a record",
);

/** As `mismatch`, for a value of which another error says what is wrong with it. */
export function mismatchBecause(
  cause: unknown,
  ...[fn, param, expected, received]: Parameters<typeof mismatch>
): TypeError {
  const error = mismatch(fn, param, expected, received);
  if (cause instanceof Error) {
    error.message += ` (${cause.message.split("\n", 1)[0]})`;
  }
  return Object.assign(error, { cause });
}

/** Throws a signal's reason if it is aborted. Those of other realms need not have such a method. */
export function stopIfAborted(signal: mx.Signal | undefined): void {
  if (signal?.aborted) {
    throw signal.reason;
  }
}
