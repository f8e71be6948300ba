import { mx, nn } from "mlx-js";
import type { Config } from "../config.js";

/** silu(gate) * x, as one kernel. "GLU Variants Improve Transformer", arXiv 2002.05202. */
export const swiglu = mx.compile((gate: mx.array, x: mx.array) => nn.silu(gate).multiply(x), {
  shapeless: true,
});

/** Options of {@link GatedMlp}. */
export interface GatedMlpOptions {
  /** Whether the layers have biases. By default false. */
  bias?: boolean;
  /** What becomes of the gate and of what it lets through. By default {@link swiglu}. */
  glu?: (gate: mx.array, x: mx.array) => mx.array;
  /** The size between the layers. By default that of the configuration. */
  hiddenDims?: number;
}

/** Two layers, with a gate between them: down(glu(gate(x), up(x))). */
export class GatedMlp extends nn.Module {
  gateProj: nn.UnaryLayer;
  upProj: nn.UnaryLayer;
  downProj: nn.UnaryLayer;
  readonly #glu: (gate: mx.array, x: mx.array) => mx.array;

  constructor(config: Config, options: GatedMlpOptions = {}) {
    super();
    const { bias = false, glu = swiglu } = options;
    if (glu === swiglu) {
      config.expect("hidden_act", "silu");
    }
    const dims = config.count("hidden_size");
    const hiddenDims = options.hiddenDims ?? config.count("intermediate_size");
    this.gateProj = new nn.Linear(dims, hiddenDims, { bias });
    this.upProj = new nn.Linear(dims, hiddenDims, { bias });
    this.downProj = new nn.Linear(hiddenDims, dims, { bias });
    this.#glu = glu;
  }

  forward(x: mx.array): mx.array {
    const gated = this.#glu(this.gateProj.forward(x), this.upProj.forward(x));
    return this.downProj.forward(gated);
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
