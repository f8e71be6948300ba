import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const ofArrays = [
  "abs",
  "sign",
  "positive",
  "negative",
  "trunc",
  "square",
  "sqrt",
  "rsqrt",
  "reciprocal",
  "exp",
  "expm1",
  "erf",
  "erfinv",
  "sin",
  "cos",
  "tan",
  "arcsin",
  "arccos",
  "arctan",
  "sinh",
  "cosh",
  "tanh",
  "arcsinh",
  "arccosh",
  "arctanh",
  "log",
  "log2",
  "log10",
  "log1p",
  "sigmoid",
  "floor",
  "ceil",
  "conj",
  "conjugate",
  "real",
  "imag",
] as const;
const ofOne = [...ofArrays, "degrees", "radians", "bitwiseInvert"] as const;
const ofTwo = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "divmod",
  "floorDivide",
  "remainder",
  "logaddexp",
  "arctan2",
  "power",
  "minimum",
  "maximum",
  "bitwiseAnd",
  "bitwiseOr",
  "bitwiseXor",
  "leftShift",
  "rightShift",
] as const;

describe("a weak scalar", () => {
  const narrow = [mx.int8, mx.uint8, mx.int16, mx.uint16, mx.int32, mx.uint32, mx.float16];

  test.each(narrow)("that is whole takes the dtype %s", (dtype) => {
    const x = mx.array([7, 9], dtype);
    is(mx.subtract(x, 2), dtype, [5, 7]);
    is(mx.subtract(20, x), dtype, [13, 11]);
    is(mx.subtract(x, 2n), dtype, [5, 7]);
    is(mx.subtract(20n, x), dtype, [13, 11]);
    is(mx.subtract(x, true), dtype, [6, 8]);
  });

  test("that is whole is a bigint beside 64-bit integers", () => {
    for (const dtype of [mx.int64, mx.uint64]) {
      const x = mx.array([7n, 9n], dtype);
      is(mx.subtract(x, 2), dtype, [5n, 7n]);
      is(mx.subtract(20, x), dtype, [13n, 11n]);
      is(mx.subtract(x, true), dtype, [6n, 8n]);
    }
  });

  test("that is a fraction makes integers float32, on both sides", () => {
    for (const dtype of [mx.int8, mx.uint8, mx.int32, mx.uint32, mx.int64, mx.bool]) {
      const x = mx.array([1, 0], dtype);
      is(mx.subtract(x, 0.5), mx.float32, [0.5, -0.5]);
      is(mx.subtract(0.5, x), mx.float32, [-0.5, 0.5]);
    }
  });

  test("that is a fraction takes a floating dtype", () => {
    is(mx.multiply(mx.array([2, 4], mx.float16), 0.5), mx.float16, [1, 2]);
    is(mx.divide(1, mx.array([2, 4], mx.bfloat16)), mx.bfloat16, [0.5, 0.25]);
    const double = mx.array([0], mx.float64);
    is(mx.add(double, 0.1, { stream: mx.cpu }), mx.float64, [0.1]);
    is(mx.add(double, 2 ** 53 - 1, { stream: mx.cpu }), mx.float64, [2 ** 53 - 1]);
  });

  test("beside bool is int32, int64 or float32, and bool if it is boolean", () => {
    const x = mx.array([true, false]);
    is(mx.add(x, 2), mx.int32, [3, 2]);
    is(mx.subtract(2, x), mx.int32, [1, 2]);
    is(mx.add(x, 2 ** 40), mx.int64, [2n ** 40n + 1n, 2n ** 40n]);
    is(mx.add(x, 0.5), mx.float32, [1.5, 0.5]);
    is(mx.add(x, true), mx.bool, [true, true]);
  });

  test("beside another is of a dtype of its own", () => {
    is(mx.add(1, 2), mx.int32, 3);
    is(mx.add(1, 0.5), mx.float32, 1.5);
    is(mx.add(true, 1), mx.int32, 2);
    is(mx.add(2 ** 31, 1), mx.int64, 2n ** 31n + 1n);
    is(mx.bitwiseOr(2n ** 63n, 2n ** 63n + 1n), mx.uint64, 2n ** 63n + 1n);
  });

  test("is exact up to 2^53 - 1 as a number and up to 64 bits as a bigint", () => {
    const zero = mx.array([0n]);
    is(mx.add(zero, 2 ** 53 - 1), mx.int64, [2n ** 53n - 1n]);
    is(mx.add(-(2 ** 53 - 1), zero), mx.int64, [1n - 2n ** 53n]);
    is(mx.add(zero, 2n ** 63n - 1n), mx.int64, [2n ** 63n - 1n]);
    is(mx.add(-(2n ** 63n), zero), mx.int64, [-(2n ** 63n)]);
    const unsigned = mx.array([0n], mx.uint64);
    is(mx.add(unsigned, 2n ** 64n - 1n), mx.uint64, [2n ** 64n - 1n]);
    is(mx.add(2 ** 53 - 1, unsigned), mx.uint64, [2n ** 53n - 1n]);
    is(mx.add(mx.array([0], mx.uint32), 2 ** 32 - 1), mx.uint32, [2 ** 32 - 1]);
  });

  test("keeps the sign of zero among floats and is 0 among integers", () => {
    is(mx.multiply(mx.array([1, -1]), -0), mx.float32, [-0, 0]);
    is(mx.divide(mx.array([1], mx.float16), -0), mx.float16, [Number.NEGATIVE_INFINITY]);
    is(mx.add(mx.array([3], mx.int32), -0), mx.int32, [3]);
    is(mx.add(-0, mx.array([3], mx.uint8)), mx.uint8, [3]);
  });

  test("may be infinite or NaN", () => {
    is(mx.minimum(mx.array([1, 2]), Number.POSITIVE_INFINITY), mx.float32, [1, 2]);
    is(mx.maximum(Number.NaN, mx.array([1], mx.float16)), mx.float16, [Number.NaN]);
    is(mx.add(mx.array([1], mx.int8), Number.NEGATIVE_INFINITY), mx.float32, [
      Number.NEGATIVE_INFINITY,
    ]);
  });

  test("may be complex", () => {
    const i = { re: 0, im: 1 };
    is(mx.multiply(mx.array([2], mx.int32), i), mx.complex64, [{ re: 0, im: 2 }]);
    is(mx.subtract(i, mx.array([2], mx.float16)), mx.complex64, [{ re: -2, im: 1 }]);
    is(mx.multiply(i, mx.array([{ re: 3, im: 4 }])), mx.complex64, [{ re: -4, im: 3 }]);
  });

  test.each([
    [mx.uint8, 300],
    [mx.uint8, -1],
    [mx.int8, 128],
    [mx.int8, -129],
    [mx.int16, 32768],
    [mx.uint32, 2 ** 32],
    [mx.int32, 2 ** 31],
    [mx.uint64, -1],
    [mx.int64, 2n ** 63n],
  ] as const)("that does not fit %s is an error: %s", (dtype, scalar) => {
    const x = mx.array([1], dtype);
    const message = `Converting ${scalar} to ${dtype} would result in overflow.`;
    expect(() => mx.add(x, scalar)).toThrow(message);
    expect(() => mx.add(scalar, x)).toThrow(message);
    expect(() => mx.clip(x, scalar, null)).toThrow(message);
  });

  test("of more than 64 bits is a RangeError", () => {
    const x = mx.array([1n]);
    for (const wide of [2n ** 64n, -(2n ** 63n) - 1n]) {
      expect(() => mx.add(x, wide)).toThrow(RangeError);
      expect(() => mx.add(wide, x)).toThrow("[add] a: expected a bigint of at most 64 bits");
    }
  });
});

