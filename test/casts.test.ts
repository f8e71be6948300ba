// People learn from the guides and the examples: a cast there would tell them that the types
// need help.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = join(import.meta.dirname ?? __dirname, "..");

function filesIn(folder: string, name: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => name.test(file) && !/(^|[\\/])(node_modules|out|dist)[\\/]/.test(file))
    .map((file) => join(folder, file));
}

const guides = ["README.md", ...filesIn("docs", /\.md$/), ...filesIn("examples", /\.md$/)];
const programs = filesIn("examples", /\.m?ts$/);

/** What a program says of types without TypeScript's knowing it: casts, `!` and `any`. */
function castsIn(code: string): string[] {
  const file = ts.createSourceFile("program.ts", code, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isCast = ts.isAsExpression(node) && node.type.getText() !== "const";
    const isAny = node.kind === ts.SyntaxKind.AnyKeyword;
    if (isCast || isAny || ts.isTypeAssertionExpression(node) || ts.isNonNullExpression(node)) {
      found.push((isAny ? node.parent : node).getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test("casts are found", () => {
  const code = "const a = b as C, d = e!, f: any = <G>h, i = [1] as const;";
  expect(castsIn(code)).toEqual(["b as C", "e!", "f: any = <G>h", "<G>h"]);
});

test.each(programs)("%s has none", (program) => {
  expect(castsIn(readFileSync(join(root, program), "utf8"))).toEqual([]);
});

test("the guides have none", () => {
  let count = 0;
  for (const guide of guides) {
    const text = readFileSync(join(root, guide), "utf8");
    for (const [, code = ""] of text.matchAll(/^```[jt]s\n([\s\S]*?)^```$/gm)) {
      expect(castsIn(code), guide).toEqual([]);
      count++;
    }
  }
  expect(count).toBeGreaterThan(50);
});
