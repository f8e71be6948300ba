/** Phi 3: one layer for queries, keys and values, and one for the MLP. arXiv 2404.14219. */
import { mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import type { Mask } from "../masks.js";
import { attend, joinHeads, sizesOf, softmaxScoring, splitHeads } from "../parts/attention.js";
import { DecoderModel } from "../parts/decoder.js";
import { PreNormLayer } from "../parts/layer.js";
import { swiglu } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";
import { type Rope, ropeOf } from "../parts/rope.js";

class Attention extends nn.Module {
  readonly heads: number;
  readonly keyHeads: number;
  readonly headDim: number;
  qkvProj: nn.UnaryLayer;
  oProj: nn.UnaryLayer;
  readonly rope: Rope;

  constructor(config: Config) {
    super();
    const { dims, heads, keyHeads, headDim } = sizesOf(config);
    this.heads = heads;
    this.keyHeads = keyHeads;
    this.headDim = headDim;
    this.qkvProj = new nn.Linear(dims, (heads + 2 * keyHeads) * headDim, { bias: false });
    this.oProj = new nn.Linear(heads * headDim, dims, { bias: false });
    const rotated = (config.part("rope_parameters") ?? config).number("partial_rotary_factor", 1);
    this.rope = ropeOf(
      config,
      Math.floor(headDim * config.number("partial_rotary_factor", rotated)),
    );
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const { heads, keyHeads, headDim, rope } = this;
    const ends = [heads * headDim, (heads + keyHeads) * headDim] as const;
    const [q, k, v] = mx.split(this.qkvProj.forward(x), ends, -1);
    const out = attend(splitHeads(q, heads), splitHeads(k, keyHeads), splitHeads(v, keyHeads), {
      ...{ rope, cache, mask, score: softmaxScoring(headDim ** -0.5) },
    });
    return this.oProj.forward(joinHeads(out));
  }
}

class Mlp extends nn.Module {
  gateUpProj: nn.UnaryLayer;
  downProj: nn.UnaryLayer;

  constructor(config: Config) {
    super();
    config.expect("hidden_act", "silu");
    const dims = config.count("hidden_size");
    const hiddenDims = config.count("intermediate_size");
    this.gateUpProj = new nn.Linear(dims, 2 * hiddenDims, { bias: false });
    this.downProj = new nn.Linear(hiddenDims, dims, { bias: false });
  }

  forward(x: mx.array): mx.array {
    const [gate, up] = mx.split(this.gateUpProj.forward(x), 2, -1);
    return this.downProj.forward(swiglu(gate, up));
  }
}

export class Phi3 extends DecoderModel {
  constructor(config: Config) {
    super(config, {
      layer: () => new PreNormLayer(config, new Attention(config), new Mlp(config)),
      norm: rmsNorm(config),
    });
  }
}
