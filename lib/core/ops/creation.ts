/** Arrays from a few numbers: constants, ranges, triangles, windows. */

import { type array, make } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  arraySlot,
  asInteger,
  asNumber,
  dtypeId,
  isInt32,
  type Operand,
  operand,
  optionalDtypeId,
  type Shape,
  shapeList,
  stream,
} from "../call/arguments.js";
import { dtypeOption, flag, integer, opOptions, optional } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import { Dtype, float32, int32, int64 } from "../dtype.js";

/** Options of `eye` and `tri`. */
export interface DiagonalOptions extends StreamOptions {
  /** The number of columns. By default that of rows. */
  m?: number | null | undefined;
  /** Which diagonal: positive ones lie above the main one. By default 0. */
  k?: number | undefined;
  /** The dtype of the result. By default `mx.float32`. */
  dtype?: Dtype | null | undefined;
}

const readDiagonal = opOptions<DiagonalOptions>()("eye", {
  m: optional(integer()),
  k: integer(0),
  dtype: dtypeOption(float32),
});

// Whole numbers make int32, or int64 where that is too small.
function rangeDtype(start: number, stop: number, step: number): Dtype {
  if (isInt32(start) && isInt32(stop) && isInt32(step)) {
    return int32;
  }
  const whole =
    Number.isSafeInteger(start) && Number.isSafeInteger(stop) && Number.isSafeInteger(step);
  return whole ? int64 : float32;
}

/**
 * The numbers from `start`, by default 0, up to but without `stop`, `step`
 * apart: int32 if all three are whole (int64 if one of them needs it),
 * otherwise float32. A dtype decides otherwise.
 *
 * @throws Error if the step is 0 or the range has no end.
 * @example
 * mx.arange(2, 10, 3)
 * // array([2, 5, 8], dtype=int32)
 */
export function arange(stop: number, options?: StreamOptions): array;
export function arange(
  start: number,
  stop: number | null | undefined,
  step?: number | null,
  dtype?: Dtype | null,
  options?: StreamOptions,
): array;
export function arange(
  first: number,
  second?: number | StreamOptions | null,
  step?: number | null,
  dtype?: Dtype | null,
  options?: StreamOptions,
): array {
  const fn = "arange";
  if (typeof second === "object" && second !== null && !(second instanceof Dtype)) {
    return arange(first, undefined, undefined, undefined, second);
  }
  const oneBound = second === undefined || second === null;
  const start = oneBound ? 0 : asNumber(first, fn, "start");
  const stop = asNumber(oneBound ? first : second, fn, "stop");
  const by = step === undefined || step === null ? 1 : asNumber(step, fn, "step");
  return make(
    native.arange(
      start,
      stop,
      by,
      dtypeId(dtype ?? rangeDtype(start, stop, by), fn),
      stream(options, fn),
    ),
  );
}

/**
 * The Bartlett window of `M` points, a triangle, as float32.
 *
 * @example
 * mx.bartlett(5)
 * // array([0, 0.5, 1, 0.5, 0], dtype=float32)
 */
export function bartlett(M: number, options?: StreamOptions): array {
  return make(native.bartlett(asInteger(M, "bartlett", "M"), stream(options, "bartlett")));
}

/**
 * The Hann window of `M` points, a raised cosine, as float32.
 *
 * @example
 * mx.round(mx.hanning(5), 3)
 * // array([0, 0.5, 1, 0.5, 0], dtype=float32)
 */
export function hanning(M: number, options?: StreamOptions): array {
  return make(native.hanning(asInteger(M, "hanning", "M"), stream(options, "hanning")));
}

/**
 * The Hamming window of `M` points, a raised cosine that does not reach 0, as
 * float32.
 *
 * @example
 * mx.hamming(4)
 * // array([0.08, 0.77, 0.77, 0.08], dtype=float32)
 */
export function hamming(M: number, options?: StreamOptions): array {
  return make(native.hamming(asInteger(M, "hamming", "M"), stream(options, "hamming")));
}

/**
 * The Blackman window of `M` points, a sum of three cosines, as float32.
 *
 * @example
 * mx.blackman(4)
 * // array([0, 0.63, 0.63, 0], dtype=float32)
 */
export function blackman(M: number, options?: StreamOptions): array {
  return make(native.blackman(asInteger(M, "blackman", "M"), stream(options, "blackman")));
}

