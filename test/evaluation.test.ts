import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

describe("asyncEval", () => {
  // About a second of work in a few hundred operations.
  const work = () => {
    const m = mx.full([384, 384], 0.001);
    let x = mx.ones([384, 384]);
    for (let i = 0; i < 150; i++) {
      x = mx.add(mx.matmul(x, m), 0.5);
    }
    return x;
  };

  test("gives eval's values", async () => {
    const x = work();
    const y = work();
    mx.eval(x);
    await mx.asyncEval({ y });
    expect(mx.arrayEqual(x, y).item()).toBe(true);
  });

  test("timers go on meanwhile", async () => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const x = mx.stream(mx.cpu, work);
    ticks = 0;
    delay.enable();
    const start = Date.now();
    await mx.asyncEval(x);
    const elapsed = Date.now() - start;
    delay.disable();
    clearInterval(timer);
    // A blocked loop would tick once or twice in all.
    expect(ticks).toBeGreaterThan(Math.min(elapsed / 20, 20));
  });

  test("nothing to do, the same twice, and several at once", async () => {
    await mx.asyncEval();
    await mx.asyncEval(mx.array([1]));
    const x = mx.add(mx.array([1]), 1);
    await Promise.all([mx.asyncEval(x), mx.asyncEval(x, x)]);
    expect(x.item()).toBe(2);
  });

  test("operations with several results", async () => {
    const [q, r] = mx.divmod(mx.array([7, 9], mx.int32), 4);
    await mx.asyncEval(q, r);
    expect([q.tolist(), r.tolist()]).toEqual([
      [1, 2],
      [3, 1],
    ]);
  });

  test("a graph can be used while it is computed", async () => {
    const x = work();
    const done = mx.asyncEval(x);
    const y = mx.add(x, 1);
    expect(mx.arrayEqual(mx.subtract(y, 1), x).item()).toBe(true);
    await done;
  });

  test("errors reject", async () => {
    await expect(mx.asyncEval(mx.array([1]), { a: "not an array" })).resolves.toBe(undefined);
    const x = mx.array([1]);
    x.dispose();
    await expect(mx.asyncEval(x)).rejects.toThrow(TypeError);
  });
});

test("a program ends after it has waited", async () => {
  const outcome = await runScript(`
    const { mx } = require(".");
    const x = mx.add(mx.array([1]), 1);
    mx.asyncEval(x).then(() => console.log(x.item()));
  `);
  expect([outcome.code, outcome.stdout]).toEqual([0, "2\n"]);
});
