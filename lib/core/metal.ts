/** `mx.metal`: Apple's GPUs. */

import { native } from "./call/native.js";
import { asString } from "./call/numbers.js";
import { gpu, deviceInfo as infoOf } from "./device.js";
import * as memory from "./lifetime/memory.js";

/**
 * Whether Metal can be used: on a Mac with Apple silicon.
 *
 * @example
 * mx.metal.isAvailable() === (process.platform === "darwin")
 * // true
 */
export function isAvailable(): boolean {
  return native.metal_is_available();
}

/**
 * Starts to record what the GPU does, for Xcode. The process has to run with
 * `MTL_CAPTURE_ENABLED=1`. Without Metal this does nothing.
 *
 * @param path The file to record to, which must not exist; its name ends with
 * `.gputrace`.
 * @throws Error if Metal cannot record to the file.
 */
export function startCapture(path: string): void {
  native.start_capture(asString(path, "metal.startCapture", "path"));
}

/** Ends what `startCapture` has started. Without Metal this does nothing. */
export function stopCapture(): void {
  native.stop_capture();
}

/**
 * The bytes that MLX has in use.
 *
 * @deprecated Use `mx.getActiveMemory`.
 */
export function getActiveMemory(): number {
  return memory.getActiveMemory();
}

/**
 * The most bytes in use at once since the start or `resetPeakMemory`.
 *
 * @deprecated Use `mx.getPeakMemory`.
 */
export function getPeakMemory(): number {
  return memory.getPeakMemory();
}

/**
 * Starts the peak anew.
 *
 * @deprecated Use `mx.resetPeakMemory`.
 */
export function resetPeakMemory(): void {
  memory.resetPeakMemory();
}

/**
 * The bytes that MLX keeps for later allocations.
 *
 * @deprecated Use `mx.getCacheMemory`.
 */
export function getCacheMemory(): number {
  return memory.getCacheMemory();
}

/**
 * Sets the bytes in use above which MLX waits before it allocates more; returns
 * the limit before.
 *
 * @deprecated Use `mx.setMemoryLimit`.
 */
export function setMemoryLimit(limit: number): number {
  return memory.setMemoryLimit(limit);
}

/**
 * Sets how many bytes MLX may keep for later; returns the limit before.
 *
 * @deprecated Use `mx.setCacheLimit`.
 */
export function setCacheLimit(limit: number): number {
  return memory.setCacheLimit(limit);
}

/**
 * Sets how many bytes a Mac's GPU may keep resident; returns the limit before.
 *
 * @deprecated Use `mx.setWiredLimit`.
 */
export function setWiredLimit(limit: number): number {
  return memory.setWiredLimit(limit);
}

/**
 * Gives back what MLX keeps for later allocations.
 *
 * @deprecated Use `mx.clearCache`.
 */
export function clearCache(): void {
  memory.clearCache();
}

/**
 * What is known of the GPU; nothing where there is none.
 *
 * @deprecated Use `mx.deviceInfo`.
 */
export function deviceInfo(): Record<string, string | number> {
  return infoOf({ d: gpu });
}
