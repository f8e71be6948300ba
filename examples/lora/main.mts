/** A classifier of digits learns to read them mirrored, by its adapters. */
import { mkdir } from "node:fs/promises";
import { mx, optim } from "mlx-js";
import { loadDigits } from "../digits/data.mjs";
import { accuracy, Classifier, trainEpoch } from "../digits/train.mjs";
import { Adapted, count, mirrored } from "./lora.mjs";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const { train, test } = loadDigits("examples/digits/digits.npz");
mx.random.seed(0);
const base = new Classifier();
let optimizer = new optim.Adam(2e-3);
for (let epoch = 0; epoch < 5; epoch++) {
  await trainEpoch(base, optimizer, train, epoch);
}
console.log(`upright digits: ${percent(accuracy(base, test))}`);

const model = new Adapted(base, 4);
console.log(`mirrored digits: ${percent(accuracy(model, mirrored(test)))}`);
console.log(
  `training ${count(model.trainableParameters())} of ${count(model.parameters())} numbers`,
);
optimizer = new optim.Adam(5e-3);
for (let epoch = 0; epoch < 10; epoch++) {
  await trainEpoch(model, optimizer, mirrored(train), epoch);
}
console.log(`mirrored digits: ${percent(accuracy(model, mirrored(test)))}`);
console.log(`upright digits: ${percent(accuracy(base, test))} without the adapters, as before`);
await mkdir("out", { recursive: true });
model.saveAdapters("out/adapters.safetensors");
