/** `mx.linalg`: norms, determinants, inverses and decompositions of matrices. */

import { type array, make, makeAll } from "./array/array.js";
import type { ArrayInput } from "./array/input.js";
import {
  type Axes,
  type Axis,
  arraySlot,
  asInteger,
  optionalAxes,
  slot,
  stream,
} from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import { flag, oneOf, opOptions } from "./call/kinds.js";
import { native } from "./call/native.js";
import type { StreamOptions } from "./device.js";
import { unary } from "./ops/common.js";

/** Options of `norm`. */
export interface NormOptions extends StreamOptions {
  /** Whether the axes stay, with size 1. By default false. */
  keepdims?: boolean | undefined;
}

const readNorm = opOptions<NormOptions>()("linalg.norm", { keepdims: flag(false) });

/** Options of `svd`. */
export interface SvdOptions extends StreamOptions {
  /** Whether to compute the vectors, too. By default true. */
  computeUv?: boolean | undefined;
}

const readSvd = opOptions<SvdOptions>()("linalg.svd", { computeUv: flag(true) });

/** Options of functions of triangular matrices. */
export interface TriangleOptions extends StreamOptions {
  /** Whether the matrices are upper triangular. By default false, lower. */
  upper?: boolean | undefined;
}

const readTriangle = opOptions<TriangleOptions>()("linalg.triInv", { upper: flag(false) });

/** Options of `eigh` and `eigvalsh`. */
export interface TriangleReadOptions extends StreamOptions {
  /** Which triangle of the matrices to read, the lower or the upper one. By default `"L"`. */
  UPLO?: "L" | "U" | undefined;
}

const readUplo = opOptions<TriangleReadOptions>()("linalg.eigh", { UPLO: oneOf(["L", "U"], "L") });

/** The order of a norm; `"fro"` and `"nuc"` are for matrices only. */
export type NormOrder = number | "fro" | "f" | "nuc" | null | undefined;

/**
 * The norm of vectors, along one axis, or of matrices, along two. Without axes
 * the array is the vector or the matrix, and without an order, too, it is
 * flattened. The order of a
 *
 * - vector is any number `p`, for `sum(abs(x) ** p) ** (1 / p)`; an infinity, for
 *   the largest or smallest magnitude; 0, for how many are not zero. By default 2.
 * - matrix is `"fro"`, as by default, for the root of the sum of squares; `"nuc"`,
 *   for the sum of the singular values; 2 or -2, for the largest or smallest of
 *   them; 1 or -1, for the largest or smallest sum of magnitudes in a column;
 *   an infinity, the same in a row.
 *
 * Those of singular values run on the CPU only, in float32, float64 and
 * complex64.
 *
 * @throws Error if there is no such norm for as many axes.
 * @example
 * const a = mx.array([[3, -4], [0, 12]]);
 * [mx.linalg.norm(a), mx.linalg.norm(a, 1), mx.linalg.norm(a, 1, 1)].map(String)
 * // [
 * //   'array(13, dtype=float32)',
 * //   'array(16, dtype=float32)',
 * //   'array([7, 12], dtype=float32)'
 * // ]
 */
export function norm(a: ArrayInput, ord?: NormOrder, axis?: Axes, options?: NormOptions): array {
  const fn = "linalg.norm";
  const { keepdims, stream } = readNorm(options);
  const x = arraySlot(a, fn, "a");
  const axes = optionalAxes(axis, fn);
  if (ord === undefined || ord === null) {
    return make(native.linalg_norm(x, axes, keepdims, stream));
  }
  if (typeof ord === "number") {
    return make(native.linalg_norm_ord(x, ord, axes, keepdims, stream));
  }
  if (typeof ord === "string") {
    return make(native.linalg_norm_named(x, ord, axes, keepdims, stream));
  }
  throw mismatch(fn, "ord", 'a number, "fro" or "nuc"', ord);
}

/**
 * The cross product of vectors of 2 or 3 elements along an axis, by default the
 * last; one of 2 lies in the plane. The result's have 3.
 *
 * @throws Error if the axis has another size.
 * @example
 * mx.linalg.cross(mx.array([1, 2, 3]), mx.array([4, 5, 6]))
 * // array([-3, 6, -3], dtype=float32)
 */
export function cross(a: array, b: array, axis: Axis = -1, options?: StreamOptions): array {
  const fn = "linalg.cross";
  return make(
    native.linalg_cross(
      slot(a, fn, "a"),
      slot(b, fn, "b"),
      asInteger(axis ?? -1, fn, "axis"),
      stream(options, fn),
    ),
  );
}

