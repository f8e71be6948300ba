import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const nan = Number.NaN;
const infinity = Number.POSITIVE_INFINITY;

const ofOne = ["isnan", "isinf", "isfinite", "isposinf", "isneginf"] as const;
const relations = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const;
const ofTwo = [...relations, "arrayEqual", "logicalAnd", "logicalOr", "logicalXor"] as const;

describe("relations", () => {
  const expected = {
    equal: [false, true, false],
    notEqual: [true, false, true],
    less: [true, false, false],
    lessEqual: [true, true, false],
    greater: [false, false, true],
    greaterEqual: [false, true, true],
  };
  const mirrored = {
    equal: "equal",
    notEqual: "notEqual",
    less: "greater",
    lessEqual: "greaterEqual",
    greater: "less",
    greaterEqual: "lessEqual",
  } as const;

  test.each(relations)("%s with a scalar on either side", (name) => {
    const dtypes = [mx.float32, mx.float16, mx.bfloat16, mx.int8, mx.uint8, mx.int64, mx.uint64];
    for (const dtype of dtypes) {
      const x = mx.array([1, 2, 3], dtype);
      for (const two of [2, 2n]) {
        is(mx[name](x, two), mx.bool, expected[name]);
        is(mx[name](two, x), mx.bool, expected[mirrored[name]]);
      }
      is(mx[name](x, mx.array([2], mx.int32)), mx.bool, expected[name]);
    }
  });

  test("with a fraction do not round it", () => {
    const x = mx.array([1, 2], mx.int32);
    is(mx.less(x, 1.5), mx.bool, [true, false]);
    is(mx.equal(1.5, x), mx.bool, [false, false]);
    is(mx.greater(mx.array([true, false]), 0.5), mx.bool, [true, false]);
  });

  test("with a boolean take it as 0 or 1", () => {
    is(mx.equal(mx.array([0, 1, 2]), true), mx.bool, [false, true, false]);
    is(mx.equal(mx.array([true, false]), true), mx.bool, [true, false]);
  });

  test("are exact for 64-bit integers", () => {
    const x = mx.array([2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]);
    is(mx.equal(x, 2n ** 53n + 1n), mx.bool, [false, true, false]);
    is(mx.greater(x, 2 ** 53 - 1), mx.bool, [true, true, true]);
    is(mx.less(x, 2n ** 63n - 1n), mx.bool, [true, true, false]);
    is(mx.equal(mx.array([2n ** 64n - 1n]), 2n ** 64n - 1n), mx.bool, [true]);
  });

  test("hold for zeros of either sign, and not for NaN", () => {
    is(mx.equal(mx.array([0, -0]), -0), mx.bool, [true, true]);
    is(mx.equal(mx.array([nan]), nan), mx.bool, [false]);
    is(mx.notEqual(mx.array([nan]), nan), mx.bool, [true]);
    is(mx.lessEqual(mx.array([nan, 1]), infinity), mx.bool, [false, true]);
  });

  test("broadcast", () => {
    is(mx.less(mx.array([[1], [3]]), mx.array([2, 4])), mx.bool, [
      [true, true],
      [false, true],
    ]);
    expect(() => mx.less(mx.array([1, 2]), mx.array([1, 2, 3]))).toThrow(
      "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast.",
    );
  });

  test("of complex numbers", () => {
    const z = mx.array([
      { re: 1, im: 2 },
      { re: 1, im: 0 },
    ]);
    is(mx.equal(z, { re: 1, im: 2 }), mx.bool, [true, false]);
    is(mx.equal(z, 1), mx.bool, [false, true]);
    is(mx.notEqual({ re: 1, im: 0 }, z), mx.bool, [true, false]);
  });

  test.each(relations)("%s refuses a scalar that does not fit", (name) => {
    expect(() => mx[name](mx.array([1], mx.uint8), 300)).toThrow(
      "Converting 300 to uint8 would result in overflow.",
    );
  });
});

describe("arrayEqual", () => {
  test("compares shapes and values, not dtypes", () => {
    is(mx.arrayEqual(mx.array([1, 2]), mx.array([1, 2], mx.int8)), mx.bool, true);
    is(mx.arrayEqual(mx.array([1, 2]), mx.array([1, 3])), mx.bool, false);
    is(mx.arrayEqual(mx.array([1, 1]), mx.array([1])), mx.bool, false);
    is(mx.arrayEqual(mx.array([]), mx.array([])), mx.bool, true);
    is(mx.arrayEqual(mx.array(2), 2), mx.bool, true);
    is(mx.arrayEqual(1, mx.array([1])), mx.bool, false);
  });

  test("counts NaN as equal where that is asked for", () => {
    const x = mx.array([1, nan]);
    is(mx.arrayEqual(x, x), mx.bool, false);
    is(mx.arrayEqual(x, x, { equalNan: true }), mx.bool, true);
    expect(() => mx.arrayEqual(x, x, any({ equal_nan: true }))).toThrow(
      '[arrayEqual] options: expected equalNan, stream, received an option "equal_nan"',
    );
    expect(() => mx.arrayEqual(x, x, { equalNan: any("yes") })).toThrow(
      '[arrayEqual] equalNan: expected a boolean, received "yes"',
    );
  });
});

