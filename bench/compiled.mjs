// What 120 steps of training take in all, with the start of the process and with
// the kernels that are built meanwhile: of the recurrent network of layers.mjs, not
// compiled, compiled from no kernels, and compiled where a start before has left
// some. In processes of their own, in turn; the medians of `--rounds N`.
// usage: compiled.mjs [--steps N] [--rounds N] [--run plain|compiled]

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mx } from "mlx-js";
import { recurrent } from "./layers.mjs";

const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "120" },
    rounds: { type: "string", default: "5" },
    run: { type: "string" },
  },
});

/** @typedef {{ wall: number, own: number, compilers: number }} Times in seconds */

function measure() {
  mx.setDefaultDevice(mx.cpu);
  recurrent(options.run === "compiled")(Number(options.steps));
  const { user, system } = process.cpuUsage();
  // Of children that have ended, in hundredths, behind the name.
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
  const compilers = (Number(fields[13]) + Number(fields[14])) / 100;
  console.log(JSON.stringify({ own: (user + system) / 1e6, compilers }));
}

/**
 * @param {"plain" | "compiled"} kind
 * @param {string} cache
 * @param {boolean} [wait] whether each kernel is waited for
 * @returns {Times}
 */
function run(kind, cache, wait = false) {
  const start = performance.now();
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), "--run", kind, "--steps", options.steps],
    {
      encoding: "utf8",
      env: { ...process.env, MLX_JS_CACHE: cache, MLX_JS_KERNELS: wait ? "wait" : "" },
    },
  );
  if (status !== 0) {
    throw new Error(stderr);
  }
  return { wall: (performance.now() - start) / 1000, ...JSON.parse(stdout) };
}

/** @param {number[]} xs */
function spread(xs) {
  const sorted = xs.toSorted((a, b) => a - b);
  const [least, middle, most] = [0, sorted.length >> 1, sorted.length - 1].map((i) =>
    Number(sorted[i]).toFixed(2),
  );
  return `${middle} (${least} to ${most})`;
}

function compare() {
  /** @type {Record<string, Times[]>} */
  const all = {
    "not compiled": [],
    "compiled, no kernels yet": [],
    "compiled, kernels on disk": [],
  };
  const [plain, first, second] = Object.values(all);
  for (let round = 0; round < Number(options.rounds); round++) {
    const cache = mkdtempSync(join(tmpdir(), "mlx-js-compiled-"));
    try {
      plain?.push(run("plain", cache));
      first?.push(run("compiled", cache));
      // What the first start left to be built, in case.
      run("compiled", cache, true);
      second?.push(run("compiled", cache));
    } finally {
      rmSync(cache, { recursive: true, force: true, maxRetries: 10 });
    }
  }
  console.log(`| ${options.steps} steps, in seconds | in all | processor | compilers |`);
  console.log("| --- | --: | --: | --: |");
  for (const [name, times] of Object.entries(all)) {
    const of = (/** @type {keyof Times} */ figure) => spread(times.map((t) => t[figure]));
    console.log(`| ${name} | ${of("wall")} | ${of("own")} | ${of("compilers")} |`);
  }
}

if (options.run) {
  measure();
} else {
  compare();
}
