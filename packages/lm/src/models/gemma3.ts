/** Gemma 3, its text part: five layers with a window, then one that sees all. arXiv 2503.19786. */
import { mx } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import { Attention, sizesOf, softmaxScoring } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { isSliding } from "../parts/layer.js";
import { OffsetRMSNorm } from "../parts/norm.js";
import { plainRope, type Rope, ropeOf } from "../parts/rope.js";
import { SandwichLayer } from "./gemma2.js";
import { LanguageModel, renamed, type Weights, without } from "./model.js";

/** The rotary encoding of the layers with a window, and of those that see all. */
function ropeFor(config: Config, headDim: number, isLocal: boolean): Rope {
  const kind = isLocal ? "sliding_attention" : "full_attention";
  const own = config.part("rope_parameters")?.part(kind);
  return isLocal
    ? plainRope(
        headDim,
        config.positive("rope_local_base_freq", own?.positive("rope_theta") ?? 10_000),
      )
    : ropeOf(config.with({ rope_parameters: own?.values }), headDim, 1_000_000);
}

/** Whether a layer sees no more than the window. */
function isLocalLayer(config: Config, layer: number): boolean {
  const isInPattern = (layer + 1) % config.count("sliding_window_pattern", 6) !== 0;
  return isSliding(config, layer) ?? isInPattern;
}

class NormedAttention extends Attention {
  qNorm: OffsetRMSNorm;
  kNorm: OffsetRMSNorm;

  constructor(config: Config, isLocal: boolean) {
    const { headDim } = sizesOf(config);
    super(config, {
      bias: false,
      score: softmaxScoring(config.positive("query_pre_attn_scalar", 256) ** -0.5),
      rope: ropeFor(config, headDim, isLocal),
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
  constructor(given: Config) {
    const config = given.withDefaults({ head_dim: 256 });
    const window = config.count("sliding_window", 512);
    super(config, {
      layer: (i) => {
        const isLocal = isLocalLayer(config, i);
        const attention = new NormedAttention(config, isLocal);
        return new SandwichLayer(config, attention, isLocal ? window : undefined);
      },
      norm: new OffsetRMSNorm(config),
      embeddingScale: embeddingScale(config),
    });
  }
}

/** What files leave out where a model has it from the smallest one that reads images. */
const defaults = {
  ...{ vocab_size: 262_208, num_attention_heads: 8, num_key_value_heads: 4 },
  max_position_embeddings: 131_072,
};

function textConfig(config: Config): Config {
  const text = config.part("text_config") ?? config;
  const { tie_word_embeddings, vocab_size = defaults.vocab_size } = config.values;
  return text.withDefaults({ ...defaults, vocab_size, tie_word_embeddings });
}

/** A Gemma 3 that reads images, too: its text part. */
export class Gemma3OfImages extends LanguageModel {
  languageModel: Gemma3;

  constructor(config: Config) {
    const text = textConfig(config);
    super(text);
    this.languageModel = new Gemma3(text);
  }

  get depth(): number {
    return this.languageModel.depth;
  }

  forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    return this.languageModel.forward(tokens, caches);
  }

  override makeCaches(): Cache[] {
    return this.languageModel.makeCaches();
  }

  override sanitize(weights: Weights): Weights {
    const usual = renamed(weights, [
      [/^model\.language_model\./, "language_model.model."],
      [/^lm_head\./, "language_model.lm_head."],
    ]);
    const ofText = without(usual, (name) => !name.startsWith("language_model."));
    const inner = renamed(ofText, [[/^language_model\./, ""]]);
    return renamed(this.languageModel.sanitize(inner), [[/^/, "language_model."]]);
  }
}
