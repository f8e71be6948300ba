// Long work that lets the event loop go on.
import { setImmediate } from "node:timers/promises";
import type { mx } from "mlx-js";
import { stopIfAborted } from "./options.js";

/** Work that yields where it can be interrupted, and returns what it makes. */
export type Work<T> = Generator<undefined, T, undefined>;

/** Milliseconds before timers and servers have their turn. */
const longest = 4;

/** How many small steps work does before it yields. */
export const stepsAtOnce = 512;

/** Does all of the work now. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) {
      return step.value;
    }
  }
}

/** Does the work in turns of the event loop, and gives up when the signal is aborted, with its reason. */
export async function inTurns<T>(work: Work<T>, signal?: mx.Signal): Promise<T> {
  try {
    for (;;) {
      const end = performance.now() + longest;
      while (performance.now() < end) {
        const step = work.next();
        if (step.done === true) {
          return step.value;
        }
      }
      await setImmediate();
      stopIfAborted(signal);
    }
  } finally {
    // Work that is given up closes what it has open.
    work.return(undefined as T);
  }
}
