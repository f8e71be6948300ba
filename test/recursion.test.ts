import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "./support/process";

interface Results {
  outcome: Record<string, string>;
  broken: string[];
}

// Where JavaScript's stack ends, a RangeError comes out, and nothing is left
// half done: the same functions work right after it.
describe("what is nested deeper than the stack, and what calls itself without end", () => {
  let all: { large: Results; small: Results };
  beforeAll(async () => {
    all = (await runProgram("recursion")) as typeof all;
  }, 120_000);

  test.each(["large", "small"] as const)("with a %s stack", (stack) => {
    const { outcome, broken } = all[stack];
    expect(broken).toEqual([]);
    // These see what they refuse, or need no stack, before it ends.
    const { keep, argument, message, files, ...others } = outcome;
    expect({ keep, argument, message, files }).toEqual({
      keep: "a result",
      argument: "TypeError",
      message: "TypeError",
      files: "TypeError",
    });
    expect(new Set(Object.values(others))).toEqual(new Set(["RangeError"]));
    expect(Object.keys(others).length).toBeGreaterThan(24);
  });
});
