import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "./support/process";
import { sanitized } from "./support/sanitized.js";

interface Results {
  outcome: Record<string, string>;
  broken: string[];
}

// Where JavaScript's stack ends, a RangeError comes out, and nothing is left
// half done: the same functions work right after it.
describe("what is nested deeper than the stack, and what calls itself without end", () => {
  let all: { large: Results; small: Results };
  beforeAll(
    async () => {
      all = (await runProgram("recursion")) as typeof all;
    },
    sanitized ? 400_000 : 120_000,
  );

  test.each(["large", "small"] as const)("with a %s stack", (stack) => {
    const { outcome, broken } = all[stack];
    expect(broken).toEqual([]);
    // These see what they refuse before the stack ends.
    const { argument, message, files, ...rest } = outcome;
    expect({ argument, message, files }).toEqual({
      argument: "TypeError",
      message: "TypeError",
      files: "TypeError",
    });
    // These need no stack: they go through trees by loops.
    const {
      keep,
      eval: evaluated,
      vmap,
      compiled,
      treeMap,
      treeFlatten,
      optimizer,
      parameters,
      update,
      ...others
    } = rest;
    const walks = [
      keep,
      evaluated,
      vmap,
      compiled,
      treeMap,
      treeFlatten,
      optimizer,
      parameters,
      update,
    ];
    expect(new Set(walks)).toEqual(new Set(["a result"]));
    expect(new Set(Object.values(others))).toEqual(new Set(["RangeError"]));
    expect(Object.keys(rest).length).toBeGreaterThan(24);
  });
});
