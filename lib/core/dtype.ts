/** The types of an array's elements. */
import { mismatch } from "./call/errors.js";
import { identify } from "./call/identity.js";
import { native } from "./call/native.js";
import type { DtypeId } from "./call/wire.js";

/**
 * A category of dtypes: `mx.floating`, `mx.integer`, … They form a tree:
 *
 * - `generic`: bool and `number`
 *   - `number`: `integer` and `inexact`
 *     - `integer`: `signedinteger` and `unsignedinteger`
 *     - `inexact`: `floating` and `complexfloating`
 *
 * @example
 * mx.issubdtype(mx.floating, mx.inexact)
 * // true
 */
export class DtypeCategory {
  static {
    identify(DtypeCategory, "a kind of dtypes", ({ name }) => `the kind ${name} of dtypes`);
  }

  /** MLX's name, such as `"floating"`. */
  readonly name: string;
  /** @internal */
  readonly parent: DtypeCategory | undefined;

  static readonly generic = new DtypeCategory("generic");
  static readonly number = new DtypeCategory("number", DtypeCategory.generic);
  static readonly integer = new DtypeCategory("integer", DtypeCategory.number);
  static readonly inexact = new DtypeCategory("inexact", DtypeCategory.number);
  static readonly signedinteger = new DtypeCategory("signedinteger", DtypeCategory.integer);
  static readonly unsignedinteger = new DtypeCategory("unsignedinteger", DtypeCategory.integer);
  static readonly floating = new DtypeCategory("floating", DtypeCategory.inexact);
  static readonly complexfloating = new DtypeCategory("complexfloating", DtypeCategory.inexact);

  /** @internal */
  constructor(name: string, parent?: DtypeCategory) {
    this.name = name;
    this.parent = parent;
    Object.freeze(this);
  }

  toString(): string {
    return this.name;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.name;
  }
}

/** All dtypes. */
export const generic = DtypeCategory.generic;
/** All dtypes but bool. */
export const number = DtypeCategory.number;
/** Integers, with a sign or without. */
export const integer = DtypeCategory.integer;
/** Real and complex floating-point numbers. */
export const inexact = DtypeCategory.inexact;
/** int8, int16, int32 and int64. */
export const signedinteger = DtypeCategory.signedinteger;
/** uint8, uint16, uint32 and uint64. */
export const unsignedinteger = DtypeCategory.unsignedinteger;
/** float16, bfloat16, float32 and float64. */
export const floating = DtypeCategory.floating;
/** complex64. */
export const complexfloating = DtypeCategory.complexfloating;

/** The name of a dtype, which is its name in `mx`, too: `mx[x.dtype.name]` is `x.dtype`. */
export type DtypeName =
  | "bool"
  | `${"" | "u"}int${8 | 16 | 32 | 64}`
  | `float${16 | 32 | 64}`
  | "bfloat16"
  | "complex64";

/**
 * The type of an array's elements: `mx.float32`, `mx.int8`, …
 *
 * @example
 * mx.zeros([2], mx.int8).dtype === mx.int8
 * // true
 */
export class Dtype {
  static {
    identify(Dtype, "a dtype", ({ name }) => `the dtype ${name}`);
  }

  /** @internal */
  readonly id: DtypeId;
  /** MLX's name, such as `"float32"`. */
  readonly name: DtypeName;
  /** The size of an element in bytes. */
  readonly size: number;
  /** @internal */
  readonly category: DtypeCategory;
  readonly #genuine = true;

  // A proxy or a look-alike is none, and does not get to run code.
  static [Symbol.hasInstance](x: unknown): boolean {
    return typeof x === "object" && x !== null && #genuine in x;
  }