describe("two operands", () => {
  test("are broadcast", () => {
    const column = mx.array([[10], [20]]);
    const row = mx.array([1, 2, 3]);
    is(mx.subtract(column, row), mx.float32, [
      [9, 8, 7],
      [19, 18, 17],
    ]);
    is(mx.subtract(row, mx.array(1)), mx.float32, [0, 1, 2]);
    is(mx.add(mx.array([]), 1), mx.float32, []);
    expect(() => mx.add(row, mx.array([1, 2]))).toThrow(
      "[broadcast_shapes] Shapes (3) and (2) cannot be broadcast.",
    );
  });

  test("have their dtypes promoted", () => {
    const promoted = [
      [mx.int8, mx.uint8, mx.int16],
      [mx.int32, mx.uint32, mx.int64],
      [mx.bool, mx.uint16, mx.uint16],
      [mx.int32, mx.float16, mx.float16],
      [mx.float16, mx.bfloat16, mx.float32],
      [mx.float32, mx.complex64, mx.complex64],
    ] as const;
    for (const [a, b, to] of promoted) {
      expect(mx.add(mx.array([1], a), mx.array([1], b)).dtype).toBe(to);
      expect(mx.add(mx.array([1], b), mx.array([1], a)).dtype).toBe(to);
    }
  });

  test("keep their order", () => {
    const a = mx.array([6, 9], mx.int32);
    is(mx.divide(a, 4), mx.float32, [1.5, 2.25]);
    is(mx.divide(18, a), mx.float32, [3, 2]);
    is(mx.floorDivide(a, 4), mx.int32, [1, 2]);
    is(mx.floorDivide(-19, a), mx.int32, [-4, -3]);
    is(mx.remainder(a, -4), mx.int32, [-2, -3]);
    is(mx.remainder(-19, a), mx.int32, [5, 8]);
    is(mx.power(a, 2), mx.int32, [36, 81]);
    is(mx.power(2, a), mx.int32, [64, 512]);
    is(mx.leftShift(a, 2), mx.int32, [24, 36]);
    is(mx.leftShift(1, a), mx.int32, [64, 512]);
    is(mx.rightShift(a, 1), mx.int32, [3, 4]);
    is(mx.rightShift(1024, a), mx.int32, [16, 2]);
    is(mx.arctan2(mx.array([0, -0]), mx.array([1, 1])), mx.float32, [0, -0]);
  });

  test("of divmod give a pair", () => {
    const [quotient, remainder] = mx.divmod(mx.array([-7, 7], mx.int32), 2);
    is(quotient, mx.int32, [-4, 3]);
    is(remainder, mx.int32, [1, 1]);
    const [q, r] = mx.divmod(7.5, mx.array([2, -2]));
    is(q, mx.float32, [3, -4]);
    is(r, mx.float32, [1.5, -0.5]);
    expect(() => mx.divmod(mx.array([{ re: 1, im: 1 }]), 1)).toThrow("[divmod]");
  });

  test("of bitwise functions are integers or booleans", () => {
    is(mx.bitwiseAnd(mx.array([12, 10], mx.uint8), 6), mx.uint8, [4, 2]);
    is(mx.bitwiseOr(6, mx.array([12, 10], mx.uint8)), mx.uint8, [14, 14]);
    is(mx.bitwiseXor(mx.array([12, 10], mx.int64), 6n), mx.int64, [10n, 12n]);
    is(mx.bitwiseXor(mx.array([true, false]), true), mx.bool, [false, true]);
    expect(() => mx.bitwiseAnd(mx.array([1]), 1)).toThrow(
      "[bitwise_and] Only allowed on integer or boolean types",
    );
  });
});

