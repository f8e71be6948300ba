/** Layers that slide filters over sequences, images and volumes. Channels come last. */
import { asCount, asLength } from "../../core/call/numbers.js";
import { count, flag, length, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { Convolution, oneOrSizes, type Sizes, sizes } from "./spatial.js";

/** Options of convolutions; `Size` is a number, or also a list of one for each dimension. */
export interface ConvolutionOptions<Size> {
  /** How far the filter moves from one place to the next. By default 1. */
  stride?: Size | undefined;
  /** How many zeros surround the input at either end. By default none. */
  padding?: Size | undefined;
  /** How far apart the elements of the filter are. By default 1. */
  dilation?: Size | undefined;
  /** Whether to add a bias to each channel. By default true. */
  bias?: boolean | undefined;
}

/** Options of {@link Conv1d} and {@link Conv2d}. */
export interface GroupedConvolutionOptions<Size> extends ConvolutionOptions<Size> {
  /**
   * How many groups the channels fall into, each with its own filters. As many as
   * channels make the convolution depthwise. By default 1.
   */
  groups?: number | undefined;
}

const read1d = optionsOf<GroupedConvolutionOptions<number>>()("Conv1d", {
  stride: count(1),
  padding: length(0),
  dilation: count(1),
  groups: count(1),
  bias: flag(true),
});

const read2d = optionsOf<GroupedConvolutionOptions<number | Sizes<2>>>()("Conv2d", {
  stride: sizes(2, asCount, 1),
  padding: sizes(2, asLength, 0),
  dilation: oneOrSizes(2, asCount)(1),
  groups: count(1),
  bias: flag(true),
});

const read3d = optionsOf<ConvolutionOptions<number | Sizes<3>>>()("Conv3d", {
  stride: sizes(3, asCount, 1),
  padding: sizes(3, asLength, 0),
  dilation: oneOrSizes(3, asCount)(1),
  bias: flag(true),
});

/**
 * A convolution of sequences: at each place of (N, L, inChannels), `outChannels`
 * filters of `kernelSize` elements are laid on the input, and each gives the sum
 * of the products. The result is (N, L', outChannels) with
 *
 * `L' = floor((L + 2 padding - dilation (kernelSize - 1) - 1) / stride) + 1`.
 *
 * `weight`, of shape (outChannels, kernelSize, inChannels / groups), begins uniform
 * within plus and minus `1 / sqrt(kernelSize * inChannels / groups)`, `bias` as
 * zeros. LeCun et al., "Backpropagation Applied to Handwritten Zip Code
 * Recognition", 1989.
 *
 * @throws RangeError if channels are not multiples of `groups`.
 * @example
 * const layer = new nn.Conv1d(1, 1, 2);
 * layer.update({ weight: mx.array([[[1], [10]]]), bias: mx.array([0.5]) });
 * layer.forward(mx.array([[[1], [2], [3]]])).flatten()
 * // array([21.5, 32.5], dtype=float32)
 */
export class Conv1d extends Convolution<number> {
  /** How many groups the channels fall into. */
  readonly groups: number;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options?: GroupedConvolutionOptions<number>,
  ) {
    const { ...settings } = read1d(options);
    super("Conv1d", mx.conv1d, 1, inChannels, outChannels, kernelSize, settings);
    this.groups = settings.groups;
  }
}

/**
 * A convolution of images, (N, H, W, inChannels), into (N, H', W', outChannels).
 * Both sizes follow from {@link Conv1d}'s formula. `weight` has the shape
 * (outChannels, ...kernelSize, inChannels / groups); it begins uniformly distributed between plus
 * and minus `1 / sqrt(n)`, where a filter sees n inputs, `bias` as zeros. LeCun et al.,
 * "Gradient-Based Learning Applied to Document Recognition", 1998.
 *
 * @throws RangeError if channels are not multiples of `groups`.
 * @example
 * const layer = new nn.Conv2d(3, 8, [3, 2], { stride: 2, padding: [1, 0] });
 * layer.forward(mx.ones([1, 6, 6, 3])).shape
 * // [ 1, 3, 3, 8 ]
 */
export class Conv2d extends Convolution<Sizes<2>> {
  /** How many groups the channels fall into. */
  readonly groups: number;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | Sizes<2>,
    options?: GroupedConvolutionOptions<number | Sizes<2>>,
  ) {
    const { ...settings } = read2d(options);
    super("Conv2d", mx.conv2d, 2, inChannels, outChannels, kernelSize, settings);
    this.groups = settings.groups;
  }
}

/**
 * A convolution of volumes or films, (N, D, H, W, inChannels), into (N, D', H', W',
 * outChannels). All sizes follow from {@link Conv1d}'s formula. `weight` has the
 * shape (outChannels, ...kernelSize, inChannels), and begins as in {@link Conv2d}.
 * Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks",
 * arXiv 1412.0767.
 *
 * @example
 * const layer = new nn.Conv3d(1, 4, 2, { stride: [1, 2, 2] });
 * layer.forward(mx.ones([1, 3, 4, 6, 1])).shape
 * // [ 1, 2, 2, 3, 4 ]
 */
export class Conv3d extends Convolution<Sizes<3>> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | Sizes<3>,
    options?: ConvolutionOptions<number | Sizes<3>>,
  ) {
    const { ...settings } = read3d(options);
    super("Conv3d", mx.conv3d, 3, inChannels, outChannels, kernelSize, settings);
  }
}
