/** MPT: "Introducing MPT-7B", MosaicML, 2023. It knows positions by ALiBi, arXiv 2108.12409. */
import { type mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import { Config } from "../config.js";
import { AlibiAttention } from "../parts/alibi.js";
import { DecoderModel } from "../parts/decoder.js";
import { PreNormLayer } from "../parts/layer.js";
import { PlainMlp } from "../parts/mlp.js";
import { renamed, type Weights } from "./model.js";

/** What logits are multiplied with: a number, or the name of one. */
function logitScaleOf(config: Config, dims: number): number {
  return config.values["logit_scale"] === "inv_sqrt_d_model"
    ? dims ** -0.5
    : config.number("logit_scale", 1);
}

function attentionOf(config: Config, dims: number, bias: boolean): AlibiAttention {
  const heads = config.count("n_heads");
  const attention = config.part("attn_config") ?? new Config({}, config.source);
  attention.expect("alibi", true);
  attention.expect("alibi_bias_max", 8);
  attention.expect("attn_type", "multihead_attention");
  attention.expect("prefix_lm", false);
  attention.expect("qk_ln", false);
  return new AlibiAttention({
    ...{ dims, heads, bias },
    scale: attention.number("softmax_scale", (dims / heads) ** -0.5),
    clip: attention.has("clip_qkv") ? attention.number("clip_qkv") : undefined,
  });
}

export class Mpt extends DecoderModel {
  readonly logitScale: number;

  constructor(config: Config) {
    const dims = config.count("d_model");
    const bias = !config.flag("no_bias", true);
    const hiddenDims = dims * config.count("expansion_ratio", 4);
    const activation = (x: mx.array) => nn.gelu(x);
    const norm = () =>
      new nn.LayerNorm(dims, { eps: config.positive("layer_norm_epsilon", 1e-5), bias });
    super(config.with({ hidden_size: dims, num_hidden_layers: config.depth("n_layers") }), {
      layer: () =>
        new PreNormLayer(
          config,
          attentionOf(config, dims, bias),
          new PlainMlp(dims, hiddenDims, { bias, activation }),
          { norm },
        ),
      norm: norm(),
    });
    this.logitScale = logitScaleOf(config, dims);
  }

  override forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    const logits = super.forward(tokens, caches);
    return this.logitScale === 1 ? logits : logits.multiply(this.logitScale);
  }

  override sanitize(weights: Weights): Weights {
    return super.sanitize(
      renamed(weights, [
        [/^transformer\.wte\./, "model.embed_tokens."],
        [/^transformer\.norm_f\./, "model.norm."],
        [/^transformer\.blocks\./, "model.layers."],
        [/\.norm_1\./, ".input_layernorm."],
        [/\.norm_2\./, ".post_attention_layernorm."],
        [/\.attn\.Wqkv\./, ".self_attn.qkv_proj."],
        [/\.attn\.out_proj\./, ".self_attn.o_proj."],
        [/\.ffn\./, ".mlp."],
      ]),
    );
  }
}
