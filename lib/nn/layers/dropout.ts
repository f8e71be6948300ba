/** Layers that leave things out in training. */

import { mismatch } from "../../core/call/errors.js";
import { optionsOf, share } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { Module } from "../module.js";

/** Options of {@link Dropout}. */
export interface DropoutOptions {
  /** The share of the elements that become zero, in [0, 1). By default 0.5. */
  p?: number | undefined;
}

const read = optionsOf<DropoutOptions>()("Dropout", { p: share(0.5) });

/**
 * In training, a share `p` of the elements, chosen at random, becomes zero, and
 * the rest is divided by `1 - p`. Otherwise the result is the input. Srivastava
 * et al., "Dropout", JMLR 15, 2014.
 *
 * @example
 * new nn.Dropout({ p: 0.9 }).eval().forward(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export class Dropout extends Module {
  readonly p: number;

  constructor(options?: DropoutOptions) {
    super();
    this.p = read(options).p;
  }

  forward(x: mx.array): mx.array {
    if (!(x instanceof mx.array)) {
      throw mismatch("Dropout.forward", "x", "an array", x);
    }
    if (this.p === 0 || !this.training) {
      return x;
    }
    const kept = 1 - this.p;
    return mx.random
      .bernoulli(kept, x.shape)
      .multiply(x)
      .multiply(1 / kept);
  }

  protected override describe(): string {
    return `p=${this.p}`;
  }
}
