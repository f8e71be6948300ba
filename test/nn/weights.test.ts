// Weights in files have Python's names, which those of golden values are.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { afterAll, expect, test } from "vitest";
import { type Case, cases, decode, goldenFamilies, makeLayer } from "../support/golden.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-weights-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A case for each layer, the one with the most weights. */
const fullest = new Map<string, Case>();
for (const family of goldenFamilies().filter((name) => name.startsWith("nn/"))) {
  for (const c of cases(family).filter(({ layer, weights }) => layer && weights)) {
    const layer = c.layer as string;
    const most = Object.keys(fullest.get(layer)?.weights ?? {}).length;
    if (layer in nn && Object.keys(c.weights ?? {}).length > most) {
      fullest.set(layer, c);
    }
  }
}

test.each([...fullest])("%s writes what Python reads", (name, c) => {
  const path = join(folder, `${name}.safetensors`);
  makeLayer(c).saveWeights(path);
  const expected = decode(c.weights ?? {}) as Record<string, mx.array>;
  const saved = mx.load(path);
  expect(Object.keys(saved).sort()).toEqual(Object.keys(expected).sort());
  expect(saved).toEqual(expected);
});

test("the names that capitals have", () => {
  class Model extends nn.Module {
    Wx = mx.array([1]);
    queryProj = mx.array([2]);
    headQK = mx.array([3]);
    ALog = mx.array([4]);
    ln1 = mx.array([5]);
    wq_b = mx.array([6]);
    inner = { D: mx.array([7]), list: [{ Wh: mx.array([8]) }] };
  }
  const path = join(folder, "capitals.safetensors");
  new Model().saveWeights(path);
  const names = [
    "Wx",
    "query_proj",
    "head_q_k",
    "A_log",
    "ln1",
    "wq_b",
    "inner.D",
    "inner.list.0.Wh",
  ];
  const saved = mx.load(path, { format: "safetensors" });
  expect(names.map((name) => saved[name]?.item())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(Object.keys(saved)).toHaveLength(names.length);
  const model = new Model();
  model.apply((x) => x.multiply(0)).loadWeights(path);
  expect(model.parameters()).toEqual(new Model().parameters());
  // Names in Python's spelling and in that of the fields are the same.
  model.loadWeights({ ALog: mx.array([9]), head_q_k: mx.array([10]) }, { strict: false });
  expect([model.ALog.item(), model.headQK.item(), model.Wx.item()]).toEqual([9, 10, 1]);
  const gone = mx.array([1]);
  gone.dispose();
  expect(() => model.loadWeights({ ALog: gone }, { strict: false })).toThrow(
    '[loadWeights] fileOrWeights["ALog"]: expected an array, received one that has been disposed',
  );
  expect(() => model.loadWeights({ wx: mx.array([1]) }, { strict: true })).toThrow(
    /missing: A_log, Wx, .*1 unexpected: wx/,
  );
});
