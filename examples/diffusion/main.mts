/** Learns to draw digits, draws some, and asks another network what they are. */
import { mkdir } from "node:fs/promises";
import { mx, optim } from "mlx-js";
import { loadDigits } from "../digits/data.mjs";
import { Network } from "../digits/network.mjs";
import { accuracy, trainEpoch as teachReader } from "../digits/train.mjs";
import { Denoiser } from "./denoiser.mjs";
import { batchSize, draw, trainEpoch } from "./diffusion.mjs";
import { mosaic, writePng } from "./picture.mjs";

const epochs = Number(process.argv[2] ?? 40);
const { train, test } = loadDigits("examples/digits/digits.npz");
mx.random.seed(0);
const model = new Denoiser();
const optimizer = new optim.Adam(
  optim.cosineDecay(3e-3, epochs * Math.floor(train.labels.size / batchSize)),
);

const start = performance.now();
for (let epoch = 1; epoch <= epochs; epoch++) {
  const loss = await trainEpoch(model, optimizer, train, epoch);
  if (epoch % 10 === 0) {
    console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}`);
  }
}
console.log(`${((performance.now() - start) / 1000).toFixed(0)} seconds`);

// A row for each digit, from noise at the left.
const columns = [0, 6, 9, 12, 14, 16, 18, 20, 22, 24];
const pictures = draw(model, mx.arange(10));
const rows = mx.stack(
  columns.flatMap((column) => pictures.slice(column, column + 1)),
  1,
);
await mkdir("out", { recursive: true });
await writePng("out/diffusion.png", mosaic(rows.squeeze(-1)));
console.log("out/diffusion.png");

// How well can they be read? By the network of the other example, that has seen no drawn ones.
const reader = new Network();
const readerOptimizer = new optim.Adam(2e-3);
for (let epoch = 0; epoch < 20; epoch++) {
  await teachReader(reader.train(), readerOptimizer, train, epoch);
}
reader.eval();
const labels = mx.arange(1000).remainder(10);
const drawn = draw(model, labels).at(-1) ?? mx.array([]);
const images = mx.clip(drawn.add(1).divide(2), 0, 1).reshape([-1, 64]);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
console.log(
  `${percent(accuracy(reader, { images, labels }))} of 1000 drawn digits are read as they were meant, ` +
    `and ${percent(accuracy(reader, test))} of people's`,
);
