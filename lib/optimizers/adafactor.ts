/** Adafactor. */
import { flag, nullable, number, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { pair, rate, readOptions } from "./kinds.js";
import { type LearningRate, Optimizer, type ParameterState, shared } from "./optimizer.js";

/** Options of {@link Adafactor}. */
export interface AdafactorOptions {
  /** Needed if `relativeStep` is false, and ignored if it is true. */
  learningRate?: LearningRate | null | undefined;
  /**
   * Added to the gradient's square, and the least scale of a parameter. By
   * default `[1e-30, 1e-3]`.
   */
  eps?: readonly [number, number] | undefined;
  /** The largest root mean square of an update. By default 1. */
  clipThreshold?: number | undefined;
  /**
   * How fast averages forget: in each step they lose a share of `step ** decayRate`. By default
   * -0.8.
   */
  decayRate?: number | undefined;
  /** The coefficient of a running average of updates. By default there is none. */
  beta1?: number | null | undefined;
  /** The weight decay, which is multiplied by the learning rate. By default 0. */
  weightDecay?: number | undefined;
  /**
   * Whether the learning rate is multiplied by a parameter's root mean square.
   * By default true.
   */
  scaleParameter?: boolean | undefined;
  /**
   * Whether the learning rate comes from the step: the smaller of 0.01 and
   * `1 / sqrt(step)`. By default true.
   */
  relativeStep?: boolean | undefined;
  /** Whether 1e-6 times the step takes the place of that 0.01, as a warm-up. By default false. */
  warmupInit?: boolean | undefined;
}

const read = optionsOf<AdafactorOptions>()("Adafactor", {
  learningRate: nullable(rate()),
  eps: pair([1e-30, 1e-3]),
  clipThreshold: number(1),
  decayRate: number(-0.8),
  beta1: nullable(number()),
  weightDecay: number(0),
  scaleParameter: flag(true),
  relativeStep: flag(true),
  warmupInit: flag(false),
});

/**
 * Adafactor: of a matrix it remembers only the average squares of the gradient's
 * rows and columns, so that it needs little memory. It may be used without a
 * learning rate.
 *
 * Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory
 * Cost", ICML 2018, arXiv 1804.04235.
 *
 * @example
 * const optimizer = new optim.Adafactor({ learningRate: 0.5, relativeStep: false });
 * optimizer.applyGradients({ w: mx.array([2, -2]) }, { w: mx.array([1, 1]) })
 * // { w: array([0.5, 1.5], dtype=float32) }
 */
export class Adafactor extends Optimizer {
  eps: readonly [number, number];
  clipThreshold: number;
  decayRate: number;
  beta1: number | null;
  weightDecay: number;
  scaleParameter: boolean;
  relativeStep: boolean;
  warmupInit: boolean;

  constructor(options?: AdafactorOptions) {
    super();
    const given = readOptions("Adafactor", read, options);
    this.eps = given.eps;
    this.clipThreshold = given.clipThreshold;
    this.decayRate = given.decayRate;
    this.beta1 = given.beta1;
    this.weightDecay = given.weightDecay;
    this.scaleParameter = given.scaleParameter;
    this.relativeStep = given.relativeStep;
    this.warmupInit = given.warmupInit;
    if (given.learningRate !== null) {
      this.schedule("learningRate", given.learningRate);
    }
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    const { shape, dtype } = parameter;
    if (shape.length >= 2) {
      state["expAvgSqRow"] = mx.zeros(shape.slice(0, -1), dtype);
      state["expAvgSqCol"] = mx.zeros([...shape.slice(0, -2), ...shape.slice(-1)], dtype);
    } else {
      state["expAvgSq"] = mx.zerosLike(parameter);
    }
    if (this.beta1 !== null) {
      state["expAvg"] = mx.zerosLike(parameter);
    }
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { beta1, weightDecay } = this;
    const { dtype } = parameter;
    const forget = shared(this, "forget", dtype, () => {
      const power = mx.power(mx.astype(this.step, mx.float32), this.decayRate);
      return mx.astype(power, dtype);
    });
    const keep = shared(this, "keep", dtype, () => mx.subtract(1, forget));
    const fresh = shared(this, "fresh", dtype, () => mx.subtract(1, keep));
    const average = (name: string, value: mx.array) => {
      const old = mx.multiply(keep, state[name] as mx.array);
      const now = mx.add(old, mx.multiply(fresh, value));
      state[name] = now;
      return now;
    };

    const square = mx.add(mx.square(gradient), this.eps[0]);
    let update: mx.array;
    if (gradient.ndim >= 2) {
      const row = average("expAvgSqRow", mx.mean(square, -1));
      const column = average("expAvgSqCol", mx.mean(square, -2));
      const rowScale = mx.rsqrt(mx.divide(row, mx.mean(row, -1, { keepdims: true })));
      update = mx.multiply(
        mx.multiply(mx.expandDims(rowScale, -1), mx.expandDims(mx.rsqrt(column), -2)),
        gradient,
      );
    } else {
      update = mx.multiply(mx.rsqrt(average("expAvgSq", square)), gradient);
    }
    const excess = mx.divide(rootMeanSquare(update), this.clipThreshold);
    const rate = this.#rateOf(parameter);
    update = mx.multiply(rate, mx.divide(update, mx.maximum(1, excess)));
    if (beta1 !== null) {
      const old = mx.multiply(beta1, state["expAvg"] as mx.array);
      update = mx.add(old, mx.multiply(1 - beta1, update));
      state["expAvg"] = update;
    }
    const w =
      weightDecay === 0
        ? parameter
        : mx.add(parameter, mx.multiply(parameter, mx.multiply(-weightDecay, rate)));
    return mx.subtract(w, update);
  }

  #rateOf(parameter: mx.array): mx.array {
    const { dtype } = parameter;
    const size = shared(this, "size", dtype, () => mx.astype(this.#stepSize(), dtype));
    return this.scaleParameter
      ? mx.multiply(mx.maximum(this.eps[1], rootMeanSquare(parameter)), size)
      : size;
  }

  #stepSize(): mx.array {
    if (!this.relativeStep) {
      return this.learningRate;
    }
    const step = mx.astype(this.step, mx.float32);
    return mx.minimum(this.warmupInit ? mx.multiply(1e-6, step) : 1e-2, mx.rsqrt(step));
  }
}

function rootMeanSquare(x: mx.array): mx.array {
  return mx.sqrt(mx.mean(mx.square(x)));
}
