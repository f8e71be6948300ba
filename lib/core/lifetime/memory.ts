/** Memory: figures and limits, in bytes. */

import { slots } from "../call/arguments.js";
import { native } from "../call/native.js";
import { asSize } from "../call/numbers.js";
import { flattenArrays } from "../transforms/structure.js";

/** What `mx.memory()` reports; all but `arrays` in bytes. */
export interface MemoryFigures {
  /** Arrays that JavaScript holds and that have not been freed. */
  arrays: number;
  /** Their size, computed or not. */
  arrayBytes: number;
  /** What MLX has in use. */
  active: number;
  /** What MLX keeps for the next allocation. */
  cache: number;
  /** The most that was in use at once. */
  peak: number;
}

/**
 * How many arrays are alive here, and MLX's figures for the whole process.
 *
 * @example
 * Object.keys(mx.memory()).join(" ")
 * // arrays arrayBytes active cache peak
 */
export function memory(): MemoryFigures {
  return {
    arrays: native.live_arrays(),
    arrayBytes: native.live_bytes(),
    active: native.get_active_memory(),
    cache: native.get_cache_memory(),
    peak: native.get_peak_memory(),
  };
}

/** The bytes that MLX has in use. */
export function getActiveMemory(): number {
  return native.get_active_memory();
}

/** The bytes of the buffers behind arrays; one shared by several counts once. */
export function getArrayBufferSize(args: unknown = []): number {
  const [arrays] = flattenArrays(args, "getArrayBufferSize", "args");
  return native.get_array_buffer_size(slots(arrays, "getArrayBufferSize", "args"));
}

/** The most bytes in use at once since the start or `resetPeakMemory`. */
export function getPeakMemory(): number {
  return native.get_peak_memory();
}

/** Starts the peak anew. */
export function resetPeakMemory(): void {
  native.reset_peak_memory();
}

/** The bytes that MLX keeps for later allocations. */
export function getCacheMemory(): number {
  return native.get_cache_memory();
}

/** The bytes in use above which MLX waits before it allocates more. */
export function getMemoryLimit(): number {
  return native.get_memory_limit();
}

/** Sets the limit of `getMemoryLimit` and returns the one before. */
export function setMemoryLimit(limit: number): number {
  return native.set_memory_limit(asSize(limit, "setMemoryLimit", "limit"));
}

/** Sets how many bytes MLX may keep for later; returns the limit before. */
export function setCacheLimit(limit: number): number {
  return native.set_cache_limit(asSize(limit, "setCacheLimit", "limit"));
}

/** Sets how many bytes a Mac's GPU may keep resident; returns the limit before. */
export function setWiredLimit(limit: number): number {
  return native.set_wired_limit(asSize(limit, "setWiredLimit", "limit"));
}

/** Gives back what MLX keeps for later allocations; does not wait for what is under way. */
export function clearCache(): void {
  native.clear_cache();
}
