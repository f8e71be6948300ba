/** Layers that multiply with a matrix. */
import { asCount } from "../../core/call/numbers.js";
import { flag, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
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

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Whether to add a bias. By default true. */
  bias?: boolean | undefined;
}

const read = optionsOf<LinearOptions>()("Linear", { bias: flag(true) });

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

  constructor(inputDims: number, outputDims: number, options?: LinearOptions) {
    super();
    const { bias } = read(options);
    asCount(outputDims, "Linear", "outputDims");
    const bound = Math.sqrt(1 / asCount(inputDims, "Linear", "inputDims"));
    this.weight = mx.random.uniform(-bound, bound, [outputDims, inputDims]);
    if (bias) {
      this.bias = mx.random.uniform(-bound, bound, [outputDims]);
    }
  }

  forward(x: mx.array): mx.array {
    const weight = this.weight.transpose();
    return this.bias === undefined ? mx.matmul(x, weight) : mx.addmm(this.bias, x, weight);
  }

  protected override describe(): string {
    const [output, input] = this.weight.shape;
    return `inputDims=${input}, outputDims=${output}, bias=${this.bias !== undefined}`;
  }
}
