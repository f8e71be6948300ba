import { runInNewContext } from "node:vm";
import { mx, nn, optim, utils } from "mlx-js";
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
    const by =
      "received one that has been disposed by tidy: " +
      "return it from there, store it in a field of an mx.Owner, or mx.keep it";
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

describe("owners", () => {
  class Cell extends mx.Owner {
    value: unknown;
  }

  class KVCache extends mx.Owner {
    keys: mx.array | undefined;
    values: mx.array | undefined;

    add(keys: mx.array, values: mx.array): [keys: mx.array, values: mx.array] {
      const joined = (before: mx.array | undefined, x: mx.array) =>
        before === undefined ? x : mx.concatenate([before, x], 1);
      this.keys = joined(this.keys, keys);
      this.values = joined(this.values, values);
      return [this.keys, this.values];
    }
  }

  test("a cache of keys and values needs no ceremony", () => {
    const before = live();
    {
      using cache = new KVCache();
      let last: mx.array | undefined;
      for (let i = 0; i < 5; i++) {
        last = mx.tidy(() => {
          const [keys, values] = cache.add(mx.full([1, 1, 2], i), mx.full([1, 1, 2], 9 - i));
          return mx.add(keys, values).sum();
        });
      }
      expect(last?.item()).toBe(90);
      expect(cache.keys?.tolist()).toEqual([[0, 1, 2, 3, 4].map((i) => [i, i])]);
      expect(cache.values?.tolist()).toEqual([[9, 8, 7, 6, 5].map((i) => [i, i])]);
      last?.dispose();
      expect(live()).toBe(before + 2);
    }
    expect(live()).toBe(before);
  });

  const inCell: Record<string, (x: mx.array) => [unknown, (stored: never) => unknown]> = {
    "a field": (x) => [x, (stored: mx.array) => stored],
    "a list": (x) => [[0, x], (stored: mx.array[]) => stored[1]],
    "a record": (x) => [{ a: { x } }, (stored: { a: { x: mx.array } }) => stored.a.x],
    "a record without a prototype": (x) => [
      Object.assign(Object.create(null), { x }),
      (stored: { x: mx.array }) => stored.x,
    ],
    "a list and a record of another realm": (x) => [
      runInNewContext("[{ x }]", { x }),
      (stored: { x: mx.array }[]) => stored[0]?.x,
    ],
    "a map": (x) => [
      new Map([["a", [x]]]),
      (stored: Map<string, mx.array[]>) => stored.get("a")?.[0],
    ],
    "a map of another realm": (x) => [
      runInNewContext("new Map([['a', x]])", { x }),
      (stored: Map<string, mx.array>) => stored.get("a"),
    ],
    "a map's key": (x) => [new Map([[x, 1]]), (stored: Map<mx.array, 1>) => [...stored.keys()][0]],
    "a set": (x) => [new Set([x]), (stored: Set<mx.array>) => [...stored][0]],
    "another owner": (x) => [
      [Object.assign(new Cell(), { value: x })],
      (stored: [Cell]) => stored[0].value,
    ],
    "a module": (x) => [
      new nn.Linear(2, 2).update({ weight: x }),
      (stored: nn.Linear) => stored.weight,
    ],
    "a frozen list": (x) => [
      Object.freeze([Object.freeze({ x })]),
      (stored: { x: mx.array }[]) => stored[0]?.x,
    ],
    "more records than few": (x) => [
      [x, ...Array.from({ length: 3000 }, () => ({}))],
      (stored: mx.array[]) => stored[0],
    ],
    "something that holds itself": (x) => {
      const list: unknown[] = [x];
      list.push({ list }, new Map([[list, new Set([list])]]));
      return [list, (stored: mx.array[]) => stored[0]];
    },
    "something deep": (x) => {
      let value: unknown = x;
      for (let i = 0; i < 20_000; i++) {
        value = i % 2 ? [value] : { value };
      }
      const dig = (at: unknown): unknown => {
        let inner = at;
        while (!(inner instanceof mx.array)) {
          inner = Object.values(inner as object)[0];
        }
        return inner;
      };
      return [value, dig];
    },
  };

  test.each(Object.entries(inCell))("in %s", (_, make) => {
    const before = live();
    const cell = new Cell();
    let find: (stored: never) => unknown = () => undefined;
    mx.tidy(() => {
      mx.array([1]);
      mx.tidy(() => {
        [cell.value, find] = make(mx.array([[3, 4]]));
      });
      expect((find(cell.value as never) as mx.array).tolist()).toEqual([[3, 4]]);
    });
    mx.tidy(() => mx.array([5]));
    const x = find(cell.value as never) as mx.array;
    expect(x.tolist()).toEqual([[3, 4]]);
    cell.dispose();
    expect(x.disposed).toBe(true);
    expect(live()).toBe(before);
  });

  test("what is not seen says so when it is used", () => {
    class Hidden extends mx.Owner {
      #x = mx.array([1]);
      other = new (class {
        x = mx.array([1]);
      })();
      sum() {
        return this.#x.sum();
      }
    }
    const hidden = mx.tidy(() => {
      const made = new Hidden();
      return () => made;
    });
    const by =
      "expected an array, received one that has been disposed by tidy: " +
      "return it from there, store it in a field of an mx.Owner, or mx.keep it";
    expect(() => hidden().sum()).toThrow(by);
    expect(() => hidden().other.x.sum()).toThrow(by);
  });

  test("an owner that is made inside, and what becomes of it", () => {
    const before = live();
    const made: Cell[] = [];
    mx.tidy(() => {
      const cell = new Cell();
      made.push(cell);
      mx.tidy(() => {
        cell.value = mx.array([2]);
      });
      mx.array([1]);
    });
    const [cell] = made as [Cell];
    expect((cell.value as mx.array).item()).toBe(2);
    cell.dispose();
    expect(live()).toBe(before);
    // Nobody has it, nor what it held.
    mx.tidy(() => {
      const cell = new Cell();
      cell.value = [mx.array([1])];
      mx.array([2]);
    });
    expect(live()).toBe(before);
    const returned = mx.tidy(() => Object.assign(new Cell(), { value: mx.array([3]) }));
    expect((returned.value as mx.array).item()).toBe(3);
    returned.dispose();
    expect(live()).toBe(before);
  });

  test("what another array has replaced is the user's, and the collector's", () => {
    const before = live();
    const cell = new Cell();
    const held: mx.array[] = [];
    for (let i = 0; i < 3; i++) {
      mx.tidy(() => {
        const x = mx.array([i]);
        cell.value = x;
        held.push(x);
      });
    }
    expect(held.map((x) => x.item())).toEqual([0, 1, 2]);
    held.length = 0;
    expect(live()).toBe(before + 1);
    // Within a scope it is the scope's.
    let replaced: mx.array | undefined;
    mx.tidy(() => {
      replaced = mx.array([3]);
      cell.value = replaced;
      cell.value = mx.array([4]);
    });
    expect(replaced?.disposed).toBe(true);
    expect((cell.value as mx.array).item()).toBe(4);
    cell.dispose();
    expect(live()).toBe(before);
  });

  test("a step that throws, or rejects, has stored what it stored", async () => {
    const before = live();
    const boom = new Error("boom");
    const cell = new Cell();
    const step = () => {
      cell.value = mx.add(mx.array([1]), 1);
      throw boom;
    };
    expect(() => mx.tidy(step)).toThrow(boom);
    expect((cell.value as mx.array).item()).toBe(2);
    await expect(
      mx.tidy(async () => {
        await null;
        cell.value = mx.add(mx.array([2]), 1);
        await Promise.reject(boom);
      }),
    ).rejects.toBe(boom);
    expect((cell.value as mx.array).item()).toBe(3);
    // The result throws when it is looked at.
    const bad = Object.defineProperty({}, "a", { get: step, enumerable: true });
    expect(() => mx.tidy(() => bad)).toThrow(boom);
    expect((cell.value as mx.array).item()).toBe(2);
    cell.dispose();
    cell.value = undefined;
    expect(live()).toBe(before);
  });

  test("interleaved asynchronous scopes", async () => {
    const before = live();
    const cells = [new Cell(), new Cell(), new Cell()];
    const work = (cell: Cell, i: number) =>
      mx.tidy(async () => {
        for (let j = 0; j < 5; j++) {
          const x = mx.array([10 * i + j]);
          await new Promise((resolve) => setTimeout(resolve, (i + j) % 3));
          cell.value = mx.tidy(() => mx.add(mx.add(x, 1), -1));
        }
      });
    await Promise.all(cells.map(work));
    expect(cells.map((cell) => (cell.value as mx.array).item())).toEqual([4, 14, 24]);
    mx.dispose(cells);
    expect(live()).toBe(before);
  });

  test("getters and proxies", () => {
    const boom = new Error("boom");
    const thrower = () => {
      throw boom;
    };
    const cell = new Cell();
    const bad = Object.defineProperty(new Cell(), "a", { get: thrower, enumerable: true });
    const other = new Cell();
    other.value = [new Proxy({}, { get: thrower, ownKeys: thrower, getPrototypeOf: thrower })];
    const frozen = Object.freeze(Object.assign(new Cell(), { value: [] as mx.array[] }));
    // Its fields are those of the object behind it.
    const proxy = new Proxy(new Cell(), {});
    mx.tidy(() => {
      mx.array([0]);
      bad.value = mx.array([1]);
      cell.value = mx.array([2]);
      frozen.value.push(mx.array([3]));
      proxy.value = mx.array([4]);
    });
    expect((cell.value as mx.array).item()).toBe(2);
    expect(frozen.value[0]?.item()).toBe(3);
    expect((proxy.value as mx.array).item()).toBe(4);
  });

  test("dispose frees at once, with the owners inside, and again does nothing", () => {
    const before = live();
    const order: string[] = [];
    class Part extends Cell {
      #hidden = mx.keep(mx.array([5]));
      constructor(readonly name: string) {
        super();
        this.value = [mx.array([1]), this];
      }
      override dispose() {
        order.push(this.name);
        this.#hidden.dispose();
        super.dispose();
      }
    }
    class Trainer extends mx.Owner {
      model = new nn.Sequential(new nn.Linear(2, 3), mx.tanh, new nn.Linear(3, 1));
      optimizer = new optim.MultiOptimizer([new optim.Adam(0.1), new optim.SGD(0.1)], {
        filters: [(path) => path.endsWith("weight")],
      });
      parts = new Map([["a", [new Part("a")]]]);
      loss = mx.array([1]);
    }
    {
      using trainer = new Trainer();
      const x = mx.array([[1, 2]]);
      const step = nn.valueAndGrad(trainer.model, () => trainer.model.forward(x).sum());
      for (let i = 0; i < 2; i++) {
        trainer.loss = mx.tidy(() => {
          const [loss, gradients] = step();
          trainer.optimizer.update(trainer.model, gradients);
          return loss as mx.array;
        });
      }
      mx.eval(trainer.loss, trainer.model, trainer.optimizer.state);
      expect(trainer.optimizer.step.item()).toBe(2n);
      expect(trainer.disposed).toBe(false);
      const { model, optimizer } = trainer;
      trainer.dispose();
      trainer.dispose();
      expect([trainer, model, optimizer].map((each) => each.disposed)).toEqual([true, true, true]);
      expect(() => model.forward(x)).toThrow(/has been disposed$/);
      x.dispose();
    }
    expect(order).toEqual(["a"]);
    expect(live()).toBe(before);
    expect(mx.Owner.prototype.disposed).toBe(false);
  });

  test("modules and optimizers need none either", () => {
    class Norm extends nn.Module {
      weight = mx.ones([2]);
      _mean = mx.zeros([2]);
      forward(x: mx.array) {
        this._mean = mx.add(mx.multiply(this._mean, 0.5), mx.multiply(x, 0.5));
        return mx.multiply(mx.subtract(x, this._mean), this.weight);
      }
    }
    class Signs extends optim.SGD {
      last: mx.array | undefined;
      override applySingle(gradient: mx.array, parameter: mx.array, state: never) {
        this.last = mx.sign(gradient);
        return super.applySingle(this.last, parameter, state);
      }
    }
    const layer = new Norm();
    const optimizer = new Signs(0.25);
    for (let i = 0; i < 3; i++) {
      mx.tidy(() => {
        layer.forward(mx.array([4, 8]));
        optimizer.update(layer, { weight: mx.array([-3, 3]) });
        optimizer.state["learningRate"] = mx.array(0.5);
        optimizer.state["more"] = { deep: [mx.array([i])] };
      });
    }
    expect(layer._mean.tolist()).toEqual([3.5, 7]);
    expect(layer.weight.tolist()).toEqual([2.25, -0.25]);
    expect(optimizer.last?.tolist()).toEqual([-1, 1]);
    expect(optimizer.learningRate.item()).toBe(0.5);
    expect(optimizer.state["more"].deep[0].tolist()).toEqual([2]);
    expect(optimizer instanceof mx.Owner && layer instanceof mx.Owner).toBe(true);
  });

  test("an owner is a tree of its fields to evaluations and transformations", () => {
    class Counter extends mx.Owner {
      count = mx.array([1, 2]);
      name = "counter";
      inner = [new Cell()];
    }
    const counter = new Counter();
    expect(utils.treeFlatten(counter).map(([name]) => name)).toContain("count");
    mx.tidy(() => {
      counter.count = mx.add(counter.count, 1);
    });
    mx.eval(counter, { counter });
    expect(counter.count.tolist()).toEqual([2, 3]);
    const step = mx.compile(
      (x: mx.array) => {
        counter.count = mx.add(counter.count, x);
        return mx.multiply(counter.count, 2);
      },
      { inputs: counter, outputs: counter },
    );
    for (let i = 0; i < 2; i++) {
      mx.tidy(() => step(mx.array([1, 10])));
    }
    expect(counter.count.tolist()).toEqual([4, 23]);
    expect(() => mx.eval(new optim.SGD(1) as never)).toThrow(
      "[eval] args[0]: expected an array, or a list, record or module of arrays",
    );
  });

  test("what a transformation traces is of no use afterwards, stored or not", () => {
    const cell = new Cell();
    const gradient = mx.grad((x: mx.array) => {
      mx.tidy(() => {
        cell.value = mx.square(x);
      });
      return mx.sum(cell.value as mx.array);
    });
    expect(mx.tidy(() => gradient(mx.array([1, 3]))).tolist()).toEqual([2, 6]);
    mx.compile((x: mx.array) => {
      cell.value = mx.add(x, 1);
      return mx.square(x);
    })(mx.array([2]));
    expect(() => (cell.value as mx.array).item()).toThrow(Error);
  });

  test("a plain loop of owners keeps neither them nor what they held", () => {
    const size = 1 << 18;
    const before = live();
    mx.clearCache();
    mx.resetPeakMemory();
    for (let i = 0; i < 600; i++) {
      const cell = new Cell();
      mx.tidy(() => {
        cell.value = { x: mx.add(mx.zeros([size]), i) };
        mx.array([i]);
      });
      mx.eval(cell);
    }
    // 600 MB were made.
    expect(mx.getPeakMemory()).toBeLessThan(400 * 2 ** 20);
    // The last ones may still lie on the stack.
    expect(live()).toBeLessThan(before + 10);
  });

  test("a long decoding loop stays small", () => {
    using cache = new KVCache();
    mx.clearCache();
    mx.resetPeakMemory();
    for (let i = 0; i < 200; i++) {
      const token = mx.tidy(() => {
        const [keys, values] = cache.add(mx.full([1, 1, 1 << 12], i), mx.full([1, 1, 1 << 12], i));
        return mx.add(keys, values).sum();
      });
      mx.eval(token);
    }
    // The buffers that were replaced have 650 MB.
    expect(mx.getPeakMemory()).toBeLessThan(300 * 2 ** 20);
    expect(cache.keys?.shape).toEqual([1, 200, 1 << 12]);
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
        // Not `live`, which collects: that V8 does so by itself is what this is about.
        most = Math.max(most, mx.memory().arrays - before);
      }
    }
    // V8's young objects may be 27,000 of them when it collects.
    expect(most).toBeLessThan(60_000);
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
