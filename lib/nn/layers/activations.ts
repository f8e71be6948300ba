/** Activations, as functions and as layers. */

import { asArray } from "../../core/array/array.js";
import { integerElements } from "../../core/call/arguments.js";
import { outOfRange, refuseMore, renamed } from "../../core/call/errors.js";
import { asInteger } from "../../core/call/numbers.js";
import { count, integer, kindOf, number, oneOf, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { fused } from "../fused.js";
import { checkShape, floating } from "../layer.js";
import { Module, type UnaryLayer } from "../module.js";

/** Options of activations along an axis. */
export interface AxisOptions {
  /** The axis or several. By default -1, the last. */
  axis?: number | readonly number[] | undefined;
}

const axes = kindOf<number | readonly number[]>((value, fn, param) =>
  typeof value === "number" ? asInteger(value, fn, param) : integerElements(value, fn, param),
);

const readAxis = optionsOf<AxisOptions>()("softmax", { axis: axes(-1) });

/** Options of `leakyRelu` and `LeakyReLU`. */
export interface LeakyReLUOptions {
  /** The slope left of zero. By default 0.01. */
  negativeSlope?: number | undefined;
}

const readSlope = optionsOf<LeakyReLUOptions>()("LeakyReLU", { negativeSlope: number(0.01) });

/** Options of `elu`, `celu` and their layers. */
export interface ELUOptions {
  /** The negative of the limit on the left. By default 1. */
  alpha?: number | undefined;
}

const readAlpha = optionsOf<ELUOptions>()("ELU", { alpha: number(1) });

/** Options of `hardShrink`, `softshrink` and their layers. */
export interface ShrinkOptions {
  /** Values within plus and minus `lambd` become 0. By default 0.5. */
  lambd?: number | undefined;
}

const readLambd = optionsOf<ShrinkOptions>()("Softshrink", { lambd: number(0.5) });

/** Options of `hardTanh`. */
export interface HardTanhOptions {
  /** The smallest value. By default -1. */
  minVal?: number | undefined;
  /** The largest value. By default 1. */
  maxVal?: number | undefined;
}

const readBounds = optionsOf<HardTanhOptions>()("hardTanh", {
  minVal: number(-1),
  maxVal: number(1),
});

/** Options of `step` and `Step`. */
export interface StepOptions {
  /** From where on the result is 1. By default 0. */
  threshold?: number | undefined;
}

const readThreshold = optionsOf<StepOptions>()("Step", { threshold: number(0) });

/** Options of `glu` and `GLU`. */
export interface GLUOptions {
  /** The axis that is halved. By default -1, the last. */
  axis?: number | undefined;
}

const readHalved = optionsOf<GLUOptions>()("GLU", { axis: integer(-1) });

/** Options of `GELU`. */
export interface GELUOptions {
  /**
   * `"none"` for {@link gelu}, `"precise"` or `"tanh"` for {@link geluApprox},
   * `"fast"` for {@link geluFastApprox}. By default `"none"`.
   */
  approx?: "none" | "precise" | "tanh" | "fast" | undefined;
}

const readApprox = optionsOf<GELUOptions>()("GELU", {
  approx: oneOf(["none", "precise", "tanh", "fast"], "none"),
});

/** Options of `PReLU`. */
export interface PReLUOptions {
  /** How many slopes are learned: 1, or one for each entry of the last axis. By default 1. */
  numParameters?: number | undefined;
  /** The slopes to begin with. By default 0.25. */
  init?: number | undefined;
}

const readPReLU = optionsOf<PReLUOptions>()("PReLU", {
  numParameters: count(1),
  init: number(0.25),
});

/**
 * The logistic function, `1 / (1 + exp(-x))`.
 *
 * @example
 * nn.sigmoid(mx.array([-2, 0, 2]))
 * // array([0.119203, 0.5, 0.880797], dtype=float32)
 */
export function sigmoid(x: mx.array): mx.array {
  return mx.sigmoid(x);
}

/**
 * The rectified linear unit, `max(x, 0)`.
 *
 * Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann
 * Machines", 2010.
 *
 * @example
 * nn.relu(mx.array([-2, 0, 2]))
 * // array([0, 0, 2], dtype=float32)
 */
export function relu(x: mx.array): mx.array {
  try {
    return mx.maximum(x, 0);
  } catch (error) {
    throw renamed(error, "relu", "x");
  }
}

/**
 * The square of the rectified linear unit, `max(x, 0)^2`.
 *
 * So et al., "Primer: Searching for Efficient Transformers for Language
 * Modeling", arXiv 2109.08668.
 *
 * @example
 * nn.relu2(mx.array([-2, 0, 2]))
 * // array([0, 0, 4], dtype=float32)
 */
export function relu2(x: mx.array): mx.array {
  return fused("relu2", [x], (x) => mx.square(relu(x)));
}

/**
 * The rectified linear unit up to 6, `min(max(x, 0), 6)`.
 *
 * Howard et al., "MobileNets: Efficient Convolutional Neural Networks for
 * Mobile Vision Applications", arXiv 1704.04861.
 *
 * @example
 * nn.relu6(mx.array([-2, 2, 8]))
 * // array([0, 2, 6], dtype=float32)
 */
export function relu6(x: mx.array): mx.array {
  return fused("relu6", [x], (x) => mx.minimum(relu(floating(x)), 6));
}

/**
 * The rectified linear unit with a slope left of zero,
 * `max(negativeSlope * x, x)`.
 *
 * Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic
 * Models", 2013.
 *
 * @example
 * nn.leakyRelu(mx.array([-2, 0, 2]), { negativeSlope: 0.25 })
 * // array([-0.5, 0, 2], dtype=float32)
 */
export function leakyRelu(x: mx.array, options?: LeakyReLUOptions): mx.array {
  const { negativeSlope } = readSlope(options, "leakyRelu");
  return fused("leakyRelu", [x, negativeSlope], (x, negativeSlope) => {
    const y = floating(x);
    return mx.maximum(mx.multiply(negativeSlope, y), y);
  });
}

/**
 * The logarithm of the softmax, without overflow.
 *
 * @example
 * nn.logSoftmax(mx.array([[0, 0], [1000, 0]]))
 * // array([[-0.693147, -0.693147],
 * //        [0, -1000]], dtype=float32)
 */
export function logSoftmax(x: mx.array, options?: AxisOptions): mx.array {
  const { axis } = readAxis(options, "logSoftmax");
  try {
    // The largest is subtracted first, so that the logarithm is not rounded away beside it.
    const y = mx.subtract(x, mx.stopGradient(mx.max(x, axis, { keepdims: true })));
    return y.subtract(y.logsumexp(axis, { keepdims: true }));
  } catch (error) {
    throw renamed(error, "logSoftmax", "x");
  }
}

/**
 * The exponential linear unit: x right of zero, `alpha * (exp(x) - 1)` left.
 *
 * Clevert et al., "Fast and Accurate Deep Network Learning by Exponential
 * Linear Units (ELUs)", arXiv 1511.07289.
 *
 * @example
 * nn.elu(mx.array([-2, 0, 2]))
 * // array([-0.864665, 0, 2], dtype=float32)
 */
export function elu(x: mx.array, options?: ELUOptions): mx.array {
  const { alpha } = readAlpha(options, "elu");
  return fused("elu", [x, alpha], (x, alpha) => {
    const positive = mx.greater(x, 0);
    // Without the inner `where`, exp would overflow for a large x, and its gradient would be NaN
    // although the branch is not taken.
    const left = mx.multiply(alpha, mx.subtract(mx.exp(mx.where(positive, 0, x)), 1));
    return mx.where(positive, x, left);
  });
}

/**
 * Positive numbers in the proportions of `exp(x)` with the sum 1 along an axis.
 *
 * @example
 * nn.softmax(mx.array([0, 0, 1000]))
 * // array([0, 0, 1], dtype=float32)
 */
export function softmax(x: mx.array, options?: AxisOptions): mx.array {
  return mx.softmax(x, readAxis(options, "softmax").axis);
}

/**
 * A smooth rectified linear unit, `log(1 + exp(x))`.
 *
 * Dugas et al., "Incorporating Second-Order Functional Knowledge for Better
 * Option Pricing", 2000.
 *
 * @example
 * nn.softplus(mx.array([-2, 0, 2]))
 * // array([0.126928, 0.693147, 2.12693], dtype=float32)
 */
export function softplus(x: mx.array): mx.array {
  try {
    return mx.logaddexp(x, 0);
  } catch (error) {
    throw renamed(error, "softplus", "x");
  }
}

/**
 * A function between -1 and 1 with long tails, `x / (1 + |x|)`.
 *
 * Bergstra et al., "Quadratic Polynomials Learn Better Image Features", 2009.
 *
 * @example
 * nn.softsign(mx.array([-3, 0, 1]))
 * // array([-0.75, 0, 0.5], dtype=float32)
 */
export function softsign(x: mx.array): mx.array {
  return fused("softsign", [x], (x) => mx.divide(x, mx.add(1, mx.abs(x))));
}

/**
 * Moves numbers towards zero by lambda, up to zero.
 *
 * Donoho, "De-noising by soft-thresholding", 1995.
 *
 * @example
 * nn.softshrink(mx.array([-2, 0.25, 2]))
 * // array([-1.5, 0, 1.5], dtype=float32)
 */
export function softshrink(x: mx.array, options?: ShrinkOptions): mx.array {
  const { lambd } = readLambd(options, "softshrink");
  return fused("softshrink", [x, lambd], (x, lambd) => {
    const y = floating(x);
    const moved = mx.subtract(y, mx.multiply(mx.sign(y), lambd));
    return mx.where(mx.greater(mx.abs(y), lambd), moved, 0);
  });
}

/**
 * The exponential linear unit with a continuous derivative:
 * `max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)`.
 *
 * Barron, "Continuously Differentiable Exponential Linear Units", arXiv
 * 1704.07483.
 *
 * @example
 * nn.celu(mx.array([-2, 0, 2]), { alpha: 2 })
 * // array([-1.26424, 0, 2], dtype=float32)
 */
export function celu(x: mx.array, options?: ELUOptions): mx.array {
  const { alpha } = readAlpha(options, "celu");
  return fused("celu", [x, alpha], (x, alpha) => {
    const left = mx.subtract(mx.exp(mx.divide(mx.minimum(x, 0), alpha)), 1);
    return mx.add(mx.maximum(x, 0), mx.multiply(alpha, left));
  });
}

/**
 * The sigmoid linear unit, also known as Swish, `x * sigmoid(x)`.
 *
 * Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function
 * Approximation in Reinforcement Learning", arXiv 1702.03118.
 *
 * @example
 * nn.silu(mx.array([-2, 0, 2]))
 * // array([-0.238406, 0, 1.76159], dtype=float32)
 */
export function silu(x: mx.array): mx.array {
  return fused("silu", [x], (x) => mx.multiply(x, mx.sigmoid(x)));
}

/**
 * The logarithm of the logistic function, without overflow.
 *
 * @example
 * nn.logSigmoid(mx.array([-1000, 0, 2]))
 * // array([-1000, -0.693147, -0.126928], dtype=float32)
 */
export function logSigmoid(x: mx.array): mx.array {
  return fused("logSigmoid", [x], (x) => mx.negative(softplus(mx.negative(x))));
}

/**
 * The Gaussian error linear unit, `x` times the probability that a normally
 * distributed number is less.
 *
 * Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415.
 *
 * @example
 * nn.gelu(mx.array([-1, 0, 1]))
 * // array([-0.158655, 0, 0.841345], dtype=float32)
 */
export function gelu(x: mx.array): mx.array {
  return fused("gelu", [x], (x) => {
    const twice = mx.add(1, mx.erf(mx.divide(x, Math.SQRT2)));
    return mx.divide(mx.multiply(x, twice), 2);
  });
}

/**
 * {@link gelu} by a hyperbolic tangent,
 * `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`, wrong by less than
 * 0.0005 between -6 and 6.
 *
 * Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415.
 *
 * @example
 * nn.geluApprox(mx.array([-2, 0, 2]))
 * // array([-0.0454023, 0, 1.9546], dtype=float32)
 */
export function geluApprox(x: mx.array): mx.array {
  return fused("geluApprox", [x], (x) => {
    const cubic = mx.add(x, mx.multiply(0.044715, mx.power(x, 3)));
    const twice = mx.add(1, mx.tanh(mx.multiply(Math.sqrt(2 / Math.PI), cubic)));
    return mx.multiply(mx.multiply(0.5, x), twice);
  });
}

/**
 * {@link gelu} by a logistic function, `x * sigmoid(1.702 * x)`, wrong by less
 * than 0.021.
 *
 * Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415.
 *
 * @example
 * nn.geluFastApprox(mx.array([-2, 0, 2]))
 * // array([-0.0643414, 0, 1.93566], dtype=float32)
 */
export function geluFastApprox(x: mx.array): mx.array {
  return fused("geluFastApprox", [x], (x) => mx.multiply(x, mx.sigmoid(mx.multiply(1.702, x))));
}

/**
 * The gated linear unit: one half along an axis, times the sigmoid of the other.
 *
 * Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv
 * 1612.08083.
 *
 * @throws RangeError if the axis has an odd length, or if there is none.
 * @example
 * nn.glu(mx.array([2, 3, 0, 100]))
 * // array([1, 3], dtype=float32)
 */
export function glu(x: mx.array, options?: GLUOptions): mx.array {
  return gate(x, readHalved(options, "glu").axis, "glu");
}

function gate(x: mx.array, axis: number, fn: string): mx.array {
  const { shape } = asArray(x, fn, "x");
  const length = shape.at(axis);
  if (axis >= shape.length || length === undefined || length % 2 !== 0) {
    throw outOfRange(fn, "x", `an even length of axis ${axis}`, shape);
  }
  const [a, b] = mx.split(x, 2, axis);
  return a.multiply(mx.sigmoid(b));
}

/**
 * 1 from a threshold on and 0 before it, as int32.
 *
 * @example
 * nn.step(mx.array([-2, 0, 2]))
 * // array([0, 1, 1], dtype=int32)
 */
export function step(x: mx.array, options?: StepOptions): mx.array {
  const { threshold } = readThreshold(options, "step");
  return fused("step", [x, threshold], (x, threshold) =>
    mx.where(mx.greaterEqual(x, threshold), 1, 0),
  );
}

/**
 * The scaled exponential linear unit, `1.0507 * elu(x)` with an alpha of
 * 1.67326.
 *
 * Klambauer et al., "Self-Normalizing Neural Networks", arXiv 1706.02515.
 *
 * @example
 * nn.selu(mx.array([-2, 0, 2]))
 * // array([-1.52016, 0, 2.1014], dtype=float32)
 */
export function selu(x: mx.array): mx.array {
  return fused("selu", [x], (x) => mx.multiply(elu(x, { alpha: 1.67326 }), 1.0507));
}

/**
 * The rectified linear unit with the slopes of an array left of zero, `max(x, 0) + alpha * min(x,
 * 0)`.
 *
 * He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance
 * on ImageNet Classification", arXiv 1502.01852.
 *
 * @param alpha The slopes; they broadcast.
 * @example
 * nn.prelu(mx.array([-2, -2, 2]), mx.array([0.5, 0.25, 0.25]))
 * // array([-1, -0.5, 2], dtype=float32)
 */
export function prelu(x: mx.array, alpha: mx.array): mx.array {
  if (typeof alpha !== "number") {
    asArray(alpha, "prelu", "alpha");
  }
  return fused("prelu", [x, alpha], (x, alpha) =>
    mx.add(mx.maximum(0, x), mx.multiply(alpha, mx.minimum(0, x))),
  );
}

/**
 * `x * tanh(softplus(x))`.
 *
 * Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv
 * 1908.08681.
 *
 * @example
 * nn.mish(mx.array([-1, 0, 1]))
 * // array([-0.303401, 0, 0.865098], dtype=float32)
 */
export function mish(x: mx.array): mx.array {
  return fused("mish", [x], (x) => mx.multiply(x, mx.tanh(softplus(x))));
}

/**
 * A piecewise approximation of {@link silu}, `x * min(max(x + 3, 0), 6) / 6`.
 *
 * Howard et al., "Searching for MobileNetV3", arXiv 1905.02244.
 *
 * @example
 * nn.hardswish(mx.array([-4, 0, 3]))
 * // array([-0, 0, 3], dtype=float32)
 */
export function hardswish(x: mx.array): mx.array {
  return fused("hardswish", [x], (x) => {
    const gate = mx.minimum(mx.maximum(mx.add(x, 3), 0), 6);
    return mx.divide(mx.multiply(x, gate), 6);
  });
}

/**
 * Numbers between two bounds as they are, others as the nearest bound.
 *
 * @example
 * nn.hardTanh(mx.array([-2, 0.25, 2]), { maxVal: 1.5 })
 * // array([-1, 0.25, 1.5], dtype=float32)
 */
export function hardTanh(x: mx.array, options?: HardTanhOptions): mx.array {
  const { minVal, maxVal } = readBounds(options, "hardTanh");
  return fused("hardTanh", [x, minVal, maxVal], (x, minVal, maxVal) =>
    mx.minimum(mx.maximum(floating(x), minVal), maxVal),
  );
}

/**
 * Zero for numbers that are at most lambda away from it, others as they are.
 *
 * Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
 *
 * @example
 * nn.hardShrink(mx.array([-2, 0.25, 2]))
 * // array([-2, 0, 2], dtype=float32)
 */
export function hardShrink(x: mx.array, options?: ShrinkOptions): mx.array {
  const { lambd } = readLambd(options, "hardShrink");
  return fused("hardShrink", [x, lambd], (x, lambd) =>
    mx.where(mx.greater(mx.abs(x), lambd), x, 0),
  );
}

/**
 * The softmax of `-x`.
 *
 * @example
 * nn.softmin(mx.array([0, 0, 1000]))
 * // array([0.5, 0.5, 0], dtype=float32)
 */
export function softmin(x: mx.array, options?: AxisOptions): mx.array {
  const { axis } = readAxis(options, "softmin");
  try {
    return mx.softmax(mx.negative(x), axis);
  } catch (error) {
    throw renamed(error, "softmin", "x");
  }
}

/**
 * The hyperbolic tangent.
 *
 * @example
 * nn.tanh(mx.array([-2, 0, 2]))
 * // array([-0.964028, 0, 0.964028], dtype=float32)
 */
export function tanh(x: mx.array): mx.array {
  return mx.tanh(x);
}

type LayerClass = Pick<typeof Module, keyof typeof Module> & (new () => UnaryLayer);

/** A class of layers that do what one function does. */
function layerOf(fun: (x: mx.array) => mx.array): LayerClass {
  return class extends Module {
    constructor(options?: unknown) {
      super();
      refuseMore(options, new.target.name);
    }

    forward(x: mx.array): mx.array {
      return fun(x);
    }
  };
}

/**
 * The logistic function as a layer; see {@link sigmoid}.
 *
 * @example
 * new nn.Sigmoid().forward(mx.array([-2, 0, 2]))
 * // array([0.119203, 0.5, 0.880797], dtype=float32)
 */
export class Sigmoid extends layerOf(sigmoid) {}

/**
 * The rectified linear unit as a layer; see {@link relu}.
 *
 * Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann
 * Machines", 2010.
 *
 * @example
 * new nn.ReLU().forward(mx.array([-2, 0, 2]))
 * // array([0, 0, 2], dtype=float32)
 */
export class ReLU extends layerOf(relu) {}

/**
 * The square of the rectified linear unit as a layer; see {@link relu2}.
 *
 * So et al., "Primer: Searching for Efficient Transformers for Language
 * Modeling", arXiv 2109.08668.
 *
 * @example
 * new nn.ReLU2().forward(mx.array([-2, 0, 2]))
 * // array([0, 0, 4], dtype=float32)
 */
export class ReLU2 extends layerOf(relu2) {}

/**
 * The rectified linear unit up to 6 as a layer; see {@link relu6}.
 *
 * Howard et al., "MobileNets: Efficient Convolutional Neural Networks for
 * Mobile Vision Applications", arXiv 1704.04861.
 *
 * @example
 * new nn.ReLU6().forward(mx.array([-2, 2, 8]))
 * // array([0, 2, 6], dtype=float32)
 */
export class ReLU6 extends layerOf(relu6) {}

/**
 * The softmax along the last axis as a layer; see {@link softmax}.
 *
 * @example
 * new nn.Softmax().forward(mx.array([0, 0, 1000]))
 * // array([0, 0, 1], dtype=float32)
 */
export class Softmax extends layerOf(softmax) {}

/**
 * The logarithm of the softmax along the last axis as a layer; see {@link logSoftmax}.
 *
 * @example
 * new nn.LogSoftmax().forward(mx.array([[0, 0], [1000, 0]]))
 * // array([[-0.693147, -0.693147],
 * //        [0, -1000]], dtype=float32)
 */
export class LogSoftmax extends layerOf(logSoftmax) {}

/**
 * The softmax of `-x` along the last axis as a layer; see {@link softmin}.
 *
 * @example
 * new nn.Softmin().forward(mx.array([0, 0, 1000]))
 * // array([0.5, 0.5, 0], dtype=float32)
 */
export class Softmin extends layerOf(softmin) {}

/**
 * The smooth rectified linear unit as a layer; see {@link softplus}.
 *
 * Dugas et al., "Incorporating Second-Order Functional Knowledge for Better
 * Option Pricing", 2000.
 *
 * @example
 * new nn.Softplus().forward(mx.array([-2, 0, 2]))
 * // array([0.126928, 0.693147, 2.12693], dtype=float32)
 */
export class Softplus extends layerOf(softplus) {}

/**
 * `x / (1 + |x|)` as a layer; see {@link softsign}.
 *
 * Bergstra et al., "Quadratic Polynomials Learn Better Image Features", 2009.
 *
 * @example
 * new nn.Softsign().forward(mx.array([-3, 0, 1]))
 * // array([-0.75, 0, 0.5], dtype=float32)
 */
export class Softsign extends layerOf(softsign) {}

/**
 * The sigmoid linear unit, also known as Swish, as a layer; see {@link silu}.
 *
 * Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function
 * Approximation in Reinforcement Learning", arXiv 1702.03118.
 *
 * @example
 * new nn.SiLU().forward(mx.array([-2, 0, 2]))
 * // array([-0.238406, 0, 1.76159], dtype=float32)
 */
export class SiLU extends layerOf(silu) {}

/**
 * The logarithm of the logistic function as a layer; see {@link logSigmoid}.
 *
 * @example
 * new nn.LogSigmoid().forward(mx.array([-1000, 0, 2]))
 * // array([-1000, -0.693147, -0.126928], dtype=float32)
 */
export class LogSigmoid extends layerOf(logSigmoid) {}

/**
 * The scaled exponential linear unit as a layer; see {@link selu}.
 *
 * Klambauer et al., "Self-Normalizing Neural Networks", arXiv 1706.02515.
 *
 * @example
 * new nn.SELU().forward(mx.array([-2, 0, 2]))
 * // array([-1.52016, 0, 2.1014], dtype=float32)
 */
export class SELU extends layerOf(selu) {}

/**
 * `x * tanh(softplus(x))` as a layer; see {@link mish}.
 *
 * Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv
 * 1908.08681.
 *
 * @example
 * new nn.Mish().forward(mx.array([-1, 0, 1]))
 * // array([-0.303401, 0, 0.865098], dtype=float32)
 */
export class Mish extends layerOf(mish) {}

/**
 * The piecewise approximation of `SiLU` as a layer; see {@link hardswish}.
 *
 * Howard et al., "Searching for MobileNetV3", arXiv 1905.02244.
 *
 * @example
 * new nn.Hardswish().forward(mx.array([-4, 0, 3]))
 * // array([-0, 0, 3], dtype=float32)
 */
export class Hardswish extends layerOf(hardswish) {}

/**
 * Numbers between -1 and 1 as they are, others as the nearest of the two, as a layer; see {@link hardTanh}.
 *
 * @example
 * new nn.HardTanh().forward(mx.array([-2, 0.25, 2]))
 * // array([-1, 0.25, 1], dtype=float32)
 */
export class HardTanh extends layerOf(hardTanh) {}

/**
 * The hyperbolic tangent as a layer; see {@link tanh}.
 *
 * @example
 * new nn.Tanh().forward(mx.array([-2, 0, 2]))
 * // array([-0.964028, 0, 0.964028], dtype=float32)
 */
export class Tanh extends layerOf(tanh) {}

/**
 * The rectified linear unit with a slope left of zero as a layer; see {@link leakyRelu}.
 *
 * Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic
 * Models", 2013.
 *
 * @example
 * new nn.LeakyReLU({ negativeSlope: 0.25 }).forward(mx.array([-2, 0, 2]))
 * // array([-0.5, 0, 2], dtype=float32)
 */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor(options?: LeakyReLUOptions) {
    super();
    this.negativeSlope = readSlope(options, "LeakyReLU").negativeSlope;
  }

  forward(x: mx.array): mx.array {
    return leakyRelu(x, { negativeSlope: this.negativeSlope });
  }
}

