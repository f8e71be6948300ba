import { join } from "node:path";
import { mx } from "mlx-js";
import { count, flag, mismatch, oneOf, optionsOf, signalOption } from "mlx-js/options";
import { Config } from "./config.js";
import { failure } from "./errors.js";
import { type FileUrl, readConfig, readJson } from "./folder.js";
import { fetched } from "./hub.js";
import { modelConfig, readWeights } from "./load.js";
import { Bert } from "./models/bert.js";
import { stopIfAborted } from "./options.js";
import { Tokenizer } from "./tokenizer.js";
import { inTurns, type Work } from "./turns.js";
import { type LoadOptions, loadWeights, readLoadOptions } from "./weights.js";

/** How the vectors of a text's tokens become one: their mean, or that of the first token. */
export type Pooling = "mean" | "cls";

/** Options of {@link Embedder}. */
export interface EmbedderOptions {
  /** By default "mean". */
  pooling?: Pooling | undefined;
  /** How many of a text's tokens are looked at. By default as many as the model can. */
  maxLength?: number | undefined;
}

const poolings = ["mean", "cls"] as const;

const readEmbedder = optionsOf<EmbedderOptions>()("Embedder", {
  pooling: oneOf(poolings, "mean"),
  maxLength: count(),
});

/** Options of `embed`. */
export interface EmbedOptions {
  /** How many texts are computed together. By default 32. */
  batchSize?: number | undefined;
  /** By default as the model was trained. */
  pooling?: Pooling | undefined;
  /** Whether vectors are made as long as 1, so that a product is the cosine. By default true. */
  normalize?: boolean | undefined;
  /** Gives up when it is aborted, with its reason. */
  signal?: mx.Signal | undefined;
}

const readEmbed = optionsOf<EmbedOptions>()("embed", {
  batchSize: count(32),
  pooling: oneOf(poolings),
  normalize: flag(true),
  signal: signalOption(),
});

/** Refuses a folder whose vectors go through more than is known here, such as a layer after the pooling. */
function checkModules(folder: string): void {
  const path = join(folder, "modules.json");
  const modules = readJson(folder, "modules.json") ?? [];
  for (const module of Array.isArray(modules) ? modules : [modules]) {
    const type = new Config(module, path).text("type");
    if (!/\.(Transformer|Pooling|Normalize)$/.test(type)) {
      throw failure(
        "ERR_MLX_LM_MODEL",
        `${path}: expected Transformer, Pooling and Normalize, received ${type}, which is not known here`,
      );
    }
  }
}

