/** Values on their way out of arrays: typed arrays and nested lists. */
import { mismatch, noMemory, outOfRange } from "../call/errors.js";
import { v8 } from "../call/lazy.js";
import { native } from "../call/native.js";
import { type Slot, slotFrom } from "../call/wire.js";
import {
  bfloat16,
  bool_,
  complex64,
  type Dtype,
  float16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from "../dtype.js";
import { currentStream } from "../lifetime/context.js";
import type { Scalar } from "./stand-in.js";
import { forAddon, isShared, kindOf, lengthOfTyped, type TypedArray } from "./typed-arrays.js";

/** Nested lists of values, or a single value. */
export type Nested<T extends Scalar = Scalar> = T | Nested<T>[];

export type TypedArrayConstructor = new (source: ArrayBuffer | number) => TypedArray;

// Newer runtimes have it; TypeScript's library for Node 20 does not.
const { Float16Array } = globalThis as { Float16Array?: TypedArrayConstructor };

/**
 * The typed array that holds the values of a dtype. Where it holds those of several,
 * the last is its own.
 */
export const storage = new Map<Dtype, unknown>([
  [bool_, Uint8Array],
  [float16, Float16Array ?? Uint16Array],
  [bfloat16, Uint16Array],
  [complex64, Float32Array],
  [uint8, Uint8Array],
  [uint16, Uint16Array],
  [uint32, Uint32Array],
  [uint64, BigUint64Array],
  [int8, Int8Array],
  [int16, Int16Array],
  [int32, Int32Array],
  [int64, BigInt64Array],
  [float32, Float32Array],
  [float64, Float64Array],
]);

/** A copy of an array's values, row-major. */
export function bufferOf(slot: Slot, fn: string): ArrayBuffer {
  const out = freshBytes(native.computed_bytes(slot), fn);
  native.copy_values(slot, out);
  return out.buffer;
}

/** The names of the typed arrays that take the values of a dtype, the usual one first. */
function kindsFor(dtype: Dtype): string[] {
  const { name } = storage.get(dtype) as TypedArrayConstructor;
  const others = dtype === uint8 ? ["Uint8ClampedArray"] : dtype === float16 ? ["Uint16Array"] : [];
  return [...new Set([name, ...others])];
}

/** Copies an array's values, row-major, into a typed array that has room for just them. */
export function copyInto(slot: Slot, dtype: Dtype, into: unknown, fn: string): TypedArray {
  const count = native.size(slot) * (dtype === complex64 ? 2 : 1);
  const kinds = kindsFor(dtype);
  const kind = kindOf(into);
  const expected = `a ${kinds.join(" or ")} of ${count} values, for ${dtype.name}`;
  if (kind === undefined || !kinds.includes(kind)) {
    throw mismatch(fn, "into", expected, into);
  }
  const target = into as TypedArray;
  const length = lengthOfTyped(target, fn, "into");
  if (length !== count) {
    throw outOfRange(fn, "into", expected, target);
  }
  if (isShared(target)) {
    // The addon would get a copy of shared memory, and write to that.
    (target as Uint8Array).set(viewOf(bufferOf(slot, fn), dtype) as Uint8Array);
  } else {
    native.computed_bytes(slot);
    native.copy_values(slot, forAddon(target, fn, "into"));
  }
  return target;
}

// Memory that is not filled with zeros first. Where there is none, an
// ArrayBuffer that Node-API made would end the process.
function freshBytes(count: number, fn: string): Uint8Array<ArrayBuffer> {
  try {
    return Buffer.allocUnsafeSlow(count);
  } catch {
    throw noMemory(fn, count);
  }
}

// V8 ends the process where its heap is full, so what lists need is looked for
// before they are made.
function checkHeap(count: number, dtype: Dtype): void {
  const few = 1 << 16;
  if (count < few) {
    return;
  }
  const objects = dtype === complex64 || dtype === int64 || dtype === uint64;
  const bytes = count * (objects ? 64 : 8);
  const { heap_size_limit, used_heap_size } = v8().getHeapStatistics();
  // Lists of lists grow beside the young objects that they take in.
  const young = 1 << 26;
  const spare = 0.9 * heap_size_limit - young - used_heap_size;
  if (spare < bytes || !native.is_there(bytes)) {
    throw noMemory("tolist", bytes);
  }
}

export function viewOf(buffer: ArrayBuffer, dtype: Dtype): TypedArray {
  return new (storage.get(dtype) as TypedArrayConstructor)(buffer);
}

export function isHalf(dtype: Dtype): boolean {
  return dtype === float16 || dtype === bfloat16;
}

/** A copy of the values of an array; those of half precision as float32. */
export function valuesOf(slot: Slot, dtype: Dtype, fn: string): TypedArray {
  if (!isHalf(dtype)) {
    return viewOf(bufferOf(slot, fn), dtype);
  }
  const floats = slotFrom(native.astype(slot, float32.id, currentStream()));
  try {
    return new Float32Array(bufferOf(floats, fn));
  } finally {
    native.release(floats);
  }
}

/** Reads the value at a place, row-major, of a copy of an array's values. */
export function valueReader(view: TypedArray, dtype: Dtype): (i: number) => Scalar {
  if (dtype === bool_) {
    return (i) => view[i] !== 0;
  }
  if (dtype === complex64) {
    return (i) => ({ re: view[2 * i] as number, im: view[2 * i + 1] as number });
  }
  return (i) => view[i] as number | bigint;
}

/** The values of an array as nested lists. */
export function nested(slot: Slot, shape: readonly number[], dtype: Dtype): Nested {
  return nestedFrom(valuesOf(slot, dtype, "tolist"), shape, dtype);
}

/** The same from a copy of the values. */
export function nestedFrom(view: TypedArray, shape: readonly number[], dtype: Dtype): Nested {
  checkHeap(view.length, dtype);
  const value = valueReader(view, dtype);
  let next = 0;
  const build = (dimension: number): Nested => {
    if (dimension === shape.length) {
      return value(next++);
    }
    const out = new Array<Nested>(shape[dimension] as number);
    for (let i = 0; i < out.length; i++) {
      out[i] = build(dimension + 1);
    }
    return out;
  };
  return build(0);
}
