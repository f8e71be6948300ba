/** `mx.cuda`: NVIDIA's GPUs. */

import { native } from "./native.js";

/**
 * Whether CUDA can be used: with an MLX that was built for it, and a GPU.
 *
 * @example
 * mx.cuda.isAvailable() && mx.metal.isAvailable()
 * // false
 */
export function isAvailable(): boolean {
  return native.cuda_is_available();
}
