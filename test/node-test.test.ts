// The package in tests of node:test.
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./support/process.js";

test("node:test", async () => {
  const file = join(__dirname, "frameworks", "comparing.node.mjs");
  // Who is run by node:test reports to it, if this says so.
  const env = { NODE_TEST_CONTEXT: undefined };
  const { code, stdout } = await run(["--test", "--test-reporter=tap", file], { env });
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("# pass 2\n"),
  });
});
