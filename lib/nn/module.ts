/** The base of all layers and models. */

import { asArray, isArray } from "../core/array/array.js";
import { asBoolean, asFunction, dtypeId, sameShape } from "../core/call/arguments.js";
import { rangeError } from "../core/call/codes.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { nearest } from "../core/call/hints.js";
import { identify } from "../core/call/identity.js";
import { flag, kindOf, optionsOf } from "../core/call/options.js";
import { isFloating } from "../core/dtype.js";
import * as mx from "../core/index.js";
import { flattenArrays, pathOf, type Structure } from "../core/transforms/structure.js";
import {
  type Branch,
  childOf,
  isBranch,
  isModule,
  joined,
  namesOf,
  putChild,
  treeLike,
} from "../core/transforms/tree.js";
import type {
  ChildrenOf,
  ParametersOf,
  ParameterTree,
  SomeModulesOf,
  SomeParametersOf,
} from "../core/transforms/types.js";

export type { ChildrenOf, ParametersOf, ParameterTree, SomeModulesOf, SomeParametersOf };

/** Chooses among a module's fields. */
export type ModuleFilter = (module: Module, key: string, value: unknown) => boolean;

/** Options of `update`, `updateModules` and `loadWeights`. */
export interface StrictOption {
  /**
   * Whether an entry that the module has no place for is an error; if false, it is left out.
   * With `loadWeights`, also whether a missing one is an error. By default true.
   */
  strict?: boolean | undefined;
}

/** Options of `freeze` and `unfreeze`. */
export interface FreezeOptions {
  /** Whether to do the same to the modules inside. By default true. */
  recurse?: boolean | undefined;
  /** The names of the fields to freeze or unfreeze. By default all. */
  keys?: string | readonly string[] | undefined;
  /** Whether a name that no field has is an error. By default false. */
  strict?: boolean | undefined;
}

const readStrict = optionsOf<StrictOption>()("update", { strict: flag(true) });

const names = kindOf<string | readonly string[]>((value, fn, param) => {
  const all: unknown = typeof value === "string" ? [value] : value;
  if (!Array.isArray(all) || !all.every((name) => typeof name === "string")) {
    throw mismatch(fn, param, "a name or a list of names", value);
  }
  return [...all];
});

const readFreeze = optionsOf<FreezeOptions>()("freeze", {
  recurse: flag(true),
  keys: names(),
  strict: flag(false),
});

/**
 * Python's spelling of a name, which files use: `layers.0.queryProj` is
 * `layers.0.query_proj`. A capital at the start of a part stays: `lstm.Wx`.
 */
