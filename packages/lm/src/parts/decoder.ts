import { mx, nn } from "mlx-js";
import { mismatch, outOfRange } from "mlx-js/options";
import { type Cache, KVCache, RotatingKVCache } from "../cache.js";
import type { Config } from "../config.js";
import type { Mask } from "../masks.js";
import { LanguageModel, type Weights, without } from "../models/model.js";
import { maskFor } from "./attention.js";

/** A layer of a decoder. */
export interface DecoderLayer extends nn.Module {
  /** How many of the last tokens each sees, itself included; undefined for all. */
  readonly window?: number | undefined;
  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array;
}

/** How many tokens each of some texts has. */
function lengthOf(tokens: unknown): number {
  const shape = tokens instanceof mx.array ? tokens.shape : [];
  const [, length] = shape;
  if (shape.length !== 2 || length === undefined) {
    const expected = "an array of integers of shape (texts, length)";
    throw mismatch("forward", "tokens", expected, tokens);
  }
  return length;
}

/** An embedding, layers with the same kind of mask, and a norm. */
export class Decoder extends nn.Module {
  embedTokens: nn.Embedding | nn.QuantizedEmbedding;
  layers: readonly DecoderLayer[];
  norm: nn.UnaryLayer;
  embedNorm: nn.UnaryLayer | null;
  readonly #embeddingScale: number;

  constructor(config: Config, parts: DecoderParts) {
    super();
    const count = config.depth("num_hidden_layers");
    this.layers = Array.from({ length: count }, (_, i) => parts.layer(i));
    this.embedTokens = new nn.Embedding(config.count("vocab_size"), config.count("hidden_size"));
    this.norm = parts.norm;
    this.embedNorm = parts.embedNorm ?? null;
    this.#embeddingScale = parts.embeddingScale ?? 1;
  }

  forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    const length = lengthOf(tokens);
    if (caches !== undefined && caches.length !== this.layers.length) {
      // Layers without one would take what comes for the beginning of a text.
      const expected = `those of ${this.layers.length} layers`;
      throw outOfRange("forward", "caches", expected, caches.length);
    }
    const embedded = this.embedTokens.forward(tokens);
    const scaled = this.#embeddingScale === 1 ? embedded : embedded.multiply(this.#embeddingScale);
    let x = this.embedNorm?.forward(scaled) ?? scaled;
    // Layers with the same window are at the same position, and share a mask.
    const masks = new Map<number | undefined, Mask>();
    for (const [i, layer] of this.layers.entries()) {
      if (!masks.has(layer.window)) {
        masks.set(layer.window, maskFor(length, caches?.[i], layer.window));
      }
      x = layer.forward(x, masks.get(layer.window) ?? null, caches?.[i]);
    }
    return this.norm.forward(x);
  }
}

/** What the decoders differ in. */
export interface DecoderParts {
  layer(index: number): DecoderLayer;
  norm: nn.UnaryLayer;
  /** What embeddings are multiplied with. By default 1. */
  embeddingScale?: number;
  /** What embeddings go through. By default nothing. */
  embedNorm?: nn.UnaryLayer;
}

/** A decoder with logits: what the files of the models fill with their layers. */
export abstract class DecoderModel extends LanguageModel {
  model: Decoder;
  lmHead: nn.UnaryLayer | null;

  constructor(config: Config, parts: DecoderParts) {
    super(config);
    this.model = new Decoder(config, parts);
    this.lmHead = config.flag("tie_word_embeddings", true)
      ? null
      : new nn.Linear(config.count("hidden_size"), this.vocabSize, { bias: false });
  }

  get depth(): number {
    return this.model.layers.length;
  }

  forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    const x = this.model.forward(tokens, caches);
    return this.lmHead?.forward(x) ?? this.model.embedTokens.asLinear(x);
  }

  override makeCaches(): Cache[] {
    return this.model.layers.map(({ window }) =>
      window === undefined ? new KVCache() : new RotatingKVCache(window),
    );
  }

  override sanitize(weights: Weights): Weights {
    const isUseless = (name: string) =>
      name.endsWith("rotary_emb.inv_freq") || (this.lmHead === null && name.startsWith("lm_head."));
    return without(weights, isUseless);
  }
}
