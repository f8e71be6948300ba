/**
 * Typed arrays as they are. What they say of themselves in properties can be
 * anything; so they are asked by the getters that all of them share, which a
 * proxy or a look-alike does not pass.
 */
import { types } from "node:util";
import { mismatch } from "../call/errors.js";
import { getterOf } from "../call/objects.js";

type Constructors = typeof globalThis;

/** Any typed array: a `Float16Array`, too, if the program's own `lib` has one. */
export type TypedArray = Constructors[keyof Constructors &
  (
    | "Int8Array"
    | "Uint8Array"
    | "Uint8ClampedArray"
    | "Int16Array"
    | "Uint16Array"
    | "Int32Array"
    | "Uint32Array"
    | "Float16Array"
    | "Float32Array"
    | "Float64Array"
    | "BigInt64Array"
    | "BigUint64Array"
  )]["prototype"];

/** What TypeScript calls `Float32Array<ArrayBuffer>` since 5.7, and `Float32Array` before; so for all kinds. */
export type OfOwn<D extends TypedArray> = D extends TypedArray
  ? ReturnType<Constructors[D[typeof Symbol.toStringTag] & keyof Constructors]["of"]>
  : never;

function range(prototype: object) {
  return {
    buffer: getterOf<ArrayBuffer>(prototype, "buffer"),
    offset: getterOf<number>(prototype, "byteOffset"),
    length: getterOf<number>(prototype, "byteLength"),
  };
}

const prototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const kind = getterOf<string | undefined>(prototype, Symbol.toStringTag);
const length = getterOf<number>(prototype, "length");
const typed = range(prototype);
const data = range(DataView.prototype);
// All methods that read see first whether there still is what they read.
const { at } = prototype as { at: (this: unknown, index: number) => unknown };

/** The name of a typed array's kind; undefined for anything else. */
export function kindOf(x: unknown): string | undefined {
  return kind.call(x);
}

function gone(x: unknown, fn: string, param: string): TypeError {
  return mismatch(fn, param, "a view of a buffer that is still there", x);
}

/** How many elements a typed array has; an error if its buffer is gone or too short by now. */
export function lengthOfTyped(x: TypedArray, fn: string, param: string): number {
  const n = length.call(x);
  if (n === 0) {
    try {
      at.call(x, 0);
    } catch {
      throw gone(x, fn, param);
    }
  }
  return n;
}

/** Whether other threads may change a typed array meanwhile. */
export function isShared(x: TypedArray): boolean {
  const buffer = typed.buffer.call(x);
  return !(buffer instanceof ArrayBuffer) && types.isSharedArrayBuffer(buffer);
}

/**
 * The bytes of a buffer, or those that a view shows. Those that other threads may
 * change meanwhile are copied.
 */
export function bytesOf(
  x: ArrayBufferLike | ArrayBufferView,
  fn: string,
  param: string,
): Uint8Array {
  const isTyped = kindOf(x) !== undefined;
  if (isTyped) {
    lengthOfTyped(x as TypedArray, fn, param);
  }
  const get = isTyped ? typed : data;
  let bytes: Uint8Array;
  try {
    bytes = types.isAnyArrayBuffer(x)
      ? new Uint8Array(x)
      : new Uint8Array(get.buffer.call(x), get.offset.call(x), get.length.call(x));
  } catch {
    // Buffers and a DataView's getters see to it themselves.
    throw gone(x, fn, param);
  }
  return types.isSharedArrayBuffer(bytes.buffer) ? new Uint8Array(bytes) : bytes;
}

/**
 * A typed array as the addon takes it. Node-API does not know memory that threads share, nor
 * all versions of it a Float16Array: instead of these the addon gets their bytes.
 */
export function forAddon(x: TypedArray, fn: string, param: string): TypedArray {
  return kindOf(x) === "Float16Array" || isShared(x) ? bytesOf(x, fn, param) : x;
}
