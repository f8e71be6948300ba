/**
 * Runs test files that scripts/alone.mjs bundled.
 * usage: run.mjs [-t PATTERN] NAME ...     golden, nn/losses ...
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startTests } from "@vitest/runner";

const { values, positionals } = parseArgs({
  options: { "name-pattern": { type: "string", short: "t" } },
  allowPositionals: true,
});
const pattern = values["name-pattern"];

const tasks = await startTests(
  positionals.map((name) => join(import.meta.dirname, `${name}.mjs`)),
  {
    config: {
      root: process.cwd(),
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: pattern === undefined ? undefined : new RegExp(pattern),
      allowOnly: false,
      sequence: { seed: 0, hooks: "stack", setupFiles: "list" },
      chaiConfig: undefined,
      maxConcurrency: 1,
      // For an emulated processor, and for GPUs that compile a kernel for a case.
      testTimeout: 600_000,
      hookTimeout: 600_000,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (path) => import(path),
  },
);

const counts = { passed: 0, failed: 0, skipped: 0 };

/** @param {import("@vitest/runner").Task} task @param {string} path */
function report(task, path) {
  const name = `${path}${path && " > "}${task.name}`;
  const errors = task.result?.errors ?? [];
  if (task.type === "test") {
    const state = task.result?.state;
    counts[state === "pass" ? "passed" : state === "fail" ? "failed" : "skipped"]++;
  } else if (errors.length > 0) {
    counts.failed++;
  }
  for (const { message } of errors) {
    console.log(`FAILED  ${name}\n${message}`);
  }
  for (const part of "tasks" in task ? task.tasks : []) {
    report(part, "filepath" in task ? "" : name);
  }
}

for (const file of tasks) {
  report(file, "");
}
const { passed, failed, skipped } = counts;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
