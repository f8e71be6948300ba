/// <reference lib="esnext.disposable" preserve="true" />
/** The array: its handle, its lifetime, and how its values come to JavaScript. */

import { rangeError, typeError, withCode } from "../call/codes.js";
import { describe } from "../call/describe.js";
import { mismatch } from "../call/errors.js";
import { identify } from "../call/identity.js";
import { native } from "../call/native.js";
import { asInteger } from "../call/numbers.js";
import { type Result, results, type Slot, type Slots, slotFrom, slotsFrom } from "../call/wire.js";
import { type Dtype, dtypes } from "../dtype.js";
import { context } from "../lifetime/context.js";
import { makeRoom, weigh } from "../lifetime/garbage.js";
import type { Scope } from "../lifetime/scope.js";
import { bufferOf, copyInto, type Nested, nested, viewOf } from "./output.js";
import type { Scalar } from "./stand-in.js";
import type { OfOwn, TypedArray } from "./typed-arrays.js";

// Node 20 has these from 20.5 on.
(Symbol as { dispose?: symbol }).dispose ??= Symbol.for("Symbol.dispose");

// What stands in place of the slot of an array that has been freed.
const freedByDispose = -1 as Slot;
export const freedByTidy = -2 as Slot;

const outliving = "return it from there, store it in a field of an mx.Owner, or mx.keep it";

/** The error for an array that has been freed, which says by what. */
export function freed(slot: Slot, fn: string, param: string): TypeError {
  const by = slot === freedByTidy ? ` by tidy: ${outliving}` : "";
  const received = `received one that has been disposed${by}`;
  const message = `[${fn}] ${param}: expected an array, ${received}`;
  return withCode(new TypeError(message), "ERR_MLX_DISPOSED");
}

/** The name of what an array has that no other has, in deep comparisons. */
export const unlike: unique symbol = Symbol("array");
// How many arrays were made.
let made = 0;

// The inside of the class, for this package alone.

/** The slot of an array, negative if that has been freed. */
export let slotOf: (x: array) => Slot;
/** Whether a value is an array. */
export let isArray: (x: unknown) => x is array;
/** Frees the handle and gives its slot, which is the caller's to release. */
export let takeSlot: (x: array, instead?: Slot) => Slot;
/** The `tidy` scope that will free an array. */
export let scopeOf: (x: array) => Scope | undefined;
/** Gives an array to another scope or, without one, to the garbage collector. */
export let moveTo: (x: array, scope: Scope | undefined) => void;

/**
 * A multi-dimensional array, evaluated lazily: an operation only notes what is
 * to be computed, and `mx.eval` or a look at the values computes it. Made by
 * `mx.array(…)` and by operations; all operations exist as methods, too.
 */
export class array {
  // The type check of every call: only arrays have it.
  #slot: Slot;
  #scope: Scope | undefined;
  /** @internal What only it has; `comparing.ts` says what for. */
  readonly [unlike]: unknown;

