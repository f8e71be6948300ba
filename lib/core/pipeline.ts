/** Steps that are noted while the one before is computed. */

import { isArray } from "./array/array.js";
import { mismatch } from "./call/errors.js";
import type { Signal } from "./call/globals.js";
import { asFunction, asSize } from "./call/numbers.js";
import { checkedLater, kindOf, kindWhere, optionsOf, signalOption } from "./call/options.js";
import {
  aTree,
  type Evaluable,
  evaluateLater,
  nextTurn,
  throwIfAborted,
  unlessAborted,
} from "./evaluation.js";
import { type Context, context, isPromise, run } from "./lifetime/context.js";
import { Scope } from "./lifetime/scope.js";
import { isBranch } from "./transforms/tree.js";

/** What a step of {@link pipeline} gives: arrays or, if there are no more steps, nothing. */
export type StepResult<T> = T | undefined | Promise<T | undefined>;

/** Options of {@link pipeline}. */
export interface PipelineOptions<T> {
  /** What the first step is called with, in place of the result of one before. */
  initial?: T | undefined;
  /** What each step changes: it is computed with the result. */
  state?: Evaluable | undefined;
  /** Ends the steps: the iteration throws its reason. */
  signal?: Signal | undefined;
  /** How many steps are noted before one is awaited. By default 1. */
  ahead?: number | undefined;
}

const readOptions = optionsOf<PipelineOptions<unknown>>()("pipeline", {
  initial: checkedLater(),
  state: kindWhere<Evaluable>(isTree, aTree)(),
  signal: signalOption(),
  ahead: kindOf(asSize)(1),
});

/** A step that is noted: its result, and when that is computed. */
interface Noted {
  readonly result: unknown;
  readonly computed: Promise<void>;
  /** The arrays of the result. */
  readonly scope: Scope;
}

function isTree(x: unknown): x is Evaluable {
  return isArray(x) || isBranch(x);
}

const fn = "pipeline";
const stepResult = "step's result";

type Step = (previous: never, index: number) => unknown;

async function* iterate(
  step: Step,
  { initial, state, signal }: PipelineOptions<unknown>,
  ahead: number,
): AsyncGenerator<unknown, void, undefined> {
  const noted: Noted[] = [];
  const ended = new AbortController();
  const signals = signal === undefined ? [ended.signal] : [ended.signal, signal];
  let current: Noted | undefined;
  let previous = initial;
  let more = true;
  let index = 0;

  const alive = () => (current === undefined ? noted : [current, ...noted]);

  const note = async (around: Context): Promise<void> => {
    const scope = new Scope(around.scope);
    const inside = new Scope(scope);
    let computed: Promise<void>;
    try {
      const given = run(
        fn,
        { ...around, scope: inside },
        () => step(previous as never, index++),
        (made) => inside.leave(made),
        "step",
      );
      previous = isPromise(given) ? await unlessAborted(given, signals) : given;
      more = previous !== undefined;
      if (!more) {
        scope.leave(undefined);
        return;
      }
      if (!isTree(previous)) {
        const expected = "arrays or, after the last step, undefined";
        throw mismatch(fn, stepResult, expected, previous);
      }
      // A step's result may contain arrays of earlier results.
      for (const { scope: earlier } of alive()) {
        scope.take(previous, earlier);
      }
      const nameOf = (i: number) => (i === 0 ? stepResult : "state");
      computed = evaluateLater([previous, state, ...signals], fn, nameOf);
    } catch (error) {
      // To be thrown when this step's result is due.
      more = false;
      computed = Promise.reject(error);
    }
    computed.catch(() => {});
    noted.push({ result: previous, computed, scope });
  };

  try {
    while (true) {
      while (more && noted.length <= ahead) {
        const around = context();
        // MLX has work until then, so the event loop need not wait for all of this at once.
        if (noted.length > 0) {
          await nextTurn();
        }
        throwIfAborted(signals);
        await note(around);
      }
      current?.scope.leave(undefined);
      current = noted.shift();
      if (current === undefined) {
        return;
      }
      await current.computed;
      throwIfAborted(signals);
      yield current.result;
    }
  } finally {
    ended.abort();
    for (const { scope } of alive()) {
      scope.leave(undefined);
    }
  }
}

/**
 * Calls a function again and again, and gives its results one after the other,
 * computed. While one is computed, the next step is noted already, so that neither
 * JavaScript nor MLX waits for the other: as Python programs do with
 * `mx.async_eval`. The event loop goes on meanwhile.
 *
 * A step is called with the result of the step before, which need not be computed
 * yet, and with its own number. It runs in a `mx.tidy`. If it returns `undefined`,
 * there are no more steps.
 *
 * A result is there until the next one is asked for, and is freed then; `mx.keep`
 * it, or store it in a field of an owner, to have it for longer. When the
 * loop is left, by `break`, an error or the signal, the results of steps that were
 * noted are freed. What these steps stored, in a cache or a model, stays: the state
 * is up to `ahead` steps further than the last result.
 *
 * @throws What a step throws, its evaluation or the signal's reason, as the same
 * object and in its turn.
 * @example
 * const powers = [];
 * const twice = (x) => mx.multiply(x, 2);
 * for await (const x of mx.pipeline(twice, { initial: mx.array(1) })) {
 *   powers.push(x.item());
 *   if (powers.length === 5) break;
 * }
 * powers
 * // [ 2, 4, 8, 16, 32 ]
 */
export function pipeline<T extends Evaluable>(
  step: (previous: T, index: number) => StepResult<T>,
  options: PipelineOptions<T> & { initial: T },
): AsyncGenerator<T, void, undefined>;
export function pipeline<T extends Evaluable>(
  step: (previous: unknown, index: number) => StepResult<T>,
  options?: PipelineOptions<T>,
): AsyncGenerator<T, void, undefined>;
export function pipeline<T extends Evaluable>(
  step: (previous: T | undefined, index: number) => StepResult<T>,
  options?: PipelineOptions<T>,
): AsyncGenerator<T, void, undefined>;
export function pipeline(
  step: Step,
  options?: PipelineOptions<unknown>,
): AsyncGenerator<unknown, void, undefined> {
  asFunction(step, fn, "step");
  const { ahead, ...rest } = readOptions(options);
  return iterate(step, rest, ahead);
}
