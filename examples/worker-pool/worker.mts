/** A worker of the pool: runs the trials that it is sent, one after the other. */
import { parentPort } from "node:worker_threads";
import type { Reply } from "./pool.mjs";
import { runTrial, type Trial } from "./trial.mjs";

parentPort?.on("message", async (trial: Trial) => {
  const reply: Reply = await runTrial(trial).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  // Buffers that are transferred are not copied.
  const buffers = "result" in reply ? reply.result.weights.map(({ values }) => values.buffer) : [];
  parentPort?.postMessage(reply, buffers);
});
