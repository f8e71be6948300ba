/**
 * Element-wise arithmetic. Functions whose results are real numbers, such as
 * `exp`, give float32 for integers and booleans. Of two operands a scalar is
 * weak: it follows the dtype of the array beside it.
 */

import { type array, make, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axes,
  arraySlot,
  asInteger,
  asNumber,
  type Operand,
  operand,
  optionalAxes,
  optionalOperand,
  stream,
} from "../call/arguments.js";
import { flag, kind, number, opOptions, optional } from "../call/kinds.js";
import { native } from "../call/native.js";
import { numberCode, type OperandCode } from "../call/wire.js";
import type { StreamOptions } from "../device.js";
import { binary, unary } from "./common.js";

/**
 * The absolute value of each element; of complex numbers the magnitude, as
 * float32.
 *
 * @example
 * mx.abs(mx.array([-1.5, 2]))
 * // array([1.5, 2], dtype=float32)
 */
export function abs(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.abs, "abs", a, options);
}

/**
 * The sign of each element: -1, 0 or 1, in the array's dtype. Of a complex
 * number, the number of magnitude 1 in its direction.
 *
 * @example
 * mx.sign(mx.array([-3, 0, 2.5]))
 * // array([-1, 0, 1], dtype=float32)
 */
export function sign(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.sign, "sign", a, options);
}

/**
 * The elements as they are: unary plus.
 *
 * @example
 * mx.positive(mx.array([-1, 2]))
 * // array([-1, 2], dtype=float32)
 */
export function positive(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.positive, "positive", a, options);
}

/**
 * The elements with the opposite sign. Unsigned integers wrap around.
 *
 * @throws Error for bool, which has `logicalNot`.
 * @example
 * mx.negative(mx.array([-1, 2]))
 * // array([1, -2], dtype=float32)
 */
export function negative(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.negative, "negative", a, options);
}

/**
 * The sum of two operands, with broadcasting.
 *
 * @throws Error if a whole number beside integers does not fit their dtype, and
 * if the shapes cannot be broadcast. So do all functions of two operands.
 * @example
 * mx.add(mx.array([1, 2]), 3)
 * // array([4, 5], dtype=float32)
 */
