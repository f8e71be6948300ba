/** What all optimizers have in common. */
import { identify, mismatch } from "../core/call/errors.js";
import { checkOptions } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { own } from "../core/lifetime/owner.js";
import { isBranch, mapLeaves, treeLike } from "../core/transforms/tree.js";
import { childNames, childOf, cyclic, joined, putChild } from "../utils/branches.js";

/** A hyperparameter by step: a function of the number of steps taken. */
export type Schedule = (step: mx.array) => mx.array | number;

/** A learning rate: a number, an array of no dimensions or a schedule. */
export type LearningRate = number | mx.array | Schedule;

/** What an optimizer remembers of one parameter. */
export type ParameterState = Record<string, mx.array>;

/**
 * What an optimizer remembers: `step`, hyperparameters such as `learningRate`,
 * and a record of arrays for each parameter, in a tree like the parameters'.
 */
export interface OptimizerState {
  // biome-ignore lint/suspicious/noExplicitAny: arrays and trees of them, by name
  [name: string]: any;
}

/** What `update` takes: an `nn.Module`. */
export interface Updatable {
  // biome-ignore lint/suspicious/noExplicitAny: whatever tree the module has
  update(parameters: any, ...rest: any[]): unknown;
}

/** One parameter of a step, and where its new value goes. */
interface Job {
  readonly gradient: mx.array;
  readonly parameter: mx.array;
  readonly target: object;
  readonly name: string;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Pairs gradients with parameters; their new values will fill the tree. */
function match(fn: string, gradients: unknown, parameters: unknown, jobs: Job[]): unknown {
  const open = new Set<object>();
  const walk = (node: object, other: object, path: string): unknown => {
    if (open.has(node)) {
      throw cyclic(fn, "gradients", path);
    }
    open.add(node);
    const out = Array.isArray(node) ? [] : {};
    for (const name of childNames(node as Record<string, unknown>)) {
      const gradient = childOf(node, name);
      const parameter = childOf(other, name);
      const at = joined(path, name);
      if (gradient instanceof mx.array) {
        if (!(parameter instanceof mx.array)) {
          throw mismatch(fn, `parameters.${at}`, "an array, as there is a gradient", parameter);
        }
        if (!sameShape(gradient.shape, parameter.shape)) {
          const expected = `the parameter's shape [${parameter.shape}]`;
          throw mismatch(fn, `gradients.${at}`, expected, gradient.shape);
        }
        // Keeps the order of the names.
        putChild(out, name, undefined);
        jobs.push({ gradient, parameter, target: out, name });
      } else if (!isBranch(gradient)) {
        throw mismatch(fn, `gradients.${at}`, "an array or a tree of arrays", gradient);
      } else if (childNames(gradient as Record<string, unknown>).length === 0) {
        // The place of something without parameters, such as a function.
        putChild(out, name, Array.isArray(gradient) ? [] : {});
      } else if (!isBranch(parameter)) {
        throw mismatch(fn, `parameters.${at}`, "a tree like the gradients'", parameter);
      } else {
        putChild(out, name, walk(gradient, parameter, at));
      }
    }
    open.delete(node);
    return out;
  };
  return walk(asRoot(gradients, fn, "gradients"), asRoot(parameters, fn, "parameters"), "");
}

function asRoot(x: unknown, fn: string, param: string): Record<string, unknown> {
  if (isBranch(x) && !Array.isArray(x)) {
    return x;
  }
  throw mismatch(fn, param, "a record of arrays or an nn.Module", x);
}

/**
 * The base of all optimizers. A class of your own extends it and has
 * `initSingle`, which fills the state of a parameter, and `applySingle`, which
 * returns a parameter's new value; trees, schedules and lifetimes are done here.
 *
 * @example
 * class SignDescent extends optim.Optimizer {
 *   constructor(learningRate) {
 *     super();
 *     this.schedule("learningRate", learningRate);
 *   }
 *   initSingle() {}
 *   applySingle(gradient, parameter) {
 *     return mx.subtract(parameter, mx.multiply(this.learningRate, mx.sign(gradient)));
 *   }
 * }
 * const optimizer = new SignDescent(0.5);
 * optimizer.applyGradients({ w: mx.array([-2, 3]) }, { w: mx.array([1, 1]) })
 * // { w: array([1.5, 0.5], dtype=float32) }
 */
export abstract class Optimizer extends mx.Owner {
  static {
    identify(Optimizer, "an optimizer");
  }

