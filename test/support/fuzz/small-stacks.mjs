// Deep graphs and deep trees where there is little stack, on the main thread
// and in workers.
import fc from "fast-check";
import { child } from "./child.mjs";
import { expectSame } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ where: string, step: string, depth: number, transforms: string[] }} Case */

/**
 * Steps of a chain, in MLX and in JavaScript.
 * @type {Record<string, [string, (v: number) => number]>}
 */
const steps = {
  add: ["mx.add(y, 1)", (v) => v + 1],
  maximum: ["mx.add(mx.maximum(y, -5), 1)", (v) => Math.max(v, -5) + 1],
  pair: ["mx.divmod(mx.add(y, 3), 5)[1]", (v) => (v + 3) % 5],
  where: [
    "mx.where(mx.greater(y, 4), mx.subtract(y, 4), mx.add(y, 1))",
    (v) => (v > 4 ? v - 4 : v + 1),
  ],
  take: ["mx.take(mx.stack([y, mx.add(y, 1)]), mx.array(1, mx.int32), 0)", (v) => v + 1],
  split: [
    "mx.split(mx.concatenate([y.reshape(1), y.reshape(1)]), 2)[1].reshape([]).add(1)",
    (v) => v + 1,
  ],
  matmul: ["mx.matmul(y.reshape(1, 1), mx.ones([1, 1])).reshape([])", (v) => v],
  reshape: ["y.reshape(1, 1).reshape([])", (v) => v],
  custom: ["own(y)", (v) => v + 1],
  checkpoint: ["checked(y)", (v) => v + 1],
  compiled: ["compiled(y)", (v) => v + 1],
  at: ["mx.zeros([2]).at(1).add(y).get(1)", (v) => v],
};

/** What is done with the chain, f; each gives a function whose first result is the chain's. */
const transforms = {
  checkpoint: "mx.checkpoint(f)",
  compile: "mx.compile(f)",
  vmap: "(x) => mx.vmap(f)(mx.stack([x, x])).get(0)",
  valueAndGrad: "(x) => mx.valueAndGrad(f)(x)[0]",
  jvp: "(x) => mx.jvp(f, [x], [mx.ones([])])[0][0]",
  vjp: "(x) => mx.vjp(f, [x], [mx.ones([])])[0][0]",
  custom: "mx.customFunction(f).vjp((_, c) => c)",
  captured: "((c) => (x) => mx.add(c, mx.multiply(0, x)))(f(mx.array(1)))",
  gradOfCaptured:
    "((c) => (x) => mx.add(mx.valueAndGrad((y) => mx.multiply(y, c))(x)[0], mx.multiply(0, x)))(f(mx.array(1)))",
  tidy: "(x) => mx.tidy(() => f(x))",
  exported:
    "((x) => { mx.exportFunction('deep.mlxfn', f, [x]); return (y) => mx.importFunction('deep.mlxfn')(y)[0]; })(mx.array(1))",
};

/** @param {Case} c */
async function smallStacks({ where, step, depth, transforms: chosen }) {
  const [how, inJavaScript] = /** @type {[string, (v: number) => number]} */ (steps[step]);
  const program = `
    mx.setDefaultDevice(mx.cpu);
    const own = mx.customFunction((x) => mx.add(x, 1)).vjp((_, c) => c).jvp((_, t) => t);
    const checked = mx.checkpoint((x) => mx.add(x, 1));
    const compiled = mx.compile((x) => mx.add(x, 1));
    let f = (x) => {
      let y = x;
      for (let i = 0; i < ${depth}; i++) y = ${how};
      return y;
    };
    let out;
    try {
      ${chosen
        .map((name) => `f = (${/** @type {Any} */ (transforms)[name]});`)
        .join("\n")
        .replaceAll("f = (", "f = ((f) => (")
        .replaceAll(/;$/gm, ")(f);")}
      out = f(mx.array(1)).item();
    } catch (error) {
      if (!(error instanceof Error) || error.message === "") throw error;
      out = error.message;
    }
    const after = mx.add(mx.array([1, 2]), 1).tolist();`;
  const [place, size] = where.split(" ");
  const report =
    place === "main"
      ? await child(`${program} report([out, after]);`, {
          flags: size ? [`--stack-size=${size}`] : [],
        })
      : await child(`
          const { Worker } = await import("node:worker_threads");
          const source = "(async () => { const mlx = require(" + ${JSON.stringify(JSON.stringify("mlx-js"))} + "); const mx = mlx.mx;" + ${JSON.stringify(program)} +
            "require('node:worker_threads').parentPort.postMessage([out, after]); })()";
          const { createRequire } = await import("node:module");
          process.chdir(${JSON.stringify(process.cwd())});
          const worker = new Worker(source.replace('"mlx-js"', JSON.stringify(createRequire(${JSON.stringify(import.meta.url)}).resolve("mlx-js"))), {
            eval: true,
            resourceLimits: { stackSizeMb: ${size} },
          });
          const out = await new Promise((resolve) => {
            worker.once("message", resolve);
            worker.once("error", (error) => resolve(["worker: " + error.message, [2, 3]]));
            worker.once("exit", (code) => resolve(["worker exit " + code, [2, 3]]));
          });
          report(out);`);
  if (report === undefined) {
    return;
  }
  const [out, after] = report;
  expectSame(after, [2, 3]);
  if (typeof out === "number") {
    let v = 1;
    for (let times = 0; times < depth; times++) {
      v = inJavaScript(v);
    }
    expectSame(out, v);
  }
}

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { smallStacks },
  targets: Object.keys(transforms).map((transform) => ({
    name: `a small stack in ${transform}`,
    cost: 30,
    programs: () =>
      fc
        .record({
          where: fc.constantFrom(
            "main",
            "main 200",
            "main 600",
            "worker 1",
            "worker 2",
            "worker 4",
          ),
          step: fc.constantFrom(...Object.keys(steps)),
          depth: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 20_000 })),
          others: fc.array(fc.constantFrom(...Object.keys(transforms)), { maxLength: 2 }),
        })
        .map(
          ({ others, ...c }) =>
            `smallStacks(${JSON.stringify({ ...c, transforms: [transform, ...others] })})`,
        ),
  })),
};
