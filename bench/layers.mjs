// Steps of training with convolutions and with recurrence.
// reference/layer_cases.py has the same.
import { mx, nn, optim } from "mlx-js";

/**
 * Steps of training in scopes.
 *
 * @param {nn.Module} model
 * @param {() => mx.array} lossOf
 * @param {boolean} [compiled]
 * @returns {(count: number) => void}
 */
function steps(model, lossOf, compiled = false) {
  const optimizer = new optim.Adam(1e-3);
  const lossAndGradients = nn.valueAndGrad(model, lossOf);
  const plain = () => {
    const [loss, gradients] = lossAndGradients();
    optimizer.update(model, gradients);
    return loss;
  };
  optimizer.init(model.trainableParameters());
  const state = [model, optimizer.state];
  const step = compiled ? mx.compile(plain, { inputs: state, outputs: state }) : plain;
  return (count) => {
    for (let i = 0; i < count; i++) {
      mx.eval(mx.tidy(step), model, optimizer.state);
    }
  };
}

/** 64 pictures of 28 x 28 pixels through two convolutions. */
export function convolutional() {
  mx.random.seed(0);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.BatchNorm(16),
    nn.relu,
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    nn.relu,
    new nn.MaxPool2d(2),
    (x) => x.flatten({ startAxis: 1 }),
    new nn.Linear(32 * 7 * 7, 10),
  );
  const images = mx.random.normal([64, 28, 28, 1]);
  const labels = mx.random.randint(0, 10, [64]);
  mx.eval(model, images, labels);
  return steps(model, () =>
    nn.losses.crossEntropy(model.forward(images), labels, { reduction: "mean" }),
  );
}

/**
 * 32 sequences of 64 characters through a gated recurrent unit of 128.
 *
 * @param {boolean} compiled
 */
export function recurrent(compiled) {
  mx.random.seed(0);
  const [vocabulary, width] = [90, 128];
  const model = new nn.Sequential(
    new nn.Embedding(vocabulary, width),
    new nn.GRU(width, width),
    new nn.Linear(width, vocabulary),
  );
  const tokens = mx.random.randint(0, vocabulary, [32, 65]);
  const inputs = tokens.get(":", ":-1");
  const targets = tokens.get(":", "1:");
  mx.eval(model, inputs, targets);
  const lossOf = () =>
    nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "mean" });
  return steps(model, lossOf, compiled);
}
