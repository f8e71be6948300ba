import { inspect } from "node:util";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "./support/live.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const count = (...shape: number[]) => mx.arange(shape.reduce((a, b) => a * b, 1)).reshape(shape);
const at = (...indices: number[]) => mx.array(indices, mx.int32);
const matrix = () => count(2, 3);

/** The array after a write to it. */
const written = (x: mx.array, ...args: Parameters<mx.array["set"]>) => {
  x.set(...args);
  return x;
};

describe("get", () => {
  test("at integers, from either end", () => {
    const x = matrix();
    is(x.get(1), mx.int32, [3, 4, 5]);
    is(x.get(-2), mx.int32, [0, 1, 2]);
    is(x.get(1, -1), mx.int32, 5);
    is(x.get(), mx.int32, x.tolist());
  });

  test.each([
    ["1:3", 1, 3, undefined, [1, 2]],
    [":", undefined, undefined, undefined, [0, 1, 2, 3, 4]],
    ["::-1", null, null, -1, [4, 3, 2, 1, 0]],
    [":-1", undefined, -1, undefined, [0, 1, 2, 3]],
    ["-2:", -2, undefined, undefined, [3, 4]],
    ["::2", undefined, undefined, 2, [0, 2, 4]],
    ["4:0:-2", 4, 0, -2, [4, 2]],
    [":2:-1", null, 2, -1, [4, 3]],
    ["3:1", 3, 1, undefined, []],
    ["-9:9", -9, 9, undefined, [0, 1, 2, 3, 4]],
    ["9:-9:-1", 9, -9, -1, [4, 3, 2, 1, 0]],
    ["::2147483647", null, null, 2147483647, [0]],
    ["::-2147483648", null, null, -2147483648, [4]],
    ["2147483647::-2147483648", 2147483647, null, -2147483648, [4]],
    [" 1 : 4 : 2 ", 1, 4, 2, [1, 3]],
    ["1:2:", 1, 2, null, [1]],
  ] as const)("at the slice %s", (text, start, stop, step, expected) => {
    is(mx.arange(5).get(text), mx.int32, expected);
    is(mx.arange(5).get(mx.Slice(start, stop, step)), mx.int32, expected);
    is(mx.arange(5).get("...", text), mx.int32, expected);
  });

  test("with new axes and an ellipsis", () => {
    const x = count(2, 3, 4);
    expect(x.get(null).shape).toEqual([1, 2, 3, 4]);
    expect(x.get("...", null).shape).toEqual([2, 3, 4, 1]);
    expect(x.get(0, null, "...", null, 1).shape).toEqual([1, 3, 1]);
    is(x.get(1, "...", 2), mx.int32, [14, 18, 22]);
    is(x.get("...", 1, 2), mx.int32, [6, 18]);
    expect(x.get(0, 1, 2, "...").shape).toEqual([]);
    expect(x.get(" ... " as "...").shape).toEqual([2, 3, 4]);
    expect(mx.array(1).get(null, "...", null).shape).toEqual([1, 1]);
  });

  test("at lists and arrays of integers", () => {
    const x = count(3, 4);
    is(x.get([2, 0, -1]), mx.int32, [
      [8, 9, 10, 11],
      [0, 1, 2, 3],
      [8, 9, 10, 11],
    ]);
    is(x.get([[0], [1]], [1, 2]), mx.int32, [
      [1, 2],
      [5, 6],
    ]);
    is(x.get(":", at(1, 1)), mx.int32, [
      [1, 1],
      [5, 5],
      [9, 9],
    ]);
    is(x.get("1:", [3, 0]), mx.int32, [
      [7, 4],
      [11, 8],
    ]);
    is(x.get(mx.array(1, mx.uint8)), mx.int32, [4, 5, 6, 7]);
    expect(x.get([]).shape).toEqual([0, 4]);
    expect(mx.zeros([0, 3]).get([]).shape).toEqual([0, 3]);
    expect(mx.zeros([0, 3]).get(":", [1, 2]).shape).toEqual([0, 2]);
    expect(x.get([[], []]).shape).toEqual([2, 0, 4]);
  });

  test("puts what arrays pick in their place, or in front if something is between", () => {
    const x = count(2, 3, 4, 5);
    expect(x.get(":", [0, 1], [0, 1]).shape).toEqual([2, 2, 5]);
    expect(x.get([0, 1], ":", [0, 1]).shape).toEqual([2, 3, 5]);
    expect(x.get(":", [0, 1, 2], ":", [1, 2, 3]).shape).toEqual([3, 2, 4]);
    expect(x.get(":", 0, ":", [1, 2, 3]).shape).toEqual([3, 2, 4]);
    expect(x.get(":", 0, [1, 2, 3]).shape).toEqual([2, 3, 5]);
    expect(x.get(null, [[0], [1]], null, "...").shape).toEqual([1, 2, 1, 1, 3, 4, 5]);
    expect(x.get(":", [0, 1], null, [0, 1]).shape).toEqual([2, 2, 1, 5]);
    is(count(2, 3).get(":", [[0, 2]]), mx.int32, [[[0, 2]], [[3, 5]]]);
  });

  test("does not copy or change the array", () => {
    const x = matrix();
    const y = x.get(":", "::-1");
    is(x, mx.int32, [
      [0, 1, 2],
      [3, 4, 5],
    ]);
    is(y, mx.int32, [
      [2, 1, 0],
      [5, 4, 3],
    ]);
  });
});

