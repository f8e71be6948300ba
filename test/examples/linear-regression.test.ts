import { expect, test } from "vitest";
import { fitLine, makePoints } from "../../examples/linear-regression/fit.mjs";

// Not by a literal, since the types of vega ask for a browser's.
const scatter: string = "../../examples/scatter.mjs";
const { drawScatter } = await import(scatter);

/** The line of least squares, by the formula. */
function leastSquares(xs: Float32Array, ys: Float32Array) {
  const mean = (values: Float32Array) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  let [above, below] = [0, 0];
  xs.forEach((xi, i) => {
    above += (xi - x) * ((ys[i] ?? Number.NaN) - y);
    below += (xi - x) ** 2;
  });
  return { slope: above / below, intercept: y - (above / below) * x };
}

test("descent finds the line of least squares", () => {
  const [x, y] = makePoints(50, 3);
  const found = fitLine(x, y, 100);
  const line = leastSquares(x.toTypedArray(), y.toTypedArray());
  expect(found.slope).toBeCloseTo(line.slope, 5);
  expect(found.intercept).toBeCloseTo(line.intercept, 5);
  // The points lie around y = 1.5 x - 0.5.
  expect(Math.abs(found.slope - 1.5)).toBeLessThan(0.15);
  expect(Math.abs(found.intercept + 0.5)).toBeLessThan(0.15);
  // Where the line starts, its loss is the mean of the squares.
  expect(found.losses[0]).toBeCloseTo(y.square().mean().item(), 5);
  expect(found.losses.at(-1)).toBeLessThan(0.15);
});

test("the same seed gives the same points and losses", () => {
  const run = (seed: number) => fitLine(...makePoints(20, seed), 5).losses;
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});

test("the picture has every point and the line", async () => {
  const svg = await drawScatter({
    title: "Three points",
    x: "across",
    y: "up",
    points: [
      { x: 0, y: 0, group: "first" },
      { x: 1, y: 3, group: "rest" },
      { x: 4, y: 1, group: "rest" },
    ],
    lines: [
      [
        { x: 0, y: 0 },
        { x: 4, y: 3 },
      ],
    ],
  });
  for (const text of ["Three points", "across", "up", "first", "rest"]) {
    expect(svg).toContain(`>${text}<`);
  }
  // It is 420 wide and 220 high, and y counts from above. A point is a circle of radius 2.449.
  const circles = [
    ...svg.matchAll(/translate\((\d+),(\d+)[.\d]*\)" d="M2.449,[^>]* fill="(#\w+)"/g),
  ];
  const points = circles.map(([, x, y, fill]) => [Number(x), Number(y), fill]);
  const [first, rest] = ["#4c78a8", "#f58518"];
  expect(points).toEqual([
    [0, 220, first],
    [105, 0, rest],
    [420, 146, rest],
  ]);
  expect(svg).toContain('d="M0,220L420,0"');
});
