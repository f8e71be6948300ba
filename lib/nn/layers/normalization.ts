/** Layers that normalize. */
import { numberOfElements } from "../../core/array/elements.js";
import { outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { flag, number, optionsOf, positive } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { checkShape } from "../layer.js";
import { Module, statistics } from "../module.js";
import { spatialAxes } from "./spatial.js";

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. By default 1e-5. */
  eps?: number | undefined;
  /** Whether to scale by `weight` and to shift by `bias`. By default true. */
  affine?: boolean | undefined;
  /** Whether there is a `bias`, if there is a `weight`. By default true. */
  bias?: boolean | undefined;
}

const readLayerNorm = optionsOf<LayerNormOptions>()("LayerNorm", {
  eps: positive(1e-5),
  affine: flag(true),
  bias: flag(true),
});

/**
 * Normalizes the last axis, of `dims` numbers, to mean 0 and variance 1, then scales it by `weight`
 * and shifts it by `bias`. Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450.
 *
 * @example
 * new nn.LayerNorm(2).forward(mx.array([1, 3]))
 * // array([-0.999995, 0.999995], dtype=float32)
 */
export class LayerNorm extends Module {
  weight?: mx.array;
  bias?: mx.array;
  readonly eps: number;
  readonly dims: number;

  constructor(dims: number, options?: LayerNormOptions) {
    super();
    const { eps, affine, bias } = readLayerNorm(options);
    this.dims = asCount(dims, "LayerNorm", "dims");
    this.eps = eps;
    if (affine) {
      this.weight = mx.ones([dims]);
      if (bias) {
        this.bias = mx.zeros([dims]);
      }
    }
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "LayerNorm.forward", "x", ["...", this.dims]);
    return mx.fast.layerNorm(x, this.weight, this.bias, this.eps);
  }

  protected override extraRepr(): string {
    return `${this.dims}, eps=${this.eps}, affine=${this.weight !== undefined}`;
  }
}

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean of the squares. By default 1e-5. */
  eps?: number | undefined;
}

const readRMSNorm = optionsOf<RMSNormOptions>()("RMSNorm", { eps: positive(1e-5) });

/**
 * Divides the last axis, of `dims` numbers, by its root mean square, which is computed in float32,
 * and scales it by `weight`. Zhang, Sennrich, "Root Mean Square Layer Normalization", arXiv
 * 1910.07467.
 *
 * @example
 * new nn.RMSNorm(2).forward(mx.array([1, 7]))
 * // array([0.2, 1.4], dtype=float32)
 */
export class RMSNorm extends Module {
  weight: mx.array;
  readonly eps: number;

  constructor(dims: number, options?: RMSNormOptions) {
    super();
    this.eps = readRMSNorm(options).eps;
    this.weight = mx.ones([asCount(dims, "RMSNorm", "dims")]);
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "RMSNorm.forward", "x", ["...", this.weight.dim(0)]);
    return mx.fast.rmsNorm(x, this.weight, this.eps);
  }

  protected override extraRepr(): string {
    return `${this.weight.shape[0]}, eps=${this.eps}`;
  }
}

/** Scales and shifts the last axis, if a layer has the parameters for it. */
function scaled(x: mx.array, { weight, bias }: { weight?: mx.array; bias?: mx.array }): mx.array {
  return weight === undefined || bias === undefined ? x : weight.multiply(x).add(bias);
}

/** Options of {@link InstanceNorm}. */
export interface InstanceNormOptions {
  /** Added to the variance. By default 1e-5. */
  eps?: number | undefined;
  /** Whether to scale by `weight` and to shift by `bias`. By default false. */
  affine?: boolean | undefined;
}

const readInstanceNorm = optionsOf<InstanceNormOptions>()("InstanceNorm", {
  eps: positive(1e-5),
  affine: flag(false),
});

/**
 * Normalizes each channel of each example to mean 0 and variance 1, over all places of (N, ...,
 * dims): `(x - mean) / sqrt(variance + eps) * weight + bias`. Ulyanov, Vedaldi, Lempitsky,
 * "Instance Normalization: The Missing Ingredient for Fast Stylization", arXiv 1607.08022.
 *
 * @throws RangeError, when called, for fewer than 3 dimensions or another number
 * of channels.
 * @example
 * const x = mx.array([[[1, 10], [3, 30]]]);
 * new nn.InstanceNorm(2).forward(x)
 * // array([[[-0.999995, -1],
 * //         [0.999995, 1]]], dtype=float32)
 */
export class InstanceNorm extends Module {
  weight?: mx.array;
  bias?: mx.array;
  readonly dims: number;
  readonly eps: number;

