/** `nn.losses`: how far predictions are from what they should be. */

import { asArray, axisOf } from "../core/array/array.js";
import { pickClasses } from "../core/array/indices.js";
import { typeError } from "../core/call/codes.js";
import { sameShape } from "../core/call/numbers.js";
import {
  arrayOption,
  flag,
  integer,
  nullable,
  number,
  oneOf,
  optionsOf,
  share,
} from "../core/call/options.js";
import * as mx from "../core/index.js";
import { floating } from "./layer.js";

/** What is done with the losses of the single entries: nothing, their mean, their sum. */
export type Reduction = "none" | "mean" | "sum";

/** Options of every loss. */
export interface LossOptions {
  /** By default the mean for some losses and `"none"` for others; each says which. */
  reduction?: Reduction | undefined;
}

/** Options of losses that work along an axis. */
export interface AxisLossOptions extends LossOptions {
  /** The axis of a distribution or of a vector. By default the last. */
  axis?: number | undefined;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends AxisLossOptions {
  /** What each loss is multiplied with, in the shape of the losses. */
  weights?: mx.array | null | undefined;
  /** The share of each target, in [0, 1), that is spread over all classes. By default 0. */
  labelSmoothing?: number | undefined;
}

/** Options of `binaryCrossEntropy`. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** What each loss is multiplied with, in the shape of the losses. */
  weights?: mx.array | null | undefined;
  /** Whether inputs are logits rather than probabilities. By default true. */
  withLogits?: boolean | undefined;
}

/** Options of `gaussianNllLoss`. */
export interface GaussianNllLossOptions extends LossOptions {
  /** Whether to add the constant `log(2 pi) / 2`. By default false. */
  full?: boolean | undefined;
  /** The smallest variance. By default 1e-6. */
  eps?: number | undefined;
}

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends LossOptions {
  /** The difference from which on the loss is linear. By default 1. */
  beta?: number | undefined;
}

/** Options of `tripletLoss`. */
export interface TripletLossOptions extends AxisLossOptions {
  /** The degree of the norm. By default 2. */
  p?: number | undefined;
  /** How much nearer than the negative the positive has to be. By default 1. */
  margin?: number | undefined;
  /** What is added to the sums of powers before their root is taken. By default 1e-6. */
  eps?: number | undefined;
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** The difference from which on the loss is linear. By default 1. */
  delta?: number | undefined;
}

/** Options of `cosineSimilarityLoss`. */
export interface CosineSimilarityLossOptions extends LossOptions {
  /** The axis of the vectors. By default 1. */
  axis?: number | undefined;
  /** The smallest divisor. By default 1e-8. */
  eps?: number | undefined;
}

/** Options of `marginRankingLoss`. */
export interface MarginRankingLossOptions extends LossOptions {
  /** By how much scores have to be apart. By default 0. */
  margin?: number | undefined;
}

// Checks come before any computing.

const reduction = (fallback: Reduction) => oneOf(["none", "mean", "sum"], fallback);

function reduce(loss: mx.array, reduction: Reduction): mx.array {
  switch (reduction) {
    case "mean":
      return mx.mean(loss);
    case "sum":
      return mx.sum(loss);
    default:
      return loss;
  }
}

function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Arrays, by the names of their parameters. */
type Arrays = Record<string, mx.array>;

function checkArrays(arrays: Arrays, fn: string): void {
  for (const [param, x] of Object.entries(arrays)) {
    asArray(x, fn, param);
  }
}

/** Checks that all arrays have the shape of the first. */
function checkAlike(arrays: Arrays, fn: string): void {
  checkArrays(arrays, fn);
  const [[, { shape }], ...others] = Object.entries(arrays) as [
    [string, mx.array],
    ...[string, mx.array][],
  ];
  for (const [param, x] of others) {
    checkShape(x, [shape], fn, param);
  }
}

function checkShape(
  x: mx.array,
  shapes: readonly (readonly number[])[],
  fn: string,
  param: string,
): void {
  if (!shapes.some((shape) => sameShape(x.shape, shape))) {
    throw typeError(
      `[${fn}] ${param}: expected an array of shape ${shapes.map(show).join(" or ")}, ` +
        `received one of shape ${show(x.shape)}`,
    );
  }
}

function weighted(loss: mx.array, weights: mx.array | null, fn: string): mx.array {
  if (weights === null) {
    return loss;
  }
  checkShape(weights, [loss.shape], fn, "weights");
  return mx.multiply(loss, weights);
}

