/** Wrong, odd and damaged arguments for every export; see support/fuzzer.mjs. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const script = join(__dirname, "support", "fuzz.mjs");

function fuzz(...args: string[]): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [script, ...args]);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, lines: stdout.trim().split("\n") }));
  });
}

test("no call crashes, hangs or fails without a typed error", async () => {
  const { code, lines } = await fuzz("--seed", "1", "--runs", "20");
  const { findings, targets, calls, refused } = JSON.parse(lines.pop() ?? "");
  expect(lines.join("\n")).toBe("");
  expect({ findings, code }).toEqual({ findings: 0, code: 0 });
  // All exports were found, and enough arguments were good.
  expect(targets).toBeGreaterThan(600);
  expect(calls).toBeGreaterThan(12_000);
  expect(calls - refused).toBeGreaterThan(calls / 10);
}, 240_000);

test.each([
  ["a crash", "process.abort()", /^crash \(SIGABRT\): process\.abort\(\)/],
  ["a hang", "(() => { for (;;); })()", /^hang: /],
  ["an untyped error", "undefined.x", /^error: undefined\.x\n {2}TypeError: Cannot read prop/],
  ["somebody else's exception", "(() => { throw 7; })()", /threw 7/],
  ["a failure of the addon", "({ failure: new Error() })", /a failure of the addon/],
])("%s is found", async (_, program, message) => {
  const { code, lines } = await fuzz("--eval", program, "--patience", "3");
  expect(lines.join("\n")).toMatch(message);
  expect(code).toBe(1);
});