/**
 * The exponential linear unit as a layer; see {@link elu}.
 *
 * Clevert et al., "Fast and Accurate Deep Network Learning by Exponential
 * Linear Units (ELUs)", arXiv 1511.07289.
 *
 * @example
 * new nn.ELU().forward(mx.array([-2, 0, 2]))
 * // array([-0.864665, 0, 2], dtype=float32)
 */
export class ELU extends Module {
  readonly alpha: number;

  constructor(options?: ELUOptions) {
    super();
    this.alpha = readAlpha(options, "ELU").alpha;
  }

  forward(x: mx.array): mx.array {
    return elu(x, { alpha: this.alpha });
  }
}

/**
 * The exponential linear unit with a continuous derivative as a layer; see {@link celu}.
 *
 * Barron, "Continuously Differentiable Exponential Linear Units", arXiv
 * 1704.07483.
 *
 * @example
 * new nn.CELU({ alpha: 2 }).forward(mx.array([-2, 0, 2]))
 * // array([-1.26424, 0, 2], dtype=float32)
 */
export class CELU extends Module {
  readonly alpha: number;

  constructor(options?: ELUOptions) {
    super();
    this.alpha = readAlpha(options, "CELU").alpha;
  }

  forward(x: mx.array): mx.array {
    return celu(x, { alpha: this.alpha });
  }
}

