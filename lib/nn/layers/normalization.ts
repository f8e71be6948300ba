/** Layers that normalize. */
import { asCount } from "../../core/call/numbers.js";
import { flag, optionsOf, positive } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { Module } from "../module.js";

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. By default 1e-5. */
  eps?: number | undefined;
  /** Whether to scale by `weight` and to shift by `bias`. By default true. */
  affine?: boolean | undefined;
  /** Whether there is a `bias`, if there is a `weight`. By default true. */
  bias?: boolean | undefined;
}

const readLayerNorm = optionsOf<LayerNormOptions>()("LayerNorm", {
  eps: positive(1e-5),
  affine: flag(true),
  bias: flag(true),
});

/**
 * The last axis, of `dims` numbers, with mean 0 and variance 1, then scaled by
 * `weight` and shifted by `bias`. Ba, Kiros, Hinton, "Layer Normalization",
 * arXiv 1607.06450.
 *
 * @example
 * new nn.LayerNorm(2).forward(mx.array([1, 3]))
 * // array([-0.999995, 0.999995], dtype=float32)
 */
export class LayerNorm extends Module {
  weight?: mx.array;
  bias?: mx.array;
  readonly eps: number;
  readonly dims: number;

  constructor(dims: number, options?: LayerNormOptions) {
    super();
    const { eps, affine, bias } = readLayerNorm(options);
    this.dims = asCount(dims, "LayerNorm", "dims");
    this.eps = eps;
    if (affine) {
      this.weight = mx.ones([dims]);
      if (bias) {
        this.bias = mx.zeros([dims]);
      }
    }
  }

  forward(x: mx.array): mx.array {
    return mx.fast.layerNorm(x, this.weight ?? null, this.bias ?? null, this.eps);
  }

  protected override describe(): string {
    return `${this.dims}, eps=${this.eps}, affine=${this.weight !== undefined}`;
  }
}

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean of the squares. By default 1e-5. */
  eps?: number | undefined;
}

const readRMSNorm = optionsOf<RMSNormOptions>()("RMSNorm", { eps: positive(1e-5) });

/**
 * The last axis, of `dims` numbers, divided by its root mean square, which is
 * computed in float32, and scaled by `weight`. Zhang, Sennrich, "Root Mean
 * Square Layer Normalization", arXiv 1910.07467.
 *
 * @example
 * new nn.RMSNorm(2).forward(mx.array([1, 7]))
 * // array([0.2, 1.4], dtype=float32)
 */
export class RMSNorm extends Module {
  weight: mx.array;
  readonly eps: number;

  constructor(dims: number, options?: RMSNormOptions) {
    super();
    const { eps } = readRMSNorm(options);
    this.weight = mx.ones([asCount(dims, "RMSNorm", "dims")]);
    this.eps = eps;
  }

  forward(x: mx.array): mx.array {
    return mx.fast.rmsNorm(x, this.weight, this.eps);
  }

  protected override describe(): string {
    return `${this.weight.shape[0]}, eps=${this.eps}`;
  }
}
