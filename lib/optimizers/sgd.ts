/** Stochastic gradient descent. */
import { outOfRange } from "../core/call/errors.js";
import { flag, number, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { readBehindRate } from "./kinds.js";
import { type LearningRate, Optimizer, type ParameterState, rateOf, scaled } from "./optimizer.js";

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** The share of the last step that is added to this one. By default 0. */
  momentum?: number | undefined;
  /** The L2 penalty. By default 0. */
  weightDecay?: number | undefined;
  /** The share of the gradient that the momentum leaves out. By default 0. */
  dampening?: number | undefined;
  /** Whether the momentum looks ahead. By default false. */
  nesterov?: boolean | undefined;
}

const read = optionsOf<SGDOptions>()("SGD", {
  momentum: number(0),
  weightDecay: number(0),
  dampening: number(0),
  nesterov: flag(false),
});

/**
 * Stochastic gradient descent: `w -= learningRate * v`, where the momentum
 * collects gradients in `v = momentum * v + (1 - dampening) * gradient`. With a
 * weight decay `weightDecay * w` is added to the gradient first.
 *
 * Nesterov's momentum as in Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", ICML 2013.
 *
 * @throws RangeError for Nesterov's momentum without momentum or with dampening.
 * @example
 * const optimizer = new optim.SGD(0.5, { momentum: 0.5 });
 * let w = { a: mx.array([1, 2]) };
 * w = optimizer.applyGradients({ a: mx.array([1, -1]) }, w);
 * w = optimizer.applyGradients({ a: mx.array([1, -1]) }, w);
 * w
 * // { a: array([-0.25, 3.25], dtype=float32) }
 */
export class SGD extends Optimizer {
  momentum: number;
  weightDecay: number;
  dampening: number;
  nesterov: boolean;

  constructor(learningRate: LearningRate, options?: SGDOptions) {
    super();
    const given = readBehindRate(new.target.name, read, learningRate, options);
    this.momentum = given.momentum;
    this.weightDecay = given.weightDecay;
    this.dampening = given.dampening;
    this.nesterov = given.nesterov;
    if (this.nesterov && !(this.momentum > 0 && this.dampening === 0)) {
      const expected = "a momentum of more than 0 and no dampening beside it";
      throw outOfRange("SGD", "nesterov", expected, options);
    }
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["v"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { momentum, weightDecay, dampening, nesterov } = this;
    const g = weightDecay === 0 ? gradient : mx.add(gradient, scaled(this, weightDecay, parameter));
    let update = g;
    if (momentum > 0) {
      const fresh = dampening > 0 ? scaled(this, 1 - dampening, g) : g;
      const v = mx.add(scaled(this, momentum, state["v"] as mx.array), fresh);
      state["v"] = v;
      update = nesterov ? mx.add(g, scaled(this, momentum, v)) : v;
    }
    return mx.subtract(parameter, scaled(this, rateOf(this, g.dtype), update));
  }
}
