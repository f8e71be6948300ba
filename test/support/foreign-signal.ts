import { runInNewContext } from "node:vm";
import type { mx } from "mlx-js";

/**
 * What aborts as an `AbortController` does, of another realm. Its signal has what mlx-js asks of one, and
 * nothing else.
 */
export function foreignController(): {
  controller: { readonly signal: mx.Signal; abort(reason: unknown): void };
  listeners(): number;
} {
  return runInNewContext(`
    class AbortSignal {
      aborted = false;
      listeners = new Set();
      addEventListener(name, listener) { this.listeners.add(listener); }
      removeEventListener(name, listener) { this.listeners.delete(listener); }
    }
    const signal = new AbortSignal();
    const abort = (reason) => {
      Object.assign(signal, { aborted: true, reason });
      for (const listener of signal.listeners) listener();
    };
    ({ controller: { signal, abort }, listeners: () => signal.listeners.size })
  `);
}
