import { join } from "node:path";
import { mx } from "mlx-js";
import { afterEach, describe, expect, test } from "vitest";
import { runProgram, runScript, runShell } from "./support/process";
import { sanitized } from "./support/sanitized.js";

describe("figures", () => {
  test("of what is in use, its peak, and the cache", () => {
    mx.clearCache();
    const start = mx.getActiveMemory();
    mx.resetPeakMemory();
    const x = mx.zeros([1 << 18]);
    mx.eval(x);
    const grown = mx.getActiveMemory() - start;
    expect(grown).toBeGreaterThanOrEqual(1 << 20);
    expect(mx.getPeakMemory()).toBeGreaterThanOrEqual(1 << 20);
    expect(mx.memory()).toMatchObject({
      active: mx.getActiveMemory(),
      cache: mx.getCacheMemory(),
      peak: mx.getPeakMemory(),
    });
    x.dispose();
    expect(mx.getActiveMemory()).toBe(start);
    expect(mx.getCacheMemory()).toBeGreaterThanOrEqual(1 << 20);
    mx.clearCache();
    expect(mx.getCacheMemory()).toBe(0);
  });

  test("of a cache that is cleared without waiting for what is under way", async () => {
    const weight = mx.random.normal([1024, 1024]);
    const result = mx.tidy(() => {
      let x = weight;
      for (let i = 0; i < 10; i++) x = mx.matmul(x, weight).multiply(0.01);
      return x;
    });
    mx.eval(weight);
    const done = mx.asyncEval(result);
    mx.clearCache();
    // The results in between are still there, and are not kept afterwards.
    const during = mx.getActiveMemory();
    await done;
    mx.synchronize();
    expect(during).toBeGreaterThan(mx.getActiveMemory());
    expect(mx.getCacheMemory()).toBe(0);
    mx.dispose([weight, result]);
  });

  test("of what only graphs hold, which goes with them", () => {
    const start = mx.getActiveMemory();
    const data = (value: number) => mx.full([1 << 16], value, mx.float32).add(0);
    const held = mx.tidy(() => data(1));
    const make = () =>
      mx.tidy(() => {
        const inner = data(2);
        mx.eval(held, inner);
        // Inputs that are held elsewhere, that are one array twice, siblings, and a chain.
        const [left, right] = mx.split(inner.add(held), 2) as [mx.array, mx.array];
        const twice = left.multiply(left);
        return [twice.add(right), twice.negative().square(), right] as const;
      });
    const some = make();
    const [sum, square, right] = make();
    expect(mx.getActiveMemory() - start).toBeGreaterThanOrEqual(3 << 18);
    mx.dispose([sum, some]);
    mx.eval(square, right);
    expect([square, right].map((x) => x.toTypedArray()[0])).toEqual([81, 3]);
    square.dispose();
    expect(right.toTypedArray()).toEqual(new Float32Array(1 << 15).fill(3));
    mx.dispose([right, held]);
    // Scalars are kept for the next use.
    expect(mx.getActiveMemory() - start).toBeLessThan(100);
  });

  test("of the buffers of a tree, each once", () => {
    const x = mx.zeros([1000]);
    const y = mx.zeros([500]);
    mx.eval(x, y);
    const [ofX, ofY] = [mx.getArrayBufferSize(x), mx.getArrayBufferSize(y)];
    expect(ofX).toBeGreaterThanOrEqual(4000);
    expect(ofY).toBeLessThan(ofX);
    expect(mx.getArrayBufferSize({ x, list: [y, x] })).toBe(ofX + ofY);
    expect(mx.getArrayBufferSize()).toBe(0);
  });
});

describe("arrays that are too large", () => {
  test("for the memory: an error, and everything else goes on", async () => {
    const huge = () => mx.add(mx.zeros([2 ** 31 - 1, 2 ** 29]), 1);
    const start = mx.getActiveMemory();
    expect(() => mx.eval(huge())).toThrow("allocate");
    expect(() => huge().toTypedArray()).toThrow("allocate");
    expect(() => mx.eval(mx.sort(huge()))).toThrow("allocate");
    await expect(mx.asyncEval(huge())).rejects.toThrow("allocate");
    expect(mx.getActiveMemory() - start).toBeLessThan(2 ** 20);
    expect(mx.add(mx.array([1]), 1).item()).toBe(2);
  });

  test("for numbers of 64 bits: an error at once", () => {
    const before = mx.memory().arrays;
    const shape = [2 ** 30, 2 ** 30, 4];
    for (const make of [
      () => mx.zeros(shape),
      () => mx.broadcastTo(mx.array([[[1, 2, 3, 4]]]), shape),
      () => mx.random.normal(shape),
      () => mx.matmul(mx.zeros([4, 2 ** 30, 1]), mx.zeros([4, 1, 2 ** 30])),
      () => mx.meshgrid([mx.zeros([2 ** 30]), mx.zeros([2 ** 30]), mx.zeros([4])]),
    ]) {
      expect(() => mx.tidy(() => void make())).toThrow(RangeError);
    }
    // The collector may take others meanwhile.
    expect(mx.memory().arrays).toBeLessThanOrEqual(before);
    expect(mx.zeros([2 ** 30, 2 ** 30, 4, 0]).size).toBe(0);
  });
});

