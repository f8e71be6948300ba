// What the process and its garbage collector think is in use.
import { createRequire } from "node:module";
import { mx } from "mlx-js";

// The addon that the package has loaded.
const native = createRequire(import.meta.url)("../../build/Release/mlx.node");

const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / 2 ** 20);
/** What is reported at most when all is collected. Bun takes what still lies on the stack for alive. */
let most = Number.POSITIVE_INFINITY;
const collect = async () => {
  for (let i = 0; i < 3 || (native.report_memory() > most && i < 100); i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
};
const figures = () => ({
  external: process.memoryUsage().external,
  reported: native.report_memory(),
});

/** Fifty arrays of four megabytes. */
const large = () => {
  const out = Array.from({ length: 50 }, (_, i) => mx.full([2 ** 20], i));
  mx.eval(out);
  return out;
};

await collect();
const start = figures();
most = start.reported + 2 ** 20;
const since = () => {
  const { external, reported } = figures();
  return {
    external: megabytes(external - start.external),
    reported: megabytes(reported - start.reported),
  };
};
/** @type {mx.array[]} */
let held = large();
const first = since();
held = [];
await collect();
const collected = since();
held = large();
const second = since();
mx.dispose(held);
await collect();
const disposed = since();

// Two sines of 64 megabytes at a time, of which one value stays.
const angles = mx.zeros([2 ** 24]);
mx.eval(angles);
const before = since().reported;
let computed = false;
const sum = mx.tidy(() => mx.add(mx.sin(angles), mx.cos(angles)).sum());
const evaluation = mx.asyncEval(sum).then(() => {
  computed = true;
});
let taken = 0;
while (!computed) {
  taken = Math.max(taken, since().reported - before);
  await new Promise((resolve) => setImmediate(resolve));
}
await evaluation;
mx.dispose([angles, sum]);

let x = mx.zeros([64, 64]);
const evaluate = (/** @type {number} */ count) => {
  for (let i = 0; i < count; i++) {
    x = mx.add(mx.matmul(mx.multiply(x, 0.5), x), 0.01);
    mx.eval(x);
  }
};
evaluate(1000);
await collect();
// The least of several rounds: what stays behind grows in each, what the
// allocators keep for later only in one.
let growth = Number.POSITIVE_INFINITY;
for (let round = 0; round < 3; round++) {
  const resident = process.memoryUsage().rss;
  evaluate(3000);
  await collect();
  growth = Math.min(growth, megabytes(process.memoryUsage().rss - resident));
}

console.log(JSON.stringify({ first, collected, second, disposed, taken, growth }));
