/** Adagrad and AdaDelta. */
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

/** Options of {@link Adagrad}. */
export interface AdagradOptions {
  /** Added to the denominator. By default 1e-8. */
  eps?: number | undefined;
}

/** Options of {@link AdaDelta}. */
export interface AdaDeltaOptions {
  /** The coefficient of the running averages. By default 0.9. */
  rho?: number | undefined;
  /** Added under the roots. By default 1e-6. */
  eps?: number | undefined;
}

const readAdagrad = optionsOf<AdagradOptions>()("Adagrad", { eps: positive(1e-8) });

/**
 * Adagrad: `w -= learningRate * gradient / (sqrt(v) + eps)`, where `v` is the sum
 * of the squares of all gradients.
 *
 * Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and
 * Stochastic Optimization", JMLR 12, 2011.
 *
 * @throws RangeError for an eps that is not positive.
 * @example
 * const optimizer = new optim.Adagrad(0.1);
 * optimizer.applyGradients({ w: mx.array([2, -3]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.9, 1.1], dtype=float32) }
 */
export class Adagrad extends Optimizer {
  eps: number;

  constructor(learningRate: LearningRate, options?: AdagradOptions) {
    super();
    const given = readBehindRate(new.target.name, readAdagrad, learningRate, options);
    this.eps = given.eps;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["v"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const v = mx.add(state["v"] as mx.array, mx.square(gradient));
    state["v"] = v;
    const step = scaled(this, rateOf(this, gradient.dtype), gradient);
    const root = mx.sqrt(v);
    return mx.subtract(parameter, mx.divide(step, mx.add(root, spread(this, this.eps, root))));
  }
}

const readAdaDelta = optionsOf<AdaDeltaOptions>()("AdaDelta", {
  rho: notNegative(0.9),
  eps: positive(1e-6),
});

/**
 * AdaDelta with a learning rate: `w -= learningRate * d`, where
 * `d = sqrt(u + eps) / sqrt(v + eps) * gradient` and `u` and `v` are running
 * averages of the squares of `d` and of the gradient.
 *
 * Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv 1212.5701.
 *
 * @throws RangeError for a negative rho and an eps that is not positive.
 * @example
 * const optimizer = new optim.AdaDelta(1, { rho: 0.75, eps: 1 });
 * optimizer.applyGradients({ w: mx.array([0, -2]) }, { w: mx.array([1, 1]) })
 * // { w: array([1, 2.41421], dtype=float32) }
 */
export class AdaDelta extends Optimizer {
  rho: number;
  eps: number;

  constructor(learningRate: LearningRate, options?: AdaDeltaOptions) {
    super();
    const given = readBehindRate(new.target.name, readAdaDelta, learningRate, options);
    this.rho = given.rho;
    this.eps = given.eps;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["v"] = mx.zerosLike(parameter);
    state["u"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { rho, eps } = this;
    const u = state["u"] as mx.array;
    const v = average(this, rho, state["v"] as mx.array, mx.square(gradient));
    const root = (x: mx.array) => mx.sqrt(mx.add(x, spread(this, eps, x)));
    const ratio = mx.divide(root(u), root(v));
    const step = mx.multiply(ratio, gradient);
    state["v"] = v;
    state["u"] = average(this, rho, u, mx.square(step));
    return mx.subtract(parameter, scaled(this, rateOf(this, gradient.dtype), step));
  }
}