/**
 * Moves numbers towards zero by lambda, as a layer; see {@link softshrink}.
 *
 * Donoho, "De-noising by soft-thresholding", 1995.
 *
 * @example
 * new nn.Softshrink().forward(mx.array([-2, 0.25, 2]))
 * // array([-1.5, 0, 1.5], dtype=float32)
 */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(options?: ShrinkOptions) {
    super();
    this.lambd = readLambd(options, "Softshrink").lambd;
  }

  forward(x: mx.array): mx.array {
    return softshrink(x, { lambd: this.lambd });
  }
}

/**
 * Makes numbers near zero zero, as a layer; see {@link hardShrink}.
 *
 * Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
 *
 * @example
 * new nn.HardShrink().forward(mx.array([-2, 0.25, 2]))
 * // array([-2, 0, 2], dtype=float32)
 */
export class HardShrink extends Module {
  readonly lambd: number;

  constructor(options?: ShrinkOptions) {
    super();
    this.lambd = readLambd(options, "HardShrink").lambd;
  }

  forward(x: mx.array): mx.array {
    return hardShrink(x, { lambd: this.lambd });
  }
}

/**
 * 1 from a threshold on and 0 before it, as a layer; see {@link step}.
 *
 * @example
 * new nn.Step().forward(mx.array([-2, 0, 2]))
 * // array([0, 1, 1], dtype=int32)
 */
