/** The base of all layers and models. */

import { checkOptions } from "../core/call/arguments.js";
import { identify, mismatch, outOfRange } from "../core/call/errors.js";
import { asBoolean } from "../core/call/numbers.js";
import { isFloating } from "../core/dtype.js";
import * as mx from "../core/index.js";
import { isBranch, treeLike } from "../core/transforms/tree.js";

/** Arrays in records and lists, in the shape of the module that has them. */
// biome-ignore lint/suspicious/noExplicitAny: a tree of any depth
export type ParameterTree = Record<string, any>;

/** Chooses among a module's fields. */
export type ModuleFilter = (module: Module, key: string, value: unknown) => boolean;

/** Of `update` and its kin. */
export interface StrictOption {
  /** Whether what does not fit is an error rather than left out. */
  strict?: boolean | undefined;
}

/** Of `freeze` and `unfreeze`. */
export interface FreezeOptions {
  /** Whether modules inside are meant, too; by default they are. */
  recurse?: boolean | undefined;
  /** The names of the fields that are meant, by default all. */
  keys?: string | readonly string[] | undefined;
  /** Whether a name that no field has is an error. */
  strict?: boolean | undefined;
}

function strictOf(options: StrictOption, fn: string): boolean {
  checkOptions(options, ["strict"], fn);
  return asBoolean(options.strict ?? true, fn, "strict");
}

type Leaf = [path: string, value: mx.array];

/** Python's spelling of a name, which files use: `queryProj` is `query_proj`. */
function snakeCase(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function snakePath(path: string): string {
  return path.split(".").map(snakeCase).join(".");
}

function flatten(tree: unknown, path = ""): Leaf[] {
  if (tree instanceof mx.array) {
    return [[path, tree]];
  }
  return isBranch(tree)
    ? Object.entries(tree).flatMap(([key, value]) => flatten(value, path ? `${path}.${key}` : key))
    : [];
}

function setAt(tree: ParameterTree, path: string, value: mx.array): void {
  const keys = path.split(".");
  const last = keys.pop() as string;
  let node = tree;
  for (const key of keys) {
    // Records do for lists, too: `update` goes by the module's own shape.
    node[key] ??= {};
    node = node[key];
  }
  node[last] = value;
}

function isModuleField(_: Module, __: string, value: unknown): boolean {
  return value instanceof Module;
}

function isArrayField(_: Module, __: string, value: unknown): boolean {
  return value instanceof mx.array;
}

// A field's value with the leaves in it mapped. What is no leaf, or is left out,
// is an empty record: places count in a list.
function mapField<Leaf>(
  module: Module,
  key: string,
  value: unknown,
  filterFn: ModuleFilter,
  mapFn: (value: Leaf) => unknown,
  isLeafFn: ModuleFilter,
): unknown {
  if (isLeafFn(module, key, value)) {
    return mapFn(value as Leaf);
  }
  if (value instanceof Module) {
    return value.filterAndMap(filterFn, mapFn, isLeafFn);
  }
  const part = (name: string, inner: unknown): unknown => {
    const at = `${key}.${name}`;
    return filterFn(module, at, inner)
      ? mapField(module, at, inner, filterFn, mapFn, isLeafFn)
      : {};
  };
  if (Array.isArray(value)) {
    return value.map((inner, i) => part(String(i), inner));
  }
  return isBranch(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, part(name, inner)]))
    : {};
}

function formatOf(file: string): "safetensors" | "npz" | "gguf" {
  const found = /\.(npz|gguf)$/.exec(file)?.[1];
  return (found as "npz" | "gguf" | undefined) ?? "safetensors";
}

function requireFunction(value: unknown, fn: string, param: string): void {
  if (typeof value !== "function") {
    throw mismatch(fn, param, "a function", value);
  }
}

function isWeight(entry: unknown): boolean {
  return Array.isArray(entry) && typeof entry[0] === "string" && entry[1] instanceof mx.array;
}

