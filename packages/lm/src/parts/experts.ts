import { mx, nn } from "mlx-js";
import type { Config } from "../config.js";
import { swiglu } from "./mlp.js";

/** Linear layers of several experts, of which each token goes through those that are chosen for it. */
export class ExpertsLinear extends nn.Module implements Experts {
  weight: mx.array;

  constructor(inputDims: number, outputDims: number, experts: number) {
    super();
    const scale = Math.sqrt(1 / inputDims);
    this.weight = mx.random.uniform(-scale, scale, [experts, outputDims, inputDims]);
  }

  forward(x: mx.array, experts: mx.array, sorted: boolean): mx.array {
    const weight = this.weight.swapaxes(-1, -2);
    return mx.gatherMm(x, weight, { rhsIndices: experts, sortedIndices: sorted });
  }

  toQuantized(options: nn.ToQuantizedOptions = {}): QuantizedExpertsLinear {
    return new QuantizedExpertsLinear(this.weight, options);
  }
}

/** What a layer of experts is, quantized or not. */
export interface Experts extends nn.Module {
  /**
   * @param x Of shape (..., 1, inputDims), which fits that of `experts` with two axes more.
   * @param experts The number of the expert for each row.
   * @param sorted Whether the numbers are in order.
   */
  forward(x: mx.array, experts: mx.array, sorted: boolean): mx.array;
}

/** {@link ExpertsLinear} with quantized weights. */
export class QuantizedExpertsLinear extends nn.Module implements Experts {
  weight: mx.array;
  scales: mx.array;
  biases: mx.array | null;
  readonly groupSize: number | null | undefined;
  readonly bits: number | null | undefined;
  readonly mode: mx.QuantizationMode;

  constructor(weight: mx.array, { groupSize, bits, mode = "affine" }: nn.ToQuantizedOptions) {
    super();
    const [packed, scales, biases] = mx.quantize(weight, { groupSize, bits, mode });
    this.weight = packed;
    this.scales = scales;
    this.biases = biases ?? null;
    this.groupSize = groupSize;
    this.bits = bits;
    this.mode = mode;
    this.freeze();
  }

  forward(x: mx.array, experts: mx.array, sorted: boolean): mx.array {
    const { groupSize, bits, mode, biases } = this;
    return mx.gatherQmm(x, this.weight, this.scales, {
      ...{ biases, groupSize, bits, mode },
      ...{ rhsIndices: experts, transpose: true, sortedIndices: sorted },
    });
  }
}

// From so many rows on it is worth to bring those of an expert together.
const many = 64;

/** The gated layers of all experts. */
export class ExpertsMlp extends nn.Module {
  gateProj: Experts;
  upProj: Experts;
  downProj: Experts;

  constructor(dims: number, hiddenDims: number, experts: number) {
    super();
    this.gateProj = new ExpertsLinear(dims, hiddenDims, experts);
    this.upProj = new ExpertsLinear(dims, hiddenDims, experts);
    this.downProj = new ExpertsLinear(hiddenDims, dims, experts);
  }

  /**
   * @param x Of shape (..., dims).
   * @param chosen The numbers of the experts for each, of shape (..., k).
   * @returns what each expert says, of shape (..., k, dims).
   */
  forward(x: mx.array, chosen: mx.array): mx.array {
    const rows = mx.expandDims(x, [-2, -3]);
    if (chosen.size < many) {
      return this.#mlp(rows, chosen, false).squeeze(-2);
    }
    const k = chosen.dim(-1);
    const order = mx.argsort(chosen.flatten());
    const sorted = mx.take(chosen.flatten(), order);
    const gathered = mx.take(
      mx.flatten(rows, { startAxis: 0, endAxis: -3 }),
      mx.floorDivide(order, k),
      0,
    );
    const back = mx.take(this.#mlp(gathered, sorted, true), mx.argsort(order), 0);
    return back.reshape(...chosen.shape, x.dim(-1));
  }

  #mlp(x: mx.array, experts: mx.array, sorted: boolean): mx.array {
    const gate = this.gateProj.forward(x, experts, sorted);
    const up = this.upProj.forward(x, experts, sorted);
    return this.downProj.forward(swiglu(gate, up), experts, sorted);
  }
}

/** Sends each token to the few experts that a gate finds best for it. */
export class MixtureOfExperts extends nn.Module {
  gate: nn.UnaryLayer;
  switchMlp: ExpertsMlp;
  readonly chosen: number;
  readonly normalized: boolean;

  constructor(config: Config) {
    super();
    config.expect("hidden_act", "silu");
    const dims = config.count("hidden_size");
    const experts = config.count("num_experts");
    this.gate = new nn.Linear(dims, experts, { bias: false });
    this.switchMlp = new ExpertsMlp(dims, config.count("moe_intermediate_size"), experts);
    this.chosen = config.count("num_experts_per_tok");
    this.normalized = config.flag("norm_topk_prob", false);
  }

  forward(x: mx.array): mx.array {
    const gates = mx.softmax(this.gate.forward(x), -1, { precise: true });
    const last = new mx.Slice(-this.chosen, null);
    const best = mx.argpartition(gates, -this.chosen, -1).get("...", last);
    const scores = mx.takeAlongAxis(gates, best, -1);
    const shares = this.normalized ? scores.divide(scores.sum(-1, { keepdims: true })) : scores;
    return this.switchMlp.forward(x, best).multiply(mx.expandDims(shares, -1)).sum(-2);
  }
}
