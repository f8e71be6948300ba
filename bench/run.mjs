// Runs the same programs here and in Python MLX, in turn, and prints how many
// times Python's time ours takes: README.md.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { referencePython } from "../scripts/reference.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    device: { type: "string", default: "cpu" },
    only: { type: "string", default: "" },
    warm: { type: "string", default: "2" },
    before: { type: "string", default: "" },
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

const names = JSON.parse(output(process.execPath, [join(here, "cases.mjs"), "--list"]));

/** A copy of this folder whose `mlx-js` is the one that is built in another folder. @param {string} folder */
function benchOf(folder) {
  const copy = mkdtempSync(join(tmpdir(), "mlx-js-bench-"));
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
  cpSync(here, join(copy, "bench"), { recursive: true });
  cpSync(join(root, "dist-examples"), join(copy, "dist-examples"), { recursive: true });
  const modules = join(copy, "node_modules");
  mkdirSync(modules);
  symlinkSync(resolve(folder), join(modules, "mlx-js"));
  symlinkSync(join(root, "node_modules", "tinybench"), join(modules, "tinybench"));
  return join(copy, "bench");
}

/**
 * What each side runs for a case, and which figures that gives, by their names. Python has no `tidy`: there the same case
 * stands for both. Ours is given the folder of the benchmark, whose `mlx-js` it measures.
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {(bench: string) => Record<string, number>} ours
 * @property {(env: Record<string, string>) => number} python
 * @property {boolean} [anyBlas] Whether the BLAS makes no difference.
 */

// Between two processors it takes 8 to 80 microseconds, as they happen to wake.
const onOneProcessor = "eval of a small array";

/** @param {string} name @returns {Case} */
function measured(name) {
  const args = ["--device", device, "--warm", options.warm, "--case", name];
  /** @type {(command: string, path: string, env?: Record<string, string>) => Record<string, number>} */
  const run = (command, path, env) => {
    const words = [command, path, ...args];
    const pinned = name === onOneProcessor && process.platform === "linux";
    const [program, ...rest] = pinned ? ["taskset", "--cpu-list", "0", ...words] : words;
    return JSON.parse(output(String(program), rest, env));
  };
  return {
    name,
    ours: (bench) => run(process.execPath, join(bench, "cases.mjs")),
    python: (env) => Number(run(python, join(here, "reference", "cases.py"), env)[name]),
  };
}

/**
 * The least of several times that a module takes to load. A BLAS that is to be preloaded is loaded within that time, since the
 * addon loads it then, too, and as here it makes no threads.
 *
 * @param {string} name @param {string} ours @param {string} theirs @returns {Case}
 */
function loading(name, ours, theirs) {
  const best = (/** @type {() => string} */ run) =>
    Math.min(...Array.from({ length: 15 }, () => Number(run())));
  return {
    name,
    ours: (bench) => ({
      [name]: best(() => output(process.execPath, [join(bench, "load.mjs"), ours])),
    }),
    python: ({ LD_PRELOAD: blas = [] }) => {
      const args = [join(here, "reference", "load.py"), theirs].concat(blas);
      return best(() => output(python, args, { OPENBLAS_DEFAULT_NUM_THREADS: "1" }));
    },
  };
}

/** @param {string} bench @param {string[]} flags */
function memory(bench, ...flags) {
  return Number(
    output(process.execPath, [join(bench, "memory.mjs"), "--device", device, ...flags]),
  );
}

/** @type {Case[]} */
const every = [
  ...names.filter((/** @type {string} */ name) => !name.endsWith(" in tidy")).map(measured),
  {
    name: "peak memory of training",
    ours: (bench) => ({
      "peak memory of training": memory(bench),
      "peak memory of training in tidy": memory(bench, "--tidy"),
    }),
    python: (env) =>
      Number(output(python, [join(here, "reference", "memory.py"), "--device", device], env)),
    anyBlas: true,
  },
  loading("load", "mlx-js", "mlx.core"),
  loading("load of mlx.nn", "mlx-js/nn", "mlx.nn"),
];
const cases = every.filter(({ name }) => name.includes(options.only));

// Gives Python the BLAS that the addon brings: see native/linux/blas.cpp.
const preload = join(root, "build", "Release", "libopenblas-preload.so");
const sameBlas = existsSync(preload) ? { LD_PRELOAD: preload } : {};

const before = options.before && benchOf(options.before);

/**
 * The figures of the build before, of which there are none for what it does not have.
 *
 * @param {Case} what @returns {Record<string, number>}
 */
function figuresBefore(what) {
  try {
    return before ? what.ours(before) : {};
  } catch (error) {
    console.error(String(error));
    return {};
  }
}

/** @typedef {{ ours: Record<string, number>, before: Record<string, number>, python: number, again: number }} Round */

/** @type {Map<Case, { rounds: Round[], installed: number }>} */
const figures = new Map();
for (const what of cases) {
  console.error(what.name);
  // The sides run in turn within seconds, since the machine's speed changes from one minute to the next.
  const rounds = Array.from({ length: Number(options.rounds) }, (_, round) => {
    const first = round % 2 === 0 ? what.ours(here) : undefined;
    const python = what.python(sameBlas);
    const earlier = figuresBefore(what);
    const ours = first ?? what.ours(here);
    return { ours, before: earlier, python, again: what.python(sameBlas) };
  });
  const installed = what.anyBlas ? Number(rounds[0]?.python) : what.python({});
  figures.set(what, { rounds, installed });
}

/** @param {number[]} xs */
function median(xs) {
  const sorted = Float64Array.from(xs).sort();
  const last = sorted.length - 1;
  return (Number(sorted[last >> 1]) + Number(sorted[(last + 1) >> 1])) / 2;
}

const rows = [...figures.values()].flatMap(({ rounds, installed }) =>
  Object.keys(rounds[0]?.ours ?? {}).map((name) => {
    const mine = rounds.map(({ ours }) => Number(ours[name]));
    const ratios = rounds.map(({ python }, i) => Number(mine[i]) / python);
    const itself = rounds.map(({ python, again }) => again / python);
    const earlier = rounds.map(({ before }, i) => Number(before[name]) / Number(rounds[i]?.python));
    return {
      name,
      ours: median(mine),
      python: median(rounds.map(({ python }) => python)),
      ratio: median(ratios),
      least: Math.min(...ratios),
      most: Math.max(...ratios),
      itself: { least: Math.min(...itself), most: Math.max(...itself) },
      installed: median(mine) / installed,
      ...(before && { before: median(earlier) }),
    };
  }),
);

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
  (options.warm === "2" ? "" : `, --warm ${options.warm}`) +
  (process.env["OPENBLAS_NUM_THREADS"]
    ? `, OPENBLAS_NUM_THREADS=${process.env["OPENBLAS_NUM_THREADS"]}`
    : "");
const table = [
  `| case | ours | Python | ratio | range | Python beside itself | Python as installed, ratio |${before && " ratio before |"}`,
  `| --- | --: | --: | --: | --: | --: | --: |${before && " --: |"}`,
  ...rows.map(
    (row) =>
      `| ${row.name} | ${readable(row.name, row.ours)} | ${readable(row.name, row.python)} | ` +
      `${row.ratio.toFixed(2)} | ${row.least.toFixed(2)} to ${row.most.toFixed(2)} | ` +
      `${row.itself.least.toFixed(2)} to ${row.itself.most.toFixed(2)} | ${row.installed.toFixed(2)} |` +
      (row.before === undefined
        ? ""
        : ` ${Number.isNaN(row.before) ? "none" : row.before.toFixed(2)} |`),
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
