// The programs of test/programs on all runtimes: what an application lives
// with beside its own values, that is memory, threads and the event loop.
import { describe, expect, test } from "vitest";
import { runProgram, runScript } from "./support/process.js";
import { runtimes } from "./support/runtimes.js";
import { sanitized } from "./support/sanitized.js";

interface Loops {
  additions: { alive: number; last: number[] };
  small: { alive: number; last: number[] };
}

interface EventLoop {
  value: number;
  took: number;
  ticks: number;
  longest: number;
  right: number;
  wrong: number;
}

interface Memory {
  first: Seen;
  collected: Seen;
  second: Seen;
  disposed: Seen;
  taken: number;
  growth: number;
}

/** In megabytes, from the start on. */
interface Seen {
  external: number;
  reported: number;
}

interface Idle {
  /** In megabytes. */
  used: number;
  freed: boolean;
  letGo: boolean;
}

interface Workers {
  /** After ten workers, and after thirty more. */
  first: Figures;
  last: Figures;
  /** In megabytes, of ten. */
  growth: number;
}

interface Figures {
  threads: number;
  arrays: number;
}

for (const { name, path } of runtimes) {
  const run = <T>(program: string) =>
    runProgram(program, { runtime: path, flags: ["--expose-gc"] }) as Promise<T>;

  describe.concurrent(name, () => {
    test("the package is loaded a hundred times", async () => {
      expect(await run("reloading")).toEqual({ classes: 100, streams: 1, sum: 9900 });
    });

    test("deep comparisons compare arrays", async () => {
      expect(await run("comparing")).toEqual([]);
    });

    test("a dozen functions", async () => {
      expect(await run("smoke")).toEqual({
        matmul: [
          [14, 32],
          [32, 77],
        ],
        int: "1099511627776",
        half: 0.0999755859375,
        halves: [0, 56, 0, 192, 0, 66],
        view: [
          [3, 2, 1],
          [6, 5, 4],
        ],
        softmax: [0.25, 0.75],
        grad: [3, -4, 6],
        custom: [0.5, 0.5, 0.5],
        vmap: [5, 7, 9],
        compiled: [2.5, -1, 4],
        random: [22, 42, 45],
        inverse: [
          [0.5, 0],
          [0, 0.25],
        ],
        typed: [1.5, -2, 3],
        loaded: [[1.5, -2, 3]],
        squares: [[2.25, 4, 9]],
        loss: 6.25,
        trained: { weight: [[-6.5, -3.5]], bias: [-2] },
        thrown: "Error",
      });
    });

    test("plain loops keep few arrays, far fewer than Metal has buffers", async () => {
      const { additions, small } = await run<Loops>("arrays");
      expect(additions.last).toEqual([300_000, 300_001, 300_002]);
      expect(small.last).toEqual([999_999, 7]);
      expect(additions.alive).toBeLessThan(50_000);
      expect(small.alive).toBeLessThan(50_000);
    });

    test.skipIf(sanitized)(
      "the collector's books are balanced, and evaluations leave nothing behind",
      async () => {
        const { first, collected, second, disposed, taken, growth } = await run<Memory>("memory");
        for (const { external, reported } of [first, second]) {
          expect(reported).toBeGreaterThan(190);
          expect(reported).toBeLessThan(210);
          // Node counts JavaScript's own buffers there. Bun counts what is reported, and takes
          // nothing off before it collects: neither this nor what only was to set off a collection.
          expect(external).toBeGreaterThan(name === "bun" ? 190 : -10);
          expect(external).toBeLessThan(name === "bun" ? 400 : 10);
        }
        for (const { external, reported } of [collected, disposed]) {
          expect(Math.abs(external)).toBeLessThan(10);
          expect(Math.abs(reported)).toBeLessThan(10);
        }
        expect(taken).toBeLessThan(10);
        expect(growth).toBeLessThan(10);
      },
    );

    test("what the collector found is freed while nothing is computed", async () => {
      const idle = { used: 256, freed: true, letGo: true };
      expect(await run<Record<string, Idle>>("idle")).toEqual({ main: idle, worker: idle });
    });

    test.each([
      ["returns", ""],
      ["exits", "process.exit(3);"],
      ["throws", "throw new Error('the end');"],
      ["exits a turn later", "setImmediate(() => process.exit(4));"],
    ])("a program that %s with what the collector found", async (_, end) => {
      const outcome = await runScript(
        `
        const { mx } = require(".");
        for (let i = 0; i < 1000; i++) {
          mx.eval(mx.add(mx.array([i]), 1));
        }
        globalThis.gc?.();
        console.log("through");
        ${end}
      `,
        { runtime: path, flags: ["--expose-gc"] },
      );
      const code = end.includes("throw") ? 1 : Number(end.match(/\d/)?.[0] ?? 0);
      expect([outcome.code, outcome.signal, outcome.stdout]).toEqual([code, null, "through\n"]);
    });

    test("the event loop turns while a computation goes on", async () => {
      const { value, took, ticks, longest, right, wrong } = await run<EventLoop>("loop");
      expect(value).toBeCloseTo(1, 3);
      // A loop that stands still has one tick, one answer, and a delay of all the time.
      expect(ticks).toBeGreaterThan(10);
      expect(right).toBeGreaterThan(10);
      expect(wrong).toBe(0);
      expect(longest).toBeLessThan(took / 2);
    });

    test("workers: eight at once, ended while they compute, failing", async () => {
      expect(await run("workers")).toEqual({
        own: [2, 6, 12, 20, 30, 42, 56, 72].map((value) => [String(value), 0]),
        terminated: Array(5).fill(["begun", null]),
        thrown: { error: "RangeError: boom", code: 1 },
        exited: { code: 7 },
        streams: { message: [2485, 140], code: 0 },
        failed: {
          error: "Error: [Inverse::eval_cpu] LU factorization failed with error code 1",
          code: 1,
        },
        afterwards: { message: 12, code: 0 },
        main: 256,
      });
    });

    test.skipIf(sanitized)("workers that come and go leave nothing behind", async () => {
      const { first, last, growth } = await run<Workers>("many-workers");
      expect(last.arrays).toBe(first.arrays);
      // One of each worker would be thirty; runtimes have a few more or less of their own.
      expect(last.threads).toBeLessThan(first.threads + 10);
      // Half a megabyte of each.
      expect(growth).toBeLessThan(5);
    });
  });
}
