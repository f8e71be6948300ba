import { mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import { failure } from "../errors.js";
import { causalMask, type Mask } from "../masks.js";
import { joinHeads, splitHeads } from "./attention.js";

/** What {@link AlibiAttention}s differ in. */
export interface AlibiAttentionOptions {
  dims: number;
  heads: number;
  /** Whether the layers have biases. */
  bias: boolean;
  /**
   * Whether `qkvProj` gives query, key and value head by head. By default it gives the queries of
   * all heads, then all keys, then all values.
   */
  headByHead?: boolean;
  /** What the products are multiplied with. By default 1 / √(dims / heads). */
  scale?: number;
  /** Queries, keys and values are kept between -clip and clip. By default they are not. */
  clip?: number | undefined;
}

/**
 * Attention that knows positions by `nn.ALiBi` alone: the further away a token is, the lower its
 * score, and texts may be longer than those in training. "Train Short, Test Long", arXiv 2108.12409.
 */
export class AlibiAttention extends nn.Module {
  qkvProj: nn.UnaryLayer;
  oProj: nn.UnaryLayer;
  readonly alibi = new nn.ALiBi();
  readonly #options: Required<AlibiAttentionOptions>;

  constructor(options: AlibiAttentionOptions) {
    super();
    const { dims, heads, bias, headByHead = false, clip } = options;
    const { scale = (dims / heads) ** -0.5 } = options;
    this.#options = { dims, heads, bias, headByHead, scale, clip };
    this.qkvProj = new nn.Linear(dims, 3 * dims, { bias });
    this.oProj = new nn.Linear(dims, dims, { bias });
  }

  /** The queries, keys and values, each (batch, heads, length, headDim). */
  #project(x: mx.array): [queries: mx.array, keys: mx.array, values: mx.array] {
    const { heads, headByHead, clip } = this.#options;
    const all = this.qkvProj.forward(x);
    const kept = clip === undefined ? all : mx.clip(all, -clip, clip);
    if (headByHead) {
      return mx.split(splitHeads(kept, heads), 3, -1);
    }
    const [q, k, v] = mx.split(kept, 3, -1);
    return [splitHeads(q, heads), splitHeads(k, heads), splitHeads(v, heads)];
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const [queries, newKeys, newValues] = this.#project(x);
    const offset = cache?.offset ?? 0;
    const length = x.dim(1);
    const { keys, values } = cache?.update(newKeys, newValues) ?? {
      keys: newKeys,
      values: newValues,
    };
    if (keys.dim(2) !== offset + length) {
      throw failure(
        "ERR_MLX_LM_MODEL",
        "ALiBi measures the distance to every token: expected a cache that keeps all of them, " +
          `received one that has ${keys.dim(2)} of ${offset + length}`,
      );
    }
    const products = mx.matmul(queries.multiply(this.#options.scale), keys.swapaxes(-1, -2));
    // In float32: half precision has no room for large distances beside small products.
    const scores = this.alibi.forward(products.astype(mx.float32), {
      offset,
      mask: mask === "causal" ? causalMask(length, offset) : mask,
    });
    const weights = mx.softmax(scores, -1).astype(values.dtype);
    return this.oProj.forward(joinHeads(mx.matmul(weights, values)));
  }
}
