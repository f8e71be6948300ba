/** `mx.fast`: whole layers as single, fast operations. */

import { type array, isArray, make, makeAll } from "./array/array.js";
import { asInteger, asNumber, operand, optionalSlot, slot, stream } from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import { flag, type Kind, kind, number, opOptions, required, slotOption } from "./call/kinds.js";
import { native } from "./call/native.js";
import { asPositive } from "./call/numbers.js";
import { none, numberCode, type OperandCode, type OptionalSlot } from "./call/wire.js";
import type { StreamOptions } from "./device.js";

export * from "./custom-kernel.js";

/**
 * Divides the last axis by its root mean square. The sum is taken in float32.
 *
 * @param weight What to multiply with, one number for each entry of the last
 * axis; `null` for nothing.
 * @param eps What is added to the mean square.
 * @example
 * mx.fast.rmsNorm(mx.array([[3, 4]]), mx.array([1, 10]), 1e-5)
 * // array([[0.848528, 11.3137]], dtype=float32)
 */
export function rmsNorm(
  x: array,
  weight: array | null | undefined,
  eps: number,
  options?: StreamOptions,
): array {
  const fn = "fast.rmsNorm";
  return make(
    native.rms_norm(
      slot(x, fn, "x"),
      optionalSlot(weight, fn, "weight"),
      asNumber(eps, fn, "eps"),
      stream(options, fn),
    ),
  );
}

/**
 * Brings the last axis to mean 0 and variance 1. Sums are taken in float32.
 *
 * @param weight What to multiply with, one number for each entry of the last
 * axis; `null` for nothing.
 * @param bias What to add then, likewise.
 * @param eps What is added to the variance.
 * @example
 * mx.fast.layerNorm(mx.array([[1, 3]]), null, mx.array([0, 5]), 0)
 * // array([[-1, 6]], dtype=float32)
 */
export function layerNorm(
  x: array,
  weight: array | null | undefined,
  bias: array | null | undefined,
  eps: number,
  options?: StreamOptions,
): array {
  const fn = "fast.layerNorm";
  return make(
    native.layer_norm(
      slot(x, fn, "x"),
      optionalSlot(weight, fn, "weight"),
      optionalSlot(bias, fn, "bias"),
      asNumber(eps, fn, "eps"),
      stream(options, fn),
    ),
  );
}

/**
 * The cross entropy between the softmax of the last axis of the logits and the
 * class that is right, as float32.
 *
 * @param targets The classes, integers in the shape of the logits without
 * their last axis. Negative ones count from the last.
 * @throws RangeError if there is no such class, as for `x.get`.
 * @example
 * mx.fast.crossEntropy(mx.array([[0, 0], [2, 0]]), mx.array([1, 0], mx.int32))
 * // array([0.693147, 0.126928], dtype=float32)
 */
export function crossEntropy(logits: array, targets: array, options?: StreamOptions): array {
  const fn = "fast.crossEntropy";
  return make(
    native.cross_entropy(
      slot(logits, fn, "logits"),
      slot(targets, fn, "targets"),
      stream(options, fn),
    ),
  );
}

/** Options of `rope`. */
export interface RopeOptions extends StreamOptions {
  /** Pair neighbours, instead of entries that lie `dims / 2` apart. By default false. */
  traditional?: boolean | undefined;
  /**
   * What the frequencies are powers of. By default 10000; `null`, also by
   * default, where `freqs` are given.
   */
  base?: number | null | undefined;
  /** What positions are multiplied with. By default 1. */
  scale?: number | undefined;
  /** The first position, or one for each entry of the batch. By default 0. */
  offset?: number | array | undefined;
  /** The wavelengths of the `dims / 2` rotations, in place of a base. */
  freqs?: array | null | undefined;
}

// On the wire a base of 0 stands for none.
const ropeBase = kind<number | null, number>((x, fn, param) =>
  x === null ? 0 : asPositive(x, fn, param),
);

const ropeOffset = (fallback: number): Kind<number | array, OperandCode> => ({
  check: (x, fn, param) =>
    isArray(x) ? operand(x, fn, param) : numberCode(asInteger(x, fn, param)),
  fallback: fallback as OperandCode & number,
  required: false,
  anew: true,
});

const readRope = opOptions<RopeOptions>()("fast.rope", {
  traditional: flag(false),
  base: ropeBase,
  scale: number(1),
  offset: ropeOffset(0),
  freqs: slotOption,
});

/**
 * Rotary positional encoding: rotates pairs of features by angles that grow
 * with the position. In Python `traditional`, `base`, `scale` and `offset` have
 * no defaults; here they are false, 10000, 1 and 0.
 *
 * From "RoFormer: Enhanced Transformer with Rotary Position Embedding" (Su et
 * al., 2021).
 *
 * @param a `[batch, ..., positions, features]`.
 * @param dims How many of the features to rotate; the rest stay as they are.
 * @throws Error if both a base and `freqs` are given, or neither.
 * @example
 * mx.fast.rope(mx.ones([1, 2, 2]), 2)
 * // array([[[1, 1],
 * //         [-0.301169, 1.38177]]], dtype=float32)
 */
