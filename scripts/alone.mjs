// Bundles the tests, so that they run where there is nothing but a Node and an
// installed mlx-js: on an emulated processor, or on a machine with a GPU.
// usage: alone.mjs FOLDER     then, in that folder: node run.mjs golden
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { runScript, SetupError } from "./mlx.mjs";
import { filesBelow } from "./package/platforms.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const tests = join(root, "test");
const own = join(tests, "support", "alone");

// What a test may need of Node: no processes, which an emulated one cannot start.
const allowed = /^(mlx-js(\/\w+)?|node:(?!child_process|cluster|net|worker_threads)[\w/]+)$/;
// What is read, with the place where the bundles look for it. What else a test
// reads of the checkout is not there.
const read = {
  "test/golden": "golden",
  "examples/digits/digits.npz": "examples/digits/digits.npz",
};

/** @typedef {{ code: string, imports: string[], moduleIds: string[] }} Chunk */

/** All names of tests. */
function names() {
  return filesBelow(tests).flatMap(
    (path) => /^(?!.*node_modules)(.*)\.test\.ts$/.exec(path)?.[1] ?? [],
  );
}

/** @returns {Promise<Map<string, Chunk>>} */
async function chunks() {
  const builder = await rolldown({
    input: Object.fromEntries([
      ["run", join(own, "run.mjs")],
      ...names().map((name) => [name, join(tests, `${name}.test.ts`)]),
    ]),
    platform: "node",
    plugins: [
      {
        name: "modules",
        // What exports nothing would be what package.json says of the whole checkout.
        transform: (code, id) => (id.endsWith(".test.ts") ? `${code}\nexport {};` : undefined),
      },
    ],
    // Only vitest's parts become part of the bundle.
    external: (id, importer) =>
      /^[^./]/.test(id) &&
      !/^(vitest$|@vitest\/|expect-type$)/.test(id) &&
      (id.startsWith("node:") || !importer?.includes("node_modules")),
    resolve: { alias: { vitest: join(own, "vitest.mjs") } },
    transform: { target: "node20" },
    logLevel: "silent",
  });
  const { output } = await builder.generate({
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "chunks/[name]-[hash].mjs",
  });
  return new Map(
    output.flatMap((part) =>
      part.type === "chunk"
        ? [[part.fileName, { ...part, imports: [...part.imports, ...part.dynamicImports] }]]
        : [],
    ),
  );
}

/** @param {string} part @param {Chunk | undefined} chunk */
function fits(part, chunk) {
  if (chunk === undefined) {
    return allowed.test(part);
  }
  const ids = chunk.moduleIds.filter((id) => id.startsWith(root) && !id.includes("node_modules"));
  return ids.every((id) => id.startsWith(tests) && (id.startsWith(own) || !looksAround(id)));
}

/** Whether it looks for files beside itself; those of values are brought along. @param {string} id */
function looksAround(id) {
  return !id.endsWith("golden.ts") && /\b__dirname\b|import\.meta/.test(readFileSync(id, "utf8"));
}

/**
 * Bundles the test files that need nothing but mlx-js.
 *
 * @param {string} folder
 * @returns {Promise<string[]>} their names, as `run.mjs` in the folder takes them
 */
export async function bundleTests(folder) {
  const all = await chunks();
  /** @param {string} name */
  const partsOf = (name) => {
    const parts = new Set([`${name}.mjs`]);
    for (const part of parts) {
      for (const next of all.get(part)?.imports ?? []) {
        parts.add(next);
      }
    }
    return [...parts];
  };
  const fitting = names().filter((name) =>
    partsOf(name).every((part) => fits(part, all.get(part))),
  );
  rmSync(folder, { recursive: true, force: true });
  for (const part of new Set(["run", ...fitting].flatMap(partsOf))) {
    const code = all.get(part)?.code;
    if (code !== undefined) {
      mkdirSync(dirname(join(folder, part)), { recursive: true });
      writeFileSync(join(folder, part), code);
    }
  }
  for (const [from, to] of Object.entries(read)) {
    cpSync(join(root, from), join(folder, to), { recursive: true });
  }
  return fitting;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(async () => {
    const [folder] = process.argv.slice(2);
    if (folder === undefined) {
      throw new SetupError("usage: alone.mjs FOLDER");
    }
    console.log((await bundleTests(folder)).join("\n"));
  });
}
