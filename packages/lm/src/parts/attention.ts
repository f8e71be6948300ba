import { mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import { type Mask, maskOfAll } from "../masks.js";
import { type Rope, ropeOf } from "./rope.js";

/** The mask for the next `length` tokens, each of which sees the last `window` ones, or all. */
export function maskFor(length: number, cache: Cache | undefined, window?: number): Mask {
  return cache === undefined ? maskOfAll(length, 0, window) : cache.mask(length, window);
}

/** (batch, length, heads * dims) to (batch, heads, length, dims). */
export function splitHeads(x: mx.array, heads: number): mx.array {
  return x.reshape(x.dim(0), x.dim(1), heads, -1).transpose(0, 2, 1, 3);
}

/** (batch, heads, length, dims) to (batch, length, heads * dims). */
export function joinHeads(x: mx.array): mx.array {
  return x.transpose(0, 2, 1, 3).reshape(x.dim(0), x.dim(2), -1);
}

/** What sizes an attention has; {@link sizesOf} reads them from a configuration. */
export interface AttentionSizes {
  /** The size of the model. */
  readonly dims: number;
  readonly heads: number;
  /** Heads of keys and values, each for several of the queries. */
  readonly keyHeads: number;
  readonly headDim: number;
}

/** The sizes under the names that most models have for them. */
export function sizesOf(config: Config): AttentionSizes {
  const dims = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  return {
    dims,
    heads,
    keyHeads: config.count("num_key_value_heads", heads),
    headDim: config.count("head_dim", Math.floor(dims / heads)),
  };
}

/** What weighs the values by how well queries and keys fit. */
export type Scoring = (q: mx.array, k: mx.array, v: mx.array, mask: Mask) => mx.array;

/** What {@link attend} needs beside queries, keys and values. */
export interface AttendOptions {
  rope: Rope;
  mask: Mask;
  cache: Cache | undefined;
  score: Scoring;
}

/** The scoring of nearly all models: the softmax of the products, each times `scale`. */
export function softmaxScoring(scale: number): Scoring {
  return (q, k, v, mask) => mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
}

/** Rotates queries and keys, adds keys and values to the cache, and weighs all values there. */
export function attend(
  queries: mx.array,
  keys: mx.array,
  values: mx.array,
  { rope, mask, cache, score }: AttendOptions,
): mx.array {
  const offset = cache?.offset ?? 0;
  const q = rope.forward(queries, { offset });
  const k = rope.forward(keys, { offset });
  const seen = cache?.update(k, values) ?? { keys: k, values };
  return score(q, seen.keys, seen.values, mask);
}

/** Options of {@link Attention}. */
export interface AttentionOptions {
  /** Whether queries, keys and values have a bias. */
  bias: boolean;
  /** Whether the output has one. By default as `bias`. */
  outputBias?: boolean;
  /** By default that of the configuration. */
  rope?: Rope;
  /** By default a softmax of the products divided by √headDim. */
  score?: Scoring;
}

/** Attention with rotary positions, and with grouped heads of keys and values. */
export class Attention extends nn.Module {
  readonly heads: number;
  readonly keyHeads: number;
  readonly score: Scoring;
  qProj: nn.UnaryLayer;
  kProj: nn.UnaryLayer;
  vProj: nn.UnaryLayer;
  oProj: nn.UnaryLayer;
  readonly rope: Rope;

  constructor(config: Config, options: AttentionOptions) {
    super();
    const { dims, heads, keyHeads, headDim } = sizesOf(config);
    const { bias, outputBias = bias } = options;
    this.heads = heads;
    this.keyHeads = keyHeads;
    this.score = options.score ?? softmaxScoring(headDim ** -0.5);
    this.rope = options.rope ?? ropeOf(config, headDim);
    this.qProj = new nn.Linear(dims, heads * headDim, { bias });
    this.kProj = new nn.Linear(dims, keyHeads * headDim, { bias });
    this.vProj = new nn.Linear(dims, keyHeads * headDim, { bias });
    this.oProj = new nn.Linear(heads * headDim, dims, { bias: outputBias });
  }

  /** The queries, keys and values, each (batch, heads, length, headDim). */
  protected project(x: mx.array): [queries: mx.array, keys: mx.array, values: mx.array] {
    return [
      splitHeads(this.qProj.forward(x), this.heads),
      splitHeads(this.kProj.forward(x), this.keyHeads),
      splitHeads(this.vProj.forward(x), this.keyHeads),
    ];
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const { rope, score } = this;
    const out = attend(...this.project(x), { rope, mask, cache, score });
    return this.oProj.forward(joinHeads(out));
  }
}
