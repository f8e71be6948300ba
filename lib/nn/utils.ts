/** Transformations of functions that use modules. */
import { asFunction } from "../core/call/arguments.js";
import { mismatch } from "../core/call/errors.js";
import * as mx from "../core/index.js";
import type { AnyFunction, Gives } from "../core/transforms/types.js";
import { Module, type ParametersOf, type ParameterTree } from "./module.js";

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
export function valueAndGrad<M extends Module, F extends AnyFunction>(
  model: M,
  fn: F & Gives<F, mx.array | readonly unknown[]>,
): (...args: Parameters<F>) => [value: ReturnType<F>, gradients: ParametersOf<M>] {
  if (!(model instanceof Module)) {
    throw mismatch("valueAndGrad", "model", "an nn.Module", model);
  }
  if (typeof fn !== "function") {
    const expected = "a function such as (x) => mx.mean(model.forward(x))";
    throw mismatch("valueAndGrad", "fn", expected, fn);
  }
  const traced = mx.valueAndGrad((parameters: ParameterTree, ...args: unknown[]) => {
    model.update(parameters as ParametersOf<M>);
    return fn(...args) as mx.array;
  });
  return (...args) => {
    const parameters = model.trainableParameters();
    try {
      const [value, gradients] = traced(parameters, ...args);
      return [value as ReturnType<F>, gradients as ParametersOf<M>];
    } finally {
      model.update(parameters);
    }
  };
}

/**
 * A function that gives the same as another, by default as a module's `forward`, and needs less
 * memory and more time in gradients: they keep only the arguments and the module's trainable
 * parameters, and compute everything in between again. Gradients flow to the module's parameters,
 * too, which `mx.checkpoint` takes for constants.
 *
 * The second computation gives the same as the first: random numbers are drawn as before, and the
 * module has the parameters that it had then. What the function changes in the module, such as
 * running statistics, changes once; in Python it changes twice. Chen et al., "Training Deep Nets
 * with Sublinear Memory Cost", arXiv 1604.06174.
 *
 * @throws What the function throws; the module has its parameters back then.
 * @example
 * const layer = new nn.Linear(2, 1, { bias: false });
 * layer.update({ weight: mx.array([[1, 2]]) });
 * const light = nn.checkpoint(layer);
 * nn.valueAndGrad(layer, (x) => mx.sum(mx.square(light(x))))(mx.array([3, 4]))
 * // [
 * //   array(121, dtype=float32),
 * //   { weight: array([[66, 88]], dtype=float32) }
 * // ]
 */
export function checkpoint<F extends AnyFunction>(module: Module, fn: F): F;
export function checkpoint<F extends AnyFunction>(module: Module & { forward: F }): F;
export function checkpoint(
  module: Module & { forward?: AnyFunction },
  fn?: AnyFunction,
): AnyFunction {
  if (!(module instanceof Module)) {
    throw mismatch("checkpoint", "module", "an nn.Module", module);
  }
  if (fn !== undefined || typeof module.forward !== "function") {
    asFunction(fn, "checkpoint", "fn");
  }
  return (...args) => {
    let again = false;
    const computed = mx.checkpoint(
      (parameters: ParametersOf<Module>, key: mx.array, ...given: unknown[]) => {
        const random = mx.random.state[0];
        // What the function itself changes, such as running statistics, changes only once.
        const own = again ? module.parameters() : module.trainableParameters();
        module.update(parameters);
        try {
          if (again) {
            mx.random.state[0] = mx.stopGradient(key);
          }
          return fn === undefined ? module.forward?.(...given) : fn(...given);
        } finally {
          module.update(own);
          if (again) {
            mx.random.state[0] = random;
          }
          again = true;
        }
      },
    );
    return computed(module.trainableParameters(), mx.random.state[0], ...args);
  };
}
