/** Evaluation: at once, and while the event loop runs. */

import { slots } from "./arguments.js";
import { makeRoom, reportMemory } from "./garbage.js";
import { native } from "./native.js";
import { arraysOf } from "./tree.js";
import type { List } from "./wire.js";

function slotsOf(trees: unknown, fn: string): List {
  return slots(arraysOf(trees), fn, "args");
}

/**
 * Computes arrays and waits for them. Takes arrays and trees of them: lists,
 * records, modules.
 *
 * @example
 * const x = mx.add(mx.array([1, 2]), 1);
 * mx.eval(x);
 * x
 * // array([2, 3], dtype=float32)
 */
function evaluate(...args: unknown[]): void {
  makeRoom();
  native.eval(slotsOf(args, "eval"));
  reportMemory();
}

export { evaluate as eval };

// Every evaluation has a number, by which it can be given up.
let last = 0;

/**
 * Computes arrays while the event loop goes on: the promise settles when they
 * are there, and errors reject it. Takes what `mx.eval` takes and, anywhere
 * among it, an `AbortSignal`: when that aborts, the promise is rejected with its
 * reason, and what has not begun is left uncomputed; the arrays stay usable.
 *
 * Evaluations begin in the order of the calls. Only some are under way at once,
 * so that thousands of them do not block the event loop; the others wait.
 *
 * @throws The signal's reason; what the evaluation throws.
 * @example
 * const x = mx.add(mx.array([1, 2]), 1);
 * await mx.asyncEval(x, AbortSignal.timeout(10_000));
 * x
 * // array([2, 3], dtype=float32)
 */
export async function asyncEval(...args: unknown[]): Promise<void> {
  const signal = args.find((arg) => arg instanceof AbortSignal);
  signal?.throwIfAborted();
  makeRoom();
  const number = ++last;
  const done = native.async_eval(slotsOf(args, "asyncEval"), number);
  await (signal === undefined ? done : unlessAborted(done, signal, number));
  reportMemory();
}

async function unlessAborted(done: Promise<void>, signal: AbortSignal, number: number) {
  const giveUp = () => native.give_up_eval(number);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await done;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  signal.throwIfAborted();
}
