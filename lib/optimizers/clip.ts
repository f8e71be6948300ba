/** Clipping of gradients. */
import { mismatch } from "../core/call/errors.js";
import { asNotNegative } from "../core/call/numbers.js";
import { isFloating } from "../core/dtype.js";
import * as mx from "../core/index.js";
import { treeMap, treeMapWithPath } from "../utils/tree.js";

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
  const fn = "clipGradNorm";
  asNotNegative(maxNorm, fn, "maxNorm");
  return mx.tidy(() => {
    let sum: mx.array | undefined;
    treeMapWithPath((path, g: unknown) => {
      if (!(g instanceof mx.array)) {
        throw mismatch(fn, path === "" ? "grads" : `grads.${path}`, "an array", g);
      }
      // The squares of float16 would overflow.
      const wide = g.dtype === mx.float16 ? mx.astype(g, mx.float32) : g;
      const square = mx.sum(mx.square(wide));
      sum = sum === undefined ? square : mx.add(sum, square);
    }, grads);
    const norm = mx.sqrt(sum ?? mx.array(0));
    const scale = mx.minimum(mx.divide(maxNorm, mx.add(norm, 1e-6)), 1);
    const { dtype } = scale;
    const clipped = treeMap((g: mx.array) => {
      const out = mx.multiply(g, scale);
      return g.dtype !== dtype && isFloating(g.dtype) ? mx.astype(out, g.dtype) : out;
    }, grads);
    return [clipped as T, norm];
  });
}
