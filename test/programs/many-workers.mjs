// Forty workers that come and go: what each leaves behind.
import { existsSync, readdirSync } from "node:fs";
import { isMainThread, Worker } from "node:worker_threads";
import { mx } from "mlx-js";

const x = mx.full([200, 200], 1 / 200);
await mx.asyncEval(mx.matmul(x, x));
mx.eval(mx.stream(mx.newStream(mx.cpu), () => mx.compile((a) => mx.exp(mx.add(a, 1)))(x)));

if (isMainThread) {
  const threads = "/proc/self/task";
  const figures = () => ({
    rss: process.memoryUsage().rss / 2 ** 20,
    threads: existsSync(threads) ? readdirSync(threads).length : 0,
    arrays: mx.memory().arrays,
    active: mx.memory().active,
  });
  const start = async () => {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve, reject) => worker.on("exit", resolve).on("error", reject));
  };
  /** @param {number} count */
  const many = async (count) => {
    for (let i = 0; i < count; i += 2) {
      await Promise.all([start(), start()]);
    }
    globalThis.gc?.();
    return figures();
  };
  const first = await many(10);
  let last = first;
  // The least of several rounds: what workers leave behind grows in each, what the
  // allocators keep for later only in one.
  let growth = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const resident = last.rss;
    last = await many(10);
    growth = Math.min(growth, last.rss - resident);
  }
  console.log(JSON.stringify({ first, last, growth }));
}
