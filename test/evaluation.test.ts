import { getEventListeners } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

/** Some hundred milliseconds of work in a few hundred operations. */
function work(): mx.array {
  const m = mx.full([384, 384], 0.001);
  let x = mx.ones([384, 384]);
  for (let i = 0; i < 150; i++) {
    x = mx.add(mx.matmul(x, m), 0.5);
  }
  return x;
}

/** What fails once it is computed. */
function failing(stream: mx.StreamOrDevice = mx.cpu): mx.array {
  return mx.linalg.inv(mx.zeros([2, 2]), { stream });
}

describe("asyncEval", () => {
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

  test("thousands at once: in order, none lost, and the event loop goes on", async () => {
    const count = 5000;
    const order: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    let chained = mx.array([0], mx.int32);
    const all = Array.from({ length: count }, async (_, i) => {
      // Every other one needs what is still waiting before it.
      const own = mx.add(mx.array([i], mx.int32), 1);
      chained = mx.add(chained, own);
      const x = i % 2 === 0 ? own : chained;
      await mx.asyncEval(x);
      order.push(i);
      return x;
    });
    const results = await Promise.all(all);
    clearInterval(timer);
    expect(order).toEqual(Array.from(order, (_, i) => i));
    expect(results[count - 2]?.item()).toBe(count - 1);
    expect(results[count - 1]?.item()).toBe((count * (count + 1)) / 2);
    expect(turns).toBeGreaterThan(10);
  });

  test("an error is that of one evaluation alone", async () => {
    // While this computes, nobody is there to meet the error.
    const stream = mx.newStream(mx.cpu);
    const long = mx.asyncEval(mx.matmul(mx.ones([1500, 1500]), mx.ones([1500, 1500]), { stream }));
    const settled = Promise.allSettled([
      mx.asyncEval(mx.add(mx.array([1]), 1)),
      mx.asyncEval(failing()),
      ...Array.from({ length: 100 }, (_, i) => mx.asyncEval(mx.add(mx.array([i]), 1))),
    ]);
    for (let i = 0; i < 100; i++) {
      expect(mx.add(mx.array([i]), 1).item()).toBe(i + 1);
    }
    expect((await settled).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      ...Array(100).fill("fulfilled"),
    ]);
    await long;
  });

  test("many errors do not stop the others", async () => {
    for (let i = 0; i < 100; i++) {
      expect(() => mx.eval(failing())).toThrow("LU factorization failed");
      expect(() => mx.sum(failing()).item()).toThrow("LU factorization failed");
      await expect(mx.asyncEval(failing())).rejects.toThrow("LU factorization failed");
      expect(mx.add(mx.array([i]), 1).item()).toBe(i + 1);
    }
  });

  test("an error of another stream is thrown once", () => {
    const stream = mx.newStream(mx.cpu);
    for (let i = 0; i < 10; i++) {
      expect(() => mx.eval(mx.add(failing(stream), 1, { stream: mx.cpu }))).toThrow("LU");
      expect(mx.add(mx.array([i]), 1, { stream }).item()).toBe(i + 1);
      expect(mx.add(mx.array([i]), 1, { stream: mx.cpu }).item()).toBe(i + 1);
    }
  });
});

describe("an AbortSignal", () => {
  test("that has aborted: nothing begins", async () => {
    const reason = new Error("enough");
    const x = mx.add(mx.array([1]), 1);
    await expect(mx.asyncEval(x, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(x.item()).toBe(2);
  });

  test("gives the waiting up, and the arrays stay usable", async () => {
    const controller = new AbortController();
    const x = work();
    const done = mx.asyncEval({ x }, controller.signal);
    const reason = { why: "the user left" };
    setTimeout(() => controller.abort(reason), 5);
    await expect(done).rejects.toBe(reason);
    expect(mx.arrayEqual(x, work()).item()).toBe(true);
  });

  test("of one evaluation leaves the others alone", async () => {
    const controller = new AbortController();
    const [x, y, z] = [work(), work(), mx.add(mx.array([1]), 1)];
    const all = Promise.allSettled([
      mx.asyncEval(x),
      mx.asyncEval(y, controller.signal),
      mx.asyncEval(z),
    ]);
    controller.abort();
    expect((await all).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(z.item()).toBe(2);
  });

  test("that never aborts keeps no listener", async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) {
      await mx.asyncEval(mx.add(mx.array([i]), 1), signal);
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
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
