/**
 * `mx.random`: random numbers. Each function draws from the generator of its
 * thread, which `seed` restarts, or from an explicit `key`, which makes it a
 * pure function.
 */

import { type array, axisOf, isArray, make, slotOf } from "./array/array.js";
import {
  asInteger,
  asLength,
  dtypeId,
  type Operand,
  operand,
  optionalShape,
  type Shape,
  sameShape,
  shapeList,
  slot,
  stream,
} from "./call/arguments.js";
import { typeError } from "./call/codes.js";
import { isMismatch, mismatch, outOfRange } from "./call/errors.js";
import { length, nullable, number, operandOption, opOptions, slotOption } from "./call/kinds.js";
import { native } from "./call/native.js";
import { type DtypeId, type List, none } from "./call/wire.js";
import type { StreamOptions } from "./device.js";
import { type Dtype, float32, int32, uint32 } from "./dtype.js";

export { state } from "./random-state.js";

/** Options of every function that draws. */
export interface RandomOptions extends StreamOptions {
  /** A key made by `key` or `split`. By default the thread's generator is used. */
  key?: array | null | undefined;
}

const readRandom = opOptions<RandomOptions>()("random.uniform", { key: slotOption });

/**
 * Reads an argument. If it is the shape or the key, which other libraries have in its place,
 * the error says where they go; `call` is what comes before the shape, where that may be it.
 */
function read<In, Out>(
  check: (x: In, fn: string, param: string) => Out,
  x: In,
  fn: string,
  param: string,
  call?: string,
): Out {
  try {
    return check(x, fn, param);
  } catch (error) {
    const advice = isMismatch(error) ? placeOf(x, fn, call) : undefined;
    throw advice === undefined ? error : typeError(`${(error as Error).message}; ${advice}`);
  }
}

function placeOf(x: unknown, fn: string, call: string | undefined): string | undefined {
  const isShape = (list: unknown[]) => list.every((n) => Number.isInteger(n) && (n as number) > 0);
  if (call !== undefined && Array.isArray(x) && x.length <= 8 && isShape(x)) {
    return `if this is the shape, write mx.${fn}(${call}[${x.join(", ")}])`;
  }
  if (isArray(x) && slotOf(x) >= 0 && x.dtype === uint32 && sameShape(x.shape, [2])) {
    return "if this is a key, write it into the options, as { key }";
  }
  return undefined;
}

/** The shape and the dtype of what is drawn, as the addon takes them. */
function drawn(
  shape: Shape,
  dtype: Dtype | null,
  fn: string,
  fallback = float32,
): [shape: List, dtype: DtypeId] {
  return [read(shapeList, shape, fn, "shape"), dtypeId(dtype ?? fallback, fn)];
}

function seedBits(x: number | bigint, fn: string): bigint {
  const whole = typeof x === "bigint" || (typeof x === "number" && Number.isInteger(x));
  if (!whole) {
    throw mismatch(fn, "seed", "an integer or a bigint", x);
  }
  const seed = BigInt(x);
  if (seed < 0n || seed > 0xffffffffffffffffn) {
    throw outOfRange(fn, "seed", "an integer of 64 bits that is not negative", x);
  }
  return seed;
}

/**
 * Restarts the generator of this thread: the same seed gives the same numbers.
 *
 * @throws RangeError if the seed is negative or longer than 64 bits.
 * @example
 * mx.random.seed(7);
 * mx.random.uniform(0, 1, [2])
 * // array([0.514767, 0.0784912], dtype=float32)
 */
export function seed(seed: number | bigint): void {
  native.random_seed(seedBits(seed, "random.seed"));
}

/**
 * A key from a seed: two uint32.
 *
 * @throws RangeError if the seed is negative or longer than 64 bits.
 * @example
 * mx.random.key(5)
 * // array([0, 5], dtype=uint32)
 */
export function key(seed: number | bigint): array {
  return make(native.random_key(seedBits(seed, "random.key")));
}

/**
 * Independent keys from one: a row for each.
 *
 * @param num How many. By default 2.
 * @example
 * mx.random.split(mx.random.key(0))
 * // array([[4146024105, 967050713],
 * //        [2718843009, 1272950319]], dtype=uint32)
 */
export function split(key: array, num = 2, options?: StreamOptions): array {
  const fn = "random.split";
  return make(
    native.random_split(slot(key, fn, "key"), asLength(num, fn, "num"), stream(options, fn)),
  );
}

/**
 * Numbers that are evenly distributed between `low`, by default 0, and `high`,
 * by default 1, which is excluded. Bounds broadcast to the shape.
 *
 * @param shape By default that of a single value.
 * @param dtype A floating-point one. By default `mx.float32`.
 * @example
 * mx.random.uniform(0, 1, [2], null, { key: mx.random.key(0) })
 * // array([0.216295, 0.804124], dtype=float32)
 */
