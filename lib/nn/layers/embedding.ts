/** Layers that look vectors up. */
import { pickRows } from "../../core/array/indices.js";
import { outOfRange, refuseMore } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import * as mx from "../../core/index.js";
import { linearMap } from "../layer.js";
import { Module } from "../module.js";
import { QuantizedEmbedding, readToQuantized, type ToQuantizedOptions } from "./quantized.js";

/**
 * A vector of `dims` numbers for each of `numEmbeddings` integers: the rows of
 * `weight`, which start normally distributed with variance `1 / dims`. Integers of shape
 * (...) give (..., dims).
 *
 * @example
 * const layer = new nn.Embedding(3, 2);
 * layer.update({ weight: mx.array([[0, 1], [2, 3], [4, 5]]) });
 * layer.forward(mx.array([2, 0], mx.int32))
 * // array([[4, 5],
 * //        [0, 1]], dtype=float32)
 */
export class Embedding extends Module {
  weight: mx.array;

  constructor(numEmbeddings: number, dims: number);
  constructor(numEmbeddings: number, dims: number, options?: unknown) {
    super();
    const fn = "Embedding";
    refuseMore(options, fn);
    asCount(numEmbeddings, fn, "numEmbeddings");
    const scale = Math.sqrt(1 / asCount(dims, fn, "dims"));
    this.weight = mx.random.normal([numEmbeddings, dims], mx.float32, { scale });
  }

  forward(x: mx.array): mx.array {
    return pickRows(this.weight, x, "Embedding.forward");
  }

  /** The product with `weight`, from (..., dims) to (..., numEmbeddings): for tied outputs. */
  asLinear(x: mx.array): mx.array {
    return linearMap(x, this, "Embedding.asLinear");
  }

  /**
   * The layer, quantized.
   *
   * @throws RangeError if the input is to be quantized, since it is integers, or if the length of
   * the weight's rows is no multiple of the group size.
   * @example
   * new nn.Embedding(5, 64).toQuantized()
   * // QuantizedEmbedding(5, 64, groupSize=64, bits=4, mode=affine)
   */
  toQuantized(options?: ToQuantizedOptions): QuantizedEmbedding {
    const { quantizeInput, ...format } = readToQuantized(options);
    if (quantizeInput) {
      throw outOfRange("toQuantized", "quantizeInput", "false for an Embedding", quantizeInput);
    }
    return QuantizedEmbedding.fromEmbedding(this, format);
  }

  protected override extraRepr(): string {
    return this.weight.shape.join(", ");
  }
}
