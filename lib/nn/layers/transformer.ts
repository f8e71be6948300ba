/** Attention. */
import { checkOptions } from "../../core/call/arguments.js";
import { outOfRange } from "../../core/call/errors.js";
import * as mx from "../../core/index.js";
import { asPositive } from "../checks.js";
import { Module } from "../module.js";
import { Linear } from "./linear.js";

/** Of {@link MultiHeadAttention}; sizes of last axes. */
export interface MultiHeadAttentionOptions {
  /** Of the queries; by default `dims`. */
  queryInputDims?: number | undefined;
  /** Of the keys; by default `dims`. */
  keyInputDims?: number | undefined;
  /** Of the values; by default that of the keys. */
  valueInputDims?: number | undefined;
  /** Of the projected values; by default `dims`. */
  valueDims?: number | undefined;
  /** Of the output; by default `dims`. */
  valueOutputDims?: number | undefined;
  /** Whether projections add a bias; by default they do not. */
  bias?: boolean | undefined;
}

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
  readonly #numHeads: number;

  constructor(dims: number, numHeads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    const fn = "MultiHeadAttention";
    checkOptions(
      options,
      ["queryInputDims", "keyInputDims", "valueInputDims", "valueDims", "valueOutputDims", "bias"],
      fn,
    );
    asPositive(dims, fn, "dims");
    this.#numHeads = asPositive(numHeads, fn, "numHeads");
    const {
      queryInputDims = dims,
      keyInputDims = dims,
      valueInputDims = keyInputDims,
      valueDims = dims,
      valueOutputDims = dims,
      bias = false,
    } = options;
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
   * (B, Tk, valueInputDims): (B, Tq, valueOutputDims). The mask broadcasts to
   * (B, numHeads, Tq, Tk): it is added, or, if boolean, true where a query may
   * see a key.
   */
  forward(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    options: { mask?: mx.array | "causal" | null | undefined } = {},
  ): mx.array {
    checkOptions(options, ["mask"], "MultiHeadAttention.forward");
    const q = this.#split(this.queryProj.forward(queries));
    const k = this.#split(this.keyProj.forward(keys));
    const v = this.#split(this.valueProj.forward(values));
    const scale = Math.sqrt(1 / (q.shape.at(-1) as number));
    const { mask = null } = options;
    const out = mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
    const joined = mx.flatten(mx.transpose(out, [0, 2, 1, 3]), { startAxis: -2, endAxis: -1 });
    return this.outProj.forward(joined);
  }

  // From (B, T, heads * size) to (B, heads, T, size).
  #split(x: mx.array): mx.array {
    return mx.transpose(mx.unflatten(x, -1, [this.#numHeads, -1]), [0, 2, 1, 3]);
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
    const indices = mx.arange(asPositive(n, "createAdditiveCausalMask", "n"));
    const later = mx.less(mx.expandDims(indices, 1), mx.expandDims(indices, 0));
    return mx.multiply(mx.astype(later, dtype), mx.finfo(dtype).min);
  }
}
