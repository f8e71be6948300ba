/** Functions whose operations become one kernel on a GPU. */
import { isArray } from "../core/array/array.js";
import { renamed } from "../core/call/errors.js";
import { computesOnGpu } from "../core/device.js";
import * as mx from "../core/index.js";
import type { AnyFunction } from "../core/transforms/types.js";

const kernels = new Map<string, AnyFunction>();

/**
 * What an element-wise function gives of an array and of constants: on a GPU by one kernel,
 * which is made when its name is first met; as it is on a CPU, where a kernel takes a compiler.
 * The function may take nothing from around it but the constants. An operation that finds the array
 * wrong has an error with the function's name.
 */
export function fused<A extends readonly unknown[]>(
  name: string,
  [x, ...constants]: readonly [mx.array, ...A],
  fun: (x: mx.array, ...constants: A) => mx.array,
): mx.array {
  try {
    if (!computesOnGpu() || !isArray(x)) {
      return fun(x, ...constants);
    }
    let kernel = kernels.get(name);
    if (kernel === undefined) {
      kernel = mx.compile<AnyFunction>(fun, { shapeless: true });
      kernels.set(name, kernel);
    }
    return kernel(x, ...constants) as mx.array;
  } catch (error) {
    throw renamed(error, name, "x");
  }
}