  constructor(dims: number, options?: InstanceNormOptions) {
    super();
    const { eps, affine } = readInstanceNorm(options);
    this.dims = asCount(dims, "InstanceNorm", "dims");
    this.eps = eps;
    if (affine) {
      this.weight = mx.ones([dims]);
      this.bias = mx.zeros([dims]);
    }
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "InstanceNorm.forward", "x", ["N", "L", "...", this.dims]);
    // A row holds all places of one channel, and each row is normalized.
    const channels = x.moveaxis(-1, 1);
    const rows = channels.flatten({ startAxis: 2 });
    const normal = mx.fast.layerNorm(rows, null, null, this.eps).reshape(channels.shape);
    return scaled(normal.moveaxis(1, -1), this);
  }

  protected override extraRepr(): string {
    return `${this.dims}, eps=${this.eps}, affine=${this.weight !== undefined}`;
  }
}

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance. By default 1e-5. */
  eps?: number | undefined;
  /** Whether to scale by `weight` and to shift by `bias`. By default true. */
  affine?: boolean | undefined;
  /** Whether the channels of a group are neighbours, as in PyTorch. By default false. */
  pytorchCompatible?: boolean | undefined;
}

const readGroupNorm = optionsOf<GroupNormOptions>()("GroupNorm", {
  eps: positive(1e-5),
  affine: flag(true),
  pytorchCompatible: flag(false),
});

/**
 * Normalizes each group of channels of each example to mean 0 and variance 1, over all places of
 * (N, ..., dims): `(x - mean) / sqrt(variance + eps) * weight + bias`. The channels of a group are
 * `numGroups` apart; with `pytorchCompatible` they are neighbours, which weights from PyTorch need.
 * Wu, He, "Group Normalization", arXiv 1803.08494.
 *
 * @throws RangeError if `dims` is no multiple of `numGroups` or, when called, for
 * another number of channels.
 * @example
 * const x = mx.array([[1, 2, 5, 4]]);
 * [false, true].map((pytorchCompatible) =>
 *   new nn.GroupNorm(2, 4, { pytorchCompatible }).forward(x).round(3).flatten())
 * // [
 * //   array([-1, -1, 1, 1], dtype=float32),
 * //   array([-1, 1, 1, -1], dtype=float32)
 * // ]
 */
export class GroupNorm extends Module {
  weight?: mx.array;
  bias?: mx.array;
  readonly numGroups: number;
  readonly dims: number;
  readonly eps: number;
  readonly pytorchCompatible: boolean;

  constructor(numGroups: number, dims: number, options?: GroupNormOptions) {
    const fn = "GroupNorm";
    super();
    const { eps, affine, pytorchCompatible } = readGroupNorm(options);
    this.numGroups = asCount(numGroups, fn, "numGroups");
    this.dims = asCount(dims, fn, "dims");
    if (dims % numGroups !== 0) {
      throw outOfRange(fn, "dims", `a multiple of the ${numGroups} groups`, dims);
    }
    this.eps = eps;
    this.pytorchCompatible = pytorchCompatible;
    if (affine) {
      this.weight = mx.ones([dims]);
      this.bias = mx.zeros([dims]);
    }
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "GroupNorm.forward", "x", ["N", "...", this.dims]);
    // Not -1, which a batch of nothing leaves open.
    const places = x.shape.slice(1, -1).reduce((product, n) => product * n, 1);
    const normal = this.pytorchCompatible ? this.#neighbours(x, places) : this.#apart(x, places);
    return scaled(normal.reshape(x.shape), this);
  }

  #neighbours(x: mx.array, places: number): mx.array {
    const size = this.dims / this.numGroups;
    const groups = x.reshape([x.dim(0), places, this.numGroups, size]).swapaxes(1, 2);
    const rows = groups.flatten({ startAxis: 2 });
    return mx.fast.layerNorm(rows, null, null, this.eps).reshape(groups.shape).swapaxes(1, 2);
  }

  #apart(x: mx.array, places: number): mx.array {
    const size = this.dims / this.numGroups;
    const groups = x.reshape([x.dim(0), places * size, this.numGroups]);
    const centered = groups.subtract(groups.mean(1, { keepdims: true }));
    const variance = centered.square().mean(1, { keepdims: true });
    return centered.multiply(variance.add(this.eps).rsqrt());
  }

  protected override extraRepr(): string {
    const { numGroups, dims, eps, pytorchCompatible } = this;
    const affine = this.weight !== undefined;
    return `${numGroups}, ${dims}, eps=${eps}, affine=${affine}, pytorchCompatible=${pytorchCompatible}`;
  }
}

