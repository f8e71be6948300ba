/** Products of vectors, matrices and stacks of them, and what Einstein's notation can say. */

import { type array, make } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  arraySlot,
  asInteger,
  asString,
  elements,
  integers,
  slot,
  slots,
  stream,
} from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { dtypeOption, integer, number, opOptions, optional, slotOption } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import type { Dtype } from "../dtype.js";
import { gather, ofDiagonal } from "./common.js";
import type { DiagonalOfOptions } from "./indexing.js";

/** Options of `vecdot`. */
export interface VecdotOptions extends StreamOptions {
  /** The axis to sum over. By default the last. */
  axis?: number | undefined;
}

const readVecdot = opOptions<VecdotOptions>()("vecdot", { axis: integer(-1) });

/** Options of `addmm`. */
export interface AddmmOptions extends StreamOptions {
  /** What the product is multiplied by. By default 1. */
  alpha?: number | undefined;
  /** What `c` is multiplied by. By default 1. */
  beta?: number | undefined;
}

const readAddmm = opOptions<AddmmOptions>()("addmm", { alpha: number(1), beta: number(1) });

/** Options of `blockMaskedMm`. A mask holds one value for each block. */
export interface BlockMaskedMmOptions extends StreamOptions {
  /** The size of a block: 32 or 64. By default 64. */
  blockSize?: number | undefined;
  /** What the product's blocks are masked with, `[..., rows / blockSize, columns / blockSize]`. */
  maskOut?: array | null | undefined;
  /** What the blocks of `a` are masked with. */
  maskLhs?: array | null | undefined;
  /** What the blocks of `b` are masked with. */
  maskRhs?: array | null | undefined;
}

const readBlockMaskedMm = opOptions<BlockMaskedMmOptions>()("blockMaskedMm", {
  blockSize: integer(64),
  maskOut: slotOption,
  maskLhs: slotOption,
  maskRhs: slotOption,
});

/** Options of `gatherMm`. */
export interface GatherMmOptions extends StreamOptions {
  /** Which matrices of the first stack to take. By default all of them. */
  lhsIndices?: array | null | undefined;
  /** Which matrices of the second stack to take. By default all of them. */
  rhsIndices?: array | null | undefined;
  /** Whether the indices are sorted, which may be faster. By default false. */
  sortedIndices?: boolean | undefined;
}

const readGatherMm = opOptions<GatherMmOptions>()("gatherMm", { ...gather });

/** Options of `hadamardTransform`. */
export interface HadamardTransformOptions extends StreamOptions {
  /** What the result is multiplied by. By default 1 / √n, which makes the transform its own inverse. */
  scale?: number | null | undefined;
}

const readHadamard = opOptions<HadamardTransformOptions>()("hadamardTransform", {
  scale: optional(number()),
});

/** Options of `trace`. */
export interface TraceOptions extends DiagonalOfOptions {
  /** The dtype of the result. By default the array's. */
  dtype?: Dtype | null | undefined;
}

const readTrace = opOptions<TraceOptions>()("trace", {
  ...ofDiagonal,
  dtype: dtypeOption(),
});

/**
 * The matrix product: `[..., n, k]` by `[..., k, m]` gives `[..., n, m]`. The
 * dimensions before broadcast; a vector is a row on the left and a column on
 * the right. Of half precision the sums are float32, and are rounded once.
 *
 * @throws Error for integers, for arrays without dimensions, and if the sizes
 * do not fit.
 * @example
 * mx.matmul(mx.array([[1, 2], [3, 4]]), mx.array([[5], [6]]))
 * // array([[17],
 * //        [39]], dtype=float32)
 */
export function matmul(a: array, b: array, options?: StreamOptions): array {
  const fn = "matmul";
  return make(native.matmul(slot(a, fn, "a"), slot(b, fn, "b"), stream(options, fn)));
}

/**
 * The Kronecker product: every element of the first array, multiplied by the
 * whole second one.
 *
 * @example
 * mx.kron(mx.array([[1, 2]]), mx.array([[1, 1], [0, 1]]))
 * // array([[1, 1, 2, 2],
 * //        [0, 1, 0, 2]], dtype=float32)
 */
export function kron(a: array, b: array, options?: StreamOptions): array {
  const fn = "kron";
  return make(native.kron(slot(a, fn, "a"), slot(b, fn, "b"), stream(options, fn)));
}

