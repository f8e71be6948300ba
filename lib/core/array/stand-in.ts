/** What stands for arrays and scalars: objects with `__mlx_array__`, complex numbers. */
import { mismatch } from "../call/errors.js";
import { interrupt, resume } from "../call/wire.js";
import { type array, isArray } from "./array.js";

/** A complex number, as `item()` and `tolist()` give it. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** A single value. Beside an array its type is weak: it follows the array's. */
export type Scalar = number | boolean | bigint | Complex;

/**
 * What stands for an array: an object whose method `__mlx_array__` gives one. It
 * may be used wherever a scalar may, and in `mx.array`. `x instanceof
 * mx.ArrayLike` asks for the method alone.
 *
 * @example
 * const celsius = { __mlx_array__: () => mx.array([0, 100]) };
 * mx.add(celsius, 273)
 * // array([273, 373], dtype=float32)
 */
export abstract class ArrayLike {
  abstract __mlx_array__(): array;

  static [Symbol.hasInstance](x: unknown): boolean {
    return typeof (x as Partial<ArrayLike> | null | undefined)?.__mlx_array__ === "function";
  }
}

/**
 * What an object stands for: the array that its method gives, a complex number,
 * or nothing. Its code runs here, and nothing of it is read twice.
 */
export function standFor(x: object, fn: string, param: string): array | Complex | undefined {
  const mark = interrupt();
  try {
    const { __mlx_array__: method } = x as Partial<ArrayLike>;
    if (typeof method === "function") {
      const given: unknown = method.call(x);
      if (!isArray(given)) {
        throw mismatch(fn, param, "an array from __mlx_array__", given);
      }
      return given;
    }
    return complexOf(x);
  } finally {
    resume(mark);
  }
}

/** The complex number that an object is, or nothing. */
export function complexOf(x: object): Complex | undefined {
  const { re, im } = x as Partial<Complex>;
  return typeof re === "number" && typeof im === "number" ? { re, im } : undefined;
}
