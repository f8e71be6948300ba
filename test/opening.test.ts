// How the addon comes into a process: another thread may link what it needs, while the
// main file of the package comes.
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { run, runScript } from "./support/process.js";

/** A program that has the package's two files: `opened(main)` of the first, and `main` gives the second. */
const files = `
  const { readFileSync } = require("node:fs");
  const dist = require.resolve("mlx-js").replace(/index\\.js$/, "");
  const { opened } = require(dist + "addon.js");
  const main = () => require(dist + "mlx.js");
  const isLinked = () => readFileSync("/proc/self/maps", "utf8").includes("libmlx.so");`;

const ahead = process.platform === "linux" && process.arch === "x64" && availableParallelism() > 1;

/** Waits in the place of the main file, and says whether libraries came meanwhile. */
const waiting = (seconds: number) => `${files}
  let came = false;
  const parts = opened(() => {
    for (const end = Date.now() + ${1000 * seconds}; !came && Date.now() < end; ) came = isLinked();
    return main();
  });
  console.log(came, parts.core.add(1, 2).item());`;

test.runIf(ahead)("libraries come while the main file does", async () => {
  // As long as a busy machine may need, for one that is not has them at once.
  expect(await runScript(waiting(30))).toMatchObject({ stdout: "true 3\n", stderr: "", code: 0 });
});

test.runIf(ahead)("on one processor they come after it", async () => {
  const one =
    "taskset --cpu-list $(awk '/^Cpus_allowed_list/ { print int($2) }' /proc/self/status)";
  const outcome = await run(["-c", `exec ${one} "$0" -e "$1"`, process.execPath, waiting(1)], {
    runtime: "bash",
  });
  expect(outcome).toMatchObject({ stdout: "false 3\n", stderr: "", code: 0 });
});

test("what is wrong with the main file is said as it is, and it may come later", async () => {
  const program = `${files}
    const environment = JSON.stringify(process.env);
    try {
      opened(() => { throw new RangeError("mine"); });
    } catch (error) {
      console.log(String(error), environment === JSON.stringify(process.env));
    }
    console.log(opened(main).core.add(1, 2).item());`;
  expect(await runScript(program)).toMatchObject({
    stdout: "RangeError: mine true\n3\n",
    stderr: "",
    code: 0,
  });
});

const variable = "OPENBLAS_DEFAULT_NUM_THREADS";
const words = "1 until mlx-js computes";
const loading = `${files}
  let seen;
  opened(() => { seen = process.env.${variable}; return main(); });
  console.log(seen, process.env.${variable});`;

test.runIf(process.platform === "linux").each([
  [undefined, `${words} undefined`],
  [words, `${words} undefined`],
  ["2", "2 2"],
])(
  "of BLAS's threads, %s, only a user's choice is there when all is loaded",
  async (value, stdout) => {
    const env = { [variable]: value };
    expect(await runScript(loading, { env })).toMatchObject({ stdout: `${stdout}\n`, code: 0 });
  },
);

test.runIf(process.platform === "linux")(
  "a worker that ends while it loads leaves nothing in an environment that it shares",
  async () => {
    const worker = `${files}
    opened(() => {
      require("node:fs").writeSync(1, "loads ");
      process.exit(6);
    });`;
    const program = `
    const { SHARE_ENV, Worker } = require("node:worker_threads");
    const worker = new Worker(${JSON.stringify(worker)}, { eval: true, env: SHARE_ENV });
    worker.on("exit", (code) => {
      console.log(code, process.env.${variable}, require("mlx-js").mx.add(1, 2).item());
    });`;
    const env = { [variable]: undefined };
    expect(await runScript(program, { env })).toMatchObject({
      stdout: "loads 6 undefined 3\n",
      code: 0,
    });
  },
);

test.each([0, 10, 20, 30, 40])("workers that end %i ms after they began to load", async (after) => {
  const program = `
    const { Worker } = require("node:worker_threads");
    const start = () => new Worker('require("mlx-js").mx.add(1, 2).item()', { eval: true });
    const workers = [start(), start(), start()];
    const ends = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    setTimeout(async () => {
      workers[0].terminate();
      workers[1].terminate();
      const { mx } = require("mlx-js");
      console.log(mx.add(1, 2).item(), (await Promise.all(ends))[2]);
    }, ${after});`;
  expect(await runScript(program)).toMatchObject({ stdout: "3 0\n", stderr: "", code: 0 });
});

test.each([0, 10, 20, 30])(
  "a process that ends while a worker has loaded for %i ms",
  async (after) => {
    const program = `
    const { Worker } = require("node:worker_threads");
    new Worker('require("mlx-js").mx.add(1, 2).item()', { eval: true });
    setTimeout(() => process.exit(3), ${after});`;
    expect(await runScript(program)).toMatchObject({ stdout: "", stderr: "", code: 3 });
  },
);

test.each([
  ["reads variables", "process.env = new Proxy({ ...process.env }, { ownKeys: end });"],
  ["makes a table", "Object.create = end;"],
])("a worker that ends while the addon %s", async (_, program) => {
  const worker = `${files}
    const { dlopen } = process;
    process.dlopen = (module, path) => {
      if (path.endsWith("mlx.node")) {
        const end = () => process.exit(6);
        ${program}
      }
      dlopen(module, path);
    };
    opened(main);`;
  const outcome = await runScript(`
    const { Worker } = require("node:worker_threads");
    new Worker(${JSON.stringify(worker)}, { eval: true }).on("exit", (code) => {
      console.log(code, require("mlx-js").mx.add(1, 2).item());
    });`);
  expect(outcome).toMatchObject({ stdout: "6 3\n", stderr: "", code: 0 });
});
