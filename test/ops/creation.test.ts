import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

describe("arange", () => {
  test("its forms", () => {
    is(mx.arange(3), mx.int32, [0, 1, 2]);
    is(mx.arange(3, { stream: mx.cpu }), mx.int32, [0, 1, 2]);
    is(mx.arange(1, 4), mx.int32, [1, 2, 3]);
    is(mx.arange(1, 8, 3), mx.int32, [1, 4, 7]);
    is(mx.arange(3, 0, -1), mx.int32, [3, 2, 1]);
    is(mx.arange(0, 3, null, mx.float16), mx.float16, [0, 1, 2]);
    is(mx.arange(0, 3, undefined, mx.int8, { stream: mx.cpu }), mx.int8, [0, 1, 2]);
    is(mx.arange(3, null, null, mx.float32), mx.float32, [0, 1, 2]);
    is(mx.arange(0), mx.int32, []);
    is(mx.arange(5, 2), mx.int32, []);
    is(mx.arange(-3), mx.int32, []);
  });

  test("its dtype", () => {
    is(mx.arange(2.5), mx.float32, [0, 1, 2]);
    is(mx.arange(0, 1, 0.25), mx.float32, [0, 0.25, 0.5, 0.75]);
    is(mx.arange(0.5, 2), mx.float32, [0.5, 1.5]);
    is(mx.arange(3e9, 3e9 + 2), mx.int64, [3000000000n, 3000000001n]);
    is(mx.arange(0, 2 ** 33, 2 ** 32), mx.int64, [0n, 2n ** 32n]);
    is(mx.arange(0, 1.5, 1, mx.int32), mx.int32, [0, 1]);
  });

  test("what it refuses", () => {
    expect(() => mx.arange(0, 1e12)).toThrow("[arange] Maximum size exceeded.");
    expect(() => mx.arange(0, 1, 1e-12)).toThrow("[arange] Maximum size exceeded.");
    expect(() => mx.arange(NaN)).toThrow("[arange] Cannot compute length.");
    expect(() => mx.arange(0, Infinity)).toThrow("[arange] Cannot compute length.");
    expect(() => mx.arange(0, 5, 0)).toThrow("[arange] step must be nonzero.");
    expect(() => mx.arange(0, 5, 1, mx.bool)).toThrow("bool not supported");
    expect(() => mx.arange(any("3"))).toThrow('[arange] stop: expected a number, received "3"');
    expect(() => mx.arange(any("3"), 4)).toThrow("[arange] start: expected a number");
    expect(() => mx.arange(3, any(mx.int32))).toThrow("[arange] stop: expected a number");
    expect(() => mx.arange(0, 3, any(mx.int32))).toThrow("[arange] step: expected a number");
    expect(() => mx.arange(0, 3, 1, any("int32"))).toThrow("[arange] dtype: expected a dtype");
    expect(() => mx.arange(3, any({ dtype: mx.int8 }))).toThrow('an option "dtype"');
    expect(() => mx.arange(any(3n))).toThrow(TypeError);
    expect(() => mx.arange(any(undefined))).toThrow(TypeError);
    expect(() => mx.arange(any(mx.array(3)))).toThrow(TypeError);
  });
});

test("linspace", () => {
  is(mx.linspace(0, 10, 5), mx.float32, [0, 2.5, 5, 7.5, 10]);
  is(mx.linspace(0, 10, 5, { endpoint: false }), mx.float32, [0, 2, 4, 6, 8]);
  is(mx.linspace(0, 10, 3, { dtype: mx.int32 }), mx.int32, [0, 5, 10]);
  is(mx.linspace(3, 1, 3, { dtype: null }), mx.float32, [3, 2, 1]);
  is(mx.linspace(4, 9, 1), mx.float32, [4]);
  is(mx.linspace(4, 9, 0), mx.float32, []);
  expect(mx.linspace(0, 1).shape).toEqual([50]);
  expect(mx.linspace(0, 1, undefined, { dtype: mx.float16 }).shape).toEqual([50]);
  expect(() => mx.linspace(0, 1, -1)).toThrow("must be non-negative");
  expect(() => mx.linspace(0, 1, 2.5)).toThrow(TypeError);
  expect(() => mx.linspace(0, 1, 1e10)).toThrow(RangeError);
  expect(() => mx.linspace(any("0"), 1)).toThrow(TypeError);
  expect(() => mx.linspace(0, 1, 5, any({ num: 3 }))).toThrow('an option "num"');
});

