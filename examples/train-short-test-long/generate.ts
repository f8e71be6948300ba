/** Writing on: one token at a time, each drawn from what the model expects. */
import { mx } from "mlx-js";
import type { Characters } from "./data.js";
import type { LayerCache, Transformer } from "./model.js";

export interface GenerateOptions {
  /** Characters to write. */
  count: number;
  /** 1 draws as the model expects; lower is safer, higher is wilder. */
  temperature: number;
  signal: AbortSignal;
}

/** What the model writes after a prompt. */
export async function generate(
  model: Transformer,
  characters: Characters,
  prompt: string,
  { count, temperature, signal }: GenerateOptions,
): Promise<string> {
  const written: number[] = [];
  let next = characters.encode(prompt).get(null);
  let cache: LayerCache[] = [];
  while (written.length < count && !signal.aborted) {
    // The cache holds what was read: only the new token goes through the model.
    [next, cache] = mx.tidy(() => {
      const [logits, grown] = model.read(next, cache);
      const last = logits.get(":", -1).divide(temperature);
      return [mx.random.categorical(last).get(":", null), grown];
    });
    await mx.asyncEval(next, cache);
    written.push(next.item());
  }
  return characters.decode(written);
}
