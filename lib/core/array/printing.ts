/** How arrays are printed. */
import { outOfRange } from "../call/errors.js";
import { asFunction, asInteger } from "../call/numbers.js";
import { kindOf, optionsOf } from "../call/options.js";
import { type Context, context, enter, run } from "../lifetime/context.js";

/** What `setPrintoptions` and `printoptions` take. */
export interface PrintSettings {
  /**
   * The number of decimal places of floating-point numbers, at most 100, or -1
   * for as many as 6 digits need. By default -1.
   */
  precision?: number | undefined;
}

const decimals = kindOf((x, fn, param) => {
  const precision = asInteger(x, fn, param);
  if (precision < -1 || precision > 100) {
    throw outOfRange(fn, param, "an integer from -1 to 100", precision);
  }
  return precision;
});

const read = optionsOf<PrintSettings>()("PrintOptions", { precision: decimals(-1) });

/**
 * How arrays are printed.
 *
 * @throws RangeError for a precision that is not -1 to 100.
 * @example
 * new mx.PrintOptions({ precision: 3 }).precision
 * // 3
 */
export class PrintOptions {
  /** The number of decimal places, or -1 for as many as 6 digits need. */
  precision: number;

  constructor(options?: PrintSettings) {
    this.precision = read(options).precision;
  }
}

/**
 * Sets how arrays are printed from now on; inside `mx.printoptions`, until its
 * end.
 *
 * @throws RangeError for a precision that is not -1 to 100.
 * @example
 * mx.setPrintoptions({ precision: 2 });
 * const text = String(mx.array([1, 2.345]));
 * mx.setPrintoptions();
 * text
 * // array([1.00, 2.35], dtype=float32)
 */
export function setPrintoptions(options?: PrintSettings): void {
  context().print.precision = read(options, "setPrintoptions").precision;
}

/**
 * How arrays are printed now. It is a copy: changing it changes nothing else.
 *
 * @example
 * mx.getPrintoptions().precision
 * // -1
 */
export function getPrintoptions(): PrintOptions {
  return new PrintOptions(context().print);
}

/** Ends the scope of `mx.printoptions` when it is disposed. */
export interface PrintOptionsContext {
  [Symbol.dispose](): void;
}

/**
 * Runs a function, synchronous or not, inside of which arrays are printed in
 * another way; or, without a function, makes it the current way until the
 * result is disposed (`using _ = mx.printoptions({ precision: 3 })`).
 * Without a function it is for code that does not await: what runs meanwhile would
 * be affected, too.
 *
 * @throws RangeError for a precision that is not -1 to 100.
 * @example
 * mx.printoptions({ precision: 3 }, () => String(mx.array([1, 2.34567])))
 * // array([1.000, 2.346], dtype=float32)
 */
export function printoptions<T>(options: PrintSettings, fn: () => T): T;
export function printoptions(options?: PrintSettings): PrintOptionsContext;
export function printoptions<T>(options?: PrintSettings, fn?: () => T): T | PrintOptionsContext {
  const { precision } = read(options, "printoptions");
  const next: Context = { ...context(), print: { precision } };
  if (fn === undefined) {
    return { [Symbol.dispose]: enter(next) };
  }
  return run("printoptions", next, asFunction(fn, "printoptions", "fn"));
}
