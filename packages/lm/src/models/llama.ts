/** Llama, with SmolLM2 and Mistral: "Llama 2", arXiv 2307.09288; "Mistral 7B", arXiv 2310.06825. */
import type { Config } from "../config.js";
import { Attention } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { isSliding, PreNormLayer } from "../parts/layer.js";
import { GatedMlp } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";

/** How many tokens a layer sees: all, or in some models those in a window. */
function windowOf(config: Config, layer: number): number | undefined {
  const isMistral = config.text("model_type") === "mistral" && config.has("sliding_window");
  return (isSliding(config, layer) ?? isMistral) ? config.count("sliding_window") : undefined;
}

export class Llama extends DecoderModel {
  constructor(config: Config) {
    const attention = { bias: config.flag("attention_bias", false) };
    const mlp = { bias: config.flag("mlp_bias", false) };
    super(config, {
      layer: (i) =>
        new PreNormLayer(config, new Attention(config, attention), new GatedMlp(config, mlp), {
          window: windowOf(config, i),
        }),
      norm: rmsNorm(config),
    });
  }
}
