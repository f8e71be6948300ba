// What a program of a user's has, for TypeScript to check against the types that
// are published.
import mlx, { mx, nn, optim, utils } from "mlx-js";
import type * as core from "mlx-js/core";
import * as layers from "mlx-js/nn";
import * as optimizers from "mlx-js/optimizers";
import * as trees from "mlx-js/utils";
import "mlx-js/testing";

const x: mx.array = mx.array([1, 2, 3]);
export const numbers: Float32Array = x.toTypedArray();
export const sum: number = numbers.reduce((a, b) => a + b, 0);

class Model extends nn.Module {
  first = new nn.Linear(2, 3, { bias: false });
  second = new layers.Linear(3, 1);

  forward(input: mx.array): core.array {
    return this.second.forward(mx.tanh(this.first.forward(input)));
  }
}

const model = new Model();
const optimizer = new optim.Adam(0.1);
const step = nn.valueAndGrad(model, (input: mx.array) => mx.mean(model.forward(input)));
const [loss, gradients] = step(mx.zeros([1, 2]));
optimizer.update(model, gradients);
export const value: mx.array = loss;
export const same: typeof nn = mlx.nn;
export const adam: optim.Adam = new optimizers.Adam(0.1);
export const flat = utils.treeFlatten(model.parameters());
export const map = trees.treeMap;
model.loadWeights(flat.map(([name, parameter]) => [name.trim(), parameter]));
export const tree = utils.treeUnflatten(flat.map(([name, parameter]) => [name, parameter.shape]));
// @ts-expect-error: an option that there is not
mx.sum(x, 0, { keepDims: true });
