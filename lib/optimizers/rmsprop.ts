/** RMSprop. */
import { notNegative, optionsOf, positive } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { readBehindRate } from "./kinds.js";
import {
  average,
  type LearningRate,
  Optimizer,
  type ParameterState,
  rateOf,
  scaled,
  spread,
} from "./optimizer.js";

/** Options of {@link RMSprop}. */
export interface RMSpropOptions {
  /** The coefficient of the running average. By default 0.99. */
  alpha?: number | undefined;
  /** Added to the denominator. By default 1e-8. */
  eps?: number | undefined;
}

const read = optionsOf<RMSpropOptions>()("RMSprop", {
  alpha: notNegative(0.99),
  eps: positive(1e-8),
});

/**
 * RMSprop: `w -= learningRate * gradient / (sqrt(v) + eps)`, where `v` is a
 * running average of the gradient's square.
 *
 * Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera, 2012.
 *
 * @throws RangeError for a negative alpha and an eps that is not positive.
 * @example
 * const optimizer = new optim.RMSprop(0.1, { alpha: 0.75 });
 * optimizer.applyGradients({ w: mx.array([2, -3]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.8, 1.2], dtype=float32) }
 */
export class RMSprop extends Optimizer {
  alpha: number;
  eps: number;

  constructor(learningRate: LearningRate, options?: RMSpropOptions) {
    super();
    const given = readBehindRate(new.target.name, read, learningRate, options);
    this.alpha = given.alpha;
    this.eps = given.eps;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["v"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { alpha, eps } = this;
    const v = average(this, alpha, state["v"] as mx.array, mx.square(gradient));
    state["v"] = v;
    const step = scaled(this, rateOf(this, gradient.dtype), gradient);
    const root = mx.sqrt(v);
    return mx.subtract(parameter, mx.divide(step, mx.add(root, spread(this, eps, root))));
  }
}
