/** `mx.cuda`: NVIDIA's GPUs. */

import { native } from "./call/native.js";

/**
 * Whether MLX was built for CUDA; `mx.isAvailable(mx.gpu)` says whether there is
 * a GPU, too.
 *
 * @example
 * mx.cuda.isAvailable() && mx.metal.isAvailable()
 * // false
 */
export function isAvailable(): boolean {
  return native.cuda_is_available();
}
