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

  test("looks through maps, sets and fields of objects, as deep as they may be", () => {
    const before = live();
    class Pair {
      first = mx.array([1]);
      second = { list: [mx.array([2])] };
      self: unknown = this;
    }
    class Named extends Map<string, unknown> {
      own = mx.array([3]);
      override forEach() {
        throw new Error("not to be called");
      }
    }
    const result = mx.tidy(() => {
      mx.array([0]);
      const key = mx.array([4]);
      const named = new Named([["a", mx.array([5])]]);
      return { pair: new Pair(), named, set: new Set([new Map([[key, mx.array([6])]])]) };
    });
    expect(live()).toBe(before + 6);
    const [[key, value]] = [...(result.set.values().next().value as Map<mx.array, mx.array>)] as [
      [mx.array, mx.array],
    ];
    const all = [
      result.pair.first,
      result.pair.second.list[0],
      result.named.own,
      key,
      result.named.get("a"),
      value,
    ] as mx.array[];
    expect(all.map((x) => x.item())).toEqual([1, 2, 3, 4, 5, 6]);
    mx.dispose(result);
    expect(live()).toBe(before);

    for (const wrap of [
      (x: unknown) => [x],
      (x: unknown) => ({ x }),
      (x: unknown) => new Map([[1, x]]),
      (x: unknown) => new Set([x]),
      (x: unknown) => Object.assign(new Pair(), { second: x, first: 0 }),
    ]) {
      const deep = mx.tidy(() => {
        let x: unknown = mx.array([7]);
        for (let i = 0; i < 20_000; i++) {
          x = wrap(x);
        }
        return x;
      });
      mx.dispose(mx.tidy(() => mx.keep(deep)));
      expect(live()).toBe(before);
    }
  });

  test("a result that throws when it is looked at", async () => {
    const boom = new Error("boom");
    const thrower = () => {
      throw boom;
    };
    const handler = { get: thrower, ownKeys: thrower, getPrototypeOf: thrower };
    const results: ((x: mx.array) => unknown)[] = [
      (x) => [x, Object.defineProperty({}, "a", { get: thrower, enumerable: true })],
      (x) => ({ x, b: Object.defineProperty({}, "a", { get: thrower, enumerable: true }) }),
      (x) => Object.defineProperty({ x }, "th".concat("en"), { get: thrower }),
      (x) => [x, new Proxy({ x }, handler)],
      (x) => new Map([[x, new Proxy([x], handler)]]),
    ];
    const before = live();
    for (const make of results) {
      for (let i = 0; i < 20; i++) {
        mx.tidy(() => {
          const outer = mx.array([1]);
          expect(() => mx.tidy(() => make(mx.array([2])))).toThrow(boom);
          // The scope around it is the current one again.
          expect(mx.add(outer, mx.array([1])).item()).toBe(2);
        });
        await expect(mx.tidy(async () => make(mx.array([3])))).rejects.toBe(boom);
      }
    }
    expect(live()).toBe(before);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => mx.tidy(() => [mx.array([1]), proxy])).toThrow(TypeError);
    expect(live()).toBe(before);
  });

  test("what a getter does while a result is looked at", () => {
    const before = live();
    let inside: mx.array | undefined;
    const result = mx.tidy(() => {
      const x = mx.array([1]);
      const y = mx.array([2]);
      return {
        get a() {
          inside = mx.array([5]);
          return mx.tidy(() => mx.add(x, 1));
        },
        get b() {
          y.dispose();
          return y;
        },
      };
    });
    expect(inside?.item()).toBe(5);
    expect(result.b.disposed).toBe(true);
    inside?.dispose();
    inside = undefined;
    expect(live()).toBe(before);
  });

  test("without stack its arrays are freed all the same", () => {
    const before = live();
    let deepest = 0;
    const nest = (n: number): mx.array => {
      deepest = n;
      return mx.tidy(() => mx.add(mx.array([n]), nest(n + 1)));
    };
    for (let i = 0; i < 5; i++) {
      expect(() => nest(0)).toThrow(RangeError);
      expect(deepest).toBeGreaterThan(100);
    }
    expect(live()).toBe(before);
    // No scope is the current one.
    const own = mx.array([1]);
    mx.tidy(() => mx.array([2]));
    expect(own.disposed).toBe(false);
  });

  test("generators are refused: their code would run outside", () => {
    const before = live();
    function* generator() {
      yield mx.array([1]);
    }
    async function* asynchronous() {
      yield mx.array([1]);
    }
    for (const fn of [generator, asynchronous]) {
      const expected =
        "fn: expected a function that is done when it returns, or when its promise settles, " +
        "received Object [";
      const inTidy = () => {
        mx.array([1]);
        return fn();
      };
      expect(() => mx.tidy(inTidy)).toThrow(`[tidy] ${expected}`);
      expect(() => mx.stream(mx.cpu, fn as () => unknown)).toThrow(`[stream] ${expected}`);
      expect(() => mx.printoptions({}, fn as () => unknown)).toThrow(`[printoptions] ${expected}`);
    }
    expect(live()).toBe(before);
  });

  test("what it does not find says so when it is used", () => {
    class Hidden {
      readonly #x = mx.array([1]);
      sum() {
        return this.#x.sum();
      }
    }
    const hidden = mx.tidy(() => new Hidden());
    const closure = mx.tidy(() => {
      const x = mx.array([1]);
      return () => x;
    });
    const by = "received one that has been disposed by tidy: return it from there, or mx.keep it";
    expect(() => hidden.sum()).toThrow(new TypeError(`[sum] a: expected an array, ${by}`));
    expect(() => mx.add(1, closure())).toThrow(new TypeError(`[add] b: expected an array, ${by}`));
    expect(() => closure().shape).toThrow(new TypeError(`[shape] this: expected an array, ${by}`));
    expect(() => mx.stack([closure()])).toThrow(`[stack] arrays[0]: expected an array, ${by}`);
    // What was disposed before stays so.
    const early = mx.tidy(() => {
      const x = mx.array([1]);
      x.dispose();
      return x;
    });
    expect(() => early.tolist()).toThrow(/received one that has been disposed$/);
    closure().dispose();
    expect(() => closure().item()).toThrow(by);
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

/** An object with this method, which an `await` calls. */
function thenable(then: unknown): object {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about
  return Object.fromEntries([["then", then]]);
}

describe("what is awaited", () => {
  const boom = new Error("boom");
  type Then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => unknown;
  const kinds: Record<string, [Then, unknown, boolean]> = {
    "settles twice": [
      (resolve, reject) => {
        resolve(1);
        resolve(2);
        reject(boom);
      },
      1,
      true,
    ],
    "settles again later": [
      (resolve, reject) => {
        resolve(1);
        setTimeout(() => reject(boom), 1);
      },
      1,
      true,
    ],
    "throws when asked": [
      () => {
        throw boom;
      },
      boom,
      false,
    ],
    "throws after it settled": [
      (resolve) => {
        resolve(3);
        throw boom;
      },
      3,
      true,
    ],
    "resolves with another": [
      (resolve) => resolve(thenable((next: Then) => next(4 as never, 5 as never))),
      4,
      true,
    ],
    rejects: [(_, reject) => reject(boom), boom, false],
  };

  test.each(Object.entries(kinds))("a thenable that %s", async (_, [then, value, good]) => {
    const before = live();
    const own = () => {
      mx.array([1]);
      return thenable(then);
    };
    const foreign = () => Object.assign(Promise.resolve(), own());
    for (const fn of [own, foreign]) {
      for (const call of [
        () => mx.tidy(fn),
        () => mx.tidy(() => mx.stream(mx.cpu, fn)),
        () => mx.tidy(() => mx.printoptions({ precision: 1 }, fn)),
      ]) {
        const result = call() as Promise<unknown>;
        await (good ? expect(result).resolves.toBe(value) : expect(result).rejects.toBe(value));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
    // Contexts are as before, also those to come.
    expect(live()).toBe(before);
    expect(String(mx.array(1.25))).toBe("array(1.25, dtype=float32)");
    await mx.printoptions({ precision: 1 }, async () => {
      await null;
      expect(String(mx.array(1.25))).toMatch("array(1.2, ");
    });
    await mx.tidy(async () => {
      await null;
      mx.array([2]);
    });
    expect(live()).toBe(before);
  });

  test("a thenable's own work belongs to the scope", async () => {
    const before = live();
    const result = await mx.tidy(() =>
      thenable((resolve: (x: mx.array) => void) => resolve(mx.add(mx.array([1]), 1))),
    );
    expect((result as unknown as mx.array).item()).toBe(2);
    expect(live()).toBe(before + 1);
    mx.dispose(result);
  });

  test("a promise that never settles holds up no other scope", async () => {
    mx.tidy(() => new Promise(() => {}));
    const before = live();
    const result = await mx.tidy(async () => {
      await null;
      return mx.tidy(() => mx.add(mx.array([1]), 1));
    });
    expect(live()).toBe(before + 1);
    const own = mx.array([1]);
    mx.tidy(() => mx.array([1]));
    expect(own.disposed).toBe(false);
    mx.dispose([result, own]);
  });

  test("work that comes when its scope has been left belongs to the one around", async () => {
    const before = live();
    const late: mx.array[] = [];
    const step = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const work = async () => {
      await step(5);
      late.push(
        mx.array([1]),
        mx.tidy(() => mx.add(mx.array([1]), 1)),
      );
    };
    await mx.tidy(async () => {
      await mx.tidy(async () => {
        void work();
        await null;
      });
      await step(10);
      expect(late.map((x) => x.item())).toEqual([1, 2]);
    });
    expect(late.map((x) => x.disposed)).toEqual([true, true]);
    // With none around, to the collector.
    late.length = 0;
    await mx.tidy(async () => {
      void work();
    });
    await mx.tidy(() => step(10));
    expect(late.map((x) => x.item())).toEqual([1, 2]);
    late.length = 0;
    expect(live()).toBe(before);
  });
});

describe("contexts that are left by hand", () => {
  const text = () => String(mx.array(1.23456));

  test("in any order, and twice", () => {
    const usual = text();
    const a = mx.printoptions({ precision: 1 });
    const b = mx.printoptions({ precision: 2 });
    const c = mx.printoptions({ precision: 3 });
    expect(text()).toMatch("(1.235,");
    b[Symbol.dispose]();
    expect(text()).toMatch("(1.235,");
    c[Symbol.dispose]();
    expect(text()).toMatch("(1.2,");
    c[Symbol.dispose]();
    b[Symbol.dispose]();
    expect(text()).toMatch("(1.2,");
    a[Symbol.dispose]();
    expect(text()).toBe(usual);
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    expect(text()).toBe(usual);
  });

  test("inside of a function, or not at all", () => {
    const usual = text();
    const outer = mx.printoptions({ precision: 1 });
    let inner: Disposable | undefined;
    mx.tidy(() => {
      inner = mx.printoptions({ precision: 2 });
      outer[Symbol.dispose]();
      expect(text()).toMatch("(1.23,");
    });
    expect(text()).toBe(usual);
    inner?.[Symbol.dispose]();
    expect(text()).toBe(usual);
  });

  test("streams likewise", () => {
    const before = live();
    const s = mx.newStream(mx.cpu);
    let left: Disposable | undefined;
    mx.tidy(() => {
      left = mx.stream(s);
      mx.array([1]);
    });
    left?.[Symbol.dispose]();
    left?.[Symbol.dispose]();
    // No scope that has been left is the current one.
    const own = mx.array([1]);
    mx.tidy(() => mx.array([2]));
    expect(own.item()).toBe(1);
    own.dispose();
    expect(live()).toBe(before);
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
