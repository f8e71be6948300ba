/** The model's process as the main process sees it: begun when needed, and begun anew when it has ended. */
import { failed, type Reply, reply, request, TaskError } from "./protocol.js";

/** What is used of Electron's UtilityProcess. */
export interface Child {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
  kill(): boolean;
}

/** How long the process may take to end by itself. */
const patience = 5_000;

export class ModelProcess {
  readonly #fork: () => Child;
  readonly #onReply: (reply: Reply) => void;
  readonly #running = new Set<string>();
  #child: Child | undefined;
  #whenEnded: Promise<void> = Promise.resolve();

  constructor(fork: () => Child, onReply: (reply: Reply) => void) {
    this.#fork = fork;
    this.#onReply = onReply;
  }

  get isAlive(): boolean {
    return this.#child !== undefined;
  }

  /** Passes a request of the page's on; throws for anything else. */
  send(message: unknown): void {
    const asked = request.parse(message);
    if (asked.type === "start") {
      this.#child ??= this.#begin();
      this.#running.add(asked.id);
    }
    this.#child?.postMessage(asked);
  }

  /** For when the page that asked is gone. */
  cancelAll(): void {
    for (const id of this.#running) {
      this.send({ type: "cancel", id });
    }
  }

  /** Lets the process end by itself, and makes it end if it does not. */
  async quit(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) {
      child.postMessage({ type: "quit" });
      const timer = setTimeout(() => child.kill(), patience);
      await this.#whenEnded;
      clearTimeout(timer);
    }
  }

  #begin(): Child {
    const child = this.#fork();
    child.on("message", (message) => this.#hear(reply.parse(message)));
    this.#whenEnded = new Promise((resolve) => {
      child.on("exit", (code) => {
        this.#child = undefined;
        const error = new TaskError("ended", `The model's process has ended, with code ${code}.`);
        for (const id of this.#running) {
          this.#hear(failed(id, error));
        }
        resolve();
      });
    });
    return child;
  }

  #hear(heard: Reply): void {
    if (heard.type !== "progress") {
      this.#running.delete(heard.id);
    }
    this.#onReply(heard);
  }
}
