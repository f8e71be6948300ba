/** Trains a classifier of digits, then answers questions at http://127.0.0.1:3000/predict. */
import { mx, optim } from "mlx-js";
import { loadDigits } from "../digits/data.mjs";
import { accuracy, Classifier, trainEpoch } from "../digits/train.mjs";
import { buildServer } from "./server.mjs";

const { train, test } = loadDigits("examples/digits/digits.npz");
mx.random.seed(0);
const model = new Classifier();
const optimizer = new optim.Adam(2e-3);
for (let epoch = 0; epoch < 5; epoch++) {
  await trainEpoch(model, optimizer, train, epoch);
}
console.log(`${(100 * accuracy(model, test)).toFixed(1)} % of the test digits are right`);
const server = buildServer(model);
console.log(await server.listen({ port: Number(process.env["PORT"] ?? 3000) }));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close());
}
