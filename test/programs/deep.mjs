// Graphs of many operations after each other, on this thread and in a worker
// with little stack. Prints what each transformation gave.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { mx } from "mlx-js";

const depth = isMainThread ? 200_000 : 25_000;
// Kernels take longer to make.
const less = isMainThread ? 60_000 : 8_000;

/** @type {(x: mx.array, count?: number) => mx.array} */
const chain = (x, count = depth) =>
  mx.tidy(() => {
    let y = x;
    for (let i = 0; i < count; i++) {
      y = mx.add(y, 1);
    }
    return y;
  });
const custom = () => mx.customFunction((/** @type {mx.array} */ x) => chain(x));
// Two results of one operation, of which the next takes one.
/** @type {(x: mx.array) => mx.array} */
const pairs = (x) =>
  mx.tidy(() => {
    let y = x;
    for (let i = 0; i < less; i++) {
      y = /** @type {mx.array} */ (mx.divmod(mx.add(y, 3), 5)[1]);
    }
    return y;
  });
const folder = mkdtempSync(join(tmpdir(), "mlx-js-deep-"));
/** @type {(file: string) => number} */
const nodes = (file) => readFileSync(file, "latin1").split("label").length - 1;

/** @type {Record<string, () => unknown>} */
const cases = {
  evaluation: () => chain(mx.array(2)),
  printing: () => String(chain(mx.array(2))),
  depends: () => mx.depends([chain(mx.array(2))], [chain(mx.array(3))]),
  valueAndGrad: () => mx.valueAndGrad((x) => chain(mx.square(x)))(mx.array(3)),
  nested: () => mx.grad(mx.grad((x) => chain(mx.multiply(mx.square(x), x))))(mx.array(5)),
  vjp: () => mx.vjp((x) => chain(x), [mx.array([2, 3])], [mx.array([5, 7])]),
  jvp: () => mx.jvp((x) => chain(x), [mx.array([2, 3])], [mx.array([5, 7])]),
  vmap: () => mx.vmap((x) => [chain(x), mx.sum(x)])(mx.array([[2, 3]])),
  vmapOfGrad: () => mx.vmap(mx.grad((x) => chain(mx.square(x))))(mx.array([2, 3])),
  checkpoint: () => {
    const f = mx.checkpoint((x) => mx.square(chain(x)));
    return [mx.grad(f)(mx.array(2)), mx.vmap(f)(mx.array([2, 3])), jvp(f)];
  },
  ownVjp: () => {
    const f = custom().vjp((_, cotangent) => mx.multiply(cotangent, 11));
    return [mx.grad(f)(mx.array(2)), mx.vmap(f)(mx.array([2, 3])), jvp(f)];
  },
  ownJvp: () => {
    const f = custom().jvp((_, tangent) => mx.multiply(tangent ?? 0, 11));
    return [mx.grad(f)(mx.array(2)), jvp(f)];
  },
  captured: () => {
    const c = chain(mx.array(2));
    const times = (/** @type {mx.array} */ x) => mx.multiply(x, c);
    const xs = mx.array([3, 4]);
    return [mx.grad((x) => mx.sum(times(x)))(xs), mx.vmap(times)(xs), jvp(times)];
  },
  siblings: () => [pairs(mx.array(2)), mx.grad(pairs)(mx.array(2))],
  compile: () => mx.compile((x) => chain(x, less))(mx.array(2)),
  compiledGrad: () => mx.compile(mx.grad((x) => chain(mx.square(x), less)))(mx.array(3)),
  compiledCapture: () => {
    const c = chain(mx.array(2), less);
    return [mx.compile((x) => mx.multiply(x, c))(mx.array(3)), c];
  },
  // The kernels are many: each takes a few operations.
  compiledVmap: () => mx.compile(mx.vmap(pairs))(mx.array([2, 3])),
  exportToDot: () => {
    mx.exportToDot(join(folder, "deep.dot"), [chain(mx.array(2))]);
    return nodes(join(folder, "deep.dot"));
  },
  exportFunction: () => {
    const file = join(folder, "deep.mlxfn");
    mx.exportFunction(file, (x) => chain(x, 1500), [mx.array(2)]);
    return mx.importFunction(file)(mx.array(3));
  },
  tooDeepToExport: () => mx.exportFunction(join(folder, "no.mlxfn"), chain, [mx.array(2)]),
  left: () => {
    chain(mx.array(2)).dispose();
    return mx.memory().active < 2 ** 20;
  },
};

/** @param {(x: mx.array) => mx.array} f */
function jvp(f) {
  return mx.jvp(f, [mx.array(2)], [mx.array(13)])[1];
}

/** @type {(x: unknown) => unknown} */
function plain(x) {
  return x instanceof mx.array ? x.tolist() : Array.isArray(x) ? x.map(plain) : x;
}

/** @type {Record<string, unknown>} */
const results = {};
const onBoth = ["valueAndGrad", "jvp", "vmap", "compile", "compiledVmap", "tooDeepToExport"];
for (const [name, run] of Object.entries(cases)) {
  if (isMainThread && !onBoth.includes(name)) {
    continue;
  }
  try {
    results[name] = plain(mx.tidy(run));
  } catch (error) {
    results[name] = String(error);
  }
}
rmSync(folder, { recursive: true });

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { resourceLimits: { stackSizeMb: 1 } });
  worker.once("message", (small) => console.log(JSON.stringify({ large: results, small })));
} else {
  parentPort?.postMessage(results);
}