/** The entries of a distribution at the places that targets name. */
function pick(x: mx.array, targets: mx.array, axis: number, fn: string): mx.array {
  if (mx.issubdtype(targets.dtype, mx.inexact)) {
    throw typeError(
      `[${fn}] targets: expected classes of an integer dtype such as mx.int32, ` +
        `received ${targets.dtype}`,
    );
  }
  return pickClasses(x, targets, axis, fn);
}

const readCrossEntropy = optionsOf<CrossEntropyOptions>()("losses.crossEntropy", {
  weights: nullable(arrayOption()),
  axis: integer(-1),
  labelSmoothing: share(0),
  reduction: reduction("none"),
});

/**
 * The cross entropy between targets and the softmax of logits.
 *
 * @param targets Classes, integers in the shape of the logits without the
 * axis, or probabilities of the classes in the shape of the logits. Negative
 * classes count from the last.
 * @param options.reduction By default `"none"`.
 * @throws TypeError if the shapes do not fit, or classes are not integers.
 * @throws RangeError if the label smoothing is not in [0, 1), or, as for
 * `x.get`, if there is no such class.
 * @example
 * const logits = mx.array([[2, -1], [-1, 2]]);
 * nn.losses.crossEntropy(logits, mx.array([0, 1], mx.int32))
 * // array([0.0485873, 0.0485873], dtype=float32)
 * @example
 * const logits = mx.array([[2, -1], [-1, 2]]);
 * const probabilities = mx.array([[0.9, 0.1], [0.1, 0.9]]);
 * nn.losses.crossEntropy(logits, probabilities, { reduction: "mean" })
 * // array(0.348587, dtype=float32)
 */
export function crossEntropy(
  logits: mx.array,
  targets: mx.array,
  options?: CrossEntropyOptions,
): mx.array {
  const fn = "losses.crossEntropy";
  const { weights, axis: given, labelSmoothing, reduction } = readCrossEntropy(options);
  checkArrays({ logits, targets }, fn);
  const axis = axisOf(logits, given, fn);
  const { shape } = logits;
  const batch = shape.toSpliced(axis, 1);
  checkShape(targets, [batch, shape], fn, "targets");
  // Only differences between logits matter. The largest is subtracted first, so that they are not
  // rounded away beside a large logarithm.
  const x = mx.subtract(logits, mx.stopGradient(mx.max(logits, axis, { keepdims: true })));
  const score =
    targets.ndim === logits.ndim
      ? mx.sum(mx.multiply(x, targets), axis)
      : pick(x, targets, axis, fn);
  const total = mx.logsumexp(x, axis);
  let loss: mx.array;
  if (labelSmoothing > 0) {
    const spread = mx.multiply(mx.mean(x, axis), labelSmoothing);
    loss = mx.subtract(mx.subtract(total, mx.multiply(1 - labelSmoothing, score)), spread);
  } else {
    loss = mx.subtract(total, score);
  }
  return reduce(weighted(loss, weights, fn), reduction);
}

const readBinaryCrossEntropy = optionsOf<BinaryCrossEntropyOptions>()("losses.binaryCrossEntropy", {
  weights: nullable(arrayOption()),
  withLogits: flag(true),
  reduction: reduction("mean"),
});

/**
 * The cross entropy between targets in [0, 1] and the sigmoid of logits.
 *
 * @param inputs Logits, which is faster and more precise, or probabilities,
 * whose logarithms are taken to be at least -100.
 * @param targets In the shape of the inputs.
 * @param options.reduction By default the mean.
 * @throws TypeError if the shapes differ.
 * @example
 * const logits = mx.array([0.105361, 0.223144, 1.20397, 0.916291]);
 * nn.losses.binaryCrossEntropy(logits, mx.array([0, 0, 1, 1]))
 * // array(0.539245, dtype=float32)
 */
export function binaryCrossEntropy(
  inputs: mx.array,
  targets: mx.array,
  options?: BinaryCrossEntropyOptions,
): mx.array {
  const fn = "losses.binaryCrossEntropy";
  const { weights, withLogits, reduction } = readBinaryCrossEntropy(options);
  checkAlike({ inputs, targets }, fn);
  let loss: mx.array;
  if (withLogits) {
    loss = mx.subtract(mx.logaddexp(0, inputs), mx.multiply(inputs, targets));
  } else {
    const yes = mx.maximum(mx.log(inputs), -100);
    const no = mx.maximum(mx.log(mx.subtract(1, inputs)), -100);
    const likelihood = mx.add(mx.multiply(targets, yes), mx.multiply(mx.subtract(1, targets), no));
    loss = mx.negative(likelihood);
  }
  return reduce(weighted(loss, weights, fn), reduction);
}

