/** What operations of several files have in common. */
import { type array, make } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import { arraySlot, type Operand, operand, stream } from "../call/arguments.js";
import { flag, integer, slotOption } from "../call/kinds.js";
import type { native } from "../call/native.js";
import type { Result, Slot, StreamId } from "../call/wire.js";
import type { StreamOptions } from "../device.js";

/** An operation of one array, `a`. */
export function unary(
  op: (a: Slot, s: StreamId) => Result,
  fn: string,
  a: ArrayInput,
  options: StreamOptions | undefined,
): array {
  return make(op(arraySlot(a, fn, "a"), stream(options, fn)));
}

/**
 * An operation of two operands, `a` and `b`. The most frequent ones, such as
 * `add`, say the same themselves: a shared body takes a twentieth longer.
 */
export function binary(
  op: typeof native.equal,
  fn: string,
  a: Operand,
  b: Operand,
  options: StreamOptions | undefined,
): array {
  return make(op(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/** Options of products of matrices that are picked from stacks. */
export const gather = {
  lhsIndices: slotOption,
  rhsIndices: slotOption,
  sortedIndices: flag(false),
};

/** Options that say which diagonal of which matrices. */
export const ofDiagonal = { offset: integer(0), axis1: integer(0), axis2: integer(1) };
