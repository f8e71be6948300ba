import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { mx } from "mlx-js";
import type { Config } from "./config.js";
import { failure } from "./errors.js";
import { type FileUrl, isMissing, kindOf, readConfig, unreadable, weightFiles } from "./folder.js";
import { readGguf } from "./gguf.js";
import { fetched } from "./hub.js";
import { createModel } from "./models/index.js";
import type { LanguageModel, Weights } from "./models/model.js";
import { stopIfAborted } from "./options.js";
import { Tokenizer } from "./tokenizer.js";
import { inTurns } from "./turns.js";
import { type LoadOptions, loadWeights, readLoadOptions } from "./weights.js";

/** The settings of a model's folder, for the function that asks for them. */
export function modelConfig(folder: string, fn: string): Config {
  const config = readConfig(folder, "config.json");
  if (config === undefined) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `[${fn}] pathOrName: expected a folder with config.json, *.safetensors and tokenizer.json, received ` +
        `${folder}, which ${kindOf(folder) === "file" ? "is a file" : "has no config.json"}`,
    );
  }
  return config;
}

/** The weights of a file in a folder, or an error that names it. */
function readFile(folder: string, name: string): Weights {
  const file = join(folder, name);
  try {
    return mx.load(file, { format: "safetensors" });
  } catch (error) {
    throw isMissing(error)
      ? failure("ERR_MLX_LM_MODEL", `${folder} lacks the weights ${name}`, error)
      : unreadable(file, error);
  }
}

/** The weights of a checkpoint, which are read from the files when they are computed. */
export function readWeights(folder: string): Weights {
  const files = weightFiles(folder);
  if (files.length === 0) {
    throw failure("ERR_MLX_LM_MODEL", `${folder} has no weights: expected *.safetensors`);
  }
  // In a scope, so that a file that cannot be read leaves nothing of those before it.
  return mx.tidy(() => Object.assign({}, ...files.map((name) => readFile(folder, name))));
}

/** What a file or a folder holds, before there is a model. */
interface Checkpoint {
  config: Config;
  weights: Weights;
  tokenizer(signal: mx.Signal | undefined): Promise<Tokenizer>;
}

async function readGgufFile(file: string, signal: mx.Signal | undefined): Promise<Checkpoint> {
  const { config, weights, tokenizer } = await readGguf(file, signal);
  return {
    config,
    weights,
    async tokenizer(signal) {
      const parts = await inTurns(tokenizer, signal);
      if (parts === undefined) {
        throw failure("ERR_MLX_LM_TOKENIZER", `${file} has no tokenizer: use loadModel`);
      }
      return Tokenizer.inTurns(parts.tokenizer, parts.config, parts.options, signal);
    },
  };
}

function readFolder(folder: string, fn: string): Checkpoint {
  const config = modelConfig(folder, fn);
  const weights = readWeights(folder);
  // Files leave it out where it is as the class has it, which differs from one to the other.
  const isTied = !Object.keys(weights).some((name) => /(^|\.)lm_head\.weight$/.test(name));
  return {
    config: config.withDefaults({ tie_word_embeddings: isTied }),
    weights,
    tokenizer: (signal) => Tokenizer.load(folder, { signal }),
  };
}

async function readCheckpoint(
  pathOrName: string | FileUrl,
  fn: string,
  options: LoadOptions,
): Promise<Checkpoint> {
  stopIfAborted(options.signal);
  const path = await fetched(pathOrName, fn, options);
  return kindOf(path) === "folder" ? readFolder(path, fn) : readGgufFile(path, options.signal);
}

/** The model of a checkpoint, with its weights. */
async function modelOf(
  { config, weights }: Checkpoint,
  options: LoadOptions,
): Promise<LanguageModel> {
  let model: LanguageModel | undefined;
  try {
    // In a scope, so that a model that cannot be made leaves nothing.
    model = mx.tidy(() => createModel(config));
    await setImmediate();
    await loadWeights(model, weights, config, options);
  } catch (error) {
    model?.dispose();
    throw error;
  }
  return model.eval();
}

/** What is made of a checkpoint; its weights are freed if that fails. */
async function madeOf<T>(checkpoint: Checkpoint, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    mx.dispose(checkpoint.weights);
    throw error;
  }
}

/** What {@link load} gives. */
export interface Loaded extends Disposable {
  model: LanguageModel;
  tokenizer: Tokenizer;
  config: Config;
}

/**
 * Loads a model and its tokenizer.
 *
 * @param pathOrName A folder with `config.json`, `*.safetensors` and `tokenizer.json`, as models are
 * published, or a GGUF file, as a text or a `file:` URL; or their name on the Hugging Face Hub, `owner/name` or
 * `owner/name/file.gguf`. What has such a name is downloaded once, into the cache that other programs
 * share (`HF_HUB_CACHE`, `HF_HOME`); `@huggingface/hub` has to be installed for it.
 * @returns both; `using` frees the model at the end of the block.
 * @throws Error if something is missing or does not fit, with what it is.
 * @example
 * using loaded = await load("SmolLM2-135M-Instruct.Q4_1.gguf");
 * loaded.tokenizer.encode("Hello, world!")
 * // [ 19556, 28, 905, 17 ]
 */
export async function load(pathOrName: string | FileUrl, options?: LoadOptions): Promise<Loaded> {
  const settings = { ...readLoadOptions(options) };
  const checkpoint = await readCheckpoint(pathOrName, "load", settings);
  return madeOf(checkpoint, async () => {
    const tokenizer = await checkpoint.tokenizer(settings.signal);
    const model = await modelOf(checkpoint, settings);
    return {
      model,
      tokenizer,
      config: checkpoint.config,
      [Symbol.dispose]: () => model.dispose(),
    };
  });
}

/** Loads a model, as {@link load} does, without its tokenizer. */
export async function loadModel(
  pathOrName: string | FileUrl,
  options?: LoadOptions,
): Promise<{ model: LanguageModel; config: Config }> {
  const settings = { ...readLoadOptions(options, "loadModel") };
  const checkpoint = await readCheckpoint(pathOrName, "loadModel", settings);
  const model = await madeOf(checkpoint, () => modelOf(checkpoint, settings));
  return { model, config: checkpoint.config };
}
