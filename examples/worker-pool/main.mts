/** Looks for a good learning rate, with as many trials at once as there are workers. */
import { mkdir, writeFile } from "node:fs/promises";
import { loadDigits } from "../digits/data.mjs";
import { accuracy } from "../digits/train.mjs";
import { drawScatter } from "../scatter.mjs";
import { TrialPool } from "./pool.mjs";
import { unpack } from "./trial.mjs";

const pool = new TrialPool(2);
const trials = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2].map((rate) => ({ rate, epochs: 5, seed: 0 }));
const results = await Promise.all(
  trials.map(async (trial) => {
    const result = await pool.run(trial);
    console.log(`rate ${trial.rate}: ${(100 * result.accuracy).toFixed(1)} %`);
    return result;
  }),
);
await pool.close();

const best = results.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
const { test } = loadDigits("examples/digits/digits.npz");
const share = accuracy(unpack(best.weights), test);
const points = trials.map(({ rate }, i) => ({
  x: Math.log10(rate),
  y: 100 * (results[i]?.accuracy ?? Number.NaN),
}));
const picture = await drawScatter({
  title: "Six learning rates, two at a time",
  x: "learning rate, as a power of ten",
  y: "% read correctly",
  points,
  lines: [points],
});
await mkdir("out", { recursive: true });
await writeFile("out/worker-pool.svg", picture);
console.log(`the best one reads ${(100 * share).toFixed(1)} % here, too`);
console.log("out/worker-pool.svg");
