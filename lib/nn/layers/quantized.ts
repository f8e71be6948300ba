/** Layers whose weights are numbers of few bits. */
import { isArray } from "../../core/array/array.js";
import { pickRows } from "../../core/array/indices.js";
import { asFunction } from "../../core/call/arguments.js";
import { rangeError, typeError } from "../../core/call/codes.js";
import { isMismatch, isOutOfRange, mismatch, outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { isRecord } from "../../core/call/objects.js";
import { count, flag, kindOf, nullable, oneOf, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { treeMapWithPath } from "../../utils/tree.js";
import { checkShape, initial } from "../layer.js";
import { Module } from "../module.js";
import type { Embedding } from "./embedding.js";
import type { Linear } from "./linear.js";

/** What each mode can have, with its defaults first. */
const formats = {
  affine: { groupSizes: [64, 32, 128], bits: [4, 1, 2, 3, 5, 6, 8] },
  mxfp4: { groupSizes: [32], bits: [4] },
  nvfp4: { groupSizes: [16], bits: [4] },
  mxfp8: { groupSizes: [32], bits: [8] },
} as const satisfies Record<
  mx.QuantizationMode,
  { groupSizes: readonly number[]; bits: readonly number[] }
>;
const modes = Object.keys(formats) as mx.QuantizationMode[];

/** How a layer's weight is quantized. */
export interface QuantizedOptions extends Pick<mx.QuantizationOptions, "groupSize" | "bits"> {
  /** What the bits mean; see `mx.quantize`. By default `"affine"`. */
  mode?: mx.QuantizationMode | undefined;
}

/** Options of {@link QuantizedLinear}. */
export interface QuantizedLinearOptions extends QuantizedOptions {
  /** Whether to add a bias. By default true. */
  bias?: boolean | undefined;
}

/** Options of {@link QQLinear}. */
export interface QQLinearOptions extends Omit<QuantizedOptions, "mode"> {
  /** What the bits mean. By default `"nvfp4"`. */
  mode?: Exclude<mx.QuantizationMode, "affine"> | undefined;
}

/** Options of the methods `toQuantized`. */
export interface ToQuantizedOptions extends QuantizedOptions {
  /**
   * Whether the input is quantized, too, for the modes `"nvfp4"` and `"mxfp8"`. Only linear
   * layers without a bias can. By default false.
   */
  quantizeInput?: boolean | undefined;
}

/** Options of {@link quantize}. */
export interface QuantizeModelOptions extends ToQuantizedOptions {
  /**
   * Says of each layer, whose path is as in `namedModules`, whether to quantize it, or with
   * which options: those take the place of all that `quantize` was called with. By default
   * every layer that has a method `toQuantized` is quantized.
   */
  classPredicate?: QuantizePredicate | null | undefined;
}

/** Says of a layer whether to quantize it, or with which options. */
export type QuantizePredicate = (path: string, module: Module) => boolean | ToQuantizedOptions;

/** The options that say how a weight is quantized, for the tables of all layers that have them. */
export const format = {
  groupSize: nullable(count()),
  bits: nullable(count()),
  mode: oneOf(modes, "affine"),
};
const readEmbedding = optionsOf<QuantizedOptions>()("QuantizedEmbedding", format);
const readLinear = optionsOf<QuantizedLinearOptions>()("QuantizedLinear", {
  bias: flag(true),
  ...format,
});
const readQQLinear = optionsOf<QQLinearOptions>()("QQLinear", {
  ...format,
  mode: oneOf(["nvfp4", "mxfp8", "mxfp4"], "nvfp4"),
});
const readModel = optionsOf<QuantizeModelOptions>()("quantize", {
  ...format,
  quantizeInput: flag(false),
  classPredicate: nullable(kindOf<QuantizePredicate>(asFunction)()),
});
/** Reads the options of a method `toQuantized`. */
export const readToQuantized = optionsOf<ToQuantizedOptions>()("toQuantized", {
  ...format,
  quantizeInput: flag(false),
});

/** How weights are quantized, with every default filled in. */
export interface Format {
  readonly groupSize: number;
  readonly bits: number;
  readonly mode: mx.QuantizationMode;
}

/** The format for rows of `dims` weights, which must be a multiple of the group size. */
export function formatOf(
  fn: string,
  param: string,
  dims: number,
  options: { groupSize: number | null; bits: number | null; mode: mx.QuantizationMode },
): Format {
  const { mode } = options;
  const pick = (name: "groupSize" | "bits", allowed: readonly number[]): number => {
    const value = options[name] ?? (allowed[0] as number);
    if (!allowed.includes(value)) {
      const all = [...allowed].sort((a, b) => a - b).join(", ");
      throw outOfRange(fn, name, `${all} for ${mode}`, value);
    }
    return value;
  };
  const { groupSizes, bits } = formats[mode];
  const format = { groupSize: pick("groupSize", groupSizes), bits: pick("bits", bits), mode };
  if (asCount(dims, fn, param) % format.groupSize !== 0) {
    throw outOfRange(fn, param, `a multiple of the group size ${format.groupSize}`, dims);
  }
  return format;
}

/** The shape of the weight of a layer that is to be quantized. */
function shapeOf(layer: Module, fn: string, param: string, kind: string): [number, number] {
  const weight: unknown = (layer as { weight?: unknown } | null | undefined)?.weight;
  if (!(Module.isModule(layer) && isArray(weight) && weight.ndim === 2)) {
    throw mismatch(fn, param, kind, layer);
  }
  return weight.shape as [number, number];
}

/** What the layers have in common: how their weight is quantized. */
export abstract class Quantized extends Module implements Format {
  readonly groupSize: number;
  readonly bits: number;
  readonly mode: mx.QuantizationMode;

  constructor({ groupSize, bits, mode }: Format) {
    super();
    this.groupSize = groupSize;
    this.bits = bits;
    this.mode = mode;
  }

  protected get format(): Format {
    const { groupSize, bits, mode } = this;
    return { groupSize, bits, mode };
  }

  protected override extraRepr(): string {
    return `groupSize=${this.groupSize}, bits=${this.bits}, mode=${this.mode}`;
  }
}

/**
 * An {@link Embedding} whose weight is quantized by `mx.quantize`: its rows are unpacked when
 * they are looked up. The parameters, which begin frozen, are `weight`, of the packed bits of
 * shape (numEmbeddings, dims * bits / 32) in uint32, and `scales` of shape
 * (numEmbeddings, dims / groupSize); for the mode `"affine"` also `biases`, like `scales`.
 *
 * @throws RangeError if `dims` is not a multiple of the group size, and for a group size or
 * bits that the mode does not have.
 * @example
 * const layer = new nn.QuantizedEmbedding(100, 64, { bits: 8 });
 * layer.forward(mx.array([3, 5], mx.int32)).shape
 * // [ 2, 64 ]
 */
export class QuantizedEmbedding extends Quantized {
  weight: mx.array;
  scales: mx.array;
  biases?: mx.array | undefined;
  readonly numEmbeddings: number;
  readonly dims: number;

  constructor(numEmbeddings: number, dims: number, options?: QuantizedOptions) {
    const count = asCount(numEmbeddings, "QuantizedEmbedding", "numEmbeddings");
    super(formatOf("QuantizedEmbedding", "dims", dims, readEmbedding(options)));
    this.numEmbeddings = count;
    this.dims = dims;
    const scale = Math.sqrt(1 / dims);
    const weight = mx.random.normal([numEmbeddings, dims], mx.float32, { scale });
    [this.weight, this.scales, this.biases] = mx.quantize(weight, this.format);
    this.freeze();
  }

  /** The rows of integers of shape (...), unpacked: (..., dims). */
  forward(x: mx.array): mx.array {
    if (isArray(x) && x.ndim === 0) {
      // MLX unpacks matrices only.
      return this.forward(x.reshape([1])).squeeze(0);
    }
    const rowsOf = (weight: mx.array) => pickRows(weight, x, "QuantizedEmbedding.forward");
    const biases = this.biases && rowsOf(this.biases);
    const scales = rowsOf(this.scales);
    return mx.dequantize(rowsOf(this.weight), scales, { biases, ...this.format });
  }

  /** The product with `weight`, from (..., dims) to (..., numEmbeddings): for tied outputs. */
  asLinear(x: mx.array): mx.array {
    return product(x, this, "QuantizedEmbedding.asLinear");
  }

  protected override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.dims}, ${super.extraRepr()}`;
  }

  /**
   * An embedding with the same rows, quantized.
   *
   * @example
   * const layer = new nn.Embedding(5, 32);
   * nn.QuantizedEmbedding.fromEmbedding(layer, { mode: "mxfp8" })
   * // QuantizedEmbedding(5, 32, groupSize=32, bits=8, mode=mxfp8)
   */
  static fromEmbedding(embeddingLayer: Embedding, options?: QuantizedOptions): QuantizedEmbedding {
    const fn = "fromEmbedding";
    const { ...given } = readEmbedding(options, fn);
    const [rows, dims] = shapeOf(embeddingLayer, fn, "embeddingLayer", "an Embedding");
    const format = formatOf(fn, "embeddingLayer", dims, given);
    const out = new QuantizedEmbedding(rows, dims, format);
    [out.weight, out.scales, out.biases] = mx.quantize(embeddingLayer.weight, format);
    return out;
  }
}

/**
 * A {@link Linear} whose weight is quantized by `mx.quantize`: `x W^T + b`, where each weight
 * of W is `scale * element + bias` with the scale and the bias of its group (`"affine"`), or
 * `scale * element` (the other modes, as in the Open Compute Project's microscaling formats,
 * arXiv 2310.10537, and in NVIDIA's NVFP4). It maps (..., inputDims) to (..., outputDims).
 *
 * The parameters are `weight`, of the packed bits of shape (outputDims, inputDims * bits / 32)
 * in uint32, `scales` of shape (outputDims, inputDims / groupSize), for `"affine"` `biases`
 * like `scales`, and `bias` of shape (outputDims), which begins at zero. All begin frozen;
 * gradients pass through the layer to those before it.
 *
 * @throws RangeError if `inputDims` is not a multiple of the group size, and for a group size
 * or bits that the mode does not have.
 * @example
 * const layer = new nn.QuantizedLinear(128, 16, { groupSize: 32, bits: 8 });
 * [layer.weight.shape, layer.scales.shape, layer.forward(mx.ones([2, 128])).shape]
 * // [ [ 16, 32 ], [ 16, 4 ], [ 2, 16 ] ]
 */
export class QuantizedLinear extends Quantized {
  weight: mx.array;
  scales: mx.array;
  biases?: mx.array | undefined;
  bias?: mx.array | undefined;

  constructor(inputDims: number, outputDims: number, options?: QuantizedLinearOptions) {
    const { bias, ...given } = readLinear(options);
    super(formatOf("QuantizedLinear", "inputDims", inputDims, given));
    asCount(outputDims, "QuantizedLinear", "outputDims");
    const weight = initial(inputDims)(outputDims, inputDims);
    [this.weight, this.scales, this.biases] = mx.quantize(weight, this.format);
    if (bias) {
      this.bias = mx.zeros([outputDims]);
    }
    this.freeze();
  }

  forward(x: mx.array): mx.array {
    const y = product(x, this, "QuantizedLinear.forward");
    return this.bias === undefined ? y : y.add(this.bias);
  }

  protected override extraRepr(): string {
    const bias = this.bias !== undefined;
    return `${sizes(this.weight, this.bits)}, bias=${bias}, ${super.extraRepr()}`;
  }

  /**
   * A layer with the same weight, quantized, and the same bias, which stays trainable.
   *
   * @example
   * const layer = new nn.Linear(64, 8);
   * nn.QuantizedLinear.fromLinear(layer, { bits: 8 })
   * // QuantizedLinear(inputDims=64, outputDims=8, bias=true, groupSize=64, bits=8, mode=affine)
   */
  static fromLinear(linearLayer: Linear, options?: QuantizedOptions): QuantizedLinear {
    const fn = "fromLinear";
    const { ...given } = readEmbedding(options, fn);
    const [outputDims, inputDims] = shapeOf(linearLayer, fn, "linearLayer", "a Linear");
    const format = formatOf(fn, "linearLayer", inputDims, given);
    const out = new QuantizedLinear(inputDims, outputDims, { bias: false, ...format });
    [out.weight, out.scales, out.biases] = mx.quantize(linearLayer.weight, format);
    if (linearLayer.bias !== undefined) {
      out.bias = linearLayer.bias;
      out.unfreeze({ keys: "bias" });
    }
    return out;
  }
}

/**
 * A linear map without a bias whose input is quantized as well as its weight, by `mx.qqmm`:
 * from (..., inputDims) to (..., outputDims). Gradients reach the weight, in two modes:
 *
 * - in training, `weight` has shape (outputDims, inputDims) and full precision, and is
 *   quantized for each product;
 * - after `eval()`, `weight` has the packed bits, in uint32, and `scales` those of the groups.
 *
 * `train()` and `eval()` convert one into the other; what packing rounds away is lost. The formats
 * are those of {@link QuantizedLinear}. On the CPU, MLX computes this product only for a single row
 * and a packed weight.
 *
 * @throws RangeError if `inputDims` is not a multiple of the group size, and for a group size
 * or bits that the mode does not have.
 * @example
 * const layer = new nn.QQLinear(32, 4, { mode: "mxfp8" });
 * layer.eval();
 * [layer.weight.shape, layer.scales.shape, layer.forward(mx.ones([1, 32])).shape]
 * // [ [ 4, 8 ], [ 4, 1 ], [ 1, 4 ] ]
 */
export class QQLinear extends Quantized {
  weight: mx.array;
  scales?: mx.array | undefined;

  constructor(inputDims: number, outputDims: number, options?: QQLinearOptions) {
    super(formatOf("QQLinear", "inputDims", inputDims, readQQLinear(options)));
    asCount(outputDims, "QQLinear", "outputDims");
    this.weight = initial(inputDims)(outputDims, inputDims);
  }

  /** Quantizes the weight, unless it is quantized. */
  quantize(): void {
    if (this.scales === undefined) {
      [this.weight, this.scales] = mx.quantize(this.weight, this.format);
    }
  }

  /** Unpacks the weight into full precision; its values stay the rounded ones. */
  dequantize(): void {
    if (this.scales !== undefined) {
      this.weight = mx.dequantize(this.weight, this.scales, this.format);
      this.scales = undefined;
    }
  }

  protected override trainingChanged(): void {
    this.training ? this.dequantize() : this.quantize();
  }

  forward(x: mx.array): mx.array {
    const { weight, scales, format } = this;
    checkShape(x, "QQLinear.forward", "x", ["...", inputs(weight, this.#stored)]);
    return mx.qqmm(x, weight, { scales, ...format });
  }

  /** The bits that a number of the weight takes now. */
  get #stored(): number {
    return this.scales === undefined ? 32 : this.bits;
  }

  protected override extraRepr(): string {
    return `${sizes(this.weight, this.#stored)}, ${super.extraRepr()}`;
  }

  /**
   * A layer with the same weight and in the same mode, in training or not.
   *
   * @throws RangeError if the layer has a bias.
   * @example
   * const layer = new nn.Linear(32, 8, { bias: false });
   * nn.QQLinear.fromLinear(layer)
   * // QQLinear(inputDims=32, outputDims=8, groupSize=16, bits=4, mode=nvfp4)
   */
  static fromLinear(linearLayer: Linear, options?: QQLinearOptions): QQLinear {
    const fn = "fromLinear";
    const { ...format } = readQQLinear(options, fn);
    const [outputDims, inputDims] = shapeOf(linearLayer, fn, "linearLayer", "a Linear");
    formatOf(fn, "linearLayer", inputDims, format);
    if (linearLayer.bias !== undefined) {
      throw outOfRange(fn, "linearLayer", "a layer without a bias", linearLayer);
    }
    const out = new QQLinear(inputDims, outputDims, format);
    out.weight = linearLayer.weight;
    return out.train(linearLayer.training);
  }
}

/** What a quantized weight consists of. */
interface QuantizedWeight extends Format {
  readonly weight: mx.array;
  readonly scales: mx.array;
  readonly biases?: mx.array | undefined;
}

/** The product of (..., k) with the transpose of a layer's quantized weight. */
export function product(x: mx.array, layer: QuantizedWeight, fn: string): mx.array {
  const { weight, scales, biases, groupSize, bits, mode } = layer;
  try {
    return mx.quantizedMatmul(x, weight, scales, { biases, groupSize, bits, mode });
  } catch (error) {
    checkShape(x, fn, "x", ["...", inputs(weight, bits)]);
    throw error;
  }
}

/** How many numbers a row of a weight has, which are packed into uint32. */
export function inputs(weight: mx.array, bits: number): number {
  return (weight.dim(1) * 32) / bits;
}

function sizes(weight: mx.array, bits: number): string {
  return `inputDims=${inputs(weight, bits)}, outputDims=${weight.dim(0)}`;
}

/** A layer that can be quantized. */
interface Quantizable {
  toQuantized(options: ToQuantizedOptions): Module;
}

function isQuantizable(x: unknown): x is Quantizable {
  return typeof (x as Partial<Quantizable>).toQuantized === "function";
}

/** What `toQuantized` threw, with the place of the layer, unless it is no error of mlx-js. */
function located(error: unknown, place: string): unknown {
  const made = isOutOfRange(error) ? rangeError : isMismatch(error) ? typeError : undefined;
  const text = (error as Partial<Error> | undefined)?.message;
  return made?.(`[quantize] ${place}: ${text?.replace(/^\[\w+\] (\w+Layer: )?/, "")}`) ?? error;
}

/**
 * Replaces layers of a model by quantized ones: those that the predicate takes or, without a
 * predicate, all that have a method `toQuantized`, as `Linear` and `Embedding` do. The model then
 * loads weights that were saved quantized, by `loadWeights`.
 *
 * @throws RangeError, which names the layer, if one cannot be quantized that way, TypeError if the
 * predicate returns something else or takes a layer without `toQuantized`. The model is then unchanged.
 * @example
 * const model = new nn.Sequential(new nn.Linear(64, 32), nn.relu, new nn.Linear(32, 2));
 * nn.quantize(model, { bits: 8, classPredicate: (path) => path === "layers.0" });
 * model
 * // Sequential(
 * //   (layers.0): QuantizedLinear(inputDims=64, outputDims=32, bias=true, groupSize=64, bits=8, mode=affine)
 * //   (layers.2): Linear(inputDims=32, outputDims=2, bias=true)
 * // ) with 674 parameters, 98 of them trainable
 */
export function quantize(model: Module, options?: QuantizeModelOptions): void {
  const fn = "quantize";
  if (!Module.isModule(model)) {
    throw mismatch(fn, "model", "a module", model);
  }
  const { classPredicate, ...all } = readModel(options);
  const quantized = (path: string, layer: Module): Module => {
    const place = `model.${path}`;
    const wanted: unknown = classPredicate ? classPredicate(path, layer) : isQuantizable(layer);
    if (wanted === false) {
      return layer;
    }
    if (wanted !== true && !(typeof wanted === "object" && wanted !== null && isRecord(wanted))) {
      throw mismatch(fn, "classPredicate", `a boolean or options for ${place}`, wanted);
    }
    if (!isQuantizable(layer)) {
      throw mismatch(fn, place, "a layer with a method toQuantized", layer);
    }
    try {
      return layer.toQuantized(wanted === true ? all : wanted);
    } catch (error) {
      throw located(error, place);
    }
  };
  model.updateModules(
    treeMapWithPath(quantized, model.leafModules(), undefined, { isLeaf: Module.isModule }),
  );
}