describe("integer division never ends the process", () => {
  const integers = [mx.int8, mx.int16, mx.int32, mx.uint8, mx.uint16, mx.uint32];

  test.each([...integers, mx.int64, mx.uint64, mx.bool])("of %s by zero", (dtype) => {
    const [a, zero] = [mx.array([1, 0], dtype), mx.array([0, 0], dtype)];
    // What it gives is the processor's affair.
    mx.eval(mx.floorDivide(a, zero), mx.remainder(a, zero), mx.divmod(a, zero));
    mx.eval(mx.floorDivide(a, 0), mx.remainder(a, 0), mx.divmod(a, 0));
  });

  const lowest = [
    [mx.int8, -128n],
    [mx.int16, -(2n ** 15n)],
    [mx.int32, -(2n ** 31n)],
    [mx.int64, -(2n ** 63n)],
  ] as const;

  test.each(lowest)("of the lowest %s by -1", (dtype, low) => {
    // As bigints, whatever the dtype.
    const gives = (x: mx.array, values: bigint[]) => {
      expect(x.dtype).toBe(dtype);
      expect(x.tolist<(number | bigint)[]>().map(BigInt)).toEqual(values);
    };
    const a = mx.array([low, 7n], dtype);
    gives(mx.floorDivide(a, mx.array([-1n, 2n], dtype)), [low, 3n]);
    gives(mx.remainder(a, mx.array([-1n, 2n], dtype)), [0n, 1n]);
    const [quotient, remainder] = mx.divmod(a, mx.array([-1n, -3n], dtype));
    gives(quotient, [low, -3n]);
    gives(remainder, [0n, -2n]);
    gives(mx.floorDivide(a, -1), [low, -7n]);
    gives(mx.remainder(low, mx.array([-1n], dtype)), [0n]);
  });

  test("when dtypes differ", () => {
    const low = mx.array([-(2 ** 31)], mx.int32);
    is(mx.floorDivide(low, mx.array([-1], mx.int8)), mx.int32, [-(2 ** 31)]);
    is(mx.floorDivide(low, mx.array([-1n])), mx.int64, [2n ** 31n]);
    is(mx.floorDivide(mx.array([7], mx.uint32), mx.array([-1], mx.int8)), mx.int64, [-7n]);
    is(mx.floorDivide(-(2 ** 31), -1), mx.int32, -(2 ** 31));
  });
});

