// Weights of every layer, as Python wrote them (reference/checkpoint.py), and back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";
import { EveryLayer } from "../support/every-layer.mjs";
import { cases } from "../support/golden.js";

const golden = join(__dirname, "..", "golden", "checkpoint");
const weights = join(golden, "weights.safetensors");
const written = mx.load(weights, { format: "safetensors" });
const outputs = mx.load(join(golden, "outputs.safetensors"), { format: "safetensors" });

test("loads strictly, and every layer gives what it gives in Python", () => {
  const model = new EveryLayer().eval().loadWeights(weights);
  const found = model.forward();
  expect(Object.keys(found).sort()).toEqual(Object.keys(outputs).sort());
  for (const [name, value] of Object.entries(found)) {
    const expected = outputs[name] as mx.array;
    expect(value.shape, name).toEqual(expected.shape);
    expect(mx.allclose(value, expected, { rtol: 1e-4, atol: 1e-5 }).item(), name).toBe(true);
  }
});

test.each(["safetensors", "npz"] as const)("is written under Python's names: %s", (format) => {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-"));
  try {
    const file = join(folder, `weights.${format}`);
    new EveryLayer().eval().loadWeights(weights).saveWeights(file);
    const again = mx.load(file, { format }) as Record<string, mx.array>;
    expect(Object.keys(again).sort()).toEqual(Object.keys(written).sort());
    for (const [name, value] of Object.entries(again)) {
      expect(mx.arrayEqual(value, written[name] as mx.array).item(), name).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("has every layer that has parameters", () => {
  const there = new Set<unknown>(new EveryLayer().modules().map((module) => module.constructor));
  const without = /^Module|Identity|Pool|Dropout|RoPE|Sinusoidal|ALiBi|Upsample|FullySharded/;
  const activations = cases("nn/activations").map(({ layer }) => layer);
  const missing = Object.entries(nn).filter(
    ([name, value]) =>
      typeof value === "function" &&
      (value.prototype as unknown) instanceof nn.Module &&
      !there.has(value) &&
      !without.test(name) &&
      !activations.includes(name),
  );
  expect(missing.map(([name]) => name)).toEqual([]);
});
