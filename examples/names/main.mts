/** Learns names, makes some up, and draws how the losses fell. */
import { mkdir, writeFile } from "node:fs/promises";
import { mx, optim } from "mlx-js";
import { drawScatter } from "../scatter.mjs";
import { encode, loadNames, Names, trainEpoch } from "./names.mjs";

const epochs = 10;
const { train, held } = loadNames("examples/names/names.txt");
const [names, unseen] = [encode(train), encode(held)];
mx.random.seed(0);
const model = new Names();
const optimizer = new optim.Adam(3e-3);
const points: { x: number; y: number; group: string }[] = [];

const start = performance.now();
for (let epoch = 1; epoch <= epochs; epoch++) {
  const learned = await trainEpoch(model, optimizer, names, epoch);
  const other = mx.tidy(() => model.loss(unseen).item());
  points.push(
    { x: epoch, y: learned, group: "learned" },
    { x: epoch, y: other, group: "held out" },
  );
  const figures = `loss ${learned.toFixed(3)}, ${other.toFixed(3)} for names that are held out`;
  console.log(`epoch ${epoch}: ${figures}; ${model.write(4).join(", ")}`);
}
console.log(`${((performance.now() - start) / 1000).toFixed(0)} seconds`);

const known = new Set([...train, ...held]);
const made = model.write(1000);
const fresh = made.filter((name) => !known.has(name));
console.log(
  `${fresh.length} of 1000 are no names of the file, such as ${fresh.slice(0, 8).join(", ")}`,
);

const line = (group: string) => points.filter((point) => point.group === group);
const picture = await drawScatter({
  title: "How surprising the next letter is",
  x: "epoch",
  y: "loss",
  points,
  lines: [line("learned"), line("held out")],
});
await mkdir("out", { recursive: true });
await writeFile("out/names.svg", picture);
console.log("out/names.svg");
