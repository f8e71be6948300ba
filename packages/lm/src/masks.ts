import { mx } from "mlx-js";

/** What an attention takes as a mask: nothing, the word for a causal one, or booleans. */
export type Mask = mx.array | "causal" | null;

/**
 * Which keys each of `length` new tokens may attend to: true where token `offset + i` sees
 * key `j`, which is those up to itself, or the last `window` of them.
 *
 * @returns booleans of shape (length, offset + length).
 * @example
 * causalMask(2, 1, 2)
 * // array([[true, true, false],
 * //        [false, true, true]], dtype=bool)
 */
export function causalMask(length: number, offset = 0, window?: number): mx.array {
  const keys = mx.arange(offset + length).reshape([1, -1]);
  const tokens = mx.arange(offset, offset + length).reshape([-1, 1]);
  const seen = tokens.greaterEqual(keys);
  return window === undefined ? seen : seen.logicalAnd(tokens.less(keys.add(window)));
}

/** For new tokens after `offset` others, all of which are there: as short as it can be said. */
export function maskOfAll(length: number, offset: number, window: number | undefined): Mask {
  if (window !== undefined && offset + length > window) {
    return causalMask(length, offset, window);
  }
  return length === 1 ? null : "causal";
}