  /** @internal */
  constructor(id: number, name: DtypeName, size: number, category: DtypeCategory) {
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

const all: Dtype[] = [];

/** Every dtype, at its number. */
export const dtypes: readonly Dtype[] = all;

function numbered(id: number, name: DtypeName, size: number, category: DtypeCategory): Dtype {
  const dtype = new Dtype(id, name, size, category);
  all[id] = dtype;
  return dtype;
}

/** Booleans, one byte each. */
export const bool_ = numbered(0, "bool", 1, generic);
export { bool_ as bool };
/** Unsigned 8-bit integers. */
export const uint8 = numbered(1, "uint8", 1, unsignedinteger);
/** Unsigned 16-bit integers. */
export const uint16 = numbered(2, "uint16", 2, unsignedinteger);
/** Unsigned 32-bit integers. */
export const uint32 = numbered(3, "uint32", 4, unsignedinteger);
/** Unsigned 64-bit integers: bigints in JavaScript. */
export const uint64 = numbered(4, "uint64", 8, unsignedinteger);
/** Signed 8-bit integers. */
export const int8 = numbered(5, "int8", 1, signedinteger);
/** Signed 16-bit integers. */
export const int16 = numbered(6, "int16", 2, signedinteger);
/** Signed 32-bit integers. */
export const int32 = numbered(7, "int32", 4, signedinteger);
/** Signed 64-bit integers: bigints in JavaScript. */
export const int64 = numbered(8, "int64", 8, signedinteger);
/** IEEE 754 half precision. */
export const float16 = numbered(9, "float16", 2, floating);
/** IEEE 754 single precision, the default. */
export const float32 = numbered(10, "float32", 4, floating);
/** IEEE 754 double precision; on the CPU only. */
export const float64 = numbered(11, "float64", 8, floating);
/** The upper half of a float32: its range, with 8 bits of precision. */
export const bfloat16 = numbered(12, "bfloat16", 2, floating);
/** Complex numbers of two float32: `{ re, im }` in JavaScript. */
export const complex64 = numbered(13, "complex64", 8, complexfloating);

/** The dtype of an operation on two. */
export function promoted(a: Dtype, b: Dtype): Dtype {
  return dtypes[native.promote_types(a.id, b.id)] as Dtype;
}

/** Whether a dtype is a real floating-point one. */
export function isFloating(dtype: Dtype): boolean {
  return dtype.category === floating;
}

/**
 * Whether a dtype or a category is within another. A dtype is within its
 * categories, and within no dtype but itself.
 *
 * @example
 * [mx.issubdtype(mx.float32, mx.floating), mx.issubdtype(mx.float32, mx.float64)]
 * // [ true, false ]
 */
export function issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory): boolean {
  checkType(arg1, "arg1");
  checkType(arg2, "arg2");
  if (arg1 === arg2) {
    return true;
  }
  let category = arg1 instanceof Dtype ? arg1.category : arg1.parent;
  while (category !== undefined && category !== arg2) {
    category = category.parent;
  }
  return category !== undefined;
}

/** A dtype. */
export function asDtype(x: unknown, fn: string, param: string): Dtype {
  if (x instanceof Dtype) {
    return x;
  }
  throw mismatch(fn, param, "a dtype such as mx.float32", x);
}

function checkType(x: unknown, param: string): void {
  if (!(x instanceof Dtype || x instanceof DtypeCategory)) {
    throw mismatch("issubdtype", param, "a dtype or a category such as mx.floating", x);
  }
}

/** What the array API standard calls the kinds of dtypes. */
export type DtypeKind =
  | "bool"
  | "signed integer"
  | "unsigned integer"
  | "integral"
  | "real floating"
  | "complex floating"
  | "numeric";

const kinds: Record<DtypeKind, Dtype | DtypeCategory> = {
  bool: bool_,
  "signed integer": signedinteger,
  "unsigned integer": unsignedinteger,
  integral: integer,
  "real floating": floating,
  "complex floating": complexfloating,
  numeric: number,
};

/**
 * Whether a dtype is of a kind, or of one of several: another dtype, or one of
 * `"bool"`, `"signed integer"`, `"unsigned integer"`, `"integral"`,
 * `"real floating"`, `"complex floating"` and `"numeric"`.
 *
 * @throws TypeError for other kinds.
 * @example
 * [mx.isdtype(mx.int8, "integral"), mx.isdtype(mx.int8, [mx.int16, "bool"])]
 * // [ true, false ]
 */
export function isdtype(
  dtype: Dtype,
  kind: Dtype | DtypeKind | readonly (Dtype | DtypeKind)[],
): boolean {
  const given = asDtype(dtype, "isdtype", "dtype");
  const all: readonly unknown[] = Array.isArray(kind) ? kind : [kind];
  return all.map(typeOf).some((type) => issubdtype(given, type));
}

function typeOf(kind: unknown): Dtype | DtypeCategory {
  if (kind instanceof Dtype) {
    return kind;
  }
  if (typeof kind === "string" && Object.hasOwn(kinds, kind)) {
    return kinds[kind as DtypeKind];
  }
  const names = Object.keys(kinds).map((name) => `"${name}"`);
  throw mismatch("isdtype", "kind", `a dtype, ${names.join(", ")}`, kind);
}

/** The limits of a floating-point type. */
export interface FloatLimits {
  readonly dtype: Dtype;
  readonly bits: number;
  /** The lowest finite number. */
  readonly min: number;
  /** The highest finite number. */
  readonly max: number;
  /** The distance from 1 to the next number. */
  readonly eps: number;
  /** The lowest positive number of full precision. */
  readonly smallestNormal: number;
}

const floatLimits = new Map<Dtype, FloatLimits>(
  // The bits of the fraction, and the highest exponent.
  (
    [
      [float16, 10, 15],
      [bfloat16, 7, 127],
      [float32, 23, 127],
      [float64, 52, 1023],
      [complex64, 23, 127],
    ] as const
  ).map(([dtype, fraction, exponent]) => {
    const max = (2 - 2 ** -fraction) * 2 ** exponent;
    const part = dtype === complex64 ? float32 : dtype;
    const limits = { dtype: part, bits: 8 * part.size, min: -max, max, eps: 2 ** -fraction };
    return [dtype, Object.freeze({ ...limits, smallestNormal: 2 ** (1 - exponent) })];
  }),
);

/**
 * The limits of a floating-point type; of complex64, those of its parts.
 *
 * @throws TypeError for any other type.
 * @example
 * mx.finfo(mx.float16).max
 * // 65504
 */
export function finfo(dtype: Dtype): FloatLimits {
  const limits = floatLimits.get(dtype);
  if (limits === undefined) {
    throw mismatch("finfo", "dtype", "a floating-point dtype", dtype);
  }
  return limits;
}

/** The limits of an integer type: bigints for those of 64 bits. */
export interface IntegerLimits<T extends number | bigint = number | bigint> {
  readonly dtype: Dtype;
  readonly bits: number;
  readonly min: T;
  readonly max: T;
}

/**
 * The limits of an integer type.
 *
 * @throws TypeError for any other type.
 * @example
 * mx.iinfo(mx.int8).max
 * // 127
 */
export function iinfo(dtype: Dtype): IntegerLimits {
  if (!(dtype instanceof Dtype) || dtype.category.parent !== integer) {
    throw mismatch("iinfo", "dtype", "an integer dtype", dtype);
  }
  const bits = 8 * dtype.size;
  const signed = dtype.category === signedinteger;
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  const min = signed ? -max - 1n : 0n;
  return bits === 64
    ? { dtype, bits, min, max }
    : { dtype, bits, min: Number(min), max: Number(max) };
}
