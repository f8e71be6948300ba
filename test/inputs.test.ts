// What stands in for arrays: functions of one operand take what mx.array takes,
// those of two typed arrays and scalars.
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: any function
type Any = any;

const elementWise = [
  ...["abs", "sign", "positive", "negative", "reciprocal", "square", "sqrt", "rsqrt", "exp"],
  ...["expm1", "log", "log2", "log10", "log1p", "erf", "erfinv", "sigmoid", "sin", "cos", "tan"],
  ...["arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"],
  ...["degrees", "radians", "floor", "ceil", "trunc", "round", "real", "imag", "conjugate"],
  ...["isnan", "isinf", "isfinite", "isposinf", "isneginf", "logicalNot", "nanToNum"],
  ...["bitwiseInvert", "stopGradient"],
];
const others = [
  ...["sum", "prod", "mean", "max", "min", "all", "any", "var", "std", "logsumexp", "argmax"],
  ...["argmin", "median", "countNonzero", "cumsum", "cumprod", "cummax", "sort", "argsort"],
  ...["softmax", "flatten", "squeeze", "transpose", "flip", "zerosLike", "onesLike", "contiguous"],
  ...["diff", "diag", "atleast1d", "atleast2d", "atleast3d", "logcumsumexp"],
];

const shown = (x: unknown): unknown =>
  Array.isArray(x) ? x.map(shown) : x instanceof mx.array ? [x.dtype.name, x.shape, x.tolist()] : x;