export function add(a: Operand, b: Operand, options?: StreamOptions): array {
  const fn = "add";
  return make(native.add(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/**
 * The difference of two operands, with broadcasting.
 *
 * @example
 * mx.subtract(mx.array([10, 20]), mx.array([1, 2]))
 * // array([9, 18], dtype=float32)
 */
export function subtract(a: Operand, b: Operand, options?: StreamOptions): array {
  const fn = "subtract";
  return make(native.subtract(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/**
 * The product of two operands, with broadcasting.
 *
 * @example
 * mx.multiply(mx.array([[1], [2]]), mx.array([3, 4]))
 * // array([[3, 4],
 * //        [6, 8]], dtype=float32)
 */
export function multiply(a: Operand, b: Operand, options?: StreamOptions): array {
  const fn = "multiply";
  return make(native.multiply(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/**
 * The quotient of two operands, with broadcasting. Integers give float32.
 *
 * @example
 * mx.divide(mx.array([1, 6], mx.int32), 4)
 * // array([0.25, 1.5], dtype=float32)
 */
export function divide(a: Operand, b: Operand, options?: StreamOptions): array {
  const fn = "divide";
  return make(native.divide(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/**
 * The quotient of two operands, rounded down, and the remainder, as
 * {@link floorDivide} and {@link remainder} give them, with broadcasting.
 *
 * @throws Error for complex64.
 * @example
 * mx.divmod(mx.array([-7, 7], mx.int32), 2)
 * // [ array([-4, 3], dtype=int32), array([1, 1], dtype=int32) ]
 */
export function divmod(a: Operand, b: Operand, options?: StreamOptions): [array, array] {
  const fn = "divmod";
  return makeAll(native.divmod(operand(a, fn, "a"), operand(b, fn, "b"), stream(options, fn)));
}

/**
 * The quotient of two operands, rounded down, with broadcasting. Integers stay
 * integers; divided by zero they give no error, and no particular value.
 *
 * @example
 * mx.floorDivide(mx.array([-7, 7], mx.int32), 2)
 * // array([-4, 3], dtype=int32)
 */
export function floorDivide(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.floor_divide, "floorDivide", a, b, options);
}

/**
 * The remainder of a division, with broadcasting. It has the sign of the
 * divisor, whereas that of `%` in JavaScript has the sign of the dividend.
 *
 * @example
 * mx.remainder(mx.array([-7, 7]), 3)
 * // array([2, 1], dtype=float32)
 */
export function remainder(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.remainder, "remainder", a, b, options);
}

/**
 * Each element without its fraction, that is rounded towards zero, in the
 * array's dtype.
 *
 * @throws Error for complex64.
 * @example
 * mx.trunc(mx.array([-1.7, 1.7]))
 * // array([-1, 1], dtype=float32)
 */
export function trunc(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.trunc, "trunc", a, options);
}

/**
 * The square of each element.
 *
 * @example
 * mx.square(mx.array([-3, 4]))
 * // array([9, 16], dtype=float32)
 */
export function square(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.square, "square", a, options);
}

/**
 * The square root of each element; NaN for negative ones.
 *
 * @example
 * mx.sqrt(mx.array([4, 9]))
 * // array([2, 3], dtype=float32)
 */
export function sqrt(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.sqrt, "sqrt", a, options);
}

/**
 * One divided by the square root of each element.
 *
 * @example
 * mx.rsqrt(mx.array([4, 16]))
 * // array([0.5, 0.25], dtype=float32)
 */
export function rsqrt(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.rsqrt, "rsqrt", a, options);
}

/**
 * One divided by each element.
 *
 * @example
 * mx.reciprocal(mx.array([4, -2]))
 * // array([0.25, -0.5], dtype=float32)
 */
export function reciprocal(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.reciprocal, "reciprocal", a, options);
}

/**
 * The logarithm of the sum of the exponentials of two operands, with
 * broadcasting: `log(exp(a) + exp(b))`, but without its overflow.
 *
 * @example
 * mx.logaddexp(mx.array([0, 1000]), mx.array([0, 1000]))
 * // array([0.693147, 1000.69], dtype=float32)
 */
export function logaddexp(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.logaddexp, "logaddexp", a, b, options);
}

/**
 * The exponential of each element.
 *
 * @example
 * mx.exp(mx.array([0, 1]))
 * // array([1, 2.71828], dtype=float32)
 */
export function exp(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.exp, "exp", a, options);
}

/**
 * The exponential of each element less 1, accurate also near 0.
 *
 * @example
 * mx.expm1(mx.array([0, 1e-7]))
 * // array([0, 1e-07], dtype=float32)
 */
export function expm1(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.expm1, "expm1", a, options);
}

/**
 * The error function of each element, which goes from -1 to 1.
 *
 * @throws Error for complex64.
 * @example
 * mx.erf(mx.array([0.5, -1]))
 * // array([0.5205, -0.842701], dtype=float32)
 */
export function erf(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.erf, "erf", a, options);
}

/**
 * The inverse of the error function: infinite at -1 and 1, NaN beyond.
 *
 * @throws Error for complex64.
 * @example
 * mx.erfinv(mx.array([0, 0.5]))
 * // array([0, 0.476936], dtype=float32)
 */
export function erfinv(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.erfinv, "erfinv", a, options);
}

/**
 * The sine of each element, in radians.
 *
 * @example
 * mx.sin(mx.array([0, Math.PI / 6]))
 * // array([0, 0.5], dtype=float32)
 */
export function sin(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.sin, "sin", a, options);
}

/**
 * The cosine of each element, in radians.
 *
 * @example
 * mx.cos(mx.array([0, Math.PI / 3]))
 * // array([1, 0.5], dtype=float32)
 */
export function cos(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.cos, "cos", a, options);
}

/**
 * The tangent of each element, in radians.
 *
 * @example
 * mx.tan(mx.array([0, Math.PI / 4]))
 * // array([0, 1], dtype=float32)
 */
export function tan(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.tan, "tan", a, options);
}

/**
 * The inverse sine of each element, in radians from -π/2 to π/2; NaN for
 * elements outside -1 to 1.
 *
 * @example
 * mx.arcsin(mx.array([0, 1]))
 * // array([0, 1.5708], dtype=float32)
 */
