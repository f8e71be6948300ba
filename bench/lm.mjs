// Reads a prompt and writes an answer with SmolLM2-135M, here and in mlx-lm, in turn, from the same files and with the
// same BLAS, and prints how many times mlx-lm's rate ours is.
// usage: lm.mjs [--rounds N] [--prompt N] [--tokens N] [--threads N] [--weights KIND] [--model FOLDER] [--llama]
//
//   --threads N      threads of the BLAS, for both; by default as many as there are processors
//   --weights KIND   float32, by default, or bfloat16 or 4bit
//   --llama          compares with node-llama-cpp instead, which npm installs into a temporary folder; both read the GGUF
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mx, nn } from "mlx-js";
import { loadModel } from "mlx-js-lm";
import { runScript, SetupError } from "../scripts/mlx.mjs";
import { models } from "../scripts/models.mjs";
import { lmPython } from "../scripts/reference.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    prompt: { type: "string", default: "256" },
    tokens: { type: "string", default: "64" },
    threads: { type: "string" },
    weights: { type: "string", default: "float32" },
    model: { type: "string" },
    llama: { type: "boolean", default: false },
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
function float32Folder(python) {
  const path = join(root, ".models", "smollm2-float32");
  if (!existsSync(join(path, "model.safetensors"))) {
    output(python, [join(root, "reference", "lm", "smollm2.py"), models().smollm2, path]);
  }
  return path;
}

/** The same with other weights; made once. @param {string} python @param {string} kind */
async function folder(python, kind) {
  const given = float32Folder(python);
  if (kind === "float32") {
    return given;
  }
  if (kind !== "bfloat16" && kind !== "4bit") {
    throw new SetupError(`--weights: expected float32, bfloat16 or 4bit, received ${kind}`);
  }
  const path = join(root, ".models", `smollm2-${kind}`);
  if (existsSync(path)) {
    return path;
  }
  const work = mkdtempSync(join(root, ".models", "unfinished-"));
  cpSync(given, work, { recursive: true });
  const file = join(work, "model.safetensors");
  const { model } = await loadModel(given);
  if (kind === "4bit") {
    nn.quantize(model, { groupSize: 64, bits: 4 });
    const config = JSON.parse(readFileSync(join(work, "config.json"), "utf8"));
    const quantization = { group_size: 64, bits: 4 };
    writeFileSync(join(work, "config.json"), JSON.stringify({ ...config, quantization }));
  } else {
    model.apply((x) => x.astype(mx.bfloat16));
  }
  model.saveWeights(file);
  renameSync(work, path);
  return path;
}

/** Installs node-llama-cpp, whose binary is a package of its own. @param {string} path */
function installLlama(path) {
  writeFileSync(join(path, "package.json"), "{}");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", path];
  output("npm", ["install", "node-llama-cpp@3.21.1", ...flags]);
}

/** @param {number[]} xs */
function median(xs) {
  const sorted = Float64Array.from(xs).sort();
  const last = sorted.length - 1;
  return (Number(sorted[last >> 1]) + Number(sorted[(last + 1) >> 1])) / 2;
}

/** @typedef {Record<string, number>} Figures */

await runScript(async () => {
  const threads = options.threads ? { OPENBLAS_NUM_THREADS: options.threads } : {};
  const counts = [options.prompt, options.tokens];
  /** @param {string} model */
  const ours = (model) => () =>
    output(process.execPath, [join(here, "lm-ours.mjs"), model, ...counts], threads);
  const temporary = mkdtempSync(join(tmpdir(), "mlx-js-lm-bench-"));
  /** @type {Record<string, () => string>} */
  let sides;
  let what = "the GGUF, in 4 bits";
  if (options.llama) {
    installLlama(temporary);
    const model = options.model ?? models().smollm2;
    const args = [join(here, "lm-llama.mjs"), model, ...counts, temporary];
    sides = {
      ours: ours(model),
      "node-llama-cpp": () => output(process.execPath, args),
    };
  } else {
    const python = lmPython();
    const model = options.model ?? (await folder(python, options.weights));
    what = options.model ?? options.weights;
    // Gives Python the BLAS that the addon brings: see native/linux/blas.cpp.
    const preload = join(root, "build", "Release", "libopenblas-preload.so");
    const env = existsSync(preload) ? { LD_PRELOAD: preload } : {};
    const args = [join(here, "reference", "lm.py"), model, ...counts];
    sides = { ours: ours(model), "mlx-lm": () => output(python, args, { ...threads, ...env }) };
  }
  const [, other = ""] = Object.keys(sides);
  /** @type {Record<string, Figures[]>} */
  const figures = { ours: [], [other]: [] };
  try {
    for (let round = 0; round < Number(options.rounds); round++) {
      console.error(`round ${round + 1} of ${options.rounds}`);
      const order = Object.entries(sides);
      for (const [side, run] of round % 2 === 0 ? order : order.reverse()) {
        figures[side]?.push(JSON.parse(run()));
      }
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
  /** @type {[name: string, field: string, unit: string, scale: number, upward: boolean][]} */
  const rows = [
    ["prompt", "promptTps", "tokens/s", 1, true],
    ["decoding", "generationTps", "tokens/s", 1, true],
    ["first token", "firstToken", "ms", 1e3, false],
    ["processors, a token read", "promptProcessor", "ms", 1e3, false],
    ["processors, a token written", "generationProcessor", "ms", 1e3, false],
    ["peak memory", "peakMemory", "MB", 1e-6, false],
  ];
  console.log(
    `${what}: ${options.prompt} tokens read, ${options.tokens} written, ${options.rounds} rounds\n`,
  );
  console.log(
    `| | ours | ${other} | rate of ${other}'s | range |\n| --- | --: | --: | --: | --: |`,
  );
  for (const [name, field, unit, scale, upward] of rows) {
    const of = (/** @type {string} */ side) =>
      (figures[side] ?? []).map((round) => Number(round[field]) * scale);
    const [mine, theirs] = [of("ours"), of(other)];
    if (theirs.some(Number.isNaN)) {
      continue;
    }
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