function attempt(run: () => unknown): unknown {
  try {
    return shown(run());
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

describe("of one operand", () => {
  const inputs: Record<string, unknown> = {
    "a number": 0.5,
    "an integer": 4,
    "a boolean": true,
    "a bigint": 3n,
    "a complex number": { re: 3, im: -4 },
    "a list": [0.5, 2, 1],
    "booleans in a list": [true, false],
    "a typed array": new Float32Array([0.5, 2, 1]),
    "a typed array of integers": new Int8Array([3, -1, 2]),
    "bigints in a typed array": new BigInt64Array([3n, 1n]),
    "a list that has an array": [mx.array(0.5), 2],
    "what stands for an array": { __mlx_array__: () => mx.array([0.5, 2]) },
  };

  test.each([...elementWise, ...others])("%s", (name) => {
    const f = (mx as Any)[name];
    for (const [kind, input] of Object.entries(inputs)) {
      // Theirs are lists of arrays.
      if (!name.startsWith("atleast") || !Array.isArray(input)) {
        const dtype = kind === "an integer" ? mx.int32 : undefined;
        const same = mx.array(input as Any, dtype);
        expect(
          attempt(() => f(input)),
          kind,
        ).toEqual(attempt(() => f(same)));
      }
    }
  });

  test("with more arguments", () => {
    const data = new Float32Array([1, 2, 3, 4]);
    expect(mx.reshape(data, [2, 2]).tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(
      mx
        .sum(
          [
            [1, 2],
            [3, 4],
          ],
          0,
        )
        .tolist(),
    ).toEqual([4, 6]);
    expect(mx.expandDims(7, 0).tolist()).toEqual([7]);
    expect(mx.take([5, 6, 7], [2, 0]).tolist()).toEqual([7, 5]);
    expect(mx.split(data, 2).map((x) => x.tolist())).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(mx.astype([1, 2], mx.int8).dtype).toBe(mx.int8);
    expect(mx.linalg.norm([3, 4]).item()).toBe(5);
    expect(mx.linalg.inv([[2]], { stream: mx.cpu }).tolist()).toEqual([[0.5]]);
    expect((mx.fft.fft(data).get(0) as Any).item()).toEqual({ re: 10, im: 0 });
    expect(
      mx
        .tril([
          [1, 2],
          [3, 4],
        ])
        .tolist(),
    ).toEqual([
      [1, 0],
      [3, 4],
    ]);
  });

  test("says which function and parameter got something else", () => {
    for (const wrong of [
      undefined,
      null,
      "4",
      {},
      () => 1,
      new Map(),
      Symbol("x"),
      Promise.resolve(1),
    ]) {
      expect(() => mx.sqrt(wrong as Any)).toThrow(TypeError);
      expect(() => mx.sqrt(wrong as Any)).toThrow(
        /^\[sqrt\] a: expected an array, or what mx\.array takes, received /,
      );
    }
    const ragged = [[1], [1, 2]];
    expect(() => mx.sqrt(ragged)).toThrow(RangeError);
    expect(() => mx.sqrt(ragged)).toThrow("[sqrt] a: expected lists of equal lengths");
    expect(() => mx.sqrt([2n ** 70n])).toThrow("[sqrt] a: expected bigints that fit");
    expect(() => mx.asarray(ragged)).toThrow("[asarray] a: expected lists of equal lengths");
    expect(() => mx.asarray("4" as Any)).toThrow("[asarray] a: expected numbers");
    expect(() => mx.asarray([1], "int8" as Any)).toThrow("[asarray] dtype: expected a dtype");
  });
});

describe("of two operands", () => {
  const two = ["add", "subtract", "multiply", "divide", "power", "equal", "less"] as const;
  const [a, b] = [new Float32Array([1, 2, 3]), new Int32Array([4, 1, 2])];

  test.each(two)("%s takes typed arrays, also as a method", (name) => {
    const [x, y] = [mx.array(a), mx.array(b)];
    const expected = shown(mx[name](x, y));
    expect(shown(mx[name](a, b))).toEqual(expected);
    expect(shown(mx[name](x, b))).toEqual(expected);
    expect(shown((x as Any)[name](b))).toEqual(expected);
    expect(shown(mx[name](a, 2))).toEqual(shown(mx[name](x, 2)));
  });

  test("other operands", () => {
    const x = mx.zeros([3]);
    x.set([":"], a);
    expect(x.tolist()).toEqual([1, 2, 3]);
    expect(x.at(":").add(b).tolist()).toEqual([5, 3, 5]);
    expect(mx.where(mx.array([true, false, true]), a, 0).tolist()).toEqual([1, 0, 3]);
    expect(mx.clip(x, b, 5).tolist()).toEqual([4, 2, 3]);
    expect(() => mx.add(x, [1, 2, 3] as Any)).toThrow(
      "[add] b: expected an array or a scalar, received [ 1, 2, 3 ]; mx.array makes an array of a list",
    );
  });

  test("stay each their own while the garbage collector runs", () => {
    for (let i = 0; i < 3000; i++) {
      const sum = mx.subtract(new Float32Array([i]), new Float32Array([2 * i]));
      if (i % 100 === 0) {
        expect(sum.item()).toBe(i === 0 ? 0 : -i);
      }
    }
  });
});

describe("lists that mix arrays and lists", () => {
  test.each<[string, unknown, string, unknown]>([
    ["a list beside an array", [mx.array([1]), [2]], "float32", [[1], [2]]],
    [
      "integers beside int32",
      [mx.array([1, 2], mx.int32), [3, 4]],
      "int32",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["fractions beside int32", [mx.array([1], mx.int32), [2.5]], "float32", [[1], [2.5]]],
    [
      "numbers beside float16",
      [[1, 2.5], mx.array([3, 4], mx.float16)],
      "float16",
      [
        [1, 2.5],
        [3, 4],
      ],
    ],
    ["booleans beside int8", [mx.array([1], mx.int8), [true]], "int8", [[1], [1]]],
    ["what int8 has no room for", [mx.array([1], mx.int8), [300]], "int32", [[1], [300]]],
    ["numbers beside bool", [mx.array([true]), [3]], "int32", [[1], [3]]],
    [
      "arrays of two dtypes",
      [mx.array([1], mx.int32), mx.array([2], mx.float16)],
      "float16",
      [[1], [2]],
    ],
    [
      "a typed array",
      [mx.array([1, 2], mx.int32), new Int8Array([3, 4])],
      "int32",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["deeper ones", [[mx.array([1, 2])], [[3, 4]]], "float32", [[[1, 2]], [[3, 4]]]],
    [
      "single values",
      [
        [mx.array(1), 2],
        [3, mx.array(4)],
      ],
      "float32",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["bigints", [mx.array([1n]), [2n ** 60n]], "int64", [[1n], [2n ** 60n]]],
  ])("%s", (_, data, dtype, values) => {
    const x = mx.array(data as Any);
    expect([x.dtype.name, x.tolist()]).toEqual([dtype, values]);
    expect(mx.array(data as Any, mx.float32).dtype).toBe(mx.float32);
  });

  test("of unequal lengths are refused", () => {
    for (const data of [
      [mx.array([1, 2]), [3]],
      [[3], mx.array([1, 2])],
      [mx.array([1]), 2],
      [1, mx.array([2])],
      [mx.array([[1]]), [1]],
    ]) {
      expect(() => mx.array(data as Any)).toThrow(
        /^\[array\] data: expected lists of equal lengths at every level/,
      );
    }
  });
});

describe("masks", () => {
  const matrix = () => mx.array([1, 2, 3, 4]).reshape([2, 2]);
  const set = (mask: unknown, value: unknown, x = matrix()) => {
    x.set(mask as Any, value as Any);
    return x.tolist();
  };

  test("select in set, as lists, arrays and single booleans", () => {
    const all = [
      [5, 5],
      [5, 5],
    ];
    expect(set([true], 5)).toEqual(all);
    expect(set([mx.array(true)], 5)).toEqual(all);
    expect(set([false], 5)).toEqual(matrix().tolist());
    expect(set([true], 5, mx.array(1))).toBe(5);
    expect(set([true], 4, mx.array([1]))).toEqual([4]);
    expect(set([true], mx.array([7, 8]))).toEqual([
      [7, 8],
      [7, 8],
    ]);
    const row = [
      [5, 5],
      [3, 4],
    ];
    expect(set([[true, false]], 5)).toEqual(row);
    expect(set([mx.array([true, false])], 5)).toEqual(row);
    const corners = [
      [7, 2],
      [3, 8],
    ];
    expect(
      set(
        [
          [
            [true, false],
            [false, true],
          ],
        ],
        mx.array([7, 8]),
      ),
    ).toEqual(corners);
    expect(set([mx.eye(2).astype(mx.bool)], mx.array([7, 8]))).toEqual(corners);
    expect(() => set([true, false], 5)).toThrow(
      "[set] indices: expected a mask in a list of its own, such as [[true, false]]",
    );
    expect(() => matrix().get(true as never)).toThrow("[get] indices[0]: expected");
  });
});