describe("allclose and isclose", () => {
  const a = mx.array([1, 100, infinity, nan]);
  const b = mx.array([1.5, 101, infinity, nan]);

  test("take tolerances", () => {
    is(mx.isclose(a, b), mx.bool, [false, false, true, false]);
    is(mx.isclose(a, b, { rtol: 0.01 }), mx.bool, [false, true, true, false]);
    is(mx.isclose(a, b, { atol: 0.5 }), mx.bool, [true, false, true, false]);
    is(mx.isclose(a, b, { atol: 0.5, rtol: 0.01, equalNan: true }), mx.bool, [
      true,
      true,
      true,
      true,
    ]);
    is(mx.allclose(a, b, { atol: 0.5, rtol: 0.01 }), mx.bool, false);
    is(mx.allclose(a, b, { atol: 0.5, rtol: 0.01, equalNan: true }), mx.bool, true);
  });

  test("measure relative to the second array", () => {
    const [one, two] = [mx.array([10]), mx.array([20])];
    is(mx.isclose(one, two, { rtol: 0.5, atol: 0 }), mx.bool, [true]);
    is(mx.isclose(two, one, { rtol: 0.5, atol: 0 }), mx.bool, [false]);
  });

  test("broadcast", () => {
    is(mx.isclose(mx.array([[1], [2]]), mx.array([1, 2])), mx.bool, [
      [true, false],
      [false, true],
    ]);
    is(mx.allclose(mx.array([1, 1]), mx.array(1)), mx.bool, true);
  });

  test.each(["allclose", "isclose"] as const)("%s refuses what is wrong", (name) => {
    const fn = any(mx[name]);
    expect(() => fn(a, 1)).toThrow(`[${name}] b: expected an array, received 1`);
    expect(() => fn(1, a)).toThrow(`[${name}] a: expected an array, received 1`);
    expect(() => fn(a, b, 1e-3)).toThrow(`[${name}] options: expected { rtol: 0.001 }`);
    expect(() => fn(a, b, { rtol: "1" })).toThrow(`[${name}] rtol: expected a number`);
    expect(() => fn(a, b, { atol: 1n })).toThrow(`[${name}] atol: expected a number`);
    expect(() => fn(a, b, { equalNan: 1 })).toThrow(`[${name}] equalNan: expected a boolean`);
    expect(() => fn(a, b, { tol: 1 })).toThrow(
      `[${name}] options: expected rtol, atol, equalNan, stream, received an option "tol"`,
    );
    const gone = mx.array([1]);
    gone.dispose();
    expect(() => fn(a, gone)).toThrow(`[${name}] b: expected an array, received one that`);
  });
});

describe("logic", () => {
  const x = mx.array([0, 2, -0, nan]);

  test("asks only whether elements are zero", () => {
    is(mx.logicalNot(x), mx.bool, [true, false, true, false]);
    is(mx.logicalAnd(x, 1), mx.bool, [false, true, false, true]);
    is(mx.logicalOr(0, x), mx.bool, [false, true, false, true]);
    is(mx.logicalXor(x, true), mx.bool, [true, false, true, false]);
    is(mx.logicalNot(2), mx.bool, false);
    is(mx.logicalAnd(true, false), mx.bool, false);
    is(mx.logicalOr(0n, 1n), mx.bool, true);
  });

  test("so a scalar need not fit the dtype beside it", () => {
    const bytes = mx.array([3, 0], mx.uint8);
    is(mx.logicalAnd(bytes, 300), mx.bool, [true, false]);
    is(mx.logicalOr(-1, bytes), mx.bool, [true, true]);
    is(mx.logicalXor(bytes, 2n ** 64n - 1n), mx.bool, [false, true]);
    is(mx.logicalAnd(bytes, 0.5), mx.bool, [true, false]);
  });
});

describe("tests of floats", () => {
  const x = mx.array([nan, infinity, -infinity, 1]);

  test("tell NaN and infinities", () => {
    for (const dtype of [mx.float32, mx.float16, mx.bfloat16]) {
      const y = mx.array([nan, infinity, -infinity, 1], dtype);
      is(mx.isnan(y), mx.bool, [true, false, false, false]);
      is(mx.isinf(y), mx.bool, [false, true, true, false]);
      is(mx.isfinite(y), mx.bool, [false, false, false, true]);
      is(mx.isposinf(y), mx.bool, [false, true, false, false]);
      is(mx.isneginf(y), mx.bool, [false, false, true, false]);
    }
  });

  test("find integers finite and look at both complex parts", () => {
    is(mx.isfinite(mx.array([1, 2], mx.int32)), mx.bool, [true, true]);
    is(mx.isnan(mx.array([true])), mx.bool, [false]);
    const z = mx.array([
      { re: nan, im: 0 },
      { re: 0, im: -infinity },
      { re: 0, im: 0 },
    ]);
    is(mx.isnan(z), mx.bool, [true, false, false]);
    is(mx.isinf(z), mx.bool, [false, true, false]);
    is(mx.isfinite(z), mx.bool, [false, false, true]);
  });

  test("take a stream", () => {
    is(mx.isnan(x, { stream: mx.cpu }), mx.bool, [true, false, false, false]);
  });
});

