import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { type LanguageModel, loadModel } from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";

/** What reference/lm/models.py wrote. */
interface Golden {
  tokens: number[];
  positions: number[];
  cases: Record<
    string,
    { config: Record<string, unknown>; weights: [name: string, shape: number[]][] }
  >;
}

const golden = join(__dirname, "golden");
const { tokens, positions, cases }: Golden = JSON.parse(
  readFileSync(join(golden, "models.json"), "utf8"),
);
const logits = mx.load(join(golden, "models.safetensors"), { format: "safetensors" });
const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-models-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The same numbers as in Python. */
function weightsOf(name: string): Record<string, mx.array> {
  const all = cases[name]?.weights ?? [];
  return Object.fromEntries(
    all.map(([name, shape], k) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const numbers = Float32Array.from(
        { length: size },
        (_, i) => (((i * 1103 + ((i * i) % 997) * 31 + k * 577) % 2048) - 1024) / 4096,
      );
      return [name, mx.array(numbers).reshape(shape)];
    }),
  );
}

/** Writes a checkpoint, in two files with an index. */
function checkpoint(
  name: string,
  weights: Record<string, mx.array>,
  more: Record<string, unknown> = {},
): string {
  const path = join(folder, `${name}-${Math.random()}`);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...cases[name]?.config, ...more }));
  const names = Object.keys(weights);
  const files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const map: Record<string, string> = {};
  files.forEach((file, i) => {
    const part = names.filter((_, j) => j % 2 === i);
    for (const name of part) {
      map[name] = file;
    }
    mx.saveSafetensors(
      join(path, file),
      Object.fromEntries(part.map((name) => [name, weights[name] as mx.array])),
    );
  });
  writeFileSync(join(path, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  return path;
}

/** The logits of the whole text, and of chunks and then single tokens with caches. */
function run(model: LanguageModel): { whole: mx.array; parts: mx.array } {
  const text = mx.array([tokens], mx.int32);
  const whole = model.forward(text);
  const caches = model.makeCaches();
  const ends = [0, 10, 20, 21, 22, 23, 24];
  const parts = ends
    .slice(1)
    .map((end, i) => model.forward(text.get(":", new mx.Slice(ends[i], end)), caches));
  const at = (x: mx.array) =>
    mx.take(x.squeeze(0), mx.array(positions, mx.int32), 0).astype(mx.float32);
  return { whole: at(whole), parts: at(mx.concatenate(parts, 1)) };
}

/** How far the results are from Python's, relative to the largest logit. */
function distance(ours: mx.array, theirs: mx.array | undefined): number {
  const reference = theirs as mx.array;
  const difference = mx.max(mx.abs(mx.subtract(ours, reference)));
  return mx.divide(difference, mx.max(mx.abs(reference))).item();
}

const names = Object.keys(cases);

describe.each(names)("%s", (name) => {
  test("in float32", async () => {
    const { model } = await loadModel(checkpoint(name, weightsOf(name)));
    const { whole, parts } = run(model);
    expect(distance(whole, logits[`${name}.float32.whole`])).toBeLessThan(1e-5);
    expect(distance(parts, logits[`${name}.float32.parts`])).toBeLessThan(1e-5);
  });

  test.runIf(logits[`${name}.bfloat16.whole`])("in bfloat16", async () => {
    const weights = Object.entries(weightsOf(name)).map(([key, x]) => [key, x.astype(mx.bfloat16)]);
    const { model } = await loadModel(checkpoint(name, Object.fromEntries(weights)));
    const { whole, parts } = run(model);
    expect(whole.dtype).toBe(mx.float32);
    // Sums of products differ in their last bits, which bfloat16 makes 2^-8 of the value.
    expect(distance(whole, logits[`${name}.bfloat16.whole`])).toBeLessThan(0.03);
    expect(distance(parts, logits[`${name}.bfloat16.parts`])).toBeLessThan(0.03);
  });

  test("quantized", async () => {
    const { model: plain } = await loadModel(checkpoint(name, weightsOf(name)));
    nn.quantize(plain, { groupSize: 32, bits: 8 });
    const file = join(folder, `${name}.safetensors`);
    plain.saveWeights(file);
    const weights = mx.load(file, { format: "safetensors" });
    const quantization = { group_size: 32, bits: 8 };
    const { model } = await loadModel(checkpoint(name, weights, { quantization }));
    const { whole, parts } = run(model);
    expect(distance(whole, logits[`${name}.quantized.whole`])).toBeLessThan(1e-5);
    expect(distance(parts, logits[`${name}.quantized.parts`])).toBeLessThan(1e-5);
  });
});
