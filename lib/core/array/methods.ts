/** The operations as methods: the same functions without their first parameter. */

import type { Operand } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import * as arithmetic from "../ops/arithmetic.js";
import * as comparison from "../ops/comparison.js";
import * as indexing from "../ops/indexing.js";
import * as product from "../ops/product.js";
import * as reduction from "../ops/reduction.js";
import * as shape from "../ops/shape.js";
import { ArrayHandle, type array, isArray } from "./array.js";
import { type ArrayAt, ArrayIterator, at, get, type Index, length, set } from "./subscript.js";

// biome-ignore lint/suspicious/noExplicitAny: any operation
type Operation = (self: any, ...rest: any[]) => unknown;

type Method<F extends Operation> = F extends (self: never, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

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
    set(indices: readonly Index[], value: Operand): void;
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

    abs: Method<typeof arithmetic.abs>;
    add: Method<typeof arithmetic.add>;
    all: Method<typeof reduction.all>;
    any: Method<typeof reduction.any>;
    argmax: Method<typeof reduction.argmax>;
    argmin: Method<typeof reduction.argmin>;
    astype: Method<typeof shape.astype>;
    bitwiseAnd: Method<typeof arithmetic.bitwiseAnd>;
    bitwiseInvert: Method<typeof arithmetic.bitwiseInvert>;
    bitwiseOr: Method<typeof arithmetic.bitwiseOr>;
    bitwiseXor: Method<typeof arithmetic.bitwiseXor>;
    conj: Method<typeof arithmetic.conj>;
    cos: Method<typeof arithmetic.cos>;
    cummax: Method<typeof reduction.cummax>;
    cummin: Method<typeof reduction.cummin>;
    cumprod: Method<typeof reduction.cumprod>;
    cumsum: Method<typeof reduction.cumsum>;
    diag: Method<typeof indexing.diag>;
    diagonal: Method<typeof indexing.diagonal>;
    divide: Method<typeof arithmetic.divide>;
    equal: Method<typeof comparison.equal>;
    exp: Method<typeof arithmetic.exp>;
    flatten: Method<typeof shape.flatten>;
    floorDivide: Method<typeof arithmetic.floorDivide>;
    greater: Method<typeof comparison.greater>;
    greaterEqual: Method<typeof comparison.greaterEqual>;
    leftShift: Method<typeof arithmetic.leftShift>;
    less: Method<typeof comparison.less>;
    lessEqual: Method<typeof comparison.lessEqual>;
    log: Method<typeof arithmetic.log>;
    log10: Method<typeof arithmetic.log10>;
    log1p: Method<typeof arithmetic.log1p>;
    log2: Method<typeof arithmetic.log2>;
    logcumsumexp: Method<typeof reduction.logcumsumexp>;
    logicalAnd: Method<typeof comparison.logicalAnd>;
    logicalNot: Method<typeof comparison.logicalNot>;
    logicalOr: Method<typeof comparison.logicalOr>;
    logsumexp: Method<typeof reduction.logsumexp>;
    matmul: Method<typeof product.matmul>;
    max: Method<typeof reduction.max>;
    mean: Method<typeof reduction.mean>;
    min: Method<typeof reduction.min>;
    moveaxis: Method<typeof shape.moveaxis>;
    multiply: Method<typeof arithmetic.multiply>;
    negative: Method<typeof arithmetic.negative>;
    notEqual: Method<typeof comparison.notEqual>;
    power: Method<typeof arithmetic.power>;
    prod: Method<typeof reduction.prod>;
    reciprocal: Method<typeof arithmetic.reciprocal>;
    remainder: Method<typeof arithmetic.remainder>;
    reshape: Method<typeof shape.reshape>;
    rightShift: Method<typeof arithmetic.rightShift>;
    round: Method<typeof arithmetic.round>;
    rsqrt: Method<typeof arithmetic.rsqrt>;
    sin: Method<typeof arithmetic.sin>;
    split: Method<typeof shape.split>;
    sqrt: Method<typeof arithmetic.sqrt>;
    square: Method<typeof arithmetic.square>;
    squeeze: Method<typeof shape.squeeze>;
    std: Method<typeof reduction.std>;
    subtract: Method<typeof arithmetic.subtract>;
    sum: Method<typeof reduction.sum>;
    swapaxes: Method<typeof shape.swapaxes>;
    transpose: Method<typeof shape.transpose>;
    var: Method<typeof reduction.var>;
    view: Method<typeof shape.view>;
  }
}

