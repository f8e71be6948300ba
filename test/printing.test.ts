import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { mx } from "mlx-js";
import { afterEach, describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const x = mx.array([1, 2.34567, -1e10, Number.NaN]);
const usual = "array([1, 2.34567, -1e+10, nan], dtype=float32)";
const two = "array([1.00, 2.35, -10000000000.00, nan], dtype=float32)";
const none = "array([1, 2, -10000000000, nan], dtype=float32)";

afterEach(() => mx.setPrintoptions());

describe("an array without values is printed as its shape and dtype", () => {
  const outline = "array(shape=[3], dtype=float32)";
  const seen: string[] = [];
  const note = (x: mx.array) => {
    seen.push(
      String(x),
      `${x}`,
      inspect(x),
      inspect([{ a: x }], { depth: 1 }),
      inspect(x, { depth: 0 }),
    );
    return mx.multiply(x, 2);
  };
  const all = [outline, outline, outline, `[ { a: ${outline} } ]`, outline];
  const x = mx.ones([2, 3]);

  afterEach(() => seen.splice(0));

  test.each<[string, (f: typeof note) => unknown]>([
    ["vmap", (f) => mx.vmap(f)(x)],
    ["compile", (f) => mx.compile(f)(x.get(0))],
    ["compile without shapes", (f) => mx.compile(f, { shapeless: true })(x.get(0))],
    ["vmap of grad", (f) => mx.vmap(mx.grad((a) => mx.sum(f(a))))(x)],
    ["grad of vmap", (f) => mx.grad((a) => mx.sum(mx.vmap(f)(a)))(x)],
    ["vmap of a custom function", (f) => mx.vmap(mx.customFunction(f))(x)],
    ["what depends on them", (f) => mx.vmap((a) => f(mx.exp(mx.add(a, 1))))(x)],
  ])("in %s", (_, transform) => {
    transform(note);
    expect(seen.slice(0, 5)).toEqual(all);
  });

  test("and computes as it would without that", () => {
    const twice = mx.vmap((a: mx.array) => mx.add(note(mx.exp(a)), note(a)))(mx.zeros([2, 3]));
    expect(twice.tolist()).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
  });

  test("but where there are values, these are", () => {
    mx.grad((a: mx.array) => mx.sum(note(a)))(mx.ones([3]));
    mx.vmap((a: mx.array) => {
      note(mx.zeros([3]));
      return a;
    })(x);
    const ones = "array([1, 1, 1], dtype=float32)";
    const zeros = "array([0, 0, 0], dtype=float32)";
    expect(seen.filter((_, i) => i % 5 === 0)).toEqual([ones, zeros]);
  });

  test("of one that is left from a trace", () => {
    let left: unknown;
    mx.vmap((a: mx.array) => {
      left = a;
      return a;
    })(x);
    expect(inspect(left)).toBe(outline);
    expect(String(left)).toBe(outline);
  });
});

describe("an array that has no values any more says so", () => {
  test("disposed", () => {
    const x = mx.ones([2]);
    x.dispose();
    expect(inspect({ x })).toBe("{ x: array(disposed) }");
    expect(() => String(x)).toThrow("received one that has been disposed");
  });

  test("failed", () => {
    const x = mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
    for (let i = 0; i < 2; i++) {
      expect(inspect({ x })).toMatch(/array\(shape=\[2, 2\], dtype=float32, failed: .*LU/);
      expect(() => String(x)).toThrow("LU");
    }
  });
});

describe("print options", () => {
  test("hold until they are set again", () => {
    expect(String(x)).toBe(usual);
    mx.setPrintoptions({ precision: 2 });
    expect(String(x)).toBe(two);
    expect(inspect(x)).toBe(two);
    expect(String(mx.array([{ re: 1, im: -0.5 }]))).toBe("array([1.00-0.50j], dtype=complex64)");
    expect(String(mx.array(1.255, mx.float16))).toBe("array(1.25, dtype=float16)");
    expect(String(mx.arange(2))).toBe("array([0, 1], dtype=int32)");
    mx.setPrintoptions({ precision: 0 });
    expect(`${x}`).toBe(none);
    mx.setPrintoptions();
    expect(String(x)).toBe(usual);
  });

  test("are given as a copy", () => {
    const options = mx.getPrintoptions();
    expect(options).toBeInstanceOf(mx.PrintOptions);
    expect(options.precision).toBe(-1);
    options.precision = 2;
    expect(String(x)).toBe(usual);
    mx.setPrintoptions(options);
    expect(String(x)).toBe(two);
    expect(mx.getPrintoptions().precision).toBe(2);
  });

  test("of a scope end with it, also those that are set inside", () => {
    const seen = mx.printoptions({ precision: 2 }, () => {
      const outer = String(x);
      const inner = mx.printoptions(new mx.PrintOptions({ precision: 0 }), () => String(x));
      mx.setPrintoptions({ precision: 0 });
      return [outer, inner, mx.tidy(() => String(mx.add(x, 0)))];
    });
    expect(seen).toEqual([two, none, none]);
    expect(String(x)).toBe(usual);
    expect(() =>
      mx.printoptions({ precision: 2 }, () => {
        throw x;
      }),
    ).toThrow();
    expect(String(x)).toBe(usual);
  });

  test("until they are disposed", () => {
    const scope = mx.printoptions({ precision: 2 });
    expect(String(x)).toBe(two);
    scope[Symbol.dispose]();
    expect(String(x)).toBe(usual);
  });

  test("of asynchronous scopes do not mix", async () => {
    const print = (precision: number) =>
      mx.printoptions({ precision }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 5 - precision));
        return String(x);
      });
    expect(await Promise.all([print(2), print(0), print(-1)])).toEqual([two, none, usual]);
    expect(String(x)).toBe(usual);
  });

  test("belong to their thread", async () => {
    mx.setPrintoptions({ precision: 2 });
    const code = `
      const { mx } = require(${JSON.stringify(require.resolve("mlx-js"))});
      require("node:worker_threads").parentPort.postMessage(String(mx.array([1, 2.34567])));`;
    const worker = new Worker(code, { eval: true });
    const text = await new Promise((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    await worker.terminate();
    expect(text).toBe("array([1, 2.34567], dtype=float32)");
    expect(String(x)).toBe(two);
  });

  test("refuse what is no precision", () => {
    for (const set of [
      mx.setPrintoptions,
      mx.printoptions,
      (o: object) => new mx.PrintOptions(o),
    ]) {
      expect(() => set({ precision: -2 })).toThrow(
        "precision: expected an integer from -1 to 100, received -2",
      );
      expect(() => set({ precision: 2 ** 31 - 1 })).toThrow(RangeError);
      expect(() => set({ precision: 1.5 })).toThrow(TypeError);
      expect(() => set(any({ digits: 2 }))).toThrow('received an option "digits"');
      expect(() => set(any(2))).toThrow("options: expected { precision: 2 }, received 2");
    }
    expect(() => mx.printoptions({}, any(2))).toThrow("[printoptions] fn: expected a function");
    mx.setPrintoptions({ precision: 100 });
    expect(String(mx.array([3.4e38])).length).toBeGreaterThan(100);
  });
});
