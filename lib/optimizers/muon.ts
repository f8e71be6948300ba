/** Muon. */
import { flag, length, number, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { readBehindRate } from "./kinds.js";
import { type LearningRate, Optimizer, type ParameterState, rateOf, scaled } from "./optimizer.js";

/** Options of {@link Muon}. */
export interface MuonOptions {
  /** The coefficient of the running average of the gradient. By default 0.95. */
  momentum?: number | undefined;
  /** The L2 penalty. By default 0.01. */
  weightDecay?: number | undefined;
  /** Whether the momentum looks ahead. By default true. */
  nesterov?: boolean | undefined;
  /** The number of Newton-Schulz iterations. By default 5. */
  nsSteps?: number | undefined;
}

const read = optionsOf<MuonOptions>()("Muon", {
  momentum: number(0.95),
  weightDecay: number(0.01),
  nesterov: flag(true),
  nsSteps: length(5),
});

/**
 * Muon: a step along the orthogonal matrix that is closest to the momentum, which
 * a Newton-Schulz iteration finds. It is meant for the matrices inside a network;
 * embeddings, the last layer, biases and the like are better left to AdamW, see
 * {@link MultiOptimizer}. In a convolution's kernel, all dimensions but the first count as one.
 *
 * Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
 * https://kellerjordan.github.io/posts/muon/
 *
 * @throws RangeError if `nsSteps` is negative.
 * @example
 * const optimizer = new optim.Muon(0.1);
 * const step = (w) => optimizer.applyGradients({ w: mx.multiply(w, 1000) }, { w });
 * mx.round(step(mx.array([[3, 0], [0, 4]])).w, 1)
 * // array([[2.9, 0],
 * //        [0, 3.9]], dtype=float32)
 */
export class Muon extends Optimizer {
  momentum: number;
  weightDecay: number;
  nesterov: boolean;
  nsSteps: number;

  constructor(learningRate: LearningRate, options?: MuonOptions) {
    super();
    const given = readBehindRate(new.target.name, read, learningRate, options);
    this.momentum = given.momentum;
    this.weightDecay = given.weightDecay;
    this.nesterov = given.nesterov;
    this.nsSteps = given.nsSteps;
    this.schedule("learningRate", learningRate);
  }

  initSingle(parameter: mx.array, state: ParameterState): void {
    state["v"] = mx.zerosLike(parameter);
  }

  applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array {
    const { momentum, weightDecay } = this;
    const g = weightDecay === 0 ? gradient : mx.add(gradient, scaled(this, weightDecay, parameter));
    const fresh = scaled(this, 1 - momentum, g);
    const v = mx.add(scaled(this, momentum, state["v"] as mx.array), fresh);
    state["v"] = v;
    let update = this.nesterov ? mx.add(fresh, scaled(this, momentum, v)) : v;
    let rate = rateOf(this, g.dtype);
    const { shape } = update;
    if (shape.length >= 2) {
      update =
        shape.length === 2
          ? this.#orthogonal(update)
          : mx.reshape(this.#orthogonal(mx.reshape(update, [shape[0] as number, -1])), shape);
      const [rows, columns] = shape.slice(-2) as [number, number];
      rate = mx.multiply(rate, Math.sqrt(Math.max(1, rows / columns)));
    }
    return mx.subtract(parameter, mx.multiply(rate, update));
  }

  /** A matrix with singular values near 1 and the same singular vectors. */
  #orthogonal(matrix: mx.array): mx.array {
    const [rows, columns] = matrix.shape as [number, number];
    const tall = rows > columns;
    let x = tall ? mx.transpose(matrix) : matrix;
    const norm = mx.linalg.norm(x, null, null, { keepdims: true });
    x = mx.divide(x, mx.add(norm, 1e-7));
    // A polynomial of degree 5 whose iterates draw (0, 1] towards 1.
    for (let i = 0; i < this.nsSteps; i++) {
      const a = mx.matmul(x, mx.transpose(x));
      const b = mx.addmm(mx.multiply(-4.775, a), a, a, { alpha: 2.0315 });
      x = mx.addmm(mx.multiply(3.4445, x), b, x);
    }
    return tall ? mx.transpose(x) : x;
  }
}