function isEmpty(part: unknown): boolean {
  return part === undefined || (isBranch(part) && Object.keys(part).length === 0);
}

type Assign = (owner: Record<string, unknown>, key: string, value: mx.array) => void;

function assignAll(
  target: Record<string, unknown>,
  values: unknown,
  strict: boolean,
  path: string,
  assign: Assign,
): void {
  if (!isBranch(values)) {
    if (strict) {
      throw mismatch("update", path || "parameters", "a record of parameters", values);
    }
    return;
  }
  for (const [key, value] of Object.entries(values)) {
    const at = path ? `${path}.${key}` : key;
    const current = Object.hasOwn(target, key) ? target[key] : undefined;
    if (current instanceof mx.array) {
      if (value instanceof mx.array) {
        assign(target, key, value);
      } else if (strict) {
        throw mismatch("update", at, "an array", value);
      }
    } else if (isBranch(current)) {
      assignAll(current as Record<string, unknown>, value, strict, at, assign);
    } else if (strict && !isEmpty(value)) {
      throw outOfRange("update", at, "the name of a parameter", value);
    }
  }
}

/** Puts arrays into a module as they are: for tracers, which nobody keeps. */
export function replaceParameters(module: Module, parameters: ParameterTree): void {
  assignAll(module as never, parameters, true, "", (owner, key, value) => {
    owner[key] = value;
  });
}

/**
 * The base of all layers and models. Its public fields that hold arrays, other
 * modules, or lists and records of them are its parameters; `#private` ones
 * and those whose names begin with an underscore are not.
 *
 * @example
 * class Perceptron extends nn.Module {
 *   hidden = new nn.Linear(2, 3);
 *   output = new nn.Linear(3, 1, { bias: false });
 *   forward(x) {
 *     return this.output.forward(nn.relu(this.hidden.forward(x)));
 *   }
 * }
 * utils.treeFlatten(new Perceptron().parameters()).map(([name, p]) => [name, p.shape])
 * // [
 * //   [ 'hidden.weight', [ 3, 2 ] ],
 * //   [ 'hidden.bias', [ 3 ] ],
 * //   [ 'output.weight', [ 1, 3 ] ]
 * // ]
 */
export class Module extends mx.Owner {
  static {
    identify(Module, "a module");
  }

  readonly #frozen = new Set<string>();
  #training = true;

  /** Whether it is in training mode, in which `Dropout` drops. */
  get training(): boolean {
    return this.#training;
  }

  /** What computations depend on beside the fields. */
  override get [treeLike](): boolean | string {
    const frozen = this.#frozen.size > 0;
    return frozen ? `${this.#training} ${[...this.#frozen].sort()}` : this.#training;
  }

  /** The module itself, as a record of its fields. */
  get state(): this {
    return this;
  }

  /** Whether a value is a module. */
  static isModule(value: unknown): value is Module {
    return value instanceof Module;
  }

  /** The filter of {@link children}: what is a module, or may have some inside. */
  static validChildFilter(_module: Module, _key: string, value: unknown): boolean {
    return isBranch(value);
  }

  /**
   * The filter of {@link parameters}: what is an array, or may have some inside,
   * unless the field's name begins with an underscore.
   */
  static validParameterFilter(_module: Module, key: string, value: unknown): boolean {
    const hidden = typeof key === "string" && key.startsWith("_");
    return (value instanceof mx.array || isBranch(value)) && !hidden;
  }

  /** The filter of {@link trainableParameters}: parameters that are not frozen. */
  static trainableParameterFilter(module: Module, key: string, value: unknown): boolean {
    if (!(module instanceof Module)) {
      throw mismatch("trainableParameterFilter", "module", "a module", module);
    }
    return Module.validParameterFilter(module, key, value) && !module.#frozen.has(key);
  }