describe("one operand", () => {
  test("that is complex", () => {
    const z = mx.array([{ re: 3, im: -4 }]);
    is(mx.abs(z), mx.float32, [5]);
    is(mx.real(z), mx.float32, [3]);
    is(mx.imag(z), mx.float32, [-4]);
    is(mx.conj(z), mx.complex64, [{ re: 3, im: 4 }]);
    is(mx.conjugate(z), mx.complex64, [{ re: 3, im: 4 }]);
    is(mx.negative(z), mx.complex64, [{ re: -3, im: 4 }]);
    is(mx.square(z), mx.complex64, [{ re: -7, im: -24 }]);
    for (const name of ["floor", "ceil", "trunc", "erf", "erfinv"] as const) {
      expect(() => mx[name](z)).toThrow(`[${name}] Not supported for complex64`);
    }
  });

  test("that is real has neither imaginary part nor another conjugate", () => {
    const x = mx.array([3, -4]);
    is(mx.real(x), mx.float32, [3, -4]);
    is(mx.imag(x), mx.float32, [0, 0]);
    is(mx.conj(x), mx.float32, [3, -4]);
  });

  test("that is of integers stays so, or becomes float32", () => {
    const x = mx.array([-4, 9], mx.int8);
    for (const name of [
      "abs",
      "sign",
      "positive",
      "negative",
      "square",
      "floor",
      "trunc",
    ] as const) {
      expect(mx[name](x).dtype).toBe(mx.int8);
    }
    for (const name of ["sqrt", "exp", "reciprocal", "sigmoid", "log2", "degrees"] as const) {
      expect(mx[name](x).dtype).toBe(mx.float32);
    }
  });

  test("that is boolean has no opposite sign", () => {
    expect(() => mx.negative(mx.array([true]))).toThrow("[negative] Not supported for bool");
    is(mx.bitwiseInvert(mx.array([true, false])), mx.bool, [false, true]);
  });

  test("may be a scalar where Python takes one", () => {
    is(mx.bitwiseInvert(5), mx.int32, -6);
    is(mx.bitwiseInvert(2n ** 64n - 1n), mx.uint64, 0n);
    is(mx.radians(0), mx.float32, 0);
    expect(mx.degrees(Math.PI).item()).toBe(180);
    is(mx.nanToNum(Number.NaN), mx.float32, 0);
  });
});

