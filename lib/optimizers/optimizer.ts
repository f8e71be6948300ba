/** What all optimizers have in common. */
import { mismatch } from "../core/call/errors.js";
import { identify } from "../core/call/identity.js";
import { asFunction, sameShape } from "../core/call/numbers.js";
import { kindOf, optionsOf } from "../core/call/options.js";
import { isFloating } from "../core/dtype.js";
import * as mx from "../core/index.js";
import { own } from "../core/lifetime/owner.js";
import { flatten, flattenOnlyArrays, type Structure } from "../core/transforms/structure.js";
import {
  type Branch,
  childOf,
  isBranch,
  joined,
  putChild,
  treeLike,
} from "../core/transforms/tree.js";
import type { SomeParametersOf } from "../core/transforms/types.js";
import { asRate, checkRoot } from "./kinds.js";

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

/** The number of steps, a uint64 array: its `item()` is a bigint. */
export type StepCount = { item<T extends mx.Scalar = bigint>(): T } & mx.array;

/** Options of {@link Optimizer}. */
export interface OptimizerOptions {
  /** Schedules by the name of what they set in the state, before every step. */
  schedulers?: Readonly<Record<string, Schedule>> | undefined;
}

const schedules = kindOf<Readonly<Record<string, Schedule>>>((value, fn, param) => {
  checkRoot(value, fn, param, "a record of functions");
  for (const [name, schedule] of Object.entries(value)) {
    asFunction(schedule, fn, `${param}.${name}`);
  }
  return value as Record<string, Schedule>;
});

const read = optionsOf<OptimizerOptions>()("Optimizer", { schedulers: schedules({}) });

/** What `update` takes: an `nn.Module`. */
export interface Updatable {
  // biome-ignore lint/suspicious/noExplicitAny: whatever tree the module has
  update(parameters: any, ...rest: any[]): unknown;
}

/** Arrays that were made once, by what they were made of and by dtype. */
type Made = Map<unknown, Map<mx.Dtype, mx.array>>;

function once(made: Made, from: unknown, dtype: mx.Dtype, make: () => mx.array): mx.array {
  let byDtype = made.get(from);
  if (byDtype === undefined) {
    byDtype = new Map();
    made.set(from, byDtype);
  }
  let value = byDtype.get(dtype);
  if (value === undefined) {
    value = make();
    byDtype.set(dtype, value);
  }
  return value;
}

/** What parameters of a shape have in common in a step. */
interface OfShape {
  readonly shape: number[];
  readonly made: Made;
  count: number;
}

/** What is known of each parameter's shape, which those of the same shape have in common. */
function byShape(parameters: readonly mx.array[]): OfShape[] {
  const shapes = new Map<string, OfShape>();
  return parameters.map(({ shape }) => {
    const name = shape.join();
    let ofShape = shapes.get(name);
    if (ofShape === undefined) {
      ofShape = { shape, made: new Map(), count: 0 };
      shapes.set(name, ofShape);
    }
    ofShape.count++;
    return ofShape;
  });
}

/** The parameters that have gradients, in order. */
function parametersOf(
  parameters: unknown,
  gradients: readonly mx.array[],
  structure: Structure,
  fn: string,
): mx.array[] {
  const noArray = (name: string, found: unknown) =>
    mismatch(fn, joined("parameters", name), "an array, as there is a gradient", found);
  const picked = structure.pick(parameters, (name, found, isLeaf) =>
    isLeaf
      ? noArray(name, found)
      : mismatch(fn, joined("parameters", name), "a tree like the gradients'", found),
  );
  const nameOf = (i: number) => structure.names()[i] as string;
  return picked.map((parameter, i) => {
    const gradient = gradients[i] as mx.array;
    if (!(parameter instanceof mx.array)) {
      throw noArray(nameOf(i), parameter);
    }
    if (!sameShape(gradient.shape, parameter.shape)) {
      const expected = `the parameter's shape [${parameter.shape.join(", ")}]`;
      throw mismatch(fn, joined("gradients", nameOf(i)), expected, gradient);
    }
    return parameter;
  });
}

// The inside of the class, for this package alone: no name of a class of users' own can meet it.

/**
 * An array that all parameters of a dtype have in common in an optimizer's step: made for the first of
 * them. Outside of a step it is made anew.
 */
export let shared: (of: Optimizer, name: string, dtype: mx.Dtype, make: () => mx.array) => mx.array;

/**
 * A number beside an array of the parameter's shape: spread to that shape, once for all parameters
 * that have it, where there are several. MLX would spread it anew for each, which takes as long as
 * the operation itself.
 */
export let spread: (of: Optimizer, value: number | mx.array, x: mx.array) => number | mx.array;

/** An array of the parameter's shape times a number. */
export function scaled(of: Optimizer, value: number | mx.array, x: mx.array): mx.array {
  return mx.multiply(spread(of, value, x), x);
}

/** A running average: `beta` times the old one, and the rest of the new value. */
export function average(of: Optimizer, beta: number, old: mx.array, value: mx.array): mx.array {
  return mx.add(scaled(of, beta, old), scaled(of, 1 - beta, value));
}

