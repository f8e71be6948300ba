import "./peer.js";

export {
  type Cache,
  type KeysValues,
  KVCache,
  type LoadedPromptCache,
  loadPromptCache,
  type Quantized,
  type QuantizedKeysValues,
  QuantizedKVCache,
  type QuantizedKVCacheOptions,
  RotatingKVCache,
  type RotatingKVCacheOptions,
  type SavedCache,
  savePromptCache,
  trimPromptCache,
} from "./cache.js";
export {
  type ChatOptions,
  ChatSession,
  parseToolCalls,
  type Tool,
  type ToolCall,
} from "./chat.js";
export { Config } from "./config.js";
export { type Decode, StreamingDetokenizer } from "./detokenizer.js";
export { Embedder, type EmbedderOptions, type EmbedOptions, type Pooling } from "./embed.js";
export type { FileUrl } from "./folder.js";
export {
  type Generated,
  type GenerateOptions,
  type Generation,
  generate,
  makePromptCache,
  type Prompt,
  type TextModel,
} from "./generate.js";
export { type Loaded, load, loadModel } from "./load.js";
export { causalMask, type Mask } from "./masks.js";
export { Bert } from "./models/bert.js";
export { createModel, type LanguageModelClass, models } from "./models/index.js";
export { LanguageModel, type Weights } from "./models/model.js";
export {
  applyMinP,
  applyTopK,
  applyTopP,
  type LogitsProcessor,
  type LogitsProcessorOptions,
  logitBias,
  makeLogitsProcessors,
  makeSampler,
  repetitionPenalty,
  type Sampler,
  type SamplerOptions,
} from "./sampling.js";
export {
  type ChatTemplateOptions,
  type DecodeOptions,
  type EncodeOptions,
  type Json,
  type Message,
  Tokenizer,
  type TokenizerLoadOptions,
  type TokenizerOptions,
  type Turn,
} from "./tokenizer.js";
export type { LoadOptions, LoadProgress } from "./weights.js";
