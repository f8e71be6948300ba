/**
 * `nn.init`: values to begin with. Each function returns one that makes an
 * array in the shape of the array that it is given.
 */

import { asArray } from "../core/array/array.js";
import { checkOperand, type Operand } from "../core/call/arguments.js";
import { typeError } from "../core/call/codes.js";
import { outOfRange } from "../core/call/errors.js";
import { asNumber } from "../core/call/numbers.js";
import { dtypeKind, number, oneOf, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";

/** Makes an array in the shape of another. */
export type Initializer = (a: mx.array) => mx.array;

/** Options of every initializer. */
export interface InitOptions {
  /** The dtype of what is made. By default `mx.float32`. */
  dtype?: mx.Dtype | undefined;
}

/** Options of initializers that draw from a normal distribution. */
export interface NormalInitOptions extends InitOptions {
  /** The mean. By default 0. */
  mean?: number | undefined;
  /** The standard deviation. By default 1. */
  std?: number | undefined;
}

/** Options of `uniform`. */
export interface UniformInitOptions extends InitOptions {
  /** The lower bound. By default 0. */
  low?: number | undefined;
  /** The upper bound, which is excluded. By default 1. */
  high?: number | undefined;
}

/** Options of `orthogonal`. */
export interface OrthogonalInitOptions extends InitOptions {
  /** What the matrix is multiplied with. By default 1. */
  gain?: number | undefined;
}

/** Options of a call of what `glorotNormal` and `glorotUniform` return. */
export interface GlorotOptions {
  /** What the spread is multiplied with. By default 1. */
  gain?: number | undefined;
}

/** Options of a call of what `heNormal` and `heUniform` return. */
export interface HeOptions extends GlorotOptions {
  /** Whether to count the inputs of a unit or its outputs. By default `"fan_in"`. */
  mode?: "fan_in" | "fan_out" | undefined;
}

const dtype = dtypeKind(mx.float32);

const readInit = optionsOf<InitOptions>()("init.constant", { dtype });

const readNormal = optionsOf<NormalInitOptions>()("init.normal", {
  mean: number(0),
  std: number(1),
  dtype,
});

const readUniform = optionsOf<UniformInitOptions>()("init.uniform", {
  low: number(0),
  high: number(1),
  dtype,
});

const readOrthogonal = optionsOf<OrthogonalInitOptions>()("init.orthogonal", {
  gain: number(1),
  dtype,
});

const readGlorot = optionsOf<GlorotOptions>()("init.glorotNormal", { gain: number(1) });

const readHe = optionsOf<HeOptions>()("init.heNormal", {
  mode: oneOf(["fan_in", "fan_out"], "fan_in"),
  gain: number(1),
});

function shapeOf(a: mx.array, fn: string): number[] {
  asArray(a, fn, "a");
  return a.shape;
}

function wrongShape(fn: string, expected: string, shape: readonly number[]): TypeError {
  return typeError(
    `[${fn}] a: expected ${expected}, received an array of shape [${shape.join(", ")}]`,
  );
}

function matrixShape(a: mx.array, fn: string): [number, number] {
  const shape = shapeOf(a, fn);
  if (shape.length !== 2) {
    throw wrongShape(fn, "a matrix", shape);
  }
  return shape as [number, number];
}

/** How many inputs and outputs a unit has; of a convolution, times its kernel's size. */
function fans(a: mx.array, fn: string): { shape: number[]; fanIn: number; fanOut: number } {
  const shape = shapeOf(a, fn);
  if (shape.length < 2) {
    throw wrongShape(fn, "an array of at least 2 dimensions", shape);
  }
  const field = shape.slice(1, -1).reduce((product, n) => product * n, 1);
  return {
    shape,
    fanIn: (shape.at(-1) as number) * field,
    fanOut: (shape[0] as number) * field,
  };
}

/** Draws numbers around 0, which are `spread` away from it at the most or, as a standard deviation, on average. */
type Draw = (spread: number, shape: number[], dtype: mx.Dtype) => mx.array;

const normally: Draw = (scale, shape, dtype) => mx.random.normal(shape, dtype, { scale });
const evenly: Draw = (bound, shape, dtype) => mx.random.uniform(-bound, bound, shape, dtype);

function glorot(fn: string, options: InitOptions | undefined, numerator: number, draw: Draw) {
  const { dtype } = readInit(options, fn);
  return (a: mx.array, call?: GlorotOptions): mx.array => {
    const { gain } = readGlorot(call, fn);
    const { shape, fanIn, fanOut } = fans(a, fn);
    return draw(gain * Math.sqrt(numerator / (fanIn + fanOut)), shape, dtype);
  };
}

function he(fn: string, options: InitOptions | undefined, numerator: number, draw: Draw) {
  const { dtype } = readInit(options, fn);
  return (a: mx.array, call?: HeOptions): mx.array => {
    const { mode, gain } = readHe(call, fn);
    const { shape, fanIn, fanOut } = fans(a, fn);
    return draw(gain * Math.sqrt(numerator / (mode === "fan_in" ? fanIn : fanOut)), shape, dtype);
  };
}

/**
 * Fills with a value.
 *
 * @param value A number, or an array that broadcasts.
 * @example
 * nn.init.constant(0.5)(mx.zeros([2, 2]))
 * // array([[0.5, 0.5],
 * //        [0.5, 0.5]], dtype=float32)
 */
export function constant(value: Operand, options?: InitOptions): Initializer {
  const fn = "init.constant";
  const { dtype } = readInit(options, fn);
  checkOperand(value, fn, "value");
  return (a) => mx.full(shapeOf(a, fn), value, dtype);
}

/**
 * Fills with numbers that are normally distributed.
 *
 * @example
 * mx.random.seed(0);
 * nn.init.normal({ mean: 10, std: 0.5 })(mx.zeros([3]))
 * // array([10.5689, 9.38952, 9.70423], dtype=float32)
 */
export function normal(options?: NormalInitOptions): Initializer {
  const fn = "init.normal";
  const { mean: loc, std: scale, dtype } = readNormal(options, fn);
  return (a) => mx.random.normal(shapeOf(a, fn), dtype, { loc, scale });
}

/**
 * Fills with numbers that are evenly distributed between two bounds.
 *
 * @example
 * mx.random.seed(0);
 * nn.init.uniform({ low: -1 })(mx.zeros([3]))
 * // array([0.744829, -0.777897, -0.445839], dtype=float32)
 */
export function uniform(options?: UniformInitOptions): Initializer {
  const fn = "init.uniform";
  const { low, high, dtype } = readUniform(options, fn);
  return (a) => mx.random.uniform(low, high, shapeOf(a, fn), dtype);
}

/**
 * Makes an identity matrix.
 *
 * @throws TypeError, when called, if the array is not a square matrix.
 * @example
 * nn.init.identity()(mx.zeros([2, 2]))
 * // array([[1, 0],
 * //        [0, 1]], dtype=float32)
 */
export function identity(options?: InitOptions): Initializer {
  const fn = "init.identity";
  const { dtype } = readInit(options, fn);
  return (a) => {
    const shape = shapeOf(a, fn);
    const [n] = shape;
    if (n === undefined || shape.length !== 2 || n !== shape[1]) {
      throw wrongShape(fn, "a square matrix", shape);
    }
    return mx.eye(n, { dtype });
  };
}

/**
 * Fills with numbers that are normally distributed with the standard deviation
 * `gain * sqrt(2 / (fanIn + fanOut))`, for weights `[outputs, ..., inputs]`.
 *
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward
 * neural networks", 2010.
 *
 * @throws TypeError, when called, if the array has less than 2 dimensions.
 * @example
 * mx.random.seed(0);
 * nn.init.glorotNormal()(mx.zeros([1, 3]), { gain: 2 })
 * // array([[1.6092, -1.72669, -0.836559]], dtype=float32)
 */
export function glorotNormal(
  options?: InitOptions,
): (a: mx.array, options?: GlorotOptions) => mx.array {
  return glorot("init.glorotNormal", options, 2, normally);
}

/**
 * Fills with numbers that are evenly distributed between -l and l, where l is
 * `gain * sqrt(6 / (fanIn + fanOut))`, for weights `[outputs, ..., inputs]`.
 *
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward
 * neural networks", 2010.
 *
 * @throws TypeError, when called, if the array has less than 2 dimensions.
 * @example
 * mx.random.seed(0);
 * nn.init.glorotUniform()(mx.zeros([1, 3]), { gain: 2 })
 * // array([[1.82445, -1.90545, -1.09208]], dtype=float32)
 */
export function glorotUniform(
  options?: InitOptions,
): (a: mx.array, options?: GlorotOptions) => mx.array {
  return glorot("init.glorotUniform", options, 6, evenly);
}

/**
 * Fills with numbers that are normally distributed with the standard deviation
 * `gain / sqrt(fan)`, for weights `[outputs, ..., inputs]`.
 *
 * He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance
 * on ImageNet Classification", arXiv 1502.01852.
 *
 * @throws TypeError, when called, if the array has less than 2 dimensions.
 * @example
 * mx.random.seed(0);
 * nn.init.heNormal()(mx.zeros([1, 3]), { mode: "fan_out" })
 * // array([[1.13788, -1.22095, -0.591536]], dtype=float32)
 */
export function heNormal(options?: InitOptions): (a: mx.array, options?: HeOptions) => mx.array {
  return he("init.heNormal", options, 1, normally);
}

/**
 * Fills with numbers that are evenly distributed between -l and l, where l is
 * `gain * sqrt(3 / fan)`, for weights `[outputs, ..., inputs]`.
 *
 * He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance
 * on ImageNet Classification", arXiv 1502.01852.
 *
 * @throws TypeError, when called, if the array has less than 2 dimensions.
 * @example
 * mx.random.seed(0);
 * nn.init.heUniform()(mx.zeros([1, 3]), { gain: Math.SQRT2 })
 * // array([[1.05335, -1.10011, -0.630511]], dtype=float32)
 */
export function heUniform(options?: InitOptions): (a: mx.array, options?: HeOptions) => mx.array {
  return he("init.heUniform", options, 3, evenly);
}

/**
 * Fills a matrix with numbers that are normally distributed, and as large a
 * share of each row with zeros: each output sees a few inputs only.
 *
 * Martens, "Deep learning via Hessian-free optimization", 2010.
 *
 * @param sparsity The share of zeros, in [0, 1], rounded up.
 * @throws RangeError if the sparsity is not in [0, 1].
 * @throws TypeError, when called, if the array is not a matrix.
 * @example
 * mx.random.seed(0);
 * nn.init.sparse(0.5)(mx.zeros([2, 4]))
 * // array([[0, 0, 0.097407, -0.23343],
 * //        [0, 0.173073, 0, 0.356439]], dtype=float32)
 */
export function sparse(sparsity: number, options?: NormalInitOptions): Initializer {
  const fn = "init.sparse";
  const { mean: loc, std: scale, dtype } = readNormal(options, fn);
  if (!(asNumber(sparsity, fn, "sparsity") >= 0 && sparsity <= 1)) {
    throw outOfRange(fn, "sparsity", "a number in [0, 1]", sparsity);
  }
  return (a) => {
    const shape = matrixShape(a, fn);
    const zeros = Math.ceil(sparsity * shape[1]);
    const order = mx.argsort(mx.random.uniform(0, 1, shape), 1);
    const out = mx.random.normal(shape, dtype, { loc, scale });
    return mx.putAlongAxis(out, order.get(":", `:${zeros}`), 0, 1);
  };
}

/**
 * Makes a random matrix with orthonormal rows or columns, whichever are fewer.
 * It is computed on the CPU.
 *
 * Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep
 * linear neural networks", arXiv 1312.6120.
 *
 * @throws TypeError, when called, if the array is not a matrix.
 * @example
 * const w = nn.init.orthogonal()(mx.zeros([2, 3]));
 * mx.allclose(mx.matmul(w, mx.transpose(w)), mx.eye(2), { atol: 1e-5 })
 * // array(true, dtype=bool)
 */
export function orthogonal(options?: OrthogonalInitOptions): Initializer {
  const fn = "init.orthogonal";
  const { gain, dtype } = readOrthogonal(options, fn);
  return (a) => {
    const [rows, columns] = matrixShape(a, fn);
    const n = Math.max(rows, columns);
    const [q, r] = mx.linalg.qr(mx.random.normal([n, n]), { stream: mx.cpu });
    // With a positive diagonal in R, Q has no preferred direction.
    const signed = mx.multiply(q, mx.sign(mx.diag(r)));
    const part = mx.slice(signed, mx.array([0, 0], mx.int32), [0, 1], [rows, columns]);
    return mx.astype(mx.multiply(part, gain), dtype);
  };
}
