/** Trains for five epochs; with `--resume`, for five more after those of the last run. */
import { mkdirSync } from "node:fs";
import { mx, optim } from "mlx-js";
import { loadDigits } from "./data.mjs";
import { accuracy, Classifier, restore, save, stepsInEpoch, trainEpoch } from "./train.mjs";

const { train, test } = loadDigits("examples/digits/digits.npz");
mx.random.seed(0);
const model = new Classifier();
const optimizer = new optim.Adam(2e-3);
const folder = "out/digits";
if (process.argv.includes("--resume")) {
  restore(folder, model, optimizer);
}

const first = Number(optimizer.step.item<bigint>()) / stepsInEpoch(train);
for (let epoch = first; epoch < first + 5; epoch++) {
  const losses = await trainEpoch(model, optimizer, train, epoch);
  const share = (100 * accuracy(model, test)).toFixed(1);
  console.log(
    `epoch ${epoch + 1}: loss ${losses.at(-1)?.toFixed(3)}, ${share} % of the test digits are right`,
  );
}
mkdirSync(folder, { recursive: true });
save(folder, model, optimizer);
console.log(`saved in ${folder}`);
