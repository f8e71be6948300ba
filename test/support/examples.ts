/** The examples in the comments of the sources. */
import { readFileSync } from "node:fs";
import ts from "typescript";

export interface Example {
  name: string;
  code: string;
  expected: string;
}

/** The examples in the comments of a source, with what they say that they give. */
export function examplesOf(path: string): Example[] {
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
export function returning(code: string): string {
  const source = ts.createSourceFile("example.ts", code, ts.ScriptTarget.ES2022, true);
  const last = source.statements.at(-1);
  if (last === undefined || !ts.isExpressionStatement(last)) {
    return code;
  }
  return `${code.slice(0, last.getStart())}return (${last.expression.getText()});`;
}
