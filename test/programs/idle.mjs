// What is freed while nothing is computed any more.
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { mx } from "mlx-js";

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Turns the event loop until something is so, for as long as that may take. */
const until = async (/** @type {() => boolean} */ done) => {
  for (let i = 0; i < 500; i++) {
    await turn();
    // First, since what a WeakRef gives stays until the end of the turn.
    globalThis.gc?.();
    await turn();
    if (done()) {
      return true;
    }
  }
  return false;
};

// These look at MLX's memory alone, and make nothing.
const megabytes = () => Math.round(mx.getActiveMemory() / 2 ** 20);

/** An array that nobody has when this is through. */
const leave = () => {
  const x = mx.ones([64, 2 ** 20]);
  mx.eval(x);
  return megabytes();
};

/** What only a graph has, and the array that has the graph. */
const graph = () => {
  const captured = { name: "captured" };
  const f = mx.checkpoint((/** @type {mx.array} */ x) => mx.add(x, captured.name.length));
  return { weak: new WeakRef(captured), x: f(mx.array([1])) };
};

const run = async () => {
  mx.setCacheLimit(0);
  const start = megabytes();
  const used = leave() - start;
  const freed = await until(() => megabytes() === start);
  const { weak, x } = graph();
  x.dispose();
  const letGo = await until(() => weak.deref() === undefined);
  return { used, freed, letGo };
};

if (isMainThread) {
  const main = await run();
  const worker = await new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url)).once("message", resolve).once("error", reject);
  });
  console.log(JSON.stringify({ main, worker }));
} else {
  parentPort?.postMessage(await run());
}
