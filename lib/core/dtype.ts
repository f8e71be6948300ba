/** The types of an array's elements. */
import type { DtypeId } from "./wire.js";

type Category = "bool" | "unsignedinteger" | "signedinteger" | "floating" | "complexfloating";

/**
 * The type of an array's elements: `mx.float32`, `mx.int8`, …
 *
 * @example
 * mx.zeros([2], mx.int8).dtype === mx.int8
 * // true
 */
export class Dtype {
  /** @internal */
  readonly id: DtypeId;
  /** MLX's name, such as `"float32"`. */
  readonly name: string;
  /** The size of an element in bytes. */
  readonly size: number;
  /** @internal */
  readonly category: Category;

  /** @internal */
  constructor(id: number, name: string, size: number, category: Category) {
    this.id = id as DtypeId;
    this.name = name;
    this.size = size;
    this.category = category;
    Object.freeze(this);
  }

  toString(): string {
    return this.name;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.name;
  }
}

/** Booleans, one byte each. */
export const bool_ = new Dtype(0, "bool", 1, "bool");
export { bool_ as bool };
/** Unsigned 8-bit integers. */
export const uint8 = new Dtype(1, "uint8", 1, "unsignedinteger");
/** Unsigned 16-bit integers. */
export const uint16 = new Dtype(2, "uint16", 2, "unsignedinteger");
/** Unsigned 32-bit integers. */
export const uint32 = new Dtype(3, "uint32", 4, "unsignedinteger");
/** Unsigned 64-bit integers: bigints in JavaScript. */
export const uint64 = new Dtype(4, "uint64", 8, "unsignedinteger");
/** Signed 8-bit integers. */
export const int8 = new Dtype(5, "int8", 1, "signedinteger");
/** Signed 16-bit integers. */
export const int16 = new Dtype(6, "int16", 2, "signedinteger");
/** Signed 32-bit integers. */
export const int32 = new Dtype(7, "int32", 4, "signedinteger");
/** Signed 64-bit integers: bigints in JavaScript. */
export const int64 = new Dtype(8, "int64", 8, "signedinteger");
/** IEEE 754 half precision. */
export const float16 = new Dtype(9, "float16", 2, "floating");
/** IEEE 754 single precision, the default. */
export const float32 = new Dtype(10, "float32", 4, "floating");
/** IEEE 754 double precision; on the CPU only. */
export const float64 = new Dtype(11, "float64", 8, "floating");
/** The upper half of a float32: its range, with 8 bits of precision. */
export const bfloat16 = new Dtype(12, "bfloat16", 2, "floating");
/** Complex numbers of two float32: `{ re, im }` in JavaScript. */
export const complex64 = new Dtype(13, "complex64", 8, "complexfloating");

/** Every dtype, at its number. */
export const dtypes: readonly Dtype[] = [
  bool_,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  float32,
  float64,
  bfloat16,
  complex64,
];

/** Whether a dtype is a real floating-point one. */
export function isFloating(dtype: Dtype): boolean {
  return dtype.category === "floating";
}