test("empty arrays are zeros until then", () => {
  is(mx.empty(2), mx.float32, [0, 0]);
  is(mx.empty([1, 2], mx.int8, { stream: mx.cpu }), mx.int8, [[0, 0]]);
  is(mx.emptyLike(mx.array([5n])), mx.int64, [0n]);
  is(mx.emptyLike(mx.array([5n]), mx.bool), mx.bool, [false]);
  expect(() => mx.empty(any("2"))).toThrow("[empty] shape: expected an integer");
  expect(() => mx.empty([-1])).toThrow(Error);
  expect(() => mx.emptyLike(any("2"))).toThrow("[emptyLike] a: expected an array");
});

describe("shapes", () => {
  const makers = {
    zeros: mx.zeros,
    ones: mx.ones,
    full: (shape: number | number[]) => mx.full(shape, 1),
  };

  test.each(Object.entries(makers))("of %s", (name, f) => {
    expect(f(3).shape).toEqual([3]);
    expect(f([2, 3]).shape).toEqual([2, 3]);
    expect(f([]).shape).toEqual([]);
    expect(f([0, 4]).shape).toEqual([0, 4]);
    expect(f(0).size).toBe(0);
    expect(() => f([-1])).toThrow("Negative dimensions not allowed");
    expect(() => f(-1)).toThrow("Negative dimensions not allowed");
    expect(() => f(2 ** 31)).toThrow(RangeError);
    expect(() => f([1e10])).toThrow(RangeError);
    const expected = `[${name}] shape: expected an integer or a list of integers`;
    for (const bad of [NaN, Infinity, 0.5, "3", null, undefined, {}, [NaN], ["3"], [[2]], [2n]]) {
      expect(() => f(any(bad))).toThrow(expected);
    }
    expect(() => f(any(mx.array([2, 3])))).toThrow(TypeError);
  });

  test("beyond all memory are lazy", () => {
    const x = mx.zeros([1e9, 1e9]);
    expect(x.size).toBe(1e18);
    expect(x.shape).toEqual([1e9, 1e9]);
  });

  test("long ones", () => {
    const dims = new Array<number>(600).fill(1);
    expect(mx.ones(dims).ndim).toBe(600);
  });
});

describe("constants", () => {
  test("zeros and ones", () => {
    is(mx.zeros([2]), mx.float32, [0, 0]);
    is(mx.zeros([2], null), mx.float32, [0, 0]);
    is(mx.ones([2], mx.int8), mx.int8, [1, 1]);
    is(mx.ones([1], mx.bool), mx.bool, [true]);
    is(mx.ones([1], mx.complex64), mx.complex64, [{ re: 1, im: 0 }]);
    is(mx.zeros([1], mx.uint64), mx.uint64, [0n]);
    is(mx.zeros(1, mx.float32, { stream: mx.cpu }), mx.float32, [0]);
    for (const size of [0, 2 ** 20 - 1, 2 ** 20, 2 ** 31 - 1]) {
      expect(mx.zeros(size).shape).toEqual([size]);
    }
    expect(() => mx.zeros([2], any("float32"))).toThrow("[zeros] dtype: expected a dtype");
    expect(() => mx.zeros([2], any({ dtype: mx.int8 }))).toThrow(TypeError);
    expect(() => mx.ones([2], mx.int8, any({ dtype: 1 }))).toThrow('an option "dtype"');
  });

  test("full", () => {
    is(mx.full([2], 7), mx.int32, [7, 7]);
    is(mx.full([2], 0.5), mx.float32, [0.5, 0.5]);
    is(mx.full([2], true), mx.bool, [true, true]);
    is(mx.full([1], 7n), mx.int32, [7]);
    is(mx.full([1], 2n ** 40n), mx.int64, [2n ** 40n]);
    is(mx.full([1], 2 ** 40), mx.int64, [2n ** 40n]);
    is(mx.full([1], { re: 1, im: 2 }), mx.complex64, [{ re: 1, im: 2 }]);
    is(mx.full([2], 1.5, mx.float16), mx.float16, [1.5, 1.5]);
    is(mx.full([1], 2n ** 64n - 1n), mx.uint64, [2n ** 64n - 1n]);
    is(mx.full([2, 2], mx.array([1, 2])), mx.float32, [
      [1, 2],
      [1, 2],
    ]);
    expect(() => mx.full([2], 300, mx.uint8)).toThrow("overflow");
    expect(() => mx.full([2], mx.array([1, 2, 3]))).toThrow(Error);
    expect(() => mx.full([2], any("1"))).toThrow("[full] vals: expected an array or a scalar");
    expect(() => mx.full([2], any([1, 2]))).toThrow(TypeError);
  });

  // Python lets the value's type win here, against its documentation.
  test("a dtype that full is given decides", () => {
    is(mx.full([2], 1.5, mx.int32), mx.int32, [1, 1]);
    is(mx.full([2], 1, mx.bool), mx.bool, [true, true]);
    is(mx.full([2], mx.array(1.5), mx.int32), mx.int32, [1, 1]);
  });

  test("like others", () => {
    const x = mx.array([[1, 2]], mx.int16);
    is(mx.zerosLike(x), mx.int16, [[0, 0]]);
    is(mx.onesLike(x), mx.int16, [[1, 1]]);
    is(mx.onesLike(x, mx.float32), mx.float32, [[1, 1]]);
    is(mx.fullLike(x, 3), mx.int16, [[3, 3]]);
    is(mx.fullLike(x, 1.5), mx.int16, [[1, 1]]);
    is(mx.fullLike(x, 1.5, mx.float32), mx.float32, [[1.5, 1.5]]);
    is(mx.fullLike(mx.array([true]), 1), mx.bool, [true]);
    const dead = mx.array([1]);
    dead.dispose();
    expect(() => mx.zerosLike(dead)).toThrow("disposed");
    expect(() => mx.onesLike(any("12"))).toThrow(TypeError);
    expect(() => mx.fullLike(x, dead)).toThrow("disposed");
    expect(() => mx.fullLike(x, any(undefined))).toThrow(TypeError);
  });
});

