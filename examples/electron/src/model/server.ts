/** Runs the tasks that are asked for, in the model's process. */
import {
  failed,
  isTask,
  type Reply,
  type Request,
  schemas,
  type Task,
  TaskError,
  type TaskName,
} from "../protocol.js";

export interface Context<Name extends TaskName> {
  /** Aborted when the task is to stop. It then throws, the signal's reason if nothing else. */
  signal: AbortSignal;
  report: (progress: Task<Name>["progress"]) => void;
}

export type Runs = {
  readonly [Name in TaskName]: (
    input: Task<Name>["input"],
    context: Context<Name>,
  ) => Promise<Task<Name>["result"]>;
};

interface Running {
  name: TaskName;
  abort: AbortController;
  ended: Promise<void>;
}

export class TaskServer {
  readonly #runs: Runs;
  readonly #post: (reply: Reply) => void;
  readonly #running = new Map<string, Running>();

  constructor(runs: Runs, post: (reply: Reply) => void) {
    this.#runs = runs;
    this.#post = post;
  }

  receive(request: Request): void {
    const { id } = request;
    if (request.type === "cancel") {
      // One that has ended meanwhile has said so.
      this.#running.get(id)?.abort.abort(new TaskError("cancelled", "It was cancelled."));
      return;
    }
    const { task, input } = request;
    try {
      // Tasks of several kinds share the process: each lets the others go on while it waits.
      const same = [...this.#running.values()].filter(({ name }) => name === task);
      if (this.#running.has(id) || same.some(({ abort }) => !abort.signal.aborted)) {
        throw new TaskError("busy", `"${task}" is running already.`);
      }
      if (!isTask(task)) {
        throw new TaskError("bad-request", `There is no task "${task}".`);
      }
      const abort = new AbortController();
      // One that was cancelled has to end first, as it does when a page is loaded again.
      const ended = Promise.all(same.map(({ ended }) => ended))
        .then(() => this.#start(task, id, input, abort.signal))
        .then(
          (result) => this.#post({ type: "done", id, result }),
          (error: unknown) => this.#post(failed(id, error)),
        )
        .finally(() => this.#running.delete(id));
      this.#running.set(id, { name: task, abort, ended });
    } catch (error) {
      this.#post(failed(id, error));
    }
  }

  /** Stops what is running, and waits for it. */
  async close(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { abort } of all) {
      abort.abort(new TaskError("ended", "The app is being closed."));
    }
    await Promise.all(all.map(({ ended }) => ended));
  }

  async #start<Name extends TaskName>(name: Name, id: string, input: unknown, signal: AbortSignal) {
    signal.throwIfAborted();
    const checked = schemas[name].input.safeParse(input);
    if (!checked.success) {
      const all = checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new TaskError("bad-request", all.join("\n"));
    }
    return await this.#runs[name](checked.data, {
      signal,
      report: (progress) => this.#post({ type: "progress", id, progress }),
    });
  }
}
