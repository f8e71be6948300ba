// The package in Jest, which runs each file of tests in a realm of its own, with
// a copy of the package's JavaScript.
import { expect, test } from "vitest";
import { runJest } from "./support/frameworks.js";

test("another realm, modules loaded anew, comparisons with and without mlx-js/testing", async () => {
  expect(await runJest()).toEqual({ passed: 89, failures: [] });
});
