import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const cube = () =>
  mx.array([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 9],
    ],
  ]);

const overAxes = [
  "all",
  "any",
  "sum",
  "prod",
  "min",
  "max",
  "logsumexp",
  "mean",
  "median",
  "var",
  "std",
] as const;
const overAxis = ["argmin", "argmax"] as const;
const scans = ["logcumsumexp", "cumsum", "cumprod", "cummax", "cummin"] as const;

describe("axes", () => {
  test("one, several, negative, all, none", () => {
    is(mx.sum(cube(), 0), mx.float32, [
      [6, 8],
      [10, 13],
    ]);
    is(mx.sum(cube(), -1), mx.float32, [
      [3, 7],
      [11, 16],
    ]);
    is(mx.sum(cube(), [0, 2]), mx.float32, [14, 23]);
    is(mx.sum(cube(), [-1, 0]), mx.float32, [14, 23]);
    is(mx.sum(cube(), null), mx.float32, 37);
    is(mx.sum(cube(), undefined), mx.float32, 37);
    is(mx.sum(cube()), mx.float32, 37);
    is(mx.sum(cube(), []), mx.float32, cube().tolist());
  });

  test.each(overAxes)("of %s", (name) => {
    const f = mx[name];
    expect(f(cube(), 1).shape).toEqual([2, 2]);
    expect(f(cube(), 1, { keepdims: true }).shape).toEqual([2, 1, 2]);
    expect(f(cube(), [0, -1], { keepdims: true }).shape).toEqual([1, 2, 1]);
    expect(f(cube(), null, { keepdims: true }).shape).toEqual([1, 1, 1]);
    expect(f(cube()).shape).toEqual([]);
    expect(f(cube(), [0, 1, 2]).tolist()).toEqual(f(cube()).tolist());
    expect(f(mx.array(3)).shape).toEqual([]);
  });

  test.each(overAxis)("of %s", (name) => {
    const f = mx[name];
    expect(f(cube(), 1).shape).toEqual([2, 2]);
    expect(f(cube(), -1, { keepdims: true }).shape).toEqual([2, 2, 1]);
    expect(f(cube(), null, { keepdims: true }).shape).toEqual([1, 1, 1]);
    expect(f(cube()).shape).toEqual([]);
    expect(() => f(cube(), any([0]))).toThrow(TypeError);
  });

  test.each(scans)("of %s", (name) => {
    const f = mx[name];
    expect(f(cube(), -2).shape).toEqual([2, 2, 2]);
    expect(f(cube()).shape).toEqual([8]);
    expect(f(cube(), null).shape).toEqual([8]);
    expect(() => f(cube(), any([0]))).toThrow(TypeError);
  });

  test.each([...overAxes, ...overAxis, ...scans])("that do not exist, of %s", (name) => {
    const f = any(mx[name]);
    // Small integers and others travel differently.
    const edges = [2 ** 20 - 1, 2 ** 20, -(2 ** 20), -(2 ** 20) - 1];
    for (const axis of [3, -4, ...edges, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(() => f(cube(), axis)).toThrow(/axis|Axis/);
    }
    for (const axis of [0.5, NaN, Infinity, "0", true, {}, ["0"], [0.5]]) {
      expect(() => f(cube(), axis)).toThrow(TypeError);
    }
    expect(() => f(cube(), 2 ** 31)).toThrow(RangeError);
  });

  test("twice the same", () => {
    expect(() => mx.sum(cube(), [0, 0])).toThrow("Duplicate axes");
    expect(() => mx.sum(cube(), [0, -3])).toThrow("Duplicate axes");
  });
});

describe("arguments", () => {
  const everything = [
    ...overAxes,
    ...overAxis,
    ...scans,
    "countNonzero",
    "minmax",
    "diff",
  ] as const;

  test.each(everything)("that %s refuses", (name) => {
    const f = any(mx[name]);
    for (const x of [undefined, null, "x", new Map(), () => 1, {}]) {
      expect(() => f(x)).toThrow(`[${name}] a: expected an array`);
    }
    const dead = mx.array([1]);
    dead.dispose();
    expect(() => f(dead)).toThrow("disposed");
    const options = name === "countNonzero" ? [] : name === "diff" ? [1, -1] : [0];
    const x = mx.array([1, 2]);
    expect(() => f(x, ...options, { keepDims: true })).toThrow('received an option "keepDims"');
    for (const bad of [null, 1, true, [], x]) {
      expect(() => f(x, ...options, bad)).toThrow(TypeError);
    }
    expect(() => f(x, ...options, { stream: "cpu" })).toThrow(TypeError);
    expect(f(x, ...options, { stream: mx.cpu })).toBeDefined();
  });

  test("correction counts instead of ddof", () => {
    const x = mx.array([
      [1, 2, 4],
      [0, 3, 0],
    ]);
    expect(mx.var(x, 1, { ddof: 2, correction: 0 }).tolist()).toEqual(mx.var(x, 1).tolist());
    expect(x.std(1, { correction: 1 }).tolist()).toEqual(mx.std(x, 1, { ddof: 1 }).tolist());
    expect(x.var(0, { ddof: 1, correction: null }).tolist()).toEqual([0.5, 0.5, 8]);
  });

  test("of the wrong type", () => {
    const x = mx.array([1, 2]);
    expect(() => mx.sum(x, 0, { keepdims: any(1) })).toThrow(
      "[sum] keepdims: expected a boolean, received 1",
    );
    expect(() => mx.var(x, 0, { ddof: any("1") })).toThrow(TypeError);
    expect(() => mx.std(x, 0, { ddof: 0.5 })).toThrow(TypeError);
    expect(() => mx.std(x, 0, { correction: 0.5 })).toThrow(
      "[std] correction: expected an integer",
    );
    expect(() => mx.cumsum(x, 0, { reverse: any(0) })).toThrow(TypeError);
    expect(() => mx.cumsum(x, 0, { dtype: any("int32") })).toThrow(TypeError);
    expect(() => mx.cummax(x, 0, any({ dtype: mx.int32 }))).toThrow(TypeError);
    expect(() => mx.countNonzero(x, any(0))).toThrow(TypeError);
    expect(() => mx.diff(x, any(1.5))).toThrow(TypeError);
    expect(() => mx.diff(x, 1, any(null))).toThrow(TypeError);
  });
});

test("differences stop where nothing is left", () => {
  const x = mx.array([[5, 1, 4]], mx.int32);
  is(mx.diff(x, 2), mx.int32, [[7]]);
  for (const n of [3, 4, 2 ** 31 - 1]) {
    is(mx.diff(x, n), mx.int32, [[]]);
    expect(mx.diff(x, n, 0).shape).toEqual([0, 3]);
  }
  expect(() => mx.diff(x, 2 ** 31 - 1, 2)).toThrow("[diff]");
});

describe("values", () => {
  test("all, any, countNonzero", () => {
    const x = mx.array([
      [0, 1],
      [2, 3],
    ]);
    is(mx.all(x, 0), mx.bool, [false, true]);
    is(mx.any(x, 1), mx.bool, [true, true]);
    is(mx.all(mx.array([])), mx.bool, true);
    is(mx.any(mx.array([])), mx.bool, false);
    is(mx.all(mx.array([NaN])), mx.bool, true);
    is(mx.countNonzero(x), mx.int32, 3);
    is(mx.countNonzero(x, { axis: 0 }), mx.int32, [1, 2]);
    is(mx.countNonzero(x, { axis: [0, 1], keepdims: true }), mx.int32, [[3]]);
    is(mx.countNonzero(x, { axis: null }), mx.int32, 3);
  });

  test("the dtype of sums and products", () => {
    is(mx.sum(mx.array([true, true])), mx.int32, 2);
    is(mx.sum(mx.array([100, 100], mx.int8)), mx.int32, 200);
    is(mx.sum(mx.array([200, 100], mx.uint8)), mx.uint32, 300);
    is(mx.prod(mx.array([100, 100], mx.int16)), mx.int32, 10000);
    is(mx.sum(mx.array([2n ** 53n, 1n])), mx.int64, 2n ** 53n + 1n);
    is(mx.sum(mx.array([1, 2], mx.float16)), mx.float16, 3);
    is(mx.mean(mx.array([1, 2], mx.int8)), mx.float32, 1.5);
    is(mx.sum(mx.array([])), mx.float32, 0);
    is(mx.prod(mx.array([])), mx.float32, 1);
    is(mx.mean(mx.array([])), mx.float32, NaN);
  });

  test("extremes", () => {
    const x = mx.array([
      [3, 1, 2],
      [4, 9, 0],
    ]);
    is(mx.min(x, 0), mx.float32, [3, 1, 0]);
    is(mx.max(x, 1), mx.float32, [3, 9]);
    const [low, high] = mx.minmax(x, 1, { keepdims: true });
    is(low, mx.float32, [[1], [0]]);
    is(high, mx.float32, [[3], [9]]);
    is(mx.max(mx.array([1, NaN, 2])), mx.float32, NaN);
    is(mx.max(mx.array([1n, -1n])), mx.int64, 1n);
    is(mx.argmin(x), mx.uint32, 5);
    is(mx.argmax(x), mx.uint32, 4);
    is(mx.argmax(x, 0), mx.uint32, [1, 1, 0]);
    is(mx.argmin(x, -1, { keepdims: true }), mx.uint32, [[1], [2]]);
    is(mx.argmax(mx.array([2, 5, 5])), mx.uint32, 1);
    for (const name of ["argmin", "argmax"] as const) {
      is(mx[name](5, null, { keepdims: true }), mx.uint32, 0);
      is(mx[name](mx.array([5]), null, { keepdims: true }), mx.uint32, [0]);
    }
    for (const name of ["min", "max", "minmax", "argmin", "argmax", "median"] as const) {
      expect(() => mx[name](mx.array([]))).toThrow(`[${name === "minmax" ? "min" : name}`);
    }
  });

  test("spread", () => {
    const x = mx.array([
      [1, 3],
      [2, 8],
    ]);
    is(mx.var(x, 1), mx.float32, [1, 9]);
    is(mx.var(x, 1, { ddof: 1 }), mx.float32, [2, 18]);
    is(mx.std(x, 1), mx.float32, [1, 3]);
    is(mx.var(x, null, { keepdims: true }), mx.float32, [[7.25]]);
    is(mx.var(mx.array([1, 2]), 0, { ddof: 2 }), mx.float32, Infinity);
    is(mx.median(x), mx.float32, 2.5);
    is(mx.median(x, 0), mx.float32, [1.5, 5.5]);
    is(mx.logsumexp(mx.array([-Infinity, -Infinity])), mx.float32, -Infinity);
    expect(mx.logsumexp(mx.array([1000, 1000])).item()).toBeCloseTo(1000 + Math.log(2), 3);
  });

  test("scans", () => {
    const x = mx.array([
      [1, 2],
      [3, 4],
    ]);
    is(mx.cumsum(x), mx.float32, [1, 3, 6, 10]);
    is(mx.cumsum(x, 1), mx.float32, [
      [1, 3],
      [3, 7],
    ]);
    is(mx.cumsum(x, 0, { reverse: true }), mx.float32, [
      [4, 6],
      [3, 4],
    ]);
    is(mx.cumsum(x, null, { inclusive: false }), mx.float32, [0, 1, 3, 6]);
    is(mx.cumsum(x, null, { inclusive: false, reverse: true }), mx.float32, [9, 7, 4, 0]);
    is(mx.cumprod(x, -1), mx.float32, [
      [1, 2],
      [3, 12],
    ]);
    is(mx.cumprod(x, 0, { dtype: mx.int32 }), mx.int32, [
      [1, 2],
      [3, 8],
    ]);
    is(mx.cumsum(mx.array([true, true])), mx.int32, [1, 2]);
    is(mx.cumsum(mx.array([100, 100], mx.int8), 0, { dtype: mx.int32 }), mx.int32, [100, 200]);
    is(mx.cummax(mx.array([1, 3, 2])), mx.float32, [1, 3, 3]);
    is(mx.cummin(mx.array([3, 1, 2])), mx.float32, [3, 1, 1]);
    is(mx.cummin(mx.array([3, 1, 2]), 0, { reverse: true }), mx.float32, [1, 1, 2]);
    is(mx.cumsum(mx.array([])), mx.float32, []);
    const logs = mx.logcumsumexp(mx.array([0, 0, 0])).tolist<number[]>();
    logs.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.log(i + 1), 6);
    });
  });

  test("diff", () => {
    const x = mx.array([
      [1, 4, 9],
      [2, 8, 5],
    ]);
    is(mx.diff(x), mx.float32, [
      [3, 5],
      [6, -3],
    ]);
    is(mx.diff(x, 2), mx.float32, [[2], [-9]]);
    is(mx.diff(x, 1, 0), mx.float32, [[1, 4, -4]]);
    is(mx.diff(x, 0), mx.float32, x.tolist());
    is(mx.diff(mx.array([true, false, false])), mx.bool, [true, false]);
    expect(mx.diff(x, 9).shape).toEqual([2, 0]);
    expect(() => mx.diff(x, -1)).toThrow("non-negative");
    expect(() => mx.diff(x, 1, 2)).toThrow("Axis is out of bounds");
    expect(() => mx.diff(mx.array(1))).toThrow("Axis is out of bounds");
  });

  test("of arrays that are not contiguous", () => {
    const x = mx.array([
      [1, 2, 3],
      [4, 5, 7],
    ]);
    const turned = mx.transpose(x);
    is(mx.sum(turned, 0), mx.float32, [6, 16]);
    is(mx.cumsum(turned), mx.float32, [1, 5, 7, 12, 15, 22]);
    is(mx.argmax(turned), mx.uint32, 5);
  });

  // MLX itself never ends there.
  test.each([
    [[2, 0, 3], [1, 0, 2], 0, [2, 3]],
    [[2, 0, 3], [2, 0, 1], 2, [3, 2]],
    [[0, 2, 3], [2, 1, 0], 2, [3, 2]],
    [[2, 3, 0], [1, 2, 0], 1, [3, 2]],
  ])("over no elements of %j turned by %j", (shape, order, axis, left) => {
    const x = mx.zeros(shape).transpose(order);
    const like = (value: number) => mx.full(left, value).tolist();
    expect(mx.sum(x, axis).tolist()).toEqual(like(0));
    expect(mx.prod(x, axis).tolist()).toEqual(like(1));
    expect(mx.mean(x, axis).tolist()).toEqual(like(Number.NaN));
    expect(mx.all(x, axis).shape).toEqual(left);
    expect(mx.linalg.norm(x, null, axis).tolist()).toEqual(like(0));
    expect(mx.vecdot(x, x, { axis }).tolist()).toEqual(like(0));
    expect(mx.einsum("ijk->", [x]).item()).toBe(0);
  });
});
