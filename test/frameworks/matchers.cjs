// The matchers of mlx-js/testing, and what they say, in Jest and vitest.
const { expect, test } = /** @type {typeof import("vitest")} */ (/** @type {any} */ (globalThis));

/** @param {typeof import("mlx-js")} mlx */
module.exports = ({ mx }) => {
  /** What is wrong on purpose. @param {unknown} x @returns {any} */
  const any = (x) => x;

  /** What an assertion says, without colours. @param {() => void} assertion */
  const message = (assertion) => {
    try {
      assertion();
    } catch (error) {
      return /** @type {Error} */ (error).message;
    }
    throw new Error("it passed");
  };

  test("toEqualArray compares dtype, shape and values", () => {
    expect(mx.array([1, Number.NaN, -0])).toEqualArray(mx.array([1, Number.NaN, -0]));
    expect(mx.array([2n ** 53n])).toEqualArray(mx.array([2n ** 53n]));
    expect(mx.array([0.1], mx.bfloat16)).toEqualArray(mx.array([0.1], mx.bfloat16));
    expect(mx.array([{ re: 1, im: 2 }])).toEqualArray(mx.array([{ re: 1, im: 2 }]));
    expect(mx.zeros([0, 2])).toEqualArray(mx.zeros([0, 2]));
    expect(mx.array(true)).toEqualArray(mx.array(true));
    for (const [a, b] of [
      [mx.array([1]), mx.array([2])],
      [mx.array([1]), mx.array([1], mx.int32)],
      [mx.array([1]), mx.array([[1]])],
      [mx.array([0]), mx.array([-0])],
      [mx.array([2n ** 53n]), mx.array([2n ** 53n + 1n])],
      [mx.zeros([0, 2]), mx.zeros([0, 3])],
    ]) {
      expect(a).not.toEqualArray(any(b));
    }
  });

  test("a failure says where arrays differ", () => {
    const received = mx.array([
      [1, 2.5, 3],
      [4, 5, -6],
    ]);
    const expected = mx.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(message(() => expect(received).toEqualArray(expected))).toBe(
      [
        "expect(received).toEqualArray(expected)",
        "",
        "2 of 6 values differ, by 12 at most, at [1, 2]:",
        "",
        "  index   received  expected",
        "  [0, 1]       2.5         2",
        "  [1, 2]        -6         6",
      ].join("\n"),
    );
    const long = message(() => expect(mx.ones([20])).toEqualArray(mx.zeros([20])));
    expect(long).toContain("20 of 20 values differ, by 1 at most, at [0]:");
    expect(long).toContain("and 10 more");
    expect(long.split("\n")).toHaveLength(16);
    const nan = message(() => expect(mx.array([Number.NaN])).toEqualArray(mx.array([1])));
    expect(nan).toContain("1 of 1 values differ:");
    expect(nan).toContain("[0]         nan         1");
    expect(message(() => expect(mx.array(7)).toEqualArray(mx.array(5)))).toContain("at []:");
    expect(message(() => expect(mx.ones([2])).not.toEqualArray(mx.ones([2])))).toContain(
      "array([1, 1], dtype=float32)",
    );
  });

  test("a failure says what the types are", () => {
    expect(message(() => expect(mx.ones([2])).toEqualArray(mx.ones([2, 3], mx.int32)))).toContain(
      "expected a int32 array of shape [2, 3], received a float32 array of shape [2]",
    );
    expect(message(() => expect([1, 1]).toEqualArray(mx.ones([2])))).toContain(
      "expected an array, received [ 1, 1 ]",
    );
  });

  test("toBeCloseToArray", () => {
    const x = mx.array([100, Number.NaN, Number.POSITIVE_INFINITY]);
    const off = (/** @type {number} */ by) => mx.array([100 + by, Number.NaN, Infinity]);
    expect(off(0.0005)).toBeCloseToArray(x);
    expect(off(0.01)).not.toBeCloseToArray(x);
    expect(off(0.01)).toBeCloseToArray(x, { atol: 0.02 });
    expect(off(0.01)).toBeCloseToArray(x, { rtol: 0.001 });
    expect(off(0.01)).not.toBeCloseToArray(x, { rtol: 0, atol: 0.005 });
    expect(off(0)).not.toBeCloseToArray(x, { equalNan: false });
    expect(mx.array([Infinity])).not.toBeCloseToArray(mx.array([-Infinity]));
    expect(mx.array([Infinity])).not.toBeCloseToArray(mx.array([1]), { rtol: 1 });
    expect(mx.array([1])).not.toBeCloseToArray(mx.array([Infinity]));
    expect(mx.array([0])).toBeCloseToArray(mx.array([-0]));
    expect(mx.array([7], mx.int32)).toBeCloseToArray(mx.array([6], mx.int32), { atol: 1 });
    expect(mx.array([{ re: 1, im: 1 }])).toBeCloseToArray(mx.array([{ re: 1, im: 1.01 }]), {
      atol: 0.02,
    });
    expect(mx.ones([2])).not.toBeCloseToArray(mx.ones([1, 2]));
    expect(mx.ones([2])).not.toBeCloseToArray(mx.ones([2], mx.int32));
    const text = message(() => expect(off(0.5)).toBeCloseToArray(x));
    expect(text).toContain("expect(received).toBeCloseToArray(expected)");
    expect(text).toContain("1 of 3 values differ, by 0.5 at most, at [0]:");
    expect(text).toContain("[0]       100.5       100");
  });

  test("wrong arguments are errors, also behind not", () => {
    expect(() => expect(mx.ones([2])).not.toEqualArray(any([1, 1]))).toThrow(
      "[toEqualArray] expected: expected an array, received [ 1, 1 ]",
    );
    expect(() => expect(mx.ones([2])).toBeCloseToArray(mx.ones([2]), any({ tol: 1 }))).toThrow(
      "[toBeCloseToArray] options: expected rtol, atol, equalNan",
    );
    expect(() => expect(mx.ones([2])).toBeCloseToArray(mx.ones([2]), { atol: -1 })).toThrow(
      RangeError,
    );
  });

  test("matchers stand for arrays inside of others", () => {
    const closeTo = /** @type {any} */ (expect).toBeCloseToArray;
    expect({ x: mx.array([1.001]) }).toEqual({ x: closeTo(mx.array([1]), { atol: 0.01 }) });
    expect({ x: mx.array([1.1]) }).not.toEqual({ x: closeTo(mx.array([1]), { atol: 0.01 }) });
  });

  test("toEqual compares large arrays at once", () => {
    const x = mx.random.normal([1000, 1000]);
    expect(x).toEqual(mx.add(x, 0));
    expect({ x: [x] }).toEqual({ x: [mx.add(x, 0)] });
    expect(x).not.toEqual(mx.add(x, 1));
    expect(x).toStrictEqual(mx.add(x, 0));
    expect({ x, y: 1 }).toMatchObject({ x: mx.add(x, 0) });
    expect(x).not.toEqual([1]);
  });
};
