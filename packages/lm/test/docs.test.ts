// Every example in the comments runs, and gives or prints what it says.
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { mx } from "mlx-js";
import * as lm from "mlx-js-lm";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";
import { examplesOf, returning } from "../../../test/support/examples.js";

const src = join(__dirname, "..", "src");
const documented = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort()
  .map((file) => ({ file, examples: examplesOf(join(src, file)) }))
  .filter(({ examples }) => examples.length > 0);

// Where the models that the examples name are.
const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-docs-"));
const { smollm2, minilm } = models();
symlinkSync(smollm2, join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"));
symlinkSync(minilm, join(folder, "all-MiniLM-L6-v2"), "junction");

let loaded: lm.Loaded;
beforeAll(async () => {
  process.chdir(folder);
  loaded = await lm.load("SmolLM2-135M-Instruct.Q4_1.gguf");
});
afterAll(() => {
  loaded[Symbol.dispose]();
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

/** Runs an example, and gives its last value, or what it prints. */
async function resultOf(code: string): Promise<string> {
  let printed = "";
  const scope = {
    ...{ ...lm, mx, loaded },
    process: { stdout: { write: (text: string) => (printed += text) } },
  };
  const program = `return (async ({ ${Object.keys(scope)} }) => {\n${returning(code)}\n})`;
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { target: ts.ScriptTarget.ES2022 },
  });
  const value: unknown = await new Function(outputText)()(scope);
  return value === undefined ? printed : typeof value === "string" ? value : inspect(value);
}

describe.each(documented)("$file", ({ examples }) => {
  test.each(examples)("$name", async ({ code, expected }) => {
    expect(expected).not.toBe("");
    expect(await resultOf(code)).toBe(expected);
  });
});