export function rope(a: array, dims: number, options?: RopeOptions): array {
  const { freqs, traditional, base, scale, offset, stream } = readRope(options);
  return make(
    native.rope(
      slot(a, "fast.rope", "a"),
      asInteger(dims, "fast.rope", "dims"),
      traditional,
      base ?? (freqs === none ? 10000 : 0),
      scale,
      offset,
      freqs,
      stream,
    ),
  );
}

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions extends StreamOptions {
  /** What scores are multiplied with, as a rule `1 / Math.sqrt(D)`. Required. */
  scale: number;
  /**
   * Booleans, true for what may be seen, or numbers that are added to the
   * scores; their shape broadcasts to `[B, Nq, Tq, Tkv]`. With `"causal"` the
   * last query sees all keys and each one before it sees one less.
   */
  mask?: array | "causal" | null | undefined;
  /** Attention sinks: a score for each head that takes attention away. */
  sinks?: array | null | undefined;
  /** Whether to throw where there is no fused kernel. By default false. */
  forceFused?: boolean | undefined;
}

const attentionMask = kind<array | "causal" | null, OptionalSlot | "causal">((x, fn, param) => {
  if (x !== null && x !== "causal" && !isArray(x)) {
    throw mismatch(fn, param, '"causal", an array or null', x);
  }
  return x === "causal" ? x : optionalSlot(x, fn, param);
}, none);

const readAttention = opOptions<AttentionOptions>()("fast.scaledDotProductAttention", {
  scale: required(number()),
  mask: attentionMask,
  sinks: slotOption,
  forceFused: flag(false),
});

/**
 * Multi-head attention, `softmax(q @ k.T * scale) @ v`, also with fewer heads
 * of keys and values than of queries. The softmax is computed in float32.
 *
 * From "Attention Is All You Need" (Vaswani et al., 2017); fewer heads from
 * "GQA" (Ainslie et al., 2023).
 *
 * @param q The queries, `[B, Nq, Tq, D]`.
 * @param k The keys, `[B, Nkv, Tkv, D]`.
 * @param v The values, `[B, Nkv, Tkv, D]`.
 * @example
 * const v = mx.array([[[[1, 2], [3, 4]]]]);
 * mx.fast.scaledDotProductAttention(mx.zeros([1, 1, 2, 2]), v, v, { scale: 1, mask: "causal" })
 * // array([[[[1, 2],
 * //          [2, 3]]]], dtype=float32)
 */
export function scaledDotProductAttention(
  q: array,
  k: array,
  v: array,
  options: AttentionOptions,
): array {
  const fn = "fast.scaledDotProductAttention";
  const { scale, mask, sinks, forceFused, stream } = readAttention(options);
  return make(
    native.scaled_dot_product_attention(
      slot(q, fn, "q"),
      slot(k, fn, "k"),
      slot(v, fn, "v"),
      scale,
      mask === "causal" ? mask : "",
      mask === "causal" ? none : mask,
      sinks,
      forceFused,
      stream,
    ),
  );
}

/** Options of `gatedDeltaUpdate`. */
export interface GatedDeltaOptions extends StreamOptions {
  /** The state to begin with. By default zeros. */
  initialState?: array | null | undefined;
  /** Which positions count, `[B, T]`. By default all. */
  mask?: array | null | undefined;
}

const readGatedDelta = opOptions<GatedDeltaOptions>()("fast.gatedDeltaUpdate", {
  initialState: slotOption,
  mask: slotOption,
});

/**
 * The gated delta rule, a linear attention whose state decays by `gamma` and
 * moves by `beta` towards each value: the output `[B, T, Hv, Dv]` and the final
 * state `[B, Hv, Dv, Dk]`.
 *
 * From "Gated Delta Networks: Improving Mamba2 with Delta Rule" (Yang et al.,
 * 2024).
 *
 * @param q The queries, `[B, T, Hk, Dk]`.
 * @param k The keys, `[B, T, Hk, Dk]`.
 * @param v The values, `[B, T, Hv, Dv]`.
 * @param gamma How much of the state stays, `[B, T, Hv]`.
 * @param beta How far it moves, `[B, T, Hv]`.
 * @throws Error if the shapes do not fit.
 * @example
 * const k = mx.array([[[[1, 0]], [[1, 1]]]]);
 * const v = mx.array([[[[2, 3]], [[4, 8]]]]);
 * mx.fast.gatedDeltaUpdate(k, k, v, mx.full([1, 2, 1], 0.5), mx.ones([1, 2, 1]))
 * // [
 * //   array([[[[2, 3]],
 * //           [[7, 14.5]]]], dtype=float32),
 * //   array([[[[4, 3],
 * //            [8, 6.5]]]], dtype=float32)
 * // ]
 */
export function gatedDeltaUpdate(
  q: array,
  k: array,
  v: array,
  gamma: array,
  beta: array,
  options?: GatedDeltaOptions,
): [array, array] {
  const fn = "fast.gatedDeltaUpdate";
  const { initialState, mask, stream } = readGatedDelta(options);
  return makeAll(
    native.gated_delta_update(
      slot(q, fn, "q"),
      slot(k, fn, "k"),
      slot(v, fn, "v"),
      slot(gamma, fn, "gamma"),
      slot(beta, fn, "beta"),
      initialState,
      mask,
      stream,
    ),
  );
}