  static {
    identify(array, "an array", (x) => {
      // What only inherits from an array has nothing to tell: its getters would fail, and
      // the error would describe it again.
      if (!isArray(x)) {
        return "an object that inherits from an array";
      }
      return x.disposed
        ? "an array that has been disposed"
        : `${x.dtype} array of shape [${x.shape.join(", ")}]`;
    });
    slotOf = (x) => x.#slot;
    isArray = (x): x is array => typeof x === "object" && x !== null && #slot in x;
    takeSlot = (x, instead = freedByDispose) => {
      const slot = x.#slot;
      if (slot >= 0) {
        x.#slot = instead;
      }
      x.#scope = undefined;
      return slot;
    };
    scopeOf = (x) => x.#scope;
    moveTo = (x, scope) => {
      x.#scope = scope;
      if (scope === undefined) {
        native.release_with(x, x.#slot);
      } else {
        scope.add(x);
      }
    };
  }

  /** @internal */
  constructor(slot: Slot, scope: Scope | undefined) {
    this[unlike] = made = (made + 1) | 0;
    this.#slot = slot;
    this.#scope = scope;
  }

  /** The sizes of the dimensions. */
  get shape(): number[] {
    return results(native.dims(live(this, "shape")));
  }

  /**
   * The size of one dimension, where `x.shape[axis]` would be a number or
   * undefined to TypeScript. A negative axis counts from the end.
   *
   * @throws RangeError for an axis that the array does not have.
   * @example
   * mx.zeros([2, 3]).dim(-1)
   * // 3
   */
  dim(axis: number): number {
    const fn = "dim";
    const shape: number[] = results(native.dims(live(this, fn)));
    const size = shape.at(asInteger(axis, fn, "axis"));
    if (size === undefined) {
      throw noAxis(shape, axis, fn);
    }
    return size;
  }

  /** The number of dimensions. */
  get ndim(): number {
    return native.ndim(live(this, "ndim"));
  }

  /** The number of elements. */
  get size(): number {
    return native.size(live(this, "size"));
  }

  /** The type of the elements. */
  get dtype(): Dtype {
    return dtypes[native.dtype(live(this, "dtype"))] as Dtype;
  }

  /** The size of an element in bytes. */
  get itemsize(): number {
    return (dtypes[native.dtype(live(this, "itemsize"))] as Dtype).size;
  }

  /** The size of all elements in bytes. */
  get nbytes(): number {
    const slot = live(this, "nbytes");
    return native.size(slot) * (dtypes[native.dtype(slot)] as Dtype).size;
  }

  /** Whether the array has been freed. */
  get disposed(): boolean {
    return slotOf(receiver(this, "disposed")) < 0;
  }

  /**
   * The value of an array of size 1, once it is computed: a number, a boolean for
   * bool, a bigint for int64 and uint64, `{ re, im }` for complex64.
   *
   * TypeScript does not know the dtype, and takes the value for a number unless it
   * is told otherwise: `x.item<bigint>()`. That is not checked.
   *
   * @throws RangeError if there is more than one element, or none.
   * @example
   * mx.array([3]).item()
   * // 3
   */
  item<T extends Scalar = number>(): T {
    const slot = live(this, "item");
    makeRoom();
    return native.item(slot) as T;
  }

  /**
   * The values as nested lists, or as a single value for 0 dimensions. They are
   * what `item` gives.
   *
   * TypeScript knows neither the dtype nor the number of dimensions, and takes
   * what it is told: `x.tolist<number[][]>()`, or `const rows: number[][] =
   * x.tolist()`. That is not checked.
   *
   * @example
   * mx.array([[1, 2], [3, 4]]).tolist()
   * // [ [ 1, 2 ], [ 3, 4 ] ]
   */
  tolist<T extends Nested = Nested<number>>(): T {
    const slot = live(this, "tolist");
    makeRoom();
    return nested(slot, this.shape, this.dtype) as T;
  }

  /**
   * A copy of the values, row-major, in the typed array of their exact type:
   * bfloat16 and, where the runtime has no `Float16Array`, float16 come as a
   * `Uint16Array` of their bits, bool as a `Uint8Array`, complex64 as pairs. It is
   * what to send to a worker: `postMessage` and `structuredClone` make an empty
   * object of an array.
   *
   * TypeScript does not know the dtype, and takes the copy for a `Float32Array`
   * unless it is told otherwise: `x.toTypedArray<Int32Array>()`. That is not
   * checked.
   *
   * @example
   * mx.array([1, 2]).toTypedArray()
   * // Float32Array(2) [ 1, 2 ]
   */
  toTypedArray<D extends TypedArray = OfOwn<Float32Array>>(): D & OfOwn<D>;
  /**
   * The same into a typed array that is given. A loop that gives the same one each
   * time takes no new memory.
   *
   * @param into Of the values' exact type, and with as many elements. uint8 goes into
   * a `Uint8ClampedArray`, too, such as that of a canvas, and float16 into a
   * `Uint16Array`.
   * @returns `into`.
   * @throws TypeError or RangeError if `into` is of another type or length.
   * @example
   * const values = new Float32Array(4);
   * mx.array([1, 2]).toTypedArray(values.subarray(2));
   * values
   * // Float32Array(4) [ 0, 0, 1, 2 ]
   */
  toTypedArray<D extends TypedArray>(into: D | undefined): D;
  toTypedArray(into?: TypedArray): TypedArray {
    const fn = "toTypedArray";
    const slot = live(this, fn);
    makeRoom();
    return into === undefined
      ? viewOf(bufferOf(slot, fn), this.dtype)
      : copyInto(slot, this.dtype, into, fn);
  }

  /**
   * Frees the array at once. Again does nothing; any other use then throws.
   *
   * @example
   * const x = mx.array([1]);
   * x.dispose();
   * x.disposed
   * // true
   */
  dispose(): void {
    const slot = takeSlot(receiver(this, "dispose"));
    if (slot >= 0) {
      native.release(slot);
    }
  }

  [Symbol.dispose](): void {
    receiver(this, "dispose").dispose();
  }

  /**
   * The values, shape-aware and abbreviated, with the dtype, as MLX prints them.
   * Where there are none, because a transformation traces a function, shape and
   * dtype.
   */
  toString(): string {
    const slot = live(this, "toString");
    return native.is_computable(slot)
      ? native.to_string(slot, context().print.precision)
      : outline(this);
  }

  /**
   * What `JSON.stringify` writes: nested lists, without the dtype.
   *
   * @throws TypeError from `JSON.stringify`, which knows no bigints, for 64-bit
   * integers.
   * @example
   * JSON.stringify({ weight: mx.array([[1, 2], [3, 4]]) })
   * // {"weight":[[1,2],[3,4]]}
   */
  toJSON(): Nested {
    return receiver(this, "toJSON").tolist();
  }

  /**
   * The text in a template; to operators the value, if there is a single real one.
   *
   * @throws TypeError for other arrays, which operators cannot take: it says which
   * method to call instead.
   */
  [Symbol.toPrimitive](hint: "string" | "number" | "default"): unknown {
    live(this, "array");
    if (hint === "string") {
      return this.toString();
    }
    const value = this.size === 1 ? this.item<Scalar>() : undefined;
    if (value === undefined || typeof value === "object") {
      throw typeError(
        `[array] expected a single real value, received ${describe(this)}: operators of JavaScript ` +
          "take no arrays; write x.add(y) for x + y, x.negative() for -x, x.greater(y) for x > y, " +
          "x.equal(y) for x == y, String(x) for the text",
      );
    }
    return value;
  }

  // Printing is for finding faults, so it has none of its own.
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    if (receiver(this, "inspect").disposed) {
      return "array(disposed)";
    }
    try {
      return this.toString();
    } catch (error) {
      return outline(this, `, failed: ${(error as Error).message}`);
    }
  }
}