/** Options of `linspace`. */
export interface LinspaceOptions extends StreamOptions {
  /** Whether `stop` is the last of the numbers. By default true. */
  endpoint?: boolean | undefined;
  /** The dtype of the result. By default `mx.float32`. */
  dtype?: Dtype | null | undefined;
}

const readLinspace = opOptions<LinspaceOptions>()("linspace", {
  endpoint: flag(true),
  dtype: dtypeOption(float32),
});

/**
 * Evenly spaced numbers from `start` to `stop`.
 *
 * @param num How many. By default 50.
 * @throws Error if `num` is negative.
 * @example
 * mx.linspace(0, 10, 5)
 * // array([0, 2.5, 5, 7.5, 10], dtype=float32)
 */
export function linspace(start: number, stop: number, num = 50, options?: LinspaceOptions): array {
  const fn = "linspace";
  const { endpoint, dtype, stream } = readLinspace(options);
  return make(
    native.linspace(
      asNumber(start, fn, "start"),
      asNumber(stop, fn, "stop"),
      asInteger(num, fn, "num"),
      endpoint,
      dtype,
      stream,
    ),
  );
}

/**
 * An array of a shape, filled with a value or with an array that broadcasts to
 * it.
 *
 * @param dtype By default that of the value: int32 for whole numbers (int64 if
 * they need it), float32 for others, bool for booleans.
 * @throws Error if a dimension is negative.
 * @example
 * mx.full([2, 2], 7)
 * // array([[7, 7],
 * //        [7, 7]], dtype=int32)
 */
export function full(
  shape: Shape,
  vals: Operand,
  dtype?: Dtype | null,
  options?: StreamOptions,
): array {
  const fn = "full";
  return make(
    native.full(
      shapeList(shape, fn),
      operand(vals, fn, "vals"),
      optionalDtypeId(dtype, fn),
      stream(options, fn),
    ),
  );
}

/**
 * An array of the shape of another, filled with a value.
 *
 * @param dtype By default the other array's.
 * @example
 * mx.fullLike(mx.array([1, 2]), 0.5)
 * // array([0.5, 0.5], dtype=float32)
 */
export function fullLike(
  a: ArrayInput,
  vals: Operand,
  dtype?: Dtype | null,
  options?: StreamOptions,
): array {
  const fn = "fullLike";
  return make(
    native.full_like(
      arraySlot(a, fn, "a"),
      operand(vals, fn, "vals"),
      optionalDtypeId(dtype, fn),
      stream(options, fn),
    ),
  );
}

function filled(
  op: typeof native.zeros,
  fn: string,
  shape: Shape,
  dtype: Dtype | null,
  options: StreamOptions | undefined,
): array {
  return make(op(shapeList(shape, fn), dtypeId(dtype ?? float32, fn), stream(options, fn)));
}

function filledLike(
  op: typeof native.zeros_like,
  fn: string,
  a: ArrayInput,
  dtype: Dtype | null | undefined,
  options: StreamOptions | undefined,
): array {
  return make(op(arraySlot(a, fn, "a"), optionalDtypeId(dtype, fn), stream(options, fn)));
}

/**
 * An array of zeros.
 *
 * @param dtype By default `mx.float32`.
 * @throws Error if a dimension is negative.
 * @example
 * mx.zeros([2, 3], mx.int32)
 * // array([[0, 0, 0],
 * //        [0, 0, 0]], dtype=int32)
 */
export function zeros(shape: Shape, dtype: Dtype | null = float32, options?: StreamOptions): array {
  return filled(native.zeros, "zeros", shape, dtype, options);
}

/**
 * An array of zeros of the shape of another.
 *
 * @param dtype By default the other array's.
 * @example
 * mx.zerosLike(mx.array([5n, 6n]))
 * // array([0, 0], dtype=int64)
 */
export function zerosLike(a: ArrayInput, dtype?: Dtype | null, options?: StreamOptions): array {
  return filledLike(native.zeros_like, "zerosLike", a, dtype, options);
}

/**
 * An array for what comes later: of zeros, as in Python's MLX.
 *
 * @param dtype By default `mx.float32`.
 * @throws Error if a dimension is negative.
 * @example
 * mx.empty([2, 3], mx.int32).shape
 * // [ 2, 3 ]
 */