  /**
   * Its fields that a filter takes, with a function applied to their leaves, as
   * records and lists. Leaves are arrays, unless another filter says otherwise;
   * inside of lists and records, filters see names such as `layers.0`.
   *
   * @example
   * const model = new nn.Sequential(new nn.Linear(2, 3), nn.relu);
   * model.filterAndMap(nn.Module.validParameterFilter, (x) => x.size)
   * // { layers: [ { weight: 6, bias: 3 }, {} ] }
   */
  filterAndMap<Leaf = mx.array>(
    filterFn: ModuleFilter,
    mapFn: (value: Leaf) => unknown = (value) => value,
    isLeafFn: ModuleFilter = isArrayField,
  ): ParameterTree {
    requireFunction(filterFn, "filterAndMap", "filterFn");
    requireFunction(mapFn, "filterAndMap", "mapFn");
    requireFunction(isLeafFn, "filterAndMap", "isLeafFn");
    const out: ParameterTree = {};
    for (const [key, value] of Object.entries(this)) {
      if (filterFn(this, key, value)) {
        out[key] = mapField(this, key, value, filterFn, mapFn, isLeafFn);
      }
    }
    return out;
  }

  /** All arrays, in the module's shape. */
  parameters(): ParameterTree {
    return this.filterAndMap(Module.validParameterFilter);
  }

  /**
   * The arrays that are not frozen.
   *
   * @example
   * const layer = new nn.Linear(2, 2).freeze({ keys: "bias" });
   * Object.keys(layer.trainableParameters())
   * // [ 'weight' ]
   */
  trainableParameters(): ParameterTree {
    return this.filterAndMap(Module.trainableParameterFilter);
  }

  /**
   * The modules that are fields, or in lists and records of them, in the shape
   * of the module. In the place of what is no module is an empty record.
   *
   * @example
   * const model = new nn.Sequential(nn.relu, new nn.Linear(2, 3));
   * model.children()
   * // { layers: [ {}, Linear(inputDims=2, outputDims=3, bias=true) ] }
   */
  children(): ParameterTree {
    return this.filterAndMap(Module.validChildFilter, undefined, isModuleField);
  }

  /**
   * The modules inside that have none themselves, in the shape of the module,
   * as {@link updateModules} takes them.
   */
  leafModules(): ParameterTree {
    const isLeaf = (_: Module, __: string, value: unknown): boolean =>
      value instanceof Module && value.modules().length === 1;
    return this.filterAndMap(Module.validChildFilter, undefined, isLeaf);
  }

  /** This module and all inside, each with its name: `""` for this one. */
  namedModules(): [name: string, module: Module][] {
    const out: [string, Module][] = [];
    const seen = new Set<object>();
    const walk = (value: unknown, path: string): void => {
      if (value instanceof mx.array || !isBranch(value) || seen.has(value)) {
        return;
      }
      seen.add(value);
      if (value instanceof Module) {
        out.push([path, value]);
      }
      for (const [key, part] of Object.entries(value)) {
        walk(part, path ? `${path}.${key}` : key);
      }
    };
    walk(this, "");
    return out;
  }

  /** This module and all inside. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Calls a function with each module inside, and this one, and its name. */
  applyToModules(applyFn: (name: string, module: Module) => void): this {
    requireFunction(applyFn, "applyToModules", "applyFn");
    for (const [name, module] of this.namedModules()) {
      applyFn(name, module);
    }
    return this;
  }

  /**
   * Replaces parameters by those of a tree, which may have just some of them.
   * What it stores outlives a `tidy`.
   *
   * @throws TypeError or RangeError for what is no parameter, unless `strict`
   * is false.
   * @example
   * const layer = new nn.Linear(2, 1, { bias: false });
   * layer.update({ weight: mx.array([[3, 4]]) }).forward(mx.array([1, 2]))
   * // array([11], dtype=float32)
   */
  update(parameters: ParameterTree, options: StrictOption = {}): this {
    const strict = strictOf(options, "update");
    assignAll(this as never, parameters, strict, "", (owner, key, value) => {
      owner[key] = value;
    });
    return this;
  }