export function arcsin(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arcsin, "arcsin", a, options);
}

/**
 * The inverse cosine of each element, in radians from 0 to π; NaN for elements
 * outside -1 to 1.
 *
 * @example
 * mx.arccos(mx.array([1, -1]))
 * // array([0, 3.14159], dtype=float32)
 */
export function arccos(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arccos, "arccos", a, options);
}

/**
 * The inverse tangent of each element, in radians from -π/2 to π/2.
 *
 * @example
 * mx.arctan(mx.array([0, 1]))
 * // array([0, 0.785398], dtype=float32)
 */
export function arctan(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arctan, "arctan", a, options);
}

/**
 * The inverse tangent of `a / b`, with broadcasting, in radians from -π to π:
 * the angle of the point whose ordinate is `a` and whose abscissa is `b`.
 *
 * @throws Error for complex64.
 * @example
 * mx.arctan2(mx.array([1, 1]), mx.array([1, -1]))
 * // array([0.785398, 2.35619], dtype=float32)
 */
export function arctan2(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.arctan2, "arctan2", a, b, options);
}

/**
 * The hyperbolic sine of each element.
 *
 * @example
 * mx.sinh(mx.array([0, 1]))
 * // array([0, 1.1752], dtype=float32)
 */
export function sinh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.sinh, "sinh", a, options);
}

/**
 * The hyperbolic cosine of each element.
 *
 * @example
 * mx.cosh(mx.array([0, 1]))
 * // array([1, 1.54308], dtype=float32)
 */
export function cosh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.cosh, "cosh", a, options);
}

/**
 * The hyperbolic tangent of each element.
 *
 * @example
 * mx.tanh(mx.array([0, 1]))
 * // array([0, 0.761594], dtype=float32)
 */
export function tanh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.tanh, "tanh", a, options);
}

/**
 * The inverse hyperbolic sine of each element.
 *
 * @example
 * mx.arcsinh(mx.array([0, 1]))
 * // array([0, 0.881374], dtype=float32)
 */
export function arcsinh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arcsinh, "arcsinh", a, options);
}

/**
 * The inverse hyperbolic cosine of each element; NaN for elements below 1.
 *
 * @example
 * mx.arccosh(mx.array([1, 2]))
 * // array([0, 1.31696], dtype=float32)
 */
export function arccosh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arccosh, "arccosh", a, options);
}

/**
 * The inverse hyperbolic tangent of each element: infinite at -1 and 1, NaN
 * beyond.
 *
 * @example
 * mx.arctanh(mx.array([0, 0.5]))
 * // array([0, 0.549306], dtype=float32)
 */
export function arctanh(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.arctanh, "arctanh", a, options);
}

/**
 * Angles in radians as degrees.
 *
 * @example
 * mx.degrees(mx.array([0, Math.PI]))
 * // array([0, 180], dtype=float32)
 */
export function degrees(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.degrees, "degrees", a, options);
}

/**
 * Angles in degrees as radians.
 *
 * @example
 * mx.radians(mx.array([0, 180]))
 * // array([0, 3.14159], dtype=float32)
 */
export function radians(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.radians, "radians", a, options);
}

/**
 * The natural logarithm of each element: -infinity for 0, NaN for negative
 * ones.
 *
 * @example
 * mx.log(mx.array([1, Math.E]))
 * // array([0, 1], dtype=float32)
 */
export function log(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.log, "log", a, options);
}

/**
 * The logarithm of each element to base 2.
 *
 * @example
 * mx.log2(mx.array([1, 8]))
 * // array([0, 3], dtype=float32)
 */
export function log2(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.log2, "log2", a, options);
}

/**
 * The logarithm of each element to base 10.
 *
 * @example
 * mx.log10(mx.array([1, 100]))
 * // array([0, 2], dtype=float32)
 */
export function log10(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.log10, "log10", a, options);
}

/**
 * The natural logarithm of 1 plus each element, accurate also near 0.
 *
 * @example
 * mx.log1p(mx.array([0, 1e-7]))
 * // array([0, 1e-07], dtype=float32)
 */
