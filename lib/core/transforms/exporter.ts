/** What `mx.exporter` gives: a function that can be closed. */
import { asFunction } from "../call/numbers.js";
import type { ExportArguments } from "./export.js";

type Trace = (...args: ExportArguments) => void;

/** Makes a function that is given the object under construction. */
class Callable {
  constructor(call: Trace) {
    // biome-ignore lint/correctness/noConstructorReturn: instances can be called
    return Object.setPrototypeOf(call, new.target.prototype);
  }
}
Object.setPrototypeOf(Callable.prototype, Function.prototype);

/**
 * Exports a function to a file: each call with arrays is another trace of it,
 * for inputs of other dtypes, shapes or numbers. Made by `mx.exporter`. It is
 * closed by `close()`, or at the end of a block with `using`.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: instances can be called
export class FunctionExporter extends Callable {
  readonly #close: () => void;

  /** @internal */
  constructor(trace: Trace, close: () => void) {
    super(asFunction(trace, "FunctionExporter", "trace"));
    this.#close = asFunction(close, "FunctionExporter", "close");
  }

  /** Closes the file. Further calls are errors; closing again does nothing. */
  close(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export interface FunctionExporter extends Trace {}
