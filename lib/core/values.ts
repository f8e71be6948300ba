/** Values on their way between JavaScript and arrays. */

import {
  arrayOf,
  type Complex,
  isArrayLike,
  type Scalar,
  type ArrayLike as Stand,
} from "./arguments.js";
import { type array, isArray, make, slotFrom, slotOf } from "./array.js";
import { currentStream } from "./context.js";
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
} from "./dtype.js";
import { mismatch, outOfRange } from "./errors.js";
import { native } from "./native.js";
import { list, type Result, type Slot } from "./wire.js";

/** Nested lists of values, or a single value. */
export type Nested = Scalar | Nested[];

/** Any typed array. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

type TypedArrayConstructor = new (source: ArrayBuffer | number) => TypedArray;

// Newer runtimes have it; TypeScript's library for Node 20 does not.
const { Float16Array } = globalThis as { Float16Array?: TypedArrayConstructor };

const storage = new Map<Dtype, unknown>([
  [bool_, Uint8Array],
  [uint8, Uint8Array],
  [uint16, Uint16Array],
  [uint32, Uint32Array],
  [uint64, BigUint64Array],
  [int8, Int8Array],
  [int16, Int16Array],
  [int32, Int32Array],
  [int64, BigInt64Array],
  [float16, Float16Array ?? Uint16Array],
  [float32, Float32Array],
  [float64, Float64Array],
  [bfloat16, Uint16Array],
  [complex64, Float32Array],
]);

export function bufferOf(slot: Slot): ArrayBuffer {
  return native.to_bytes(slot);
}

export function viewOf(buffer: ArrayBuffer, dtype: Dtype): TypedArray {
  return new (storage.get(dtype) as TypedArrayConstructor)(buffer);
}

function isHalf(dtype: Dtype): boolean {
  return dtype === float16 || dtype === bfloat16;
}

/** The values of an array as nested lists. */
export function nested(slot: Slot, shape: readonly number[], dtype: Dtype): Nested {
  let view: TypedArray;
  if (isHalf(dtype)) {
    const floats = slotFrom(native.astype(slot, float32.id, currentStream()));
    view = new Float32Array(bufferOf(floats));
    native.release(floats);
  } else {
    view = viewOf(bufferOf(slot), dtype);
  }
  const value: (i: number) => Scalar =
    dtype === bool_
      ? (i) => view[i] !== 0
      : dtype === complex64
        ? (i) => ({ re: view[2 * i] as number, im: view[2 * i + 1] as number })
        : (i) => view[i] as number | bigint;
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

/** What `mx.array` takes: a value, nested lists of values, a typed array. */
export type ArrayInput = array | Stand | Scalar | TypedArray | readonly ArrayInput[];

const typedArrays = new Map<string, Dtype>([
  ["Int8Array", int8],
  ["Uint8Array", uint8],
  ["Uint8ClampedArray", uint8],
  ["Int16Array", int16],
  ["Uint16Array", uint16],
  ["Int32Array", int32],
  ["Uint32Array", uint32],
  ["Float16Array", float16],
  ["Float32Array", float32],
  ["Float64Array", float64],
  ["BigInt64Array", int64],
  ["BigUint64Array", uint64],
]);

const typeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

// Read from the value itself: a Proxy or a look-alike has none.
function typedArrayDtype(x: unknown): Dtype | undefined {
  const name = typeName.call(x);
  return name === undefined ? undefined : typedArrays.get(name);
}

// More dimensions than this are a list that contains itself.
const deepest = 64;

interface Flat {
  readonly shape: number[];
  readonly leaves: unknown[];
}

function flatten(data: readonly unknown[]): Flat {
  const shape: number[] = [];
  for (let level: unknown = data; isListLike(level); level = level[0]) {
    if (shape.push(level.length) > deepest) {
      throw outOfRange("array", "data", `at most ${deepest} nested lists`, data);
    }
    if (level.length === 0) {
      break;
    }
  }
  const leaves: unknown[] = [];
  const walk = (x: unknown, dimension: number): void => {
    if (dimension === shape.length) {
      if (isListLike(x)) {
        throw ragged(data);
      }
      leaves.push(x);
      return;
    }
    if (!isListLike(x) || x.length !== shape[dimension]) {
      throw ragged(data);
    }
    for (let i = 0; i < x.length; i++) {
      walk(x[i], dimension + 1);
    }
  };
  walk(data, 0);
  return { shape, leaves };
}

function isListLike(x: unknown): x is ArrayLike<unknown> {
  return Array.isArray(x) || (ArrayBuffer.isView(x) && typedArrayDtype(x) !== undefined);
}

function ragged(data: unknown): RangeError {
  return outOfRange("array", "data", "lists of equal lengths at every level", data);
}

function isComplex(x: unknown): x is Complex {
  const value = x as Partial<Complex> | null;
  return (
    typeof value === "object" &&
    value !== null &&
    typeof value.re === "number" &&
    typeof value.im === "number"
  );
}

// The type of a list: that of its leaves, where numbers rule over booleans.
function inferred(leaves: readonly unknown[]): Dtype {
  let booleans = 0;
  let bigints = 0;
  let complexes = 0;
  let unsigned = false;
  let signed = false;
  for (const leaf of leaves) {
    if (typeof leaf === "boolean") {
      booleans++;
    } else if (typeof leaf === "bigint") {
      bigints++;
      unsigned ||= leaf > 0x7fffffffffffffffn;
      signed ||= leaf < 0n;
      if (leaf > 0xffffffffffffffffn || leaf < -0x8000000000000000n || (unsigned && signed)) {
        throw outOfRange("array", "data", "bigints that fit int64 or uint64", leaves);
      }
    } else if (isComplex(leaf)) {
      complexes++;
    } else if (typeof leaf !== "number") {
      throw mismatch("array", "data", "numbers, booleans, bigints or arrays", leaf);
    }
  }
  if (complexes > 0) {
    return complex64;
  }
  if (bigints > 0) {
    if (bigints + booleans < leaves.length) {
      throw mismatch("array", "data", "bigints or numbers, not both without a dtype", leaves);
    }
    return unsigned ? uint64 : int64;
  }
  return booleans > 0 && booleans === leaves.length ? bool_ : float32;
}

function toNumber(leaf: unknown): number {
  switch (typeof leaf) {
    case "number":
      return leaf;
    case "boolean":
    case "bigint":
      return Number(leaf);
  }
  throw mismatch("array", "data", "numbers, booleans or bigints", leaf);
}

function toBigint(leaf: unknown): bigint {
  if (typeof leaf === "bigint") {
    return leaf;
  }
  const x = Math.trunc(toNumber(leaf));
  if (!Number.isFinite(x)) {
    throw outOfRange("array", "data", "finite numbers", leaf);
  }
  return BigInt(x);
}

function mapTo<T extends { [i: number]: unknown }>(
  out: T,
  leaves: ArrayLike<unknown>,
  convert: (leaf: unknown) => unknown,
): T {
  for (let i = 0; i < leaves.length; i++) {
    out[i] = convert(leaves[i]);
  }
  return out;
}

/** Values of any kind as an array of the given shape and type. */
function store(leaves: ArrayLike<unknown>, shape: readonly number[], dtype: Dtype): Result {
  const n = leaves.length;
  const dims = list(shape);
  if (isHalf(dtype)) {
    return native.from_floats(mapTo(new Float32Array(n), leaves, toNumber), dims, dtype.id);
  }
  let data: TypedArray;
  if (dtype === bool_) {
    data = mapTo(new Uint8Array(n), leaves, (x) => (toNumber(x) === 0 ? 0 : 1));
  } else if (dtype === int64 || dtype === uint64) {
    const out = dtype === int64 ? new BigInt64Array(n) : new BigUint64Array(n);
    data = mapTo(out, leaves, toBigint);
  } else if (dtype === complex64) {
    data = new Float32Array(2 * n);
    for (let i = 0; i < n; i++) {
      const leaf = leaves[i];
      data[2 * i] = isComplex(leaf) ? leaf.re : toNumber(leaf);
      data[2 * i + 1] = isComplex(leaf) ? leaf.im : 0;
    }
  } else {
    const View = storage.get(dtype) as TypedArrayConstructor;
    data = mapTo(new View(n), leaves, toNumber);
  }
  return native.from_bytes(data, dims, dtype.id);
}

// Node-API does not know memory that threads share, nor all runtimes' a
// Float16Array: the addon gets the bytes.
function readable(data: TypedArray, dtype: Dtype): TypedArray {
  if (dtype !== float16 && !(data.buffer instanceof SharedArrayBuffer)) {
    return data;
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

function fromTyped(data: TypedArray, from: Dtype, dtype: Dtype | undefined): Result {
  // A Float64Array is how JavaScript writes real numbers, not a wish for
  // double precision.
  const to = dtype ?? (from === float64 ? float32 : from);
  if (to === from) {
    return native.from_bytes(readable(data, from), list([data.length]), to.id);
  }
  if (from === float16) {
    return fromTyped(Float32Array.from(data as unknown as Float32Array), float32, to);
  }
  return store(data, [data.length], to);
}

/** An array from whatever `mx.array` takes. */
export function toArray(data: ArrayInput, dtype: Dtype | undefined): array {
  if (isArray(data)) {
    const type = dtype ?? data.dtype;
    return make(native.astype(slotOf(data), type.id, currentStream()));
  }
  if (ArrayBuffer.isView(data)) {
    const from = typedArrayDtype(data);
    if (from !== undefined) {
      return make(fromTyped(data as TypedArray, from, dtype));
    }
  }
  if (isArrayLike(data)) {
    return toArray(arrayOf(data, "array", "data"), dtype);
  }
  if (!Array.isArray(data)) {
    return make(store([data], [], dtype ?? inferred([data])));
  }
  const { shape, leaves } = flatten(data);
  if (leaves.some(isArray)) {
    return stacked(data, dtype);
  }
  return make(store(leaves, shape, dtype ?? inferred(leaves)));
}

// A list that has arrays among its leaves.
function stacked(data: readonly ArrayInput[], dtype: Dtype | undefined): array {
  const parts = data.map((part) => toArray(part, dtype));
  const slots = list(parts.map(slotOf));
  return make(native.stack(slots, 0, currentStream()));
}
