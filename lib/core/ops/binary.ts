/** What element-wise operations of two operands have in common. */
import { type array, make } from "../array/array.js";
import { type Operand, operand, stream } from "../call/arguments.js";
import type { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";

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
