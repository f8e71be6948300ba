/** Arrays of few bits: quantizing, what undoes it, and products with quantized matrices. */

import { type array, make, makeAll } from "../array/array.js";
import { dtypeId, slot, stream } from "../call/arguments.js";
import { count, dtypeOption, flag, oneOf, opOptions, optional, slotOption } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { Slot } from "../call/wire.js";
import type { StreamOptions } from "../device.js";
import { bfloat16, type Dtype } from "../dtype.js";
import { gather } from "./common.js";
import type { GatherMmOptions } from "./product.js";

/**
 * How numbers become few bits. `"affine"` makes integers, with a scale and a
 * bias for each group; the others make floating-point numbers of 4 or 8 bits,
 * with a scale of 8 bits: E8M0 for `"mxfp4"` and `"mxfp8"`, as in the Open
 * Compute Project's microscaling formats, and E4M3 for `"nvfp4"`.
 */
export type QuantizationMode = "affine" | "mxfp4" | "mxfp8" | "nvfp4";

/** Options of all functions here. They must be those that the matrix was quantized with. */
export interface QuantizationOptions extends StreamOptions {
  /**
   * How many elements of a row share a scale. By default 64 for `"affine"`, which also has
   * 32 and 128; 32 for `"mxfp4"` and `"mxfp8"`, 16 for `"nvfp4"`.
   */
  groupSize?: number | null | undefined;
  /**
   * The bits of an element. By default 4, and 8 for `"mxfp8"`; `"affine"` also has 1, 2, 3,
   * 5, 6 and 8.
   */
  bits?: number | null | undefined;
  /** How numbers become few bits. By default `"affine"`. */
  mode?: QuantizationMode | undefined;
}

/** Options of `quantize`. */
export interface QuantizeOptions extends QuantizationOptions {
  /** A float32 scale of the whole array, for `"nvfp4"`. */
  globalScale?: array | null | undefined;
}

/** Options of `dequantize`. */
export interface DequantizeOptions extends QuantizeOptions {
  /** The biases of the groups, for `"affine"`. */
  biases?: array | null | undefined;
  /** The dtype of the result. By default that of the scales, or `mx.bfloat16`. */
  dtype?: Dtype | null | undefined;
}

/** Options of `quantizedMatmul`. */
export interface QuantizedMatmulOptions extends QuantizationOptions {
  /** The biases of the groups, for `"affine"`. */
  biases?: array | null | undefined;
  /** Whether the product is `x @ w.T` rather than `x @ w`. By default true. */
  transpose?: boolean | undefined;
}

/** Options of `gatherQmm`. */
export interface GatherQmmOptions extends QuantizedMatmulOptions, GatherMmOptions {
  /** The float32 scale that `w` was quantized with, for `"nvfp4"` on a GPU. */
  globalScale?: array | null | undefined;
}

/** Options of `qqmm`. */
export interface QqmmOptions extends QuantizationOptions {
  /** How numbers become few bits. By default `"nvfp4"`. */
  mode?: QuantizationMode | undefined;
  /** The scales of `w`, if it is quantized. */
  scales?: array | null | undefined;
  /** A float32 scale of the whole of `x`, for `"nvfp4"`; together with `globalScaleW`. */
  globalScaleX?: array | null | undefined;
  /** A float32 scale of the whole of `w`, for `"nvfp4"`; together with `globalScaleX`. */
  globalScaleW?: array | null | undefined;
}

/** Options of `gatherQqmm`. */
export interface GatherQqmmOptions extends QqmmOptions, GatherMmOptions {}

// Not zero, since MLX divides by them.
const size = optional(count());

const modes: QuantizationMode[] = ["affine", "mxfp4", "mxfp8", "nvfp4"];
const format = { groupSize: size, bits: size, mode: oneOf(modes, "affine") };
const transposed = { ...format, biases: slotOption, transpose: flag(true) };
const factors = {
  ...format,
  mode: oneOf(modes, "nvfp4"),
  scales: slotOption,
  globalScaleX: slotOption,
  globalScaleW: slotOption,
};

const readQuantize = opOptions<QuantizeOptions>()("quantize", {
  ...format,
  globalScale: slotOption,
});

const readDequantize = opOptions<DequantizeOptions>()("dequantize", {
  ...format,
  biases: slotOption,
  globalScale: slotOption,
  dtype: dtypeOption(),
});

const readQuantizedMatmul = opOptions<QuantizedMatmulOptions>()("quantizedMatmul", transposed);

const readGatherQmm = opOptions<GatherQmmOptions>()("gatherQmm", {
  ...transposed,
  ...gather,
  globalScale: slotOption,
});

