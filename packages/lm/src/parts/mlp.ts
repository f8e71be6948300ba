import { type mx, nn } from "mlx-js";
import type { Config } from "../config.js";

/** Options of {@link GatedMlp}. */
export interface GatedMlpOptions {
  /** Whether the layers have biases. By default false. */
  bias?: boolean;
  /** What the gate goes through. By default SiLU. */
  activation?: (x: mx.array) => mx.array;
  /** The size between the layers. By default that of the configuration. */
  hiddenDims?: number;
}

/**
 * Two layers, with a gate between them: down(activation(gate(x)) * up(x)). "GLU Variants Improve
 * Transformer", arXiv 2002.05202.
 */
export class GatedMlp extends nn.Module {
  gateProj: nn.UnaryLayer;
  upProj: nn.UnaryLayer;
  downProj: nn.UnaryLayer;
  readonly #activation: (x: mx.array) => mx.array;

  constructor(config: Config, options: GatedMlpOptions = {}) {
    super();
    const { bias = false, activation = (x) => nn.silu(x) } = options;
    const dims = config.count("hidden_size");
    const hiddenDims = options.hiddenDims ?? config.count("intermediate_size");
    this.gateProj = new nn.Linear(dims, hiddenDims, { bias });
    this.upProj = new nn.Linear(dims, hiddenDims, { bias });
    this.downProj = new nn.Linear(hiddenDims, dims, { bias });
    this.#activation = activation;
  }

  forward(x: mx.array): mx.array {
    const gate = this.#activation(this.gateProj.forward(x));
    return this.downProj.forward(gate.multiply(this.upProj.forward(x)));
  }
}

/** Two layers, and an activation between them: down(activation(up(x))). */
export class PlainMlp extends nn.Module {
  upProj: nn.UnaryLayer;
  downProj: nn.UnaryLayer;
  readonly #activation: (x: mx.array) => mx.array;

  constructor(
    dims: number,
    hiddenDims: number,
    { bias, activation }: { bias: boolean; activation: (x: mx.array) => mx.array },
  ) {
    super();
    this.upProj = new nn.Linear(dims, hiddenDims, { bias });
    this.downProj = new nn.Linear(hiddenDims, dims, { bias });
    this.#activation = activation;
  }

  forward(x: mx.array): mx.array {
    return this.downProj.forward(this.#activation(this.upProj.forward(x)));
  }
}
