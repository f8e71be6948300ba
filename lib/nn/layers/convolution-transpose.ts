/** Layers that spread each element of an input over a larger output. Channels come last. */
import { asCount, asLength } from "../../core/call/numbers.js";
import { count, flag, length, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import type { ConvolutionOptions } from "./convolution.js";
import { Convolution, oneOrSizes, type Sizes, sizes } from "./spatial.js";

/** Options of transposed convolutions; `Size` is a number, or also a list of one for each dimension. */
export interface ConvolutionTransposeOptions<Size> extends ConvolutionOptions<Size> {
  /** By how much the result is longer at its end. By default 0. */
  outputPadding?: Size | undefined;
}

const read1d = optionsOf<ConvolutionTransposeOptions<number>>()("ConvTranspose1d", {
  stride: count(1),
  padding: length(0),
  dilation: count(1),
  outputPadding: length(0),
  bias: flag(true),
});

const read2d = optionsOf<ConvolutionTransposeOptions<number | Sizes<2>>>()("ConvTranspose2d", {
  stride: sizes(2, asCount, 1),
  padding: sizes(2, asLength, 0),
  dilation: oneOrSizes(2, asCount)(1),
  outputPadding: sizes(2, asLength, 0),
  bias: flag(true),
});

const read3d = optionsOf<ConvolutionTransposeOptions<number | Sizes<3>>>()("ConvTranspose3d", {
  stride: sizes(3, asCount, 1),
  padding: sizes(3, asLength, 0),
  dilation: oneOrSizes(3, asCount)(1),
  outputPadding: sizes(3, asLength, 0),
  bias: flag(true),
});

/** The base of transposed convolutions. */
class ConvolutionTranspose<Size extends number | readonly number[]> extends Convolution<Size> {
  /** By how much the result is longer at its end. */
  get outputPadding(): Size {
    return this.settings.outputPadding as Size;
  }
}

/**
 * A transposed convolution of sequences, which makes (N, L, inChannels) longer:
 * each element adds its product with the filters to the result, `stride` further
 * each time. The result is (N, L', outChannels) with
 *
 * `L' = (L - 1) stride - 2 padding + dilation (kernelSize - 1) + outputPadding + 1`,
 *
 * which is what a {@link Conv1d} of the same settings takes to L. `weight`, of
 * shape (outChannels, kernelSize, inChannels), begins uniformly distributed between plus and minus
 * `1 / sqrt(kernelSize * inChannels)`, `bias` as zeros. Zeiler et al.,
 * "Deconvolutional Networks", 2010.
 *
 * @example
 * const layer = new nn.ConvTranspose1d(1, 1, 2, { stride: 2, bias: false });
 * layer.update({ weight: mx.array([[[1], [10]]]) });
 * layer.forward(mx.array([[[1], [2], [3]]])).flatten()
 * // array([1, 10, 2, 20, 3, 30], dtype=float32)
 */
export class ConvTranspose1d extends ConvolutionTranspose<number> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options?: ConvolutionTransposeOptions<number>,
  ) {
    const { ...settings } = read1d(options);
    super("ConvTranspose1d", mx.convTranspose1d, 1, inChannels, outChannels, kernelSize, settings);
  }
}

/**
 * A transposed convolution of images, (N, H, W, inChannels), into (N, H', W',
 * outChannels). Both sizes follow from {@link ConvTranspose1d}'s formula. `weight`
 * has the shape (outChannels, ...kernelSize, inChannels); it begins uniformly distributed between
 * plus and minus `1 / sqrt(n)`, where a filter sees n inputs, `bias` as zeros. Dumoulin, Visin, "A
 * guide to convolution arithmetic for deep learning", arXiv 1603.07285.
 *
 * @example
 * const layer = new nn.ConvTranspose2d(8, 3, [3, 2], { stride: 2, padding: [1, 0] });
 * layer.forward(mx.ones([1, 3, 3, 8])).shape
 * // [ 1, 5, 6, 3 ]
 */
export class ConvTranspose2d extends ConvolutionTranspose<Sizes<2>> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | Sizes<2>,
    options?: ConvolutionTransposeOptions<number | Sizes<2>>,
  ) {
    const { ...settings } = read2d(options);
    super("ConvTranspose2d", mx.convTranspose2d, 2, inChannels, outChannels, kernelSize, settings);
  }
}

/**
 * A transposed convolution of volumes or films, (N, D, H, W, inChannels), into
 * (N, D', H', W', outChannels). All sizes follow from {@link ConvTranspose1d}'s
 * formula; `weight` and `bias` are as in {@link ConvTranspose2d}, with one more
 * dimension. Dumoulin, Visin, "A guide to convolution arithmetic for deep
 * learning", arXiv 1603.07285.
 *
 * @example
 * const layer = new nn.ConvTranspose3d(4, 1, 2, { stride: [1, 2, 2] });
 * layer.forward(mx.ones([1, 2, 2, 3, 4])).shape
 * // [ 1, 3, 4, 6, 1 ]
 */
export class ConvTranspose3d extends ConvolutionTranspose<Sizes<3>> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | Sizes<3>,
    options?: ConvolutionTransposeOptions<number | Sizes<3>>,
  ) {
    const { ...settings } = read3d(options);
    super("ConvTranspose3d", mx.convTranspose3d, 3, inChannels, outChannels, kernelSize, settings);
  }
}
