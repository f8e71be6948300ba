import "mlx-js/testing";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, optim } from "mlx-js";
import { PNG } from "pngjs";
import { afterAll, expect, test } from "vitest";
import { Denoiser } from "../../examples/diffusion/denoiser.mjs";
import { draw, type Flow, flowLoss, trainEpoch } from "../../examples/diffusion/diffusion.mjs";
import { mosaic, writePng } from "../../examples/diffusion/picture.mjs";
import { loadDigits } from "../../examples/digits/data.mjs";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-diffusion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Digits that are planes, 0 white and 9 black, and the way to them from wherever one is. */
const goal = (digits: mx.array) =>
  digits
    .divide(4.5)
    .subtract(1)
    .reshape([-1, 1, 1, 1])
    .multiply(mx.ones([1, 8, 8, 1]));
const known: Flow = {
  forward: (pictures, time, digits) =>
    goal(digits)
      .subtract(pictures)
      .divide(mx.subtract(1, time).reshape([-1, 1, 1, 1])),
};

test("whoever knows the way loses nothing, and arrives", () => {
  const digits = mx.array([0, 3, 9], mx.int32);
  expect(flowLoss(known, goal(digits), digits).item()).toBeCloseTo(0, 4);
  const still: Flow = { forward: (pictures) => mx.zerosLike(pictures) };
  const noise = mx.full([3, 8, 8, 1], 0.25);
  const way = goal(digits).subtract(noise).square().mean().item<number>();
  expect(flowLoss(still, goal(digits), digits, noise).item()).toBeCloseTo(way, 5);

  const pictures = draw(known, digits, 10);
  expect(pictures).toHaveLength(11);
  expect(pictures.at(-1)).toBeCloseToArray(goal(digits), { atol: 1e-4 });
  expect(pictures[0]?.std().item()).toBeGreaterThan(0.8);
});

test("the network looks at the whole picture, the time and the digit", () => {
  mx.random.seed(0);
  const model = new Denoiser(8);
  const pictures = mx.random.normal([2, 8, 8, 1]);
  const [time, digits] = [mx.array([0.2, 0.7]), mx.array([1, 2], mx.int32)];
  const way = model.forward(pictures, time, digits);
  expect(way.shape).toEqual([2, 8, 8, 1]);
  const changes = (other: mx.array) =>
    other
      .subtract(way)
      .abs()
      .max([1, 2, 3])
      .tolist<number[]>()
      .map((x) => x > 1e-6);
  const corner = pictures.at(0, 0, 0).add(5);
  expect(changes(model.forward(corner, time, digits))).toEqual([true, false]);
  expect(
    Math.abs(model.forward(corner, time, digits).subtract(way).get(0, 4, 4, 0).item<number>()),
  ).toBeGreaterThan(1e-6);
  expect(changes(model.forward(pictures, mx.array([0.2, 0.1]), digits))).toEqual([false, true]);
  expect(changes(model.forward(pictures, time, mx.array([3, 2], mx.int32)))).toEqual([true, false]);
});

test("four epochs learn what pixels have in common", async () => {
  mx.random.seed(0);
  const model = new Denoiser(8);
  const optimizer = new optim.Adam(5e-3);
  const { train } = loadDigits("examples/digits/digits.npz");
  const losses: number[] = [];
  for (let epoch = 0; epoch < 4; epoch++) {
    losses.push(await trainEpoch(model, optimizer, train, epoch));
  }
  expect(losses).toEqual([...losses].sort((a, b) => b - a));
  // To know nothing costs the square of noise and picture.
  const images = train.images.multiply(2).subtract(1);
  expect(losses.at(-1)).toBeLessThan(0.6 * (1 + images.square().mean().item<number>()));
  // The edges at both sides are white in nearly all digits, and the middle is not.
  const drawn = draw(model, mx.arange(20).remainder(10)).at(-1) ?? mx.array([]);
  const ink = mx.clip(drawn, -1, 1).mean([0, 1, 3]).tolist<number[]>();
  expect(ink[0]).toBeLessThan(-0.7);
  expect(ink[7]).toBeLessThan(-0.7);
  expect(Math.max(...ink)).toBeGreaterThan(-0.2);
});

test("pictures stand in their rows and columns", async () => {
  const pictures = mx
    .array([-1, -0.5, 0, 0.5, 1, 7])
    .reshape([2, 3, 1, 1])
    .multiply(mx.ones([1, 1, 8, 8]));
  const grey = mosaic(pictures);
  expect(grey.shape).toEqual([20, 30]);
  expect(grey.get("5::10", "5::10").tolist()).toEqual([
    [255, 191, 128],
    [64, 0, 0],
  ]);
  expect(grey.get("::10").min().item()).toBe(255);
  const file = join(folder, "rows.png");
  await writePng(file, grey, 2);
  const { data, width, height } = PNG.sync.read(readFileSync(file));
  expect([width, height]).toEqual([60, 40]);
  const at = (x: number, y: number) => data[4 * (y * width + x)];
  expect([at(10, 10), at(30, 10), at(10, 30), at(0, 30)]).toEqual([255, 191, 64, 255]);
});