/**
 * The product summed over axes of both arrays: over as many of the last axes of
 * `a` and the first of `b` as `axes` says, by default 2, or over the axes of
 * `[those of a, those of b]`, pair by pair.
 *
 * @throws Error if the sizes of a pair differ.
 * @example
 * mx.tensordot(mx.array([[1, 2], [3, 4]]), mx.array([[1, 0], [1, 1]]), [[0], [1]])
 * // array([[1, 4],
 * //        [2, 6]], dtype=float32)
 */
export function tensordot(
  a: array,
  b: array,
  axes: number | readonly [readonly number[], readonly number[]] = 2,
  options?: StreamOptions,
): array {
  const fn = "tensordot";
  const x = slot(a, fn, "a");
  const y = slot(b, fn, "b");
  const s = stream(options, fn);
  if (typeof axes === "number") {
    return make(native.tensordot(x, y, asInteger(axes, fn, "axes"), s));
  }
  const expected = "an integer or a list of two lists";
  const lists = elements(axes, expected, fn, "axes");
  if (lists.length !== 2) {
    throw mismatch(fn, "axes", expected, axes);
  }
  const [ofA, ofB] = lists as [readonly number[], readonly number[]];
  return make(
    native.tensordot_over(x, y, integers(ofA, fn, "axes[0]"), integers(ofB, fn, "axes[1]"), s),
  );
}

/**
 * The product summed over the last axis of both arrays; of vectors their inner
 * product.
 *
 * @throws Error if the sizes of the last axes differ.
 * @example
 * mx.inner(mx.array([1, 2, 3]), mx.array([4, 5, 6]))
 * // array(32, dtype=float32)
 */
export function inner(a: array, b: array, options?: StreamOptions): array {
  const fn = "inner";
  return make(native.inner(slot(a, fn, "a"), slot(b, fn, "b"), stream(options, fn)));
}

/**
 * The inner products of vectors along an axis, by default the last, with
 * broadcasting. The first array is conjugated.
 *
 * @example
 * mx.vecdot(mx.array([[1, 2], [3, 4]]), mx.array([[1, 1], [0, 2]]))
 * // array([3, 8], dtype=float32)
 */
export function vecdot(a: array, b: array, options?: VecdotOptions): array {
  const { axis, stream } = readVecdot(options);
  return make(native.vecdot(slot(a, "vecdot", "a"), slot(b, "vecdot", "b"), axis, stream));
}

/**
 * The product of every element of the first array with every one of the second:
 * a matrix. Arrays of other dimensions are flattened.
 *
 * @example
 * mx.outer(mx.array([1, 2]), mx.array([3, 4, 5]))
 * // array([[3, 4, 5],
 * //        [6, 8, 10]], dtype=float32)
 */
export function outer(a: array, b: array, options?: StreamOptions): array {
  const fn = "outer";
  return make(native.outer(slot(a, fn, "a"), slot(b, fn, "b"), stream(options, fn)));
}

/**
 * A matrix product and a sum in one: `alpha * matmul(a, b) + beta * c`, with
 * broadcasting of `c`.
 *
 * @example
 * mx.addmm(mx.array([10]), mx.array([[1, 2]]), mx.array([[3], [4]]), { alpha: 2 })
 * // array([[32]], dtype=float32)
 */
export function addmm(c: array, a: array, b: array, options?: AddmmOptions): array {
  const fn = "addmm";
  const { alpha, beta, stream } = readAddmm(options);
  return make(
    native.addmm(slot(c, fn, "c"), slot(a, fn, "a"), slot(b, fn, "b"), alpha, beta, stream),
  );
}

/**
 * The matrix product with masks over blocks of `a`, `b` and the result. Blocks
 * that a boolean mask leaves out are zeros and not computed; numbers scale
 * theirs.
 *
 * @example
 * const a = mx.ones([64, 32]);
 * const b = mx.ones([32, 32]);
 * const y = mx.blockMaskedMm(a, b, { blockSize: 32, maskOut: mx.array([[true], [false]]) });
 * [y.get(0, 0).item(), y.get(63, 0).item()]
 * // [ 32, 0 ]
 */
export function blockMaskedMm(a: array, b: array, options?: BlockMaskedMmOptions): array {
  const { blockSize, maskOut, maskLhs, maskRhs, stream } = readBlockMaskedMm(options);
  return make(
    native.block_masked_mm(
      slot(a, "blockMaskedMm", "a"),
      slot(b, "blockMaskedMm", "b"),
      blockSize,
      maskOut,
      maskLhs,
      maskRhs,
      stream,
    ),
  );
}