describe("triangles", () => {
  test("eye and identity", () => {
    is(mx.eye(2), mx.float32, [
      [1, 0],
      [0, 1],
    ]);
    is(mx.eye(2, { m: 3, k: 1, dtype: mx.int32 }), mx.int32, [
      [0, 1, 0],
      [0, 0, 1],
    ]);
    is(mx.eye(2, { m: null, k: -1 }), mx.float32, [
      [0, 0],
      [1, 0],
    ]);
    is(mx.eye(2, { m: 1 }), mx.float32, [[1], [0]]);
    is(mx.identity(2, mx.int8), mx.int8, [
      [1, 0],
      [0, 1],
    ]);
    is(mx.identity(1, null, { stream: mx.cpu }), mx.float32, [[1]]);
    is(mx.eye(0), mx.float32, []);
    expect(() => mx.eye(-1)).toThrow("[eye]");
    expect(() => mx.identity(-1)).toThrow("[eye]");
    expect(() => mx.eye(2, { m: -1 })).toThrow("[eye]");
    expect(() => mx.eye(NaN)).toThrow("[eye] n: expected an integer, received NaN");
    expect(() => mx.eye(2, any(3))).toThrow(TypeError);
    expect(() => mx.eye(2, { k: 0.5 })).toThrow(TypeError);
    expect(() => mx.eye(2, any({ K: 1 }))).toThrow('an option "K"');
    is(mx.eye(2, { k: 2 ** 31 - 1 }), mx.float32, [
      [0, 0],
      [0, 0],
    ]);
  });

  test("tri, tril and triu", () => {
    is(mx.tri(2), mx.float32, [
      [1, 0],
      [1, 1],
    ]);
    is(mx.tri(2, { m: 3, k: 1, dtype: mx.int32 }), mx.int32, [
      [1, 1, 0],
      [1, 1, 1],
    ]);
    const x = mx.array([
      [1, 2],
      [3, 4],
    ]);
    is(mx.tril(x), mx.float32, [
      [1, 0],
      [3, 4],
    ]);
    is(mx.tril(x, -1), mx.float32, [
      [0, 0],
      [3, 0],
    ]);
    is(mx.triu(x), mx.float32, [
      [1, 2],
      [0, 4],
    ]);
    is(mx.triu(x, 1, { stream: mx.cpu }), mx.float32, [
      [0, 2],
      [0, 0],
    ]);
    expect(() => mx.tril(mx.array([1]))).toThrow("at least 2-D");
    expect(() => mx.triu(mx.array(1))).toThrow("at least 2-D");
    expect(() => mx.tril(x, any("1"))).toThrow(TypeError);
    expect(() => mx.triu(any("[[1]]"))).toThrow(TypeError);
  });
});

test("windows", () => {
  is(mx.bartlett(5), mx.float32, [0, 0.5, 1, 0.5, 0]);
  const close = (x: mx.array, values: number[]) => {
    const list = x.tolist<number[]>();
    expect(list.length).toBe(values.length);
    list.forEach((value, i) => {
      expect(value).toBeCloseTo(values[i] as number, 6);
    });
  };
  close(mx.hanning(4), [0, 0.75, 0.75, 0]);
  close(mx.hamming(4), [0.08, 0.77, 0.77, 0.08]);
  close(mx.blackman(4), [0, 0.63, 0.63, 0]);
  for (const f of [mx.bartlett, mx.hanning, mx.hamming, mx.blackman]) {
    is(f(1), mx.float32, [1]);
    is(f(0), mx.float32, []);
    is(f(-1), mx.float32, []);
    expect(() => f(2.5)).toThrow("M: expected an integer, received 2.5");
    expect(() => f(1e10)).toThrow(RangeError);
    expect(() => f(4, any({ sym: true }))).toThrow('an option "sym"');
  }
});
