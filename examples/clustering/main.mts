/** Groups handwritten digits without their labels, and draws them in the plane of most variance. */
import { mkdir, writeFile } from "node:fs/promises";
import { loadDigits } from "../digits/data.mjs";
import { drawScatter } from "../scatter.mjs";
import { kMeans, principalComponents, project } from "./cluster.mjs";

const { test } = loadDigits("examples/digits/digits.npz");
const components = principalComponents(test.images, 2);
const { nearest, spread, moves } = kMeans(test.images, 10, 0);
console.log(`10 groups after ${moves} moves, squared distance ${spread.toFixed(2)}`);

const groups = nearest.tolist<number[]>();
const labels = test.labels.tolist<number[]>();
for (let group = 0; group < 10; group++) {
  const digits = labels.filter((_, i) => groups[i] === group).sort();
  console.log(`group ${group}: ${digits.join("")}`);
}

const points = project(test.images, components).tolist<[number, number][]>();
const [first = 0, second = 0] = components.share.tolist<number[]>();
const picture = await drawScatter({
  title: "297 handwritten digits in ten groups",
  x: `first component, ${(100 * first).toFixed(0)} % of the variance`,
  y: `second, ${(100 * second).toFixed(0)} %`,
  points: points.map(([x, y], i) => ({ x, y, group: `${groups[i]}` })),
});
await mkdir("out", { recursive: true });
await writeFile("out/clustering.svg", picture);
console.log("out/clustering.svg");
