// The demo's transformer at the demo's size: a step of training, and writing a
// token. reference/model_cases.py has the same.
import { createRequire } from "node:module";
import { mx, nn, optim } from "mlx-js";

const require = createRequire(import.meta.url);
const { Transformer } = require("../dist-examples/train-short-test-long/model.js");

/** @typedef {import("../examples/train-short-test-long/model.js").LayerCache} LayerCache */
/** @type {import("../examples/train-short-test-long/model.js").ModelOptions} */
const size = { vocabulary: 90, width: 128, heads: 8, layers: 3, positions: "alibi" };
const [batch, length] = [32, 64];

/**
 * Steps of training. Without `tidy` the garbage collector frees their arrays.
 *
 * @param {boolean} tidy
 * @param {mx.Dtype} [dtype]
 * @returns {(count: number) => void}
 */
export function training(tidy, dtype = mx.float32) {
  mx.random.seed(0);
  const model = new Transformer(size);
  model.setDtype(dtype);
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
  return (count) => {
    for (let i = 0; i < count; i++) {
      mx.eval(tidy ? mx.tidy(step) : step(), model, optimizer.state);
    }
  };
}

/**
 * Writes tokens after a prompt of 16, each the likeliest one.
 *
 * @param {boolean} tidy
 * @returns {(count: number) => void}
 */
export function decoding(tidy) {
  mx.random.seed(0);
  const model = new Transformer(size);
  const prompt = mx.random.randint(0, size.vocabulary, [1, 16]);
  mx.eval(model, prompt);
  return (count) => {
    let token = prompt;
    /** @type {LayerCache[]} */
    let cache = [];
    /** @returns {[mx.array, LayerCache[]]} */
    const step = () => {
      const [logits, grown] = model.read(token, cache);
      return [mx.argmax(logits.get(":", -1), -1, { keepdims: true }), grown];
    };
    for (let i = 0; i < count; i++) {
      [token, cache] = tidy ? mx.tidy(step) : step();
      mx.eval(token, cache);
    }
  };
}
