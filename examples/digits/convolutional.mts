/** Trains the network of main.mts and a convolutional one, and draws how well both read. */
import { mkdir, writeFile } from "node:fs/promises";
import { mx, type nn, optim } from "mlx-js";
import { drawScatter, type Point } from "../scatter.mjs";
import { loadDigits } from "./data.mjs";
import { Network } from "./network.mjs";
import { accuracy, Classifier, trainEpoch } from "./train.mjs";

const { train, test } = loadDigits("examples/digits/digits.npz");

async function learn(group: string, model: nn.UnaryLayer, epochs = 20): Promise<Point[]> {
  const optimizer = new optim.Adam(2e-3);
  const points: Point[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    await trainEpoch(model.train(), optimizer, train, epoch);
    // In evaluation, statistics are those of all batches, and nothing is dropped.
    points.push({ x: epoch + 1, y: 100 * accuracy(model.eval(), test), group });
  }
  const last = points.slice(-5).reduce((sum, { y }) => sum + y / 5, 0);
  console.log(`${group}: ${last.toFixed(1)} % of the test digits are right in the last epochs`);
  return points;
}

mx.random.seed(0);
const lines = [
  await learn("two linear layers", new Classifier()),
  await learn("convolutional", new Network()),
];
const picture = await drawScatter({
  title: "Handwritten digits that were not for training",
  x: "epoch",
  y: "% read correctly",
  points: lines.flat(),
  lines,
});
await mkdir("out", { recursive: true });
await writeFile("out/digits.svg", picture);
console.log("out/digits.svg");
