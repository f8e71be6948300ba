/** Small models with weights from a formula, and their logits as mlx-lm computes them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mx } from "mlx-js";
import type { LanguageModel } from "mlx-js-lm";

/** What reference/lm/models.py wrote. */
interface Golden {
  tokens: number[];
  positions: number[];
  cases: Record<
    string,
    { config: Record<string, unknown>; weights: [name: string, shape: number[]][] }
  >;
}

const golden = join(__dirname, "..", "golden");
const { tokens, positions, cases }: Golden = JSON.parse(
  readFileSync(join(golden, "models.json"), "utf8"),
);
const logits = mx.load(join(golden, "models.safetensors"), { format: "safetensors" });

/** The configurations, by their names. */
export const configs = Object.fromEntries(
  Object.entries(cases).map(([name, { config }]) => [name, config]),
);

/** Whether there are logits of a kind. */
export function isKnown(name: string, kind: string): boolean {
  return `${name}.${kind}.whole` in logits;
}

/** The numbers of the weight at a place, as Python makes them. */
export function numbersOf(shape: readonly number[], place: number): mx.array {
  const size = shape.reduce((a, b) => a * b, 1);
  const numbers = Float32Array.from(
    { length: size },
    (_, i) => (((i * 1103 + ((i * i) % 997) * 31 + place * 577) % 2048) - 1024) / 4096,
  );
  return mx.array(numbers).reshape(shape);
}

export function weightsOf(name: string): Record<string, mx.array> {
  const all = cases[name]?.weights ?? [];
  return Object.fromEntries(all.map(([name, shape], place) => [name, numbersOf(shape, place)]));
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

/** The larger of the distances of whole text and parts from Python's. */
export function distanceOf(model: LanguageModel, name: string, kind: string): number {
  const { whole, parts } = run(model);
  return Math.max(
    distance(whole, logits[`${name}.${kind}.whole`]),
    distance(parts, logits[`${name}.${kind}.parts`]),
  );
}