/** The learning rate in a dtype. */
export function rateOf(of: Optimizer, dtype: mx.Dtype): mx.array {
  return shared(of, "rate", dtype, () => mx.astype(of.learningRate, dtype));
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
    shared = (of, name, dtype, make) =>
      of.#shared === undefined ? make() : once(of.#shared, name, dtype, make);
    spread = (of, value, { dtype }) => {
      const shape = of.#ofShape;
      if (shape === undefined || shape.count === 1 || !isFloating(dtype)) {
        return value;
      }
      return once(shape.made, value, dtype, () => {
        const given = typeof value === "number" ? mx.array(value, dtype) : value;
        return given.ndim === 0 ? mx.broadcastTo(given, shape.shape) : given;
      });
    };
  }

  #state: OptimizerState = own({ step: mx.array(0, mx.uint64) });
  readonly #schedules = new Map<string, Schedule>();
  #shared: Made | undefined;
  // Of the shape of the parameter that is changed at the moment.
  #ofShape: OfShape | undefined;

  constructor(options?: OptimizerOptions) {
    super();
    for (const [name, schedule] of Object.entries(read(options).schedulers)) {
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
  update<M extends Updatable>(model: M, gradients: SomeParametersOf<M>): void {
    if (typeof (model as Updatable | null | undefined)?.update !== "function") {
      throw mismatch(this.constructor.name, "model", "an nn.Module", model);
    }
    model.update(this.applyGradients(gradients, model));
  }

  /**
   * Prepares the state for parameters. The first step does so by itself; before that, `state` has
   * no entries for them.
   *
   * @throws TypeError if the parameters are no tree of arrays.
   * @example
   * const optimizer = new optim.SGD(0.1, { momentum: 0.9 });
   * optimizer.init({ weight: mx.array([1, 2]) });
   * optimizer.state.weight
   * // { v: array([0, 0], dtype=float32) }
   */
  init(parameters: unknown): void {
    const fn = this.constructor.name;
    checkRoot(parameters, fn, "parameters");
    this.#prepare(...flattenOnlyArrays(parameters, fn, "parameters"));
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
  applyGradients<T extends SomeParametersOf<P>, P extends object>(gradients: T, parameters: P): T {
    // The intermediate results of the formulas are freed at once, also outside of `tidy`.
    return mx.tidy(() => {
      const fn = this.constructor.name;
      checkRoot(gradients, fn, "gradients");
      checkRoot(parameters, fn, "parameters");
      const [leaves, structure] = flattenOnlyArrays(gradients, fn, "gradients");
      const current = parametersOf(parameters, leaves, structure, fn);
      const states = this.#prepare(leaves, structure);
      const names = [...this.#schedules.keys(), "step"];
      const before = names.map((name) => this.#state[name] as mx.array);
      const statesBefore = states.map((state) => ({ ...state }));
      try {
        for (const [name, schedule] of this.#schedules) {
          this.#state[name] = this.#scheduled(name, schedule);
        }
        this.#state["step"] = mx.add(this.step, 1);
        this.#shared = new Map();
        const ofShapes = byShape(current);
        const updated = leaves.map((gradient, i) => {
          const parameter = current[i] as mx.array;
          this.#ofShape = ofShapes[i];
          return this.applySingle(gradient, parameter, states[i] as ParameterState);
        });
        return structure.fill(updated) as T;
      } catch (error) {
        names.forEach((name, i) => void putChild(this.#state, name, before[i]));
        states.forEach((state, i) => {
          for (const name of Object.keys(state)) {
            delete state[name];
          }
          Object.assign(state, statesBefore[i]);
        });
        throw error;
      } finally {
        this.#shared = undefined;
        this.#ofShape = undefined;
      }
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
    checkRoot(state, fn, "state");
    if (!(state["step"] instanceof mx.array)) {
      throw mismatch(fn, "state.step", "an array", state["step"]);
    }
    const [leaves, structure] = flatten(state, { fn, param: "state" });
    this.#state = own(structure.fill(leaves) as OptimizerState);
  }

  /** The number of steps taken, a uint64 array. */
  get step(): StepCount {
    return this.#state["step"] as StepCount;
  }

  /**
   * The learning rate of the last step or, before any step, of the first. A number, an array or a
   * schedule can be assigned, and replaces what was there, even a schedule.
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
    this.#state[name] = mx.array(asRate(value, this.constructor.name, name) as number | mx.array);
    this.#schedules.delete(name);
  }

  #scheduled(name: string, schedule: Schedule): mx.array {
    const value: unknown = mx.tidy(() => schedule(this.step));
    if (typeof value === "number" || value instanceof mx.array) {
      return typeof value === "number" ? mx.array(value) : value;
    }
    throw mismatch(this.constructor.name, `${name}'s result`, "an array or a number", value);
  }

  /** The states of parameters, in order; new ones are filled. */
  #prepare(parameters: readonly mx.array[], structure: Structure): ParameterState[] {
    const fn = this.constructor.name;
    const states = structure.along<Branch>(this.#state, {
      child(branch, name, kind, where) {
        const found = childOf(branch, name) ?? undefined;
        if (found !== undefined && !isBranch(found)) {
          throw mismatch(fn, joined("state", where()), "a record of arrays", found);
        }
        const state = found ?? (kind === "list" ? [] : {});
        if (found === undefined) {
          putChild(branch, name, state);
        }
        return state;
      },
    }) as ParameterState[];
    states.forEach((state, i) => {
      if (Object.keys(state).length === 0) {
        this.initSingle(parameters[i] as mx.array, state);
      }
    });
    return states;
  }
}
