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

/**
 * Computes arrays while the event loop goes on: the promise settles when they
 * are there, and errors reject it. Takes what `mx.eval` takes.
 *
 * @example
 * const x = mx.add(mx.array([1, 2]), 1);
 * await mx.asyncEval(x);
 * x
 * // array([2, 3], dtype=float32)
 */
export async function asyncEval(...args: unknown[]): Promise<void> {
  makeRoom();
  await native.async_eval(slotsOf(args, "asyncEval"));
  reportMemory();
}
