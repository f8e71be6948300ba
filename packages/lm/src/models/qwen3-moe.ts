/** Qwen 3 with experts: "Qwen3", arXiv 2505.09388. */
import { mx } from "mlx-js";
import type { Config } from "../config.js";
import { DecoderModel } from "../parts/decoder.js";
import { MixtureOfExperts } from "../parts/experts.js";
import { PreNormLayer } from "../parts/layer.js";
import { GatedMlp } from "../parts/mlp.js";
import { rmsNorm } from "../parts/norm.js";
import type { Weights } from "./model.js";
import { Qwen3Attention } from "./qwen3.js";

/** Whether a layer has experts: each `decoder_sparse_step`-th one, but for those that are named. */
function isSparse(config: Config, layer: number): boolean {
  const dense = config.numbers("mlp_only_layers", []);
  return !dense.includes(layer) && (layer + 1) % config.count("decoder_sparse_step", 1) === 0;
}

export class Qwen3Moe extends DecoderModel {
  readonly experts: number;

  constructor(config: Config) {
    super(config, {
      layer: (i) =>
        new PreNormLayer(
          config,
          new Qwen3Attention(config),
          isSparse(config, i) ? new MixtureOfExperts(config) : new GatedMlp(config),
        ),
      norm: rmsNorm(config),
    });
    this.experts = config.count("num_experts");
  }

  /** Files of others have each expert by itself. */
  override sanitize(weights: Weights): Weights {
    const joined: Weights = {};
    const isExpert = /^(.*\.mlp)\.experts\.(\d+)\.(.*)$/;
    for (const [name, weight] of Object.entries(super.sanitize(weights))) {
      const [, mlp, number, rest] = isExpert.exec(name) ?? [];
      if (number === undefined) {
        joined[name] = weight;
      } else if (number === "0") {
        const all = Array.from(
          { length: this.experts },
          (_, i) => weights[`${mlp}.experts.${i}.${rest}`],
        );
        if (all.every((x) => x !== undefined)) {
          joined[`${mlp}.switch_mlp.${rest}`] = mx.stack(all);
        }
      }
    }
    return joined;
  }
}
