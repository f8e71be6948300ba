/** `mlx.optimizers`: what changes parameters by their gradients. */
import "./habits.js";

export * from "./adafactor.js";
export * from "./adagrad.js";
export * from "./adam.js";
export * from "./clip.js";
export * from "./lion.js";
export * from "./multi-optimizer.js";
export * from "./muon.js";
export {
  type LearningRate,
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterState,
  type Schedule,
  type StepCount,
  type Updatable,
} from "./optimizer.js";
export * from "./rmsprop.js";
export * from "./schedulers.js";
export * from "./sgd.js";