/**
 * Products of matrices that are picked from stacks: the same as `matmul` of the
 * picked ones, without copying them. The indices broadcast; they count the
 * matrices of a flattened stack.
 *
 * @example
 * const a = mx.array([[[1]], [[2]], [[3]]]);
 * const b = mx.array([[[10]], [[20]]]);
 * const rhsIndices = mx.array([0, 1, 1], mx.uint32);
 * mx.flatten(mx.gatherMm(a, b, { rhsIndices }))
 * // array([10, 40, 60], dtype=float32)
 */
export function gatherMm(a: array, b: array, options?: GatherMmOptions): array {
  const { lhsIndices, rhsIndices, sortedIndices, stream } = readGatherMm(options);
  return make(
    native.gather_mm(
      slot(a, "gatherMm", "a"),
      slot(b, "gatherMm", "b"),
      lhsIndices,
      rhsIndices,
      sortedIndices,
      stream,
    ),
  );
}

/**
 * Matrix products over segments of the inner dimension: of `[n, k]` by `[k, m]`
 * and segments `[..., 2]` of starts and ends, `[..., n, m]`.
 *
 * @example
 * const a = mx.array([[1, 2, 3, 4]]);
 * const segments = mx.array([[0, 1], [1, 4]], mx.uint32);
 * mx.segmentedMm(a, mx.ones([4, 1]), segments)
 * // array([[[1]],
 * //        [[9]]], dtype=float32)
 */
export function segmentedMm(a: array, b: array, segments: array, options?: StreamOptions): array {
  const fn = "segmentedMm";
  return make(
    native.segmented_mm(
      slot(a, fn, "a"),
      slot(b, fn, "b"),
      slot(segments, fn, "segments"),
      stream(options, fn),
    ),
  );
}

/**
 * The sum of a diagonal; of more than two dimensions, that of every matrix.
 *
 * @example
 * mx.trace(mx.array([[1, 2], [3, 4]]))
 * // array(5, dtype=float32)
 */
export function trace(a: ArrayInput, options?: TraceOptions): array {
  const { offset, axis1, axis2, dtype, stream } = readTrace(options);
  return make(native.trace(arraySlot(a, "trace", "a"), offset, axis1, axis2, dtype, stream));
}

/**
 * The Walsh-Hadamard transform along the last axis: its product with Hadamard's
 * matrix of n rows. n is a power of two, or 12, 20 or 28 times one.
 *
 * @throws RangeError for other sizes; Error for an array without elements.
 * @example
 * mx.hadamardTransform(mx.array([1, 2, 3, 4]), { scale: 1 })
 * // array([10, -2, -4, 0], dtype=float32)
 */
export function hadamardTransform(a: ArrayInput, options?: HadamardTransformOptions): array {
  const { scale, stream } = readHadamard(options);
  return make(native.hadamard_transform(arraySlot(a, "hadamardTransform", "a"), scale, stream));
}

/**
 * A sum of products in Einstein's notation: the axes of each operand are named
 * by letters, those of the result after an arrow, and the others are summed.
 *
 * @example
 * mx.einsum("ij,kj->ki", [mx.array([[1, 2], [3, 4]]), mx.array([[1, 10]])])
 * // array([[21, 43]], dtype=float32)
 */
export function einsum(
  subscripts: string,
  operands: readonly array[],
  options?: StreamOptions,
): array {
  const fn = "einsum";
  return make(
    native.einsum(
      asString(subscripts, fn, "subscripts"),
      slots(operands, fn, "operands"),
      stream(options, fn),
    ),
  );
}

/**
 * The order in which `einsum` contracts its operands, as pairs of positions, and
 * a text for people that says what it costs.
 *
 * @example
 * const operands = [mx.zeros([2, 2]), mx.zeros([2, 4]), mx.zeros([4, 2])];
 * mx.einsumPath("ij,jk,kl->il", operands)[0]
 * // [ [ 1, 2 ], [ 0, 1 ] ]
 */
export function einsumPath(
  subscripts: string,
  operands: readonly array[],
): [path: number[][], description: string] {
  return native.einsum_path(
    asString(subscripts, "einsumPath", "subscripts"),
    slots(operands, "einsumPath", "operands"),
  ) as [number[][], string];
}