export function uniform(
  low: Operand = 0,
  high: Operand = 1,
  shape: Shape = [],
  dtype: Dtype | null = float32,
  options?: RandomOptions,
): array {
  const fn = "random.uniform";
  const { key, stream } = readRandom(options);
  return make(
    native.random_uniform(
      read(operand, low, fn, "low", "0, 1, "),
      read(operand, high, fn, "high", "0, 1, "),
      ...drawn(shape, dtype, fn),
      key,
      stream,
    ),
  );
}

/** Options of `normal`. They broadcast to the shape. */
export interface NormalOptions extends RandomOptions {
  /** The mean. By default 0. */
  loc?: Operand | null | undefined;
  /** The standard deviation. By default 1. */
  scale?: Operand | null | undefined;
}

const readNormal = opOptions<NormalOptions>()("random.normal", {
  loc: operandOption,
  scale: operandOption,
  key: slotOption,
});

/**
 * Numbers that are normally distributed. Complex ones have half of the
 * variance in each part.
 *
 * @param shape By default that of a single value.
 * @param dtype A floating-point one or complex64. By default `mx.float32`.
 * @example
 * mx.random.normal([2], null, { loc: 10, key: mx.random.key(0) })
 * // array([9.21523, 10.8564], dtype=float32)
 */
export function normal(
  shape: Shape = [],
  dtype: Dtype | null = float32,
  options?: NormalOptions,
): array {
  const fn = "random.normal";
  const { loc, scale, key, stream } = read(readNormal, options, fn, "options", "");
  return make(native.random_normal(...drawn(shape, dtype, fn), loc, scale, key, stream));
}

/**
 * Vectors that are jointly normally distributed. It needs a singular value
 * decomposition, which runs on the CPU only: where the GPU is the default
 * device, pass `{ stream: mx.cpu }`.
 *
 * @param mean The means, `[..., n]`.
 * @param cov The covariances, `[..., n, n]`, positive semi-definite; this is
 * not checked.
 * @param shape The shape of the result without `n`. By default that to which
 * the leading dimensions of `mean` and `cov` broadcast.
 * @param dtype Only `mx.float32`.
 * @example
 * mx.random.multivariateNormal(mx.array([0, 100]), mx.eye(2), [3], null, {
 *   key: mx.random.key(0),
 *   stream: mx.cpu,
 * }).shape
 * // [ 3, 2 ]
 */
export function multivariateNormal(
  mean: array,
  cov: array,
  shape: Shape = [],
  dtype: Dtype | null = float32,
  options?: RandomOptions,
): array {
  const fn = "random.multivariateNormal";
  const { key, stream } = readRandom(options, fn);
  const means = read(slot, mean, fn, "mean", "mean, cov, ");
  const covariances = read(slot, cov, fn, "cov", "mean, cov, ");
  const [n] = mean.shape.slice(-1);
  if (n === undefined) {
    throw outOfRange(fn, "mean", "an array of at least one dimension", mean);
  }
  if (!sameShape(cov.shape.slice(-2), [n, n])) {
    const expected = `an array of shape [..., ${n}, ${n}], as there are ${n} means`;
    throw outOfRange(fn, "cov", expected, cov);
  }
  return make(
    native.random_multivariate_normal(means, covariances, ...drawn(shape, dtype, fn), key, stream),
  );
}

/**
 * Integers from `low` up to but without `high`, each as likely as the others.
 * Bounds broadcast to the shape. Those that are computed already may be of any
 * size; between others beyond 2^24 not all integers are reached, as they are
 * drawn as float32.
 *
 * @param shape By default that of a single value.
 * @param dtype An integer one or bool. By default `mx.int32`.
 * @example
 * mx.random.randint(0, 10, [3], null, { key: mx.random.key(0) })
 * // array([9, 3, 6], dtype=int32)
 */
export function randint(
  low: Operand,
  high: Operand,
  shape: Shape = [],
  dtype: Dtype | null = int32,
  options?: RandomOptions,
): array {
  const fn = "random.randint";
  const { key, stream } = readRandom(options, fn);
  return make(
    native.random_randint(
      read(operand, low, fn, "low", "low, high, "),
      read(operand, high, fn, "high", "low, high, "),
      ...drawn(shape, dtype, fn, int32),
      key,
      stream,
    ),
  );
}

/**
 * Booleans that are true with probability `p`, by default 0.5.
 *
 * @param shape By default that of `p`, which broadcasts to it.
 * @example
 * mx.random.bernoulli(0.5, [4], { key: mx.random.key(0) })
 * // array([false, true, false, true], dtype=bool)
 */
export function bernoulli(p: Operand = 0.5, shape?: Shape | null, options?: RandomOptions): array {
  const fn = "random.bernoulli";
  const { key, stream } = readRandom(options, fn);
  return make(
    native.random_bernoulli(
      read(operand, p, fn, "p", "p, "),
      read(optionalShape, shape, fn, "shape"),
      key,
      stream,
    ),
  );
}

/**
 * Numbers that are normally distributed, but between two bounds only.
 *
 * @param shape By default that to which the bounds broadcast.
 * @param dtype A floating-point one. By default `mx.float32`.
 * @example
 * mx.random.truncatedNormal(-1, 1, [2], null, { key: mx.random.key(0) })
 * // array([-0.506315, 0.546452], dtype=float32)
 */
