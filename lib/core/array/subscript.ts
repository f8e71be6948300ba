/**
 * Subscripts: parts of arrays to read, to write and to update. Indices go to the
 * addon as numbers, which native/subscript.cpp reads.
 */
import { elements, isList, type Operand, operand, slot } from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { native } from "../call/native.js";
import { asInteger } from "../call/numbers.js";
import { interrupt, type List, list, resume } from "../call/wire.js";
import { currentStream } from "../lifetime/context.js";
import { type array, asArray, changed, isArray, make } from "./array.js";
import { flatIndices, type IndexList } from "./indices.js";

type Bound = number | null;

function bound(x: unknown, fn: string, param: string): Bound {
  return x === undefined || x === null ? null : asInteger(x, fn, param);
}

class SliceBounds {
  readonly start: Bound;
  readonly stop: Bound;
  readonly step: Bound;
  #isSlice = true;

  constructor(start: unknown, stop: unknown, step: unknown, fn: string, param: string) {
    this.start = bound(start, fn, `${param}start`);
    this.stop = bound(stop, fn, `${param}stop`);
    this.step = bound(step, fn, `${param}step`);
    if (this.step === 0) {
      throw outOfRange(fn, `${param}step`, "an integer other than 0", step);
    }
    Object.freeze(this);
  }

  static is(x: object): x is SliceBounds {
    return #isSlice in x && x.#isSlice;
  }

