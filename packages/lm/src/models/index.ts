import { mismatch } from "mlx-js/options";
import { Config } from "../config.js";
import { failure, isOwn, reasonOf } from "../errors.js";
import { Bloom } from "./bloom.js";
import { Gemma2 } from "./gemma2.js";
import { Gemma3, Gemma3OfImages } from "./gemma3.js";
import { Llama } from "./llama.js";
import type { LanguageModel } from "./model.js";
import { Mpt } from "./mpt.js";
import { Olmo2 } from "./olmo2.js";
import { Phi3 } from "./phi3.js";
import { Qwen2 } from "./qwen2.js";
import { Qwen3 } from "./qwen3.js";
import { Qwen3Moe } from "./qwen3-moe.js";

/** A class of models. */
export type LanguageModelClass = new (config: Config) => LanguageModel;

/** The models, by the `model_type` of their configuration. */
export const models: Readonly<Record<string, LanguageModelClass>> = {
  bloom: Bloom,
  gemma2: Gemma2,
  gemma3: Gemma3OfImages,
  gemma3_text: Gemma3,
  llama: Llama,
  mistral: Llama,
  mpt: Mpt,
  olmo2: Olmo2,
  phi3: Phi3,
  qwen2: Qwen2,
  qwen3: Qwen3,
  qwen3_moe: Qwen3Moe,
};

/**
 * The model that a configuration describes, with weights that nobody has trained.
 *
 * @throws Error if its `model_type` is none of those above.
 */
export function createModel(config: Config): LanguageModel {
  if (!(config instanceof Config)) {
    throw mismatch("createModel", "config", "a Config", config);
  }
  const type = config.text("model_type");
  const Model = Object.hasOwn(models, type) ? models[type] : undefined;
  if (Model === undefined) {
    const known = Object.keys(models).join(", ");
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${config.source}: the model_type "${type}" is not among those that are known here: ${known}`,
    );
  }
  try {
    return new Model(config);
  } catch (error) {
    // What a layer refuses, such as heads of an odd size that are to be rotated.
    throw isOwn(error)
      ? error
      : failure("ERR_MLX_LM_MODEL", `${config.source} is of no use: ${reasonOf(error)}`, error);
  }
}
