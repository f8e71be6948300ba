/** Gemma 3, its text part: five layers with a window, then one that sees all. arXiv 2503.19786. */
import { mx } from "mlx-js";
import type { Config } from "../config.js";
import { Attention, sizesOf, softmaxScoring } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { OffsetRMSNorm } from "../parts/norm.js";
import { plainRope, ropeOf } from "../parts/rope.js";
import { SandwichLayer } from "./gemma2.js";

class NormedAttention extends Attention {
  qNorm: OffsetRMSNorm;
  kNorm: OffsetRMSNorm;

  constructor(config: Config, isLocal: boolean) {
    const { headDim } = sizesOf(config);
    super(config, {
      bias: false,
      score: softmaxScoring(config.number("query_pre_attn_scalar", 256) ** -0.5),
      rope: isLocal
        ? plainRope(headDim, config.number("rope_local_base_freq", 10_000))
        : ropeOf(config, headDim, config.number("rope_theta", 1_000_000)),
    });
    this.qNorm = new OffsetRMSNorm(config, headDim);
    this.kNorm = new OffsetRMSNorm(config, headDim);
  }

  protected override project(x: mx.array): [mx.array, mx.array, mx.array] {
    const [queries, keys, values] = super.project(x);
    return [this.qNorm.forward(queries), this.kNorm.forward(keys), values];
  }
}

/** The factor of the embeddings, as it was when the model was trained: in bfloat16. */
function embeddingScale(config: Config): number {
  return mx.tidy(() => mx.array(Math.sqrt(config.count("hidden_size")), mx.bfloat16).item());
}

export class Gemma3 extends DecoderModel {
  constructor(config: Config) {
    const window = config.count("sliding_window", 512);
    const pattern = config.count("sliding_window_pattern", 6);
    super(config, {
      layer: (i) => {
        const isLocal = (i + 1) % pattern !== 0;
        const attention = new NormedAttention(config, isLocal);
        return new SandwichLayer(config, attention, isLocal ? window : undefined);
      },
      norm: new OffsetRMSNorm(config),
      embeddingScale: embeddingScale(config),
    });
  }
}
