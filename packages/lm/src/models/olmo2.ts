/** OLMo 2: norms after the attention and after the MLP. "2 OLMo 2 Furious", arXiv 2501.00656. */
import { type mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import type { Mask } from "../masks.js";
import { Attention, sizesOf, splitHeads } from "../parts/attention.js";
import { type DecoderLayer, DecoderModel } from "../parts/decoder.js";
import { GatedMlp } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";

class Olmo2Attention extends Attention {
  qNorm: nn.UnaryLayer;
  kNorm: nn.UnaryLayer;

  constructor(config: Config) {
    super(config, { bias: config.flag("attention_bias", false) });
    const { heads, keyHeads, headDim } = sizesOf(config);
    this.qNorm = rmsNorm(config, heads * headDim);
    this.kNorm = rmsNorm(config, keyHeads * headDim);
  }

  protected override project(x: mx.array): [mx.array, mx.array, mx.array] {
    return [
      splitHeads(this.qNorm.forward(this.qProj.forward(x)), this.heads),
      splitHeads(this.kNorm.forward(this.kProj.forward(x)), this.keyHeads),
      splitHeads(this.vProj.forward(x), this.keyHeads),
    ];
  }
}

class Layer extends nn.Module implements DecoderLayer {
  selfAttn: Olmo2Attention;
  mlp: GatedMlp;
  postAttentionLayernorm: nn.UnaryLayer;
  postFeedforwardLayernorm: nn.UnaryLayer;

  constructor(config: Config) {
    super();
    this.selfAttn = new Olmo2Attention(config);
    this.mlp = new GatedMlp(config, { bias: config.flag("mlp_bias", false) });
    this.postAttentionLayernorm = rmsNorm(config);
    this.postFeedforwardLayernorm = rmsNorm(config);
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const h = x.add(this.postAttentionLayernorm.forward(this.selfAttn.forward(x, mask, cache)));
    return h.add(this.postFeedforwardLayernorm.forward(this.mlp.forward(h)));
  }
}

export class Olmo2 extends DecoderModel {
  constructor(config: Config) {
    super(config, { layer: () => new Layer(config), norm: rmsNorm(config) });
  }
}