const readL1Loss = optionsOf<LossOptions>()("losses.l1Loss", { reduction: reduction("mean") });

/**
 * The absolute differences.
 *
 * @param options.reduction By default the mean.
 * @throws TypeError if the shapes differ.
 * @example
 * nn.losses.l1Loss(mx.array([1, 2, 3]), mx.array([1, 4, 7]))
 * // array(2, dtype=float32)
 */
export function l1Loss(predictions: mx.array, targets: mx.array, options?: LossOptions): mx.array {
  const { reduction } = readL1Loss(options);
  checkAlike({ predictions, targets }, "losses.l1Loss");
  return reduce(mx.abs(mx.subtract(predictions, targets)), reduction);
}

const readMseLoss = optionsOf<LossOptions>()("losses.mseLoss", { reduction: reduction("mean") });

/**
 * The squared differences.
 *
 * @param options.reduction By default the mean.
 * @throws TypeError if the shapes differ.
 * @example
 * nn.losses.mseLoss(mx.array([1, 2, 3]), mx.array([1, 4, 7]), { reduction: "none" })
 * // array([0, 4, 16], dtype=float32)
 */
export function mseLoss(predictions: mx.array, targets: mx.array, options?: LossOptions): mx.array {
  const { reduction } = readMseLoss(options);
  checkAlike({ predictions, targets }, "losses.mseLoss");
  return reduce(mx.square(mx.subtract(predictions, targets)), reduction);
}

const readNllLoss = optionsOf<AxisLossOptions>()("losses.nllLoss", {
  axis: integer(-1),
  reduction: reduction("none"),
});

/**
 * The negative logarithms of the targets' probabilities.
 *
 * @param inputs Logarithms of probabilities.
 * @param targets Classes, integers in the shape of the inputs without the axis.
 * @param options.reduction By default `"none"`.
 * @throws TypeError if the shapes do not fit, or classes are not integers.
 * @throws RangeError, as for `x.get`, if there is no such class.
 * @example
 * const inputs = mx.log(mx.array([[0.5, 0.5], [0.25, 0.75]]));
 * nn.losses.nllLoss(inputs, mx.array([1, 0], mx.int32))
 * // array([0.693147, 1.38629], dtype=float32)
 */
export function nllLoss(inputs: mx.array, targets: mx.array, options?: AxisLossOptions): mx.array {
  const fn = "losses.nllLoss";
  const { axis: given, reduction } = readNllLoss(options);
  checkArrays({ inputs, targets }, fn);
  const axis = axisOf(inputs, given, fn);
  checkShape(targets, [inputs.shape.toSpliced(axis, 1)], fn, "targets");
  return reduce(mx.negative(pick(inputs, targets, axis, fn)), reduction);
}

const readGaussianNllLoss = optionsOf<GaussianNllLossOptions>()("losses.gaussianNllLoss", {
  full: flag(false),
  eps: number(1e-6),
  reduction: reduction("mean"),
});

/**
 * The negative logarithms of the targets' densities under normal
 * distributions: `(log(v) + (targets - inputs)^2 / v) / 2`, where `v` is
 * `max(vars, eps)`.
 *
 * Nix and Weigend, "Estimating the mean and variance of the target probability
 * distribution", 1994.
 *
 * @param inputs The means.
 * @param vars The variances.
 * @param options.reduction By default the mean.
 * @throws TypeError if the shapes differ.
 * @example
 * const [mean, variance] = [mx.array([0, 1]), mx.array([1, 4])];
 * nn.losses.gaussianNllLoss(mean, mx.array([1, 3]), variance, { reduction: "none" })
 * // array([0.5, 1.19315], dtype=float32)
 */
export function gaussianNllLoss(
  inputs: mx.array,
  targets: mx.array,
  vars: mx.array,
  options?: GaussianNllLossOptions,
): mx.array {
  const { full, eps, reduction } = readGaussianNllLoss(options);
  checkAlike({ inputs, targets, vars }, "losses.gaussianNllLoss");
  const v = mx.maximum(vars, eps);
  const distance = mx.divide(mx.square(mx.subtract(targets, inputs)), v);
  const loss = mx.multiply(0.5, mx.add(mx.log(v), distance));
  return reduce(full ? mx.add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction);
}

const readKlDivLoss = optionsOf<AxisLossOptions>()("losses.klDivLoss", {
  axis: integer(-1),
  reduction: reduction("none"),
});

