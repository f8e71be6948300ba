/** What the tasks do. Each loads what it needs, so that what goes wrong then is its error. */
import type { Runs } from "./server.js";

export const runs: Runs = {
  train: async (input, context) => {
    const { train } = await import("./experiment.js");
    return train(input, context);
  },
  chat: async (input, context) => {
    const { chat } = await import("./chat.js");
    return chat(input, context);
  },
};
