/**
 * Schedules: functions from the number of steps taken to a hyperparameter,
 * such as the learning rate. They take an array, as optimizers have it, or a
 * number, and give float32.
 */
import { mismatch, outOfRange } from "../core/call/errors.js";
import { asCount, asInteger, asNumber } from "../core/call/numbers.js";
import { number, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import type { Schedule } from "./optimizer.js";

/** A schedule of this package: it takes a number of steps, too. */
export type StepSchedule = (step: mx.array | number) => mx.array;

// Whole numbers beside a step of uint64 would stay integers.
function real(x: mx.array | number): mx.array {
  return typeof x === "number" ? mx.array(x) : mx.astype(x, mx.float32);
}

function readStep(step: mx.array | number, fn: string): mx.array | number {
  if (typeof step !== "number" && !(step instanceof mx.array)) {
    throw mismatch(fn, "step", "an array or a number", step);
  }
  return step;
}

/**
 * A schedule that decays by a factor every step: `init * decayRate ** step`.
 *
 * @example
 * const schedule = optim.exponentialDecay(0.1, 0.9);
 * [schedule(0), schedule(5)]
 * // [ array(0.1, dtype=float32), array(0.059049, dtype=float32) ]
 */
export function exponentialDecay(init: number, decayRate: number): StepSchedule {
  const fn = "exponentialDecay";
  asNumber(init, fn, "init");
  asNumber(decayRate, fn, "decayRate");
  return (step) => mx.multiply(init, mx.power(decayRate, real(readStep(step, fn))));
}

/**
 * A schedule that decays by a factor every `stepSize` steps:
 * `init * decayRate ** floor(step / stepSize)`.
 *
 * @throws RangeError if `stepSize` is less than 1.
 * @example
 * const schedule = optim.stepDecay(0.1, 0.9, 10);
 * [schedule(9), schedule(20)]
 * // [ array(0.1, dtype=float32), array(0.081, dtype=float32) ]
 */
export function stepDecay(init: number, decayRate: number, stepSize: number): StepSchedule {
  const fn = "stepDecay";
  asNumber(init, fn, "init");
  asNumber(decayRate, fn, "decayRate");
  asCount(stepSize, fn, "stepSize");
  return (step) => {
    const decays = mx.floorDivide(readStep(step, fn), stepSize);
    return mx.multiply(init, mx.power(decayRate, real(decays)));
  };
}

/** Options of {@link cosineDecay}. */
export interface CosineDecayOptions {
  /** The value at the end. By default 0. */
  end?: number | undefined;
}

const readCosineDecay = optionsOf<CosineDecayOptions>()("cosineDecay", { end: number(0) });

/**
 * A schedule that goes from `init` to an end along half a cosine wave, and then
 * stays there.
 *
 * Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
 * ICLR 2017, arXiv 1608.03983.
 *
 * @throws RangeError if `decaySteps` is less than 1.
 * @example
 * const schedule = optim.cosineDecay(0.5, 1000, { end: 0.1 });
 * [schedule(0), schedule(500), schedule(2000)]
 * // [
 * //   array(0.5, dtype=float32),
 * //   array(0.3, dtype=float32),
 * //   array(0.1, dtype=float32)
 * // ]
 */
export function cosineDecay(
  init: number,
  decaySteps: number,
  options?: CosineDecayOptions,
): StepSchedule {
  const fn = "cosineDecay";
  asNumber(init, fn, "init");
  asCount(decaySteps, fn, "decaySteps");
  const { end } = readCosineDecay(options);
  return (step) => {
    const s = real(mx.minimum(readStep(step, fn), decaySteps));
    const wave = mx.add(1, mx.cos(mx.multiply(Math.PI / decaySteps, s)));
    return mx.add(end, mx.multiply(mx.multiply(0.5, wave), init - end));
  };
}

/**
 * A schedule made of several: each begins, at its own step 0, where the
 * boundary before it is reached.
 *
 * @param boundaries The steps at which the next schedule begins, ascending: one fewer than
 * schedules.
 * @throws RangeError if there are more or fewer.
 * @example
 * const warmup = optim.linearSchedule(0, 0.1, 10);
 * const schedule = optim.joinSchedules([warmup, optim.cosineDecay(0.1, 200)], [10]);
 * [schedule(5), schedule(10), schedule(110)]
 * // [
 * //   array(0.05, dtype=float32),
 * //   array(0.1, dtype=float32),
 * //   array(0.05, dtype=float32)
 * // ]
 */
export function joinSchedules(
  schedules: readonly Schedule[],
  boundaries: readonly number[],
): StepSchedule {
  const fn = "joinSchedules";
  if (!Array.isArray(schedules) || schedules.some((schedule) => typeof schedule !== "function")) {
    throw mismatch(fn, "schedules", "a list of schedules", schedules);
  }
  if (schedules.length === 0) {
    throw outOfRange(fn, "schedules", "at least one", schedules);
  }
  if (!Array.isArray(boundaries)) {
    throw mismatch(fn, "boundaries", "a list of integers", boundaries);
  }
  boundaries.forEach((boundary, i) => void asInteger(boundary, fn, `boundaries[${i}]`));
  if (boundaries.length !== schedules.length - 1) {
    const expected = `one less than the ${schedules.length} schedules`;
    throw outOfRange(fn, "boundaries", expected, boundaries);
  }
  const [first, ...later] = schedules as [Schedule, ...Schedule[]];
  const starts = [...boundaries];
  return (given) => {
    const number = readStep(given, fn);
    const step = typeof number === "number" ? mx.array(number) : number;
    return later.reduce<mx.array>(
      (output, schedule, i) => {
        // Before a boundary its step may be anything: what it gives is not used.
        const start = starts[i] as number;
        return mx.where(mx.less(step, start), output, schedule(mx.subtract(step, start)));
      },
      real(first(step)),
    );
  };
}

/**
 * A schedule that goes from `init` to `end` in a straight line, and then stays
 * there. From 0 it is a warm-up.
 *
 * @param steps The number of steps that this takes.
 * @throws RangeError if `steps` is less than 1.
 * @example
 * const schedule = optim.linearSchedule(0, 0.1, 100);
 * [schedule(0), schedule(50), schedule(200)]
 * // [
 * //   array(0, dtype=float32),
 * //   array(0.05, dtype=float32),
 * //   array(0.1, dtype=float32)
 * // ]
 */
export function linearSchedule(init: number, end: number, steps: number): StepSchedule {
  const fn = "linearSchedule";
  asNumber(init, fn, "init");
  asNumber(end, fn, "end");
  asCount(steps, fn, "steps");
  return (step) => {
    const s = real(mx.minimum(readStep(step, fn), steps));
    return mx.add(mx.multiply(s, (end - init) / steps), init);
  };
}
