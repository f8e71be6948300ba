/**
 * How values travel to the addon: as numbers. Reading a property or a list's
 * element through Node-API costs as much as a small operation, so arrays go as
 * the numbers of their slots, and scalars and lists through a buffer that both
 * sides share. The types here are what `bindings.ts` is written in.
 */
import { type Failure, native } from "./native.js";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** The number of the slot that holds an array. */
export type Slot = Brand<number, "Slot">;
/** The slot of a new array, or why there is none; `make` takes it. */
export type Result = Brand<number | Failure, "Result">;
/** The slots of new arrays, or why there are none; `makeAll` takes them. */
export type Slots = Brand<number, "Slots"> | readonly Slot[] | Failure;
export type None = Brand<number, "None">;
export type OptionalSlot = Slot | None;
/** A slot, or `~place` of a scalar in the shared buffer. */
export type OperandCode = Brand<number, "Operand"> | Slot;
/** The place of a list in the shared buffer, or a long list itself. */
export type List = Brand<number, "List"> | Float64Array;
export type OptionalList = List | None;
export type DtypeId = Brand<number, "Dtype">;
export type OptionalDtypeId = DtypeId | None;
export type StreamId = Brand<number, "Stream">;
/** The number of a group of processes. */
export type GroupId = Brand<number, "Group">;
/** A JavaScript function that the addon calls with arrays. */
export type Callback = (inputs: Slots) => List;
/** One that graphs hold: what it is to compute, and from what. */
export type Handler = (request: number, values: Slots) => List;

export const none = -1 as None;

const scratch = native.scratch;
const bits = new BigInt64Array(scratch.buffer);
// The buffer is used as a ring: what one call needs is read before the ring
// comes round, and a list that could be too long for that goes by itself. Its
// end belongs to the addon, for results.
const resultsLength = 64;
const limit = scratch.length - resultsLength;
const longest = 512;
let cursor = 0;

function reserve(length: number): number {
  if (cursor + length > limit) {
    cursor = 0;
  }
  const place = cursor;
  cursor += length;
  return place;
}

function fill(target: Float64Array, start: number, values: ArrayLike<number>): Float64Array {
  for (let i = 0; i < values.length; i++) {
    target[start + i] = values[i] as number;
  }
  return target;
}

export function list(values: ArrayLike<number>): List {
  const length = values.length;
  if (length > longest) {
    return fill(new Float64Array(length), 0, values);
  }
  const place = reserve(length + 1);
  scratch[place] = length;
  fill(scratch, place + 1, values);
  return place as List;
}

export function listOf(value: number): List {
  const place = reserve(2);
  scratch[place] = 1;
  scratch[place + 1] = value;
  return place as List;
}

// The kinds of scalars, as native/convert.cpp reads them.
const boolean = 0;
const integer = 1;
const floating = 2;
const signed64 = 3;
const unsigned64 = 4;
const complex = 5;

function scalar(kind: number, value: number): OperandCode {
  const place = reserve(3);
  scratch[place] = kind;
  scratch[place + 1] = value;
  return ~place as OperandCode;
}

export function numberCode(x: number): OperandCode {
  // A negative zero is an integer to Number, but not to IEEE 754.
  const whole = Number.isInteger(x) && Math.abs(x) < 2 ** 63 && !Object.is(x, -0);
  return scalar(whole ? integer : floating, x);
}

export function booleanCode(x: boolean): OperandCode {
  return scalar(boolean, x ? 1 : 0);
}

export function bigintCode(x: bigint): OperandCode {
  const place = reserve(3);
  scratch[place] = x > 0x7fffffffffffffffn ? unsigned64 : signed64;
  bits[place + 1] = BigInt.asIntN(64, x);
  return ~place as OperandCode;
}

export function complexCode(re: number, im: number): OperandCode {
  const code = scalar(complex, re);
  scratch[~code + 2] = im;
  return code;
}

/** Numbers that the addon left at the buffer's end. */
export function results(count: number): number[] {
  const out = new Array<number>(count);
  for (let i = 0; i < count; i++) {
    out[i] = scratch[limit + i] as number;
  }
  return out;
}
