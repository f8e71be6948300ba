// How time and memory grow with what a program holds, beside Python: each case at
// each size in a process of its own, once. Times are noisy; what should be seen is
// whether ten times as much takes more than ten times as long.
// usage: scale.mjs [--most SIZE] [--only NAME] [--save]
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mx, nn, optim } from "mlx-js";
import { referencePython } from "../scripts/reference.mjs";

const file = join(tmpdir(), `mlx-js-scale-${process.pid}.safetensors`);

/** @param {number} n @param {(i: number) => mx.array} make */
function list(n, make) {
  return Array.from({ length: n }, (_, i) => make(i));
}

/** @param {number} n */
function chain(n) {
  return (/** @type {mx.array} */ x) => {
    let y = x;
    for (let i = 0; i < n; i++) {
      y = mx.sin(y);
    }
    return y;
  };
}

/** @param {number} n @param {(i: number) => mx.array} make */
function named(n, make) {
  return Object.fromEntries(list(n, make).map((x, i) => [`p${i}`, x]));
}

class Layers extends nn.Module {
  /** @type {nn.LayerNorm[]} */
  layers;

  /** @param {number} n */
  constructor(n) {
    super();
    this.layers = Array.from({ length: n }, () => new nn.LayerNorm(2));
  }
}

class Level extends nn.Module {
  weight = mx.ones([2]);
  /** @type {Level[]} */
  inner;

  /** @param {Level[]} inner */
  constructor(inner) {
    super();
    this.inner = inner;
  }
}

/** @param {number} n */
function levels(n) {
  let model = new Level([]);
  for (let i = 1; i < n; i++) {
    model = new Level([model]);
  }
  return model;
}

/** @param {Layers | Level} model */
function freezeAndTrain(model) {
  model.freeze();
  model.unfreeze();
  model.train();
  model.update(model.parameters());
  mx.eval(model);
}

/** @type {Record<string, { most: number, run: (n: number) => void }>} */
const cases = {
  "live arrays": { most: 1e6, run: (n) => mx.eval(list(n, (i) => mx.array(i))) },
  "operations in a row": { most: 1e6, run: (n) => mx.eval(chain(n)(mx.array(0.5))) },
  "gradient of operations in a row": {
    most: 1e5,
    run: (n) => mx.eval(mx.grad(chain(n))(mx.array(0.5))),
  },
  "concatenate arrays": {
    most: 1e5,
    run: (n) => mx.eval(mx.concatenate(list(n, (i) => mx.full([2], i)))),
  },
  "split into arrays": { most: 1e5, run: (n) => mx.eval(mx.split(mx.arange(n), n)) },
  "save and load arrays": {
    most: 1e5,
    run: (n) => {
      mx.saveSafetensors(
        file,
        named(n, (i) => mx.array([i])),
      );
      mx.eval(mx.load(file));
      rmSync(file);
    },
  },
  "freeze, train and update layers": {
    most: 1e5,
    run: (n) => freezeAndTrain(new Layers(n)),
  },
  "freeze, train and update nested layers": {
    most: 1e5,
    run: (n) => freezeAndTrain(levels(n)),
  },
  "AdamW of parameters": {
    most: 1e4,
    run: (n) => {
      const parameters = named(n, () => mx.zeros([2]));
      const gradients = named(n, () => mx.ones([2]));
      const optimizer = new optim.AdamW(1e-3);
      mx.eval(optimizer.applyGradients(gradients, parameters), optimizer.state);
    },
  },
  "clip gradients": {
    most: 1e5,
    run: (n) =>
      mx.eval(
        optim.clipGradNorm(
          named(n, () => mx.ones([2])),
          1,
        ),
      ),
  },
};

const { values: options } = parseArgs({
  options: {
    case: { type: "string" },
    size: { type: "string" },
    most: { type: "string", default: "1000000" },
    only: { type: "string", default: "" },
    save: { type: "boolean", default: false },
  },
});

/** @typedef {{ seconds: number, bytes: number }} Cost */

/** @param {string} command @param {string[]} args @returns {Cost | undefined} */
function cost(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** @param {Cost} ours @param {Cost | undefined} theirs */
function cell(ours, theirs) {
  const ratio = (/** @type {number} */ a, /** @type {number | undefined} */ b) =>
    b === undefined ? "" : ` (${(a / b).toFixed(1)})`;
  return (
    `${Number((1000 * ours.seconds).toPrecision(2))} ms${ratio(ours.seconds, theirs?.seconds)}, ` +
    `${Math.round(ours.bytes / 1e6)} MB${ratio(ours.bytes, theirs?.bytes)}`
  );
}

function compare() {
  const sizes = [1e3, 1e4, 1e5, 1e6].filter((size) => size <= Number(options.most));
  const python = referencePython();
  const here = fileURLToPath(import.meta.url);
  const reference = fileURLToPath(new URL("reference/scale.py", import.meta.url));
  const rows = Object.entries(cases)
    .filter(([name]) => name.includes(options.only))
    .map(([name, { most }]) => {
      const cells = sizes.map((size) => {
        const args = ["--case", name, "--size", String(size)];
        const ours = size <= most ? cost(process.execPath, [here, ...args]) : undefined;
        return ours === undefined ? "" : cell(ours, cost(python, [reference, ...args]));
      });
      console.error(name);
      return `| ${name} | ${cells.join(" | ")} |`;
    });
  return [
    `| case | ${sizes.map((size) => size.toLocaleString("en")).join(" | ")} |`,
    `| --- |${" --- |".repeat(sizes.length)}`,
    ...rows,
  ].join("\n");
}

if (options.case !== undefined) {
  const start = performance.now();
  cases[options.case]?.run(Number(options.size));
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ seconds, bytes: process.resourceUsage().maxRSS * 1024 }));
} else {
  const table = compare();
  console.log(table);
  if (options.save) {
    const readme = fileURLToPath(new URL("README.md", import.meta.url));
    const [start, end] = ["<!-- scale -->\n", "<!-- end of scale -->"];
    const [before, rest] = readFileSync(readme, "utf8").split(start);
    const [, after] = rest?.split(end) ?? [];
    writeFileSync(readme, `${before}${start}${table}\n${end}${after}`);
  }
}
