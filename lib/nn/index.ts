/** `mlx.nn`: layers, losses, initializers. */
import "./habits.js";

export {
  type AverageGradientsOptions,
  averageGradients,
  clipGradNormSharded,
  type SharedOptions,
} from "./distributed.js";
export * as init from "./init.js";
export * from "./layers/activations.js";
export * from "./layers/containers.js";
export * from "./layers/convolution.js";
export * from "./layers/convolution-transpose.js";
export * from "./layers/distributed.js";
export * from "./layers/dropout.js";
export * from "./layers/embedding.js";
export * from "./layers/linear.js";
export * from "./layers/normalization.js";
export * from "./layers/pooling.js";
export * from "./layers/positional-encoding.js";
export {
  QQLinear,
  type QQLinearOptions,
  QuantizedEmbedding,
  QuantizedLinear,
  type QuantizedLinearOptions,
  type QuantizedOptions,
  type QuantizeModelOptions,
  type QuantizePredicate,
  quantize,
  type ToQuantizedOptions,
} from "./layers/quantized.js";
export * from "./layers/recurrent.js";
export type { Sizes } from "./layers/spatial.js";
export * from "./layers/transformer.js";
export * from "./layers/upsample.js";
export * as losses from "./losses.js";
export {
  type ChildrenOf,
  type FreezeOptions,
  Module,
  type ModuleFilter,
  type ParametersOf,
  type ParameterTree,
  type SomeModulesOf,
  type SomeParametersOf,
  type StrictOption,
  type UnaryLayer,
} from "./module.js";
export * from "./utils.js";
