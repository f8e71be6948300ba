// Reads a prompt and writes an answer with SmolLM2-135M, here and in mlx-lm, in turn and with the same
// BLAS, and prints how many times mlx-lm's rate ours is.
// usage: lm.mjs [--rounds N] [--prompt N] [--tokens N] [--model FOLDER]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runScript } from "../scripts/mlx.mjs";
import { models } from "../scripts/models.mjs";
import { lmPython } from "../scripts/reference.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "64" },
    model: { type: "string" },
  },
});

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function output(command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
  }
  return stdout;
}

/** The folder of SmolLM2 in float32, which both read; made once. @param {string} python */
function folder(python) {
  const path = join(root, ".models", "smollm2-float32");
  if (!existsSync(join(path, "model.safetensors"))) {
    output(python, [join(root, "reference", "lm", "smollm2.py"), models().smollm2, path]);
  }
  return path;
}

/** @param {number[]} xs */
function median(xs) {
  const sorted = Float64Array.from(xs).sort();
  const last = sorted.length - 1;
  return (Number(sorted[last >> 1]) + Number(sorted[(last + 1) >> 1])) / 2;
}

/** @typedef {Record<string, number>} Figures */

await runScript(() => {
  const python = lmPython();
  const args = [options.model ?? folder(python), options.prompt, options.tokens];
  // Gives Python the BLAS that the addon brings: see native/linux/blas.cpp.
  const preload = join(root, "build", "Release", "libopenblas-preload.so");
  /** @type {Record<string, () => string>} */
  const sides = {
    ours: () => output(process.execPath, [join(here, "lm-ours.mjs"), ...args]),
    python: () =>
      output(
        python,
        [join(here, "reference", "lm.py"), ...args],
        existsSync(preload) ? { LD_PRELOAD: preload } : {},
      ),
  };
  /** @type {Record<string, Figures[]>} */
  const figures = { ours: [], python: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    console.error(`round ${round + 1} of ${options.rounds}`);
    const order = Object.entries(sides);
    for (const [side, run] of round % 2 === 0 ? order : order.reverse()) {
      figures[side]?.push(JSON.parse(run()));
    }
  }
  /** @type {[name: string, field: string, unit: string, scale: number, upward: boolean][]} */
  const rows = [
    ["prompt", "promptTps", "tokens/s", 1, true],
    ["decoding", "generationTps", "tokens/s", 1, true],
    ["first token", "firstToken", "ms", 1e3, false],
    ["peak memory", "peakMemory", "MB", 1e-6, false],
  ];
  console.log(
    `${options.prompt} tokens read, ${options.tokens} written, ${options.rounds} rounds\n`,
  );
  console.log("| | ours | mlx-lm | rate of mlx-lm's | range |\n| --- | --: | --: | --: | --: |");
  for (const [name, field, unit, scale, upward] of rows) {
    const of = (/** @type {string} */ side) =>
      (figures[side] ?? []).map((round) => Number(round[field]) * scale);
    const [mine, theirs] = [of("ours"), of("python")];
    const ratios = mine.map((x, i) => (upward ? x / Number(theirs[i]) : Number(theirs[i]) / x));
    const cells = [
      ...[mine, theirs].map((xs) => `${median(xs).toPrecision(3)} ${unit}`),
      median(ratios).toFixed(2),
      `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    ];
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  const delays = (figures["ours"] ?? []).map((round) => Number(round["eventLoopDelay"]) * 1e3);
  console.log(`| event-loop delay, p99 | ${median(delays).toFixed(1)} ms | | | |`);
});
