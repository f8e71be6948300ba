/** Layers that read a sequence step by step. */
import { outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { arrayOption, flag, nullable, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { call, checkShape, initial, type Layer, layer } from "../layer.js";
import { Module } from "../module.js";
import { tanh } from "./activations.js";

/**
 * The input's part of the gates, `weight x + bias`, as a list with an array for each step of the
 * sequence.
 */
function steps(x: mx.array, weight: mx.array, bias: mx.array | undefined, fn: string): mx.array[] {
  checkShape(x, fn, "x", ["...", "L", weight.dim(1)]);
  const length = x.dim(-2);
  if (length === 0) {
    throw outOfRange(fn, "x", "at least one step", x.shape);
  }
  const matrix = weight.transpose();
  const all = bias === undefined ? mx.matmul(x, matrix) : mx.addmm(bias, x, matrix);
  return all.split(length, -2).map((step) => step.squeeze(-2));
}

/** A given state, if there is one, broadcast to all sequences of the input. */
function stateFor(
  x: mx.array,
  state: mx.array | null,
  size: number,
  fn: string,
  param: string,
): mx.array | null {
  if (state === null) {
    return null;
  }
  const shape = [...x.shape.slice(0, -2), size];
  const given = state.shape;
  const start = shape.length - given.length;
  const fits = given.at(-1) === size && given.every((n, i) => n === 1 || n === shape[start + i]);
  if (!fits || start < 0) {
    throw outOfRange(fn, param, `the shape (${shape.join(", ")})`, given);
  }
  return mx.broadcastTo(state, shape);
}

/** Options of {@link RNN}. */
export interface RNNOptions {
  /** Whether to add a bias. By default true. */
  bias?: boolean | undefined;
  /** The function or layer that makes the state from the sum. By default `nn.tanh`. */
  nonlinearity?: Layer | undefined;
}

const readRNN = optionsOf<RNNOptions>()("RNN", {
  bias: flag(true),
  nonlinearity: layer(tanh),
});

/** Options of the call of an {@link RNN} or a {@link GRU}. */
export interface RecurrentCallOptions {
  /** The state before the first step, (..., hiddenSize), or one for all sequences. By default zeros. */
  hidden?: mx.array | null | undefined;
}

const readHidden = optionsOf<RecurrentCallOptions>()("RNN.forward", {
  hidden: nullable(arrayOption()),
});

/**
 * A recurrent layer: its state, of `hiddenSize` numbers, is computed at each step from
 * the input, of `inputSize`, and the state before,
 *
 * `h[t] = tanh(Wxh x[t] + Whh h[t - 1] + bias)`.
 *
 * Parameters begin uniformly distributed between plus and minus `1 / sqrt(hiddenSize)`. Elman,
 * "Finding Structure in Time", Cognitive Science 14, 1990.
 *
 * @throws RangeError, when called, for other shapes of inputs and states.
 * @example
 * const layer = new nn.RNN(1, 1, { bias: false, nonlinearity: nn.relu });
 * layer.update({ Wxh: mx.array([[1]]), Whh: mx.array([[10]]) });
 * layer.forward(mx.array([[1], [2], [3]]))
 * // array([[1],
 * //        [12],
 * //        [123]], dtype=float32)
 */
export class RNN extends Module {
  Wxh: mx.array;
  Whh: mx.array;
  bias?: mx.array;
  readonly hiddenSize: number;
  readonly nonlinearity: Layer;

  constructor(inputSize: number, hiddenSize: number, options?: RNNOptions) {
    super();
    const { bias, nonlinearity } = readRNN(options);
    asCount(inputSize, "RNN", "inputSize");
    this.hiddenSize = asCount(hiddenSize, "RNN", "hiddenSize");
    this.nonlinearity = nonlinearity;
    const uniform = initial(hiddenSize);
    this.Wxh = uniform(hiddenSize, inputSize);
    this.Whh = uniform(hiddenSize, hiddenSize);
    if (bias) {
      this.bias = uniform(hiddenSize);
    }
  }

  /** From (..., L, inputSize) to the states of all steps, (..., L, hiddenSize). */
  forward(x: mx.array, options?: RecurrentCallOptions): mx.array {
    const fn = "RNN.forward";
    const { hidden: first } = readHidden(options, fn);
    const inputs = steps(x, this.Wxh, this.bias, fn);
    let hidden = stateFor(x, first, this.hiddenSize, fn, "hidden");
    const Whh = this.Whh.transpose();
    const states = inputs.map((step) => {
      const sum = hidden === null ? step : mx.addmm(step, hidden, Whh);
      hidden = call(this.nonlinearity, sum);
      return hidden;
    });
    return mx.stack(states, -2);
  }

  protected override extraRepr(): string {
    const { nonlinearity } = this;
    const name = typeof nonlinearity === "function" ? nonlinearity.name : nonlinearity.toString();
    return `${sizes(this.Wxh, this.hiddenSize)}, nonlinearity=${name}, bias=${this.bias !== undefined}`;
  }
}

function sizes(weight: mx.array, hiddenSize: number): string {
  return `inputDims=${weight.dim(1)}, hiddenSize=${hiddenSize}`;
}

/** Options of {@link GRU} and {@link LSTM}. */
export interface RecurrentOptions {
  /** Whether to add biases. By default true. */
  bias?: boolean | undefined;
}

const read = optionsOf<RecurrentOptions>()("GRU", { bias: flag(true) });

/**
 * A gated recurrent unit: gates decide at each step how much of the state is used and
 * how much of it stays,
 *
 * - `r = sigmoid(Wxr x[t] + Whr h[t - 1] + br)`,
 * - `z = sigmoid(Wxz x[t] + Whz h[t - 1] + bz)`,
 * - `n = tanh(Wxn x[t] + bn + r * (Whn h[t - 1] + bhn))`,
 * - `h[t] = (1 - z) * n + z * h[t - 1]`.
 *
 * `Wx`, of shape (3 hiddenSize, inputSize), `Wh` and `b` hold what belongs to `r`, `z`
 * and `n`, one below the other. All begin uniformly distributed between plus and minus
 * `1 / sqrt(hiddenSize)`. Cho et al., "Learning Phrase Representations using RNN
 * Encoder-Decoder for Statistical Machine Translation", arXiv 1406.1078.
 *
 * @throws RangeError, when called, for other shapes of inputs and states.
 * @example
 * const layer = new nn.GRU(3, 4);
 * const states = layer.forward(mx.ones([2, 5, 3]));
 * const next = layer.forward(mx.ones([2, 1, 3]), { hidden: states.get(":", -1) });
 * [states.shape, next.shape]
 * // [ [ 2, 5, 4 ], [ 2, 1, 4 ] ]
 */
export class GRU extends Module {
  Wx: mx.array;
  Wh: mx.array;
  b?: mx.array;
  bhn?: mx.array;
  readonly hiddenSize: number;

  constructor(inputSize: number, hiddenSize: number, options?: RecurrentOptions) {
    super();
    const { bias } = read(options);
    asCount(inputSize, "GRU", "inputSize");
    this.hiddenSize = asCount(hiddenSize, "GRU", "hiddenSize");
    const uniform = initial(hiddenSize);
    this.Wx = uniform(3 * hiddenSize, inputSize);
    this.Wh = uniform(3 * hiddenSize, hiddenSize);
    if (bias) {
      this.b = uniform(3 * hiddenSize);
      this.bhn = uniform(hiddenSize);
    }
  }

  /** From (..., L, inputSize) to the states of all steps, (..., L, hiddenSize). */
  forward(x: mx.array, options?: RecurrentCallOptions): mx.array {
    const fn = "GRU.forward";
    const { hidden: first } = readHidden(options, fn);
    const inputs = steps(x, this.Wx, this.b, fn);
    let hidden = stateFor(x, first, this.hiddenSize, fn, "hidden");
    const { bhn } = this;
    const Wh = this.Wh.transpose();
    const halves = (gates: mx.array) => gates.split([2 * this.hiddenSize], -1);
    const states = inputs.map((step) => {
      let [rz, n] = halves(step);
      let recalled = bhn;
      if (hidden !== null) {
        const [hrz, hn] = halves(mx.matmul(hidden, Wh));
        rz = rz.add(hrz);
        recalled = bhn === undefined ? hn : hn.add(bhn);
      }
      const [r, z] = mx.sigmoid(rz).split(2, -1);
      if (recalled !== undefined) {
        n = n.add(r.multiply(recalled));
      }
      const fresh = mx.subtract(1, z).multiply(mx.tanh(n));
      hidden = hidden === null ? fresh : fresh.add(z.multiply(hidden));
      return hidden;
    });
    return mx.stack(states, -2);
  }

  protected override extraRepr(): string {
    return `${sizes(this.Wx, this.hiddenSize)}, bias=${this.b !== undefined}`;
  }
}

/** Options of the call of an {@link LSTM}. */
export interface LSTMCallOptions extends RecurrentCallOptions {
  /** The cells before the first step, (..., hiddenSize), or one for all sequences. By default zeros. */
  cell?: mx.array | null | undefined;
}

const readLSTM = optionsOf<LSTMCallOptions>()("LSTM.forward", {
  hidden: nullable(arrayOption()),
  cell: nullable(arrayOption()),
});

/**
 * A long short-term memory: gates decide at each step what its cells take in, what they
 * forget, and what of them is shown,
 *
 * - `i, f, o = sigmoid(Wx x[t] + Wh h[t - 1] + bias)`, each with its rows of the parameters,
 * - `g = tanh(Wx x[t] + Wh h[t - 1] + bias)`, likewise,
 * - `c[t] = f * c[t - 1] + i * g`,
 * - `h[t] = o * tanh(c[t])`.
 *
 * `Wx`, of shape (4 hiddenSize, inputSize), `Wh` and `bias` hold what belongs to `i`,
 * `f`, `g` and `o`, one below the other. All begin uniformly distributed between plus and minus
 * `1 / sqrt(hiddenSize)`. Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural
 * Computation 9, 1997; the gate `f` is by Gers, Schmidhuber, Cummins, "Learning to
 * Forget", Neural Computation 12, 2000.
 *
 * @throws RangeError, when called, for other shapes of inputs and states.
 * @example
 * const layer = new nn.LSTM(3, 4);
 * const [hidden, cell] = layer.forward(mx.ones([2, 5, 3]));
 * [hidden.shape, cell.shape]
 * // [ [ 2, 5, 4 ], [ 2, 5, 4 ] ]
 */
export class LSTM extends Module {
  Wx: mx.array;
  Wh: mx.array;
  bias?: mx.array;
  readonly hiddenSize: number;

  constructor(inputSize: number, hiddenSize: number, options?: RecurrentOptions) {
    const fn = "LSTM";
    super();
    const { bias } = read(options, fn);
    asCount(inputSize, fn, "inputSize");
    this.hiddenSize = asCount(hiddenSize, fn, "hiddenSize");
    const uniform = initial(hiddenSize);
    this.Wx = uniform(4 * hiddenSize, inputSize);
    this.Wh = uniform(4 * hiddenSize, hiddenSize);
    if (bias) {
      this.bias = uniform(4 * hiddenSize);
    }
  }

  /**
   * From (..., L, inputSize) to what is shown and the cells at all steps, both
   * (..., L, hiddenSize).
   */
  forward(x: mx.array, options?: LSTMCallOptions): [hidden: mx.array, cell: mx.array] {
    const fn = "LSTM.forward";
    const { hidden: firstHidden, cell: firstCell } = readLSTM(options);
    const inputs = steps(x, this.Wx, this.bias, fn);
    let hidden = stateFor(x, firstHidden, this.hiddenSize, fn, "hidden");
    let cell = stateFor(x, firstCell, this.hiddenSize, fn, "cell");
    const Wh = this.Wh.transpose();
    const shown: mx.array[] = [];
    const cells: mx.array[] = [];
    for (const step of inputs) {
      const gates = hidden === null ? step : mx.addmm(step, hidden, Wh);
      const [i, f, g, o] = gates.split(4, -1);
      const taken = mx.sigmoid(i).multiply(mx.tanh(g));
      cell = cell === null ? taken : mx.sigmoid(f).multiply(cell).add(taken);
      hidden = mx.sigmoid(o).multiply(mx.tanh(cell));
      cells.push(cell);
      shown.push(hidden);
    }
    return [mx.stack(shown, -2), mx.stack(cells, -2)];
  }

  protected override extraRepr(): string {
    return `${sizes(this.Wx, this.hiddenSize)}, bias=${this.bias !== undefined}`;
  }
}