export function truncatedNormal(
  lower: Operand,
  upper: Operand,
  shape?: Shape | null,
  dtype: Dtype | null = float32,
  options?: RandomOptions,
): array {
  const fn = "random.truncatedNormal";
  const { key, stream } = readRandom(options, fn);
  return make(
    native.random_truncated_normal(
      read(operand, lower, fn, "lower", "lower, upper, "),
      read(operand, upper, fn, "upper", "lower, upper, "),
      read(optionalShape, shape, fn, "shape"),
      dtypeId(dtype ?? float32, fn),
      key,
      stream,
    ),
  );
}

/**
 * Numbers of the standard Gumbel distribution, whose cumulative distribution
 * is `exp(-exp(-x))`.
 *
 * @param shape By default that of a single value.
 * @param dtype A floating-point one. By default `mx.float32`.
 * @example
 * mx.random.gumbel([2], null, { key: mx.random.key(0) })
 * // array([-0.425993, 1.52325], dtype=float32)
 */
export function gumbel(
  shape: Shape = [],
  dtype: Dtype | null = float32,
  options?: RandomOptions,
): array {
  const fn = "random.gumbel";
  const { key, stream } = read(readRandom, options, fn, "options", "");
  return make(native.random_gumbel(...drawn(shape, dtype, fn), key, stream));
}

/** Options of `categorical`. */
export interface CategoricalOptions extends RandomOptions {
  /** How many to draw from each distribution: the size of a new last dimension. */
  numSamples?: number | null | undefined;
}

const readCategorical = opOptions<CategoricalOptions>()("random.categorical", {
  numSamples: nullable(length()),
  key: slotOption,
});

/**
 * Indices along an axis, drawn with the probabilities that a softmax of the
 * logits would give, as uint32.
 *
 * @param axis By default the last.
 * @param shape The shape of the result, to which that of the logits without
 * the axis broadcasts. By default that one.
 * @throws TypeError if both a shape and `numSamples` are given.
 * @example
 * mx.random.categorical(mx.zeros([2, 3]), -1, null, { numSamples: 4, key: mx.random.key(0) })
 * // array([[0, 2, 2, 0],
 * //        [2, 2, 1, 2]], dtype=uint32)
 */
export function categorical(
  logits: array,
  axis = -1,
  shape?: Shape | null,
  options?: CategoricalOptions,
): array {
  const fn = "random.categorical";
  const { numSamples, key, stream } = readCategorical(options);
  const values = read(slot, logits, fn, "logits", "logits, -1, ");
  const integer = read(asInteger, axis, fn, "axis", "logits, -1, ");
  const advice = integer > 0 ? "; how many to draw is the option numSamples" : "";
  const along = axisOf(logits, integer, fn, advice);
  const dims = read(optionalShape, shape, fn, "shape");
  const count = numSamples ?? none;
  if (dims !== none && count !== none) {
    throw mismatch(fn, "numSamples", "none beside a shape", count);
  }
  return make(native.random_categorical(values, along, dims, count, key, stream));
}

/** Options of `laplace`. */
export interface LaplaceOptions extends RandomOptions {
  /** The mean. By default 0. */
  loc?: number | undefined;
  /** The standard deviation divided by the square root of 2. By default 1. */
  scale?: number | undefined;
}

const readLaplace = opOptions<LaplaceOptions>()("random.laplace", {
  loc: number(0),
  scale: number(1),
  key: slotOption,
});

/**
 * Numbers of the Laplace distribution.
 *
 * @param shape By default that of a single value.
 * @param dtype A floating-point one. By default `mx.float32`.
 * @example
 * mx.random.laplace([2], null, { key: mx.random.key(0) })
 * // array([0.837963, -0.937127], dtype=float32)
 */
export function laplace(
  shape: Shape = [],
  dtype: Dtype | null = float32,
  options?: LaplaceOptions,
): array {
  const fn = "random.laplace";
  const { loc, scale, key, stream } = read(readLaplace, options, fn, "options", "");
  return make(native.random_laplace(...drawn(shape, dtype, fn), loc, scale, key, stream));
}

/**
 * The integers below `x` in random order, as uint32; or an array whose entries
 * along an axis are in random order.
 *
 * @param axis By default the first.
 * @example
 * mx.random.permutation(4, 0, { key: mx.random.key(0) })
 * // array([1, 3, 2, 0], dtype=uint32)
 */
export function permutation(x: number | array, axis = 0, options?: RandomOptions): array {
  const fn = "random.permutation";
  const { key, stream } = readRandom(options, fn);
  const along = read(asInteger, axis, fn, "axis");
  if (isArray(x)) {
    const entries = slot(x, fn, "x");
    return make(native.random_permutation(entries, axisOf(x, along, fn), key, stream));
  }
  if (typeof x !== "number") {
    throw mismatch(fn, "x", "an integer or an array", x);
  }
  return make(native.random_permutation_of(asLength(x, fn, "x"), key, stream));
}
