import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

describe("grad", () => {
  test("of a product with respect to each argument", () => {
    const f = (x: mx.array, y: mx.array) => mx.sum(mx.multiply(mx.multiply(x, x), y));
    const [x, y] = [mx.array([1, 2]), mx.array([3, 5])];
    expect(mx.grad(f)(x, y).tolist()).toEqual([6, 20]);
    expect(mx.grad(f, 1)(x, y).tolist()).toEqual([1, 4]);
    expect(mx.grad(f, -1)(x, y).tolist()).toEqual([1, 4]);
    const both = mx.grad(f, [1, 0])(x, y);
    expect(both.map((g) => g.tolist())).toEqual([
      [1, 4],
      [6, 20],
    ]);
  });

  test("over trees", () => {
    const params = { w: mx.array([2, 3]), layers: [{ b: mx.array(1) }] };
    const f = mx.valueAndGrad((p: typeof params, x: mx.array) =>
      mx.sum(mx.add(mx.multiply(p.w, x), (p.layers[0] as { b: mx.array }).b)),
    );
    const [value, grads] = f(params, mx.array([5, 7]));
    expect(value.item()).toBe(2 * 5 + 3 * 7 + 2);
    expect(grads.w.tolist()).toEqual([5, 7]);
    expect(grads.layers[0]?.b.item()).toBe(2);
  });

  test("the rest of a list is passed on", () => {
    const f = mx.valueAndGrad((x: mx.array) => {
      const y = mx.multiply(x, 3);
      return [mx.sum(mx.square(x)), { y, text: "kept" }] as const;
    });
    const [[value, aux], grad] = f(mx.array([1, 2]));
    expect(value.item()).toBe(5);
    expect(aux.y.tolist()).toEqual([3, 6]);
    expect(aux.text).toBe("kept");
    expect(grad.tolist()).toEqual([2, 4]);
  });

  test("second derivatives", () => {
    const f = (x: mx.array) => mx.power(x, 3);
    expect(
      mx
        .grad((x: mx.array) => mx.grad(f)(x))(mx.array(2))
        .item(),
    ).toBe(12);
  });

  test("inside tidy", () => {
    const before = mx.memory().arrays;
    const x = mx.array([1, 2]);
    const g = mx.tidy(() => mx.grad((a: mx.array) => mx.sum(mx.exp(a)))(x));
    expect(mx.memory().arrays).toBe(before + 2);
    expect(g.get(0).item()).toBeCloseTo(Math.E, 5);
  });

  test("an array that occurs twice", () => {
    const x = mx.array(3);
    const g = mx.grad(([a, b]: [mx.array, mx.array]) => mx.multiply(mx.square(a), b))([x, x]);
    expect(g.map((a) => a.item())).toEqual([18, 9]);
  });
});

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

describe("streams", () => {
  test("a scope, with and without await", async () => {
    const s = mx.newStream(mx.cpu);
    const inside = mx.stream(s, () => mx.add(mx.array([1]), 1));
    expect(inside.item()).toBe(2);
    const later = await mx.stream(s, async () => {
      await Promise.resolve();
      return mx.add(mx.array([2]), 1);
    });
    expect(later.item()).toBe(3);
  });

  test("a scope that is disposed", () => {
    const context = mx.stream(mx.cpu);
    const x = mx.add(mx.array([1]), 1);
    context[Symbol.dispose]();
    expect(x.item()).toBe(2);
  });

  test("the option", () => {
    expect(mx.add(mx.array([1]), 1, { stream: mx.cpu }).item()).toBe(2);
    expect(mx.add(mx.array([1]), 1, { stream: new mx.Device(mx.cpu) }).item()).toBe(2);
    expect(mx.add(mx.array([1]), 1, { stream: mx.defaultStream(mx.cpu) }).item()).toBe(2);
    expect(() => mx.add(mx.array([1]), 1, { stream: "cpu" as never })).toThrow(TypeError);
    expect(() => mx.exp(mx.array([1]), { stream: new mx.Device(mx.cpu, 9) })).toThrow(
      /there is no device cpu 9/,
    );
  });

  test("devices", () => {
    expect(mx.isAvailable(mx.cpu)).toBe(true);
    expect(String(new mx.Device(mx.cpu))).toBe("Device(cpu, 0)");
    expect(mx.defaultStream(mx.cpu).equals(mx.defaultStream(mx.cpu))).toBe(true);
    expect(mx.newStream(mx.cpu).equals(mx.defaultStream(mx.cpu))).toBe(false);
    expect(mx.deviceCount(mx.cpu)).toBe(1);
    if (!mx.isAvailable(mx.gpu)) {
      expect(() => mx.setDefaultDevice(mx.gpu)).toThrow(/gpu/);
    }
  });
});
