/** The key of the generator that `mx.random` draws from. */
import { type array, make } from "./array/array.js";
import { slot } from "./call/arguments.js";
import { native } from "./call/native.js";

/**
 * What this thread draws from: a list of one array, the key of the next draw.
 * Compiled functions that draw name it among their inputs and outputs, or
 * they would give the same numbers in every call.
 *
 * @example
 * const draw = mx.compile(() => mx.random.uniform(0, 1, [2]), {
 *   inputs: mx.random.state,
 *   outputs: mx.random.state,
 * });
 * mx.random.seed(7);
 * draw()
 * // array([0.514767, 0.0784912], dtype=float32)
 */
export const state: [array] = Object.defineProperty([] as unknown as [array], 0, {
  enumerable: true,
  get: () => make(native.random_state()),
  set: (key: array) => {
    native.set_random_state(slot(key, "random.state", "key"));
  },
});
