/** Lion. */
import { number, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { betas, readBehindRate } from "./kinds.js";
import {
  average,
  type LearningRate,
  Optimizer,
  type ParameterState,
  rateOf,
  scaled,
  shared,
} from "./optimizer.js";

/** Options of {@link Lion}. */
export interface LionOptions {
  /**
   * The coefficients of the direction and of the running average. By default
   * `[0.9, 0.99]`.
   */
  betas?: readonly [number, number] | undefined;
  /** The weight decay, which is multiplied by the learning rate. By default 0. */
  weightDecay?: number | undefined;
}

const read = optionsOf<LionOptions>()("Lion", {
  betas: betas([0.9, 0.99]),
  weightDecay: number(0),
});

/**
 * Lion: `w -= learningRate * (sign(c) + weightDecay * w)`, where
 * `c = beta1 * m + (1 - beta1) * gradient` and `m` is a running average of the
 * gradient. Since all steps have the same size, the learning rate should be 3 to 10 times smaller
 * than AdamW's, and the weight decay as much larger.
 *
 * Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv 2302.06675.
 *
 * @throws RangeError for betas outside of [0, 1).
 * @example
 * const optimizer = new optim.Lion(0.25);
 * optimizer.applyGradients({ w: mx.array([0.1, -8]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.75, 1.25], dtype=float32) }
 */
export class Lion extends Optimizer {
  betas: readonly [number, number];
  weightDecay: number;

  constructor(learningRate: LearningRate, options?: LionOptions) {
    super();
    const given = readBehindRate(new.target.name, read, learningRate, options);
    this.betas = given.betas;
    this.weightDecay = given.weightDecay;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["m"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { dtype } = gradient;
    const [b1, b2] = this.betas;
    const m = state["m"] as mx.array;
    const rate = rateOf(this, dtype);
    state["m"] = average(this, b2, m, gradient);
    let w = parameter;
    if (this.weightDecay > 0) {
      const kept = shared(this, "kept", dtype, () =>
        mx.subtract(1, mx.multiply(rate, this.weightDecay)),
      );
      w = scaled(this, kept, w);
    }
    return mx.subtract(w, scaled(this, rate, mx.sign(average(this, b1, m, gradient))));
  }
}
