// The package in vitest, in the realm of Node and in others.
import { expect, test } from "vitest";
import { runVitest } from "./support/frameworks.js";

test.concurrent.each(["forks", "threads", "vmForks", "vmThreads"])("--pool %s", async (pool) => {
  expect(await runVitest("realms", "--pool", pool)).toEqual({ passed: 15, failures: [] });
});