export function log1p(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.log1p, "log1p", a, options);
}

/**
 * The logistic function of each element, `1 / (1 + exp(-a))`.
 *
 * @example
 * mx.sigmoid(mx.array([0, 2]))
 * // array([0.5, 0.880797], dtype=float32)
 */
export function sigmoid(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.sigmoid, "sigmoid", a, options);
}

/**
 * The first operand to the power of the second, with broadcasting. Integers stay
 * integers and take no negative exponent: make one of the two floating.
 *
 * @example
 * mx.power(mx.array([2, 3]), 3)
 * // array([8, 27], dtype=float32)
 */
export function power(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.power, "power", a, b, options);
}

/**
 * The smaller of two operands, with broadcasting; NaN if either is.
 *
 * @example
 * mx.minimum(mx.array([1, 5]), 3)
 * // array([1, 3], dtype=float32)
 */
export function minimum(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.minimum, "minimum", a, b, options);
}

/**
 * The larger of two operands, with broadcasting; NaN if either is.
 *
 * @example
 * mx.maximum(mx.array([1, 5]), 3)
 * // array([3, 5], dtype=float32)
 */
export function maximum(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.maximum, "maximum", a, b, options);
}

/**
 * Each element rounded down, in the array's dtype.
 *
 * @throws Error for complex64.
 * @example
 * mx.floor(mx.array([-1.5, 1.5]))
 * // array([-2, 1], dtype=float32)
 */
export function floor(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.floor, "floor", a, options);
}

/**
 * Each element rounded up, in the array's dtype.
 *
 * @throws Error for complex64.
 * @example
 * mx.ceil(mx.array([-1.2, 1.2]))
 * // array([-1, 2], dtype=float32)
 */
export function ceil(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.ceil, "ceil", a, options);
}

/** Options of `softmax`. */
export interface SoftmaxOptions extends StreamOptions {
  /** Whether to accumulate half-precision arrays in float32. By default false. */
  precise?: boolean | undefined;
}

const readSoftmax = opOptions<SoftmaxOptions>()("softmax", { precise: flag(false) });

/**
 * The softmax along an axis or several, by default all: exponentials that sum
 * to 1.
 *
 * @example
 * mx.softmax(mx.array([0, 0]))
 * // array([0.5, 0.5], dtype=float32)
 */
export function softmax(a: array, axis?: Axes, options?: SoftmaxOptions): array {
  const fn = "softmax";
  const { precise, stream } = readSoftmax(options);
  return make(native.softmax(arraySlot(a, fn, "a"), optionalAxes(axis, fn), precise, stream));
}

/**
 * The elements held between two bounds, with broadcasting; `null` for no bound
 * on that side. Whole numbers keep the array's dtype.
 *
 * @throws Error if both bounds are `null`.
 * @example
 * mx.clip(mx.array([-2, 0, 5]), -1, 3)
 * // array([-1, 0, 3], dtype=float32)
 */
export function clip(
  a: ArrayInput,
  aMin: Operand | null,
  aMax: Operand | null,
  options?: StreamOptions,
): array {
  const fn = "clip";
  return make(
    native.clip(
      arraySlot(a, fn, "a"),
      optionalOperand(aMin, fn, "aMin"),
      optionalOperand(aMax, fn, "aMax"),
      stream(options, fn),
    ),
  );
}

/**
 * The complex conjugate of each element; real ones stay as they are. The same as
 * {@link conjugate}.
 *
 * @example
 * mx.conj(mx.array([{ re: 1, im: 2 }]))
 * // array([1-2j], dtype=complex64)
 */
export function conj(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.conjugate, "conj", a, options);
}

/**
 * The complex conjugate of each element; real ones stay as they are.
 *
 * @example
 * mx.conjugate(mx.array([{ re: 1, im: 2 }]))
 * // array([1-2j], dtype=complex64)
 */
export function conjugate(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.conjugate, "conjugate", a, options);
}

/** Options of `nanToNum`. */
export interface NanToNumOptions extends StreamOptions {
  /** What stands for NaN. By default 0. */
  nan?: number | undefined;
  /** What stands for infinity. By default the dtype's largest number. */
  posinf?: number | null | undefined;
  /** What stands for -infinity. By default the dtype's smallest number. */
  neginf?: number | null | undefined;
}