/** An array as it is printed without values. */
function outline(x: array, more = ""): string {
  return `array(shape=[${x.shape.join(", ")}], dtype=${x.dtype}${more})`;
}

function receiver(x: unknown, method: string): array {
  if (!isArray(x)) {
    throw mismatch(method, "this", "an array", x);
  }
  return x;
}

/** The slot of a method's receiver. */
function live(x: unknown, method: string): Slot {
  const slot = slotOf(receiver(x, method));
  if (slot < 0) {
    throw freed(slot, method, "this");
  }
  return slot;
}

/** The slot of an argument, which has to be an array. */
export function slot(x: array, fn: string, param: string): Slot {
  if (isArray(x)) {
    const s = slotOf(x);
    if (s >= 0) {
      return s;
    }
    throw freed(s, fn, param);
  }
  throw mismatch(fn, param, "an array", x);
}

/** An argument, which has to be an array. */
export function asArray(x: unknown, fn: string, param: string): array {
  slot(x as array, fn, param);
  return x as array;
}

function noAxis(shape: readonly number[], axis: number, fn: string, advice = ""): RangeError {
  const expected = `an axis of an array of shape [${shape.join(", ")}]`;
  return rangeError(`[${fn}] axis: expected ${expected}, received ${axis}${advice}`);
}

/** An axis that an array has; a negative one counts from the end. */
export function axisOf(x: array, axis: number, fn: string, advice?: string): number {
  if (axis < -x.ndim || axis >= x.ndim) {
    throw noAxis(x.shape, axis, fn, advice);
  }
  return axis;
}

/** A result as an array, owned by the current scope or the garbage collector. */
export function make(result: Result): array {
  return makeFrom(slotFrom(result));
}

let note: ((slot: Slot) => void) | undefined;

/** Has a function called with the slot of each array that is made from now on. */
export function whenMade(fn: ((slot: Slot) => void) | undefined): void {
  note = fn;
}

/** To be called when the array of a slot has become another operation's result. */
export function changed(slot: Slot): void {
  note?.(slot);
}

/** The array in a slot. */
export function makeFrom(slot: Slot): array {
  const { scope } = context();
  const x = new array(slot, scope);
  note?.(slot);
  if (scope !== undefined) {
    scope.add(x);
    return x;
  }
  native.release_with(x, slot);
  weigh();
  return x;
}

/** Several results as arrays; how many there are is the caller's word. */
export function makeAll<T extends array[] = array[]>(result: Slots): T {
  // Not with `map`: a list of the addon's makes others of its realm.
  const out: array[] = [];
  for (const slot of slotsFrom(result)) {
    out.push(makeFrom(slot));
  }
  return out as T;
}
