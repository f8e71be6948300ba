/** Comparison and logic. All but `where` give booleans. */

import { type array, make } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import { type Operand, operand, slot, stream } from "../call/arguments.js";
import { flag, number, opOptions } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import { binary, unary } from "./common.js";

/**
 * Whether two operands are equal, element by element, with broadcasting.
 *
 * @example
 * mx.equal(mx.array([1, 2]), 2)
 * // array([false, true], dtype=bool)
 */
export function equal(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.equal, "equal", a, b, options);
}

/**
 * Whether two operands differ, element by element, with broadcasting.
 *
 * @example
 * mx.notEqual(mx.array([1, 2]), 2)
 * // array([true, false], dtype=bool)
 */
export function notEqual(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.not_equal, "notEqual", a, b, options);
}

/**
 * Whether the first operand is less than the second, element by element, with
 * broadcasting.
 *
 * @example
 * mx.less(mx.array([1, 2, 3]), 2)
 * // array([true, false, false], dtype=bool)
 */
export function less(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.less, "less", a, b, options);
}

/**
 * Whether the first operand is less than the second or equal to it, element by
 * element, with broadcasting.
 *
 * @example
 * mx.lessEqual(mx.array([1, 2, 3]), 2)
 * // array([true, true, false], dtype=bool)
 */
export function lessEqual(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.less_equal, "lessEqual", a, b, options);
}

/**
 * Whether the first operand is greater than the second, element by element, with
 * broadcasting.
 *
 * @example
 * mx.greater(mx.array([1, 2, 3]), 2)
 * // array([false, false, true], dtype=bool)
 */
export function greater(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.greater, "greater", a, b, options);
}

/**
 * Whether the first operand is greater than the second or equal to it, element
 * by element, with broadcasting.
 *
 * @example
 * mx.greaterEqual(mx.array([1, 2, 3]), 2)
 * // array([false, true, true], dtype=bool)
 */
export function greaterEqual(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.greater_equal, "greaterEqual", a, b, options);
}

/** Options of `arrayEqual`. */
export interface ArrayEqualOptions extends StreamOptions {
  /** Whether NaN is equal to NaN. By default false. */
  equalNan?: boolean | undefined;
}

const readArrayEqual = opOptions<ArrayEqualOptions>()("arrayEqual", { equalNan: flag(false) });

/**
 * Whether two operands have the same shape and equal elements: a single
 * boolean, as an array. Their dtypes need not be the same.
 *
 * @example
 * mx.arrayEqual(mx.array([1, 2]), mx.array([1, 2], mx.int32))
 * // array(true, dtype=bool)
 */
export function arrayEqual(a: Operand, b: Operand, options?: ArrayEqualOptions): array {
  const { equalNan, stream } = readArrayEqual(options);
  return make(
    native.array_equal(
      operand(a, "arrayEqual", "a"),
      operand(b, "arrayEqual", "b"),
      equalNan,
      stream,
    ),
  );
}

/**
 * Whether each element is zero.
 *
 * @example
 * mx.logicalNot(mx.array([0, 2]))
 * // array([true, false], dtype=bool)
 */
export function logicalNot(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.logical_not, "logicalNot", a, options);
}

/**
 * Whether neither operand is zero, element by element, with broadcasting.
 *
 * @example
 * mx.logicalAnd(mx.array([0, 1, 2]), mx.array([true, true, false]))
 * // array([false, true, false], dtype=bool)
 */
export function logicalAnd(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.logical_and, "logicalAnd", a, b, options);
}

/**
 * Whether either operand is not zero, element by element, with broadcasting.
 *
 * @example
 * mx.logicalOr(mx.array([0, 1, 0]), mx.array([true, true, false]))
 * // array([true, true, false], dtype=bool)
 */
export function logicalOr(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.logical_or, "logicalOr", a, b, options);
}

/**
 * Whether exactly one operand is not zero, element by element, with
 * broadcasting.
 *
 * @example
 * mx.logicalXor(mx.array([0, 1, 0]), mx.array([true, true, false]))
 * // array([true, false, false], dtype=bool)
 */