describe("clip", () => {
  test("takes null for no bound, but not twice", () => {
    const x = mx.array([-2, 0, 5], mx.int32);
    is(mx.clip(x, null, 3), mx.int32, [-2, 0, 3]);
    is(mx.clip(x, -1, null), mx.int32, [-1, 0, 5]);
    is(mx.clip(x, -1, 3), mx.int32, [-1, 0, 3]);
    expect(() => mx.clip(x, null, null)).toThrow("At most one of a_min and a_max may be None");
  });

  test("takes bounds of any kind", () => {
    const x = mx.array([-2, 0, 5], mx.int32);
    is(mx.clip(x, -1.5, null), mx.float32, [-1.5, 0, 5]);
    is(mx.clip(x, mx.array([-3, 1, 1], mx.int32), mx.array([[4], [2]], mx.int32)), mx.int32, [
      [-2, 1, 4],
      [-2, 1, 2],
    ]);
    is(mx.clip(mx.array([2n ** 62n]), null, 2n ** 61n), mx.int64, [2n ** 61n]);
  });
});

describe("softmax", () => {
  const x = mx.array([
    [0, 0],
    [1, 1],
  ]);

  test("goes along an axis, several or all", () => {
    const half = [
      [0.5, 0.5],
      [0.5, 0.5],
    ];
    is(mx.softmax(x, 1), mx.float32, half);
    is(mx.softmax(x, -1), mx.float32, half);
    is(mx.softmax(x, [1]), mx.float32, half);
    const all = mx.softmax(x).tolist();
    expect(mx.softmax(x, null).tolist()).toEqual(all);
    expect(mx.softmax(x, [0, 1]).tolist()).toEqual(all);
    expect(() => mx.softmax(x, 2)).toThrow("Invalid axis 2 for array with 2 dimensions.");
    expect(() => mx.softmax(x, any("0"))).toThrow(
      '[softmax] axis: expected an integer or a list of integers, received "0"',
    );
  });

  test("knows the option `precise` and no other", () => {
    is(mx.softmax(mx.array([0, 0], mx.float16), 0, { precise: true }), mx.float16, [0.5, 0.5]);
    expect(() => mx.softmax(x, 0, any({ precice: true }))).toThrow(
      '[softmax] options: expected precise, stream, received an option "precice"',
    );
    expect(() => mx.softmax(x, 0, { precise: any(1) })).toThrow(
      "[softmax] precise: expected a boolean, received 1",
    );
  });
});

describe("nanToNum", () => {
  const x = mx.array([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]);

  test("takes each replacement, also one that is not finite", () => {
    is(mx.nanToNum(x, { nan: 1.5, posinf: 2, neginf: -3 }), mx.float32, [1.5, 2, -3, 1]);
    is(
      mx.nanToNum(x, { posinf: Number.POSITIVE_INFINITY, neginf: Number.NEGATIVE_INFINITY }),
      mx.float32,
      [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1],
    );
    is(mx.nanToNum(x, { nan: Number.NaN, posinf: 2, neginf: 3 }), mx.float32, [
      Number.NaN,
      2,
      3,
      1,
    ]);
  });

  test("defaults to 0 and the dtype's limits", () => {
    const most = 2 ** 127 * (2 - 2 ** -23);
    is(mx.nanToNum(x), mx.float32, [0, most, -most, 1]);
    is(mx.nanToNum(x, { posinf: null, neginf: undefined }), mx.float32, [0, most, -most, 1]);
    is(mx.nanToNum(mx.array([1, 2], mx.int8)), mx.int8, [1, 2]);
  });

  test("refuses what is no number", () => {
    expect(() => mx.nanToNum(x, { posinf: any("1") })).toThrow(
      '[nanToNum] posinf: expected a number, received "1"',
    );
    expect(() => mx.nanToNum(x, { nan: any(null) })).toThrow("[nanToNum] nan: expected a number");
    expect(() => mx.nanToNum(x, any({ posInf: 1 }))).toThrow(
      '[nanToNum] options: expected nan, posinf, neginf, stream, received an option "posInf"',
    );
  });
});

