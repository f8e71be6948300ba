import { readFileSync } from "node:fs";
import { mx } from "mlx-js";
import { describe, expect, expectTypeOf, test } from "vitest";
import { operations, target } from "../scripts/methods.mjs";
import { editor } from "./support/editor.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

test("lib/core/array/operations.ts is what the functions say of themselves", () => {
  expect(readFileSync(target, "utf8")).toBe(operations());
});

test("what the types know is there at run time", () => {
  const text = operations();
  const typed = new Set([...text.matchAll(/^ {4}(\w+)[(<]/gm)].map(([, name]) => name as string));
  expect(typed.size).toBe(66);
  for (const name of typed) {
    expect(typeof any(mx.array.prototype)[name], name).toBe("function");
  }
});

describe("types", () => {
  const x = mx.array([[1, 2, 3]]);

  test("of methods are those of the functions without the first parameter", () => {
    type Rest<F> = F extends (first: never, ...rest: infer R) => infer T
      ? (...rest: R) => T
      : never;
    expectTypeOf(x.sum).toEqualTypeOf<Rest<typeof mx.sum>>();
    expectTypeOf(x.add).toEqualTypeOf<Rest<typeof mx.add>>();
    expectTypeOf(x.var).toEqualTypeOf<Rest<typeof mx.var>>();
    expectTypeOf(x.swapaxes).toEqualTypeOf<Rest<typeof mx.swapaxes>>();
    expectTypeOf(x.astype).toEqualTypeOf<Rest<typeof mx.astype>>();
    expectTypeOf(x.flatten).toEqualTypeOf<Rest<typeof mx.flatten>>();
  });

  test("of values are numbers unless asked otherwise", () => {
    expectTypeOf(x.sum().item()).toEqualTypeOf<number>();
    expectTypeOf(x.sum().item<bigint>()).toEqualTypeOf<bigint>();
    expectTypeOf(x.tolist()).toEqualTypeOf<mx.Nested<number>>();
    expectTypeOf(x.tolist<number[][]>()).toEqualTypeOf<number[][]>();
    const rows: number[][] = x.tolist();
    expect(rows).toEqual([[1, 2, 3]]);
    expectTypeOf(x.toTypedArray()).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    const ints: Int32Array = x.astype(mx.int32).toTypedArray();
    expect(ints).toEqual(new Int32Array([1, 2, 3]));
    const into = new Float64Array(3);
    expectTypeOf(x.astype(mx.float64).toTypedArray(into)).toEqualTypeOf(into);
    // @ts-expect-error no array holds text
    const text: string = x.get(0, 0).item();
    expect(text).toBe(1);
  });

  test("of dim is a number", () => {
    expectTypeOf(x.dim(-1)).toEqualTypeOf<number>();
    expectTypeOf(x.shape[1]).toEqualTypeOf<number | undefined>();
  });
});

describe("in an editor", () => {
  const shown = editor(`import { mx } from "mlx-js";
const x = mx.array([1]);
const y = mx.add(x, 1);
x.sum(0);
x.reshape(2, 3);
x.item();
y.item();
x.`);

  test("a method shows its text, and an example of its own", () => {
    const { text, documentation, example } = shown.hover("x.sum");
    expect(text).toBe("(method) array.sum(axis?: Axes, options?: mx.ReduceOptions): array");
    expect(documentation).toMatch(/^The sum along an axis or several/);
    expect(example).toMatch(/^mx\.array\(\[\[1, 2\], \[3, 4\]\]\)\.sum\(0\)\n/);
  });

  test("parameters have names", () => {
    expect(shown.signatures("x.sum(")).toEqual([
      "sum(axis?: Axes, options?: mx.ReduceOptions): array",
    ]);
    expect(shown.signatures("x.reshape(")).toEqual([
      "reshape(shape: Shape, options?: mx.StreamOptions): array",
      "reshape(...shape: number[]): array",
    ]);
  });

  test("an array is an array everywhere", () => {
    expect(shown.hover("const x").text).toBe("const x: mx.array");
    expect(shown.hover("const y").text).toBe("const y: array");
    expect(shown.hover("x.item").text).toBe("(method) array.item<number>(): number");
    expect(shown.hover("y.item").text).toBe("(method) array.item<number>(): number");
  });

  test("methods are offered", () => {
    const offered = shown.completions("y.item();\nx.");
    expect(offered).toEqual(expect.arrayContaining(["sum", "reshape", "dim", "get", "T"]));
  });
});

describe("several arguments in place of a list", () => {
  const x = mx.arange(24).reshape(2, 3, 4);

  test("reshape", () => {
    expect(x.shape).toEqual([2, 3, 4]);
    expect(x.reshape(-1, 2, 2, 3, 1).shape).toEqual([2, 2, 2, 3, 1]);
    expect(x.reshape(24).shape).toEqual([24]);
    expect(x.reshape(24, { stream: mx.cpu }).shape).toEqual([24]);
    expect(x.reshape([4, 6], { stream: mx.cpu }).shape).toEqual([4, 6]);
    expect(x.sum().reshape(...[]).shape).toEqual([]);
    expect(x.reshape(4, 6).tolist()).toEqual(mx.reshape(x, [4, 6]).tolist());
    expect(() => x.reshape(any(2), any("3"))).toThrow("[reshape] options: expected");
    expect(() => x.reshape(2, 3, any("4"))).toThrow(
      "[reshape] shape: expected an integer or a list of integers, received [ 2, 3, '4' ]",
    );
    expect(() => x.reshape(any(null))).toThrow("[reshape] shape: expected");
  });

  test("transpose", () => {
    expect(x.transpose(1, 0, 2).tolist()).toEqual(mx.transpose(x, [1, 0, 2]).tolist());
    expect(x.transpose(-1, 0, 1).shape).toEqual([4, 2, 3]);
    expect(x.transpose().shape).toEqual([4, 3, 2]);
    expect(x.transpose([2, 1, 0], { stream: mx.cpu }).shape).toEqual([4, 3, 2]);
    expect(mx.array(1).transpose(...[]).shape).toEqual([]);
    expect(() => x.transpose(0, 1)).toThrow();
  });
});

describe("dim", () => {
  const x = mx.zeros([2, 3, 4]);

  test("is the size of an axis", () => {
    expect([0, 1, 2, -1, -2, -3].map((axis) => x.dim(axis))).toEqual([2, 3, 4, 4, 3, 2]);
  });

  test("takes axes only", () => {
    for (const axis of [3, -4, 2 ** 31]) {
      expect(() => x.dim(axis)).toThrow(RangeError);
    }
    expect(() => x.dim(3)).toThrow(
      "[dim] axis: expected an axis of an array of shape [2, 3, 4], received 3",
    );
    expect(() => mx.array(1).dim(0)).toThrow(RangeError);
    for (const axis of [undefined, null, "0", 0.5, Number.NaN, 1n, [0]]) {
      expect(() => x.dim(any(axis))).toThrow(TypeError);
    }
    expect(() => mx.array.prototype.dim.call(any({}), 0)).toThrow("[dim] this: expected an array");
    const gone = mx.zeros([2]);
    gone.dispose();
    expect(() => gone.dim(0)).toThrow("[dim] this: expected an array, received one that has been");
  });
});

describe("names that arrays have elsewhere", () => {
  const x = mx.array([1, 2]);

  test.each([
    ["sub", "x.subtract(y)"],
    ["unsqueeze", "mx.expandDims(x, axis)"],
    ["dataSync", "x.toTypedArray()"],
    ["numpy", "x.toTypedArray() or x.tolist()"],
    ["detach", "mx.stopGradient(x)"],
    ["float", "x.astype(mx.float32)"],
    ["floor", "mx.floor(x)"],
    ["topk", "mx.topk(x, …)"],
    ["where", "mx.where(condition, x, y)"],
    ["clamp", "mx.clip(x, aMin, aMax)"],
  ])("x.%s", (name, instead) => {
    const message = `[array] expected ${instead}, received x.${name}`;
    expect(() => any(x)[name]()).toThrow(new TypeError(message));
    expect(() => {
      any(x)[name] = true;
    }).toThrow(new TypeError(message));
  });

  test("loss.backward()", () => {
    expect(() => any(x).backward()).toThrow("[array] expected mx.grad(fun) or nn.valueAndGrad(");
    expect(() => {
      any(x).requires_grad = true;
    }).toThrow("[array] expected mx.grad(fun, argnums)");
  });

  test("are not in the types, and nothing that is looked for by libraries", () => {
    // @ts-expect-error it is x.multiply(y)
    expect(() => x.mul(2)).toThrow(TypeError);
    for (const name of ["then", "nodeType", "$$typeof", "tagName", "_isMockFunction", "equals"]) {
      expect(any(x)[name]).toBeUndefined();
    }
    expect(Object.keys(mx.array.prototype)).toEqual([]);
  });
});
