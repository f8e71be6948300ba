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
export { causalMask, type Mask } from "./masks.js";
