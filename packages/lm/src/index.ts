export {
  type Cache,
  type KeysValues,
  KVCache,
  type LoadedPromptCache,
  loadPromptCache,
  type Quantized,
  QuantizedKVCache,
  type QuantizedKVCacheOptions,
  RotatingKVCache,
  type RotatingKVCacheOptions,
  type SavedCache,
  savePromptCache,
  trimPromptCache,
} from "./cache.js";
export { Config } from "./config.js";
export { type LoadOptions, type LoadProgress, loadModel } from "./load.js";
export { causalMask, type Mask } from "./masks.js";
export { createModel, type LanguageModelClass, models } from "./models/index.js";
export { LanguageModel, type Weights } from "./models/model.js";
