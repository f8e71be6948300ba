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

/** @deprecated Use `mx.getActiveMemory`, which is the same. */
export const getActiveMemory = memory.getActiveMemory;
/** @deprecated Use `mx.getPeakMemory`, which is the same. */
export const getPeakMemory = memory.getPeakMemory;
/** @deprecated Use `mx.resetPeakMemory`, which is the same. */
export const resetPeakMemory = memory.resetPeakMemory;
/** @deprecated Use `mx.getCacheMemory`, which is the same. */
export const getCacheMemory = memory.getCacheMemory;
/** @deprecated Use `mx.setMemoryLimit`, which is the same. */
export const setMemoryLimit = memory.setMemoryLimit;
/** @deprecated Use `mx.setCacheLimit`, which is the same. */
export const setCacheLimit = memory.setCacheLimit;
/** @deprecated Use `mx.setWiredLimit`, which is the same. */
export const setWiredLimit = memory.setWiredLimit;
/** @deprecated Use `mx.clearCache`, which is the same. */
export const clearCache = memory.clearCache;

/**
 * What is known of the GPU; nothing where there is none.
 *
 * @deprecated Use `mx.deviceInfo`.
 */
export function deviceInfo(): Record<string, string | number> {
  return infoOf({ d: gpu });
}
