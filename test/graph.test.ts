import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "./support/process";
import { sanitized } from "./support/sanitized.js";

// MLX goes through graphs recursively: with 200,000 operations after each other
// it would leave the stack of the main thread, with a tenth of that a worker's.
describe("graphs of many operations after each other", () => {
  let large: unknown;
  let small: unknown;
  beforeAll(
    async () => {
      ({ large, small } = (await runProgram("deep")) as { large: unknown; small: unknown });
    },
    sanitized ? 400_000 : 120_000,
  );

  test("on the main thread", () => {
    expect(large).toEqual({
      valueAndGrad: [200_009, 6],
      jvp: [[[200_002, 200_003]], [[5, 7]]],
      vmap: [[[200_002, 200_003]], [5]],
      compile: 60_002,
      compiledVmap: [2, 3],
      tooDeepToExport: tooDeep(200_001),
    });
  });

  test("in a worker that has a stack of one megabyte", () => {
    expect(small).toEqual({
      evaluation: 25_002,
      printing: "array(25002, dtype=float32)",
      depends: [25_002],
      valueAndGrad: [25_009, 6],
      nested: 30,
      vjp: [[[25_002, 25_003]], [[5, 7]]],
      jvp: [[[25_002, 25_003]], [[5, 7]]],
      vmap: [[[25_002, 25_003]], [5]],
      vmapOfGrad: [4, 6],
      checkpoint: [2 * 25_002, [25_002, 25_003].map((y) => Math.fround(y * y)), [13 * 2 * 25_002]],
      ownVjp: [11, [25_002, 25_003], [13]],
      ownJvp: [1, [143]],
      captured: [[25_002, 25_002], [3 * 25_002, 4 * 25_002], [13 * 25_002]],
      siblings: [2, 1],
      compile: 8_002,
      compiledGrad: 6,
      compiledCapture: [3 * 8_002, 8_002],
      compiledVmap: [2, 3],
      exportToDot: 25_000,
      exportFunction: [1_503],
      tooDeepToExport: tooDeep(25_001),
      left: true,
    });
  });
});

function tooDeep(depth: number): unknown {
  return expect.stringMatching(
    new RegExp(
      `^RangeError: \\[exportFunction\\] fun: expected at most \\d+ operations after each other, ` +
        `which the stack of this thread has room for, received ${depth}\\. Export it in parts\\.$`,
    ),
  );
}
