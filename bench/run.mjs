// Runs the same programs here and in Python MLX, in turn, and prints how many
// times Python's time ours takes. Ratios only: single times say little on a
// machine that does other things, too.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { referencePython } from "../scripts/reference.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    device: { type: "string", default: "cpu" },
    only: { type: "string" },
    out: { type: "string" },
  },
});
const rounds = Number(options.rounds);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

// Python with the BLAS that the addon brings: see native/blas.cpp.
const preload = join(root, "build", "Release", "libopenblas-preload.so");
const python = referencePython();

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function output(command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${stderr}`);
  }
  return stdout;
}

/** @param {() => void} program */
function timed(program) {
  const start = process.hrtime.bigint();
  program();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** How long a package takes to load: with it, less without. */
const load = {
  ours: () =>
    timed(() => output(process.execPath, ["-e", `require(${JSON.stringify(root)})`])) -
    timed(() => output(process.execPath, ["-e", ""])),
  python: () =>
    timed(() => output(python, ["-c", "import mlx.core, mlx.nn, mlx.optimizers"])) -
    timed(() => output(python, ["-c", ""])),
};

const args = [
  "--device",
  options.device ?? "cpu",
  ...(options.only ? ["--only", options.only] : []),
];
const blas = existsSync(preload) ? { LD_PRELOAD: preload } : {};

/** @type {Map<string, { ours: number[], python: number[], unit: string }>} */
const figures = new Map();

/** @param {string} name @param {"ours" | "python"} side @param {number} seconds */
function add(name, side, seconds) {
  const entry = figures.get(name) ?? { ours: [], python: [], unit: "s" };
  entry[side].push(seconds);
  figures.set(name, entry);
}

for (let round = 0; round < rounds; round++) {
  console.error(`round ${round + 1} of ${rounds}`);
  /** @type {[string, () => void][]} */
  const sides = [
    [
      "ours",
      () => {
        const text = output(process.execPath, [join(here, "cases.mjs"), ...args]);
        for (const [name, seconds] of Object.entries(JSON.parse(text))) {
          add(name, "ours", seconds);
        }
        if (!options.only) {
          add("load", "ours", load.ours());
        }
      },
    ],
    [
      "python",
      () => {
        const text = output(python, [join(here, "reference", "cases.py"), ...args], blas);
        for (const [name, seconds] of Object.entries(JSON.parse(text))) {
          add(name, "python", seconds);
        }
        if (!options.only) {
          add("load", "python", load.python());
        }
      },
    ],
  ];
  for (const [, side] of round % 2 === 0 ? sides : sides.reverse()) {
    side();
  }
}

/** @param {number[]} xs */
function median(xs) {
  const sorted = Float64Array.from(xs).sort();
  const last = sorted.length - 1;
  return (Number(sorted[last >> 1]) + Number(sorted[(last + 1) >> 1])) / 2;
}

/** @param {number} seconds */
function readable(seconds) {
  const [scale, unit] = seconds < 1e-6 ? [1e9, "ns"] : seconds < 1e-3 ? [1e6, "us"] : [1e3, "ms"];
  return `${(seconds * Number(scale)).toPrecision(3)} ${unit}`;
}

const rows = [...figures].map(([name, { ours, python }]) => {
  const ratios = ours.map((x, i) => x / /** @type {number} */ (python[i]));
  return {
    name,
    ours: median(ours),
    python: median(python),
    ratio: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
  };
});

console.log(
  `Node ${process.versions.node}, ${output(python, ["--version"]).trim()}, ` +
    `MLX ${output(python, ["-c", "import mlx.core as mx; print(mx.__version__)"]).trim()}, ` +
    `${options.device}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ` +
    `BLAS in Python: ${"LD_PRELOAD" in blas ? "OpenBLAS, as here" : "its own"}`,
);
console.log(
  "Times of one call or step; ours / Python's, the median and the range of the rounds.\n",
);
console.log("| case | ours | Python | ratio | range |\n| --- | --: | --: | --: | --: |");
for (const row of rows) {
  const range = `${row.least.toFixed(2)} to ${row.most.toFixed(2)}`;
  console.log(
    `| ${row.name} | ${readable(row.ours)} | ${readable(row.python)} | ${row.ratio.toFixed(2)} | ${range} |`,
  );
}
if (options.out) {
  mkdirSync(join(root, "out"), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(rows, undefined, 2)}\n`);
}