export function logicalXor(a: Operand, b: Operand, options?: StreamOptions): array {
  return binary(native.logical_xor, "logicalXor", a, b, options);
}

/** How far numbers may lie apart and still count as close. */
export interface Tolerance {
  /** Relative to the second array. By default 1e-5. */
  rtol?: number | undefined;
  /** Absolute. By default 1e-8. */
  atol?: number | undefined;
  /** Whether NaN is close to NaN. By default false. */
  equalNan?: boolean | undefined;
}

/** Options of `isclose` and `allclose`. */
export interface CloseOptions extends StreamOptions, Tolerance {}

const readClose = opOptions<CloseOptions>()("isclose", {
  rtol: number(1e-5),
  atol: number(1e-8),
  equalNan: flag(false),
});

function close(
  op: typeof native.isclose,
  fn: string,
  a: array,
  b: array,
  options: CloseOptions | undefined,
): array {
  const { rtol, atol, equalNan, stream } = readClose(options, fn);
  return make(op(slot(a, fn, "a"), slot(b, fn, "b"), rtol, atol, equalNan, stream));
}

/**
 * Whether all elements of two arrays are close, as {@link isclose} has it: a
 * single boolean, as an array.
 *
 * @example
 * mx.allclose(mx.array([1, 100]), mx.array([1, 100.0001]))
 * // array(true, dtype=bool)
 */
export function allclose(a: array, b: array, options?: CloseOptions): array {
  return close(native.allclose, "allclose", a, b, options);
}

/**
 * Whether two arrays are close, element by element, with broadcasting:
 * `abs(a - b) <= atol + rtol * abs(b)`. Infinities of the same sign are close.
 *
 * @example
 * mx.isclose(mx.array([1, 100]), mx.array([1.1, 101]), { rtol: 0.05 })
 * // array([false, true], dtype=bool)
 */
export function isclose(a: array, b: array, options?: CloseOptions): array {
  return close(native.isclose, "isclose", a, b, options);
}

/**
 * Whether each element is NaN.
 *
 * @example
 * mx.isnan(mx.array([1, Number.NaN]))
 * // array([false, true], dtype=bool)
 */
export function isnan(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.isnan, "isnan", a, options);
}

/**
 * Whether each element is infinite, of either sign.
 *
 * @example
 * mx.isinf(mx.array([1, Number.NEGATIVE_INFINITY]))
 * // array([false, true], dtype=bool)
 */
export function isinf(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.isinf, "isinf", a, options);
}

/**
 * Whether each element is neither infinite nor NaN.
 *
 * @example
 * mx.isfinite(mx.array([1, Number.NaN, Number.POSITIVE_INFINITY]))
 * // array([true, false, false], dtype=bool)
 */
export function isfinite(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.isfinite, "isfinite", a, options);
}

/**
 * Whether each element is infinity.
 *
 * @example
 * mx.isposinf(mx.array([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]))
 * // array([true, false], dtype=bool)
 */
export function isposinf(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.isposinf, "isposinf", a, options);
}

/**
 * Whether each element is -infinity.
 *
 * @example
 * mx.isneginf(mx.array([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]))
 * // array([false, true], dtype=bool)
 */
export function isneginf(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.isneginf, "isneginf", a, options);
}

/**
 * Elements of `x` where the condition holds, that is where it is not zero, and
 * elements of `y` elsewhere, with broadcasting.
 *
 * @example
 * const a = mx.array([-1, 2, -3]);
 * mx.where(mx.less(a, 0), 0, a)
 * // array([0, 2, 0], dtype=float32)
 */
export function where(condition: Operand, x: Operand, y: Operand, options?: StreamOptions): array {
  const fn = "where";
  return make(
    native.where(
      operand(condition, fn, "condition"),
      operand(x, fn, "x"),
      operand(y, fn, "y"),
      stream(options, fn),
    ),
  );
}
