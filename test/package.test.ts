// The package as users load it, in processes of its own, and how these end, on
// all runtimes.
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";
import { runtimes } from "./support/runtimes.js";

const loading = `
  import mlx, { mx, nn, optim, utils } from "mlx-js";
  import * as core from "mlx-js/core";
  import * as layers from "mlx-js/nn";
  import * as optimizers from "mlx-js/optimizers";
  import * as trees from "mlx-js/utils";
  import { createRequire } from "node:module";
  const required = createRequire(process.cwd() + "/")("mlx-js");
  const requiredCore = createRequire(process.cwd() + "/")("mlx-js/core");
  console.log(
    mlx.core === mx, mlx.nn === nn, mlx.optimizers === optim, mlx.utils === utils,
    required.mx === mx, required.default === mlx, required.nn === nn,
    core.array === mx.array, core.eval === mx.eval, requiredCore.array === mx.array,
    layers.ALiBi === nn.ALiBi, optimizers.Adam === optim.Adam,
    trees.treeMap === utils.treeMap,
    core.array([1]) instanceof required.mx.array,
  );`;

// What there is when the process ends; each calls end().
const states = {
  idle: "end();",
  // Seconds of products: the end does not wait for what is not yet under way.
  "in the middle of an evaluation": `
    let y = x;
    for (let i = 0; i < 2_000; i++) y = mx.matmul(y, x);
    mx.asyncEval(y).then(() => console.log("too late"));
    setTimeout(end, 50);`,
  "with a worker at work": `
    const { Worker } = require("node:worker_threads");
    const worker = new Worker(\`
      const { mx } = require("mlx-js");
      const x = mx.full([400, 400], 0.001);
      for (let i = 0; ; i++) {
        mx.eval(mx.matmul(x, x));
        if (i === 2) require("node:worker_threads").parentPort.postMessage(0);
      }\`, { eval: true });
    worker.once("message", end);`,
};

const exits = [
  ["process.exit", "process.exit(3)", 3, null],
  ["a throw", "throw new Error('boom')", 1, null],
  ["a rejection", "Promise.reject(new Error('boom'))", 1, null],
  ["SIGINT", "process.kill(process.pid, 'SIGINT')", null, "SIGINT"],
] as const;

// A return waits for what is under way, and for workers but where they are not to be waited for.
const returns = [
  ["idle", states.idle, "", ""],
  [
    "in the middle of an evaluation",
    `const y = mx.matmul(mx.matmul(x, x), x);
    mx.asyncEval(y).then(() => console.log(y.size));
    end();`,
    "",
    "360000\n",
  ],
  ["with a worker at work", states["with a worker at work"], "worker.unref()", ""],
] as const;

for (const { name, path } of runtimes) {
  describe.concurrent(name, () => {
    test("import and require give the same objects", async () => {
      const flags = name === "bun" ? [] : ["--input-type=module"];
      const { stdout, stderr } = await runScript(loading, { runtime: path, flags });
      expect({ stdout: stdout.trim(), stderr }).toEqual({
        stdout: Array(14).fill("true").join(" "),
        stderr: "",
      });
    });

    const ends = (state: string, exit: string) =>
      runScript(
        `const { mx } = require("mlx-js");
      const x = mx.full([600, 600], 0.001);
      mx.eval(x);
      const end = () => { require("node:fs").writeSync(1, "the end\\n"); ${exit} };
      ${state}`,
        { runtime: path },
      );

    describe.each(Object.entries(states))("a process that ends %s", (_, state) => {
      test.each(exits)("by %s", async (_, exit, code, signal) => {
        const outcome = await ends(state, exit);
        expect(outcome).toMatchObject({ code, signal, stdout: "the end\n" });
        expect(outcome.stderr.includes("boom")).toBe(exit.includes("boom"));
      });
    });

    test.each(returns)("a process that returns %s", async (_, state, exit, last) => {
      const outcome = await ends(state, exit);
      expect(outcome).toMatchObject({ code: 0, stdout: `the end\n${last}`, stderr: "" });
    });
  });
}
