/** Functions in files: their graphs, to be called without the code that made them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isNativeError } from "node:util/types";
import { type array, makeAll, makeFrom } from "../array/array.js";
import { asFunction, slot, slots } from "../call/arguments.js";
import { mismatch } from "../call/errors.js";
import { native } from "../call/native.js";
import { flag, optionsOf, text } from "../call/options.js";
import { type List, list, type Slot, type Slots } from "../call/wire.js";
import { type Dtype, dtypes } from "../dtype.js";
import { FormatError } from "../io/format-error.js";
import type { NamedArrays } from "../io/io.js";
import {
  type FilePath,
  isPath,
  pathOf,
  type Source,
  temporaryFolder,
  withFile,
  withTemporary,
} from "../io/source.js";
import { copyTo, isWriter, OutputFile, type SaveTarget, writeFile } from "../io/target.js";
import { FunctionExporter } from "./exporter.js";
import { outputsOf } from "./structure.js";
import { isBranch } from "./tree.js";

/**
 * What an exported function is called with: arrays, and at the end, where it
 * has them, arrays by name, which are Python's keyword arguments. Also as one
 * list of the arrays, with or without the record behind it.
 */
export type ExportArguments =
  | readonly (array | NamedArrays)[]
  | readonly [readonly array[], NamedArrays?];

/** A function of arrays that can be exported. */
// biome-ignore lint/suspicious/noExplicitAny: any function of arrays
export type ExportableFunction = (...args: any[]) => array | readonly array[];

/** A function from a file. It gives a list, also of a single array. */
export type ImportedFunction = (...args: ExportArguments) => array[];

/** Options of `exporter` and `exportFunction`. */
export interface ExporterOptions {
  /**
   * Whether the function takes inputs of other sizes, too. It must not look at
   * shapes then. By default false.
   */
  shapeless?: boolean | undefined;
  /** A text to keep with the function, such as a model's configuration. By default none. */
  metadata?: string | undefined;
}

/** Options of `importFunction`. */
export interface ImportOptions {
  /** Whether to give the file's metadata, too. By default false. */
  returnMetadata?: boolean | undefined;
}

const readImport = optionsOf<ImportOptions>()("importFunction", { returnMetadata: flag(false) });

/** An array of a graph: its name there, its shape and its dtype. */
export type ExportedArray = [name: string, shape: number[], dtype: Dtype];

/** What describes an operation beside its inputs: its state in MLX. */
export type ExportedState = number | boolean | string | Dtype | null | readonly ExportedState[];

/** What the callback of `exportFunction` gets, one after the other. */
export type ExportStep =
  | { type: "inputs"; inputs: ExportedArray[] }
  | { type: "keyword_inputs"; keywords: [key: string, name: string][] }
  | { type: "outputs"; outputs: ExportedArray[] }
  | { type: "constants"; constants: [name: string, value: array][] }
  | {
      type: "primitive";
      name: string;
      inputs: ExportedArray[];
      outputs: ExportedArray[];
      arguments: ExportedState[];
    };

interface Inputs {
  readonly args: List;
  readonly count: number;
  /** Sorted, as MLX has them. */
  readonly names: string[];
  readonly values: List;
}

function isNamed(x: unknown): x is NamedArrays {
  return isBranch(x) && !Array.isArray(x);
}

/** Positional arrays and named ones. */
function inputsOf(given: readonly unknown[], fn: string): Inputs {
  if (!Array.isArray(given)) {
    throw mismatch(fn, "args", "a list of arrays, which may end with a record of them", given);
  }
  let args: readonly unknown[] = given;
  let named: NamedArrays = {};
  const last = args.at(-1);
  if (isNamed(last)) {
    named = last;
    args = args.slice(0, -1);
  }
  if (args.length === 1 && Array.isArray(args[0])) {
    args = args[0] as unknown[];
  }
  const at = (name: string) => `arguments[${JSON.stringify(name)}]`;
  const names = Object.keys(named).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return {
    args: slots(args as array[], fn, "arguments"),
    count: args.length,
    names,
    values: list(names.map((name) => slot(named[name] as array, fn, at(name)))),
  };
}

/** What the addon traces: calls the function with arrays in MLX's order. */
function tracer(fun: ExportableFunction, { count, names }: Inputs, fn: string) {
  return (tracers: Slots): List => {
    const arrays = makeAll(tracers);
    const args: unknown[] = arrays.slice(0, count);
    if (names.length > 0) {
      args.push(Object.fromEntries(names.map((name, i) => [name, arrays[count + i]])));
    }
    return outputsOf(fun(...args), fn, "exported");
  };
}

const readExporter = optionsOf<ExporterOptions>()("exporter", {
  shapeless: flag(false),
  metadata: text(""),
});

function fileOf(file: unknown, fn: string): string {
  if (!isPath(file)) {
    throw mismatch(fn, "file", "the name of a file", file);
  }
  return pathOf(file, fn);
}

