// Every example in the documentation runs, and prints what it says it prints.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import mlx, { mx, nn, optim, utils } from "mlx-js";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";

const lib = join(import.meta.dirname ?? __dirname, "..", "lib");

interface Example {
  name: string;
  code: string;
  expected: string;
}

function examplesOf(path: string): Example[] {
  const text = readFileSync(path, "utf8");
  const examples: Example[] = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const body = comment[0].replace(/^\/\*\*|\*\/$/g, "").replace(/^[ \t]*\* ?/gm, "");
    const after = text.slice(comment.index + comment[0].length);
    const name = /^\s*(?:\/\/.*\s+)*(?:export )?([^\n({=]*)/.exec(after)?.[1]?.trim() ?? "";
    for (const block of body.split(/^@example\s*$/m).slice(1)) {
      const lines =
        block
          .split(/^@\w/m)[0]
          ?.trim()
          .replace(/^```\w*\n|\n```$/g, "") ?? "";
      const all = lines.split("\n");
      let end = all.length;
      while (end > 0 && all[end - 1]?.startsWith("//")) {
        end--;
      }
      examples.push({
        name: `${name} #${examples.length}`,
        code: all.slice(0, end).join("\n"),
        expected: all
          .slice(end)
          .map((line) => line.replace(/^\/\/ ?/, ""))
          .join("\n"),
      });
    }
  }
  return examples;
}

/** The code as a function's body that returns its last expression. */
function returning(code: string): string {
  const source = ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2022, true);
  const last = source.statements.at(-1);
  if (last === undefined || !ts.isExpressionStatement(last)) {
    return code;
  }
  return `${code.slice(0, last.getStart())}return (${last.expression.getText()});`;
}

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
