import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "./support/live.js";

describe("tidy", () => {
  test("frees all but the result", () => {
    const before = live();
    const y = mx.tidy(() => {
      const x = mx.array([1, 2, 3]);
      return mx.add(mx.add(x, x), 1);
    });
    expect(live()).toBe(before + 1);
    expect(y.tolist()).toEqual([3, 5, 7]);
  });

  test("finds results in lists and records", () => {
    const before = live();
    const out = mx.tidy(() => {
      const x = mx.array([1, 2]);
      mx.add(x, 1);
      return { a: [x, { b: mx.add(x, 2) }], n: 3 };
    });
    expect(live()).toBe(before + 2);
    expect((out.a[0] as mx.array).tolist()).toEqual([1, 2]);
    expect((out.a[1] as { b: mx.array }).b.tolist()).toEqual([3, 4]);
  });

  test("nests: an inner result belongs to the outer scope", () => {
    const before = live();
    let inner: mx.array | undefined;
    mx.tidy(() => {
      inner = mx.tidy(() => mx.add(mx.array([1]), 1));
      expect(inner.tolist()).toEqual([2]);
    });
    expect(live()).toBe(before);
    expect(inner?.disposed).toBe(true);
  });

  test("frees when the function throws, and throws the same object", () => {
    const before = live();
    for (const thrown of [new Error("boom"), null, undefined, 7]) {
      let caught: unknown = "nothing";
      try {
        mx.tidy(() => {
          mx.array([1]);
          throw thrown;
        });
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(thrown);
    }
    expect(live()).toBe(before);
  });

  test("keep outlives every scope", () => {
    let kept: mx.array | undefined;
    mx.tidy(() => {
      mx.tidy(() => {
        kept = mx.keep(mx.array([4, 5]));
      });
    });
    expect(kept?.tolist()).toEqual([4, 5]);
    kept?.dispose();
  });

  test("keep from an inner scope works on an outer scope's array", () => {
    let outer: mx.array | undefined;
    mx.tidy(() => {
      outer = mx.array([1, 2]);
      mx.tidy(() => mx.keep(outer));
    });
    expect(outer?.tolist()).toEqual([1, 2]);
  });

  test("leaves alone what was made outside", () => {
    const x = mx.array([1]);
    mx.tidy(() => mx.add(x, 1));
    expect(mx.tidy(() => x)).toBe(x);
    expect(x.tolist()).toEqual([1]);
  });

  test("an asynchronous scope lasts until its promise settles", async () => {
    const before = live();
    const result = await mx.tidy(async () => {
      const x = mx.array([1, 2]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const y = mx.add(x, 1);
      await mx.asyncEval(y);
      return mx.add(y, x);
    });
    expect(result.tolist()).toEqual([3, 5]);
    expect(live()).toBe(before + 1);
  });

  test("interleaved asynchronous scopes do not mix", async () => {
    const before = live();
    const step = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const first: mx.array[] = [];
    const a = mx.tidy(async () => {
      first.push(mx.array([1]));
      await step(5);
      first.push(mx.array([2]));
      await step(15);
      expect(first.map((x) => x.item())).toEqual([1, 2]);
      return mx.array([3]);
    });
    const b = mx.tidy(async () => {
      mx.array([4]);
      await step(10);
      return mx.array([5]);
    });
    // Made between the scopes, so it belongs to neither.
    const own = mx.array([6]);
    const results = await Promise.all([a, b]);
    expect(results.map((x) => x.item())).toEqual([3, 5]);
    expect(own.item()).toBe(6);
    expect(first.every((x) => x.disposed)).toBe(true);
    expect(live()).toBe(before + 3);
  });

  test("an asynchronous scope that rejects frees its arrays", async () => {
    const before = live();
    const boom = new Error("boom");
    const failing = mx.tidy(async () => {
      mx.array([1]);
      await Promise.resolve();
      mx.array([2]);
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
    expect(live()).toBe(before);
  });

  test("a scope with thousands of arrays", () => {
    const before = live();
    mx.tidy(() => {
      let x = mx.array([0]);
      for (let i = 0; i < 5000; i++) {
        x = mx.add(x, 1);
      }
      expect(x.item()).toBe(5000);
    });
    expect(live()).toBe(before);
  });

  test("wants a function", () => {
    expect(() => mx.tidy(3 as never)).toThrow(
      new TypeError("[tidy] fn: expected a function, received 3"),
    );
  });
});

describe("dispose", () => {
  test("is idempotent, and use after it is a typed error", () => {
    const x = mx.array([1, 2]);
    const y = mx.add(x, 1);
    x.dispose();
    x.dispose();
    expect(x.disposed).toBe(true);
    expect(y.tolist()).toEqual([2, 3]);
    const error = /expected an array, received one that has been disposed/;
    expect(() => mx.add(x, 1)).toThrow(error);
    expect(() => mx.add(1, x)).toThrow(TypeError);
    expect(() => x.tolist()).toThrow(error);
    expect(() => x.shape).toThrow(error);
    expect(() => x.item()).toThrow(error);
    expect(() => x.sum()).toThrow(error);
    expect(() => String(x)).toThrow(error);
    expect(() => mx.eval([x])).toThrow(error);
    expect(() => mx.grad((a: mx.array) => a)(x)).toThrow(error);
    expect(() => mx.array(x)).toThrow(error);
    expect(() => mx.array([x, x])).toThrow(error);
    expect(() => mx.keep(x)).not.toThrow();
  });

  test("inside tidy, before the scope frees it", () => {
    const before = live();
    mx.tidy(() => {
      const x = mx.array([1]);
      x.dispose();
    });
    expect(live()).toBe(before);
  });

  test("a slot that is used again is not freed by a late finalizer", () => {
    for (let i = 0; i < 20_000; i++) {
      mx.array([i]).dispose();
    }
    const kept = Array.from({ length: 100 }, (_, i) => mx.array([i]));
    const garbage = [];
    for (let i = 0; i < 20_000; i++) {
      garbage.push({ i });
    }
    expect(kept.map((x) => x.item())).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("Symbol.dispose, which `using` calls", () => {
    const x = mx.array([1]);
    x[Symbol.dispose]();
    expect(x.disposed).toBe(true);
  });

  test("takes trees", () => {
    const tree = { a: mx.array([1]), b: [mx.array([2])] };
    mx.dispose(tree);
    expect(tree.a.disposed && tree.b[0]?.disposed).toBe(true);
  });
});

describe("without any of them", () => {
  test("a plain loop keeps few arrays", () => {
    const before = live();
    const a = mx.array([1, 2, 3]);
    let most = 0;
    for (let i = 0; i < 300_000; i++) {
      mx.add(a, a);
      if (i % 1000 === 0) {
        most = Math.max(most, live() - before);
      }
    }
    expect(most).toBeLessThan(100_000);
  });

  test("a plain loop over large arrays keeps few bytes", () => {
    const a = mx.zeros([1 << 18]);
    const start = mx.getActiveMemory();
    let most = 0;
    for (let i = 0; i < 600; i++) {
      mx.eval(mx.add(a, i));
      most = Math.max(most, mx.getActiveMemory() - start);
    }
    // 600 MiB would be all of them.
    expect(most).toBeLessThan(300 << 20);
  });
});

describe("garbage", () => {
  // Twenty steps; in each a chain of 100 arrays of a megabyte replaces a state
  // of the same size, as a training loop does.
  const peak = (step: (run: () => mx.array) => mx.array) => {
    let state = mx.zeros([512, 512]);
    mx.eval(state);
    live();
    mx.resetPeakMemory();
    const start = mx.getActiveMemory();
    for (let i = 0; i < 20; i++) {
      state = step(() => {
        let x = state;
        for (let j = 0; j < 100; j++) {
          x = mx.multiply(x, 0.5);
        }
        return mx.add(state, x);
      });
      mx.eval(state);
    }
    return (mx.getPeakMemory() - start) / 2 ** 20;
  };

  test("goes before an evaluation that would keep it", () => {
    const scoped = peak(mx.tidy);
    const plain = peak((run) => run());
    // If handles kept them, a step's arrays alone would be 100 MB.
    expect(scoped).toBeLessThan(60);
    expect(plain).toBeLessThan(60);
  });
});
