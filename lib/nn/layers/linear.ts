/** Layers that multiply with a matrix. */
import { checkOptions } from "../../core/call/arguments.js";
import * as mx from "../../core/index.js";
import { asPositive } from "../checks.js";
import { Module } from "../module.js";

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

/** Of {@link Linear}. */
export interface LinearOptions {
  /** Whether to add a bias; by default it does. */
  bias?: boolean | undefined;
}

/**
 * A linear map of the last axis, from `inputDims` to `outputDims`: the product
 * with `weight`, of shape (outputDims, inputDims), and a `bias`. Both begin
 * uniform within plus and minus `1 / sqrt(inputDims)`.
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

  constructor(inputDims: number, outputDims: number, options: LinearOptions = {}) {
    super();
    checkOptions(options, ["bias"], "Linear");
    const bound = Math.sqrt(1 / asPositive(inputDims, "Linear", "inputDims"));
    const rows = asPositive(outputDims, "Linear", "outputDims");
    this.weight = mx.random.uniform(-bound, bound, [rows, inputDims]);
    if (options.bias ?? true) {
      this.bias = mx.random.uniform(-bound, bound, [rows]);
    }
  }

  forward(x: mx.array): mx.array {
    const weight = mx.transpose(this.weight);
    return this.bias === undefined ? mx.matmul(x, weight) : mx.addmm(this.bias, x, weight);
  }

  protected override describe(): string {
    const [output, input] = this.weight.shape;
    return `inputDims=${input}, outputDims=${output}, bias=${this.bias !== undefined}`;
  }
}
