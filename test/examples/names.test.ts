import { mx, optim } from "mlx-js";
import { expect, test } from "vitest";
import { encode, loadNames, Names, trainEpoch } from "../../examples/names/names.mjs";

const { train, held } = loadNames("examples/names/names.txt");

test("every name is there once, in one of two parts", () => {
  expect([train.length, held.length]).toEqual([7561, 841]);
  expect(new Set([...train, ...held]).size).toBe(8402);
  expect([...train, ...held].every((name) => /^[A-Z][a-z]{1,11}$/.test(name))).toBe(true);
});

test("a name is its letters between dots", () => {
  expect(encode(["Ab", "Zoe"]).tolist()).toEqual([
    [0, 1, 2, 0, 0],
    [0, 26, 15, 5, 0],
  ]);
});

test("the loss is the mean over the letters and a dot, however many dots follow", () => {
  mx.random.seed(0);
  const model = new Names();
  const [ab, zoe] = [model.loss(encode(["Ab"])).item(), model.loss(encode(["Zoe"])).item()];
  const both = model.loss(encode(["Ab", "Zoe"])).item();
  expect(both).toBeCloseTo((3 * ab + 4 * zoe) / 7, 5);
  expect(model.loss(encode(["Ab", "Constantinos"])).item()).not.toBeCloseTo(both, 3);
});

test("what was read is kept in the state", () => {
  const model = new Names();
  const x = encode(["Miranda", "Oswald"]);
  const [whole, last] = model.forward(x);
  const [, hidden] = model.forward(x.get(":", ":4"));
  const [rest, state] = model.forward(x.get(":", "4:"), hidden);
  expect(mx.allclose(rest, whole.get(":", "4:"), { atol: 1e-6 }).item()).toBe(true);
  expect(mx.allclose(state, last, { atol: 1e-6 }).item()).toBe(true);
});

test("three epochs learn how names go on, also others", async () => {
  mx.random.seed(0);
  const model = new Names();
  const optimizer = new optim.Adam(5e-3);
  const [names, unseen] = [encode(train.filter((_, i) => i % 4 === 0)), encode(held)];
  const before = model.loss(unseen).item();
  // As if each of the 27 letters was as likely.
  expect(Math.abs(before - Math.log(27))).toBeLessThan(0.1);
  const losses: number[] = [];
  for (let epoch = 1; epoch <= 3; epoch++) {
    losses.push(await trainEpoch(model, optimizer, names, epoch, 64));
  }
  expect(losses).toEqual([...losses].sort((a, b) => b - a));
  expect(model.loss(unseen).item()).toBeLessThan(2.3);

  const made = model.write(100);
  expect(made).toHaveLength(100);
  expect(made.every((name) => /^([A-Z][a-z]*)?$/.test(name))).toBe(true);
  const vowels = made.filter((name) => /[aeiouy]/i.test(name));
  expect(vowels.length).toBeGreaterThan(90);
  const lengths = made.map((name) => name.length).reduce((sum, n) => sum + n, 0) / 100;
  expect(lengths).toBeGreaterThan(3);
  expect(lengths).toBeLessThan(9);
});
