/** BLOOM: "A 176B-Parameter Open-Access Multilingual Language Model", arXiv 2211.05100. */
import { type mx, nn } from "mlx-js";
import type { Config } from "../config.js";
import { AlibiAttention } from "../parts/alibi.js";
import { DecoderModel } from "../parts/decoder.js";
import { PreNormLayer } from "../parts/layer.js";
import { PlainMlp } from "../parts/mlp.js";
import { renamed, type Weights } from "./model.js";

/** The first of several names that the configuration has: files differ in them. */
function countOf(config: Config, ...names: [string, ...string[]]): number {
  return config.count(names.find((name) => config.has(name)) ?? names[0]);
}

export class Bloom extends DecoderModel {
  constructor(config: Config) {
    const dims = countOf(config, "hidden_size", "n_embed");
    const heads = countOf(config, "n_head", "num_attention_heads");
    const layers = countOf(config, "n_layer", "num_hidden_layers");
    config.expect("apply_residual_connection_post_layernorm", false);
    const activation = (x: mx.array) => nn.geluApprox(x);
    const norm = () => new nn.LayerNorm(dims, { eps: config.positive("layer_norm_epsilon", 1e-5) });
    super(config.with({ hidden_size: dims, num_hidden_layers: layers }), {
      layer: () =>
        new PreNormLayer(
          config,
          new AlibiAttention({ dims, heads, bias: true, headByHead: true }),
          new PlainMlp(dims, 4 * dims, { bias: true, activation }),
          { norm },
        ),
      norm: norm(),
      embedNorm: norm(),
    });
  }

  override sanitize(weights: Weights): Weights {
    return super.sanitize(
      renamed(weights, [
        // Some files have the names of the whole model, some those of its inner part.
        [/^transformer\./, ""],
        [/^word_embeddings\./, "model.embed_tokens."],
        [/^word_embeddings_layernorm\./, "model.embed_norm."],
        [/^ln_f\./, "model.norm."],
        [/^h\./, "model.layers."],
        [/\.self_attention\.query_key_value\./, ".self_attn.qkv_proj."],
        [/\.self_attention\.dense\./, ".self_attn.o_proj."],
        [/\.mlp\.dense_h_to_4h\./, ".mlp.up_proj."],
        [/\.mlp\.dense_4h_to_h\./, ".mlp.down_proj."],
      ]),
    );
  }
}
