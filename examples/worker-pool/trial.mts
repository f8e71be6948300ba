/** One trial of a search: a classifier of digits that is trained with some learning rate. */
import { mx, optim, utils } from "mlx-js";
import { loadDigits } from "../digits/data.mjs";
import { accuracy, Classifier, trainEpoch } from "../digits/train.mjs";

export interface Trial {
  rate: number;
  epochs: number;
  seed: number;
}

/** Values that can be sent to another thread, where an array cannot. */
export interface Packed {
  name: string;
  shape: number[];
  values: Float32Array<ArrayBuffer>;
}

export interface TrialResult {
  losses: number[];
  accuracy: number;
  weights: Packed[];
}

export async function runTrial({ rate, epochs, seed }: Trial): Promise<TrialResult> {
  const { train, test } = loadDigits("examples/digits/digits.npz");
  // Each thread has a random state of its own.
  mx.random.seed(seed);
  const model = new Classifier();
  const optimizer = new optim.Adam(rate);
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    losses.push(...(await trainEpoch(model, optimizer, train, epoch)));
  }
  return { losses, accuracy: accuracy(model, test), weights: pack(model) };
}

function pack(model: Classifier): Packed[] {
  return utils
    .treeFlatten(model.parameters())
    .map(([name, x]) => ({ name, shape: x.shape, values: x.toTypedArray() }));
}

/** The classifier that a trial has trained. */
export function unpack(weights: readonly Packed[]): Classifier {
  const arrays = weights.map(({ name, shape, values }): [string, mx.array] => [
    name,
    mx.array(values).reshape(shape),
  ]);
  return new Classifier().loadWeights(arrays);
}