describe("wrong indices", () => {
  test("outside of the axis", () => {
    const x = matrix();
    expect(() => x.get(2)).toThrow(
      "[get] indices: expected integers from -2 to 1 for an axis of size 2, received 2",
    );
    expect(() => x.get(2)).toThrow(RangeError);
    expect(() => x.get(-3)).toThrow(RangeError);
    expect(() => x.get(0, 3)).toThrow(RangeError);
    expect(() => x.get([0, 2])).toThrow(RangeError);
    expect(() => x.get(0, at(-4))).toThrow(RangeError);
    expect(() => x.set([2], 0)).toThrow("[set] indices: expected integers from -2 to 1");
    expect(() => x.at(2).add(0)).toThrow("[at] indices: expected integers from -2 to 1");
    expect(() => mx.zeros([0]).get(0)).toThrow("expected none for an axis of size 0");
    expect(() => x.get(2 ** 31)).toThrow(RangeError);
    expect(() => x.get("0:99999999999")).toThrow(RangeError);
    is(x, mx.int32, [
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  test("too many of them", () => {
    expect(() => matrix().get(0, 0, 0)).toThrow(
      "[get] indices: expected at most 2, one for each dimension, received 3",
    );
    expect(() => mx.array(1).get(0)).toThrow(RangeError);
    expect(() => mx.array(1).get(":")).toThrow(RangeError);
    expect(() => mx.array(1).set([0], 1)).toThrow(RangeError);
    expect(() => matrix().get("...", "...")).toThrow(
      new RangeError('[get] indices: expected one "..." at most, received 2'),
    );
  });

  test.each([
    ["1"],
    [""],
    ["1:2:3:4"],
    ["a:b"],
    ["1.5:"],
    ["- 1:"],
    ["1 2:"],
    ["1:2,3"],
    ["...:"],
    [undefined],
    [1n],
    [0.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [{}],
    [() => 0],
    [Symbol("i")],
    [["a"]],
    [[0.5]],
    [[[0], 1]],
    [new Map()],
    [new Float32Array(1)],
    [new Proxy(mx.array([0], mx.int32), {})],
    [Object.create(mx.Slice.prototype)],
  ])("of another kind: case %#", (index) => {
    const x = matrix();
    for (const use of [
      () => x.get(any(index)),
      () => x.get(0, any(index)),
      () => x.set([any(index)], 0),
      () => x.at(any(index)).add(1),
    ]) {
      expect(use).toThrow(/^\[(get|set|at)\] indices\[[01]\]: expected/);
    }
  });

  test("hostile lists", () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => matrix().get(any(cyclic))).toThrow(RangeError);
    expect(() => matrix().get([[0], [0, 1]])).toThrow(RangeError);
    expect(() => matrix().get(any([0, true]))).toThrow(TypeError);
    const long = Array.from({ length: 10_000 }, (_, i) => i % 2);
    expect(matrix().get(long).shape).toEqual([10_000, 3]);
  });

  test("arrays that are no integers", () => {
    expect(() => matrix().get(mx.array([0, 1]))).toThrow(
      "[get] indices: expected integers, received float32",
    );
    const refusal = (fn: string) =>
      new TypeError(
        `[${fn}] indices: expected integers, received a mask of booleans; ` +
          "mx.where(mask, x, y) chooses by one, and x.set([mask], value) writes",
      );
    for (const mask of [mx.array([true, false]), [true, false]]) {
      expect(() => matrix().get(mask as never)).toThrow(refusal("get"));
      expect(() => matrix().get(mask as never, 0)).toThrow(refusal("get"));
      expect(() =>
        matrix()
          .at(mask as never)
          .add(1),
      ).toThrow(refusal("at"));
      expect(() => matrix().set([mask, 0], 1)).toThrow(
        new TypeError(
          "[set] indices: expected a mask alone or integers, received a mask beside other indices",
        ),
      );
    }
  });

  test("disposed arrays and foreign receivers", () => {
    const gone = at(0);
    gone.dispose();
    expect(() => matrix().get(gone)).toThrow("[get] indices[0]: expected an array");
    expect(() => gone.get(0)).toThrow("[get] this: expected an array, received one that has");
    expect(() => gone.set([0], 1)).toThrow("[set] this");
    expect(() => gone.at(0)).toThrow("[at] this");
    expect(() => gone.length).toThrow("[length] this");
    expect(() => mx.array.prototype.get.call(any({}), 0)).toThrow(TypeError);
    expect(() => any(mx.array.prototype).T).toThrow(TypeError);
    const selected = matrix().at(at(0));
    expect(() => any(selected).add.call({}, 1)).toThrow(TypeError);
  });
});

describe("Slice", () => {
  test("with and without new, with instanceof", () => {
    const slice = mx.Slice(1, null, -2);
    expect([slice.start, slice.stop, slice.step]).toEqual([1, null, -2]);
    expect(new mx.Slice(1).start).toBe(1);
    expect(slice).toBeInstanceOf(mx.Slice);
    expect(String(slice)).toBe("1::-2");
    expect(String(mx.Slice())).toBe(":");
    expect(inspect(slice)).toBe("Slice(1, null, -2)");
  });

  test("checks its bounds", () => {
    expect(() => mx.Slice(0, 1, 0)).toThrow(
      "[Slice] step: expected an integer other than 0, received 0",
    );
    expect(() => matrix().get("::0")).toThrow(RangeError);
    expect(() => mx.Slice(0.5)).toThrow("[Slice] start: expected an integer, received 0.5");
    expect(() => mx.Slice(0, any("1"))).toThrow(TypeError);
    expect(() => mx.Slice(0, 2 ** 31)).toThrow(RangeError);
    expect(() => {
      any(mx.Slice(1)).step = 0;
    }).toThrow(TypeError);
  });
});

describe("set", () => {
  test("writes scalars and arrays, which broadcast", () => {
    is(written(matrix(), [1], 9), mx.int32, [
      [0, 1, 2],
      [9, 9, 9],
    ]);
    is(written(matrix(), [0, -1], at(9)), mx.int32, [
      [0, 1, 9],
      [3, 4, 5],
    ]);
    is(written(matrix(), [":", "1:"], mx.array([[8], [9]], mx.int32)), mx.int32, [
      [0, 8, 8],
      [3, 9, 9],
    ]);
    is(written(matrix(), [":", 1], at(8, 9)), mx.int32, [
      [0, 8, 2],
      [3, 9, 5],
    ]);
    is(written(matrix(), ["::-1", "::2"], mx.array([[6, 7]], mx.int32)), mx.int32, [
      [6, 1, 7],
      [6, 4, 7],
    ]);
    is(written(matrix(), [0], mx.array([[[7, 8, 9]]], mx.int32)), mx.int32, [
      [7, 8, 9],
      [3, 4, 5],
    ]);
    is(written(mx.array(1), [], 2), mx.float32, 2);
    is(written(mx.array(1), ["..."], 2), mx.float32, 2);
    is(written(matrix(), ["2:"], 9), mx.int32, matrix().tolist());
  });

  test("at lists and arrays", () => {
    is(
      written(
        matrix(),
        [
          [0, 1],
          [2, 0],
        ],
        at(8, 9),
      ),
      mx.int32,
      [
        [0, 1, 8],
        [9, 4, 5],
      ],
    );
    is(
      written(
        matrix(),
        [":", [0, 2]],
        mx.array(
          [
            [6, 7],
            [8, 9],
          ],
          mx.int32,
        ),
      ),
      mx.int32,
      [
        [6, 1, 7],
        [8, 4, 9],
      ],
    );
    is(written(count(2, 2, 2), [[0, 1], "1:", [0, 1]], mx.array([[8], [9]], mx.int32)), mx.int32, [
      [
        [0, 1],
        [8, 3],
      ],
      [
        [4, 5],
        [6, 9],
      ],
    ]);
    is(written(matrix(), [[], 0], 9), mx.int32, matrix().tolist());
    is(written(matrix(), [null, [1], null], 9), mx.int32, [
      [0, 1, 2],
      [9, 9, 9],
    ]);
  });

  test("keeps the dtype, and refuses numbers that do not fit it", () => {
    is(written(matrix(), [0, 0], 2.7), mx.int32, [
      [2, 1, 2],
      [3, 4, 5],
    ]);
    is(written(matrix(), ["..."], mx.array([1.5])), mx.int32, [
      [1, 1, 1],
      [1, 1, 1],
    ]);
    is(written(mx.array([1n, 2n]), [0], 2n ** 62n + 1n), mx.int64, [2n ** 62n + 1n, 2n]);
    is(written(mx.array([true, true]), [0], 0), mx.bool, [false, true]);
    is(written(mx.array([1], mx.float16), [0], 0.5), mx.float16, [0.5]);
    expect(() => mx.array([1], mx.uint8).set([0], 300)).toThrow("would result in overflow");
  });

  test("with a mask", () => {
    const mask = mx.array([
      [true, false, true],
      [false, true, false],
    ]);
    is(written(matrix(), [mask], -1), mx.int32, [
      [-1, 1, -1],
      [3, -1, 5],
    ]);
    is(written(matrix(), [mask], at(7, 8, 9, 10)), mx.int32, [
      [7, 1, 8],
      [3, 9, 5],
    ]);
    is(written(matrix(), [[false, true]], at(7, 8, 9)), mx.int32, [
      [0, 1, 2],
      [7, 8, 9],
    ]);
    is(written(matrix(), [mx.greater(matrix(), 3)], 0), mx.int32, [
      [0, 1, 2],
      [3, 0, 0],
    ]);
    is(written(matrix(), [mask], mx.array([[6]], mx.int32)), mx.int32, [
      [6, 1, 6],
      [3, 6, 5],
    ]);
    expect(() => matrix().set([mask], at(7, 8))).toThrow(
      "[set] value: expected 3 parts, as many as the mask selects, received 2",
    );
    expect(() => matrix().set([mx.array([true])], 1)).toThrow("[masked_scatter]");
  });

  test("does not change other arrays, even of the same data", () => {
    const x = matrix();
    const [same, view, row] = [x.get(), x.T, x.get(0)];
    const sum = mx.sum(x);
    x.set([0, 0], 100);
    is(x, mx.int32, [
      [100, 1, 2],
      [3, 4, 5],
    ]);
    is(same, mx.int32, matrix().tolist());
    is(view, mx.int32, matrix().T.tolist());
    is(row, mx.int32, [0, 1, 2]);
    expect(sum.item()).toBe(15);
  });

  test("takes values made of the array itself", () => {
    const x = mx.arange(4);
    x.set(["1:"], x.get(":-1"));
    is(x, mx.int32, [0, 0, 1, 2]);
    x.set(["..."], x);
    x.set(["::-1"], x);
    is(x, mx.int32, [2, 1, 0, 0]);
    x.set([x], 7);
    is(x, mx.int32, [7, 7, 7, 0]);
  });

  test("leaves the array as it was where it fails", () => {
    const x = matrix();
    expect(() => x.set([0], at(1, 2))).toThrow("broadcast");
    expect(() => x.set([[0, 1], 0], at(1, 2, 3))).toThrow("broadcast");
    expect(() => x.set([0], any("1"))).toThrow(
      '[set] value: expected an array or a scalar, received "1"',
    );
    expect(() => x.set(any(0), 1)).toThrow("[set] indices: expected a list of indices, received 0");
    expect(() => any(x).set([0])).toThrow(TypeError);
    is(x, mx.int32, matrix().tolist());
  });

  test("outlives a tidy that it happens in", () => {
    const x = mx.zeros([2]);
    mx.tidy(() => {
      x.set([0], mx.add(mx.array(1), 2));
    });
    is(x, mx.float32, [3, 0]);
  });

  test("many times over does not leak", () => {
    const x = mx.zeros([4]);
    const before = live();
    mx.tidy(() => {
      for (let i = 0; i < 100; i++) {
        x.set([i % 4], x.get((i + 1) % 4).add(1));
      }
    });
    expect(live()).toBe(before);
  });
});

describe("at", () => {
  test.each([
    ["add", [0, 11, 12]],
    ["subtract", [0, -9, -8]],
    ["multiply", [0, 10, 20]],
    ["divide", [0, 0.125, 0.25]],
    ["maximum", [0, 10, 10]],
    ["minimum", [0, 1, 2]],
  ] as const)("%s", (name, expected) => {
    const x = mx.arange(3).astype(mx.float32);
    const value = name === "divide" ? 8 : 10;
    const both = mx.array([value, value]);
    is(x.at("1:")[name](value), mx.float32, expected);
    is(x.at("...", "1:")[name](mx.array([[value]])), mx.float32, expected);
    is(x.at([1, 2])[name](both), mx.float32, expected);
    is(x.at(at(-1, -2))[name](value), mx.float32, expected);
    is(x, mx.float32, [0, 1, 2]);
  });

  test("counts indices as often as they occur", () => {
    is(
      mx
        .zeros([3])
        .at([0, 0, 2])
        .add(mx.array([1, 2, 4])),
      mx.float32,
      [3, 0, 4],
    );
    is(mx.ones([2]).at([1, 1]).multiply(3), mx.float32, [1, 9]);
    is(mx.zeros([2, 2]).at("1:", [0, 0]).add(1), mx.float32, [
      [0, 0],
      [2, 0],
    ]);
  });

  test("keeps the dtype", () => {
    is(mx.ones([2], mx.int32).at(0).add(1.5), mx.int32, [2, 1]);
    is(
      mx
        .ones([2], mx.float16)
        .at("...")
        .add(mx.array([1])),
      mx.float16,
      [2, 2],
    );
    expect(() => mx.array([true]).at(0).subtract(true)).toThrow("[negative]");
    expect(() => mx.ones([2]).at(0).add(any(null))).toThrow(
      "[add] value: expected an array or a scalar, received null",
    );
  });

  test("takes what the array is when it is used", () => {
    const x = mx.zeros([2]);
    const first = x.at(0);
    x.set([0], 5);
    is(first.add(1), mx.float32, [6, 0]);
  });
});

describe("gradients", () => {
  const weights = mx.array([1, 2, 4]);

  test("through get", () => {
    const f = (x: mx.array) => mx.sum(x.get(1, "::-1").multiply(weights));
    is(mx.grad(f)(mx.zeros([2, 3])), mx.float32, [
      [0, 0, 0],
      [4, 2, 1],
    ]);
    const g = (x: mx.array) => mx.sum(x.get([0, 0, 1]).multiply(weights));
    is(mx.grad(g)(mx.zeros([2])), mx.float32, [3, 4]);
    is(mx.grad((x: mx.array) => x.get(-1).multiply(3))(mx.zeros([2])), mx.float32, [0, 3]);
  });

  test("through set, for the array and the value", () => {
    const f = (x: mx.array, v: mx.array) => {
      x.set([1], v);
      return mx.sum(x.multiply(x).multiply(weights));
    };
    const x = mx.array([1, 2, 3]);
    const [gx, gv] = mx.grad(f, [0, 1])(x, mx.array(5));
    is(gx, mx.float32, [2, 0, 24]);
    is(gv, mx.float32, 20);
    is(x, mx.float32, [1, 2, 3]);
  });

  test("through at", () => {
    const f = (x: mx.array, v: mx.array) => mx.sum(x.at([0, 0]).add(v).multiply(weights));
    const [gx, gv] = mx.grad(f, [0, 1])(mx.zeros([3]), mx.array([1, 1]));
    is(gx, mx.float32, [1, 2, 4]);
    is(gv, mx.float32, [1, 1]);
  });
});

describe("length and iteration", () => {
  test("go by the first dimension", () => {
    const x = matrix();
    expect(x.length).toBe(2);
    expect([...x].map((row) => row.tolist())).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect([...mx.zeros([0, 2])]).toEqual([]);
    const [first, ...rest] = mx.arange(3);
    expect([first?.item(), rest.length]).toEqual([0, 2]);
  });

  test("need a dimension", () => {
    const x = mx.array(1);
    expect(() => x.length).toThrow(TypeError);
    expect(() => [...x]).toThrow("[iterator] this: expected an array with dimensions");
  });

  test("see the array as it was at the start", () => {
    const x = mx.arange(3);
    const seen = [];
    for (const item of x) {
      x.set(["..."], 9);
      seen.push(item.item());
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  test("leave nothing behind", () => {
    const x = mx.arange(3);
    const before = live();
    mx.tidy(() => {
      for (const item of x) {
        if (item.item() === 1) {
          break;
        }
      }
    });
    expect(live()).toBe(before);
    const iterator = x[Symbol.iterator]();
    iterator.return();
    expect(iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe("methods", () => {
  test("are the functions without their first parameter", () => {
    const x = mx.array([
      [1, 2],
      [3, 4],
    ]);
    is(x.T, mx.float32, [
      [1, 3],
      [2, 4],
    ]);
    is(mx.zeros([1, 2, 1]).mT, mx.float32, [[[0, 0]]]);
    expect(() => mx.array([1]).mT).toThrow(Error);
    is(mx.array([{ re: 1, im: 2 }]).real, mx.float32, [1]);
    is(mx.array([{ re: 1, im: 2 }]).imag, mx.float32, [2]);
    is(x.sum(0, { keepdims: true }), mx.float32, [[4, 6]]);
    is(x.reshape([4]).astype(mx.int32), mx.int32, [1, 2, 3, 4]);
    is(x.moveaxis(0, 1).flatten(), mx.float32, [1, 3, 2, 4]);
    is(x.matmul(x), mx.float32, [
      [7, 10],
      [15, 22],
    ]);
    expect(x.split(2, 1).map((part) => part.shape)).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(() => x.sum(0, any({ keepDims: true }))).toThrow(TypeError);
    const { add } = x;
    expect(() => add.call(any(undefined), x)).toThrow(TypeError);
  });

  test("have names like built-in ones and do not show up in loops", () => {
    expect(Object.keys(mx.array.prototype)).toEqual([]);
    const names: string[] = [];
    for (const name in mx.array([1])) {
      names.push(name);
    }
    expect(names).toEqual([]);
  });
});
