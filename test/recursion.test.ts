import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "./support/process";
import { sanitized } from "./support/sanitized.js";

interface Results {
  refused: Record<string, string>;
  walks: Record<string, string>;
  endless: Record<string, string>;
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
    sanitized ? 400_000 : 240_000,
  );

  test.each(["large", "small"] as const)("with a %s stack", (stack) => {
    const { refused, walks, endless, broken } = all[stack];
    expect(broken).toEqual([]);
    expect(refused).toEqual({
      argument: "TypeError",
      message: "TypeError",
      array: "RangeError",
      index: "RangeError",
      files: "TypeError",
      updateOther: "RangeError",
    });
    // Trees and modules need no stack: these go through them by loops.
    const { eval: evaluated, keep, train, printed, ...values } = walks;
    expect({ evaluated, keep, train, printed }).toEqual({
      evaluated: "undefined",
      keep: "undefined",
      train: "true",
      printed: "201,(inner.0): Level(...),) with 10,000 parameters",
    });
    expect(values).toEqual({
      grad: "2",
      vmap: "1",
      vmapArgument: "1",
      compiled: "1",
      checkpoint: "1",
      treeMap: "1",
      treeFlatten: "1",
      treeUnflatten: "1",
      treeMerge: "2",
      treeReduce: "2",
      optimizer: "0",
      optimizers: "0",
      clip: "1",
      fields: "1",
      quantize: "1",
      compiledState: "1",
      recomputed: "1",
      files: "1",
    });
    expect(new Set(Object.values(endless))).toEqual(new Set(["RangeError"]));
    expect(Object.keys(endless)).toHaveLength(12);
  });
});
