// Every example in the documentation runs, and prints what it says it prints.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import mlx, { mx, nn, optim, utils } from "mlx-js";
import { afterAll, describe, expect, test } from "vitest";
import { examplesOf, returning } from "./support/examples.js";

const lib = join(import.meta.dirname ?? __dirname, "..", "lib");

const files = readdirSync(lib, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort();

const exported = new Set(
  [
    mx,
    mx.fast,
    mx.fft,
    mx.linalg,
    mx.random,
    mx.distributed,
    mx.metal,
    mx.cuda,
    nn,
    nn.init,
    nn.losses,
    optim,
    utils,
  ].flatMap(Object.keys),
);

test.each(files)("%s: every exported function has a comment", (file) => {
  const text = readFileSync(join(lib, file), "utf8").replace(/^\/\/ biome-ignore.*\n/gm, "");
  const bare = [...text.matchAll(/(\S+)\s*\nexport (?:async )?function (\w+)/g)]
    // Before it stands a comment, or another signature of the same function.
    .filter(([, before]) => before !== "*/" && !before?.endsWith(";"))
    .map(([, , name]) => name as string);
  expect(bare.filter((name) => exported.has(name))).toEqual([]);
});

// What examples call `path`: the name of a file.
const folder = mkdtempSync(join(tmpdir(), "mlx-js-docs-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const scope = { mlx, mx, nn, optim, utils, path: join(folder, "example") };

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

const documented = files
  .map((file) => ({ file, examples: examplesOf(join(lib, file)) }))
  .filter(({ examples }) => examples.length > 0);

describe.each(documented)("$file", ({ examples }) => {
  test.each(examples)("$name", async ({ code, expected }) => {
    const run = new AsyncFunction(...Object.keys(scope), returning(code));
    const result: unknown = await run(...Object.values(scope));
    if (expected !== "") {
      expect(typeof result === "string" ? result : inspect(result)).toBe(expected);
    }
  });
});
