/** `mlx.core`: arrays and what is done with them. */
import "./methods.js";

export type { Complex, Operand, Scalar } from "./arguments.js";
export { type ArrayConstructor, array } from "./construct.js";
export * from "./device.js";
export * from "./dtype.js";
export * as fast from "./fast.js";
export * from "./io.js";
export * from "./memory.js";
export * from "./ops/arithmetic.js";
export * from "./ops/comparison.js";
export * from "./ops/creation.js";
export * from "./ops/reduction.js";
export * as random from "./random.js";
export { dispose, keep, tidy } from "./scope.js";
export { asyncEval, eval, grad, stopGradient, valueAndGrad } from "./transforms.js";
export type { ArrayInput, Nested, TypedArray } from "./values.js";