/**
 * The QR decomposition: matrices with orthonormal columns, and upper triangular
 * ones, whose products are the matrices. It runs on the CPU only: where the GPU
 * is the default device, pass `{ stream: mx.cpu }`.
 *
 * @param a Matrices, `[..., m, n]`, in float32 or float64.
 * @throws Error for other dtypes and for less than 2 dimensions.
 * @example
 * const a = mx.array([[3, 1], [4, 2]]);
 * const [q, r] = mx.linalg.qr(a, { stream: mx.cpu });
 * mx.allclose(mx.matmul(q, r), a, { atol: 1e-5 })
 * // array(true, dtype=bool)
 */
export function qr(a: ArrayInput, options?: StreamOptions): [array, array] {
  return makeAll(native.linalg_qr(arraySlot(a, "linalg.qr", "a"), stream(options, "linalg.qr")));
}

/**
 * The singular value decomposition, `a = u @ diag(s) @ vt`: `[u, s, vt]` with
 * orthonormal `u`, `[..., m, m]`, the singular values from the largest on, and
 * orthonormal `vt`, `[..., n, n]`. It runs on the CPU only.
 *
 * @param a Matrices, `[..., m, n]`, in float32, float64 or complex64.
 * @returns With `computeUv: false` the singular values alone.
 * @throws Error for other dtypes and for less than 2 dimensions; when it is
 * computed, for values that are not finite.
 * @example
 * const a = mx.array([[3, 0, 0], [0, 0, -4]]);
 * const [u, s, vt] = mx.linalg.svd(a, { stream: mx.cpu });
 * [u.shape, s, vt.shape]
 * // [ [ 2, 2 ], array([4, 3], dtype=float32), [ 3, 3 ] ]
 */
export function svd(a: array, options: SvdOptions & { computeUv: false }): array;
export function svd(
  a: array,
  options?: SvdOptions & { computeUv?: true | undefined },
): [array, array, array];
export function svd(a: ArrayInput, options?: SvdOptions): array | [array, array, array];
export function svd(a: ArrayInput, options?: SvdOptions): array | [array, array, array] {
  const { computeUv, stream } = readSvd(options);
  const parts = makeAll(native.linalg_svd(arraySlot(a, "linalg.svd", "a"), computeUv, stream));
  return computeUv ? (parts as [array, array, array]) : (parts[0] as array);
}

/**
 * The eigenvalues of square matrices and, as columns, their eigenvectors; both
 * complex64. Of a matrix that is not finite they are NaN. It runs on the CPU only.
 * In Python's MLX the eigenvectors of complex matrices are conjugated.
 *
 * @param a Matrices, `[..., n, n]`, in float32, float64 or complex64.
 * @throws Error for other dtypes and shapes.
 * @example
 * const [values, vectors] = mx.linalg.eig(mx.array([[0, -1], [1, 0]]), { stream: mx.cpu });
 * [mx.imag(values), vectors.shape]
 * // [ array([1, -1], dtype=float32), [ 2, 2 ] ]
 */
export function eig(a: ArrayInput, options?: StreamOptions): [array, array] {
  return makeAll(native.linalg_eig(arraySlot(a, "linalg.eig", "a"), stream(options, "linalg.eig")));
}

/**
 * The eigenvalues of square matrices, `[..., n]` in complex64; see `eig`.
 *
 * @throws Error for other dtypes and shapes than those of `eig`.
 * @example
 * mx.linalg.eigvals(mx.array([[2, 0], [0, 3]]), { stream: mx.cpu })
 * // array([2+0j, 3+0j], dtype=complex64)
 */
export function eigvals(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.linalg_eigvals, "linalg.eigvals", a, options);
}

/**
 * The eigenvalues of symmetric or Hermitian matrices, in rising order, and, as
 * columns, their orthonormal eigenvectors. It runs on the CPU only.
 *
 * @param a Matrices, `[..., n, n]`, in float32, float64 or complex64. Only one
 * triangle is read.
 * @throws Error for other dtypes and shapes.
 * @example
 * const a = mx.array([[2, 1], [1, 2]]);
 * const [values, v] = mx.linalg.eigh(a, { stream: mx.cpu });
 * const again = mx.matmul(mx.multiply(v, values), mx.transpose(v));
 * mx.allclose(again, a, { atol: 1e-5 })
 * // array(true, dtype=bool)
 */
