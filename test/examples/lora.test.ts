import "mlx-js/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDigits } from "../../examples/digits/data.mjs";
import { accuracy, Classifier, trainEpoch } from "../../examples/digits/train.mjs";
import { Adapted, count, LoRALinear, mirrored } from "../../examples/lora/lora.mjs";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lora-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digits = loadDigits("examples/digits/digits.npz");
mx.random.seed(1);
const base = new Classifier();

beforeAll(async () => {
  const optimizer = new optim.Adam(5e-3);
  for (let epoch = 0; epoch < 2; epoch++) {
    await trainEpoch(base, optimizer, digits.train, epoch);
  }
});

test("a layer adds the product of its adapter, by hand", () => {
  const linear = new nn.Linear(3, 2);
  linear.update({ weight: mx.array([[1, 0, 2], [0, 3, 1]]), bias: mx.array([10, 20]) }); // biome-ignore format: a matrix
  const layer = new LoRALinear(linear, 1, 0.5);
  const x = mx.array([[1, 2, 4]]);
  expect(layer.forward(x).tolist()).toEqual([[19, 30]]);
  layer.update({ a: mx.array([[1], [0], [2]]), b: mx.array([[4, -2]]) });
  // x a is 9, times b and a half it is 18 and -9.
  expect(layer.forward(x).tolist()).toEqual([[37, 21]]);
  expect(layer.fused().weight.tolist()).toEqual([
    [3, 0, 6],
    [-1, 3, -1],
  ]);
  expect(layer.fused().forward(x).tolist()).toEqual([[37, 21]]);
  const plain = new LoRALinear(new nn.Linear(3, 2, { bias: false }), 1).fused();
  expect(plain.bias).toBeUndefined();
});

test("only adapters train, and they learn what the frozen model cannot read", async () => {
  const [train, held] = [mirrored(digits.train), mirrored(digits.test)];
  const before = utils.treeMap((x: mx.array) => mx.array(x), base.parameters());
  const right = accuracy(base, digits.test);
  expect(right).toBeGreaterThan(0.85);

  const model = new Adapted(base, 4);
  // They begin as nothing.
  expect(model.forward(held.images)).toEqualArray(base.forward(held.images));
  expect(accuracy(model, held)).toBeLessThan(0.3);
  const names = utils.treeFlatten(model.trainableParameters()).map(([name]) => name);
  expect(names).toEqual(["hidden.a", "hidden.b", "output.a", "output.b"]);
  expect(count(model.trainableParameters())).toBe(4 * (64 + 64) + 4 * (64 + 10));
  expect(count(model.parameters())).toBe(808 + 64 * 64 + 64 + 64 * 10 + 10);

  const optimizer = new optim.Adam(5e-3);
  const losses: number[] = [];
  for (let epoch = 0; epoch < 10; epoch++) {
    losses.push(...(await trainEpoch(model, optimizer, train, epoch)));
  }
  // A guess among ten digits costs the logarithm of ten.
  expect(losses[0]).toBeGreaterThan(Math.log(10));
  expect(mx.array(losses.slice(-30)).mean().item()).toBeLessThan(Math.log(10) / 3);
  expect(accuracy(model, held)).toBeGreaterThan(0.8);

  // The frozen model is what it was, to the bit, and the optimizer has no state of it.
  expect(base.parameters()).toEqual(before);
  expect(accuracy(base, digits.test)).toBe(right);
  const remembered = utils.treeFlatten(optimizer.state).map(([name]) => name);
  expect(remembered.filter((name) => name.endsWith(".m"))).toEqual(names.map((n) => `${n}.m`));

  // A new model gets the adapters from the file, which has nothing else.
  const file = join(folder, "adapters.safetensors");
  model.saveAdapters(file);
  expect(Object.keys(mx.load(file, { format: "safetensors" })).sort()).toEqual(names);
  const loaded = new Adapted(base, 4).loadAdapters(file);
  expect(loaded.forward(held.images)).toEqualArray(model.forward(held.images));

  const fused = new nn.Sequential(model.hidden.fused(), nn.relu, model.output.fused());
  expect(fused.forward(held.images)).toBeCloseToArray(model.forward(held.images), {
    rtol: 1e-3,
    atol: 1e-3,
  });
});
