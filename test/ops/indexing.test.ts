import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const x = mx.reshape(mx.arange(6), [2, 3]);
const at = (...indices: number[]) => mx.array(indices, mx.int32);

describe("take", () => {
  test("takes integers, lists and arrays of any integer dtype", () => {
    is(mx.take(x, 4), mx.int32, 4);
    is(mx.take(x, -1), mx.int32, 5);
    is(mx.take(x, -1, 1), mx.int32, [2, 5]);
    is(mx.take(x, [1, -1]), mx.int32, [1, 5]);
    is(mx.take(x, [[0, 2]], 1), mx.int32, [[[0, 2]], [[3, 5]]]);
    is(mx.take(x, [], 0), mx.int32, []);
    for (const dtype of [mx.int8, mx.uint8, mx.int16, mx.uint32, mx.int64, mx.uint64]) {
      is(mx.take(x, mx.array([1, 0], dtype), 0), mx.int32, [
        [3, 4, 5],
        [0, 1, 2],
      ]);
    }
  });

  test("looks at the indices that it knows", () => {
    expect(() => mx.take(x, 6)).toThrow(
      "[take] indices: expected integers from -6 to 5 for an axis of size 6, received 6",
    );
    expect(() => mx.take(x, -3, 0)).toThrow(RangeError);
    expect(() => mx.take(x, [0, 2], 0)).toThrow(RangeError);
    expect(() => mx.take(x, at(2), 0)).toThrow(RangeError);
    expect(() => mx.take(x, mx.array([2 ** 32 - 1], mx.uint32))).toThrow(RangeError);
    expect(() => mx.take(x, mx.array([2n ** 64n - 1n]))).toThrow(RangeError);
    const strided = mx.transpose(mx.array([[0, 9]], mx.int32));
    mx.eval(strided);
    expect(() => mx.take(x, strided)).toThrow(RangeError);
    expect(() => mx.take(mx.zeros([0]), [0])).toThrow(RangeError);
    expect(() => mx.take(x, 2 ** 31)).toThrow(RangeError);
    expect(() => mx.take(x, [2 ** 31])).toThrow(RangeError);
  });

  test("refuses everything else", () => {
    expect(() => mx.take(x, mx.array([0, 1]))).toThrow(
      "[take] indices: expected integers, received float32",
    );
    expect(() => mx.take(x, 0.5)).toThrow("[take] indices: expected an integer, received 0.5");
    expect(() => mx.take(x, [[0], [1, 0]])).toThrow(
      "[take] indices: expected lists of equal lengths at every level",
    );
    expect(() => mx.take(x, [Number.NaN])).toThrow(
      "[take] indices: expected an integer array or a list of integers, received [ NaN ]",
    );
    expect(() => mx.take(x, any("0"))).toThrow(TypeError);
    expect(() => mx.take(x, 0, 2)).toThrow("[take] Received invalid axis 2");
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => mx.take(x, any(cyclic))).toThrow(RangeError);
  });
});

describe("along an axis", () => {
  test("takes at indices of each place, by default along the last", () => {
    is(mx.takeAlongAxis(x, [[2], [0]]), mx.int32, [[2], [3]]);
    is(mx.takeAlongAxis(x, [[1, 0, 1]], 0), mx.int32, [[3, 1, 5]]);
    is(mx.takeAlongAxis(x, [5, 0], null), mx.int32, [5, 0]);
    const order = mx.argmin(x, 1, { keepdims: true });
    is(mx.takeAlongAxis(x, order), mx.int32, [[0], [3]]);
  });

  test("puts at indices of each place", () => {
    is(mx.putAlongAxis(x, [[2], [0]], at(7), -1), mx.int32, [
      [0, 1, 7],
      [7, 4, 5],
    ]);
    is(mx.putAlongAxis(x, [[1]], -1, 0), mx.int32, [
      [0, 1, 2],
      [-1, -1, -1],
    ]);
    is(mx.putAlongAxis(x, [0, -1], at(8, 9)), mx.int32, [
      [8, 1, 2],
      [3, 4, 9],
    ]);
  });

  test("looks at the indices", () => {
    expect(() => mx.takeAlongAxis(x, [[3]])).toThrow(RangeError);
    expect(() => mx.putAlongAxis(x, [[3]], 1, -1)).toThrow(RangeError);
    // These MLX finds only when it evaluates.
    expect(() => mx.takeAlongAxis(x, mx.array([[0]]))).toThrow(TypeError);
    expect(() => mx.putAlongAxis(x, mx.array([[true]]), 1, -1)).toThrow(TypeError);
    expect(() => mx.takeAlongAxis(x, [0])).toThrow("[take_along_axis] Indices of dimension 1");
    expect(() => mx.takeAlongAxis(x, [[0]], 2)).toThrow("[take_along_axis]");
    expect(() => mx.putAlongAxis(x, [[0]], any("1"), -1)).toThrow(
      '[putAlongAxis] values: expected an array or a scalar, received "1"',
    );
  });
});

