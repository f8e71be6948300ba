// The package as users load it: through `import` and `require`, in processes
// of their own, and how these end.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(__dirname, "..");

function node(args: string[]): { status: number | null; signal: string | null; text: string } {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, signal, text: stdout + stderr };
}

const script = (code: string) => node(["-e", code]);
const module = (code: string) => node(["--input-type=module", "-e", code]);

describe("loading", () => {
  test("import and require give the same objects", () => {
    const { text } = module(`
      import mlx, { mx, nn, optim, utils } from "mlx-js";
      import * as core from "mlx-js/core";
      import * as layers from "mlx-js/nn";
      import * as optimizers from "mlx-js/optimizers";
      import * as trees from "mlx-js/utils";
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url)("mlx-js");
      const requiredCore = createRequire(import.meta.url)("mlx-js/core");
      console.log(
        mlx.core === mx, mlx.nn === nn, mlx.optimizers === optim, mlx.utils === utils,
        required.mx === mx, required.default === mlx, required.nn === nn,
        core.array === mx.array, core.eval === mx.eval, requiredCore.array === mx.array,
        layers.ALiBi === nn.ALiBi, optimizers.Adam === optim.Adam,
        trees.treeMap === utils.treeMap,
        core.array([1]) instanceof required.mx.array,
      );`);
    expect(text.trim()).toBe(Array(14).fill("true").join(" "));
  });
});

describe("the end of a process", () => {
  const start = `
    const { mx } = require("mlx-js");
    const x = mx.full([600, 600], 0.001);
    mx.eval(x);
    let y = x;
    for (let i = 0; i < 30; i++) y = mx.matmul(y, x);
  `;
  const states = {
    idle: "",
    "in the middle of an evaluation": "mx.asyncEval(y).catch(() => {});",
    "with a worker at work": `
      const { Worker } = require("node:worker_threads");
      new Worker(
        'const { mx } = require("mlx-js"); const a = mx.array([1, 2]);' +
        'setInterval(() => mx.eval(mx.add(a, 1)), 1)', { eval: true });`,
  };
  const exits = [
    ["process.exit", "setTimeout(() => process.exit(3), 150)", 3, null],
    ["a throw", "setTimeout(() => { throw new Error('boom'); }, 150)", 1, null],
    ["a rejection", "setTimeout(() => Promise.reject(new Error('boom')), 150)", 1, null],
    ["SIGINT", "setTimeout(() => process.kill(process.pid, 'SIGINT'), 150)", null, "SIGINT"],
  ] as const;

  describe.each(Object.entries(states))("%s", (_, state) => {
    test.each(exits)("by %s", (_, exit, status, signal) => {
      const result = script(start + state + exit);
      expect(result).toMatchObject({ status, signal });
    });
  });

  test("by returning, once what is under way is done", () => {
    const result = script(`${start} mx.asyncEval(y).then(() => console.log(y.size));`);
    expect(result).toMatchObject({ status: 0, text: "360000\n" });
  });
});

describe("workers", () => {
  test("each has arrays of its own, and can be terminated while it computes", () => {
    const result = script(`
      const { Worker } = require("node:worker_threads");
      const body = \`
        const { mx } = require("mlx-js");
        const { parentPort, workerData } = require("node:worker_threads");
        mx.random.seed(workerData);
        const x = mx.tidy(() => mx.add(mx.array([workerData]), 1));
        mx.grad((a) => mx.sum(mx.square(a)))(x);
        parentPort.postMessage(x.item());
        let y = mx.full([400, 400], 0.001);
        for (;;) { y = mx.matmul(y, y); mx.eval(y); }\`;
      Promise.all(Array.from({ length: 8 }, (_, i) => new Promise((resolve) => {
        const worker = new Worker(body, { eval: true, workerData: i });
        worker.on("message", (x) => worker.terminate().then(() => resolve(x)));
      }))).then((xs) => {
        const { mx } = require("mlx-js");
        console.log(xs.join(" "), mx.add(mx.array([1]), 1).item());
      });`);
    expect(result).toMatchObject({ status: 0, text: "1 2 3 4 5 6 7 8 2\n" });
  });
});