  #state: OptimizerState = own({ step: mx.array(0, mx.uint64) });
  readonly #schedules = new Map<string, Schedule>();
  #shared: Map<string, Map<mx.Dtype, mx.array>> | undefined;

  /**
   * @param options.schedulers Schedules by the name of what they set in the
   * state, before every step.
   */
  constructor(options: { schedulers?: Readonly<Record<string, Schedule>> | undefined } = {}) {
    super();
    checkOptions(options, ["schedulers"], new.target.name);
    for (const [name, schedule] of Object.entries(options.schedulers ?? {})) {
      if (typeof schedule !== "function") {
        throw mismatch(new.target.name, `schedulers.${name}`, "a function", schedule);
      }
      this.schedule(name, schedule);
    }
  }

  /** An optimizer is no tree; its `state` is. */
  override get [treeLike](): undefined {
    return undefined;
  }

  override dispose(): void {
    super.dispose();
    mx.dispose(this.#state);
  }

  /** Fills what is remembered of a parameter, which is empty at first. */
  abstract initSingle(parameter: mx.array, state: ParameterState): void;

  /** The new value of a parameter; what is remembered of it changes in place. */
  abstract applySingle(gradient: mx.array, parameter: mx.array, state: ParameterState): mx.array;

  /**
   * A step: gives a model the parameters that {@link applyGradients} returns.
   * They and the optimizer's state survive `mx.tidy`.
   *
   * @param gradients What `nn.valueAndGrad` gives.
   * @throws TypeError if a gradient has no parameter of its name and shape.
   * @example
   * const model = new nn.Linear(2, 1, { bias: false });
   * model.update({ weight: mx.array([[1, 2]]) });
   * const optimizer = new optim.SGD(0.5);
   * optimizer.update(model, { weight: mx.array([[1, -1]]) });
   * model.weight
   * // array([[0.5, 2.5]], dtype=float32)
   */
  update(model: Updatable, gradients: unknown): void {
    if (typeof (model as Updatable | null | undefined)?.update !== "function") {
      throw mismatch(this.constructor.name, "model", "an nn.Module", model);
    }
    model.update(this.applyGradients(gradients, model));
  }

  /**
   * Prepares the state for parameters. The first step does so by itself; before
   * it, `state` has nothing of them.
   *
   * @throws TypeError if the parameters are no tree of arrays.
   * @example
   * const optimizer = new optim.SGD(0.1, { momentum: 0.9 });
   * optimizer.init({ weight: mx.array([1, 2]) });
   * optimizer.state.weight
   * // { v: array([0, 0], dtype=float32) }
   */
  init(parameters: unknown): void {
    this.#prepare(asRoot(parameters, this.constructor.name, "parameters"));
  }

  /**
   * A step without a model: the new values of those parameters that have
   * gradients. The state moves on.
   *
   * @param gradients A record of arrays, with lists and records inside.
   * @param parameters A tree with at least the same leaves, or an `nn.Module`.
   * @throws TypeError if a gradient has no parameter of its name and shape. The
   * state stays as it was if anything throws.
   * @example
   * const optimizer = new optim.SGD(0.5);
   * optimizer.applyGradients({ w: mx.array([1, -1]) }, { w: mx.array([1, 2]) })
   * // { w: array([0.5, 2.5], dtype=float32) }
   */
  applyGradients<T>(gradients: T, parameters: unknown): T {
    // What the formulas leave behind is freed at once, also outside of `tidy`.
    return mx.tidy(() => {
      const jobs: Job[] = [];
      const out = match(this.constructor.name, gradients, parameters, jobs);
      const states = this.#prepare(gradients);
      const names = [...this.#schedules.keys(), "step"];
      const before = names.map((name) => this.#state[name] as mx.array);
      try {
        for (const [name, schedule] of this.#schedules) {
          this.#state[name] = this.#scheduled(name, schedule);
        }
        this.#state["step"] = mx.add(this.step, 1);
        this.#shared = new Map();
        const changed = jobs.map(({ gradient, parameter, target, name }, i) => {
          const state = { ...states[i] };
          putChild(target, name, this.applySingle(gradient, parameter, state));
          return state;
        });
        changed.forEach((state, i) => void Object.assign(states[i] as ParameterState, state));
      } catch (error) {
        names.forEach((name, i) => void putChild(this.#state, name, before[i]));
        throw error;
      } finally {
        this.#shared = undefined;
      }
      return out as T;
    });
  }

  /**
   * All that the optimizer remembers, for `mx.eval` and for files. What is
   * assigned is copied; parameters that it lacks start afresh.
   *
   * @example
   * const optimizer = new optim.Adam(0.1);
   * optimizer.applyGradients({ w: mx.array([2]) }, { w: mx.array([1]) });
   * optimizer.state
   * // {
   * //   step: array(1, dtype=uint64),
   * //   learningRate: array(0.1, dtype=float32),
   * //   w: { m: array([0.2], dtype=float32), v: array([0.004], dtype=float32) }
   * // }
   */
  get state(): OptimizerState {
    return this.#state;
  }

  set state(state: OptimizerState) {
    const fn = this.constructor.name;
    asRoot(state, fn, "state");
    if (!(state["step"] instanceof mx.array)) {
      throw mismatch(fn, "state.step", "an array", state["step"]);
    }
    this.#state = own(mapLeaves(state, (leaf) => leaf) as OptimizerState);
  }

  /** The number of steps taken, a uint64 array. */
  get step(): mx.array {
    return this.#state["step"] as mx.array;
  }

  /**
   * The learning rate of the last step, before the first one that of the first.
   * A number, an array or a schedule that is assigned takes the place of what
   * was there, a schedule too.
   *
   * @example
   * const optimizer = new optim.SGD(0.1);
   * optimizer.learningRate = 0.05;
   * optimizer.learningRate
   * // array(0.05, dtype=float32)
   */
  get learningRate(): mx.array {
    const rate: unknown = this.#state["learningRate"];
    if (rate instanceof mx.array) {
      return rate;
    }
    throw mismatch(this.constructor.name, "learningRate", "an array in the state", rate);
  }

  set learningRate(learningRate: LearningRate) {
    this.schedule("learningRate", learningRate);
  }

  /**
   * Sets a hyperparameter in the state: to a value or, before every step, to
   * what a schedule gives.
   */
  protected schedule(name: string, value: LearningRate): void {
    if (typeof value === "function") {
      this.#state[name] = this.#scheduled(name, value);
      this.#schedules.set(name, value);
      return;
    }
    if (typeof value !== "number" && !(value instanceof mx.array)) {
      const expected = "a number, an array or a schedule";
      throw mismatch(this.constructor.name, name, expected, value);
    }
    this.#state[name] = mx.array(value);
    this.#schedules.delete(name);
  }

  /**
   * An array that all parameters of a dtype have in common in a step: made for
   * the first of them. Outside of a step it is made anew.
   */
  protected shared(name: string, dtype: mx.Dtype, make: () => mx.array): mx.array {
    if (this.#shared === undefined) {
      return make();
    }
    let byDtype = this.#shared.get(name);
    if (byDtype === undefined) {
      byDtype = new Map();
      this.#shared.set(name, byDtype);
    }
    let value = byDtype.get(dtype);
    if (value === undefined) {
      value = make();
      byDtype.set(dtype, value);
    }
    return value;
  }

  /** The learning rate in a dtype. */
  protected rate(dtype: mx.Dtype): mx.array {
    return this.shared("rate", dtype, () => mx.astype(this.learningRate, dtype));
  }

  #scheduled(name: string, schedule: Schedule): mx.array {
    const value: unknown = mx.tidy(() => schedule(this.step));
    if (typeof value === "number" || value instanceof mx.array) {
      return typeof value === "number" ? mx.array(value) : value;
    }
    throw mismatch(this.constructor.name, `${name}'s result`, "an array or a number", value);
  }

  /** The states of a tree's parameters, in order; new ones are filled. */
  #prepare(parameters: unknown): ParameterState[] {
    const fn = this.constructor.name;
    const states: ParameterState[] = [];
    const open = new Set<object>();
    const prepare = (node: unknown, known: unknown, path: string): unknown => {
      const isLeaf = node instanceof mx.array;
      if (!isLeaf && !isBranch(node)) {
        throw mismatch(fn, joined("parameters", path), "an array or a tree of arrays", node);
      }
      const state = known ?? (Array.isArray(node) ? [] : {});
      if (!isBranch(state)) {
        throw mismatch(fn, joined("state", path), "a record of arrays", state);
      }
      if (isLeaf) {
        if (Object.keys(state).length === 0) {
          this.initSingle(node, state as ParameterState);
        }
        states.push(state as ParameterState);
        return state;
      }
      if (open.has(node)) {
        throw cyclic(fn, "parameters", path);
      }
      open.add(node);
      for (const name of childNames(node)) {
        const below = childOf(state, name);
        putChild(state, name, prepare(childOf(node, name), below, joined(path, name)));
      }
      open.delete(node);
      return state;
    };
    prepare(parameters, this.#state, "");
    return states;
  }
}
