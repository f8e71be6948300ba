// Weights of every layer, as Python wrote them (reference/checkpoint.py), and back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";
import { EveryLayer } from "../support/every-layer.mjs";
import { layerCases } from "../support/golden.js";

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

test("every layer is here, or has values whose weights have Python's names", () => {
  const there = new Set(new EveryLayer().modules().map((module) => module.constructor.name));
  for (const { layer } of layerCases()) {
    there.add(layer);
  }
  const layers = Object.entries(nn).filter(
    ([, x]) => typeof x === "function" && (x.prototype as unknown) instanceof nn.Module,
  );
  expect(layers.map(([name]) => name).filter((name) => !there.has(name))).toEqual([
    "FullyShardedModule",
  ]);
});
