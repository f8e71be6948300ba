/** Layers that drop elements or channels in training. */
import { asArray } from "../../core/array/array.js";
import { optionsOf, share } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { checkShape, floating } from "../layer.js";
import { Module } from "../module.js";

/** Options of {@link Dropout}, {@link Dropout2d} and {@link Dropout3d}. */
export interface DropoutOptions {
  /** The share of the elements or channels that become zero, in [0, 1). By default 0.5. */
  p?: number | undefined;
}

const read = optionsOf<DropoutOptions>()("Dropout", { p: share(0.5) });

/** The shape of one choice for each channel: all axes in the middle are 1. */
function channelsOf(x: mx.array, spatial: number): number[] {
  return x.shape.map((n, axis, { length }) =>
    axis < length - 1 && axis >= length - 1 - spatial ? 1 : n,
  );
}

/** What all of them have in common: the share that is dropped, and how. */
class Drop extends Module {
  readonly p: number;

  constructor(fn: string, options: DropoutOptions | undefined) {
    super();
    this.p = read(options, fn).p;
  }

  /**
   * In training, an input with a share `p` of zeros and the rest divided by `1 - p`. Zeros are
   * chosen at random in `shape`, which broadcasts.
   */
  protected drop(x: mx.array, shape: readonly number[]): mx.array {
    if (this.p === 0 || !this.training) {
      return x;
    }
    const kept = 1 - this.p;
    const mask = mx.random.bernoulli(kept, shape);
    return mask.multiply(floating(x)).multiply(1 / kept);
  }

  protected override extraRepr(): string {
    return `p=${this.p}`;
  }
}

/**
 * In training, a share `p` of the elements, chosen at random, becomes zero, and
 * the rest is divided by `1 - p`. Otherwise the result is the input. Srivastava
 * et al., "Dropout", JMLR 15, 2014.
 *
 * @example
 * new nn.Dropout({ p: 0.9 }).eval().forward(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export class Dropout extends Drop {
  constructor(options?: DropoutOptions) {
    super("Dropout", options);
  }

  forward(x: mx.array): mx.array {
    const { shape } = asArray(x, "Dropout.forward", "x");
    return this.drop(x, shape);
  }
}

/**
 * In training, a share `p` of the channels of images, (H, W, C) or (N, H, W, C),
 * chosen at random for each example, becomes zero, and the rest is divided by
 * `1 - p`. Otherwise the result is the input. Neighbours in a channel are much alike, so that
 * {@link Dropout} would hide little. Tompson et al., "Efficient Object Localization Using
 * Convolutional Networks", arXiv 1411.4280.
 *
 * @throws RangeError, when called, for other numbers of dimensions.
 * @example
 * mx.random.seed(0);
 * const channels = new nn.Dropout2d().forward(mx.ones([1, 2, 2, 4]));
 * channels.get(0, 0, 0, ":")
 * // array([0, 2, 2, 0], dtype=float32)
 */
export class Dropout2d extends Drop {
  constructor(options?: DropoutOptions) {
    super("Dropout2d", options);
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "Dropout2d.forward", "x", ["H", "W", "C"], ["N", "H", "W", "C"]);
    return this.drop(x, channelsOf(x, 2));
  }
}

/**
 * In training, a share `p` of the channels of volumes or films, (D, H, W, C) or
 * (N, D, H, W, C), chosen at random for each example, becomes zero, and the rest is
 * divided by `1 - p`. Otherwise the result is the input. Neighbours in a channel are much alike, so
 * that {@link Dropout} would hide little. Tompson et al., "Efficient Object Localization Using
 * Convolutional Networks", arXiv 1411.4280.
 *
 * @throws RangeError, when called, for other numbers of dimensions.
 * @example
 * mx.random.seed(0);
 * const channels = new nn.Dropout3d().forward(mx.ones([1, 2, 2, 2, 4]));
 * channels.get(0, 0, 0, 0, ":")
 * // array([0, 2, 2, 0], dtype=float32)
 */
export class Dropout3d extends Drop {
  constructor(options?: DropoutOptions) {
    super("Dropout3d", options);
  }

  forward(x: mx.array): mx.array {
    checkShape(x, "Dropout3d.forward", "x", ["D", "H", "W", "C"], ["N", "D", "H", "W", "C"]);
    return this.drop(x, channelsOf(x, 3));
  }
}
