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

type Step = [token: mx.array, cache: LayerCache[]];

/** What the model writes after a prompt. */
export async function generate(
  model: Transformer,
  characters: Characters,
  prompt: string,
  { count, temperature, signal }: GenerateOptions,
): Promise<string> {
  // The cache holds what was read: only the new token goes through the model.
  const step = ([token, cache]: Step, index: number): Step | undefined => {
    if (index === count || signal.aborted) {
      return undefined;
    }
    const [logits, grown] = model.read(token, cache);
    const last = logits.get(":", -1).divide(temperature);
    return [mx.random.categorical(last).get(":", null), grown];
  };
  const written: number[] = [];
  const initial: Step = [characters.encode(prompt).get(null), []];
  // The next token is noted while this one is computed.
  for await (const [token] of mx.pipeline(step, { initial })) {
    written.push(token.item());
  }
  return characters.decode(written);
}