export class Step extends Module {
  readonly threshold: number;

  constructor(options?: StepOptions) {
    super();
    this.threshold = readThreshold(options, "Step").threshold;
  }

  forward(x: mx.array): mx.array {
    return step(x, { threshold: this.threshold });
  }
}

/**
 * The gated linear unit as a layer; see {@link glu}.
 *
 * Dauphin et al., "Language Modeling with Gated Convolutional Networks", arXiv
 * 1612.08083.
 *
 * @example
 * new nn.GLU().forward(mx.array([2, 3, 0, 100]))
 * // array([1, 3], dtype=float32)
 */
export class GLU extends Module {
  readonly axis: number;

  constructor(options?: GLUOptions) {
    super();
    this.axis = readHalved(options, "GLU").axis;
  }

  forward(x: mx.array): mx.array {
    return gate(x, this.axis, "GLU.forward");
  }
}

const gelus = { none: gelu, precise: geluApprox, tanh: geluApprox, fast: geluFastApprox };

/**
 * The Gaussian error linear unit as a layer; see {@link gelu}, {@link geluApprox}
 * and {@link geluFastApprox}.
 *
 * Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", arXiv 1606.08415.
 *
 * @throws TypeError for an approximation that there is not.
 * @example
 * new nn.GELU({ approx: "fast" }).forward(mx.array([-2, 0, 2]))
 * // array([-0.0643414, 0, 1.93566], dtype=float32)
 */
export class GELU extends Module {
  readonly approx: keyof typeof gelus;

  constructor(options?: GELUOptions) {
    super();
    this.approx = readApprox(options).approx;
  }

  forward(x: mx.array): mx.array {
    return gelus[this.approx](x);
  }
}

/**
 * The rectified linear unit with slopes left of zero that are learned, the
 * parameter `weight`; see {@link prelu}.
 *
 * He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance
 * on ImageNet Classification", arXiv 1502.01852.
 *
 * @example
 * new nn.PReLU({ numParameters: 3, init: 0.5 }).forward(mx.array([-2, 0, 2]))
 * // array([-1, 0, 2], dtype=float32)
 */
export class PReLU extends Module {
  /** The slopes, `[numParameters]`. */
  weight: mx.array;

  constructor(options?: PReLUOptions) {
    super();
    const { numParameters, init } = readPReLU(options);
    this.weight = mx.full([numParameters], init);
  }

  forward(x: mx.array): mx.array {
    const { weight } = this;
    if (weight.size > 1) {
      checkShape(x, "PReLU.forward", "x", ["...", weight.size]);
    }
    return prelu(x, weight);
  }
}