describe("slices at computed places", () => {
  test("slice", () => {
    is(mx.slice(x, at(1), [1], [2, 2]), mx.int32, [
      [1, 2],
      [4, 5],
    ]);
    is(mx.slice(x, [1, 0], [0, 1], [1, 2]), mx.int32, [[3, 4]]);
    is(mx.slice(x, mx.array(1, mx.int32), [-1], [1, 1]), mx.int32, [[1]]);
    is(mx.slice(x, mx.argmax(x, null).subtract(4), [1], [1, 2]), mx.int32, [[1, 2]]);
  });

  test("sliceUpdate", () => {
    is(mx.sliceUpdate(x, at(9, 8), [1, 1], [0, 1]), mx.int32, [
      [0, 1, 2],
      [3, 9, 8],
    ]);
    is(mx.sliceUpdate(x, mx.array([[7], [7]]), at(0), [1]), mx.int32, [
      [7, 1, 2],
      [7, 4, 5],
    ]);
  });

  test("stay inside of the array", () => {
    expect(() => mx.slice(x, at(2), [1], [2, 2])).toThrow(RangeError);
    expect(() => mx.slice(x, at(-1), [1], [2, 2])).toThrow(RangeError);
    expect(() => mx.slice(x, at(2 ** 30), [1], [2, 2])).toThrow(RangeError);
    expect(() => mx.slice(x, at(0), [1], [2, -2])).toThrow(RangeError);
    expect(() => mx.slice(x, at(0), [1], [2, 4])).toThrow(RangeError);
    expect(() => mx.slice(x, at(0), [2], [2, 2])).toThrow("[slice] Invalid axis");
    expect(() => mx.slice(x, at(0, 0), [1], [2, 2])).toThrow("[slice] Number of starting");
    expect(() => mx.sliceUpdate(x, at(9, 8), [0, 2], [0, 1])).toThrow(RangeError);
    expect(() => mx.sliceUpdate(x, mx.ones([1, 1, 1]), [0], [0])).toThrow(RangeError);
    expect(() => mx.sliceUpdate(x, mx.ones([3, 3]), [0], [0])).toThrow(Error);
  });
});

describe("diagonals", () => {
  test("diag both ways", () => {
    is(mx.diag(x), mx.int32, [0, 4]);
    is(mx.diag(x, 1), mx.int32, [1, 5]);
    is(mx.diag(at(1, 2), -1), mx.int32, [
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
    ]);
    expect(() => mx.diag(mx.array(1))).toThrow("[diag] array must be 1-D or 2-D");
    expect(() => mx.diag(at(1), 2 ** 31 - 1)).toThrow(Error);
  });

  test("diagonal", () => {
    is(mx.diagonal(x, { offset: -1 }), mx.int32, [3]);
    is(mx.diagonal(x, { axis1: 1, axis2: 0, offset: -1 }), mx.int32, [1, 5]);
    is(mx.diagonal(x, { offset: 9 }), mx.int32, []);
    expect(() => mx.diagonal(x, { axis1: 1 })).toThrow("[diagonal]");
    expect(() => mx.diagonal(x, any({ k: 1 }))).toThrow(
      '[diagonal] options: expected offset, axis1, axis2, stream, received an option "k"',
    );
  });
});

test("gradients go through", () => {
  const f = (y: mx.array) => mx.sum(mx.take(y, [1, 1, 0]));
  is(mx.grad(f)(mx.zeros([3])), mx.float32, [1, 2, 0]);
  const g = (y: mx.array) => mx.sum(mx.slice(y, [1], [0], [2]));
  is(mx.grad(g)(mx.zeros([3])), mx.float32, [0, 1, 1]);
});