/**
 * The Kullback-Leibler divergence of predicted distributions from the targets':
 * `sum(exp(targets) * (targets - inputs))` along the axis.
 *
 * @param inputs Logarithms of the predicted probabilities.
 * @param targets Logarithms of the probabilities that they should be.
 * @param options.reduction By default `"none"`.
 * @example
 * const [p, q] = [mx.array([[0.5, 0.5]]), mx.array([[0.25, 0.75]])];
 * nn.losses.klDivLoss(mx.log(p), mx.log(q))
 * // array([0.130812], dtype=float32)
 */
export function klDivLoss(
  inputs: mx.array,
  targets: mx.array,
  options?: AxisLossOptions,
): mx.array {
  const { axis, reduction } = readKlDivLoss(options);
  checkArrays({ inputs, targets }, "losses.klDivLoss");
  const terms = mx.multiply(mx.exp(targets), mx.subtract(targets, inputs));
  return reduce(mx.sum(terms, axis), reduction);
}

const readSmoothL1Loss = optionsOf<SmoothL1LossOptions>()("losses.smoothL1Loss", {
  beta: number(1),
  reduction: reduction("mean"),
});

/**
 * The squared differences where they are small, `d^2 / (2 * beta)`, and the
 * absolute ones from `beta` on, `d - beta / 2`.
 *
 * Girshick, "Fast R-CNN", arXiv 1504.08083.
 *
 * @param options.reduction By default the mean.
 * @throws TypeError if the shapes differ.
 * @example
 * const options = { reduction: "none" };
 * nn.losses.smoothL1Loss(mx.array([0.5, 3]), mx.zeros([2]), options)
 * // array([0.125, 2.5], dtype=float32)
 */
export function smoothL1Loss(
  predictions: mx.array,
  targets: mx.array,
  options?: SmoothL1LossOptions,
): mx.array {
  const { beta, reduction } = readSmoothL1Loss(options);
  checkAlike({ predictions, targets }, "losses.smoothL1Loss");
  const d = mx.abs(mx.subtract(predictions, targets));
  const quadratic = mx.divide(mx.multiply(0.5, mx.square(d)), beta);
  return reduce(mx.where(mx.less(d, beta), quadratic, mx.subtract(d, 0.5 * beta)), reduction);
}

const readTripletLoss = optionsOf<TripletLossOptions>()("losses.tripletLoss", {
  axis: integer(-1),
  p: number(2),
  margin: number(1),
  eps: number(1e-6),
  reduction: reduction("none"),
});

/**
 * How much is missing until each positive is nearer to its anchor than the negative is, by a
 * margin: `max(|a - p| - |a - n| + margin, 0)`.
 *
 * Balntas et al., "Learning local feature descriptors with triplets and shallow
 * convolutional neural networks", 2016.
 *
 * @param options.axis The axis of the vectors. By default the last.
 * @param options.reduction By default `"none"`.
 * @example
 * const [a, p, n] = [mx.array([[0, 0]]), mx.array([[3, 4]]), mx.array([[0, 2]])];
 * nn.losses.tripletLoss(a, p, n, { margin: 0.5 })
 * // array([3.5], dtype=float32)
 */
export function tripletLoss(
  anchors: mx.array,
  positives: mx.array,
  negatives: mx.array,
  options?: TripletLossOptions,
): mx.array {
  const { axis, p, margin, eps, reduction } = readTripletLoss(options);
  checkArrays({ anchors, positives, negatives }, "losses.tripletLoss");
  const distance = (x: mx.array) => {
    const powers = mx.power(mx.abs(mx.subtract(anchors, x)), p);
    return mx.power(mx.add(floating(mx.sum(powers, axis)), eps), 1 / p);
  };
  const excess = mx.subtract(distance(positives), distance(negatives));
  return reduce(mx.maximum(mx.add(excess, margin), 0), reduction);
}

const readHingeLoss = optionsOf<LossOptions>()("losses.hingeLoss", {
  reduction: reduction("none"),
});

/**
 * How much is missing until each prediction has the sign of its target and an absolute value of at
 * least 1: `max(1 - inputs * targets, 0)`.
 *
 * @param targets 1 or -1.
 * @param options.reduction By default `"none"`.
 * @example
 * nn.losses.hingeLoss(mx.array([0.25, -2, 3]), mx.array([1, -1, -1]))
 * // array([0.75, 0, 4], dtype=float32)
 */
export function hingeLoss(inputs: mx.array, targets: mx.array, options?: LossOptions): mx.array {
  const { reduction } = readHingeLoss(options);
  checkArrays({ inputs, targets }, "losses.hingeLoss");
  return reduce(mx.maximum(mx.subtract(1, mx.multiply(inputs, targets)), 0), reduction);
}

