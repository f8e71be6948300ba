/** Layers that multiply with a matrix. */
import { outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { flag, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { checkShape, initial, linearMap } from "../layer.js";
import { Module } from "../module.js";
import {
  QQLinear,
  QuantizedLinear,
  readToQuantized,
  type ToQuantizedOptions,
} from "./quantized.js";

/**
 * The input, as it is: for places where a layer is wanted.
 *
 * @example
 * new nn.Identity().forward(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export class Identity extends Module {
  forward(x: mx.array): mx.array {
    return x;
  }
}

/** Options of {@link Linear} and {@link Bilinear}. */
export interface LinearOptions {
  /** Whether to add a bias. By default true. */
  bias?: boolean | undefined;
}

const read = optionsOf<LinearOptions>()("Linear", { bias: flag(true) });

/**
 * A linear map of the last axis, from `inputDims` to `outputDims`: the product
 * with `weight`, of shape (outputDims, inputDims), and a `bias`. Both begin
 * uniformly distributed between plus and minus `1 / sqrt(inputDims)`.
 *
 * @example
 * const layer = new nn.Linear(2, 3);
 * layer.update({ weight: mx.array([[1, 0], [0, 1], [1, 1]]), bias: mx.array([0, 0, 5]) });
 * layer.forward(mx.array([1, 2]))
 * // array([1, 2, 8], dtype=float32)
 */
export class Linear extends Module {
  weight: mx.array;
  bias?: mx.array;

  constructor(inputDims: number, outputDims: number, options?: LinearOptions) {
    super();
    const { bias } = read(options);
    const uniform = initial(asCount(inputDims, "Linear", "inputDims"));
    this.weight = uniform(asCount(outputDims, "Linear", "outputDims"), inputDims);
    if (bias) {
      this.bias = uniform(outputDims);
    }
  }

  forward(x: mx.array): mx.array {
    return linearMap(x, this, "Linear.forward");
  }

  /**
   * The layer, quantized: a {@link QuantizedLinear}, or a {@link QQLinear} if the input is
   * quantized, too.
   *
   * @throws RangeError if the input is to be quantized but there is a bias, or the mode is neither
   * `"nvfp4"` nor `"mxfp8"`, and if the length of the weight's rows is no multiple of the group
   * size.
   * @example
   * new nn.Linear(64, 8).toQuantized({ bits: 8 })
   * // QuantizedLinear(inputDims=64, outputDims=8, bias=true, groupSize=64, bits=8, mode=affine)
   */
  toQuantized(options?: ToQuantizedOptions): QuantizedLinear | QQLinear {
    const { quantizeInput, mode, ...format } = readToQuantized(options);
    if (!quantizeInput) {
      return QuantizedLinear.fromLinear(this, { mode, ...format });
    }
    if (mode !== "nvfp4" && mode !== "mxfp8") {
      throw outOfRange("toQuantized", "mode", '"nvfp4" or "mxfp8" to quantize the input', mode);
    }
    return QQLinear.fromLinear(this, { mode, ...format });
  }

  protected override extraRepr(): string {
    const [output, input] = this.weight.shape;
    return `inputDims=${input}, outputDims=${output}, bias=${this.bias !== undefined}`;
  }
}

/**
 * A bilinear map of two inputs, of `input1Dims` and `input2Dims` numbers, to
 * `outputDims`: `y[i] = x2^T weight[i] x1 + bias[i]`. `weight`, of shape (outputDims,
 * input2Dims, input1Dims), and `bias` begin uniformly distributed between plus and minus
 * `1 / sqrt(input1Dims)`. Tenenbaum, Freeman, "Separating Style and Content with
 * Bilinear Models", 2000.
 *
 * @example
 * const layer = new nn.Bilinear(2, 2, 1, { bias: false });
 * layer.update({ weight: mx.array([[[1, 0], [0, 10]]]) });
 * layer.forward(mx.array([[2, 3]]), mx.array([[4, 5]]))
 * // array([[158]], dtype=float32)
 */
export class Bilinear extends Module {
  weight: mx.array;
  bias?: mx.array;

  constructor(input1Dims: number, input2Dims: number, outputDims: number, options?: LinearOptions) {
    const fn = "Bilinear";
    super();
    const { bias } = read(options, fn);
    const uniform = initial(asCount(input1Dims, fn, "input1Dims"));
    asCount(input2Dims, fn, "input2Dims");
    asCount(outputDims, fn, "outputDims");
    this.weight = uniform(outputDims, input2Dims, input1Dims);
    if (bias) {
      this.bias = uniform(outputDims);
    }
  }

  /**
   * From (..., input1Dims) and (..., input2Dims), with the same axes before, to (..., outputDims).
   */
  forward(x1: mx.array, x2: mx.array): mx.array {
    const [output, input2, input1] = this.weight.shape as [number, number, number];
    checkShape(x1, "Bilinear.forward", "x1", ["...", input1]);
    checkShape(x2, "Bilinear.forward", "x2", ["...", input2]);
    const products = mx.matmul(x1, this.weight.reshape([-1, input1]).transpose());
    // At each place, a linear map of the second input that depends on the first.
    const maps = mx.unflatten(products, -1, [output, input2]);
    const y = mx.matmul(maps, mx.expandDims(x2, -1)).squeeze(-1);
    return this.bias === undefined ? y : y.add(this.bias);
  }

  protected override extraRepr(): string {
    const [output, input2, input1] = this.weight.shape;
    return `input1Dims=${input1}, input2Dims=${input2}, outputDims=${output}, bias=${this.bias !== undefined}`;
  }
}
