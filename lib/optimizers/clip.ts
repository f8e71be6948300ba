/** Clipping of gradients. */
import type * as mx from "../core/index.js";
import { clipByNorm } from "../utils/clip.js";

/**
 * Gradients scaled down, if need be, such that their norm, that of all arrays
 * together, is no more than a bound, and the norm that they had before. Each
 * keeps its dtype; squares of float16 are summed in float32.
 *
 * Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
 * networks", ICML 2013, arXiv 1211.5063.
 *
 * @param grads An array or a tree of arrays.
 * @throws RangeError if `maxNorm` is negative, TypeError if a leaf is no array.
 * @example
 * const [clipped, norm] = optim.clipGradNorm({ w: mx.array([3, 0]), b: mx.array(4) }, 2.5);
 * [clipped, norm]
 * // [
 * //   { w: array([1.5, 0], dtype=float32), b: array(2, dtype=float32) },
 * //   array(5, dtype=float32)
 * // ]
 */
export function clipGradNorm<T>(grads: T, maxNorm: number): [T, mx.array] {
  return clipByNorm("clipGradNorm", grads, "grads", maxNorm);
}
