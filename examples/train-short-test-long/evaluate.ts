/** Perplexity on text that was not trained on, window by window. */
import { mx, nn } from "mlx-js";
import { windowsAt } from "./data.js";
import type { Transformer } from "./model.js";

export interface EvaluateOptions {
  /** The lengths of the windows; each divides the longest. */
  lengths: readonly number[];
  /** How many tokens to read at each length, at most. */
  budget: number;
  /** Ends the evaluation; the lengths that are done remain. */
  signal: AbortSignal | undefined;
  /** Hears how much has been read, of how much in all. */
  onProgress?: (done: number, total: number) => void;
}

export interface Perplexity {
  length: number;
  perplexity: number;
}

/** Tokens computed at once: bounds the scores, `heads * tokens * length` numbers a layer. */
const atOnce = 2048;

/**
 * The perplexity at each length: the exponential of the mean negative log
 * likelihood of every token, in windows that do not overlap. The same tokens
 * are predicted at all lengths; what differs is how far back a model can look.
 */
export async function evaluate(
  model: Transformer,
  tokens: mx.array,
  { lengths, budget, signal, onProgress }: EvaluateOptions,
): Promise<Perplexity[]> {
  const longest = Math.max(...lengths);
  const available = Math.min(budget, tokens.size - 1);
  const count = Math.max(longest, available - (available % longest));
  const out: Perplexity[] = [];
  onProgress?.(0, lengths.length * count);
  for (const length of lengths) {
    const rows = Math.max(1, Math.floor(atOnce / length));
    let sum = 0;
    for (let at = 0; at < count; at += rows * length) {
      if (signal?.aborted === true) {
        return out;
      }
      const end = Math.min(count, at + rows * length);
      const loss = mx.tidy(() => {
        const [inputs, targets] = windowsAt(tokens, mx.arange(at, end, length), length);
        return nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "sum" });
      });
      await mx.asyncEval(loss);
      sum += loss.item();
      loss.dispose();
      onProgress?.(out.length * count + end, lengths.length * count);
    }
    out.push({ length, perplexity: Math.exp(sum / count) });
  }
  return out;
}
