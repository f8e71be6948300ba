/** The operations as methods: the same functions without their first parameter. */

import type { Operand } from "../call/arguments.js";
import { typeError } from "../call/codes.js";
import { mismatch } from "../call/errors.js";
import { define } from "../call/objects.js";
import * as arithmetic from "../ops/arithmetic.js";
import * as comparison from "../ops/comparison.js";
import * as indexing from "../ops/indexing.js";
import * as product from "../ops/product.js";
import * as reduction from "../ops/reduction.js";
import * as shape from "../ops/shape.js";
import { array, isArray } from "./array.js";
import "./operations.js";
import {
  type ArrayAt,
  ArrayIterator,
  at,
  get,
  type Index,
  length,
  type SetIndex,
  set,
} from "./subscript.js";

// biome-ignore lint/suspicious/noExplicitAny: any operation
type Operation = (self: any, ...rest: any[]) => unknown;

declare module "./array.js" {
  interface array {
    /**
     * The size of the first dimension.
     *
     * @throws TypeError for an array without dimensions.
     * @example
     * mx.zeros([3, 2]).length
     * // 3
     */
    readonly length: number;
    /**
     * The array with its axes in reverse order.
     *
     * @example
     * mx.array([[1, 2], [3, 4]]).T
     * // array([[1, 3],
     * //        [2, 4]], dtype=float32)
     */
    readonly T: array;
    /**
     * The array with its last two axes exchanged.
     *
     * @throws Error if there are fewer than two.
     * @example
     * mx.zeros([5, 2, 3]).mT.shape
     * // [ 5, 3, 2 ]
     */
    readonly mT: array;
    /**
     * The real part of each element.
     *
     * @example
     * mx.array([{ re: 1, im: 2 }]).real
     * // array([1], dtype=float32)
     */
    readonly real: array;
    /**
     * The imaginary part of each element; 0 for real ones.
     *
     * @example
     * mx.array([{ re: 1, im: 2 }]).imag
     * // array([2], dtype=float32)
     */
    readonly imag: array;
    /**
     * The part that indices select, as `x[...]` in Python. An integer's axis
     * goes, `null` is a new one, `"..."` stands for the axes in between. Arrays
     * and lists of integers pick along their axes; several go together.
     *
     * No index reads or writes beyond an axis, here and wherever arrays hold
     * indices: in other functions, layers' inputs and classes for losses. What
     * is known at the call is checked then. Indices that are the result of other
     * operations are checked when they are computed, and the evaluation fails
     * where one is wrong. A GPU cannot do that: there such indices are clamped to
     * the axis where they read, and what they would write is dropped.
     *
     * @throws RangeError for indices outside of their axis, at the call or at the
     * evaluation, and if there are more than dimensions.
     * @example
     * const x = mx.array([[1, 2, 3], [4, 5, 6]]);
     * [x.get(-1), x.get(0, "1:"), x.get("...", [2, 0])]
     * // [
     * //   array([4, 5, 6], dtype=float32),
     * //   array([2, 3], dtype=float32),
     * //   array([[3, 1],
     * //          [6, 4]], dtype=float32)
     * // ]
     */
    get(...indices: Index[]): array;
    /**
     * Writes to the part that indices select, as `x[...] = value` in Python: the
     * value broadcasts to it and takes the array's dtype. A boolean array as the
     * only index is a mask; the value then holds as many elements as it selects,
     * or broadcasts. Other arrays do not change, even if they share the data.
     *
     * @throws RangeError for indices outside of their axis, as for `get`, if there
     * are more than dimensions, and for a mask that selects more than there are
     * values for.
     * @example
     * const x = mx.zeros([2, 3]);
     * x.set([":", 1], mx.array([7, 8]));
     * x
     * // array([[0, 7, 0],
     * //        [0, 8, 0]], dtype=float32)
     */
    set(indices: readonly SetIndex[], value: Operand): void;
    /**
     * The part that indices select, for an update that gives a new array, as
     * `x.at[...]` in Python: `add`, `subtract`, `multiply`, `divide`, `maximum`,
     * `minimum`.
     *
     * @example
     * mx.zeros([2, 2]).at([0, 0], 1).add(3)
     * // array([[0, 6],
     * //        [0, 0]], dtype=float32)
     */
    at(...indices: Index[]): ArrayAt;
    /** Goes through the rows, `x.get(0)` and so on, of the array as it is at the start. */
    [Symbol.iterator](): ArrayIterator;
  }
}

// The operations that `variadic` marks, with the list that each gets from a call without arguments.
const variadics = new Map<Operation, unknown>();

/**
 * Lets the method take its list of integers also as so many arguments, as in
 * Python: `x.reshape([2, 3])` and `x.reshape(2, 3)`.
 */
function variadic(operation: Operation, none?: readonly number[]): Operation {
  variadics.set(operation, none);
  return operation;
}