  /** Applies a function to every parameter, or to those that a filter takes. */
  apply(
    mapFn: (value: mx.array) => mx.array,
    filterFn: ModuleFilter = Module.validParameterFilter,
  ): this {
    requireFunction(mapFn, "apply", "mapFn");
    requireFunction(filterFn, "apply", "filterFn");
    return this.update(this.filterAndMap(filterFn, mapFn));
  }

  /**
   * Replaces modules inside by those of a tree in the shape of {@link children},
   * which may have just some of them.
   */
  updateModules(modules: ParameterTree, options: StrictOption = {}): this {
    const strict = strictOf(options, "updateModules");
    const walk = (target: Record<string, unknown>, values: unknown, path: string): void => {
      if (!isBranch(values)) {
        if (strict) {
          throw mismatch("updateModules", path || "modules", "a tree of modules", values);
        }
        return;
      }
      for (const [key, value] of Object.entries(values)) {
        const at = path ? `${path}.${key}` : key;
        const current = Object.hasOwn(target, key) ? target[key] : undefined;
        if (current instanceof Module && value instanceof Module) {
          target[key] = value;
        } else if (isBranch(current) && !(value instanceof Module)) {
          walk(current as Record<string, unknown>, value, at);
        } else if (strict && !isEmpty(value)) {
          throw outOfRange("updateModules", at, "the name of a module", value);
        }
      }
    };
    walk(this as never, modules, "");
    return this;
  }

  /**
   * Takes parameters out of training: their gradients are not computed, and
   * optimizers leave them alone.
   */
  freeze(options: FreezeOptions = {}): this {
    return this.#setFrozen(true, options);
  }

  /** Takes parameters back into training. */
  unfreeze(options: FreezeOptions = {}): this {
    return this.#setFrozen(false, options);
  }

