/** Tasks as the page sees them: a function that reports progress and gives a promise. */
import type { Bridge } from "./bridge.js";
import { type Reply, schemas, type Task, TaskError, type TaskName } from "./protocol.js";

export interface RunOptions<Name extends TaskName> {
  /** Cancels the task: its promise is rejected once it has stopped. */
  signal?: AbortSignal;
  onProgress?: (progress: Task<Name>["progress"]) => void;
}

export class TaskClient {
  readonly #bridge: Bridge;
  readonly #listeners = new Map<string, (reply: Reply) => void>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
    bridge.onReply((reply) => this.#listeners.get(reply.id)?.(reply));
  }

  /** Its result. What goes wrong rejects the promise with a TaskError. */
  run<Name extends TaskName>(
    task: Name,
    input: Task<Name>["input"],
    { signal, onProgress }: RunOptions<Name> = {},
  ): Promise<Task<Name>["result"]> {
    const { progress, result } = schemas[task];
    const id = crypto.randomUUID();
    const cancel = () => this.#bridge.send({ type: "cancel", id });
    return new Promise<Task<Name>["result"]>((resolve, reject) => {
      if (signal?.aborted) {
        throw new TaskError("cancelled", "It was cancelled before it began.");
      }
      this.#listeners.set(id, (reply) => {
        try {
          switch (reply.type) {
            case "progress":
              onProgress?.(progress.parse(reply.progress));
              break;
            case "done":
              resolve(result.parse(reply.result));
              break;
            case "failed":
              reject(new TaskError(reply.error.code, reply.error.message));
          }
        } catch (error) {
          // Who does not understand the progress, or throws over it, won't wait for the result.
          cancel();
          reject(error);
        }
      });
      signal?.addEventListener("abort", cancel);
      this.#bridge.send({ type: "start", id, task, input });
    }).finally(() => {
      this.#listeners.delete(id);
      signal?.removeEventListener("abort", cancel);
    });
  }
}
