import { mx, nn } from "mlx-js";
import type { Config } from "../config.js";

/** The norm of a model: over its size, with the epsilon of its configuration. */
export function rmsNorm(config: Config, dims = config.count("hidden_size")): nn.RMSNorm {
  return new nn.RMSNorm(dims, { eps: config.positive("rms_norm_eps", 1e-5) });
}

/** An RMSNorm whose weight says how far its factor is from 1. */
export class OffsetRMSNorm extends nn.Module {
  weight: mx.array;
  readonly eps: number;

  constructor(config: Config, dims = config.count("hidden_size")) {
    super();
    this.weight = mx.zeros([dims]);
    this.eps = config.positive("rms_norm_eps", 1e-6);
  }

  forward(x: mx.array): mx.array {
    return mx.fast.rmsNorm(x, mx.add(this.weight, 1), this.eps);
  }
}