const readHuberLoss = optionsOf<HuberLossOptions>()("losses.huberLoss", {
  delta: number(1),
  reduction: reduction("none"),
});

/**
 * Half the squared differences up to `delta`, and from there on the straight line that continues
 * them, `delta * (d - delta / 2)`.
 *
 * Huber, "Robust estimation of a location parameter", 1964.
 *
 * @param options.reduction By default `"none"`.
 * @example
 * nn.losses.huberLoss(mx.array([0.5, 3]), mx.zeros([2]), { delta: 2 })
 * // array([0.125, 4], dtype=float32)
 */
export function huberLoss(
  inputs: mx.array,
  targets: mx.array,
  options?: HuberLossOptions,
): mx.array {
  const { delta, reduction } = readHuberLoss(options);
  checkArrays({ inputs, targets }, "losses.huberLoss");
  const d = floating(mx.abs(mx.subtract(inputs, targets)));
  const quadratic = mx.minimum(d, delta);
  const linear = mx.multiply(delta, mx.subtract(d, quadratic));
  return reduce(mx.add(mx.multiply(0.5, mx.square(quadratic)), linear), reduction);
}

const readLogCoshLoss = optionsOf<LossOptions>()("losses.logCoshLoss", {
  reduction: reduction("none"),
});

/**
 * The logarithms of the differences' hyperbolic cosine: about half their
 * squares where they are small, about their absolute values where not.
 *
 * @param options.reduction By default `"none"`.
 * @example
 * nn.losses.logCoshLoss(mx.array([1, 10]), mx.zeros([2]))
 * // array([0.433781, 9.30685], dtype=float32)
 */
export function logCoshLoss(inputs: mx.array, targets: mx.array, options?: LossOptions): mx.array {
  const { reduction } = readLogCoshLoss(options);
  checkArrays({ inputs, targets }, "losses.logCoshLoss");
  const d = mx.subtract(inputs, targets);
  return reduce(mx.subtract(mx.logaddexp(d, mx.negative(d)), Math.LN2), reduction);
}

const readCosineSimilarityLoss = optionsOf<CosineSimilarityLossOptions>()(
  "losses.cosineSimilarityLoss",
  { axis: integer(1), eps: number(1e-8), reduction: reduction("none") },
);

/**
 * The cosines of the angles between vectors. Like Python's it is the similarity
 * itself: to bring vectors together, take its negative as the loss.
 *
 * @param options.reduction By default `"none"`.
 * @example
 * nn.losses.cosineSimilarityLoss(mx.array([[3, 4], [1, 0]]), mx.array([[4, 3], [-2, 0]]))
 * // array([0.96, -1], dtype=float32)
 */
export function cosineSimilarityLoss(
  x1: mx.array,
  x2: mx.array,
  options?: CosineSimilarityLossOptions,
): mx.array {
  const { axis, eps, reduction } = readCosineSimilarityLoss(options);
  checkArrays({ x1, x2 }, "losses.cosineSimilarityLoss");
  const norm = (x: mx.array) => mx.linalg.norm(x, null, axis);
  const lengths = mx.maximum(mx.multiply(norm(x1), norm(x2)), eps);
  return reduce(mx.divide(mx.sum(mx.multiply(x1, x2), axis), lengths), reduction);
}

const readMarginRankingLoss = optionsOf<MarginRankingLossOptions>()("losses.marginRankingLoss", {
  margin: number(0),
  reduction: reduction("none"),
});

/**
 * How much is missing until scores are ranked as the targets say, by a margin: `max(-targets *
 * (inputs1 - inputs2) + margin, 0)`.
 *
 * @param targets 1 where the first score should be higher, -1 where the second should.
 * @param options.reduction By default `"none"`.
 * @throws TypeError if the shapes differ.
 * @example
 * const [a, b] = [mx.array([0.5, 2, 1]), mx.array([1.5, 1, 3])];
 * nn.losses.marginRankingLoss(a, b, mx.array([1, 1, -1]), { margin: 0.25 })
 * // array([1.25, 0, 0], dtype=float32)
 */
export function marginRankingLoss(
  inputs1: mx.array,
  inputs2: mx.array,
  targets: mx.array,
  options?: MarginRankingLossOptions,
): mx.array {
  const { margin, reduction } = readMarginRankingLoss(options);
  checkAlike({ inputs1, inputs2, targets }, "losses.marginRankingLoss");
  const misranked = mx.multiply(mx.negative(targets), mx.subtract(inputs1, inputs2));
  return reduce(mx.maximum(0, mx.add(floating(misranked), margin)), reduction);
}
