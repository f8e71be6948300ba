/** Adam and its variants. */
import { flag, notNegative, number, optionsOf } from "../core/call/options.js";
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
  spread,
} from "./optimizer.js";

/** Options of {@link Adam}. */
export interface AdamOptions {
  /**
   * The coefficients of the running averages of the gradient and of its square.
   * By default `[0.9, 0.999]`.
   */
  betas?: readonly [number, number] | undefined;
  /** Added to the denominator. By default 1e-8. */
  eps?: number | undefined;
  /** Whether the averages are corrected for their start at 0. By default false. */
  biasCorrection?: boolean | undefined;
}

/** Options of {@link AdamW}. */
export interface AdamWOptions extends AdamOptions {
  /** The weight decay, which is multiplied by the learning rate. By default 0.01. */
  weightDecay?: number | undefined;
}

/** Options of {@link Adamax}. */
export interface AdamaxOptions {
  /**
   * The coefficients of the running average of the gradient and of its largest
   * magnitude. By default `[0.9, 0.999]`.
   */
  betas?: readonly [number, number] | undefined;
  /** Added to the denominator. By default 1e-8. */
  eps?: number | undefined;
}

const averages = { betas: betas([0.9, 0.999]), eps: notNegative(1e-8) };
const adam = { ...averages, biasCorrection: flag(false) };

const readAdam = optionsOf<AdamOptions>()("Adam", adam);

/**
 * Adam: `w -= learningRate * m / (sqrt(v) + eps)`, where `m` and `v` are running
 * averages of the gradient and of its square. As in Python's MLX the bias of
 * their first values is only corrected on request.
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
 * arXiv 1412.6980.
 *
 * @throws RangeError for betas outside of [0, 1) and a negative eps.
 * @example
 * const optimizer = new optim.Adam(0.5, { betas: [0.5, 0.75], biasCorrection: true });
 * optimizer.applyGradients({ w: mx.array([0.5, -4]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.5, 1.5], dtype=float32) }
 */
export class Adam extends Optimizer {
  betas: readonly [number, number];
  eps: number;
  biasCorrection: boolean;

  constructor(learningRate: LearningRate, options?: AdamOptions) {
    super();
    const given = readBehindRate(new.target.name, readAdam, learningRate, options);
    this.betas = given.betas;
    this.eps = given.eps;
    this.biasCorrection = given.biasCorrection;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["m"] = mx.zerosLike(parameter);
    state["v"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { dtype } = gradient;
    const [b1, b2] = this.betas;
    const rate = rateOf(this, dtype);
    const m = average(this, b1, state["m"] as mx.array, gradient);
    const v = average(this, b2, state["v"] as mx.array, mx.square(gradient));
    state["m"] = m;
    state["v"] = v;
    if (!this.biasCorrection) {
      const root = mx.sqrt(v);
      const denominator = mx.add(root, spread(this, this.eps, root));
      return mx.subtract(parameter, mx.divide(scaled(this, rate, m), denominator));
    }
    const c1 = shared(this, "c1", dtype, () =>
      mx.astype(mx.divide(rate, this.#unbiased(b1)), dtype),
    );
    const c2 = shared(this, "c2", dtype, () => mx.astype(mx.rsqrt(this.#unbiased(b2)), dtype));
    const root = scaled(this, c2, mx.sqrt(v));
    const denominator = mx.add(root, spread(this, this.eps, root));
    return mx.subtract(parameter, mx.divide(scaled(this, c1, m), denominator));
  }

  // The share of a running average that does not come from its start at 0.
  #unbiased(beta: number): mx.array {
    return mx.subtract(1, mx.power(beta, mx.astype(this.step, mx.float32)));
  }
}

const readAdamW = optionsOf<AdamWOptions>()("AdamW", { ...adam, weightDecay: number(0.01) });

/**
 * Adam with a weight decay of its own: before the step of {@link Adam}, `w`
 * becomes `w * (1 - learningRate * weightDecay)`.
 *
 * Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
 * arXiv 1711.05101.
 *
 * @throws RangeError for betas outside of [0, 1) and a negative eps.
 * @example
 * const optimizer = new optim.AdamW(0.5, {
 *   betas: [0.5, 0.75],
 *   biasCorrection: true,
 *   weightDecay: 0.1,
 * });
 * optimizer.applyGradients({ w: mx.array([0.5, -4]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.45, 1.45], dtype=float32) }
 */
export class AdamW extends Adam {
  weightDecay: number;

  constructor(learningRate: LearningRate, options?: AdamWOptions) {
    const { weightDecay, ...adam } = readBehindRate(
      new.target.name,
      readAdamW,
      learningRate,
      options,
    );
    super(learningRate, adam);
    this.weightDecay = weightDecay;
  }

  override applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { dtype } = gradient;
    const kept = shared(this, "kept", dtype, () =>
      mx.subtract(1, mx.multiply(rateOf(this, dtype), this.weightDecay)),
    );
    return super.applySingle(gradient, scaled(this, kept, parameter), state);
  }
}

const readAdamax = optionsOf<AdamaxOptions>()("Adamax", averages);

/**
 * Adam with the largest recent gradient in place of the root of the average
 * square: `w -= learningRate * m / (v + eps)`, where `v` is the larger of
 * `beta2 * v` and the gradient's magnitude. There is no correction of the bias.
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
 * arXiv 1412.6980, section 7.1.
 *
 * @throws RangeError for betas outside of [0, 1) and a negative eps.
 * @example
 * const optimizer = new optim.Adamax(0.5);
 * optimizer.applyGradients({ w: mx.array([2, -3]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.95, 1.05], dtype=float32) }
 */
export class Adamax extends Adam {
  constructor(learningRate: LearningRate, options?: AdamaxOptions) {
    super(learningRate, readBehindRate(new.target.name, readAdamax, learningRate, options));
  }

  override applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const [b1, b2] = this.betas;
    const m = average(this, b1, state["m"] as mx.array, gradient);
    const v = mx.maximum(scaled(this, b2, state["v"] as mx.array), mx.abs(gradient));
    state["m"] = m;
    state["v"] = v;
    const step = mx.divide(
      scaled(this, rateOf(this, gradient.dtype), m),
      mx.add(v, spread(this, this.eps, v)),
    );
    return mx.subtract(parameter, step);
  }
}
