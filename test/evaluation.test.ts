import { getEventListeners } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { runInNewContext } from "node:vm";
import { mx, nn, optim } from "mlx-js";
import { afterAll, describe, expect, test } from "vitest";
import { foreignController } from "./support/foreign-signal.js";
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

const onCpu = { stream: mx.cpu };

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
    expect(ticks).toBeGreaterThan(Math.min(elapsed / 20, 5));
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
    const x = mx.array([1]);
    x.dispose();
    await expect(mx.asyncEval(x)).rejects.toThrow(TypeError);
  });

  test("thousands at once: in order, none lost, and the event loop goes on", async () => {
    const count = 5000;
    const order: number[] = [];
    let turns = 0;
    let turn = setImmediate(function again() {
      turns++;
      turn = setImmediate(again);
    });
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
    clearImmediate(turn);
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

  test("that is undefined is none", async () => {
    const x = mx.add(mx.array([1]), 1);
    const options: { signal?: AbortSignal } = {};
    await mx.asyncEval(x, options.signal);
    expect(x.tolist()).toEqual([2]);
    await expect(mx.asyncEval(options.signal, x)).rejects.toThrow("args[0]: expected an array");
  });

  test("that never aborts keeps no listener", async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) {
      await mx.asyncEval(mx.add(mx.array([i]), 1), signal);
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("of many at once has one listener, and gives all of them up", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const xs = Array.from({ length: 30 }, (_, i) => mx.add(mx.array([i]), 1));
    const first = mx.asyncEval(xs, signal);
    const done = Promise.allSettled(xs.map((x) => mx.asyncEval(x, work(), signal)));
    expect(getEventListeners(signal, "abort").length).toBe(1);
    await first;
    controller.abort("enough");
    const reasons = (await done).map((outcome) => outcome.status === "rejected" && outcome.reason);
    expect(reasons).toEqual(Array(30).fill("enough"));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("one of several is enough", async () => {
    const controllers = [new AbortController(), new AbortController()] as const;
    const x = work();
    const done = mx.asyncEval(controllers[0].signal, { x }, controllers[1].signal);
    controllers[1].abort("the second");
    await expect(done).rejects.toBe("the second");
    for (const { signal } of controllers) {
      expect(getEventListeners(signal, "abort")).toEqual([]);
    }
  });

  test("of another realm", async () => {
    const own = new AbortController();
    const { controller } = foreignController();
    const { signal } = controller;
    const done = mx.asyncEval(work(), signal, own.signal);
    controller.abort("elsewhere");
    await expect(done).rejects.toBe("elsewhere");
    await expect(mx.asyncEval(mx.array([1]), signal)).rejects.toBe("elsewhere");
  });
});

describe("an evaluation that failed", () => {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-evaluation-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** An array of a file that is cut short before it is read. */
  function cutShort(save: (file: string, x: mx.array) => void, extension: string): mx.array {
    const file = join(folder, `${Math.random()}.${extension}`);
    save(file, mx.ones([64, 64]));
    const loaded = mx.load(file) as mx.array | Record<string, mx.array>;
    truncateSync(file, 4096);
    return loaded instanceof mx.array ? loaded : (loaded["x"] as mx.array);
  }

  /** Ones that share one place in memory: a product copies them. */
  const wide = (...shape: number[]) => mx.broadcastTo(mx.array([1]), shape);

  const kinds: [what: string, make: () => mx.array][] = [
    ["a singular matrix", failing],
    ["one of several outputs", () => mx.linalg.svd(mx.full([2, 2], Number.NaN), onCpu)[1]],
    ["too little memory", () => mx.sum(mx.add(mx.zeros([2 ** 31 - 1, 2 ** 29]), 1), 0)],
    [
      "too little memory beside the result",
      () => mx.matmul(wide(2 ** 10, 2 ** 30), wide(2 ** 30, 1)),
    ],
    ["an index", () => mx.take(mx.arange(4), mx.add(mx.array([0, 7], mx.int32), 1))],
    ["an npy file cut short", () => cutShort(mx.save, "npy")],
    [
      "a safetensors file cut short",
      () => cutShort((file, x) => mx.saveSafetensors(file, { x }), "safetensors"),
    ],
    ["a gguf file cut short", () => cutShort((file, x) => mx.saveGguf(file, { x }), "gguf")],
  ];

  /** What a function throws, as text. */
  function thrown(fn: () => unknown): string {
    try {
      fn();
    } catch (error) {
      return String(error);
    }
    return "nothing";
  }

  describe.each(kinds)("for %s", (_, make) => {
    const reads: [string, (x: mx.array) => unknown][] = [
      ["eval", (x) => mx.eval({ x })],
      ["item", (x) => mx.sum(x).item()],
      ["tolist", (x) => x.tolist()],
      ["toTypedArray", (x) => x.toTypedArray()],
      ["String", (x) => String(x)],
      ["a view", (x) => x.reshape(-1).tolist()],
      ["an operation", (x) => mx.add(x, 1).tolist()],
      ["another stream", (x) => mx.add(x, 1, { stream: mx.newStream(mx.cpu) }).tolist()],
      [
        "set",
        (x) => {
          const y = mx.add(x, 0);
          y.set([0], 5);
          y.tolist();
        },
      ],
      [
        "vmap",
        (x) =>
          mx
            .vmap((row) => mx.add(row, 1))(x)
            .tolist(),
      ],
      [
        "vmap of a function that uses it",
        (x) =>
          mx
            .vmap((row) => mx.add(row, mx.sum(x)))(mx.ones([3]))
            .tolist(),
      ],
      [
        "grad",
        (x) =>
          mx
            .grad((y: mx.array) => mx.sum(mx.multiply(x, y)))(mx.array(2))
            .item(),
      ],
      [
        "compile",
        (x) =>
          mx
            .compile((y: mx.array) => mx.add(mx.sum(x), y))(mx.array(2))
            .item(),
      ],
    ];

    test.each(reads)("it throws again by %s", async (_, read) => {
      const x = make();
      const before = mx.add(mx.sum(x), 1);
      const first = thrown(() => mx.eval(x));
      expect(first).toMatch(/Error: ./);
      for (let i = 0; i < 3; i++) {
        expect(thrown(() => read(x))).toBe(first);
        await expect(mx.asyncEval(x).catch(String)).resolves.toBe(first);
        expect(thrown(() => before.item())).toBe(first);
        // Others go on.
        expect(mx.add(mx.array([i]), 1).item()).toBe(i + 1);
        await mx.asyncEval(mx.add(mx.array([i]), 1));
      }
    });

    test("nothing is saved or exported", () => {
      const x = make();
      const saves: [string, (file: string) => void][] = [
        ["x.npy", (file) => mx.save(file, x)],
        ["x.npz", (file) => mx.savez(file, [mx.ones([2]), x])],
        ["c.npz", (file) => mx.savezCompressed(file, { x })],
        ["x.safetensors", (file) => mx.saveSafetensors(file, { y: mx.ones([2]), x })],
        ["x.gguf", (file) => mx.saveGguf(file, { y: mx.ones([2]), x })],
        ["m.gguf", (file) => mx.saveGguf(file, { y: mx.ones([2]) }, { x: x.reshape(-1) })],
      ];
      const error = thrown(() => mx.eval(x));
      for (const [name, save] of saves) {
        const file = join(folder, name);
        expect(thrown(() => save(file))).toBe(error);
        expect(existsSync(file)).toBe(false);
        writeFileSync(file, "as it was");
        expect(thrown(() => save(file))).toBe(error);
        expect(readFileSync(file, "utf8")).toBe("as it was");
        rmSync(file);
      }
      const written: Uint8Array[] = [];
      const target = { write: (bytes: Uint8Array) => void written.push(bytes) };
      for (const save of [
        () => mx.save(target, x),
        () => mx.savez(target, [mx.ones([2]), x]),
        () => mx.saveSafetensors(target, { y: mx.ones([2]), x }),
      ]) {
        expect(thrown(save)).toBe(error);
      }
      expect(written).toEqual([]);
      const file = join(folder, "x.mlxfn");
      expect(
        thrown(() =>
          mx.exportFunction(file, (y: mx.array) => mx.add(y, mx.sum(x)), [mx.ones([2])]),
        ),
      ).toBe(error);
    });

    test("what was computed rightly is there", () => {
      const early = mx.multiply(mx.array([1, 2]), 3);
      const x = make();
      const late = mx.add(early, 1);
      const mixed = mx.add(mx.sum(x), mx.sum(late));
      const error = thrown(() => mx.eval(late, mixed, early));
      expect(error).toMatch(/Error: ./);
      expect([early.tolist(), late.tolist(), mx.sum(late).item()]).toEqual([[3, 6], [4, 7], 11]);
      expect([thrown(() => mixed.item()), thrown(() => x.tolist())]).toEqual([error, error]);
    });

    test("and while the event loop goes on", async () => {
      const early = mx.multiply(mx.array([1, 2]), 3);
      const x = make();
      const late = mx.add(early, 1);
      const mixed = mx.add(mx.sum(x), mx.sum(late));
      const other = mx.sum(mx.add(mx.array([1]), 1));
      const after = mx.add(mixed, 1);
      const outcomes = await Promise.allSettled([
        mx.asyncEval(mixed),
        mx.asyncEval(after),
        mx.asyncEval(other, late),
        mx.asyncEval(mx.add(mx.sum(x), 1)),
      ]);
      const results = outcomes.map((o) => (o.status === "rejected" ? String(o.reason) : o.status));
      const error = thrown(() => x.tolist());
      expect(error).toMatch(/Error: ./);
      expect(results).toEqual([error, error, "fulfilled", error]);
      expect([thrown(() => mixed.item()), thrown(() => after.item())]).toEqual([error, error]);
      expect([early.tolist(), late.tolist(), other.item()]).toEqual([[3, 6], [4, 7], 2]);
    });

    test("and is known to who reads before it is done", async () => {
      const x = make();
      const y = mx.add(mx.sum(x), 1);
      const done = Promise.allSettled([mx.asyncEval(x), mx.asyncEval(y)]);
      const error = thrown(() => x.tolist());
      expect(error).toMatch(/Error: ./);
      expect(thrown(() => y.item())).toBe(error);
      expect(thrown(() => mx.add(y, 1).item())).toBe(error);
      expect((await done).map((o) => o.status === "rejected" && String(o.reason))).toEqual([
        error,
        error,
      ]);
    });
  });

  test("every output of an operation fails", () => {
    const [u, s, v] = mx.linalg.svd(mx.full([2, 2], Number.NaN), onCpu);
    expect(() => mx.eval(s)).toThrow("SVD");
    for (const x of [u, s, v]) {
      expect(() => x.tolist()).toThrow("SVD");
    }
  });

  test("the first of several errors is that of what depends on both", () => {
    const singular = failing();
    const svd = mx.linalg.svd(mx.full([2, 2], Number.NaN), onCpu)[1];
    const both = mx.add(mx.sum(singular), mx.sum(svd));
    const error = thrown(() => mx.eval(both));
    expect(thrown(() => both.item())).toBe(error);
    expect(() => singular.tolist()).toThrow("LU");
    expect(() => svd.tolist()).toThrow("SVD");
  });

  test("on one stream, with what depends on it on others", async () => {
    const [a, b, c] = [mx.newStream(mx.cpu), mx.newStream(mx.cpu), mx.newStream(mx.cpu)];
    for (let i = 0; i < 20; i++) {
      const x = failing(a);
      const y = mx.add(x, 1, { stream: b });
      const z = mx.sum(y, null, { stream: c });
      const good = mx.add(mx.array([i]), 1, { stream: b });
      if (i % 2 === 0) {
        expect(() => mx.eval(z, good)).toThrow("LU");
      } else {
        const done = Promise.allSettled([mx.asyncEval(x), mx.asyncEval(z), mx.asyncEval(good)]);
        expect((await done).map(({ status }) => status)).toEqual([
          "rejected",
          "rejected",
          "fulfilled",
        ]);
      }
      for (const bad of [x, y, z]) {
        expect(() => bad.tolist()).toThrow("LU");
      }
      expect(good.item()).toBe(i + 1);
      for (const stream of [a, b, c]) {
        expect(mx.add(mx.array([i]), 2, { stream }).item()).toBe(i + 2);
      }
    }
  });

  test("in the middle of much else", async () => {
    for (const evaluate of [mx.eval, mx.asyncEval]) {
      const xs: mx.array[] = [];
      let [right, wrong] = [mx.array([0]), mx.sum(failing())];
      for (let i = 0; i < 100; i++) {
        right = mx.add(right, 1);
        wrong = mx.add(wrong, right);
        xs.push(right, wrong);
      }
      const error = await Promise.resolve()
        .then(() => evaluate(xs))
        .catch(String);
      expect(error).toContain("LU");
      xs.forEach((x, i) => {
        if (i % 2 === 0) {
          expect(x.item()).toBe(i / 2 + 1);
        } else {
          expect(thrown(() => x.tolist())).toBe(error);
        }
      });
    }
  });

  test("in a function that is differentiated", () => {
    const f = (x: mx.array) => {
      const y = mx.linalg.inv(mx.multiply(x, 0), onCpu);
      expect(() => y.tolist()).toThrow("LU");
      expect(() => y.tolist()).toThrow("LU");
      return mx.sum(y);
    };
    expect(() =>
      mx
        .grad(f)(mx.ones([2, 2]))
        .tolist(),
    ).toThrow("LU");
    const g = (x: mx.array) => {
      expect(mx.sum(x).item()).toBe(4);
      return mx.sum(mx.square(x));
    };
    expect(
      mx
        .grad(g)(mx.ones([2, 2]))
        .tolist(),
    ).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test("in random programs", async () => {
    interface Value {
      x: mx.array;
      value: number;
      fails: boolean;
    }
    let state = 1;
    const random = (n: number) => {
      state = (state * 48271) % 2147483647;
      return state % n;
    };
    const streams = [mx.cpu, ...Array.from({ length: 2 }, () => mx.newStream(mx.cpu))];
    const seen: [expected: unknown, received: unknown][] = [];
    const note = (values: Value[], outcome: unknown) => {
      const failed = outcome instanceof Error;
      seen.push([values.some(({ fails }) => fails), failed]);
    };
    const read = ({ x, value, fails }: Value) => {
      seen.push([fails ? true : value, thrown(() => x.item()) === "nothing" ? x.item() : true]);
    };
    for (let round = 0; round < 60; round++) {
      const values: Value[] = [];
      const done: Promise<void>[] = [];
      const some = () =>
        Array.from({ length: 1 + random(4) }, () => values[random(values.length)] as Value);
      for (let i = 0; i < 50; i++) {
        const options = { stream: streams[random(streams.length)] as mx.Stream };
        const kind = values.length < 3 ? 0 : random(20);
        if (kind < 3) {
          values.push({ x: mx.add(mx.array(i), 1, options), value: i + 1, fails: false });
        } else if (kind === 3) {
          const x = mx.sum(failing(options.stream), null, options);
          values.push({ x, value: 0, fails: true });
        } else if (kind < 12) {
          const [a, b] = [some()[0] as Value, some()[0] as Value];
          const x = mx.minimum(mx.add(a.x, b.x, options), 1000, options);
          const value = Math.min(a.value + b.value, 1000);
          values.push({ x, value, fails: a.fails || b.fails });
        } else if (kind < 14) {
          read(some()[0] as Value);
        } else if (kind < 16) {
          const asked = some();
          try {
            mx.eval(asked.map(({ x }) => x));
            note(asked, "done");
          } catch (error) {
            note(asked, error);
          }
        } else if (kind < 19) {
          const asked = some();
          const evaluation = mx.asyncEval(asked.map(({ x }) => x));
          done.push(
            evaluation.then(
              () => note(asked, "done"),
              (error) => note(asked, error),
            ),
          );
        } else if (random(2) === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        } else {
          values.splice(random(values.length), 1);
        }
      }
      await Promise.all(done);
      values.forEach(read);
    }
    expect(seen.map(([, received]) => received)).toEqual(seen.map(([expected]) => expected));
  });

  test("that MLX refuses has not failed", async () => {
    const y = mx.add(mx.array([1]), 1);
    const f = mx.compile((x: mx.array) => {
      const z = mx.add(x, y);
      expect(() => z.tolist()).toThrow("not allowed");
      return z;
    });
    expect(f(mx.array([1])).tolist()).toEqual([3]);
    let done: Promise<unknown> = Promise.resolve();
    const gradient = mx.grad((x: mx.array) => {
      const z = mx.square(x);
      done = mx.asyncEval(z).catch(String);
      return z;
    })(mx.array(3));
    expect(await done).toContain("Not allowed inside a graph transformation");
    expect(gradient.item()).toBe(6);
  });

  test("does not end random numbers", () => {
    for (let i = 0; i < 3; i++) {
      const x = mx.add(mx.sum(mx.random.normal([4])), mx.sum(failing()));
      expect(() => x.item()).toThrow("LU");
      const huge = mx.random.normal([2 ** 20, 2 ** 20, 2 ** 10]);
      expect(() => mx.eval(huge)).toThrow("allocate");
      expect(Number.isFinite(mx.random.normal([]).item())).toBe(true);
    }
  });

  test("frees what it has computed", () => {
    mx.tidy(() => {
      const zeros = mx.zeros([1 << 20]);
      mx.eval(zeros);
      const x = mx.add(zeros, mx.sum(failing()));
      const before = mx.getActiveMemory();
      expect(() => mx.eval(x)).toThrow("LU");
      expect(mx.getActiveMemory() - before).toBeLessThan(1 << 20);
    });
  });
});

describe("what is neither an array nor a tree is refused", () => {
  const x = mx.array([1, 2]);
  const optimizer = new optim.Adam(0.1);
  const expected = "expected an array, or a list, record or module of arrays, received ";
  const cases: [what: string, args: unknown[], message: RegExp | string][] = [
    ["an optimizer", [x, optimizer], /^\[\w+\] args\[1\]: .*Adam.*; pass its state$/],
    ["a promise", [Promise.resolve(x)], /^\[\w+\] args\[0\]: .*Promise.*; await it first$/],
    [
      "another realm's",
      [{ a: [runInNewContext("Promise.resolve(1)")] }],
      /args\[0\]\.a\.0: .*; await it first$/,
    ],
    ["a function", [() => x], /^\[\w+\] args\[0\]: .*; call it first$/],
    ["a Map", [new Map([["x", x]])], /; pass \[\.\.\.map\.values\(\)\]$/],
    ["a Set", [new Set([x])], /; pass \[\.\.\.set\]$/],
    ["a string", ["x"], `args[0]: ${expected}"x"`],
    ["undefined", [undefined], `args[0]: ${expected}undefined`],
    ["null", [x, null], `args[1]: ${expected}null`],
    ["a number", [5], `args[0]: ${expected}5`],
    ["a boolean", [true], `args[0]: ${expected}true`],
    ["a symbol", [Symbol("x")], `args[0]: ${expected}Symbol(x)`],
    ["a typed array", [new Float32Array([1])], `args[0]: ${expected}Float32Array`],
    ["an object of a class", [new (class Point {})()], `args[0]: ${expected}Point {}`],
    [
      "an object of a class with arrays",
      [
        new (class Cache {
          keys = x;
        })(),
      ],
      /args\[0\]: .*received Cache .*; let its class extend mx\.Owner$/,
    ],
    ["a date", [new Date(0)], `args[0]: ${expected}Date`],
    ["a promise inside", [x, { a: [x, Promise.resolve(x)] }], /args\[1\]\.a\.1: .*await it first$/],
    ["a function inside", [{ f: mx.tanh }], /args\[0\]\.f: .*call it first$/],
    ["a string inside", [[x, "y"]], `args[0].1: ${expected}"y"`],
    ["an optimizer inside", [{ optimizer }], /args\[0\]\.optimizer: .*pass its state$/],
    ["a Map inside", [[new Map()]], /args\[0\]\.0: .*pass \[\.\.\.map\.values\(\)\]$/],
    ["numbers alone", [x, [3, 4]], `args[1]: ${expected}[ 3, 4 ]`],
    ["booleans alone", [{ a: [true], b: 1n }], `args[0]: ${expected}{ a: [ true ], b: 1n }`],
  ];
  test.each(cases)("%s", async (_, args, message) => {
    for (const evaluate of [mx.eval, mx.asyncEval] as ((...args: unknown[]) => unknown)[]) {
      // asyncEval's errors, of arguments too, reject.
      const error = await Promise.resolve()
        .then(() => evaluate(...args))
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      const text = (error as TypeError).message;
      expect(text).toMatch(message);
      expect(text).toContain(evaluate === mx.eval ? "[eval] " : "[asyncEval] ");
    }
  });

  test("a value that contains itself", () => {
    const tree: unknown[] = [x];
    tree.push({ tree });
    expect(() => mx.eval(tree)).toThrow(/^\[eval\] args\[0\]\.1\.tree: .*received/);
  });

  test("a signal, by eval", () => {
    expect(() => mx.eval(x, new AbortController().signal as never)).toThrow(
      "pass it to mx.asyncEval",
    );
  });

  test("and by the types", () => {
    const f = () => {
      // @ts-expect-error
      mx.eval(optimizer);
      // @ts-expect-error
      mx.eval(Promise.resolve(x));
      // @ts-expect-error
      mx.eval(() => x);
      // @ts-expect-error
      mx.eval(new Map([["x", x]]));
      // @ts-expect-error
      mx.eval(new Set([x]));
      // @ts-expect-error
      mx.eval("x", x);
      // @ts-expect-error
      mx.eval(undefined);
      // @ts-expect-error
      mx.eval(1);
      // @ts-expect-error
      mx.eval(new Float32Array(1));
      // @ts-expect-error
      mx.eval(new AbortController().signal);
      // @ts-expect-error
      void mx.asyncEval(optimizer);
    };
    expect(f).toBeTypeOf("function");
  });
});

test("trees are taken that are empty or have other leaves than arrays", async () => {
  interface Typed {
    x: mx.array;
  }
  const typed: Typed = { x: mx.add(mx.array([1]), 1) };
  const y = mx.add(mx.array([2]), 1);
  const model = new nn.Sequential(new nn.Linear(2, 2), mx.tanh, new nn.Linear(2, 1));
  interface Optional {
    x?: mx.array;
    y?: Optional | undefined;
    n?: number | null;
  }
  const optional: Optional = { y: { n: null } };
  class Cache extends mx.Owner {
    keys?: mx.array = mx.add(mx.array([3]), 1);
    readonly layers: Cache[] = [];
    name = "cache";
    size() {
      return this.layers.length;
    }
  }
  const cache = new Cache();
  const state: optim.OptimizerState = new optim.Adam(0.1).state;
  const args = [
    typed,
    optional,
    [optional] as const,
    cache,
    { cache, readonly: [cache] as readonly Cache[] },
    state,
    [],
    {},
    [1, { a: true, b: null, c: undefined, d: 2n, e: [[]] }, y],
    model,
    model.parameters(),
    new optim.SGD(0.1).state,
    Object.create(null) as object,
  ];
  mx.eval(...args);
  await mx.asyncEval(...args);
  expect([typed.x.item(), y.item(), cache.keys?.item()]).toEqual([2, 3, 4]);
});

test("a program ends after it has waited", async () => {
  const outcome = await runScript(`
    const { mx } = require(".");
    const x = mx.add(mx.array([1]), 1);
    mx.asyncEval(x).then(() => console.log(x.item()));
  `);
  expect([outcome.code, outcome.stdout]).toEqual([0, "2\n"]);
});
