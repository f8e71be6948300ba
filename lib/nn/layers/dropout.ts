/** Layers that leave things out in training. */
import { checkOptions } from "../../core/call/arguments.js";
import { mismatch } from "../../core/call/errors.js";
import * as mx from "../../core/index.js";
import { asProbability } from "../checks.js";
import { Module } from "../module.js";

/**
 * In training, zeros in place of a share `p` of the elements, at random, and
 * the rest divided by `1 - p`; otherwise the input. Srivastava et al.,
 * "Dropout", JMLR 15, 2014.
 *
 * @example
 * new nn.Dropout({ p: 0.9 }).eval().forward(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export class Dropout extends Module {
  readonly #kept: number;

  constructor(options: { p?: number | undefined } = {}) {
    super();
    checkOptions(options, ["p"], "Dropout");
    this.#kept = 1 - asProbability(options.p ?? 0.5, "Dropout", "p");
  }

  forward(x: mx.array): mx.array {
    if (!(x instanceof mx.array)) {
      throw mismatch("Dropout.forward", "x", "an array", x);
    }
    if (this.#kept === 1 || !this.training) {
      return x;
    }
    const mask = mx.random.bernoulli(this.#kept, x.shape);
    return mx.multiply(mx.multiply(mask, x), 1 / this.#kept);
  }

  protected override describe(): string {
    return `p=${1 - this.#kept}`;
  }
}