// The one list of operations that are methods, too. Their types and texts are
// derived from it when types are built, by scripts/methods.mjs.
const operations: Record<string, Operation> = {
  abs: arithmetic.abs,
  add: arithmetic.add,
  bitwiseAnd: arithmetic.bitwiseAnd,
  bitwiseInvert: arithmetic.bitwiseInvert,
  bitwiseOr: arithmetic.bitwiseOr,
  bitwiseXor: arithmetic.bitwiseXor,
  conj: arithmetic.conj,
  cos: arithmetic.cos,
  divide: arithmetic.divide,
  exp: arithmetic.exp,
  floorDivide: arithmetic.floorDivide,
  leftShift: arithmetic.leftShift,
  log: arithmetic.log,
  log10: arithmetic.log10,
  log1p: arithmetic.log1p,
  log2: arithmetic.log2,
  multiply: arithmetic.multiply,
  negative: arithmetic.negative,
  power: arithmetic.power,
  reciprocal: arithmetic.reciprocal,
  remainder: arithmetic.remainder,
  rightShift: arithmetic.rightShift,
  round: arithmetic.round,
  rsqrt: arithmetic.rsqrt,
  sin: arithmetic.sin,
  sqrt: arithmetic.sqrt,
  square: arithmetic.square,
  subtract: arithmetic.subtract,

  equal: comparison.equal,
  greater: comparison.greater,
  greaterEqual: comparison.greaterEqual,
  less: comparison.less,
  lessEqual: comparison.lessEqual,
  logicalAnd: comparison.logicalAnd,
  logicalNot: comparison.logicalNot,
  logicalOr: comparison.logicalOr,
  notEqual: comparison.notEqual,

  diag: indexing.diag,
  diagonal: indexing.diagonal,

  matmul: product.matmul,

  all: reduction.all,
  any: reduction.any,
  argmax: reduction.argmax,
  argmin: reduction.argmin,
  cummax: reduction.cummax,
  cummin: reduction.cummin,
  cumprod: reduction.cumprod,
  cumsum: reduction.cumsum,
  logcumsumexp: reduction.logcumsumexp,
  logsumexp: reduction.logsumexp,
  max: reduction.max,
  mean: reduction.mean,
  min: reduction.min,
  prod: reduction.prod,
  std: reduction.std,
  sum: reduction.sum,
  var: reduction.var,

  astype: shape.astype,
  flatten: shape.flatten,
  moveaxis: shape.moveaxis,
  reshape: variadic(shape.reshape, []),
  split: shape.split,
  squeeze: shape.squeeze,
  swapaxes: shape.swapaxes,
  transpose: variadic(shape.transpose),
  view: shape.view,
};

function methodOf(name: string, operation: Operation) {
  return function (this: array, a?: unknown, b?: unknown, c?: unknown, d?: unknown) {
    if (!isArray(this)) {
      throw mismatch(name, "this", "an array", this);
    }
    return operation(this, a, b, c, d);
  };
}

function variadicOf(name: string, operation: Operation) {
  const none = variadics.get(operation);
  return function (this: array, a: unknown = none, b?: unknown) {
    if (!isArray(this)) {
      throw mismatch(name, "this", "an array", this);
    }
    if (typeof b !== "number") {
      return operation(this, a, b);
    }
    // biome-ignore lint/complexity/noArguments: every call would pay for rest parameters
    const given = arguments;
    const list: unknown[] = [];
    for (let i = 0; i < given.length; i++) {
      list.push(given[i]);
    }
    return operation(this, list);
  };
}

for (const [name, operation] of Object.entries(operations)) {
  const method = variadics.has(operation) ? variadicOf : methodOf;
  define(array.prototype, name, method(name, operation));
}

const getters: Record<"length" | "T" | "mT" | "real" | "imag", (self: array) => unknown> = {
  length: (self) => length(self),
  T: (self) => shape.transpose(self),
  mT: (self) => shape.matrixTranspose(self),
  real: (self) => arithmetic.real(self),
  imag: (self) => arithmetic.imag(self),
};

for (const [name, getter] of Object.entries(getters)) {
  Object.defineProperty(array.prototype, name, {
    get(this: array) {
      return getter(this);
    },
    configurable: true,
  });
}

const subscripts: Pick<array, "get" | "set" | "at" | typeof Symbol.iterator> & ThisType<array> = {
  get(...indices) {
    return get(this, indices);
  },
  set(indices, value) {
    set(this, indices, value);
  },
  at(...indices) {
    return at(this, indices);
  },
  [Symbol.iterator]() {
    return new ArrayIterator(this);
  },
};

for (const name of Reflect.ownKeys(subscripts)) {
  define(array.prototype, name, Reflect.get(subscripts, name));
}

// An array has a length, and so passes for a list with holes. What takes it for
// one, such as `Buffer.from` or `Math.max.apply`, starts here, as many habits do.
for (let i = -1; i < 8; i++) {
  Object.defineProperty(array.prototype, i, {
    get() {
      throw typeError(
        `[array] expected x.get(${i}), or x.toTypedArray() for all values, received x[${i}]`,
      );
    },
    set() {
      throw typeError(`[array] expected x.set([${i}], value), received x[${i}] = value`);
    },
    configurable: true,
  });
}
