/**
 * Converts arguments into the numbers that cross to the addon (`wire.ts`). Each
 * function takes the value and, for its error, the names of the function that
 * was called and of the parameter.
 */
import { type array, freed, isArray, make, slot, slotOf } from "../array/array.js";
import { type ArrayInput, isTypedArray, toArray } from "../array/input.js";
import { type ArrayLike, type Scalar, standFor } from "../array/stand-in.js";
import type { TypedArray } from "../array/typed-arrays.js";
import { type StreamOptions, type StreamOrDevice, streamId } from "../device.js";
import { asDtype, type Dtype } from "../dtype.js";
import { currentStream } from "../lifetime/context.js";
import { mismatch, outOfRange, renamed } from "./errors.js";
import { native } from "./native.js";
import { asInteger, isInt32 } from "./numbers.js";
import { checkNames } from "./options.js";
import {
  bigintCode,
  booleanCode,
  complexCode,
  type DtypeId,
  interrupt,
  type List,
  lengthOf,
  listFrom,
  listOfOne,
  type None,
  none,
  numberCode,
  type OperandCode,
  type ReadElement,
  resume,
  type Slot,
  type StreamId,
} from "./wire.js";

export { slot } from "../array/array.js";
export * from "./numbers.js";

/** An array, what stands for one, a typed array, or a scalar. */
export type Operand = array | ArrayLike | TypedArray | Scalar;

/** The sizes of the dimensions, or one number for a single dimension. */
export type Shape = number | readonly number[];

/** One axis, several, or `null` for all. Negative ones count from the end. */
export type Axes = number | readonly number[] | null | undefined;

/** One axis, or `null` for the flattened array. */
export type Axis = number | null | undefined;

/** An array, or what `mx.array` makes of something else; whole numbers are int32. */
export function arraySlot(x: ArrayInput, fn: string, param: string): Slot {
  return isArray(x) && slotOf(x) >= 0 ? slotOf(x) : slotOfInput(x, fn, param);
}

function slotOfInput(x: ArrayInput, fn: string, param: string): Slot {
  if (isArray(x)) {
    return slot(x, fn, param);
  }
  switch (typeof x) {
    case "number":
    case "boolean":
      // A scalar alone gets the dtype that an operation gives it.
      return hold(make(native.scalar(scalarCode(x, fn, param), none)));
    case "bigint":
      return converted(x, fn, param);
    case "function":
    case "object": {
      if (x === null) {
        break;
      }
      if (isList(x) || isTypedArray(x)) {
        return converted(x, fn, param);
      }
      const meant = standFor(x, fn, param);
      if (meant !== undefined) {
        return isArray(meant) ? slot(meant, fn, param) : converted(meant, fn, param);
      }
    }
  }
  throw mismatch(fn, param, "an array, or what mx.array takes", x);
}

// Nothing else refers to arrays that were made of other values. They stay here until
// the addon has them, which is before the next microtask.
const held: array[] = [];

function converted(x: ArrayInput, fn: string, param: string): Slot {
  // Reading a list's elements may run code of the program's.
  const mark = interrupt();
  try {
    return hold(toArray(x, undefined));
  } catch (error) {
    throw renamed(error, fn, param);
  } finally {
    resume(mark);
  }
}

function hold(x: array): Slot {
  if (held.push(x) === 1) {
    queueMicrotask(() => {
      held.length = 0;
    });
  } else if (held.length > 8) {
    held.shift(); // no call has as many operands
  }
  return slotOf(x);
}

/** Makes a reader of what may also be left out or null, which is {@link none} then. */
function orNone<In, Out>(read: (x: In, fn: string, param: string) => Out, name: string) {
  return (x: In | null | undefined, fn: string, param = name): Out | None =>
    x === undefined || x === null ? none : read(x, fn, param);
}

export const optionalSlot = orNone(slot, "array");

export function operand(x: Operand, fn: string, param: string): OperandCode {
  if (isArray(x)) {
    const s = slotOf(x);
    if (s >= 0) {
      return s;
    }
    throw freed(s, fn, param);
  }
  return scalarCode(x, fn, param);
}

/** Checks an operand of a call that comes later. */
export function checkOperand(x: Operand, fn: string, param: string): void {
  const mark = interrupt();
  try {
    operand(x, fn, param);
  } finally {
    resume(mark);
  }
}