// Added below, each in its own way.
type Own = "length" | "T" | "mT" | "real" | "imag" | "get" | "set" | "at" | symbol;

// What the interface adds, and no more.
const methods: Record<Exclude<keyof array, keyof ArrayHandle | Own>, Operation> = {
  abs: arithmetic.abs,
  add: arithmetic.add,
  all: reduction.all,
  any: reduction.any,
  argmax: reduction.argmax,
  argmin: reduction.argmin,
  astype: shape.astype,
  bitwiseAnd: arithmetic.bitwiseAnd,
  bitwiseInvert: arithmetic.bitwiseInvert,
  bitwiseOr: arithmetic.bitwiseOr,
  bitwiseXor: arithmetic.bitwiseXor,
  conj: arithmetic.conj,
  cos: arithmetic.cos,
  cummax: reduction.cummax,
  cummin: reduction.cummin,
  cumprod: reduction.cumprod,
  cumsum: reduction.cumsum,
  diag: indexing.diag,
  diagonal: indexing.diagonal,
  divide: arithmetic.divide,
  equal: comparison.equal,
  exp: arithmetic.exp,
  flatten: shape.flatten,
  floorDivide: arithmetic.floorDivide,
  greater: comparison.greater,
  greaterEqual: comparison.greaterEqual,
  leftShift: arithmetic.leftShift,
  less: comparison.less,
  lessEqual: comparison.lessEqual,
  log: arithmetic.log,
  log10: arithmetic.log10,
  log1p: arithmetic.log1p,
  log2: arithmetic.log2,
  logcumsumexp: reduction.logcumsumexp,
  logicalAnd: comparison.logicalAnd,
  logicalNot: comparison.logicalNot,
  logicalOr: comparison.logicalOr,
  logsumexp: reduction.logsumexp,
  matmul: product.matmul,
  max: reduction.max,
  mean: reduction.mean,
  min: reduction.min,
  moveaxis: shape.moveaxis,
  multiply: arithmetic.multiply,
  negative: arithmetic.negative,
  notEqual: comparison.notEqual,
  power: arithmetic.power,
  prod: reduction.prod,
  reciprocal: arithmetic.reciprocal,
  remainder: arithmetic.remainder,
  reshape: shape.reshape,
  rightShift: arithmetic.rightShift,
  round: arithmetic.round,
  rsqrt: arithmetic.rsqrt,
  sin: arithmetic.sin,
  split: shape.split,
  sqrt: arithmetic.sqrt,
  square: arithmetic.square,
  squeeze: shape.squeeze,
  std: reduction.std,
  subtract: arithmetic.subtract,
  sum: reduction.sum,
  swapaxes: shape.swapaxes,
  transpose: shape.transpose,
  var: reduction.var,
  view: shape.view,
};

for (const [name, operation] of Object.entries<Operation>(methods)) {
  Object.defineProperty(ArrayHandle.prototype, name, {
    value: function (this: array, a?: unknown, b?: unknown, c?: unknown, d?: unknown) {
      if (!isArray(this)) {
        throw mismatch(name, "this", "an array", this);
      }
      return operation(this, a, b, c, d);
    },
    configurable: true,
    writable: true,
  });
}

const getters: Record<"length" | "T" | "mT" | "real" | "imag", (self: array) => unknown> = {
  length: (self) => length(self),
  T: (self) => shape.transpose(self),
  mT: (self) => shape.matrixTranspose(self),
  real: (self) => arithmetic.real(self),
  imag: (self) => arithmetic.imag(self),
};

for (const [name, getter] of Object.entries(getters)) {
  Object.defineProperty(ArrayHandle.prototype, name, {
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
  Object.defineProperty(ArrayHandle.prototype, name, {
    value: Reflect.get(subscripts, name),
    configurable: true,
    writable: true,
  });
}

// An array has a length, and so passes for a list with holes. What takes it for
// one, such as `Buffer.from` or `Math.max.apply`, starts here, as many habits do.
for (let i = 0; i < 8; i++) {
  Object.defineProperty(ArrayHandle.prototype, i, {
    get() {
      throw new TypeError(
        `[array] expected x.get(${i}), or x.toTypedArray() for all values, received x[${i}]`,
      );
    },
    set() {
      throw new TypeError(`[array] expected x.set([${i}], value), received x[${i}] = value`);
    },
    configurable: true,
  });
}
