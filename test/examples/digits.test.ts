import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, optim, utils } from "mlx-js";
import { afterAll, expect, test } from "vitest";
import { batches, loadDigits } from "../../examples/digits/data.mjs";
import { Network } from "../../examples/digits/network.mjs";
import { accuracy, Classifier, restore, save, trainEpoch } from "../../examples/digits/train.mjs";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-digits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digits = loadDigits("examples/digits/digits.npz");

function fresh(seed: number): [Classifier, optim.Adam] {
  mx.random.seed(seed);
  return [new Classifier(), new optim.Adam(2e-3)];
}

test("the split has every digit once", () => {
  expect(digits.train.images.shape).toEqual([1500, 64]);
  expect(digits.test.images.shape).toEqual([297, 64]);
  const whole = mx.load("examples/digits/digits.npz");
  const sums = (images: mx.array) => images.sum(1).tolist<number[]>();
  const parts = [...sums(digits.train.images), ...sums(digits.test.images)];
  const all = sums(
    whole["images"]?.astype(mx.float32).divide(16).reshape([-1, 64]) ?? mx.array([]),
  );
  expect(parts).not.toEqual(all);
  expect(parts.sort((a, b) => a - b)).toEqual(all.sort((a, b) => a - b));
  // The first digits of the file are 0, 1, 2 and so on.
  expect(whole["labels"]?.get(":12").tolist()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
});

test("batches keep pictures and labels together, in another order for each epoch", () => {
  const images = mx
    .arange(10)
    .reshape([10, 1])
    .multiply(mx.ones([1, 64]));
  const read = (epoch: number) =>
    [...batches({ images, labels: mx.arange(10) }, 3, epoch)].map(({ images, labels }) => {
      expect(images.get(":", 63).tolist()).toEqual(labels.tolist());
      return labels.tolist<number[]>();
    });
  expect(read(0).map((labels) => labels.length)).toEqual([3, 3, 3]);
  expect(new Set(read(0).flat()).size).toBe(9);
  expect(read(0)).toEqual(read(0));
  expect(read(0)).not.toEqual(read(1));
});

test("what was saved goes on with the same losses", async () => {
  const [model, optimizer] = fresh(1);
  const first = await trainEpoch(model, optimizer, digits.train, 0);
  save(folder, model, optimizer);
  const second = await trainEpoch(model, optimizer, digits.train, 1);

  const [resumed, remembered] = fresh(2);
  restore(folder, resumed, remembered);
  expect(remembered.step.item<bigint>()).toBe(30n);
  expect(await trainEpoch(resumed, remembered, digits.train, 1)).toEqual(second);
  expect(resumed.parameters()).toEqual(model.parameters());

  // Without the state of the optimizer they are others.
  const [weights] = fresh(2);
  weights.loadWeights(`${folder}/model.safetensors`);
  expect(await trainEpoch(weights, new optim.Adam(2e-3), digits.train, 1)).not.toEqual(second);
  expect(first).not.toEqual(second);
});

test("three epochs read nine of ten digits rightly", async () => {
  const [model, optimizer] = fresh(0);
  expect(accuracy(model, digits.test)).toBeLessThan(0.3);
  let losses: number[] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    losses = await trainEpoch(model, optimizer, digits.train, epoch);
  }
  expect(losses).toHaveLength(30);
  expect(Math.max(...losses)).toBeLessThan(0.5);
  const share = accuracy(model, digits.test);
  expect(share).toBeGreaterThan(0.9);
  // Counted by hand.
  const rows = model.forward(digits.test.images).tolist<number[][]>();
  const labels = digits.test.labels.tolist<number[]>();
  const right = rows.filter((row, i) => row.indexOf(Math.max(...row)) === labels[i]).length;
  expect(share).toBeCloseTo(right / 297, 6);
});

test("two epochs of convolutions read 19 of 20 digits rightly", async () => {
  mx.random.seed(0);
  const model = new Network();
  const optimizer = new optim.Adam(2e-3);
  for (let epoch = 0; epoch < 2; epoch++) {
    await trainEpoch(model.train(), optimizer, digits.train, epoch);
  }
  expect(accuracy(model.eval(), digits.test)).toBeGreaterThan(0.95);
  // A picture alone is read as it is among others: the statistics are those of training.
  const first = model.forward(digits.test.images.get(":1"));
  const all = model.forward(digits.test.images.get(":20"));
  expect(mx.allclose(first, all.get(":1"), { atol: 1e-4 }).item()).toBe(true);
  const names = utils.treeFlatten(model.parameters()).map(([name]) => name);
  expect(names).toContain("blocks.layers.1.layers.1.runningVar");
});
