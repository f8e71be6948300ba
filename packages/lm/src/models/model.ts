import { type mx, nn } from "mlx-js";
import { type Cache, KVCache } from "../cache.js";
import type { Config } from "../config.js";
import { contextLengthOf } from "../parts/rope.js";

/** Weights by their names in files. */
export type Weights = Record<string, mx.array>;

/** A language model: for each token of a text, how likely each token is to come next. */
export abstract class LanguageModel extends nn.Module {
  /** How many tokens there are. */
  readonly vocabSize: number;
  /** How many tokens a text may have; undefined where the model itself sets no limit. */
  readonly contextLength: number | undefined;

  constructor(config: Config) {
    super();
    this.vocabSize = config.count("vocab_size");
    this.contextLength = contextLengthOf(config);
  }

  /** How many layers keep keys and values. */
  abstract get depth(): number;

  /**
   * The logits of the token after each one.
   *
   * @param tokens Of shape (batch, length), integers.
   * @param caches What {@link makeCaches} gives, which then hold these tokens, too. By default
   * the text begins with these tokens, and nothing is kept.
   * @returns of shape (batch, length, vocabSize).
   */
  abstract forward(tokens: mx.array, caches?: readonly Cache[]): mx.array;

  /** A fresh cache for each layer: for one text, or for a batch of the same length. */
  makeCaches(): Cache[] {
    return Array.from({ length: this.depth }, () => new KVCache());
  }

  /** The weights of a checkpoint, under the names and in the form that this model has. */
  sanitize(weights: Weights): Weights {
    return weights;
  }
}

/** The weights but those whose names a predicate finds. */
export function without(weights: Weights, isUseless: (name: string) => boolean): Weights {
  return Object.fromEntries(Object.entries(weights).filter(([name]) => !isUseless(name)));
}

/** The weights with each name rewritten by all of the pairs, one after the other. */
export function renamed(
  weights: Weights,
  pairs: readonly (readonly [pattern: RegExp, name: string])[],
): Weights {
  const rename = (name: string) => pairs.reduce((text, [from, to]) => text.replace(from, to), name);
  return Object.fromEntries(Object.entries(weights).map(([name, x]) => [rename(name), x]));
}