  #setFrozen(frozen: boolean, options: FreezeOptions): this {
    const fn = frozen ? "freeze" : "unfreeze";
    checkOptions(options, ["recurse", "keys", "strict"], fn);
    const { keys } = options;
    const recurse = asBoolean(options.recurse ?? true, fn, "recurse");
    const strict = asBoolean(options.strict ?? false, fn, "strict");
    const modules = recurse ? this.modules() : [this];
    const names = keys === undefined ? undefined : [keys].flat();
    for (const name of names ?? []) {
      if (strict && !modules.some((module) => Object.hasOwn(module, name))) {
        throw outOfRange(fn, "keys", "names of fields", name);
      }
    }
    for (const module of modules) {
      for (const [key, value] of Object.entries(module)) {
        // Modules inside have sets of their own.
        if (names?.includes(key) ?? !hasModules(value)) {
          if (frozen) {
            module.#frozen.add(key);
          } else {
            module.#frozen.delete(key);
          }
        }
      }
    }
    return this;
  }

  /** Sets training mode, here and in all modules inside. */
  train(mode = true): this {
    if (typeof mode !== "boolean") {
      throw mismatch("train", "mode", "a boolean", mode);
    }
    for (const module of this.modules()) {
      module.#training = mode;
    }
    return this;
  }

  /** Ends training mode, here and in all modules inside. */
  eval(): this {
    return this.train(false);
  }

  /** Changes the dtype of the parameters that have a floating-point one. */
  setDtype(dtype: mx.Dtype, predicate: ((dtype: mx.Dtype) => boolean) | null = isFloating): this {
    if (predicate !== null) {
      requireFunction(predicate, "setDtype", "predicate");
    }
    return this.apply((x) => (predicate === null || predicate(x.dtype) ? x.astype(dtype) : x));
  }

  /**
   * Loads parameters from a safetensors, npz or GGUF file, or from a list of
   * names and arrays. Names are Python's, such as `layers.0.query_proj.weight`.
   *
   * @throws RangeError if names or shapes differ from the module's, unless
   * `strict` is false; Error if the file cannot be read.
   */
  loadWeights(
    fileOrWeights: string | readonly (readonly [string, mx.array])[],
    options: StrictOption = {},
  ): this {
    const strict = strictOf(options, "loadWeights");
    const weights: readonly (readonly [string, mx.array])[] =
      typeof fileOrWeights === "string"
        ? Object.entries(mx.load(fileOrWeights, { format: formatOf(fileOrWeights) }))
        : fileOrWeights;
    if (!Array.isArray(weights) || !Array.from(weights).every(isWeight)) {
      throw mismatch("loadWeights", "fileOrWeights", "a file or a list of weights", weights);
    }
    const own = new Map(flatten(this.parameters()).map((leaf) => [snakePath(leaf[0]), leaf]));
    const given = new Map(weights.map(([name, value]) => [snakePath(name), value]));
    if (strict) {
      checkWeights(own, given);
    }
    const tree: ParameterTree = {};
    for (const [name, value] of given) {
      const leaf = own.get(name);
      if (leaf !== undefined) {
        setAt(tree, leaf[0], value);
      }
    }
    return this.update(tree, { strict });
  }

  /**
   * Saves the parameters as a safetensors or npz file, which Python can load.
   *
   * @throws Error if the file cannot be written.
   */
  saveWeights(file: string): void {
    const format = typeof file === "string" ? /\.(safetensors|npz)$/.exec(file)?.[1] : undefined;
    if (format === undefined) {
      throw mismatch("saveWeights", "file", "a name that ends in .safetensors or .npz", file);
    }
    const leaves = flatten(this.parameters());
    const weights = Object.fromEntries(leaves.map(([path, value]) => [snakePath(path), value]));
    if (format === "npz") {
      mx.savez(file, weights);
    } else {
      mx.saveSafetensors(file, weights);
    }
  }

  /** What stands in parentheses after the name in {@link toString}. */
  protected describe(): string {
    return "";
  }

  /** The modules, one a line. */
  override toString(): string {
    const lines: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (value instanceof Module) {
        lines.push(`(${path}): ${value}`.replaceAll("\n", "\n  "));
      } else if (isBranch(value)) {
        for (const [key, part] of Object.entries(value)) {
          walk(part, `${path}.${key}`);
        }
      }
    };
    for (const [key, part] of Object.entries(this.children())) {
      walk(part, key);
    }
    const inside = lines.map((line) => `\n  ${line}`).join("");
    return `${this.constructor.name}(${this.describe()}${inside}${inside ? "\n" : ""})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function hasModules(value: unknown): boolean {
  return (
    value instanceof Module ||
    (isBranch(value) && !(value instanceof mx.array) && Object.values(value).some(hasModules))
  );
}

function checkWeights(own: ReadonlyMap<string, Leaf>, given: ReadonlyMap<string, unknown>): void {
  const names = (all: Iterable<string>, other: { has(name: string): boolean }) =>
    [...all].filter((name) => !other.has(name)).sort();
  const extra = names(given.keys(), own);
  if (extra.length > 0) {
    throw new RangeError(
      `[loadWeights] received ${extra.length} parameters not in the module: ${extra.join(", ")}`,
    );
  }
  const missing = names(own.keys(), given);
  if (missing.length > 0) {
    throw new RangeError(
      `[loadWeights] missing ${missing.length} parameters: ${missing.join(", ")}`,
    );
  }
  for (const [name, [, current]] of own) {
    const value = given.get(name);
    if (!(value instanceof mx.array)) {
      throw mismatch("loadWeights", name, "an array", value);
    }
    if (String(value.shape) !== String(current.shape)) {
      throw outOfRange("loadWeights", name, `shape [${current.shape}]`, value.shape);
    }
  }
}
