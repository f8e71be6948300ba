/** Qwen 3: queries and keys have norms, head by head. "Qwen3", arXiv 2505.09388. */
import type { mx, nn } from "mlx-js";
import type { Config } from "../config.js";
import { Attention, sizesOf } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { PreNormLayer } from "../parts/layer.js";
import { GatedMlp } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";

export class Qwen3Attention extends Attention {
  qNorm: nn.UnaryLayer;
  kNorm: nn.UnaryLayer;

  constructor(config: Config) {
    super(config, { bias: config.flag("attention_bias", false) });
    const { headDim } = sizesOf(config);
    this.qNorm = rmsNorm(config, headDim);
    this.kNorm = rmsNorm(config, headDim);
  }

  protected override project(x: mx.array): [mx.array, mx.array, mx.array] {
    const [queries, keys, values] = super.project(x);
    return [this.qNorm.forward(queries), this.kNorm.forward(keys), values];
  }
}

export class Qwen3 extends DecoderModel {
  constructor(config: Config) {
    super(config, {
      layer: () => new PreNormLayer(config, new Qwen3Attention(config), new GatedMlp(config)),
      norm: rmsNorm(config),
    });
  }
}
