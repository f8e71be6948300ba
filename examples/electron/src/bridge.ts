/** What the preload script gives to the page, as `model`. */
import type { Reply, Request } from "./protocol.js";

export interface Bridge {
  send(request: Request): void;
  /** Calls the listener for every reply, of all tasks. */
  onReply(listener: (reply: Reply) => void): void;
}

/** The names of what goes between the preload script and the main process. */
export const channels = { request: "model:request", reply: "model:reply" };