const scalar = optional(
  kind<number, OperandCode>((x, fn, param) => numberCode(asNumber(x, fn, param))),
);

const readNanToNum = opOptions<NanToNumOptions>()("nanToNum", {
  nan: number(0),
  posinf: scalar,
  neginf: scalar,
});

/**
 * The elements with finite numbers in place of NaN and infinities.
 *
 * @example
 * mx.nanToNum(mx.array([Number.NaN, 2, Number.POSITIVE_INFINITY]), { nan: 1, posinf: 9 })
 * // array([1, 2, 9], dtype=float32)
 */
export function nanToNum(a: ArrayInput, options?: NanToNumOptions): array {
  const { nan, posinf, neginf, stream } = readNanToNum(options);
  return make(native.nan_to_num(arraySlot(a, "nanToNum", "a"), nan, posinf, neginf, stream));
}

/**
 * The elements rounded to a number of decimals, in the array's dtype; halves go
 * to the even neighbour. Negative decimals round to tens, hundreds and so on.
 *
 * @param decimals By default 0.
 * @example
 * mx.round(mx.array([0.5, 1.5, 2.5]))
 * // array([0, 2, 2], dtype=float32)
 */
export function round(a: ArrayInput, decimals = 0, options?: StreamOptions): array {
  const fn = "round";
  return make(
    native.round(arraySlot(a, fn, "a"), asInteger(decimals, fn, "decimals"), stream(options, fn)),
  );
}

/**
 * The bits that are set in both operands, with broadcasting.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.bitwiseAnd(mx.array([12, 10], mx.int32), 6)
 * // array([4, 2], dtype=int32)
 */
export function bitwiseAnd(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.bitwise_and, "bitwiseAnd", a, b, options);
}

/**
 * The bits that are set in either operand, with broadcasting.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.bitwiseOr(mx.array([12, 10], mx.int32), 6)
 * // array([14, 14], dtype=int32)
 */
export function bitwiseOr(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.bitwise_or, "bitwiseOr", a, b, options);
}

/**
 * The bits that are set in one operand only, with broadcasting.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.bitwiseXor(mx.array([12, 10], mx.int32), 6)
 * // array([10, 12], dtype=int32)
 */
export function bitwiseXor(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.bitwise_xor, "bitwiseXor", a, b, options);
}

/**
 * Every bit the other way round; of booleans their negation.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.bitwiseInvert(mx.array([0, 5], mx.int32))
 * // array([-1, -6], dtype=int32)
 */
export function bitwiseInvert(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.bitwise_invert, "bitwiseInvert", a, options);
}

/**
 * The bits of the first operand, moved to the left by the second, with
 * broadcasting: fewer places than the dtype has bits.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.leftShift(mx.array([1, 3], mx.int32), 4)
 * // array([16, 48], dtype=int32)
 */
export function leftShift(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.left_shift, "leftShift", a, b, options);
}

/**
 * The bits of the first operand, moved to the right by the second, with
 * broadcasting: fewer places than the dtype has bits. The sign stays.
 *
 * @throws Error for operands that are neither integers nor booleans.
 * @example
 * mx.rightShift(mx.array([16, -8], mx.int32), 2)
 * // array([4, -2], dtype=int32)
 */
export function rightShift(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.right_shift, "rightShift", a, b, options);
}

/**
 * The real part of each element.
 *
 * @example
 * mx.real(mx.array([{ re: 1, im: 2 }]))
 * // array([1], dtype=float32)
 */
export function real(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.real, "real", a, options);
}

/**
 * The imaginary part of each element; 0 for real ones.
 *
 * @example
 * mx.imag(mx.array([{ re: 1, im: 2 }]))
 * // array([2], dtype=float32)
 */
export function imag(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.imag, "imag", a, options);
}

// Python MLX has these under two names, too.
export {
  arccos as acos,
  arccosh as acosh,
  arcsin as asin,
  arcsinh as asinh,
  arctan as atan,
  arctan2 as atan2,
  arctanh as atanh,
  leftShift as bitwiseLeftShift,
  power as pow,
  rightShift as bitwiseRightShift,
};
