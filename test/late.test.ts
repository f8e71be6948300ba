// What comes when it is first used. Each test has a process of its own.
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { runScript } from "./support/process.js";
import { sanitized } from "./support/sanitized.js";

/** What users say with how many threads OpenBLAS has. */
const blasVariables = [
  "OPENBLAS_NUM_THREADS",
  "OPENBLAS_DEFAULT_NUM_THREADS",
  "GOTO_NUM_THREADS",
  "OMP_NUM_THREADS",
];

/** What a program prints that has `parts()`, the files of parts that are loaded. */
async function printed(program: string): Promise<string[]> {
  const { stdout, stderr } = await runScript(`
    const { basename, dirname } = require("node:path");
    const parts = () => Object.keys(require.cache)
      .filter((file) => basename(dirname(file)) === "parts")
      .map((file) => basename(file, ".js")).sort().join(" ");
    const { mx, nn, optim } = require("mlx-js");
    ${program}`);
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

test("a program loads the parts that it uses", async () => {
  const lines = await printed(`
    console.log("none", parts());
    mx.add(1, 2).item();
    console.log("none", Object.keys(nn).includes("Linear"), "Linear" in nn, parts());
    new nn.Linear(2, 2);
    console.log("layers", parts());
    new optim.SGD(0.1);
    console.log("optimizers", parts());
    mx.save({ write() {} }, mx.array(1));
    console.log("files", parts());
    console.log(mx.save.name, mx.save.length, mx.load.length);`);
  expect(lines).toEqual([
    "none ",
    "none true true ",
    "layers nn random",
    "optimizers nn optimizers random",
    "files files nn optimizers random",
    "save 2 2",
  ]);
});

test.each([
  ["read", "nn.relu"],
  ["taken apart", "({ relu } = nn)"],
  ["spread", "({ ...nn })"],
  ["printed", 'require("node:util").inspect(nn)'],
  ["made a list", "Object.values(nn)"],
])("%s, it is an object as any other", async (_, use) => {
  const lines = await printed(`
    let relu;
    const names = Object.keys(nn).join();
    ${use};
    const { value, ...flags } = Object.getOwnPropertyDescriptor(nn, "relu");
    console.log(value.name, JSON.stringify(flags), Object.getOwnPropertySymbols(nn).length);
    console.log(names === Object.keys(nn).join());
    console.log(Object.values(Object.getOwnPropertyDescriptors(nn)).every((x) => "value" in x));
    console.log(/relu: \\[Function: relu\\]/.test(require("node:util").inspect(nn)));`);
  const flags = '{"writable":true,"enumerable":true,"configurable":true}';
  expect(lines).toEqual([`relu ${flags} 0`, "true", "true", "true"]);
});

test("what is put in the place of something before it comes stays", async () => {
  const lines = await printed(`
    nn.relu = "mine";
    delete nn.tanh;
    Object.defineProperty(nn, "silu", { get: () => "a getter", configurable: true });
    console.log(nn.relu, "tanh" in nn, nn.silu, parts());
    console.log(nn.gelu.name, nn.relu, "tanh" in nn, nn.silu, parts());`);
  expect(lines).toEqual(["mine false a getter ", "gelu mine false a getter nn"]);
});

test("it comes into an object that is frozen", async () => {
  const lines = await printed(`
    Object.freeze(nn);
    console.log(new nn.Linear(2, 1) instanceof nn.Module, nn.relu === nn.relu);
    console.log(String(nn.losses.mseLoss.name));`);
  expect(lines).toEqual(["true true", "mseLoss"]);
});

test("an environment that is frozen stays as it is, also where a bundler makes the package strict", async () => {
  const program = `
    const { readFileSync } = require("node:fs");
    const Module = require("node:module");
    for (const name of ${JSON.stringify(blasVariables)}) delete process.env[name];
    process.env = Object.freeze({ ...process.env });
    const file = require.resolve("mlx-js/core").replace("core/index.js", "addon.js");
    const addon = Object.assign(new Module(file), { filename: file });
    addon._compile('"use strict";' + readFileSync(file, "utf8"), file);
    console.log(addon.exports.opened(() => addon.require("./mlx.js")).core.add(1, 2).item());`;
  expect(await runScript(program)).toMatchObject({ stdout: "3\n", stderr: "", code: 0 });
});

test.runIf(process.platform === "linux" && !sanitized)(
  "the threads of OpenBLAS come with the first computation, as many as the user wants",
  async () => {
    const threads = async (wanted: number, env: Record<string, string> = {}) => {
      const unset = blasVariables.map((name) => [name, undefined]);
      const program = `
        const { readdirSync } = require("node:fs");
        const count = () => readdirSync("/proc/self/task").length;
        const environment = JSON.stringify(process.env);
        const before = count();
        const { mx } = require("mlx-js");
        // The thread that linked libraries needs a moment to end, and a longer one where the
        // machine is busy.
        const moment = new Int32Array(new SharedArrayBuffer(4));
        for (let i = 0; i < 3000 && count() - before > ${wanted}; i++) Atomics.wait(moment, 0, 0, 10);
        const loaded = count();
        mx.setDefaultDevice(mx.cpu);
        const product = mx.matmul(mx.eye(200), mx.ones([200, 200])).sum().item();
        const same = environment === JSON.stringify(process.env);
        console.log(JSON.stringify([loaded - before, count() - loaded, product, same]));`;
      const outcome = await runScript(program, { env: { ...Object.fromEntries(unset), ...env } });
      expect(outcome.stderr).toBe("");
      const [loading, computing, ...rest] = JSON.parse(outcome.stdout);
      expect(rest).toEqual([40_000, true]);
      return { loading, computing };
    };
    const processors = availableParallelism();
    // One thread keeps MLX's books, and one is its stream's, which takes part in a product.
    const few = { loading: 1, computing: 1 };
    expect(await threads(1, { OPENBLAS_NUM_THREADS: "1" })).toEqual(few);
    expect(await threads(1, { OPENBLAS_DEFAULT_NUM_THREADS: "1" })).toEqual(few);
    const two = { loading: Math.min(processors, 2), computing: 1 };
    expect(await threads(two.loading, { OPENBLAS_NUM_THREADS: "2" })).toEqual(two);
    const { loading, computing } = await threads(1);
    expect(loading).toBe(1);
    expect(computing).toBeLessThanOrEqual(Math.max(1, processors - 1));
  },
);
