import { mismatch } from "../core/call/errors.js";
import * as mx from "../core/index.js";
import { Module, type ParametersOf } from "./module.js";

/**
 * A function that computes a function's value and its gradients with respect
 * to a module's trainable parameters. The function gets the arguments, uses the
 * module as it likes and returns a scalar array, or a list that starts with
 * one; the rest of the list is passed on.
 *
 * @throws What the function throws; the module has its parameters back then.
 * @example
 * const model = new nn.Linear(2, 1, { bias: false });
 * model.update({ weight: mx.array([[1, 2]]) });
 * const lossAndGradients = nn.valueAndGrad(model, (x) => mx.sum(model.forward(x)));
 * lossAndGradients(mx.array([3, 4]))
 * // [
 * //   array(11, dtype=float32),
 * //   { weight: array([[3, 4]], dtype=float32) }
 * // ]
 */
// biome-ignore lint/suspicious/noExplicitAny: any function of any arguments
export function valueAndGrad<M extends Module, F extends (...args: any[]) => unknown>(
  model: M,
  fn: F,
): (...args: Parameters<F>) => [value: ReturnType<F>, gradients: ParametersOf<M>] {
  if (!(model instanceof Module)) {
    throw mismatch("valueAndGrad", "model", "an nn.Module", model);
  }
  if (typeof fn !== "function") {
    throw mismatch("valueAndGrad", "fn", "a function", fn);
  }
  const traced = mx.valueAndGrad((parameters: ParametersOf<M>, ...args: Parameters<F>) => {
    model.update(parameters);
    return fn(...args);
  });
  return (...args) => {
    const parameters = model.trainableParameters();
    try {
      const [value, gradients] = traced(parameters, ...args);
      return [value as ReturnType<F>, gradients];
    } finally {
      model.update(parameters);
    }
  };
}
