/**
 * How values travel to the addon: as numbers. Reading a property or a list's
 * element through Node-API costs as much as a small operation, so arrays go as
 * the numbers of their slots, and scalars and lists through a buffer that both
 * sides share. The types here are what `bindings.ts` is written in.
 */
import { mismatch, outOfRange } from "./errors.js";
import { type Failure, isFailure, reasonOf, whenLoaded } from "./native.js";

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
/**
 * An array is sent as its slot (0 or more), a scalar as `~place` (below 0), where
 * `place` is where it stands in the shared buffer; if that is full, as itself.
 */
export type OperandCode = Brand<number, "Operand"> | Slot | Float64Array;
/**
 * The place of a list in the shared buffer, or a long list itself. A list of one small
 * integer is sent as a number below that of {@link none}.
 */
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

const capacity = 4096;
let scratch: Float64Array = new Float64Array(capacity);
let bits: BigInt64Array = new BigInt64Array(scratch.buffer);
// The buffer is a stack. What a call needs is put on it, and the addon takes it
// off as it reads; `shared[top]` is where both sides are. So what lies there is
// safe from the calls that user code makes before it is read. What has no room
// is sent in an array of its own. The buffer's end belongs to the addon, for results.
const resultsLength = 64;
const firstResult = capacity - resultsLength;
const limit = firstResult - 1;
let shared: Int32Array = new Int32Array(scratch.buffer, 8 * limit, 2);
const top = 0;
const interrupted = 1;

whenLoaded((addon) => {
  // What is under way goes on in the buffer of both sides.
  const before = shared[interrupted] as number;
  scratch = addon.scratch;
  bits = new BigInt64Array(scratch.buffer);
  shared = new Int32Array(scratch.buffer, 8 * limit, 2);
  (shared[interrupted] as number) += before;
});

/** A place for so many numbers, or -1. */
function reserve(length: number): number {
  const place = shared[top] as number;
  if (place + length > limit) {
    clearLater();
    return -1;
  }
  shared[top] = place + length;
  return place;
}

// What a call had put there stays if the call failed before it was made. Between two
// turns of the event loop no call is under way.
let clearing = false;

function clearLater(): void {
  if (!clearing) {
    clearing = true;
    queueMicrotask(() => {
      clearing = false;
      if (shared[interrupted] === 0) {
        shared[top] = 0;
      }
    });
  }
}

/**
 * To be called before user code may run (a getter, a proxy, a method) while the
 * arguments of a call are read; `resume` is called after it in any case, with
 * what this gives. In between, a slot that becomes empty gets no new tenant: one
 * that was read before stays that array's, or becomes an error.
 */
export function interrupt(): number {
  (shared[interrupted] as number)++;
  return shared[top] as number;
}

export function resume(mark: number): void {
  (shared[interrupted] as number)--;
  shared[top] = mark;
}

// Longer lists are sent in arrays of their own, so that one does not fill the buffer.
const longest = 512;

/** Makes a number of an element of a list of the user's; what follows is for the error. */
export type ReadElement = (
  value: unknown,
  i: number,
  values: readonly unknown[],
  expected: string,
  fn: string,
  param: string,
) => number;

/** A list of the user's: the number that `read` makes of each element. */
export function listFrom(
  values: readonly unknown[],
  read: ReadElement,
  expected: string,
  fn: string,
  param: string,
): List {
  const mark = interrupt();
  let end = mark;
  try {
    const length = lengthOf(values, fn, param);
    const start = length > longest ? -1 : reserve(length + 1);
    const out = start < 0 ? new Float64Array(length) : scratch;
    const first = start + 1;
    for (let i = 0; i < length; i++) {
      out[first + i] = read(values[i], i, values, expected, fn, param);
    }
    if (start < 0) {
      return out;
    }
    out[start] = length;
    end = first + length;
    return start as List;
  } finally {
    resume(end);
  }
}

// V8 ends the process where a list that grows gets somewhat longer.
const most = 1e8;

/** An error for lists that have more elements in all than JavaScript can hold. */
export function checkCount(count: number, values: unknown, fn: string, param: string): void {
  if (count > most) {
    throw outOfRange(fn, param, `at most ${most} elements (a typed array can have more)`, values);
  }
}

/** The length of a list of the user's; a proxy's can be anything. */
export function lengthOf(values: readonly unknown[], fn: string, param: string): number {
  const { length } = values;
  if (!Number.isInteger(length) || length < 0) {
    throw mismatch(fn, param, "a list", values);
  }
  checkCount(length, values, fn, param);
  return length;
}

export function list(values: readonly number[]): List {
  const { length } = values;
  const place = length > longest ? -1 : reserve(length + 1);
  if (place < 0) {
    return new Float64Array(values);
  }
  scratch[place] = length;
  for (let i = 0; i < length; i++) {
    scratch[place + 1 + i] = values[i] as number;
  }
  return place as List;
}

// The integers from `-small` up to it, without itself, are small.
const small = 1 << 20;

/** A list of one integer. */
export function listOfOne(value: number): List {
  return value >= -small && value < small
    ? ((value - small - 2) as number as List)
    : listOf(value, 1);
}

/** A list that has the same number several times. */
export function listOf(value: number, length: number): List {
  const place = reserve(length + 1);
  if (place < 0) {
    return new Float64Array(length).fill(value);
  }
  scratch[place] = length;
  for (let i = 1; i <= length; i++) {
    scratch[place + i] = value;
  }
  return place as List;
}

// The kinds of scalars, as native/convert.cpp reads them.
const boolean = 0;
const integer = 1;
const floating = 2;
const signed64 = 3;
const unsigned64 = 4;
const complex = 5;

function scalar(kind: number, value: number, imaginary = 0): OperandCode {
  const place = reserve(3);
  if (place < 0) {
    return Float64Array.of(kind, value, imaginary);
  }
  scratch[place] = kind;
  scratch[place + 1] = value;
  scratch[place + 2] = imaginary;
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
  const code = scalar(x > 0x7fffffffffffffffn ? unsigned64 : signed64, 0);
  const words = typeof code === "number" ? bits : new BigInt64Array(code.buffer);
  words[typeof code === "number" ? ~code + 1 : 1] = BigInt.asIntN(64, x);
  return code;
}

export function complexCode(re: number, im: number): OperandCode {
  return scalar(complex, re, im);
}

/** Numbers that the addon left at the buffer's end. */
export function results(count: number): number[] {
  const out = new Array<number>(count);
  for (let i = 0; i < count; i++) {
    out[i] = scratch[firstResult + i] as number;
  }
  return out;
}

/** The slot of a result. */
export function slotFrom(result: Result): Slot {
  if (typeof result !== "number") {
    throw reasonOf(result as unknown as Failure);
  }
  return result as number as Slot;
}

/** The slots of several results. */
export function slotsFrom(result: Slots): readonly Slot[] {
  if (typeof result === "number") {
    return results(result) as Slot[];
  }
  if (isFailure(result)) {
    throw reasonOf(result);
  }
  return result;
}
