/** What the functions that clip gradients share. */
import { mismatch } from "../core/call/errors.js";
import { asNotNegative } from "../core/call/numbers.js";
import { isFloating } from "../core/dtype.js";
import * as mx from "../core/index.js";
import { treeMap, treeMapWithPath } from "./tree.js";

/**
 * Gradients scaled to a norm of at most `maxNorm`, and the norm that they had.
 * `total` makes the sum of all squares from that of these gradients.
 */
export function clipByNorm<T>(
  fn: string,
  grads: T,
  param: string,
  maxNorm: number,
  total: (sum: mx.array) => mx.array = (sum) => sum,
): [T, mx.array] {
  asNotNegative(maxNorm, fn, "maxNorm");
  if (grads instanceof mx.Owner) {
    // Its parameters would be scaled in a copy that nobody uses.
    throw mismatch(fn, param, "gradients, which nn.valueAndGrad gives", grads);
  }
  return mx.tidy(() => {
    let sum: mx.array | undefined;
    treeMapWithPath((path, g: unknown) => {
      if (!(g instanceof mx.array)) {
        throw mismatch(fn, path === "" ? param : `${param}.${path}`, "an array", g);
      }
      // The squares of float16 would overflow.
      const wide = g.dtype === mx.float16 ? mx.astype(g, mx.float32) : g;
      const square = mx.sum(mx.square(wide));
      sum = sum === undefined ? square : mx.add(sum, square);
    }, grads);
    const norm = mx.sqrt(total(sum ?? mx.array(0)));
    const scale = mx.minimum(mx.divide(maxNorm, mx.add(norm, 1e-6)), 1);
    const { dtype } = scale;
    const clipped = treeMap((g: mx.array) => {
      const out = mx.multiply(g, scale);
      return g.dtype !== dtype && isFloating(g.dtype) ? mx.astype(out, g.dtype) : out;
    }, grads);
    return [clipped as T, norm];
  });
}