  /** The slice in Python's notation. */
  toString(): string {
    const step = this.step === null ? "" : `:${this.step}`;
    return `${this.start ?? ""}:${this.stop ?? ""}${step}`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Slice(${this.start}, ${this.stop}, ${this.step})`;
  }
}

/** A range of indices: from `start` up to but without `stop`, `step` apart. */
export interface Slice extends SliceBounds {}

/** Makes slices, with or without `new`. */
export interface SliceConstructor {
  (start?: Bound, stop?: Bound, step?: Bound): Slice;
  new (start?: Bound, stop?: Bound, step?: Bound): Slice;
  readonly prototype: Slice;
}

/**
 * A range of indices for `x.get`, `x.set` and `x.at`: from `start` up to but
 * without `stop`, `step` apart. Negative bounds count from the end, a negative
 * step goes backwards; what is absent or `null` reaches as far as it can. The
 * string `"1:3"` means the same as `mx.Slice(1, 3)`.
 *
 * @throws RangeError if the step is 0.
 * @example
 * mx.arange(5).get(mx.Slice(null, null, -2))
 * // array([4, 2, 0], dtype=int32)
 */
export const Slice = function Slice(start?: Bound, stop?: Bound, step?: Bound): Slice {
  return new SliceBounds(start, stop, step, "Slice", "");
} as SliceConstructor;

Object.defineProperty(Slice, "prototype", { value: SliceBounds.prototype, writable: false });
Object.defineProperty(SliceBounds.prototype, "constructor", { value: Slice });

/** Nested lists of booleans, with equal lengths at every level: a mask. */
export type BooleanList = readonly (boolean | BooleanList)[];

/**
 * One index of a subscript: an integer, `null` for a new axis, `"..."` for all
 * axes that no other index is for, a slice, also in Python's notation, a list
 * of integers, or an integer array.
 */
export type Index = number | null | "..." | `${string}:${string}` | Slice | IndexList | array;

/** What `x.set` takes as an index: also a mask, as a boolean array, or a list or a value of booleans. */
export type SetIndex = Index | boolean | BooleanList;

// The kinds of indices, as native/subscript.cpp reads them.
const integer = 0;
const newAxis = 1;
const ellipsis = 2;
const slice = 3;
const indexArray = 4;
const indexList = 5;
const booleanList = 6;

const allowed =
  'an integer, null, "...", a slice such as "1:3", a list of integers or an integer array';

// Texts that were parsed before: programs use few, again and again.
const texts = new Map<string, Slice | typeof ellipsis>();
const mostTexts = 256;

function parse(text: string, fn: string, param: string): Slice | typeof ellipsis {
  const known = texts.get(text);
  if (known !== undefined) {
    return known;
  }
  const parts = text.split(":", 4).map((part) => part.trim());
  const found = text.trim() === "..." ? ellipsis : sliceOf(parts, text, fn, param);
  if (texts.size === mostTexts) {
    texts.clear();
  }
  texts.set(text, found);
  return found;
}

function sliceOf(parts: readonly string[], text: string, fn: string, param: string): Slice {
  const sound = parts.every((part) => /^(-?\d+)?$/.test(part));
  if (!sound || parts.length < 2 || parts.length > 3) {
    throw mismatch(fn, param, allowed, text);
  }
  const [start, stop, step] = parts.map((part) => (part === "" ? null : Number(part)));
  return new SliceBounds(start, stop, step, fn, `${param}.`);
}

function pushSlice(code: number[], { start, stop, step }: Slice): void {
  code.push(slice, start ?? Number.NaN, stop ?? Number.NaN, step ?? Number.NaN);
}

function leaf(x: unknown): unknown {
  let first = x;
  for (let depth = 0; isList(first) && depth < 64; depth++) {
    first = first[0];
  }
  return first;
}

function pushList(code: number[], x: readonly unknown[], fn: string, param: string): void {
  const isMask = typeof leaf(x) === "boolean";
  const { shape, leaves } = flatIndices(x as IndexList, fn, param, isMask);
  code.push(isMask ? booleanList : indexList, shape.length, ...shape);
  for (const value of leaves) {
    code.push(value);
  }
}

function push(code: number[], index: unknown, fn: string, param: string): void {
  switch (typeof index) {
    case "number":
      code.push(integer, asInteger(index, fn, param));
      return;
    case "boolean":
      if (fn !== "set") {
        break;
      }
      code.push(booleanList, 0, index ? 1 : 0);
      return;
    case "string": {
      const parsed = parse(index, fn, param);
      if (parsed === ellipsis) {
        code.push(ellipsis);
      } else {
        pushSlice(code, parsed);
      }
      return;
    }
    case "object":
      if (index === null) {
        code.push(newAxis);
        return;
      }
      if (isArray(index)) {
        code.push(indexArray, slot(index, fn, param));
        return;
      }
      if (SliceBounds.is(index)) {
        pushSlice(code, index);
        return;
      }
      if (isList(index)) {
        pushList(code, index, fn, param);
        return;
      }
  }
  throw mismatch(fn, param, allowed, index);
}

function encode(indices: readonly unknown[], fn: string): List {
  if (indices.length === 0) {
    return list([]);
  }
  // Reading a list may run code of the program's, such as a proxy's, while slots are read.
  const mark = interrupt();
  const code: number[] = [];
  try {
    for (let i = 0; i < indices.length; i++) {
      push(code, indices[i], fn, `indices[${i}]`);
    }
  } finally {
    resume(mark);
  }
  return list(code);
}

/** What `x.get(...indices)` gives. */
export function get(x: array, indices: readonly Index[]): array {
  const fn = "get";
  const first = indices[0];
  if (indices.length === 1 && typeof first === "number") {
    return row(x, asInteger(first, fn, "indices[0]"));
  }
  const code = encode(indices, fn);
  return make(native.subscript_get(slot(x, fn, "this"), code, currentStream()));
}

function row(x: array, i: number): array {
  return make(native.subscript_row(slot(x, "get", "this"), i, currentStream()));
}

/** What `x.set(indices, value)` does. */
export function set(x: array, indices: readonly SetIndex[], value: Operand): void {
  const fn = "set";
  const all = elements(indices, "a list of indices", fn, "indices");
  if (all.length > 1 && all.every((index) => typeof index === "boolean")) {
    throw mismatch(fn, "indices", "a mask in a list of its own, such as [[true, false]]", all);
  }
  const code = encode(all, fn);
  const target = slot(x, fn, "this");
  native.subscript_set(target, code, operand(value, fn, "value"), currentStream());
  changed(target);
}

/**
 * The part of an array that `x.at(...indices)` selects, to be updated. Unlike a
 * read and a write, the updates count indices that occur several times as often
 * as they do. They give a new array of the same dtype.
 *
 * @example
 * mx.zeros([3]).at([0, 2, 2]).add(1)
 * // array([1, 0, 2], dtype=float32)
 */
export class ArrayAt {
  readonly #x: array;
  readonly #indices: readonly Index[];

  /** @internal */
  constructor(x: array, indices: readonly Index[]) {
    if (!isList(indices)) {
      throw mismatch("at", "indices", "a list of indices", indices);
    }
    this.#x = x;
    this.#indices = indices;
  }

  #update(operation: string, value: Operand): array {
    const code = encode(this.#indices, "at");
    return make(
      native.subscript_at(
        slot(this.#x, "at", "this"),
        code,
        operation,
        operand(value, operation, "value"),
        currentStream(),
      ),
    );
  }

  /**
   * The array with a value added to the part.
   *
   * @example
   * mx.array([1, 2, 3]).at("1:").add(10)
   * // array([1, 12, 13], dtype=float32)
   */
  add(value: Operand): array {
    return this.#update("add", value);
  }

  /**
   * The array with a value subtracted from the part.
   *
   * @example
   * mx.array([1, 2, 3]).at(0).subtract(10)
   * // array([-9, 2, 3], dtype=float32)
   */
  subtract(value: Operand): array {
    return this.#update("subtract", value);
  }

  /**
   * The array with the part multiplied by a value.
   *
   * @example
   * mx.array([1, 2, 3]).at([0, 0, 1]).multiply(10)
   * // array([100, 20, 3], dtype=float32)
   */
  multiply(value: Operand): array {
    return this.#update("multiply", value);
  }

  /**
   * The array with the part divided by a value: multiplied by its reciprocal,
   * so it is for floating arrays.
   *
   * @example
   * mx.array([1, 2, 3]).at(-1).divide(2)
   * // array([1, 2, 1.5], dtype=float32)
   */
  divide(value: Operand): array {
    return this.#update("divide", value);
  }

  /**
   * The array with the larger of the part and a value.
   *
   * @example
   * mx.array([1, 2, 3]).at("...").maximum(2)
   * // array([2, 2, 3], dtype=float32)
   */
  maximum(value: Operand): array {
    return this.#update("maximum", value);
  }

  /**
   * The array with the smaller of the part and a value.
   *
   * @example
   * mx.array([1, 2, 3]).at("...").minimum(2)
   * // array([1, 2, 2], dtype=float32)
   */
  minimum(value: Operand): array {
    return this.#update("minimum", value);
  }
}

/** What `x.at(...indices)` gives. */
export function at(x: array, indices: readonly Index[]): ArrayAt {
  asArray(x, "at", "this");
  return new ArrayAt(x, indices);
}

/** The size of the first dimension. */
export function length(x: array, fn = "length"): number {
  asArray(x, fn, "this");
  const [first] = x.shape;
  if (first === undefined) {
    throw mismatch(fn, "this", "an array with dimensions", x);
  }
  return first;
}

/**
 * What `for (const row of x)` goes through: the array as it was at the start,
 * row by row.
 *
 * @example
 * [...mx.array([[1, 2], [3, 4]])]
 * // [ array([1, 2], dtype=float32), array([3, 4], dtype=float32) ]
 */
export class ArrayIterator implements IterableIterator<array> {
  // A copy, as `set` may change the array while a loop goes through it.
  readonly #x: array;
  readonly #length: number;
  #next = 0;

  /** @internal */
  constructor(x: array) {
    this.#length = length(x, "iterator");
    this.#x = get(x, []);
  }

  // Without a type for its end, which `Array.from` would take for one of the elements'.
  next(): IteratorResult<array> {
    if (this.#next < this.#length) {
      return { done: false, value: row(this.#x, this.#next++) };
    }
    return this.return();
  }

  return(): IteratorResult<array> {
    this.#next = this.#length;
    this.#x.dispose();
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
