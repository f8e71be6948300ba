import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { init } = nn;

describe("initializers", () => {
  test.each([0, 0.25, 1])("sparse(%d) has so many zeros in each row", (sparsity) => {
    const w = init.sparse(sparsity)(mx.zeros([5, 8]));
    expect(mx.countNonzero(w, { axis: 1 }).tolist()).toEqual(Array(5).fill(8 - 8 * sparsity));
  });

  test("sparse takes a matrix without columns", () => {
    expect(init.sparse(0.5)(mx.zeros([2, 0])).shape).toEqual([2, 0]);
  });

  test.each([
    [3, 5],
    [5, 3],
    [4, 4],
  ])("orthogonal(%d, %d) has orthonormal rows or columns", (rows, columns) => {
    const w = init.orthogonal({ gain: 2 })(mx.zeros([rows, columns]));
    const product = rows < columns ? mx.matmul(w, w.transpose()) : mx.matmul(w.transpose(), w);
    const expected = mx.multiply(mx.eye(Math.min(rows, columns)), 4);
    expect(mx.allclose(product, expected, { atol: 1e-5 }).item()).toBe(true);
  });

  test("say what is wrong with an argument", () => {
    expect(() => init.identity()(mx.zeros([2, 3]))).toThrow(
      new TypeError(
        "[init.identity] a: expected a square matrix, received an array of shape [2, 3]",
      ),
    );
    expect(() => init.heNormal()(mx.zeros([2]))).toThrow(TypeError);
    expect(() => init.heNormal()(mx.zeros([2, 2]), any({ mode: "fan" }))).toThrow(
      '[init.heNormal] mode: expected "fan_in" or "fan_out", received "fan"',
    );
    expect(() => init.uniform(any({ hihg: 2 }))).toThrow(TypeError);
    expect(() => init.normal(any({ dtype: "float32" }))).toThrow(TypeError);
    expect(() => init.constant(1)(any([1, 2]))).toThrow(TypeError);
    for (const value of ["1", null, [1], { re: 1 }]) {
      expect(() => init.constant(any(value))).toThrow(
        "[init.constant] value: expected an array or",
      );
    }
    expect(() => init.sparse(1.5)).toThrow(RangeError);
    expect(() => init.sparse(Number.NaN)).toThrow(RangeError);
  });
});
