/** The models of test/golden/nn/learning.json, as reference/nn/learning.py has them in Python. */
import { mx, nn, optim } from "mlx-js";

/** A model with what it learns: the loss of some rows of the inputs. */
export interface Learner<M extends nn.Module = nn.Module> {
  readonly model: M;
  readonly optimizer: optim.Optimizer;
  loss(model: M, ...rows: mx.array[]): mx.array;
}

/** What comes next in a series of numbers. */
class Series extends nn.Module {
  lstm = new nn.LSTM(1, 16);
  output = new nn.Linear(16, 1);

  forward(x: mx.array): mx.array {
    return this.output.forward(this.lstm.forward(x)[0]);
  }
}

/** Strings that are read, and written from their end. The symbol 0 begins a string. */
export class Reversal extends nn.Module {
  symbols: nn.Embedding;
  positions: nn.Embedding;
  transformer: nn.Transformer;
  output: nn.Linear;

  constructor(symbols: number, length: number, dims = 16) {
    super();
    this.symbols = new nn.Embedding(symbols, dims);
    this.positions = new nn.Embedding(length, dims);
    this.transformer = new nn.Transformer({
      ...{ dims, numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1 },
      mlpDims: 32,
    });
    this.output = new nn.Linear(dims, symbols);
  }

  embed(tokens: mx.array): mx.array {
    return this.symbols.forward(tokens).add(this.positions.forward(mx.arange(tokens.dim(1))));
  }

  forward(source: mx.array, target: mx.array): mx.array {
    const [from, to] = [this.embed(source), this.embed(target)];
    return this.output.forward(this.transformer.forward(from, to, null, "causal", null));
  }
}

/** Handwritten digits, by convolutions, statistics of batches and both kinds of pooling. */
export class Digits extends nn.Module {
  // A bias before a normalization has no gradient but noise, which Adam would follow.
  conv1 = new nn.Conv2d(1, 6, 3, { padding: 1, bias: false });
  norm1 = new nn.BatchNorm(6);
  conv2 = new nn.Conv2d(6, 12, 3, { padding: 1, groups: 2 });
  norm2 = new nn.GroupNorm(3, 12, { pytorchCompatible: true });
  output = new nn.Linear(48, 10);

  forward(images: mx.array): mx.array {
    const pixels = mx.expandDims(images, -1).divide(16);
    const first = nn.relu(this.norm1.forward(this.conv1.forward(pixels)));
    const pooled = new nn.MaxPool2d(2).forward(first);
    const second = nn.relu(this.norm2.forward(this.conv2.forward(pooled)));
    return this.output.forward(new nn.AvgPool2d(2).forward(second).flatten({ startAxis: 1 }));
  }
}

function learner<M extends nn.Module>(
  model: M,
  optimizer: optim.Optimizer,
  loss: Learner<M>["loss"],
): Learner<M> {
  return { model, optimizer, loss };
}

/** Makes the learners, by their names. */
export const learners = {
  digits: () =>
    learner(new Digits(), new optim.Adam(0.01), (model, images, labels) =>
      nn.losses.crossEntropy(model.forward(images), labels as mx.array, { reduction: "mean" }),
    ),
  series: () =>
    learner(new Series(), new optim.Adam(0.02), (model, x) =>
      nn.losses.mseLoss(model.forward(x.get(":", ":-1")), x.get(":", "1:")),
    ),
  reversal: () =>
    learner(new Reversal(7, 5), new optim.Adam(0.003), (model, source) => {
      const reverse = source.get(":", "::-1");
      const target = mx.pad(reverse.get(":", ":-1"), [
        [0, 0],
        [1, 0],
      ]);
      const options = { reduction: "mean" } as const;
      return nn.losses.crossEntropy(model.forward(source, target), reverse, options);
    }),
};

/** The losses of steps that take `size` rows of the inputs each, and begin again after the last. */
export function learn<M extends nn.Module>(
  { model, optimizer, loss }: Learner<M>,
  inputs: readonly mx.array[],
  steps: number,
  size: number,
): number[] {
  const step = nn.valueAndGrad(model, (...rows: mx.array[]) => loss(model, ...rows));
  return Array.from({ length: steps }, (_, i) => {
    const start = (i * size) % (inputs[0] as mx.array).dim(0);
    return mx.tidy(() => {
      const [value, gradients] = step(...inputs.map((x) => x.get(`${start}:${start + size}`)));
      optimizer.update(model, gradients);
      mx.eval(model, optimizer.state);
      return value.item();
    });
  });
}