export function eigh(a: ArrayInput, options?: TriangleReadOptions): [array, array] {
  const { UPLO, stream } = readUplo(options);
  return makeAll(native.linalg_eigh(arraySlot(a, "linalg.eigh", "a"), UPLO, stream));
}

/**
 * The eigenvalues of symmetric or Hermitian matrices, `[..., n]` in rising
 * order; see `eigh`.
 *
 * @throws Error for other dtypes and shapes than those of `eigh`.
 * @example
 * mx.linalg.eigvalsh(mx.array([[2, 9], [0, 1]]), { stream: mx.cpu })
 * // array([1, 2], dtype=float32)
 */
export function eigvalsh(a: ArrayInput, options?: TriangleReadOptions): array {
  const fn = "linalg.eigvalsh";
  const { UPLO, stream } = readUplo(options, fn);
  return make(native.linalg_eigvalsh(arraySlot(a, fn, "a"), UPLO, stream));
}

/**
 * The inverses of square matrices. It runs on the CPU only.
 *
 * @param a Matrices, `[..., n, n]`, in float32 or float64.
 * @throws Error for other dtypes and shapes; when it is computed, for a matrix
 * without an inverse.
 * @example
 * mx.linalg.inv(mx.array([[2, 1], [1, 1]]), { stream: mx.cpu })
 * // array([[1, -1],
 * //        [-1, 2]], dtype=float32)
 */
export function inv(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.linalg_inv, "linalg.inv", a, options);
}

/**
 * The inverses of triangular matrices. It runs on the CPU only.
 *
 * @param a Matrices, `[..., n, n]`, in float32 or float64.
 * @throws Error for other dtypes and shapes; when it is computed, for a zero on
 * the diagonal.
 * @example
 * mx.linalg.triInv(mx.array([[2, 0], [1, 1]]), { stream: mx.cpu })
 * // array([[0.5, 0],
 * //        [-0.5, 1]], dtype=float32)
 */
export function triInv(a: ArrayInput, options?: TriangleOptions): array {
  const { upper, stream } = readTriangle(options);
  return make(native.linalg_tri_inv(arraySlot(a, "linalg.triInv", "a"), upper, stream));
}

/**
 * The Cholesky decomposition of symmetric, positive definite matrices: the lower
 * triangular `l` of `a = l @ l.T`, or the upper triangular `u` of `a = u.T @ u`.
 * It reads one triangle, and runs on the CPU only.
 *
 * @param a Matrices, `[..., n, n]`, in float32 or float64.
 * @throws Error for other dtypes and shapes; when it is computed, for a matrix
 * that is not positive definite.
 * @example
 * mx.linalg.cholesky(mx.array([[4, 2], [2, 10]]), { stream: mx.cpu })
 * // array([[2, 0],
 * //        [1, 3]], dtype=float32)
 */
export function cholesky(a: ArrayInput, options?: TriangleOptions): array {
  const fn = "linalg.cholesky";
  const { upper, stream } = readTriangle(options, fn);
  return make(native.linalg_cholesky(arraySlot(a, fn, "a"), upper, stream));
}

/**
 * The inverses of matrices whose Cholesky decomposition is given. It runs on the
 * CPU only.
 *
 * @param a What `cholesky` gives with the same options.
 * @throws Error for other dtypes and shapes; when it is computed, for a zero on
 * the diagonal.
 * @example
 * const l = mx.linalg.cholesky(mx.array([[4, 0], [0, 1]]), { stream: mx.cpu });
 * mx.linalg.choleskyInv(l, { stream: mx.cpu })
 * // array([[0.25, 0],
 * //        [0, 1]], dtype=float32)
 */
export function choleskyInv(a: ArrayInput, options?: TriangleOptions): array {
  const fn = "linalg.choleskyInv";
  const { upper, stream } = readTriangle(options, fn);
  return make(native.linalg_cholesky_inv(arraySlot(a, fn, "a"), upper, stream));
}

/**
 * The pseudo-inverses (Moore and Penrose's) of matrices, `[..., n, m]`. It runs
 * on the CPU only.
 *
 * @param a Matrices, `[..., m, n]`, in float32 or float64.
 * @throws Error for other dtypes and for less than 2 dimensions; when it is
 * computed, for values that are not finite.
 * @example
 * mx.linalg.pinv(mx.array([[2, 0, 0], [0, 4, 0]]), { stream: mx.cpu })
 * // array([[0.5, 0],
 * //        [0, 0.25],
 * //        [0, 0]], dtype=float32)
 */
export function pinv(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.linalg_pinv, "linalg.pinv", a, options);
}