describe("round", () => {
  test("takes decimals before the options", () => {
    is(mx.round(mx.array([0.5, 1.5, -2.5])), mx.float32, [0, 2, -2]);
    is(mx.round(mx.array([0.125, 2.5]), 0, { stream: mx.cpu }), mx.float32, [0, 2]);
    is(mx.round(mx.array([1250, 1350], mx.int32), -2), mx.int32, [1200, 1400]);
    expect(mx.round(mx.array([1.26]), 1).item()).toBeCloseTo(1.3, 6);
  });

  test("refuses decimals that are no integer", () => {
    const x = mx.array([1]);
    expect(() => mx.round(x, 0.5)).toThrow("[round] decimals: expected an integer, received 0.5");
    expect(() => mx.round(x, 2 ** 40)).toThrow(RangeError);
    expect(() => mx.round(x, any({ stream: mx.cpu }))).toThrow(TypeError);
  });
});

describe("wrong arguments", () => {
  const disposed = mx.array([1]);
  disposed.dispose();

  test.each(ofOne)("of %s", (name) => {
    const fn = any(mx[name]);
    const x = mx.array([1], mx.int32);
    for (const wrong of ["1", undefined, null, {}, new Map(), () => 1, Symbol("x")]) {
      expect(() => fn(wrong)).toThrow(TypeError);
      expect(() => fn(wrong)).toThrow(`[${name}] a: expected an array`);
    }
    expect(() => fn(disposed)).toThrow(
      `[${name}] a: expected an array, received one that has been disposed`,
    );
    expect(() => fn(x, { strem: mx.cpu })).toThrow(
      `[${name}] options: expected stream, received an option "strem"`,
    );
    expect(() => fn(x, { stream: "cpu" })).toThrow(
      `[${name}] stream: expected a stream or a device, received "cpu"`,
    );
    expect(() => fn(x, null)).toThrow(TypeError);
    expect(fn(x, { stream: mx.cpu })).toBeInstanceOf(mx.array);
    expect(fn(x, {})).toBeInstanceOf(mx.array);
  });

  test.each(ofTwo)("of %s", (name) => {
    const fn = any(mx[name]);
    const x = mx.array([1], mx.int32);
    for (const wrong of ["1", undefined, null, {}, [1], { re: 1 }, new Date()]) {
      expect(() => fn(wrong, x)).toThrow(`[${name}] a: expected an array or a scalar`);
      expect(() => fn(x, wrong)).toThrow(`[${name}] b: expected an array or a scalar`);
      expect(() => fn(x, wrong)).toThrow(TypeError);
    }
    expect(() => fn(disposed, x)).toThrow(`[${name}] a: expected an array, received one that`);
    expect(() => fn(x, disposed)).toThrow(`[${name}] b: expected an array, received one that`);
    expect(() => fn(x, x, { strem: mx.cpu })).toThrow(
      `[${name}] options: expected stream, received an option "strem"`,
    );
    expect(() => fn(x, x, mx.cpu)).toThrow(TypeError);
    fn(x, 1, { stream: mx.cpu });
  });
});

test("second names are the same functions", () => {
  expect(mx.acos).toBe(mx.arccos);
  expect(mx.acosh).toBe(mx.arccosh);
  expect(mx.asin).toBe(mx.arcsin);
  expect(mx.asinh).toBe(mx.arcsinh);
  expect(mx.atan).toBe(mx.arctan);
  expect(mx.atan2).toBe(mx.arctan2);
  expect(mx.atanh).toBe(mx.arctanh);
  expect(mx.pow).toBe(mx.power);
  expect(mx.bitwiseLeftShift).toBe(mx.leftShift);
  expect(mx.bitwiseRightShift).toBe(mx.rightShift);
});
