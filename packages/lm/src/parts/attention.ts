import { mx, nn } from "mlx-js";
import type { Cache, KeysValues, Quantized, QuantizedKeysValues } from "../cache.js";
import type { Config } from "../config.js";
import { failure } from "../errors.js";
import { causalMask, type Mask, maskOfAll } from "../masks.js";
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
  const keyHeads = config.count("num_key_value_heads", heads);
  const isWhole = config.has("head_dim") || dims % heads === 0;
  if (!isWhole || heads % keyHeads !== 0) {
    const [count, size] = isWhole ? ["num_key_value_heads", heads] : ["num_attention_heads", dims];
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${config.source}: expected ${count} to divide ${size}, received ${isWhole ? keyHeads : heads}`,
    );
  }
  return { dims, heads, keyHeads, headDim: config.count("head_dim", dims / heads) };
}

/** What weighs the values by how well queries and keys fit. */
export type Scoring = (queries: mx.array, seen: KeysValues, mask: Mask) => mx.array;

/** What {@link attend} needs beside queries, keys and values. */
export interface AttendOptions {
  rope: Rope;
  mask: Mask;
  cache: Cache | undefined;
  score: Scoring;
}

/**
 * Attention by products that are given, with a softmax between them. The heads of queries that share
 * keys and values stand below each other, as rows.
 *
 * @param q Of shape (batch, heads, length, headDim).
 * @param scoresOf Of rows (batch, keyHeads, rows, headDim), the scores (batch, keyHeads, rows, tokens).
 * @param sumOf Of weights with the shape of the scores, what they give of the values.
 */
export function groupedAttention(
  q: mx.array,
  keyHeads: number,
  mask: Mask,
  scoresOf: (rows: mx.array) => mx.array,
  sumOf: (weights: mx.array) => mx.array,
): mx.array {
  const [batch = 0, heads = 0, length = 0, headDim = 0] = q.shape;
  const rows = scoresOf(q.reshape(batch, keyHeads, -1, headDim));
  const scores = rows.reshape(batch, heads, length, -1);
  const isSeen = mask === "causal" ? causalMask(length, scores.dim(-1) - length) : mask;
  const never = mx.array(mx.finfo(scores.dtype).min, scores.dtype);
  const masked = isSeen === null ? scores : mx.where(isSeen, scores, never);
  const weights = mx.softmax(masked, -1, { precise: true });
  return sumOf(weights.reshape(...rows.shape)).reshape(batch, heads, length, -1);
}

function quantizedAttention(
  q: mx.array,
  { keys, values, groupSize, bits }: QuantizedKeysValues,
  mask: Mask,
): mx.array {
  const product = (x: mx.array, [packed, scales, biases]: Quantized, transpose: boolean) =>
    mx.quantizedMatmul(x, packed, scales, { biases, groupSize, bits, transpose });
  return groupedAttention(
    q,
    keys[0].dim(1),
    mask,
    (rows) => product(rows, keys, true),
    (weights) => product(weights, values, false),
  );
}

/** The scoring of nearly all models: the softmax of the products, each times `scale`. */
export function softmaxScoring(scale: number): Scoring {
  return (q, { keys, values, quantized }, mask) =>
    quantized === undefined
      ? mx.fast.scaledDotProductAttention(q, keys, values, { scale, mask })
      : quantizedAttention(q.multiply(scale), quantized, mask);
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
  return score(q, seen, mask);
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
    config.expect("partial_rotary_factor", 1);
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