export function scalarCode(x: unknown, fn: string, param: string): OperandCode {
  switch (typeof x) {
    case "number":
      return numberCode(x);
    case "boolean":
      return booleanCode(x);
    case "bigint":
      if (x < -0x8000000000000000n || x > 0xffffffffffffffffn) {
        throw outOfRange(fn, param, "a bigint of at most 64 bits", x);
      }
      return bigintCode(x);
  }
  if ((typeof x === "object" && x !== null) || typeof x === "function") {
    if (isTypedArray(x)) {
      return converted(x as ArrayInput, fn, param);
    }
    const meant = standFor(x, fn, param);
    if (meant !== undefined) {
      return isArray(meant) ? slot(meant, fn, param) : complexCode(meant.re, meant.im);
    }
  }
  throw mismatch(fn, param, "an array or a scalar", x);
}

export function optionalOperand(
  x: Operand | null | undefined,
  fn: string,
  param: string,
): OperandCode | undefined {
  return x === undefined || x === null ? undefined : operand(x, fn, param);
}

export function isList(x: unknown): x is readonly unknown[] {
  return Array.isArray(x);
}

/** The elements of a list of the user's, each read once. */
export function elements(x: unknown, expected: string, fn: string, param: string): unknown[] {
  if (!isList(x)) {
    throw mismatch(fn, param, expected, x);
  }
  const mark = interrupt();
  try {
    const length = lengthOf(x, fn, param);
    const out: unknown[] = [];
    for (let i = 0; i < length; i++) {
      out.push(x[i]);
    }
    return out;
  } finally {
    resume(mark);
  }
}

/** A list of arrays. */
export function slots(xs: readonly array[], fn: string, param: string): List {
  return listOfUser(xs, slotAt, "a list of arrays", fn, param);
}

/** A list of integers. */
export function integers(xs: readonly number[], fn: string, param: string): List {
  return listOfUser(xs, integerAt, "a list of integers", fn, param);
}

/** The same as a list of numbers, to be looked at first. */
export function integerElements(xs: unknown, fn: string, param: string): number[] {
  const expected = "a list of integers";
  const all = elements(xs, expected, fn, param);
  return all.map((x, i) => integerAt(x, i, xs, expected, fn, param));
}

function listOfUser(
  xs: unknown,
  read: ReadElement,
  expected: string,
  fn: string,
  param: string,
): List {
  if (!isList(xs)) {
    throw mismatch(fn, param, expected, xs);
  }
  return listFrom(xs, read, expected, fn, param);
}

function slotAt(
  x: unknown,
  i: number,
  _xs: unknown,
  _expected: string,
  fn: string,
  param: string,
): number {
  // The name of the parameter is made only for an error.
  return isArray(x) && slotOf(x) >= 0 ? slotOf(x) : slot(x as array, fn, `${param}[${i}]`);
}

/** An integer of a list; an error shows the whole list. */
export function integerAt(
  x: unknown,
  _i: number,
  xs: unknown,
  expected: string,
  fn: string,
  param: string,
): number {
  if (isInt32(x)) {
    return x;
  }
  throw Number.isInteger(x)
    ? outOfRange(fn, param, "32-bit integers", xs)
    : mismatch(fn, param, expected, xs);
}

/** A shape, axes and the like: a list of integers, or one of them alone. */
export function shapeList(x: Shape, fn: string, param = "shape"): List {
  const expected = "an integer or a list of integers";
  return typeof x === "number"
    ? listOfOne(integerAt(x, 0, x, expected, fn, param))
    : listOfUser(x, integerAt, expected, fn, param);
}

/** One axis, several, or none at all. */
export const optionalAxes = orNone(shapeList, "axis");

/** One axis or none. */
export const optionalAxis = orNone(
  (x: number, fn: string, param: string) => listOfOne(asInteger(x, fn, param)),
  "axis",
);

/** The shape, or none. */
export const optionalShape = orNone(shapeList, "shape");

export function dtypeId(x: Dtype, fn: string, param = "dtype"): DtypeId {
  return asDtype(x, fn, param).id;
}

export const optionalDtypeId = orNone(dtypeId, "dtype");

const streamOnly = ["stream"] as const;

/** The stream of a call whose options have nothing else, or of its scope. */
export function stream(options: StreamOptions | undefined, fn: string): StreamId {
  if (options === undefined) {
    return currentStream();
  }
  const mark = interrupt();
  try {
    checkNames(options, streamOnly, fn);
    return streamOf(options.stream, fn);
  } finally {
    resume(mark);
  }
}

/** The stream that options name, or that of the scope. */
export function streamOf(stream: StreamOrDevice | undefined, fn: string): StreamId {
  if (stream === undefined) {
    return currentStream();
  }
  const mark = interrupt();
  try {
    return streamId(stream, fn);
  } finally {
    resume(mark);
  }
}
