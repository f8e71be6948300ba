import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { mx } from "mlx-js";
import { Config } from "./config.js";
import { failure, wrongType } from "./errors.js";
import { createModel } from "./models/index.js";
import type { LanguageModel, Weights } from "./models/model.js";
import { loadWeights } from "./weights.js";

/** How far {@link load} has come. */
export interface LoadProgress {
  /** Bytes that have been read. */
  loaded: number;
  /** Bytes that there are. */
  total: number;
}

/** Options of {@link load}. */
export interface LoadOptions {
  /** Gives up when it is aborted, with its reason. */
  signal?: AbortSignal | undefined;
  /** Called at the beginning, and after each piece of the weights. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** Reads a file of JSON; undefined if there is none. */
export function readJson(folder: string, name: string): unknown {
  const path = join(folder, name);
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw failure("ERR_MLX_LM_MODEL", `${path}: expected JSON, received other text`, error);
  }
}

function readConfig(folder: string): Config {
  const values = readJson(folder, "config.json");
  if (values === undefined) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `[load] path: expected a folder with config.json, *.safetensors and tokenizer.json, received ` +
        `${folder}, which has no config.json`,
    );
  }
  return new Config(values, join(folder, "config.json"));
}

/** The files of the weights: those that an index names, or all there are. */
function weightFiles(folder: string): string[] {
  const index = readJson(folder, "model.safetensors.index.json");
  const map = (index as { weight_map?: unknown } | undefined)?.weight_map;
  if (typeof map === "object" && map !== null) {
    return [...new Set(Object.values(map as Record<string, string>))].sort();
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith(".safetensors"))
    .sort();
}

/** The weights of a checkpoint, which are read from the files when they are computed. */
export function readWeights(folder: string): Weights {
  const files = weightFiles(folder);
  if (files.length === 0) {
    throw failure("ERR_MLX_LM_MODEL", `${folder} has no weights: expected *.safetensors`);
  }
  const missing = files.filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${folder} lacks ${missing.join(", ")}, which model.safetensors.index.json names`,
    );
  }
  return Object.assign(
    {},
    ...files.map((name) => mx.load(join(folder, name), { format: "safetensors" })),
  );
}

/** The model of a folder, with its weights. */
export async function loadModel(
  folder: string,
  { signal, onProgress }: LoadOptions = {},
): Promise<{ model: LanguageModel; config: Config }> {
  if (typeof folder !== "string") {
    throw wrongType("loadModel", "folder", "the path of a folder", folder);
  }
  signal?.throwIfAborted();
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw failure("ERR_MLX_LM_MODEL", `[loadModel] folder: there is no folder ${folder}`);
  }
  const read = readConfig(folder);
  const weights = readWeights(folder);
  // Files leave it out where it is as the class has it, which differs from one to the other.
  const isTied = !("lm_head.weight" in weights);
  const config = new Config({ tie_word_embeddings: isTied, ...read.values }, read.source);
  const model = createModel(config);
  try {
    await loadWeights(model, weights, config, {
      signal,
      onProgress: (loaded, total) => onProgress?.({ loaded, total }),
    });
  } catch (error) {
    model.dispose();
    mx.dispose(weights);
    throw error;
  }
  return { model: model.eval(), config };
}