function snakeCase(name: string): string {
  return name.replace(/(?<=[^.])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The parameters, each under the name that files have for it. */
function namedParameters(
  fn: string,
  module: Module,
): [names: string[], own: mx.array[], structure: Structure] {
  const [own, structure] = flattenArrays(module.parameters(), fn, "parameters");
  const paths = structure.names();
  const names = paths.map(snakeCase);
  const first = new Map<string, string>();
  names.forEach((name, i) => {
    const other = first.get(name);
    if (other !== undefined) {
      const both = `received "${other}" and "${paths[i]}", which are both "${name}"`;
      throw rangeError(`[${fn}] parameters: expected names that differ in a file, ${both}`);
    }
    first.set(name, paths[i] as string);
  });
  return [names, own, structure];
}

function isLeafModule(_: Module, __: string, value: unknown): boolean {
  return value instanceof Module && !Object.values(value).some((part) => hasModules(part));
}

function isModuleField(_: Module, __: string, value: unknown): boolean {
  return value instanceof Module;
}

function isArrayField(_: Module, __: string, value: unknown): boolean {
  return isArray(value);
}

function asIs<T>(value: T): T {
  return value;
}

/** Where a mapping of fields is: in a module, or in a list or record in its fields. */
interface Place {
  readonly module: Module;
  /** What the names of the parts begin with. */
  readonly prefix: string;
  readonly out: ParameterTree;
}

/**
 * The fields of a module that a filter takes, with a function applied to their leaves. In lists and
 * records an empty record stands for everything else, so that the leaves of a list keep their
 * places.
 */
function mapFields<Leaf>(
  fn: string,
  root: Module,
  filterFn: ModuleFilter,
  mapFn: (value: Leaf) => unknown = asIs,
  isLeafFn: ModuleFilter = isArrayField,
): ParameterTree {
  const path = pathOf(fn, root.constructor.name);
  const enter = (branch: Branch, module: Module, prefix: string): ParameterTree => {
    const out = (Array.isArray(branch) ? [] : {}) as ParameterTree;
    path.enter(branch, { module, prefix, out } satisfies Place);
    return out;
  };
  const map = (module: Module, key: string, value: unknown): unknown => {
    if (isLeafFn(module, key, value)) {
      return mapFn(value as Leaf);
    }
    if (isBranch(value)) {
      return value instanceof Module ? enter(value, value, "") : enter(value, module, `${key}.`);
    }
    path.refuseStranger(value);
    return {};
  };
  const all = enter(root as Branch & Module, root, "");
  path.through<Place>(({ module, prefix, out }, name, value, branch) => {
    const key = `${prefix}${name}`;
    if (filterFn(module, key, value)) {
      putChild(out, name, map(module, key, value));
    } else {
      path.refuseStranger(value);
      if (!(branch instanceof Module)) {
        putChild(out, name, {});
      }
    }
  });
  return all;
}

/**
 * The modules in a branch, such as the fields of a module, each once, with their names: those that
 * are nearest, or all.
 */
function modulesIn(root: object, all: boolean): [name: string, module: Module][] {
  const out: [string, Module][] = [];
  const seen = new Set<object>();
  const ahead: [name: string, branch: object][] = [["", root]];
  for (let last = ahead.pop(); last !== undefined; last = ahead.pop()) {
    const [path, branch] = last;
    if (seen.has(branch)) {
      continue;
    }
    seen.add(branch);
    if (branch !== root && branch instanceof Module) {
      out.push([path, branch]);
      if (!all) {
        continue;
      }
    }
    for (const key of Object.keys(branch).reverse()) {
      const value = (branch as Record<string, unknown>)[key];
      if (isBranch(value)) {
        ahead.push([joined(path, key), value]);
      }
    }
  }
  return out;
}

/** Whether a value is a module, or has some in its lists and records. */
function hasModules(value: unknown): boolean {
  return isBranch(value) && (value instanceof Module || modulesIn(value, false).length > 0);
}

function formatOf(file: string): "safetensors" | "npz" | "gguf" {
  const found = /\.(safetensors|npz|gguf)$/.exec(file)?.[1];
  if (found === undefined) {
    const expected = "a name that ends in .safetensors, .npz or .gguf";
    throw mismatch("loadWeights", "fileOrWeights", expected, file);
  }
  return found as "safetensors" | "npz" | "gguf";
}

/**
 * Puts the arrays or modules of a tree in the places that a module has for them. All
 * are checked before the first is stored.
 */
function assign(
  fn: "update" | "updateModules",
  module: Module,
  values: unknown,
  isValue: (x: unknown) => boolean,
  strict: boolean,
): void {
  const [one, many] = fn === "update" ? ["an array", "parameters"] : ["a module", "modules"];
  const path = pathOf(fn, many);
  const wrong = (value: unknown, found: unknown, owner: Branch = {}): Error => {
    const where = path.where.slice(many.length + 1);
    if (isValue(found)) {
      return mismatch(fn, where, one, value);
    }
    if (isBranch(found) && !isValue(value)) {
      return mismatch(fn, where, `a tree of ${many}`, value);
    }
    const names = namesOf(owner).filter(
      (name) => isValue(childOf(owner, name)) || isBranch(childOf(owner, name)),
    );
    const meant = nearest(where.split(".").at(-1) as string, names.map(String));
    const such = meant === undefined ? "" : `, such as ${meant}`;
    return outOfRange(fn, where, `the name of one of the module's ${many}${such}`, value);
  };
  const places: [owner: Branch, key: string | number, value: unknown][] = [];
  const enter = (tree: Branch, owner: Branch | undefined, inModule: boolean): void => {
    path.enter(tree, { owner, inModule });
  };
  if (isBranch(values)) {
    enter(values, module as Branch & Module, isModule(values));
  } else if (strict) {
    throw mismatch(fn, many, `a tree of ${many}`, values);
  }
  path.through<{ owner: Branch | undefined; inModule: boolean }>(
    ({ owner, inModule }, key, value) => {
      const found = owner && childOf(owner, key);
      if (isValue(value)) {
        if (isValue(found)) {
          places.push([owner as Branch, key, value]);
        } else if (strict) {
          throw wrong(value, found, owner);
        }
      } else if (isBranch(value)) {
        const inner = isBranch(found) ? found : undefined;
        if (strict && inner === undefined && namesOf(value).length > 0) {
          throw wrong(value, found, owner);
        }
        enter(value, inner, inModule || isModule(value));
      } else {
        path.refuseStranger(value);
        // If a module was given as the tree, its fields need not all be parameters.
        if (strict && value !== undefined && !(inModule && !isArray(value))) {
          throw wrong(value, found, owner);
        }
      }
    },
  );
  for (const [owner, key, value] of places) {
    putChild(owner, key, value);
  }
}

/**
 * The key of the list of a module's fields that always stay frozen. It is a symbol, since any text
 * may be the name of a field.
 */
export const statistics: unique symbol = Symbol("statistics");

// The modules whose text is being made, since a module may contain itself, and the most that may be
// within each other: beyond, nobody could read it.
const printing = new Set<Module>();
const mostPrinted = 100;

/** Texts by name, where those that are equal and follow each other in a list are one. */
function shortened(texts: readonly (readonly [name: string, text: string])[]): [string, string][] {
  const out: { name: string; text: string; list: string; first: number; count: number }[] = [];
  for (const [name, text] of texts) {
    const [, list = "", index = "NaN"] = /^(|.*\.)(\d+)$/.exec(name) ?? [];
    const last = out.at(-1);
    const follows = last?.list === list && Number(index) === last.first + last.count;
    if (follows && last.text === text) {
      last.count++;
    } else {
      out.push({ name, text, list, first: Number(index), count: 1 });
    }
  }
  return out.map(({ name, text, first, count }) =>
    count === 1 ? [name, text] : [`${name}-${first + count - 1}`, `${count} x ${text}`],
  );
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

  /** What computations depend on besides the fields: the mode, and which fields are frozen. */
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
    // Modules are branches, too, but testing for the class first is faster.
    const has = isArray(value) || value instanceof Module || isBranch(value);
    return has && !(typeof key === "string" && key.startsWith("_"));
  }

  /** The filter of {@link trainableParameters}: parameters that are not frozen. */
  static trainableParameterFilter(module: Module, key: string, value: unknown): boolean {
    if (!(module instanceof Module)) {
      throw mismatch("trainableParameterFilter", "module", "a module", module);
    }
    // Most modules have nothing frozen, and then no name has to be looked up.
    const isFrozen = module.#frozen.size > 0 && module.#frozen.has(key);
    return !isFrozen && Module.validParameterFilter(module, key, value);
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
    mapFn: (value: Leaf) => unknown = asIs,
    isLeafFn: ModuleFilter = isArrayField,
  ): ParameterTree {
    const fn = "filterAndMap";
    asFunction(filterFn, fn, "filterFn");
    asFunction(mapFn, fn, "mapFn");
    asFunction(isLeafFn, fn, "isLeafFn");
    return mapFields(fn, this, filterFn, mapFn, isLeafFn);
  }

  /** All arrays, in the module's shape. */
  parameters(): ParametersOf<this> {
    return mapFields("parameters", this, Module.validParameterFilter) as ParametersOf<this>;
  }

  /**
   * The arrays that are not frozen. The type of the result has all parameters, since which ones are
   * frozen is known only when the program runs.
   *
   * @example
   * const layer = new nn.Linear(2, 2).freeze({ keys: "bias" });
   * Object.keys(layer.trainableParameters())
   * // [ 'weight' ]
   */
  trainableParameters(): ParametersOf<this> {
    const filter = Module.trainableParameterFilter;
    return mapFields("trainableParameters", this, filter) as ParametersOf<this>;
  }

  /**
   * The modules that are fields, or in lists and records of them, in the shape
   * of the module. An empty record stands for everything else in a list or record.
   *
   * @example
   * const model = new nn.Sequential(nn.relu, new nn.Linear(2, 3));
   * model.children()
   * // { layers: [ {}, Linear(inputDims=2, outputDims=3, bias=true) ] }
   */
  children(): ChildrenOf<this> {
    const filter = Module.validChildFilter;
    return mapFields("children", this, filter, asIs, isModuleField) as ChildrenOf<this>;
  }

  /**
   * The modules inside that have none themselves, in the shape of the module,
   * as {@link updateModules} takes them.
   */
  leafModules(): ParameterTree {
    return mapFields("leafModules", this, Module.validChildFilter, asIs, isLeafModule);
  }

  /** This module and all inside, each with its name: `""` for this one. */
  namedModules(): [name: string, module: Module][] {
    return [["", this], ...modulesIn(this, true)];
  }

  /** This module and all inside. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Calls a function with each module inside, and this one, and its name. */
  applyToModules(applyFn: (name: string, module: Module) => void): this {
    asFunction(applyFn, "applyToModules", "applyFn");
    for (const [name, module] of this.namedModules()) {
      applyFn(name, module);
    }
    return this;
  }

  /**
   * Replaces parameters by those of a tree, which may have just some of them.
   * What it stores outlives a `tidy`.
   *
   * @throws TypeError or RangeError for an entry that is no parameter, unless `strict` is false.
   * @example
   * const layer = new nn.Linear(2, 1, { bias: false });
   * layer.update({ weight: mx.array([[3, 4]]) }).forward(mx.array([1, 2]))
   * // array([11], dtype=float32)
   */
  update(parameters: SomeParametersOf<this>, options?: StrictOption): this {
    const { strict } = readStrict(options, "update");
    assign("update", this, parameters, isArray, strict);
    return this;
  }

  /** Applies a function to every parameter, or to those that a filter takes. */
  apply(
    mapFn: (value: mx.array) => mx.array,
    filterFn: ModuleFilter = Module.validParameterFilter,
  ): this {
    asFunction(mapFn, "apply", "mapFn");
    asFunction(filterFn, "apply", "filterFn");
    return this.update(this.filterAndMap(filterFn, mapFn) as ParametersOf<this>);
  }

  /**
   * Replaces modules inside by those of a tree in the shape of {@link children},
   * which may have just some of them.
   */
  updateModules(modules: SomeModulesOf<this>, options?: StrictOption): this {
    const { strict } = readStrict(options, "updateModules");
    assign("updateModules", this, modules, Module.isModule, strict);
    return this;
  }

  /**
   * Takes parameters out of training: their gradients are not computed, and
   * optimizers leave them alone.
   */
  freeze(options?: FreezeOptions): this {
    return this.#setFrozen(true, options);
  }

  /** Takes parameters back into training. */
  unfreeze(options?: FreezeOptions): this {
    return this.#setFrozen(false, options);
  }

  #setFrozen(frozen: boolean, options: FreezeOptions | undefined): this {
    const fn = frozen ? "freeze" : "unfreeze";
    const { recurse, keys, strict } = readFreeze(options, fn);
    const modules = recurse ? this.modules() : [this];
    const names = keys === undefined ? undefined : [keys].flat();
    for (const name of names ?? []) {
      if (strict && !modules.some((module) => Object.hasOwn(module, name))) {
        throw outOfRange(fn, "keys", "names of fields", name);
      }
    }
    for (const module of modules) {
      for (const key of Object.keys(module)) {
        // Modules inside have sets of their own.
        if (names?.includes(key) ?? !hasModules(module[key as keyof Module])) {
          if (frozen) {
            module.#frozen.add(key);
          } else if (!module[statistics].includes(key)) {
            module.#frozen.delete(key);
          }
        }
      }
    }
    return this;
  }

  /** The names of fields that always stay frozen, since gradients do not change them. */
  get [statistics](): readonly string[] {
    return [];
  }

  /** Sets training mode, here and in all modules inside. */
  train(mode = true): this {
    asBoolean(mode, "train", "mode");
    for (const module of this.modules()) {
      module.#training = mode;
      module.trainingChanged();
    }
    return this;
  }

  /**
   * Called after `train` or `eval`, for layers that change then; {@link training} is the new mode.
   */
  protected trainingChanged(): void {}

  /** Ends training mode, here and in all modules inside. */
  eval(): this {
    return this.train(false);
  }

  /** Changes the dtype of the parameters that have a floating-point one. */
  setDtype(dtype: mx.Dtype, predicate: ((dtype: mx.Dtype) => boolean) | null = isFloating): this {
    dtypeId(dtype, "setDtype");
    if (predicate !== null) {
      asFunction(predicate, "setDtype", "predicate");
    }
    return this.apply((x) => (predicate === null || predicate(x.dtype) ? x.astype(dtype) : x));
  }

  /**
   * Loads parameters: from a safetensors, npz or GGUF file, from what `mx.load` gives
   * for one, or from a list of names and arrays. Names are Python's, such as
   * `layers.0.query_proj.weight`. If `strict` is false, names may be missing, and names that
   * the module lacks are left out. Shapes are compared even then, where Python takes any.
   *
   * @throws RangeError if names or shapes differ from the module's, with how many do and the
   * first of them; TypeError if the name ends in none of .safetensors, .npz and .gguf; Error
   * if the file cannot be read.
   * @example
   * const layer = new nn.Linear(2, 1);
   * layer.loadWeights({ weight: mx.array([[3, 4]]), bias: mx.array([5]) });
   * layer.forward(mx.array([1, 2]))
   * // array([16], dtype=float32)
   */
  // A list by itself comes first: only so does TypeScript take `map(([name, x]) => [name, x])`
  // for pairs.
  loadWeights(
    fileOrWeights: readonly (readonly [string, mx.array])[],
    options?: StrictOption,
  ): this;
  loadWeights(
    fileOrWeights:
      | string
      | readonly (readonly [string, mx.array])[]
      | Readonly<Record<string, mx.array>>,
    options?: StrictOption,
  ): this;
  loadWeights(fileOrWeights: unknown, options?: StrictOption): this {
    const { strict } = readStrict(options, "loadWeights");
    const weights = weightsOf(fileOrWeights);
    const [names, own, structure] = namedParameters("loadWeights", this);
    const loaded = names.map((name) => weights.get(name));
    checkWeights(names, own, weights, strict);
    return this.update(structure.fill(loaded) as ParametersOf<this>, { strict });
  }

  /**
   * Saves the parameters as a safetensors or npz file, which Python can load.
   *
   * @throws RangeError if two parameters have the same name in Python's spelling,
   * Error if the file cannot be written.
   */
  saveWeights(file: string): void {
    const format = typeof file === "string" ? /\.(safetensors|npz)$/.exec(file)?.[1] : undefined;
    if (format === undefined) {
      throw mismatch("saveWeights", "file", "a name that ends in .safetensors or .npz", file);
    }
    const [names, own] = namedParameters("saveWeights", this);
    const weights = Object.fromEntries(own.map((x, i) => [names[i], x]));
    if (format === "npz") {
      mx.savez(file, weights);
    } else {
      mx.saveSafetensors(file, weights);
    }
  }

  /** What stands in parentheses after the name in {@link toString}. */
  protected extraRepr(): string {
    return "";
  }

  /**
   * The modules inside, one a line, and how many numbers its parameters have. Equal
   * ones that follow each other in a list are said once.
   *
   * @example
   * const layers = [1, 2, 3].map(() => new nn.Linear(4, 4, { bias: false }));
   * const model = new nn.Sequential(...layers, mx.tanh, new nn.Linear(4, 1));
   * model
   * // Sequential(
   * //   (layers.0-2): 3 x Linear(inputDims=4, outputDims=4, bias=false)
   * //   (layers.4): Linear(inputDims=4, outputDims=1, bias=true)
   * // ) with 53 parameters
   */
  override toString(): string {
    const { name } = this.constructor;
    if (printing.has(this) || printing.size === mostPrinted) {
      return `${name}(...)`;
    }
    const outermost = printing.size === 0;
    printing.add(this);
    try {
      const inside = modulesIn(this, false);
      const lines = shortened(inside.map(([path, module]) => [path, String(module)]))
        .map(([path, text]) => `\n  (${path}): ${text.replaceAll("\n", "\n  ")}`)
        .join("");
      const count = outermost && lines !== "" ? this.#count() : "";
      return `${name}(${this.extraRepr()}${lines}${lines && "\n"})${count}`;
    } finally {
      printing.delete(this);
    }
  }

  /** How many numbers its parameters have, in words. An array that is there twice counts once. */
  #count(): string {
    let all = 0;
    let trained = 0;
    const frozen = new Map<object, boolean>([[this, false]]);
    // It goes on to what is added meanwhile.
    for (const [value, isFrozen] of frozen) {
      if (isArray(value)) {
        const size = value.disposed ? 0 : value.size;
        all += size;
        trained += isFrozen ? 0 : size;
        continue;
      }
      for (const [key, part] of Object.entries(value)) {
        const isPart =
          value instanceof Module
            ? Module.validParameterFilter(value, key, part)
            : isArray(part) || isBranch(part);
        if (isPart && !frozen.has(part)) {
          frozen.set(part, isFrozen || (value instanceof Module && value.#frozen.has(key)));
        }
      }
    }
    const words = (n: number) => n.toLocaleString("en");
    const part = trained === all ? "" : `, ${words(trained)} of them trainable`;
    return all === 0 ? "" : ` with ${words(all)} ${all === 1 ? "parameter" : "parameters"}${part}`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** A layer that makes an array of an array: what takes any such layer can ask for this. */
export interface UnaryLayer extends Module {
  forward(x: mx.array): mx.array;
}

/** Weights by name, from wherever they come. */
function weightsOf(given: unknown): Map<string, mx.array> {
  const loaded: unknown =
    typeof given === "string" ? mx.load(given, { format: formatOf(given) }) : given;
  const isWeight = (pair: unknown): pair is [string, mx.array] =>
    Array.isArray(pair) && typeof pair[0] === "string" && isArray(pair[1]);
  const pairs: unknown[] | undefined = Array.isArray(loaded)
    ? Array.from(loaded)
    : isBranch(loaded) && !isModule(loaded)
      ? Object.entries(loaded)
      : undefined;
  if (!pairs?.every(isWeight)) {
    throw mismatch("loadWeights", "fileOrWeights", "a file, a record or a list of weights", given);
  }
  return new Map(
    pairs.map(([name, value]) => [
      snakeCase(name),
      asArray(value, "loadWeights", `fileOrWeights["${name}"]`),
    ]),
  );
}

/** The first of some names, and how many more there are: a model has thousands. */
function listed(names: readonly string[]): string {
  const most = 8;
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/**
 * Refuses weights that are not a module's. What is of another shape is refused even where names
 * may differ: a layer would silently become another one, such as one of more classes.
 */
function checkWeights(
  names: readonly string[],
  own: readonly mx.array[],
  weights: ReadonlyMap<string, mx.array>,
  strict: boolean,
): void {
  const known = new Set(names);
  const wrong: string[] = [];
  const add = (what: string, all: readonly string[]) => {
    if (all.length > 0) {
      wrong.push(`${all.length} ${what}: ${listed([...all].sort())}`);
    }
  };
  if (strict) {
    add(
      "missing",
      names.filter((name) => !weights.has(name)),
    );
    add(
      "unexpected",
      [...weights.keys()].filter((name) => !known.has(name)),
    );
  }
  const shapes = names.flatMap((name, i) => {
    const expected = (own[i] as mx.array).shape;
    const received = weights.get(name)?.shape ?? expected;
    return sameShape(expected, received)
      ? []
      : [`${name} (expected [${expected.join(", ")}], received [${received.join(", ")}])`];
  });
  add("of another shape", shapes);
  if (wrong.length > 0) {
    throw rangeError(
      `[loadWeights] fileOrWeights: expected the module's parameters, received ${wrong.join("; ")}`,
    );
  }
}