/**
 * A file of functions that is being written: by MLX, which wants its name. It
 * takes the place of another when the first trace is in it. To a pipe or a
 * device it goes in the end, since MLX goes back and forth.
 */
class ExportFile {
  readonly #file: OutputFile;
  readonly #folder: string | undefined;
  readonly #exporter: unknown;
  readonly #fn: string;
  #tracing = false;
  #finished = false;

  constructor(path: string, fn: string, shapeless: boolean, metadata: string) {
    this.#fn = fn;
    this.#file = new OutputFile(path, fn);
    try {
      this.#folder = this.#file.isInPlace ? temporaryFolder() : undefined;
      this.#exporter = native.make_exporter(this.#path, shapeless, metadata);
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  get #path(): string {
    return this.#folder === undefined ? this.#file.path : join(this.#folder, "functions");
  }

  trace(fun: ExportableFunction, inputs: Inputs): void {
    const { args, names, values } = inputs;
    // A function may call its own exporter, which is an error of that call.
    const outer = !this.#tracing;
    this.#tracing = true;
    try {
      const traced = tracer(fun, inputs, this.#fn);
      native.export_trace(this.#exporter, traced, args, names, values);
      if (outer && this.#folder === undefined) {
        this.#finish();
      }
    } catch (error) {
      if (outer) {
        this.#abandon(isUnwritten(error));
      }
      throw error;
    } finally {
      this.#tracing = !outer;
    }
  }

  close(): void {
    native.close_exporter(this.#exporter);
    if (!this.#tracing) {
      this.#finish();
    }
  }

  #finish(): void {
    if (this.#finished) {
      return;
    }
    try {
      if (this.#folder !== undefined) {
        withFile(this.#path, this.#fn, (source) => copyTo(this.#file, source));
      }
      this.#finished = true;
      this.#file.close();
    } finally {
      this.#abandon();
      this.#removeFolder();
    }
  }

  /** Leaves what was there before; may ask the system why MLX could not write. */
  #abandon(ask = false): void {
    if (this.#finished) {
      return;
    }
    this.#finished = true;
    try {
      if (ask) {
        this.#file.write(new Uint8Array(1 << 16));
      }
    } finally {
      this.#removeFolder();
      this.#file.abandon();
    }
  }

  #removeFolder(): void {
    if (this.#folder !== undefined) {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}

function isUnwritten(error: unknown): boolean {
  return isNativeError(error) && error.message.startsWith("[write]");
}

/**
 * An exporter, which writes several traces of a function to one file: call it
 * with each kind of inputs, then close it. When a trace fails, it is closed, and
 * the file is not to be used; if it was the first, there is none.
 *
 * @throws Error if the file cannot be written.
 * @example
 * const exporter = mx.exporter(path, (...xs) => xs.reduce((a, b) => mx.add(a, b)));
 * exporter(mx.array(1));
 * exporter(mx.array(1), mx.array(2));
 * exporter.close();
 * mx.importFunction(path)(mx.array(3), mx.array(4))
 * // [ array(7, dtype=float32) ]
 */
export function exporter(
  file: FilePath,
  fun: ExportableFunction,
  options?: ExporterOptions,
): FunctionExporter {
  const fn = "exporter";
  const path = fileOf(file, fn);
  asFunction(fun, fn, "fun");
  const { shapeless, metadata } = readExporter(options);
  const exported = new ExportFile(path, fn, shapeless, metadata);
  return new FunctionExporter(
    (...given) => exported.trace(fun, inputsOf(given, fn)),
    () => exported.close(),
  );
}

/** A step as the addon has it: arrays are slots, dtypes `{ dtype: number }`. */
function stepOf(step: Record<string, unknown>): ExportStep {
  const value = (x: unknown): unknown => {
    if (Array.isArray(x)) {
      return x.map(value);
    }
    return typeof x === "object" && x !== null ? dtypes[(x as { dtype: number }).dtype] : x;
  };
  const out = Object.fromEntries(Object.entries(step).map(([key, x]) => [key, value(x)]));
  if (out["type"] === "constants") {
    const constants = out["constants"] as [string, Slot][];
    out["constants"] = constants.map(([name, slot]) => [name, makeFrom(slot)]);
  }
  return out as unknown as ExportStep;
}

/**
 * Exports a function: its graph for inputs like the given ones, as a file that
 * `mx.importFunction` and Python's MLX read. Arrays that the function captures
 * become part of it. Functions exported by one version of MLX may not work with
 * another.
 *
 * @param fileOrCallback The name of a file; or a function that gets the graph in steps,
 * under MLX's own names: its inputs, their names, its outputs, constants, and
 * every operation in order.
 * @param fun A function of arrays that gives an array or a list of them. Where
 * `args` end with a record of arrays, which are Python's keyword arguments, so
 * do its own.
 * @param args What to trace it with; the values do not matter.
 * @param options.metadata Only for files.
 * @throws What the function throws, the same object; Error if the file cannot
 * be written.
 * @example
 * const scale = mx.array(10);
 * mx.exportFunction(path, (x, { y }) => mx.multiply(mx.add(x, y), scale), [
 *   mx.array(0),
 *   { y: mx.array([0, 0]) },
 * ]);
 * mx.importFunction(path)(mx.array(1), { y: mx.array([2, 3]) })
 * // [ array([30, 40], dtype=float32) ]
 */
export function exportFunction(
  fileOrCallback: FilePath | ((step: ExportStep) => unknown),
  fun: ExportableFunction,
  args: ExportArguments = [],
  options?: ExporterOptions,
): void {
  const fn = "exportFunction";
  const callback = typeof fileOrCallback === "function" ? fileOrCallback : undefined;
  const path = callback ? "" : fileOf(fileOrCallback, fn);
  asFunction(fun, fn, "fun");
  const { shapeless, metadata } = readExporter(options, fn);
  const inputs = inputsOf(args, fn);
  if (callback === undefined) {
    const file = new ExportFile(path, fn, shapeless, metadata);
    file.trace(fun, inputs);
    file.close();
    return;
  }
  if (metadata !== "") {
    throw mismatch(fn, "metadata", "none beside a callback", metadata);
  }
  const traced = tracer(fun, inputs, fn);
  const step = (x: Record<string, unknown>) => callback(stepOf(x));
  const { names, values } = inputs;
  native.export_steps(step as never, traced, inputs.args, names, values, shapeless);
}

/**
 * MLX reads the file by its name, after it was checked, and its constants when
 * they are needed: so it gets a copy that nobody else knows.
 */
function importCopy(source: Source): [unknown, string] {
  return withTemporary("functions", (path) => {
    writeFile(path, "importFunction", (file) => copyTo(file, source));
    return native.import_function(path) as [unknown, string];
  });
}

/**
 * A function from a file that `mx.exportFunction` or Python's MLX wrote. It
 * takes arrays of the dtypes and shapes that it was exported with, and gives a
 * list of arrays. Its operations run on the default stream of the device that
 * they were exported for.
 *
 * The file is checked before it is used. As everywhere in MLX, indices that a
 * computation gives are not.
 *
 * @throws FormatError if the file is damaged, not of the format, or for a GPU
 * that is not there; Error if it cannot be read. The function throws an Error for arrays of other kinds.
 * @example
 * mx.exportFunction(path, (x) => [mx.exp(x), mx.negative(x)], [mx.zeros([2])]);
 * const f = mx.importFunction(path);
 * f(mx.array([0, 1]))
 * // [ array([1, 2.71828], dtype=float32), array([-0, -1], dtype=float32) ]
 */
export function importFunction(
  file: FilePath,
  options: { returnMetadata: true },
): [ImportedFunction, string];
export function importFunction(
  file: FilePath,
  options?: { returnMetadata?: false | undefined },
): ImportedFunction;
export function importFunction(
  file: FilePath,
  options?: ImportOptions,
): ImportedFunction | [ImportedFunction, string] {
  const fn = "importFunction";
  const path = fileOf(file, fn);
  const { returnMetadata } = readImport(options);
  const [imported, second] = withFile(path, fn, importCopy);
  if (typeof imported === "string") {
    throw new FormatError(path, imported, second, fn);
  }
  const call: ImportedFunction = (...given) => {
    const { args, names, values } = inputsOf(given, fn);
    return makeAll(native.call_imported(imported, args, names, values));
  };
  return returnMetadata ? [call, second] : call;
}

/**
 * Writes the graph of arrays that are not computed yet in the DOT language, to
 * be drawn by Graphviz. What is called `CheckIndices` there looks whether
 * computed indices lie inside of an axis.
 *
 * @param file The name of a file, or an object whose `write` takes its bytes.
 * @param args The arrays; a record at the end names arrays of the graph.
 * @throws Error if the file cannot be written.
 * @example
 * const pieces = [];
 * const x = mx.array(1);
 * mx.exportToDot({ write: (bytes) => pieces.push(bytes) }, [mx.exp(x), { x }]);
 * Buffer.concat(pieces).toString().split("\n")[1]
 * // { rank=source; "x"; }
 */
export function exportToDot(file: SaveTarget, args: ExportArguments = []): void {
  const fn = "exportToDot";
  const target = isWriter(file) ? file : fileOf(file, fn);
  const inputs = inputsOf(args, fn);
  const graph = native.dot(inputs.args, inputs.names, inputs.values);
  const bytes = Buffer.from(graph);
  if (typeof target === "string") {
    writeFile(target, fn, (writer) => writer.write(bytes));
  } else {
    target.write(bytes);
  }
}
