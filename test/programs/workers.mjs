// Workers: many at once, ended while they compute, failing.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { mx } from "mlx-js";

/** @typedef {{ task: string, n?: number }} Data */

// Each computes for ever, and says when it has begun.
const x = mx.full([256, 256], 1 / 256);
mx.eval(x);
const custom = mx.customFunction((a) => mx.matmul(a, x)).vjp((_, c) => mx.multiply(c, 2));
const compiled = mx.compile((a) => mx.add(mx.multiply(a, a), mx.matmul(a, x)));
/** @type {Record<string, () => unknown>} */
const computations = {
  eval: () => mx.eval(mx.exp(mx.add(x, 1))),
  asyncEval: () => mx.asyncEval(mx.matmul(mx.matmul(x, x), x)),
  matmul: () => mx.eval(mx.matmul(mx.matmul(x, x), x)),
  compile: () => mx.eval(compiled(mx.add(x, 1))),
  grad: () => mx.eval(mx.grad((a) => mx.sum(custom(a)))(x)),
};

/** @param {Data} data */
async function work({ task, n = 0 }) {
  if (task === "throw") {
    mx.eval(mx.matmul(x, x));
    throw new RangeError("boom");
  }
  if (task === "exit") {
    mx.asyncEval(mx.matmul(x, x));
    process.exit(7);
  }
  if (task === "own") {
    const stream = mx.newStream(mx.cpu);
    const mine = mx.full([n], n);
    const total = mx.stream(stream, () => mx.sum(mx.add(mine, 1)));
    await mx.asyncEval(total);
    parentPort?.postMessage(total.item());
    return;
  }
  if (task === "streams") {
    // More than workers have to borrow.
    const numbers = Array.from({ length: n }, (_, i) =>
      mx.stream(mx.newStream(mx.cpu), () => mx.add(mx.array([i, 1]), 1)),
    );
    await mx.asyncEval(numbers);
    parentPort?.postMessage(mx.sum(mx.stack(numbers), 0).tolist());
    return;
  }
  if (task === "fail") {
    mx.eval(mx.linalg.inv(mx.zeros([3, 3]), { stream: mx.cpu }));
  }
  for (let i = 0; ; i++) {
    await computations[task]?.();
    if (i === 3) {
      parentPort?.postMessage("begun");
    }
  }
}

/**
 * @param {Data} workerData
 * @returns {Promise<{ message?: unknown, error?: string, code: number }>}
 */
function run(workerData) {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData });
    /** @type {{ message?: unknown, error?: string }} */
    const out = {};
    worker.on("message", (message) => {
      out.message = message;
      if (message === "begun") {
        worker.terminate();
      }
    });
    worker.on("error", (error) => {
      out.error = String(error);
    });
    worker.on("exit", (code) => resolve({ ...out, code }));
  });
}

if (isMainThread) {
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8];
  const own = await Promise.all(lengths.map((n) => run({ task: "own", n })));
  const tasks = Object.keys(computations);
  const terminated = await Promise.all(tasks.map((task) => run({ task })));
  const thrown = await run({ task: "throw" });
  const exited = await run({ task: "exit" });
  const streams = await run({ task: "streams", n: 70 });
  const failed = await run({ task: "fail" });
  // On the stream that the failed one had.
  const afterwards = await run({ task: "own", n: 3 });
  console.log(
    JSON.stringify({
      own: own.map(({ message, code }) => [String(message), code]),
      terminated: terminated.map(({ message, error }) => [message, error]),
      thrown,
      exited,
      streams,
      failed,
      afterwards,
      main: mx.sum(mx.matmul(x, x)).item(),
    }),
  );
} else {
  await work(workerData);
}
