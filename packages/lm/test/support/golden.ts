/** Small models with weights from a formula, and their logits as mlx-lm computes them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mx } from "mlx-js";
import { type Cache, type LanguageModel, makePromptCache } from "mlx-js-lm";

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
  return `${name}.${kind}` in logits;
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

/** The logits of the text that are looked at. */
function at(x: mx.array): mx.array {
  return mx.take(x, mx.array(positions, mx.int32), 0).astype(mx.float32);
}

/** The logits of the whole text. */
function whole(model: LanguageModel): mx.array {
  return at(model.forward(mx.array([tokens], mx.int32)).squeeze(0));
}

/** Those of chunks and then single tokens, with caches. */
function parts(model: LanguageModel, caches: readonly Cache[]): mx.array {
  const text = mx.array([tokens], mx.int32);
  const ends = [0, 10, 20, 21, 22, 23, 24];
  const logits = ends
    .slice(1)
    .map((end, i) => model.forward(text.get(":", new mx.Slice(ends[i], end)), caches));
  return at(mx.concatenate(logits, 1).squeeze(0));
}

/** How far the results are from Python's, relative to the largest logit. */
function distance(ours: mx.array, theirs: mx.array | undefined): number {
  const reference = theirs as mx.array;
  const difference = mx.max(mx.abs(mx.subtract(ours, reference)));
  return mx.divide(difference, mx.max(mx.abs(reference))).item();
}

/** The larger of the distances of whole text and parts from Python's. */
export function distanceOf(model: LanguageModel, name: string, kind: string): number {
  return Math.max(
    distance(whole(model), logits[`${name}.${kind}.whole`]),
    distance(parts(model, model.makeCaches()), logits[`${name}.${kind}.parts`]),
  );
}

/** The same of the text backwards, beside the text in a batch. */
export function distanceInBatch(model: LanguageModel, name: string): number {
  const both = model.forward(mx.array([tokens, [...tokens].reverse()], mx.int32));
  return distance(at(both.get(1)), logits[`${name}.backwards`]);
}

/** The same of parts with caches that keep nine tokens, the first four among them. */
export function distanceWithRotating(model: LanguageModel, name: string): number {
  return distance(parts(model, makePromptCache(model, 9)), logits[`${name}.rotating`]);
}
