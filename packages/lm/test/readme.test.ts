// The programs in the package's README run, each in a process of its own, and print what the comments
// at their ends say.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-readme-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "mlx-js"), "junction");
symlinkSync(join(root, "packages", "lm"), join(folder, "node_modules", "mlx-js-lm"), "junction");
const { smollm2, minilm } = models();
symlinkSync(smollm2, join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"));
symlinkSync(minilm, join(folder, "all-MiniLM-L6-v2"), "junction");
afterAll(() => rmSync(folder, { recursive: true }));

const readme = readFileSync(join(root, "packages", "lm", "README.md"), "utf8");
const programs = [...readme.matchAll(/^## (\w+)\n\n```ts\n([\s\S]*?)^```$/gm)].map(
  ([, title = "", code = ""]) => ({ title, code }),
);

test("there is a program of some ten lines for each purpose", () => {
  expect(programs.map(({ title }) => title)).toEqual(["Load", "Generate", "Chat", "Embed"]);
  for (const { code } of programs) {
    expect(code.trim().split("\n").length).toBeLessThanOrEqual(13);
  }
});

test.each(programs)("$title", ({ title, code }) => {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const file = join(folder, `${title}.mjs`);
  writeFileSync(file, outputText);
  const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  const comments = /(?<=\n)(?:\/\/.*\n)+$/.exec(code)?.[0] ?? "";
  expect(stdout).toBe(comments.replace(/^\/\/ ?/gm, ""));
});
