// The package in Jest, which runs each file of tests in a realm of its own.
import { expect, test } from "vitest";
import { runJest } from "./support/frameworks.js";

test("another realm", async () => {
  expect(await runJest("realms")).toEqual({ passed: 15, failures: [] });
});