/** Options of {@link BatchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance. By default 1e-5. */
  eps?: number | undefined;
  /** How much of a batch's statistics goes into the running ones. By default 0.1. */
  momentum?: number | undefined;
  /** Whether to scale by `weight` and to shift by `bias`. By default true. */
  affine?: boolean | undefined;
  /** Whether to keep running statistics for evaluation. By default true. */
  trackRunningStats?: boolean | undefined;
}

const readBatchNorm = optionsOf<BatchNormOptions>()("BatchNorm", {
  eps: positive(1e-5),
  momentum: number(0.1),
  affine: flag(true),
  trackRunningStats: flag(true),
});

/**
 * Normalizes each channel to mean 0 and variance 1, over a batch (N, C), (N, L, C) or (N, H, W, C):
 * `(x - mean) / sqrt(variance + eps) * weight + bias`.
 *
 * In training, mean and variance are those of the batch, and the running ones come
 * closer to them: `runningMean = (1 - momentum) * runningMean + momentum * mean`,
 * and likewise `runningVar` with the variance of a sample, divided by one less than
 * the number of values; a batch without values changes nothing. In evaluation, the running ones
 * are used. They are saved and loaded with the parameters, but always frozen. Ioffe, Szegedy, "Batch
 * Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
 * Shift", arXiv 1502.03167.
 *
 * Running statistics are arrays like others: evaluate the model after a step, and
 * name it in the `inputs` and `outputs` of a step that is compiled.
 *
 * @throws RangeError, when called, for other shapes and, in training, for a single
 * value in each channel.
 * @example
 * const layer = new nn.BatchNorm(2);
 * layer.forward(mx.array([[1, 10], [3, 30]])).round(3)
 * // array([[-1, -1],
 * //        [1, 1]], dtype=float32)
 * layer.runningMean
 * // array([0.2, 2], dtype=float32)
 */
export class BatchNorm extends Module {
  weight?: mx.array;
  bias?: mx.array;
  runningMean?: mx.array;
  runningVar?: mx.array;
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number;
  readonly trackRunningStats: boolean;

  constructor(numFeatures: number, options?: BatchNormOptions) {
    super();
    const { eps, momentum, affine, trackRunningStats } = readBatchNorm(options);
    this.numFeatures = asCount(numFeatures, "BatchNorm", "numFeatures");
    this.eps = eps;
    this.momentum = momentum;
    this.trackRunningStats = trackRunningStats;
    if (affine) {
      this.weight = mx.ones([numFeatures]);
      this.bias = mx.zeros([numFeatures]);
    }
    if (trackRunningStats) {
      this.runningMean = mx.zeros([numFeatures]);
      this.runningVar = mx.ones([numFeatures]);
      this.freeze({ keys: this[statistics], recurse: false });
    }
  }

  override get [statistics](): readonly string[] {
    return ["runningMean", "runningVar"];
  }

  forward(x: mx.array): mx.array {
    const fn = "BatchNorm.forward";
    const axes = [0, 1, 2].map((dimensions) => spatialAxes(dimensions, this.numFeatures));
    checkShape(x, fn, "x", ...axes);
    if (this.training && x.size === this.numFeatures) {
      throw outOfRange(fn, "x", "more than one value in each channel", x.shape);
    }
    const [centered, variance] = this.#centered(x);
    return scaled(centered.multiply(variance.add(this.eps).rsqrt()), this);
  }

  /**
   * The input less its mean, and its variance, which is computed from that. In training, the
   * running statistics are updated from the batch.
   */
  #centered(x: mx.array): [centered: mx.array, variance: mx.array] {
    const { training, momentum, runningMean, runningVar } = this;
    const isTracked = runningMean !== undefined && runningVar !== undefined;
    if (isTracked && !training) {
      return [x.subtract(runningMean), runningVar];
    }
    const axes = x.shape.slice(0, -1).map((_, axis) => axis);
    const mean = x.mean(axes, { keepdims: true });
    const centered = x.subtract(mean);
    const variance = centered.square().mean(axes);
    // A batch without values would make them NaN for good.
    if (isTracked && training && x.size > 0) {
      const blend = (old: mx.array, now: mx.array) =>
        old.multiply(1 - momentum).add(now.multiply(momentum));
      const n = numberOfElements(x, axes, mx.float32);
      const correction = n.divide(n.subtract(1)).astype(variance.dtype);
      this.runningMean = blend(runningMean, mean.squeeze(axes));
      this.runningVar = blend(runningVar, variance.multiply(correction));
    }
    return [centered, variance];
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, trackRunningStats } = this;
    const affine = this.weight !== undefined;
    return `${numFeatures}, eps=${eps}, momentum=${momentum}, affine=${affine}, trackRunningStats=${trackRunningStats}`;
  }
}