const readQqmm = opOptions<QqmmOptions>()("qqmm", factors);

const readGatherQqmm = opOptions<GatherQqmmOptions>()("gatherQqmm", { ...factors, ...gather });

/**
 * Quantizes the rows of `[..., n, m]`, group by group: gives what `dequantize`
 * and the products here take, `[w, scales, biases]` for the mode `"affine"` and
 * `[w, scales]` for the others. The first holds the elements' bits, from the
 * lowest up, in uint32; the others have an element for each group.
 *
 * @throws Error if there are less than two dimensions, if the group size does
 * not divide the last one, and for what the mode cannot have.
 * @example
 * const w = mx.reshape(mx.arange(0, 64, 1, mx.float32), [2, 32]);
 * const [packed, scales, biases] = mx.quantize(w, { groupSize: 32, bits: 8 });
 * [packed.shape, scales.shape, biases.shape]
 * // [ [ 2, 8 ], [ 2, 1 ], [ 2, 1 ] ]
 */
export function quantize(
  w: array,
  options?: QuantizeOptions & { mode?: "affine" | undefined },
): [w: array, scales: array, biases: array];
export function quantize(
  w: array,
  options: QuantizeOptions & { mode: Exclude<QuantizationMode, "affine"> },
): [w: array, scales: array];
export function quantize(
  w: array,
  options?: QuantizeOptions,
): [w: array, scales: array, biases?: array];
export function quantize(
  w: array,
  options?: QuantizeOptions,
): [w: array, scales: array, biases?: array] {
  const { groupSize, bits, mode, globalScale, stream } = readQuantize(options);
  const slots = native.quantize(
    slot(w, "quantize", "w"),
    groupSize,
    bits,
    mode,
    globalScale,
    stream,
  );
  return makeAll(slots as Slot[]) as [array, array, array?];
}

/**
 * The numbers that a quantized array stands for, `scale * element + bias`:
 * `[..., n, m]`.
 *
 * @throws Error if the shapes do not fit, and if biases are given but for the
 * mode `"affine"`, which needs them.
 * @example
 * const w = mx.reshape(mx.arange(0, 64, 1, mx.float32), [2, 32]);
 * const [packed, scales, biases] = mx.quantize(w, { groupSize: 32, bits: 8 });
 * const y = mx.dequantize(packed, scales, { biases, groupSize: 32, bits: 8 });
 * mx.allclose(w, y, { atol: 0.1 })
 * // array(true, dtype=bool)
 */
export function dequantize(w: array, scales: array, options?: DequantizeOptions): array {
  const { groupSize, bits, mode, biases, globalScale, dtype, stream } = readDequantize(options);
  return make(
    native.dequantize(
      slot(w, "dequantize", "w"),
      slot(scales, "dequantize", "scales"),
      biases,
      groupSize,
      bits,
      mode,
      globalScale,
      dtype,
      stream,
    ),
  );
}

/**
 * The product of `x`, `[..., k]`, with the transpose of a quantized matrix `w`
 * of `[m, k]`, which is never unpacked as a whole: `[..., m]`.
 *
 * On the CPU under Linux some rows of `w` at a time become float32, and the product
 * is one of float32: with one dot product after the other for up to 4 rows of `x`, by
 * OpenBLAS for more. The sums are float32 whatever the dtype, and are rounded once.
 *
 * @throws Error if the shapes do not fit, and for float64.
 * @example
 * const [w, scales, biases] = mx.quantize(mx.ones([3, 32]), { groupSize: 32 });
 * mx.quantizedMatmul(mx.ones([1, 32]), w, scales, { biases, groupSize: 32 })
 * // array([[32, 32, 32]], dtype=float32)
 */
export function quantizedMatmul(
  x: array,
  w: array,
  scales: array,
  options?: QuantizedMatmulOptions,
): array {
  const fn = "quantizedMatmul";
  const { groupSize, bits, mode, biases, transpose, stream } = readQuantizedMatmul(options);
  return make(
    native.quantized_matmul(
      slot(x, fn, "x"),
      slot(w, fn, "w"),
      slot(scales, fn, "scales"),
      biases,
      transpose,
      groupSize,
      bits,
      mode,
      stream,
    ),
  );
}

/**
 * Products of matrices that are picked from stacks, those of `w` quantized:
 * what `quantizedMatmul` is to `matmul`, this is to `gatherMm`. The indices
 * broadcast; they count the matrices of a flattened stack.
 *
 * @throws RangeError for indices outside of their stack, as for `x.get`.
 * @example
 * const experts = mx.multiply(mx.ones([2, 1, 32]), mx.array([[[1]], [[2]]]));
 * const [w, scales, biases] = mx.quantize(experts, { groupSize: 32 });
 * const rhsIndices = mx.array([1, 0, 1], mx.uint32);
 * mx.flatten(mx.gatherQmm(mx.ones([1, 32]), w, scales, { biases, rhsIndices, groupSize: 32 }))
 * // array([64, 32, 64], dtype=float32)
 */
