// Runs the same programs here and in Python MLX, in turn, and prints how many
// times Python's time ours takes: against Python with the BLAS that the addon
// brings, and against Python as it is installed. Ratios only: single times say
// little on a machine that does other things, too.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { referencePython } from "../scripts/reference.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    device: { type: "string", default: "cpu" },
    only: { type: "string", default: "" },
    save: { type: "boolean", default: false },
  },
});
const { device } = options;
const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const python = referencePython();

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
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

/**
 * The least of several times that a program prints.
 *
 * @param {string} command @param {string} program
 */
function best(command, program) {
  return Math.min(...Array.from({ length: 15 }, () => Number(output(command, [program]))));
}

/** @param {(name: string) => boolean} wanted @param {string} name @param {() => number} measure */
function single(wanted, name, measure) {
  return wanted(name) ? { [name]: measure() } : {};
}

const wanted = (/** @type {string} */ name) => name.includes(options.only);
const cases = ["--device", device, ...(options.only ? ["--only", options.only] : [])];

// Between two processors it takes 8 to 80 microseconds, as they happen to wake.
const onOneProcessor = "eval of a small array";

/** @param {string} command @param {string} script @param {Record<string, string>} [env] */
function pinned(command, script, env) {
  const args = [script, "--device", device, "--only", onOneProcessor];
  const [program, ...rest] =
    process.platform === "linux" ? ["taskset", "--cpu-list", "0", command] : [command];
  return JSON.parse(output(program ?? "", [...rest, ...args], env))[onOneProcessor];
}

/** @returns {Record<string, number>} */
function ours() {
  const memory = (/** @type {string[]} */ flags) =>
    Number(output(process.execPath, [join(here, "memory.mjs"), "--device", device, ...flags]));
  return {
    ...JSON.parse(output(process.execPath, [join(here, "cases.mjs"), ...cases])),
    ...single(wanted, onOneProcessor, () => pinned(process.execPath, join(here, "cases.mjs"))),
    ...single(wanted, "peak memory of training", () => memory([])),
    ...single(wanted, "peak memory of training in tidy", () => memory(["--tidy"])),
    ...single(wanted, "load", () => best(process.execPath, join(here, "load.mjs"))),
  };
}

/** @param {Record<string, string>} env @returns {Record<string, number>} */
function theirs(env) {
  const script = (/** @type {string} */ name, /** @type {string[]} */ args) =>
    output(python, [join(here, "reference", name), ...args], env);
  return {
    ...JSON.parse(script("cases.py", cases)),
    ...single(wanted, onOneProcessor, () =>
      pinned(python, join(here, "reference", "cases.py"), env),
    ),
    ...single(wanted, "peak memory of training", () =>
      Number(script("memory.py", ["--device", device])),
    ),
    ...single(wanted, "load", () => best(python, join(here, "reference", "load.py"))),
  };
}

// Gives Python the BLAS that the addon brings: see native/linux/blas.cpp.
const preload = join(root, "build", "Release", "libopenblas-preload.so");
/** @type {Record<string, () => Record<string, number>>} */
const sides = {
  ours,
  python: () => theirs(existsSync(preload) ? { LD_PRELOAD: preload } : {}),
  installed: () => theirs({}),
};

/** @type {Record<string, Record<string, number>[]>} By side, a record of each round. */
const figures = { ours: [], python: [], installed: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  console.error(`round ${round + 1} of ${options.rounds}`);
  const order = Object.entries(sides);
  for (const [side, run] of round % 2 === 0 ? order : order.reverse()) {
    figures[side]?.push(run());
  }
}

/** @param {number[]} xs */
function median(xs) {
  const sorted = Float64Array.from(xs).sort();
  const last = sorted.length - 1;
  return (Number(sorted[last >> 1]) + Number(sorted[(last + 1) >> 1])) / 2;
}

/** @param {string} side @param {string} name */
function of(side, name) {
  return (figures[side] ?? []).map((round) => Number(round[name]));
}

const rows = Object.keys(figures["ours"]?.[0] ?? {}).map((name) => {
  const mine = of("ours", name);
  // Python has no `tidy`: there the same case stands for both.
  const base = name.replace(/ in tidy$/, "");
  const against = (/** @type {string} */ side) => {
    const ratios = of(side, base).map((x, i) => Number(mine[i]) / x);
    return { ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
  };
  return {
    name,
    ours: median(mine),
    python: median(of("python", base)),
    ...against("python"),
    installed: against("installed"),
  };
});

/** @param {string} name @param {number} x */
function readable(name, x) {
  const units = name.startsWith("peak memory") ? { MB: 1e-6 } : { ns: 1e9, us: 1e6, ms: 1e3, s: 1 };
  const [unit, scale] =
    Object.entries(units).find(([, factor]) => x * factor < 1000) ?? Object.entries(units)[0] ?? [];
  return `${(x * Number(scale)).toPrecision(3)} ${unit}`;
}

const machine =
  `Node ${process.versions.node}, ${output(python, ["--version"]).trim()}, ` +
  `MLX ${output(python, ["-c", "import mlx.core as mx; print(mx.__version__)"]).trim()}, ` +
  `${device}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${options.rounds} rounds` +
  (process.env["OPENBLAS_NUM_THREADS"]
    ? `, OPENBLAS_NUM_THREADS=${process.env["OPENBLAS_NUM_THREADS"]}`
    : "");
const table = [
  "| case | ours | Python | ratio | range | Python as installed, ratio |",
  "| --- | --: | --: | --: | --: | --: |",
  ...rows.map(
    (row) =>
      `| ${row.name} | ${readable(row.name, row.ours)} | ${readable(row.name, row.python)} | ` +
      `${row.ratio.toFixed(2)} | ${row.least.toFixed(2)} to ${row.most.toFixed(2)} | ` +
      `${row.installed.ratio.toFixed(2)} |`,
  ),
];
const text = `${machine}\n\n${table.join("\n")}`;
console.log(text);

if (options.save) {
  const results = join(here, "results", `${device}.json`);
  writeFileSync(results, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  const readme = join(here, "README.md");
  const [start, end] = [`<!-- ${device} -->\n`, `<!-- end of ${device} -->`];
  const [before, rest] = readFileSync(readme, "utf8").split(start);
  const [, after] = rest?.split(end) ?? [];
  if (after === undefined) {
    throw new Error(`${readme} has no place for figures of ${device}`);
  }
  writeFileSync(readme, `${before}${start}${text}\n${end}${after}`);
}
