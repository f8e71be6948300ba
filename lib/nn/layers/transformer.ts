/** Attention. */
import { isArray } from "../../core/array/array.js";
import { mismatch, outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { count, flag, kindOf, nullable, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { Module } from "../module.js";
import { Linear } from "./linear.js";

/** Options of {@link MultiHeadAttention}: the sizes of last axes, and biases. */
export interface MultiHeadAttentionOptions {
  /** The size of the queries. By default `dims`. */
  queryInputDims?: number | undefined;
  /** The size of the keys. By default `dims`. */
  keyInputDims?: number | undefined;
  /** The size of the values. By default that of the keys. */
  valueInputDims?: number | undefined;
  /** The size of the projected values, of all heads together. By default `dims`. */
  valueDims?: number | undefined;
  /** The size of the result. By default `dims`. */
  valueOutputDims?: number | undefined;
  /** Whether projections add a bias. By default false. */
  bias?: boolean | undefined;
}

const read = optionsOf<MultiHeadAttentionOptions>()("MultiHeadAttention", {
  queryInputDims: count(),
  keyInputDims: count(),
  valueInputDims: count(),
  valueDims: count(),
  valueOutputDims: count(),
  bias: flag(false),
});

/** Options of the call of a {@link MultiHeadAttention}. */
export interface AttentionOptions {
  /**
   * Broadcasts to (B, numHeads, Tq, Tk). It is added to the scores or, if it is
   * boolean, true where a query may see a key. `"causal"` keeps queries from
   * seeing later keys. By default all is seen.
   */
  mask?: mx.array | "causal" | null | undefined;
}

const mask = kindOf<mx.array | "causal">((value, fn, param) => {
  if (value !== "causal" && !isArray(value)) {
    throw mismatch(fn, param, 'an array or "causal"', value);
  }
  return value as mx.array | "causal";
});

const readCall = optionsOf<AttentionOptions>()("MultiHeadAttention.forward", {
  mask: nullable(mask()),
});

/**
 * Scaled dot-product attention with several heads, between linear projections.
 * Vaswani et al., "Attention Is All You Need", arXiv 1706.03762.
 *
 * @throws RangeError if `dims` is no multiple of `numHeads`.
 * @example
 * const attention = new nn.MultiHeadAttention(8, 2);
 * attention.forward(mx.ones([1, 3, 8]), mx.ones([1, 5, 8]), mx.ones([1, 5, 8])).shape
 * // [ 1, 3, 8 ]
 */
export class MultiHeadAttention extends Module {
  readonly queryProj: Linear;
  readonly keyProj: Linear;
  readonly valueProj: Linear;
  readonly outProj: Linear;
  readonly numHeads: number;

  constructor(dims: number, numHeads: number, options?: MultiHeadAttentionOptions) {
    super();
    const fn = "MultiHeadAttention";
    asCount(dims, fn, "dims");
    this.numHeads = asCount(numHeads, fn, "numHeads");
    const {
      queryInputDims = dims,
      keyInputDims = dims,
      valueInputDims = keyInputDims,
      valueDims = dims,
      valueOutputDims = dims,
      bias,
    } = read(options);
    for (const [name, size] of Object.entries({ dims, valueDims })) {
      if (size % numHeads !== 0) {
        throw outOfRange(fn, name, `a multiple of the ${numHeads} heads`, size);
      }
    }
    this.queryProj = new Linear(queryInputDims, dims, { bias });
    this.keyProj = new Linear(keyInputDims, dims, { bias });
    this.valueProj = new Linear(valueInputDims, valueDims, { bias });
    this.outProj = new Linear(valueDims, valueOutputDims, { bias });
  }

  /**
   * For queries (B, Tq, queryInputDims), keys (B, Tk, keyInputDims) and values
   * (B, Tk, valueInputDims): (B, Tq, valueOutputDims).
   */
  forward(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    options?: AttentionOptions,
  ): mx.array {
    const { mask } = readCall(options);
    const q = this.#split(this.queryProj.forward(queries));
    const k = this.#split(this.keyProj.forward(keys));
    const v = this.#split(this.valueProj.forward(values));
    const scale = Math.sqrt(1 / (q.shape.at(-1) as number));
    const out = mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
    const joined = out.transpose([0, 2, 1, 3]).flatten({ startAxis: -2, endAxis: -1 });
    return this.outProj.forward(joined);
  }

  // From (B, T, heads * size) to (B, heads, T, size).
  #split(x: mx.array): mx.array {
    return mx.unflatten(x, -1, [this.numHeads, -1]).transpose([0, 2, 1, 3]);
  }

  /**
   * A mask of shape (n, n) that keeps positions from seeing later ones: the
   * lowest finite number there, zero elsewhere.
   *
   * @example
   * nn.MultiHeadAttention.createAdditiveCausalMask(2)
   * // array([[-0, -3.40282e+38],
   * //        [-0, -0]], dtype=float32)
   */
  static createAdditiveCausalMask(n: number, dtype: mx.Dtype = mx.float32): mx.array {
    const indices = mx.arange(asCount(n, "createAdditiveCausalMask", "n"));
    const later = mx.expandDims(indices, 1).less(mx.expandDims(indices, 0));
    return later.astype(dtype).multiply(mx.finfo(dtype).min);
  }
}
