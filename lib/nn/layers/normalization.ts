/** Layers that normalize. */
import { checkOptions } from "../../core/call/arguments.js";
import * as mx from "../../core/index.js";
import { asEps, asPositive } from "../checks.js";
import { Module } from "../module.js";

/** Of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance; by default 1e-5. */
  eps?: number | undefined;
  /** Whether to scale and shift afterwards; by default it does. */
  affine?: boolean | undefined;
  /** Whether there is a shift; by default, where there is a scale. */
  bias?: boolean | undefined;
}

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
  bias?: mx.array;
  weight?: mx.array;
  readonly #dims: number;
  readonly #eps: number;

  constructor(dims: number, options: LayerNormOptions = {}) {
    super();
    checkOptions(options, ["eps", "affine", "bias"], "LayerNorm");
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.#dims = asPositive(dims, "LayerNorm", "dims");
    this.#eps = asEps(eps, "LayerNorm");
    if (affine) {
      if (bias) {
        this.bias = mx.zeros([dims]);
      }
      this.weight = mx.ones([dims]);
    }
  }

  forward(x: mx.array): mx.array {
    return mx.fast.layerNorm(x, this.weight ?? null, this.bias ?? null, this.#eps);
  }

  protected override describe(): string {
    return `${this.#dims}, eps=${this.#eps}, affine=${this.weight !== undefined}`;
  }
}

/** Of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean of the squares; by default 1e-5. */
  eps?: number | undefined;
}

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
  readonly #eps: number;

  constructor(dims: number, options: RMSNormOptions = {}) {
    super();
    checkOptions(options, ["eps"], "RMSNorm");
    this.weight = mx.ones([asPositive(dims, "RMSNorm", "dims")]);
    this.#eps = asEps(options.eps ?? 1e-5, "RMSNorm");
  }

  forward(x: mx.array): mx.array {
    return mx.fast.rmsNorm(x, this.weight, this.#eps);
  }

  protected override describe(): string {
    return `${this.weight.shape[0]}, eps=${this.#eps}`;
  }
}