export function empty(shape: Shape, dtype: Dtype | null = float32, options?: StreamOptions): array {
  return filled(native.zeros, "empty", shape, dtype, options);
}

/**
 * An array of the shape of another, for what comes later: of zeros, as in
 * Python's MLX.
 *
 * @param dtype By default the other array's.
 * @example
 * mx.emptyLike(mx.array([5n, 6n])).dtype
 * // int64
 */
export function emptyLike(a: ArrayInput, dtype?: Dtype | null, options?: StreamOptions): array {
  return filledLike(native.zeros_like, "emptyLike", a, dtype, options);
}

/**
 * An array of ones.
 *
 * @param dtype By default `mx.float32`.
 * @throws Error if a dimension is negative.
 * @example
 * mx.ones(3)
 * // array([1, 1, 1], dtype=float32)
 */
export function ones(shape: Shape, dtype: Dtype | null = float32, options?: StreamOptions): array {
  return filled(native.ones, "ones", shape, dtype, options);
}

/**
 * An array of ones of the shape of another.
 *
 * @param dtype By default the other array's.
 * @example
 * mx.onesLike(mx.array([[5, 6]]), mx.bool)
 * // array([[true, true]], dtype=bool)
 */
export function onesLike(a: ArrayInput, dtype?: Dtype | null, options?: StreamOptions): array {
  return filledLike(native.ones_like, "onesLike", a, dtype, options);
}

/**
 * A matrix of `n` rows with ones on a diagonal and zeros elsewhere.
 *
 * @throws Error if a dimension is negative.
 * @example
 * mx.eye(2, { m: 3, k: 1 })
 * // array([[0, 1, 0],
 * //        [0, 0, 1]], dtype=float32)
 */
export function eye(n: number, options?: DiagonalOptions): array {
  const { m, k, dtype, stream } = readDiagonal(options);
  return make(native.eye(asInteger(n, "eye", "n"), m ?? n, k, dtype, stream));
}

/**
 * The identity matrix of `n` rows and columns.
 *
 * @param dtype By default `mx.float32`.
 * @throws Error if `n` is negative.
 * @example
 * mx.identity(2)
 * // array([[1, 0],
 * //        [0, 1]], dtype=float32)
 */
export function identity(n: number, dtype: Dtype | null = float32, options?: StreamOptions): array {
  const fn = "identity";
  return make(
    native.identity(asInteger(n, fn, "n"), dtypeId(dtype ?? float32, fn), stream(options, fn)),
  );
}

/**
 * A matrix of `n` rows with ones on and below a diagonal and zeros above.
 *
 * @throws Error if a dimension is negative.
 * @example
 * mx.tri(2, { m: 3, k: 1 })
 * // array([[1, 1, 0],
 * //        [1, 1, 1]], dtype=float32)
 */
export function tri(n: number, options?: DiagonalOptions): array {
  const { m, k, dtype, stream } = readDiagonal(options, "tri");
  return make(native.tri(asInteger(n, "tri", "n"), m ?? n, k, dtype, stream));
}

/**
 * The lower triangle of each matrix: zeros above the `k`-th diagonal.
 *
 * @param k By default 0, the main diagonal.
 * @throws Error if there are less than two dimensions.
 * @example
 * mx.tril(mx.array([[1, 2], [3, 4]]))
 * // array([[1, 0],
 * //        [3, 4]], dtype=float32)
 */
export function tril(x: ArrayInput, k = 0, options?: StreamOptions): array {
  const fn = "tril";
  return make(native.tril(arraySlot(x, fn, "x"), asInteger(k, fn, "k"), stream(options, fn)));
}

/**
 * The upper triangle of each matrix: zeros below the `k`-th diagonal.
 *
 * @param k By default 0, the main diagonal.
 * @throws Error if there are less than two dimensions.
 * @example
 * mx.triu(mx.array([[1, 2], [3, 4]]))
 * // array([[1, 2],
 * //        [0, 4]], dtype=float32)
 */
export function triu(x: ArrayInput, k = 0, options?: StreamOptions): array {
  const fn = "triu";
  return make(native.triu(arraySlot(x, fn, "x"), asInteger(k, fn, "k"), stream(options, fn)));
}
