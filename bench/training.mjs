// A training step of the demo's transformer, at the demo's size.
import { createRequire } from "node:module";
import { mx, nn, optim } from "mlx-js";

const require = createRequire(import.meta.url);
const { Transformer } = require("../dist-examples/train-short-test-long/model.js");

/** @type {import("../examples/train-short-test-long/model.js").ModelOptions} */
const size = { vocabulary: 90, width: 128, heads: 8, layers: 3, positions: "alibi" };
const [batch, length] = [32, 64];

/**
 * Seconds of a step. Without `tidy` the garbage collector frees its arrays.
 *
 * @param {(rounds: number, count: number, body: (count: number) => void) => number} best
 * @param {boolean} tidy
 */
export function trainingStep(best, tidy) {
  mx.random.seed(0);
  const model = new Transformer(size);
  const optimizer = new optim.AdamW(1e-3, { weightDecay: 0.1 });
  const tokens = mx.random.randint(0, size.vocabulary, [batch, length + 1]);
  const inputs = tokens.get(":", ":-1");
  const targets = tokens.get(":", "1:");
  mx.eval(model, inputs, targets);
  const lossAndGradients = nn.valueAndGrad(model, () =>
    nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "mean" }),
  );
  const step = () => {
    const [loss, gradients] = lossAndGradients();
    const [clipped] = optim.clipGradNorm(gradients, 1);
    optimizer.update(model, clipped);
    return loss;
  };
  return best(3, 8, (count) => {
    for (let i = 0; i < count; i++) {
      mx.eval(tidy ? mx.tidy(step) : step(), model, optimizer.state);
    }
  });
}
