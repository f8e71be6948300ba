/** Functions whose operations become one kernel on a GPU. */
import { isArray } from "../core/array/array.js";
import { computesOnGpu } from "../core/device.js";
import * as mx from "../core/index.js";
import type { AnyFunction } from "../core/transforms/types.js";

type ElementWise<A extends readonly unknown[]> = (x: mx.array, ...rest: A) => mx.array;

interface Compiled {
  readonly call: AnyFunction;
  busy: boolean;
}

const compiledOf = new WeakMap<object, Compiled>();

/**
 * What an element-wise function gives on a GPU when it is compiled. The function asks for
 * that first, and does its own work where this gives nothing: on a CPU, where a kernel takes a
 * compiler, and while it is traced.
 */
export function fused<A extends readonly unknown[]>(
  fun: ElementWise<A>,
  x: mx.array,
  ...rest: A
): mx.array | undefined {
  if (!computesOnGpu() || !isArray(x)) {
    return undefined;
  }
  let compiled = compiledOf.get(fun);
  if (compiled === undefined) {
    compiled = { call: mx.compile<AnyFunction>(fun, { shapeless: true }), busy: false };
    compiledOf.set(fun, compiled);
  }
  if (compiled.busy) {
    return undefined;
  }
  compiled.busy = true;
  try {
    return compiled.call(x, ...rest) as mx.array;
  } finally {
    compiled.busy = false;
  }
}
