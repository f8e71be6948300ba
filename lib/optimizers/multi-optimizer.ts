/** Several optimizers for one model. */
import { typeError } from "../core/call/codes.js";
import { mismatch, outOfRange } from "../core/call/errors.js";
import { asBoolean } from "../core/call/numbers.js";
import { kindOf, optionsOf } from "../core/call/options.js";
import type * as mx from "../core/index.js";
import { flattenOnlyArrays } from "../core/transforms/structure.js";
import { omitted } from "../core/transforms/tree.js";
import type { SomeParametersOf } from "../core/transforms/types.js";
import { treeMerge } from "../utils/tree.js";
import { checkRoot, readOptions, wrong } from "./kinds.js";
import { type LearningRate, Optimizer, type OptimizerState, type StepCount } from "./optimizer.js";

/** Whether an optimizer is for a parameter, by its name and its gradient. */
export type ParameterFilter = (path: string, leaf: mx.array) => boolean;

/** Options of {@link MultiOptimizer}. */
export interface MultiOptimizerOptions {
  /** One for each optimizer but the last. By default none. */
  filters?: readonly ParameterFilter[] | undefined;
}

const filters = kindOf<readonly ParameterFilter[]>((value, fn, param) => {
  if (!Array.isArray(value) || !value.every((x) => typeof x === "function")) {
    const expected = 'a list of functions such as (path) => path.endsWith("weight")';
    throw mismatch(fn, param, expected, value);
  }
  return [...value];
});

const read = optionsOf<MultiOptimizerOptions>()("MultiOptimizer", { filters: filters([]) });

/**
 * Several optimizers, each for parameters of its own. A parameter belongs to the first optimizer
 * whose filter returns true for it, or else to the last one, which has no filter.
 *
 * @throws RangeError unless there is one filter fewer than optimizers, and TypeError in a step if a
 * filter returns no boolean.
 * @example
 * const optimizer = new optim.MultiOptimizer([new optim.Lion(0.25), new optim.SGD(1)], {
 *   filters: [(path, x) => path.endsWith("weight")],
 * });
 * const w = { weight: mx.array([1, 2]), bias: mx.array([3]) };
 * optimizer.applyGradients({ weight: mx.array([8, -8]), bias: mx.array([1]) }, w)
 * // {
 * //   weight: array([0.75, 2.25], dtype=float32),
 * //   bias: array([2], dtype=float32)
 * // }
 */
export class MultiOptimizer extends Optimizer {
  readonly optimizers: readonly Optimizer[];
  readonly filters: readonly ParameterFilter[];

  constructor(optimizers: readonly Optimizer[], options?: MultiOptimizerOptions) {
    super();
    const fn = "MultiOptimizer";
    if (!Array.isArray(optimizers) || !optimizers.every((x) => x instanceof Optimizer)) {
      throw wrong(fn, "optimizers", "a list of optimizers", optimizers);
    }
    if (optimizers.length === 0) {
      throw outOfRange(fn, "optimizers", "at least one", optimizers);
    }
    const { filters } = readOptions(fn, read, options);
    const count = optimizers.length - 1;
    if (filters.length !== count) {
      const functions = count === 1 ? "1 function" : `${count} functions`;
      const expected = `${functions}, one for each optimizer but the last`;
      throw outOfRange(fn, "filters", expected, filters);
    }
    this.optimizers = [...optimizers];
    this.filters = filters;
  }

  #split(tree: unknown): unknown[] {
    if (this.optimizers.length === 1) {
      return [tree];
    }
    checkRoot(tree, this.constructor.name, "gradients");
    const [leaves, structure] = flattenOnlyArrays(tree, this.constructor.name, "gradients");
    const names = structure.names();
    const last = this.filters.length;
    const owners = leaves.map((leaf, i) => {
      const owner = this.filters.findIndex((filter, at) => {
        const takes: unknown = filter(names[i] as string, leaf);
        return asBoolean(takes, this.constructor.name, `filters[${at}]'s result`);
      });
      return owner < 0 ? last : owner;
    });
    return this.optimizers.map((_, owner) =>
      structure.fill(leaves.map((leaf, i) => (owners[i] === owner ? leaf : omitted))),
    );
  }

  override init(parameters: unknown): void {
    const parts = this.#split(parameters);
    this.optimizers.forEach((optimizer, i) => {
      optimizer.init(parts[i]);
    });
  }

  override initSingle(): void {
    throw typeError(`[${this.constructor.name}] initSingle: its optimizers have it`);
  }

  override applySingle(): mx.array {
    throw typeError(`[${this.constructor.name}] applySingle: its optimizers have it`);
  }

  override applyGradients<T extends SomeParametersOf<P>, P extends object>(
    gradients: T,
    parameters: P,
  ): T {
    const parts = this.#split(gradients) as T[];
    return this.optimizers
      .map((optimizer, i) => optimizer.applyGradients(parts[i] as T, parameters))
      .reduce((a, b) => treeMerge(a, b));
  }

  /** The states of all optimizers, as `{ states: [...] }`. */
  override get state(): OptimizerState {
    return { states: this.optimizers.map((optimizer) => optimizer.state) };
  }

  override set state(state: OptimizerState) {
    const states: unknown = (state as OptimizerState | null | undefined)?.["states"];
    if (!Array.isArray(states) || states.length !== this.optimizers.length) {
      const expected = `a record with the states of ${this.optimizers.length} optimizers`;
      throw mismatch(this.constructor.name, "state", expected, state);
    }
    this.optimizers.forEach((optimizer, i) => {
      optimizer.state = states[i] as OptimizerState;
    });
  }

  /** The number of steps taken, a uint64 array. */
  override get step(): StepCount {
    return (this.optimizers[0] as Optimizer).step;
  }

  /** The first optimizer's learning rate; what is assigned goes to all. */
  override get learningRate(): mx.array {
    return (this.optimizers[0] as Optimizer).learningRate;
  }

  override set learningRate(learningRate: LearningRate) {
    for (const optimizer of this.optimizers) {
      optimizer.learningRate = learningRate;
    }
  }
}
