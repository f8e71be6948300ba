/** Programs that try what users should not: the kinds of support/fuzz. */
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
  const { code, lines } = await fuzz("--kind", "calls", "--seed", "1", "--runs", "20");
  const { findings, targets, calls, refused } = JSON.parse(lines.pop() ?? "");
  expect(lines.join("\n")).toBe("");
  expect({ findings, code }).toEqual({ findings: 0, code: 0 });
  // All exports were found, and enough arguments were good.
  expect(targets).toBeGreaterThan(600);
  expect(calls).toBeGreaterThan(12_000);
  expect(calls - refused).toBeGreaterThan(calls / 10);
}, 240_000);

// What few runs of each reach; some have a target for each function, some take a
// process for each run.
test.each([
  ["lazyIndices", "10"],
  ["reentry", "5"],
  ["realms", "5"],
  ["failedEvaluations", "20"],
  ["typedArrays", "20"],
  ["tangents", "10"],
  ["scopes", "16"],
  ["replacedFiles", "15"],
  ["smallStacks", "30"],
  ["kernelCaches", "60"],
] as const)(
  "%s: nothing is found",
  async (kind, runs) => {
    const { code, lines } = await fuzz(
      "--kind",
      kind,
      "--seed",
      "1",
      "--runs",
      runs,
      "--patience",
      "20",
    );
    const { findings, calls } = JSON.parse(lines.pop() ?? "");
    expect(lines.join("\n")).toBe("");
    expect({ findings, code }).toEqual({ findings: 0, code: 0 });
    expect(calls).toBeGreaterThan(5);
  },
  240_000,
);

test.each([
  ["a crash", "process.abort()", /^crash \(SIGABRT\): process\.abort\(\)/],
  ["a hang", "(() => { for (;;); })()", /^hang: /],
  ["an untyped error", "undefined.x", /^error: undefined\.x\n {2}TypeError: Cannot read prop/],
  ["somebody else's exception", "(() => { throw 7; })()", /threw 7/],
  [
    "a wrong value",
    "same(() => mx.add(1, 2), () => mx.add(1, 3), true)",
    /expected .*3.*, received .*4/,
  ],
  ["a broken state", "void (mx.add = mx.multiply)", /state/],
  ["a failure of the addon", "({ failure: new Error() })", /a failure of the addon/],
])("%s is found", async (_, program, message) => {
  const { code, lines } = await fuzz("--eval", program, "--patience", "3");
  expect(lines.join("\n")).toMatch(message);
  expect(code).toBe(1);
});

test("a program that waits for longer, as on a busy machine, is no hang", async () => {
  const program = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000)";
  const { code, lines } = await fuzz("--eval", program, "--patience", "2");
  expect(lines).toHaveLength(1);
  expect(code).toBe(0);
});
