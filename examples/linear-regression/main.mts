/** Draws the points and the line. */
import { mkdir, writeFile } from "node:fs/promises";
import { mx } from "mlx-js";
import { drawScatter } from "../scatter.mjs";
import { fitLine, makePoints } from "./fit.mjs";

const [x, y] = makePoints(200, 0);
const { slope, intercept, losses } = fitLine(x, y, 100);
console.log(`slope ${slope.toFixed(3)}, intercept ${intercept.toFixed(3)}`);
console.log(`loss: ${losses.at(0)?.toFixed(3)} at first, ${losses.at(-1)?.toFixed(3)} at last`);

const points = mx.stack([x, y], 1).tolist<[number, number][]>();
const picture = await drawScatter({
  title: "A line through 200 points",
  x: "x",
  y: "y",
  points: points.map(([x, y]) => ({ x, y })),
  lines: [[-2, 2].map((x) => ({ x, y: slope * x + intercept }))],
});
await mkdir("out", { recursive: true });
await writeFile("out/linear-regression.svg", picture);
console.log("out/linear-regression.svg");