/** The pooling that a folder asks for; the mean where it says nothing. */
function poolingOf(folder: string): Pooling {
  const config = readConfig(join(folder, "1_Pooling"), "config.json");
  if (config === undefined) {
    return "mean";
  }
  const asked = Object.keys(config.values).filter(
    (name) => name.startsWith("pooling_mode_") && config.values[name] === true,
  );
  const known: Record<string, Pooling> = {
    pooling_mode_cls_token: "cls",
    pooling_mode_mean_tokens: "mean",
  };
  const pooling = known[asked[0] ?? "pooling_mode_mean_tokens"];
  if (asked.length > 1 || pooling === undefined) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${config.source}: expected the mean or the first token alone, received ${asked.join(", ")}`,
    );
  }
  return pooling;
}

/** The most tokens of a text that a folder says are to be looked at. */
function lengthOf(folder: string): number | undefined {
  const settings = readConfig(folder, "sentence_bert_config.json");
  return settings?.has("max_seq_length") ? settings.count("max_seq_length") : undefined;
}

/**
 * Makes vectors of texts, such that texts of similar meaning have vectors of similar direction: by a
 * model and a tokenizer that are there, or by those that `load` reads.
 *
 * @example
 * using embedder = await Embedder.load("all-MiniLM-L6-v2");
 * const vectors = await embedder.embed(["a whale", "a sea animal", "a tax form"]);
 * vectors.shape
 * // [ 3, 384 ]
 */
export class Embedder {
  readonly model: Bert;
  readonly tokenizer: Tokenizer;
  readonly pooling: Pooling;
  /** How many of a text's tokens are looked at; undefined for all. */
  readonly maxLength: number | undefined;

  constructor(model: Bert, tokenizer: Tokenizer, options?: EmbedderOptions) {
    if (!(model instanceof Bert)) {
      throw mismatch("Embedder", "model", "an encoder such as Bert", model);
    }
    if (!(tokenizer instanceof Tokenizer)) {
      throw mismatch("Embedder", "tokenizer", "a Tokenizer", tokenizer);
    }
    const { pooling, maxLength } = readEmbedder(options);
    const lengths = [maxLength, model.contextLength].filter((length) => length !== undefined);
    this.model = model;
    this.tokenizer = tokenizer;
    this.pooling = pooling;
    this.maxLength = lengths.length === 0 ? undefined : Math.min(...lengths);
  }

  /**
   * Loads an encoder from a folder with `config.json`, `model.safetensors` and `tokenizer.json`, or by
   * its name on the Hugging Face Hub, as the function `load` does: BERT, or BERT with ALiBi.
   *
   * @throws Error if something is missing or does not fit, with what it is.
   */
  static async load(pathOrName: string | FileUrl, options?: LoadOptions): Promise<Embedder> {
    const settings = { ...readLoadOptions(options, "Embedder.load") };
    const { signal } = settings;
    stopIfAborted(signal);
    const folder = await fetched(pathOrName, "Embedder.load", settings);
    const config = modelConfig(folder, "Embedder.load");
    config.oneOf("model_type", ["bert"]);
    checkModules(folder);
    const tokenizer = await Tokenizer.load(folder, { signal });
    const weights = readWeights(folder);
    let model: Bert | undefined;
    try {
      model = mx.tidy(() => new Bert(config));
      await loadWeights(model, weights, config, settings);
      const asTrained = { pooling: poolingOf(folder), maxLength: lengthOf(folder) };
      return new Embedder(model.eval(), tokenizer, asTrained);
    } catch (error) {
      model?.dispose();
      mx.dispose(weights);
      throw error;
    }
  }

  /** The tokens of a text; the last one, which ends it, stays where it is too long. */
  #tokens(text: string): number[] {
    const tokens = this.tokenizer.encode(text);
    const { maxLength = tokens.length } = this;
    return tokens.length <= maxLength
      ? tokens
      : [...tokens.slice(0, maxLength - 1), ...tokens.slice(-1)];
  }

  *#encoded(texts: readonly string[]): Work<{ index: number; tokens: number[] }[]> {
    const all: { index: number; tokens: number[] }[] = [];
    for (const [index, text] of texts.entries()) {
      all.push({ index, tokens: this.#tokens(text) });
      yield;
    }
    return all;
  }

  #vectors(batch: readonly number[][], pooling: Pooling, normalize: boolean): mx.array {
    const length = Math.max(...batch.map(({ length }) => length));
    const padded = batch.flatMap((tokens) => [
      ...tokens,
      // Any token will do, since it is masked.
      ...new Array<number>(length - tokens.length).fill(0),
    ]);
    const lengths = mx.array(batch.map(({ length }) => length)).reshape([-1, 1]);
    const isToken = mx.less(mx.arange(length).reshape([1, -1]), lengths);
    const states = this.model.forward(
      mx.array(padded, mx.int32).reshape([batch.length, length]),
      isToken,
    );
    const pooled =
      pooling === "cls"
        ? states.get(":", 0)
        : mx.where(mx.expandDims(isToken, -1), states, 0).sum(1).divide(lengths);
    const vectors = pooled.astype(mx.float32);
    return normalize
      ? vectors.divide(mx.maximum(mx.linalg.norm(vectors, null, -1, { keepdims: true }), 1e-12))
      : vectors;
  }

  /**
   * The vectors of texts, of shape (texts, dims) in float32; the event loop goes on meanwhile. Texts
   * that are longer than {@link maxLength} tokens are cut there.
   */
  async embed(texts: readonly string[], options?: EmbedOptions): Promise<mx.array> {
    if (!Array.isArray(texts) || texts.length === 0) {
      throw mismatch("embed", "texts", "a list of at least one text", texts);
    }
    const { batchSize, pooling = this.pooling, normalize, signal } = readEmbed(options);
    stopIfAborted(signal);
    const all = await inTurns(this.#encoded(texts), signal);
    // Texts of similar length together, so that little is padded.
    all.sort((a, b) => a.tokens.length - b.tokens.length);
    const parts: mx.array[] = [];
    try {
      for (let i = 0; i < all.length; i += batchSize) {
        const batch = all.slice(i, i + batchSize).map(({ tokens }) => tokens);
        const part = mx.tidy(() => this.#vectors(batch, pooling, normalize));
        parts.push(part);
        await mx.asyncEval(part, signal);
      }
      const places = new Int32Array(all.length);
      for (const [place, { index }] of all.entries()) {
        places[index] = place;
      }
      const vectors = mx.tidy(() => mx.take(mx.concatenate(parts), mx.array(places), 0));
      await mx.asyncEval(vectors);
      return vectors;
    } finally {
      mx.dispose(parts);
    }
  }

  /** Frees the model. */
  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
