// Compiled kernels that are damaged, swept away or replaced, before a process
// and while it works: what is computed is right.
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { randomOf } from "../damages.mjs";
import { removeFolder } from "../folders.mjs";
import { child } from "./child.mjs";
import { expectSame, Finding } from "./finding.mjs";

/** @typedef {{ before: [string, number][], during: [string, number][], functions: number[] }} Case */

/** @type {Record<string, (path: string, random: (n: number) => number) => void>} */
const damages = {
  cut: (path, random) => truncateSync(path, random(statSync(path).size + 1)),
  cutToPage: (path, random) => truncateSync(path, Math.min(4096 * random(4), statSync(path).size)),
  empty: (path) => truncateSync(path, 0),
  noise: (path, random) =>
    writeFileSync(path, Buffer.from(Array.from({ length: 9000 }, () => random(256)))),
  longer: (path) => appendFileSync(path, "more"),
  remove: (path) => rmSync(path),
  folder(path) {
    rmSync(path);
    mkdirSync(path);
  },
  dangling(path) {
    rmSync(path);
    symlinkSync("/nowhere/at/all", path);
  },
  text: (path) => writeFileSync(path, "no library"),
  unreadable: (path) => chmodSync(path, 0),
};

/** @type {Record<string, (folder: string) => void>} Of everything. */
const sweeps = {
  sweep(folder) {
    for (const name of names(folder)) {
      removeFolder(join(folder, name));
    }
  },
  sweepAll: removeFolder,
};

/**
 * The files below a folder, where a process may make and remove others meanwhile.
 * @param {string} folder
 * @returns {string[]}
 */
function files(folder) {
  return names(folder).flatMap((name) => {
    const path = join(folder, name);
    const info = lstatSync(path, { throwIfNoEntry: false });
    return info?.isDirectory() ? files(path) : info?.isFile() ? [path] : [];
  });
}

/** @param {string} folder */
function names(folder) {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") {
      return [];
    }
    throw error;
  }
}

/**
 * @param {string} root
 * @param {[string, number][]} list
 */
function damage(root, list) {
  for (const [name, seed] of list) {
    const random = randomOf(seed);
    const folder = join(root, random(2) === 0 ? "cache" : "tmp");
    if (sweeps[name]) {
      sweeps[name](folder);
      continue;
    }
    for (const path of files(folder)) {
      if (random(3) > 0) {
        // It is gone when a process that uses it ends.
        try {
          damages[name]?.(path, random);
        } catch {}
      }
    }
  }
  // What a cleaner does not do to the temporary folder itself.
  mkdirSync(join(root, "tmp"), { recursive: true });
}

const bodies = [
  "(x) => mx.exp(mx.add(x, 1))",
  "(x) => mx.multiply(mx.sin(x), mx.cos(x))",
  "(x) => mx.add(mx.square(x), mx.sqrt(mx.abs(x)))",
];
const plain = (/** @type {number[]} */ which) =>
  which.map((i) => `(${bodies[i % bodies.length]})(mx.array([1, 2, 3])).tolist()`).join(", ");
const compiled = (/** @type {number[]} */ which) =>
  which
    .map((i) => `mx.compile(${bodies[i % bodies.length]})(mx.array([1, 2, 3])).tolist()`)
    .join(", ");

/** @param {Case} c */
async function kernelCaches({ before, during, functions }) {
  const root = mkdtempSync(join(tmpdir(), "mlx-js-caches-"));
  try {
    const env = { XDG_CACHE_HOME: join(root, "cache"), TMPDIR: join(root, "tmp") };
    mkdirSync(env.TMPDIR);
    const program = `
      mx.setDefaultDevice(mx.cpu);
      const tmpdir = process.env.TMPDIR;
      const first = [${compiled(functions.slice(0, 1))}];
      ${during.length > 0 ? "await now();" : ""}
      const rest = [${compiled(functions)}];
      report({ first, rest, plain: [${plain(functions)}], same: tmpdir === process.env.TMPDIR });`;
    await child(program, { env });
    damage(root, before);
    const report = await child(program, { env, during: () => damage(root, during) });
    expectSame(report.first, report.plain.slice(0, 1));
    expectSame(report.rest, report.plain);
    expectSame(report.same, true);
    const left = files(env.TMPDIR);
    if (left.length > 0 && before.length + during.length === 0) {
      throw new Finding(`stays behind: ${left}`);
    }
  } finally {
    removeFolder(root);
  }
}

const list = fc.array(
  fc.tuple(fc.constantFrom(...Object.keys(damages), ...Object.keys(sweeps)), fc.nat(1000)),
  { maxLength: 2 },
);

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { kernelCaches },
  targets: [...Object.keys(damages), ...Object.keys(sweeps)].map((name) => ({
    name: `a cache of kernels after ${name}`,
    cost: 60,
    programs: () =>
      fc
        .record({
          seed: fc.nat(1000),
          at: fc.boolean(),
          before: list,
          during: list,
          functions: fc.array(fc.nat(2), { minLength: 1, maxLength: 2 }),
        })
        .map(({ seed, at, before, during, functions }) => {
          const own = /** @type {[string, number]} */ ([name, seed]);
          const c = at
            ? { before: [...before, own], during, functions }
            : { before, during: [...during, own], functions };
          return `kernelCaches(${JSON.stringify(c)})`;
        }),
  })),
};
