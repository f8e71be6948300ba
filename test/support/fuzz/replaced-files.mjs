// Files that another thread replaces or writes anew while they are read.
import { copyFileSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import mlx from "mlx-js";
import { Finding, isTyped, text } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ format: string, how: string, sizes: [number, number], lazily: boolean }} Case */

const { core: mx } = mlx;

/** @type {Record<string, { save: (file: string, x: Any) => void, load: (file: string) => Any }>} */
const formats = {
  npy: { save: (file, x) => mx.save(file, x), load: (file) => mx.load(file, { format: "npy" }) },
  npz: {
    save: (file, x) => mx.savez(file, { x }),
    load: (file) => /** @type {Any} */ (mx.load(file, { format: "npz" })).x,
  },
  compressed: {
    save: (file, x) => mx.savezCompressed(file, { x }),
    load: (file) => /** @type {Any} */ (mx.load(file, { format: "npz" })).x,
  },
  safetensors: {
    save: (file, x) => mx.saveSafetensors(file, { x }),
    load: (file) => /** @type {Any} */ (mx.load(file, { format: "safetensors" })).x,
  },
  gguf: {
    save: (file, x) => mx.saveGguf(file, { x }),
    load: (file) => /** @type {Any} */ (mx.load(file, { format: "gguf" })).x,
  },
  mlxfn: {
    save: (file, x) =>
      mx.exportFunction(file, (/** @type {Any} */ y) => mx.add(x, mx.sum(y)), [mx.zeros([2])]),
    load: (file) => mx.importFunction(file)(mx.zeros([2]))[0],
  },
};

const writer = `
  const { copyFileSync, readFileSync, renameSync, writeFileSync, truncateSync } = require("node:fs");
  const { workerData: { target, sources, how, end } } = require("node:worker_threads");
  const contents = sources.map((file) => readFileSync(file));
  for (let i = 0; !Atomics.load(end, 0); i++) {
    if (how === "rename") {
      copyFileSync(sources[i % 2], target + ".next");
      renameSync(target + ".next", target);
    } else if (how === "cut") {
      truncateSync(target, i % 200);
      writeFileSync(target, contents[i % 2]);
    } else {
      writeFileSync(target, contents[i % 2]);
    }
  }`;

/** @param {Case} c */
async function replacedFiles({ format, how, sizes, lazily }) {
  const { save, load } = /** @type {Any} */ (formats[format]);
  const extension = { compressed: "npz" }[format] ?? format;
  const sources = sizes.map((_, i) => `source${i}.${extension}`);
  for (const [i, size] of sizes.entries()) {
    // The large ones are longer than what the system reads ahead.
    save(sources[i], mx.multiply(mx.ones([size]), i === 0 ? 3 : 5));
  }
  const target = `target.${extension}`;
  copyFileSync(/** @type {string} */ (sources[0]), target);
  const end = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(writer, { eval: true, workerData: { target, sources, how, end } });
  await new Promise((resolve) => worker.once("online", resolve));
  /** @type {Any} */
  let found;
  for (let i = 0; i < 60 && found === undefined; i++) {
    try {
      mx.tidy(() => {
        const x = load(target);
        if (lazily) {
          mx.eval(mx.exp(mx.ones([1000])));
        }
        const right = sizes.some(
          (size, n) =>
            x.size === size && mx.array([mx.all(mx.equal(x, n === 0 ? 3 : 5)).item()]).item(),
        );
        // What is written in place may be read half.
        if (!right && how === "rename") {
          found = new Finding(`read ${text(x.get(":4").tolist())} of ${x.size}`);
        }
      });
    } catch (error) {
      if (!isTyped(error) || error instanceof TypeError) {
        found = error;
      }
    }
  }
  Atomics.store(end, 0, 1);
  await new Promise((resolve) => worker.once("exit", resolve));
  writeFileSync(target, "");
  if (found !== undefined) {
    throw found;
  }
}

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { replacedFiles },
  targets: Object.keys(formats).map((format) => ({
    name: `a file that is replaced, ${format}`,
    cost: 15,
    programs: () =>
      fc
        .record({
          format: fc.constant(format),
          how: fc.constantFrom("rename", "inPlace", "cut"),
          sizes: fc.tuple(fc.constantFrom(1, 7, 3000), fc.constantFrom(2, 900, 40_000, 400_000)),
          lazily: fc.boolean(),
        })
        .map((c) => `replacedFiles(${JSON.stringify(c)})`),
  })),
};
