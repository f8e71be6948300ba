/** A pool of worker threads: each runs one trial at a time, and further ones wait. */
import { Worker } from "node:worker_threads";
import type { Trial, TrialResult } from "./trial.mjs";

/** What a worker answers. */
export type Reply = { result: TrialResult } | { error: unknown };

function ask(worker: Worker, trial: Trial): Promise<TrialResult> {
  return new Promise((resolve, reject) => {
    let reason: unknown = new Error("the worker has ended");
    if (worker.threadId === -1) {
      reject(reason);
      return;
    }
    const fail = (error: unknown) => {
      reason = error;
    };
    // An error that nobody catches ends the worker a little later.
    const end = () => reject(reason);
    const answer = (reply: Reply) => {
      worker.off("message", answer).off("error", fail).off("exit", end);
      if ("error" in reply) {
        reject(reply.error);
      } else {
        resolve(reply.result);
      }
    };
    worker.on("message", answer).on("error", fail).on("exit", end);
    worker.postMessage(trial);
  });
}

export class TrialPool {
  readonly #file: URL;
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  #closed = false;

  constructor(size: number, file = new URL("worker.mjs", import.meta.url)) {
    this.#file = file;
    for (let i = 0; i < size; i++) {
      this.#idle.push(this.#start());
    }
  }

  /** Runs a trial in the next worker that is free. */
  async run(trial: Trial): Promise<TrialResult> {
    const worker =
      this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    try {
      return await ask(worker, trial);
    } finally {
      const free = worker.threadId === -1 && !this.#closed ? this.#start() : worker;
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#idle.push(free);
      } else {
        next(free);
      }
    }
  }

  /** Ends all workers. Trials that are not done are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(this.#file);
    this.#workers.add(worker);
    worker.once("exit", () => this.#workers.delete(worker));
    // One that ends while it is idle is missed by the next trial; it need not end the process.
    worker.on("error", () => {});
    return worker;
  }
}
