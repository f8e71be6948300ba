/** Gemma 2: soft caps, norms on both sides, a window in every other layer. arXiv 2408.00118. */
import { mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import type { Mask } from "../masks.js";
import { Attention, groupedAttention, type Scoring, softmaxScoring } from "../parts/attention.js";
import { type DecoderLayer, DecoderModel } from "../parts/decoder.js";
import { GatedMlp } from "../parts/mlp.js";
import { OffsetRMSNorm } from "../parts/norm.js";

/** Keeps values between -cap and cap: cap * tanh(x / cap). */
function softCap(x: mx.array, cap: number): mx.array {
  return mx.tanh(x.divide(cap)).multiply(cap);
}

/** A soft cap, which null in a configuration takes away. */
function capOf(config: Config, name: string, usual: number): number | null {
  return config.values[name] === null ? null : config.positive(name, usual);
}

/** The softmax of products that are kept between -cap and cap. */
function cappedScoring(scale: number, cap: number): Scoring {
  return (q, { keys, values }, mask) =>
    groupedAttention(
      q.multiply(scale),
      keys.dim(1),
      mask,
      (rows) => softCap(mx.matmul(rows, keys.swapaxes(-1, -2)), cap),
      (weights) => mx.matmul(weights, values),
    );
}

/** The sum of two residuals, as large as float16 can hold at most: in it, those of these models may be larger. */
function residual(x: mx.array, y: mx.array): mx.array {
  if (x.dtype !== mx.float16) {
    return x.add(y);
  }
  const most = mx.finfo(mx.float16).max;
  return mx.clip(mx.add(x.astype(mx.float32), y), -most, most).astype(mx.float16);
}

/** A layer with norms before and after the attention and the MLP. */
export class SandwichLayer extends nn.Module implements DecoderLayer {
  readonly window: number | undefined;
  selfAttn: Attention;
  mlp: GatedMlp;
  inputLayernorm: OffsetRMSNorm;
  postAttentionLayernorm: OffsetRMSNorm;
  preFeedforwardLayernorm: OffsetRMSNorm;
  postFeedforwardLayernorm: OffsetRMSNorm;

  constructor(config: Config, attention: Attention, window?: number) {
    super();
    config.expect("hidden_activation", "gelu_pytorch_tanh");
    this.window = window;
    this.selfAttn = attention;
    this.mlp = new GatedMlp(config, {
      glu: (gate, x) => nn.geluApprox(gate).multiply(x),
    });
    this.inputLayernorm = new OffsetRMSNorm(config);
    this.postAttentionLayernorm = new OffsetRMSNorm(config);
    this.preFeedforwardLayernorm = new OffsetRMSNorm(config);
    this.postFeedforwardLayernorm = new OffsetRMSNorm(config);
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const attended = this.selfAttn.forward(this.inputLayernorm.forward(x), mask, cache);
    const h = residual(x, this.postAttentionLayernorm.forward(attended));
    const fed = this.mlp.forward(this.preFeedforwardLayernorm.forward(h));
    return residual(h, this.postFeedforwardLayernorm.forward(fed));
  }
}

export class Gemma2 extends DecoderModel {
  readonly cap: number | null;

  constructor(config: Config) {
    const scale = config.positive("query_pre_attn_scalar", 256) ** -0.5;
    const cap = capOf(config, "attn_logit_softcapping", 50);
    const score = cap === null ? softmaxScoring(scale) : cappedScoring(scale, cap);
    const window = config.has("sliding_window") ? config.count("sliding_window") : undefined;
    super(config, {
      layer: (i) =>
        new SandwichLayer(
          config,
          new Attention(config, { bias: false, score }),
          i % 2 === 0 ? window : undefined,
        ),
      norm: new OffsetRMSNorm(config),
      embeddingScale: Math.sqrt(config.count("hidden_size")),
    });
    this.cap = capOf(config, "final_logit_softcapping", 30);
  }

  override forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    const logits = super.forward(tokens, caches);
    return this.cap === null ? logits : softCap(logits, this.cap);
  }
}