describe("where", () => {
  const condition = mx.array([true, false]);

  test("takes scalars in every place", () => {
    is(mx.where(condition, 1, 2), mx.int32, [1, 2]);
    is(mx.where(condition, 1, 2.5), mx.float32, [1, 2.5]);
    is(mx.where(condition, true, false), mx.bool, [true, false]);
    is(mx.where(true, 1, 2), mx.int32, 1);
    is(mx.where(0, 1, 2), mx.int32, 2);
    is(mx.where(nan, 1n, 2n), mx.int32, 1);
    is(mx.where(condition, 2n ** 40n, 1), mx.int64, [2n ** 40n, 1n]);
  });

  test("lets a scalar follow the array beside it", () => {
    const x = mx.array([5, 6], mx.int8);
    is(mx.where(condition, x, 0), mx.int8, [5, 0]);
    is(mx.where(condition, 0, x), mx.int8, [0, 6]);
    is(mx.where(condition, x, 0.5), mx.float32, [5, 0.5]);
    is(mx.where(condition, x, { re: 0, im: 1 }), mx.complex64, [
      { re: 5, im: 0 },
      { re: 0, im: 1 },
    ]);
    is(mx.where(condition, mx.array([1, 2], mx.float16), -infinity), mx.float16, [1, -infinity]);
    expect(() => mx.where(condition, x, 300)).toThrow(
      "Converting 300 to int8 would result in overflow.",
    );
  });

  test("takes conditions of any dtype, and broadcasts", () => {
    is(mx.where(mx.array([0, 0.5, -1]), 1, 0), mx.int32, [0, 1, 1]);
    is(mx.where(mx.array([[true], [false]]), mx.array([1, 2]), 0), mx.float32, [
      [1, 2],
      [0, 0],
    ]);
    expect(() => mx.where(condition, mx.array([1, 2, 3]), 0)).toThrow("cannot be broadcast");
  });

  test("names the argument that is wrong", () => {
    const gone = mx.array([1]);
    gone.dispose();
    expect(() => mx.where(any("x"), 1, 2)).toThrow(
      '[where] condition: expected an array or a scalar, received "x"',
    );
    expect(() => mx.where(condition, any(undefined), 2)).toThrow("[where] x: expected");
    expect(() => mx.where(condition, 1, any(null))).toThrow("[where] y: expected");
    expect(() => mx.where(gone, 1, 2)).toThrow("[where] condition: expected an array, received");
    expect(() => mx.where(condition, 1, gone)).toThrow("[where] y: expected an array, received");
    expect(() => mx.where(condition, 1, 2, any({ axis: 0 }))).toThrow(
      '[where] options: expected stream, received an option "axis"',
    );
  });
});

describe("wrong arguments", () => {
  const disposed = mx.array([1]);
  disposed.dispose();

  test.each(ofOne)("of %s", (name) => {
    const fn = any(mx[name]);
    const x = mx.array([1]);
    for (const wrong of ["1", undefined, null, {}, new Map(), Symbol("x")]) {
      expect(() => fn(wrong)).toThrow(TypeError);
      expect(() => fn(wrong)).toThrow(`[${name}] a: expected an array`);
    }
    expect(() => fn(disposed)).toThrow(`[${name}] a: expected an array, received one that`);
    expect(() => fn(x, { strem: mx.cpu })).toThrow(
      `[${name}] options: expected stream, received an option "strem"`,
    );
    expect(fn(x, { stream: mx.cpu }).dtype).toBe(mx.bool);
  });

  test("of logicalNot, which takes scalars, too", () => {
    expect(() => mx.logicalNot(any("0"))).toThrow(
      '[logicalNot] a: expected an array, or what mx.array takes, received "0"',
    );
    expect(() => mx.logicalNot(disposed)).toThrow("[logicalNot] a: expected an array, received");
    expect(() => mx.logicalNot(1, any({ axis: 0 }))).toThrow('received an option "axis"');
  });

  test.each(ofTwo)("of %s", (name) => {
    const fn = any(mx[name]);
    const x = mx.array([1]);
    for (const wrong of ["1", undefined, null, {}, [1], { re: 1 }]) {
      expect(() => fn(wrong, x)).toThrow(`[${name}] a: expected an array or a scalar`);
      expect(() => fn(x, wrong)).toThrow(`[${name}] b: expected an array or a scalar`);
      expect(() => fn(x, wrong)).toThrow(TypeError);
    }
    expect(() => fn(disposed, x)).toThrow(`[${name}] a: expected an array, received one that`);
    expect(() => fn(x, disposed)).toThrow(`[${name}] b: expected an array, received one that`);
    expect(() => fn(x, x, { strem: mx.cpu })).toThrow('received an option "strem"');
    expect(fn(x, x, { stream: mx.cpu }).dtype).toBe(mx.bool);
  });
});