/**
 * The LU decomposition: `[p, l, u]` with the rows' permutation, `[..., m]`, and
 * triangular matrices, whose product is the matrix with its rows in the order
 * that `p` inverts. It runs on the CPU only.
 *
 * @param a Matrices, `[..., m, n]`, in float32 or float64.
 * @throws Error for other dtypes and for less than 2 dimensions.
 * @example
 * const [p, l, u] = mx.linalg.lu(mx.array([[1, 2], [4, 4]]), { stream: mx.cpu });
 * mx.take(mx.matmul(l, u), p, 0)
 * // array([[1, 2],
 * //        [4, 4]], dtype=float32)
 */
export function lu(a: ArrayInput, options?: StreamOptions): [array, array, array] {
  return makeAll(native.linalg_lu(arraySlot(a, "linalg.lu", "a"), stream(options, "linalg.lu")));
}

/**
 * The LU decomposition as LAPACK has it: both triangles in one matrix, and with
 * which row each one was swapped, in turn. It runs on the CPU only.
 *
 * @param a Matrices, `[..., m, n]`, in float32 or float64.
 * @throws Error for other dtypes and for less than 2 dimensions.
 * @example
 * const [lu, pivots] = mx.linalg.luFactor(mx.array([[1, 2], [4, 4]]), { stream: mx.cpu });
 * [lu, pivots]
 * // [
 * //   array([[4, 4],
 * //          [0.25, 1]], dtype=float32),
 * //   array([1, 1], dtype=uint32)
 * // ]
 */
export function luFactor(a: ArrayInput, options?: StreamOptions): [array, array] {
  const fn = "linalg.luFactor";
  return makeAll(native.linalg_lu_factor(arraySlot(a, fn, "a"), stream(options, fn)));
}

/**
 * The `x` of `a @ x = b`. It runs on the CPU only.
 *
 * @param a Square matrices, `[..., n, n]`.
 * @param b Vectors, `[n]`, or matrices, `[..., n, k]`.
 * @throws Error for dtypes other than float32 and float64 and if the shapes do
 * not fit; when it is computed, for a matrix without an inverse.
 * @example
 * mx.linalg.solve(mx.array([[2, 0], [0, 4]]), mx.array([2, 2]), { stream: mx.cpu })
 * // array([1, 0.5], dtype=float32)
 */
export function solve(a: array, b: array, options?: StreamOptions): array {
  const fn = "linalg.solve";
  return make(native.linalg_solve(slot(a, fn, "a"), slot(b, fn, "b"), stream(options, fn)));
}

/**
 * The `x` of `a @ x = b` with triangular matrices. It runs on the CPU only.
 *
 * @param a Square matrices, `[..., n, n]`.
 * @param b Vectors, `[n]`, or matrices, `[..., n, k]`.
 * @throws Error for dtypes other than float32 and float64 and if the shapes do
 * not fit; when it is computed, for a zero on the diagonal.
 * @example
 * mx.linalg.solveTriangular(mx.array([[2, 0], [1, 1]]), mx.array([2, 2]), { stream: mx.cpu })
 * // array([1, 1], dtype=float32)
 */
export function solveTriangular(a: array, b: array, options?: TriangleOptions): array {
  const fn = "linalg.solveTriangular";
  const { upper, stream } = readTriangle(options, fn);
  return make(native.linalg_solve_triangular(slot(a, fn, "a"), slot(b, fn, "b"), upper, stream));
}

/**
 * The determinants of square matrices, `[..., n, n]` to `[...]`. It runs on the
 * CPU only.
 *
 * @throws Error for complex64 and other shapes.
 * @example
 * mx.linalg.det(mx.array([[1, 2], [3, 4]]), { stream: mx.cpu })
 * // array(-2, dtype=float32)
 */
export function det(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.linalg_det, "linalg.det", a, options);
}

/**
 * The signs of the determinants of square matrices, and the logarithms of their
 * magnitudes, which do not overflow. It runs on the CPU only.
 *
 * @throws Error for complex64 and other shapes.
 * @example
 * mx.linalg.slogdet(mx.array([[0, 1], [1, 0]]), { stream: mx.cpu })
 * // [ array(-1, dtype=float32), array(0, dtype=float32) ]
 */
export function slogdet(a: ArrayInput, options?: StreamOptions): [array, array] {
  const fn = "linalg.slogdet";
  return makeAll(native.linalg_slogdet(arraySlot(a, fn, "a"), stream(options, fn)));
}