export function gatherQmm(x: array, w: array, scales: array, options?: GatherQmmOptions): array {
  const fn = "gatherQmm";
  const {
    groupSize,
    bits,
    mode,
    biases,
    lhsIndices,
    rhsIndices,
    transpose,
    globalScale,
    sortedIndices,
    stream,
  } = readGatherQmm(options);
  return make(
    native.gather_qmm(
      slot(x, fn, "x"),
      slot(w, fn, "w"),
      slot(scales, fn, "scales"),
      biases,
      lhsIndices,
      rhsIndices,
      transpose,
      groupSize,
      bits,
      mode,
      globalScale,
      sortedIndices,
      stream,
    ),
  );
}

/**
 * The product of `x`, `[..., k]`, which is quantized on the way, with the
 * transpose of `w`: `[m, k]`, or a quantized matrix with its scales. All modes
 * but `"affine"`. On the CPU MLX has it for a single row of `x` and a quantized
 * `w` only.
 *
 * @throws Error if the shapes do not fit, and for what the CPU cannot do.
 * @example
 * const [w, scales] = mx.quantize(mx.ones([3, 32]), { mode: "mxfp8" });
 * mx.qqmm(mx.ones([1, 32]), w, { scales, mode: "mxfp8" })
 * // array([[32, 32, 32]], dtype=float32)
 */
export function qqmm(x: array, w: array, options?: QqmmOptions): array {
  const { groupSize, bits, mode, scales, globalScaleX, globalScaleW, stream } = readQqmm(options);
  return make(
    native.qqmm(
      slot(x, "qqmm", "x"),
      slot(w, "qqmm", "w"),
      scales,
      groupSize,
      bits,
      mode,
      globalScaleX,
      globalScaleW,
      stream,
    ),
  );
}

/**
 * Products as `qqmm` makes them, of matrices that are picked from stacks as
 * `gatherMm` does. On GPUs only.
 *
 * @throws Error on the CPU, and if the shapes do not fit.
 * @example
 * const [w, scales] = mx.quantize(mx.ones([2, 3, 32]), { mode: "nvfp4" });
 * const rhsIndices = mx.array([1, 0], mx.uint32);
 * let why;
 * try {
 *   mx.gatherQqmm(mx.ones([1, 32]), w, { scales, rhsIndices, stream: mx.cpu });
 * } catch (error) {
 *   why = error.message;
 * }
 * why
 * // [gather_qqmm] Expected a GPU: MLX cannot compute this on the CPU.
 */
export function gatherQqmm(x: array, w: array, options?: GatherQqmmOptions): array {
  const {
    groupSize,
    bits,
    mode,
    scales,
    lhsIndices,
    rhsIndices,
    globalScaleX,
    globalScaleW,
    sortedIndices,
    stream,
  } = readGatherQqmm(options);
  return make(
    native.gather_qqmm(
      slot(x, "gatherQqmm", "x"),
      slot(w, "gatherQqmm", "w"),
      scales,
      lhsIndices,
      rhsIndices,
      groupSize,
      bits,
      mode,
      globalScaleX,
      globalScaleW,
      sortedIndices,
      stream,
    ),
  );
}

/**
 * Each element as a float of 8 bits, E4M3, rounded to the nearest: uint8.
 *
 * @throws Error for what are no real floating-point numbers.
 * @example
 * mx.toFp8(mx.array([0, 1, -2]))
 * // array([0, 56, 192], dtype=uint8)
 */
export function toFp8(x: array, options?: StreamOptions): array {
  return make(native.to_fp8(slot(x, "toFp8", "x"), stream(options, "toFp8")));
}

/**
 * The numbers that floats of 8 bits, E4M3 in uint8, stand for.
 *
 * @param dtype By default `mx.bfloat16`.
 * @throws Error if the array is not uint8, or the dtype no real floating-point one.
 * @example
 * mx.fromFp8(mx.array([0, 56, 192], mx.uint8))
 * // array([0, 1, -2], dtype=bfloat16)
 */
export function fromFp8(x: array, dtype: Dtype | null = bfloat16, options?: StreamOptions): array {
  const fn = "fromFp8";
  return make(
    native.from_fp8(slot(x, fn, "x"), dtypeId(dtype ?? bfloat16, fn), stream(options, fn)),
  );
}
