import { getEventListeners } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { runInNewContext } from "node:vm";
import { mx, nn, optim } from "mlx-js";
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
    const { signal, controller } = runInNewContext(
      `
      class AbortSignal {
        aborted = false;
        #listeners = new Set();
        addEventListener(name, listener) { this.#listeners.add(listener); }
        removeEventListener(name, listener) { this.#listeners.delete(listener); }
        abort(reason) {
          this.aborted = true;
          this.reason = reason;
          for (const listener of this.#listeners) listener();
        }
      }
      const signal = new AbortSignal();
      ({ signal, controller: { abort: (reason) => signal.abort(reason) } })
    `,
    ) as AbortController & { controller: AbortController };
    const done = mx.asyncEval(work(), signal, own.signal);
    controller.abort("elsewhere");
    await expect(done).rejects.toBe("elsewhere");
    await expect(mx.asyncEval(mx.array([1]), signal)).rejects.toBe("elsewhere");
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
    ["a date", [new Date(0)], `args[0]: ${expected}1970`],
    ["a promise inside", [x, { a: [x, Promise.resolve(x)] }], /args\[1\]\.a\.1: .*await it first$/],
    ["a function inside", [{ f: mx.tanh }], /args\[0\]\.f: .*call it first$/],
    ["a string inside", [[x, "y"]], `args[0].1: ${expected}"y"`],
    ["an optimizer inside", [{ optimizer }], /args\[0\]\.optimizer: .*pass its state$/],
    ["a Map inside", [[new Map()]], /args\[0\]\.0: .*pass \[\.\.\.map\.values\(\)\]$/],
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
  const args = [
    typed,
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
  expect([typed.x.item(), y.item()]).toEqual([2, 3]);
});

test("a program ends after it has waited", async () => {
  const outcome = await runScript(`
    const { mx } = require(".");
    const x = mx.add(mx.array([1]), 1);
    mx.asyncEval(x).then(() => console.log(x.item()));
  `);
  expect([outcome.code, outcome.stdout]).toEqual([0, "2\n"]);
});
