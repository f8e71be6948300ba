/** `mx.linalg`: decompositions of matrices. */

import { slot, stream } from "./arguments.js";
import { type array, makeAll } from "./array.js";
import type { StreamOptions } from "./device.js";
import { native } from "./native.js";

/**
 * The QR decomposition: matrices with orthonormal columns, and upper triangular
 * ones, whose products are the matrices. It runs on the CPU only: where the GPU
 * is the default device, pass `{ stream: mx.cpu }`.
 *
 * @param a Matrices, `[..., m, n]`, in float32 or float64.
 * @throws Error for other dtypes and for less than 2 dimensions.
 * @example
 * const a = mx.array([[3, 1], [4, 2]]);
 * const [q, r] = mx.linalg.qr(a, { stream: mx.cpu });
 * mx.allclose(mx.matmul(q, r), a, { atol: 1e-5 })
 * // array(true, dtype=bool)
 */
export function qr(a: array, options?: StreamOptions): [array, array] {
  return makeAll(native.linalg_qr(slot(a, "linalg.qr", "a"), stream(options, "linalg.qr"))) as [
    array,
    array,
  ];
}
