// The package in vitest, in the realm of Node and in others.
import { expect, test } from "vitest";
import { runVitest } from "./support/frameworks.js";

test.each(["forks", "threads", "vmForks", "vmThreads"])("--pool %s", async (pool) => {
  expect(await runVitest("--pool", pool)).toEqual({ passed: 87, failures: [] });
});