// Limits of the address space, which only Linux knows.
describe.skipIf(process.platform !== "linux" || sanitized)("where memory runs out", () => {
  const command = [JSON.stringify(process.execPath), join("test", "programs", "little-memory.mjs")];

  test("while anything is computed: an error, and then right values", async () => {
    const size = 'console.log(/VmSize:\\s+(\\d+)/.exec(fs.readFileSync("/proc/self/status"))[1])';
    const { stdout } = await runScript(`require("mlx-js"); ${size}`);
    const limit = Number(stdout) + 1_800_000;
    const outcome = await runShell(`ulimit -v ${limit}; exec ${command.join(" ")}`);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(outcome.stdout)).toEqual({
      wrong: [],
      fine: [],
      errors: [
        "Error: [malloc] Unable to allocate N bytes.",
        "RangeError: [toTypedArray] There is not enough memory: N bytes are wanted.",
        "RangeError: [tolist] There is not enough memory: N bytes are wanted.",
      ],
    });
  });

  test("in JavaScript's heap: an error before lists are made", async () => {
    const { code, stdout, stderr } = await runScript(
      `const { mx } = require("mlx-js");
      for (const x of [mx.ones([2 ** 23]), mx.ones([2 ** 21], mx.int64)]) {
        try {
          x.tolist();
        } catch (error) {
          console.log(String(error));
        }
      }
      console.log(mx.ones([2, 3]).tolist());`,
      { flags: ["--max-old-space-size=64"] },
    );
    const message = "RangeError: [tolist] There is not enough memory:";
    expect({ code, stderr, lines: stdout.split("\n") }).toEqual({
      code: 0,
      stderr: "",
      lines: [
        `${message} ${2 ** 26} bytes are wanted.`,
        `${message} ${2 ** 27} bytes are wanted.`,
        "[ [ 1, 1, 1 ], [ 1, 1, 1 ] ]",
        "",
      ],
    });
  });
});

describe("limits", () => {
  const limit = mx.getMemoryLimit();
  const cache = mx.setCacheLimit(0);
  mx.setCacheLimit(cache);
  afterEach(() => {
    mx.setMemoryLimit(limit);
    mx.setCacheLimit(cache);
  });

  test("give the one before", () => {
    expect(mx.setMemoryLimit(2 ** 31)).toBe(limit);
    expect(mx.getMemoryLimit()).toBe(2 ** 31);
    expect(mx.setMemoryLimit(2 ** 32)).toBe(2 ** 31);
    expect(mx.setCacheLimit(2 ** 20)).toBe(cache);
    expect(mx.setCacheLimit(2 ** 21)).toBe(2 ** 20);
  });

  test("a cache of nothing keeps nothing", () => {
    mx.setCacheLimit(0);
    const x = mx.zeros([1 << 16]);
    mx.eval(x);
    x.dispose();
    mx.eval(mx.zeros([1 << 16]));
    expect(mx.getCacheMemory()).toBe(0);
  });

  test("the wired limit is for Metal", () => {
    const before = mx.setWiredLimit(0);
    expect(mx.setWiredLimit(before)).toBe(0);
  });

  test.each([
    ["setMemoryLimit", mx.setMemoryLimit],
    ["setCacheLimit", mx.setCacheLimit],
    ["setWiredLimit", mx.setWiredLimit],
  ] as const)("%s wants a number of bytes", (name, set) => {
    expect(() => set(-1)).toThrow(new RegExp(`^\\[${name}\\] limit: expected`));
    expect(() => set(1.5)).toThrow(new RegExp(`^\\[${name}\\] limit: expected`));
    expect(() => set("1" as never)).toThrow(TypeError);
  });
});

describe.skipIf(sanitized)("V8's collector", () => {
  test("does not mark its heap for parameters that young collections find", async () => {
    const { young, marking } = (await runProgram("marking")) as Record<string, number>;
    expect(young).toBeGreaterThan(0);
    // Eight to eleven times, if it is marked for what came since the last young collection.
    expect(marking).toBeLessThan(6);
  });

  test("is called, and no function of the program's with its name", async () => {
    const { code, stdout, stderr } = await runScript(
      `const { mx } = require("mlx-js");
      const { PerformanceObserver } = require("node:perf_hooks");
      let called = 0;
      globalThis.gc = () => called++;
      let collections = 0;
      new PerformanceObserver((list) => {
        collections += list.getEntries().length;
      }).observe({ entryTypes: ["gc"] });
      const x = mx.zeros([2 ** 25]);
      mx.eval(x.add(1));
      // Each is much beside what is alive, and little beside what was in use at most.
      for (const start = performance.now(); performance.now() - start < 500; ) {
        mx.eval(mx.zeros([2 ** 19]).add(1));
      }
      // The observer hears of them in a turn of its own.
      let turns = 0;
      setImmediate(function look() {
        if (collections === 0 && ++turns < 1000) return setImmediate(look);
        console.log(JSON.stringify({ called, any: collections > 0 }));
      });`,
    );
    expect({ code, stderr, stdout }).toEqual({
      code: 0,
      stderr: "",
      stdout: '{"called":0,"any":true}\n',
    });
  });

  test("is asked to mark no more often where it lets nobody collect", async () => {
    const { code, stdout, stderr } = await runScript(
      `const v8 = require("node:v8");
      require("node:vm").runInNewContext = () => {
        throw new Error("not here");
      };
      const { getHeapStatistics } = v8;
      let marked = 0;
      // Which tells how long marking takes.
      v8.getHeapStatistics = () => {
        marked++;
        return getHeapStatistics();
      };
      // To ask for it takes no time.
      let now = performance.now();
      performance.now = () => now;
      const { mx } = require("mlx-js");
      // Each is much beside what is alive; all together are little enough to wait.
      const made = [];
      for (let i = 0; i < 5; i++) {
        now++;
        made.push(mx.full([2 ** 19], i));
        mx.eval(made);
      }
      console.log(marked);`,
    );
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: "1\n" });
  });
});
