/** Qwen 2 and 2.5: Llama with biases for queries, keys and values. "Qwen2", arXiv 2407.10671. */
import type { Config } from "../config.js";
import { Attention } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { PreNormLayer } from "../parts/layer.js";
import { GatedMlp } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";

export class Qwen2 extends DecoderModel {
  constructor(config: Config) {
    const bias = { bias: true, outputBias: false };
    super(config, {
      layer: () => new PreNormLayer(config, new Attention(config, bias), new GatedMlp(config)),
      norm: rmsNorm(config),
    });
  }
}
