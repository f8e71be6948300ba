import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const a = mx.array([
  [1, 2, 3],
  [4, 5, 6],
]);
const b = mx.array([
  [1, 0],
  [2, 1],
  [0, 3],
]);

describe("matrix products", () => {
  test("of matrices, vectors and stacks", () => {
    is(mx.matmul(a, b), mx.float32, [
      [5, 11],
      [14, 23],
    ]);
    is(mx.matmul(a, mx.array([1, 0, 2])), mx.float32, [7, 16]);
    is(mx.matmul(mx.array([1, 2]), a), mx.float32, [9, 12, 15]);
    expect(mx.matmul(mx.zeros([5, 1, 2, 3]), mx.zeros([4, 3, 2])).shape).toEqual([5, 4, 2, 2]);
    is(mx.matmul(mx.zeros([2, 0]), mx.zeros([0, 1])), mx.float32, [[0], [0]]);
  });

  test("refuse what does not fit", () => {
    expect(() => mx.matmul(a, a)).toThrow("[matmul] Last dimension of first input");
    expect(() => mx.matmul(mx.array(1), a)).toThrow("[matmul] Got 0 dimension input");
    expect(() => mx.matmul(mx.arange(2), mx.arange(2))).toThrow("[matmul] Only inexact types");
    expect(() => mx.matmul(a, any(2))).toThrow("[matmul] b: expected an array, received 2");
  });

  test("addmm scales and adds", () => {
    is(mx.addmm(mx.array([1, 2]), a, b), mx.float32, [
      [6, 13],
      [15, 25],
    ]);
    is(mx.addmm(mx.array([1, 2]), a, b, { alpha: 0.5, beta: -1 }), mx.float32, [
      [1.5, 3.5],
      [6, 9.5],
    ]);
    expect(() => mx.addmm(mx.ones([3]), a, b)).toThrow(Error);
    expect(() => mx.addmm(mx.ones([2]), a, b, any({ alfa: 1 }))).toThrow(
      '[addmm] options: expected alpha, beta, stream, received an option "alfa"',
    );
  });

  test("blockMaskedMm masks operands and result", () => {
    const x = mx.ones([64, 64]);
    const corner = (y: mx.array) => [y.get(0, 0).item(), y.get(0, 63).item(), y.get(63, 0).item()];
    const left = mx.array([
      [1, 0],
      [1, 1],
    ]);
    const on = mx.array([
      [true, false],
      [true, true],
    ]);
    const masked = (options: object) => mx.blockMaskedMm(x, x, { blockSize: 32, ...options });
    expect(corner(masked({ maskOut: on }))).toEqual([64, 0, 64]);
    const twos = mx.full([2, 2], 2);
    const scaled = masked({ maskLhs: left, maskRhs: twos, maskOut: null });
    expect(corner(scaled)).toEqual([64, 64, 128]);
    expect(() => masked({ maskOut: mx.ones([3, 3]) })).toThrow(Error);
  });

  test("gatherMm picks matrices", () => {
    const stack = mx.reshape(mx.arange(8), [2, 2, 2]).astype(mx.float32);
    const eye = mx.eye(2);
    const picked = mx.gatherMm(stack, eye, {
      lhsIndices: mx.array([1, 0], mx.uint32),
      rhsIndices: mx.array([0, 0], mx.uint32),
    });
    is(picked, mx.float32, [
      [
        [4, 5],
        [6, 7],
      ],
      [
        [0, 1],
        [2, 3],
      ],
    ]);
    expect(mx.gatherMm(stack, eye).shape).toEqual([2, 2, 2]);
    const far = mx.array([2], mx.int32);
    expect(() => mx.gatherMm(stack, eye, { lhsIndices: far })).toThrow(RangeError);
    // MLX would read before the stack.
    const negative = mx.array([-1], mx.int32);
    expect(() => mx.gatherMm(stack, eye, { lhsIndices: negative })).toThrow(RangeError);
    expect(() => mx.gatherMm(stack, eye, { lhsIndices: mx.array([0.5]) })).toThrow(TypeError);
  });

  test("segmentedMm sums over segments, inside of the inner dimension only", () => {
    const segments = mx.array(
      [
        [0, 1],
        [1, 3],
      ],
      mx.uint32,
    );
    is(mx.segmentedMm(a, b, segments), mx.float32, [
      [
        [1, 0],
        [4, 0],
      ],
      [
        [4, 11],
        [10, 23],
      ],
    ]);
    const at = (x: number[][]) => mx.array(x, mx.int32);
    expect(() => mx.segmentedMm(a, b, at([[0, 4]]))).toThrow(RangeError);
    expect(() => mx.segmentedMm(a, b, at([[2, 1]]))).toThrow(RangeError);
    expect(() => mx.segmentedMm(a, b, at([[-1, 1]]))).toThrow(RangeError);
    // In these MLX divides by 0 and reads beyond the end.
    is(mx.segmentedMm(mx.zeros([0, 3]), b, at([[0, 1]])), mx.float32, [[]]);
    expect(() => mx.segmentedMm(a, a, at([[0, 1]]))).toThrow("[segmented_mm] Last dimension");
  });
});

describe("other products", () => {
  test("kron, inner, outer, vecdot", () => {
    is(mx.kron(mx.array([1, 2]), mx.array([1, 10])), mx.float32, [1, 10, 2, 20]);
    is(mx.inner(a, mx.array([[1, 1, 1]])), mx.float32, [[6], [15]]);
    is(mx.outer(mx.array([1, 2]), mx.array([[3, 4]])), mx.float32, [
      [3, 4],
      [6, 8],
    ]);
    is(mx.vecdot(a, a), mx.float32, [14, 77]);
    is(mx.vecdot(a, a, { axis: 0 }), mx.float32, [17, 29, 45]);
    expect(() => mx.inner(a, mx.array([1, 2]))).toThrow(Error);
    expect(() => mx.vecdot(a, a, { axis: 2 })).toThrow("[vecdot]");
  });

  test("vecdot conjugates the first array", () => {
    const i = mx.array([{ re: 0, im: 1 }]);
    expect(mx.vecdot(i, i).item()).toEqual({ re: 1, im: 0 });
  });

  test("tensordot over counted and over named axes", () => {
    is(mx.tensordot(a, b, 1), mx.float32, [
      [5, 11],
      [14, 23],
    ]);
    is(mx.tensordot(a, a), mx.float32, 91);
    is(
      mx.tensordot(a, b, [
        [1, 0],
        [0, 1],
      ]),
      mx.float32,
      28,
    );
    expect(mx.tensordot(a, b, 0).shape).toEqual([2, 3, 3, 2]);
    expect(() => mx.tensordot(a, b, 3)).toThrow("[tensordot]");
    expect(() => mx.tensordot(a, b, -1)).toThrow("[tensordot]");
    expect(() => mx.tensordot(a, b, any([[1]]))).toThrow(
      "[tensordot] axes: expected an integer or a list of two lists, received [ [ 1 ] ]",
    );
    expect(() => mx.tensordot(a, b, any([1, 0]))).toThrow("[tensordot] axes[0]");
    expect(() =>
      mx.tensordot(a, b, [
        [0, 9],
        [0, 1],
      ]),
    ).toThrow(Error);
  });

  test("hadamardTransform is its own inverse, but for a scale", () => {
    const x = mx.array([1, 2, 3, 4]);
    is(mx.hadamardTransform(mx.hadamardTransform(x)), mx.float32, [1, 2, 3, 4]);
    is(mx.hadamardTransform(x, { scale: 2 }), mx.float32, [20, -4, -8, 0]);
    is(mx.hadamardTransform(x, { scale: null }), mx.float32, [5, -1, -2, 0]);
    is(mx.hadamardTransform(mx.array(3), { scale: 2 }), mx.float32, 6);
    // MLX takes each multiple of 28 for a size, and writes beyond the array.
    for (const size of [7, 36, 28 * 109]) {
      expect(() => mx.hadamardTransform(mx.ones([2, size]))).toThrow(
        `[hadamardTransform] a: expected a last axis whose size is a power of two, or 12, 20 or 28 times one, received ${size}`,
      );
    }
    expect(() => mx.hadamardTransform(mx.zeros([0]))).toThrow("[hadamard_transform]");
    expect(() => mx.hadamardTransform(x, any({ scale: "1" }))).toThrow(
      '[hadamardTransform] scale: expected a number, received "1"',
    );
  });

  test("trace", () => {
    is(mx.trace(a), mx.float32, 6);
    is(mx.trace(a, { offset: 1 }), mx.float32, 8);
    is(mx.trace(mx.ones([2, 2], mx.uint8), { dtype: mx.float32 }), mx.float32, 2);
    is(mx.trace(mx.reshape(mx.arange(8), [2, 2, 2]), { axis1: 1, axis2: 2 }), mx.int32, [3, 11]);
    expect(() => mx.trace(a, { axis2: 2 })).toThrow("[trace]");
  });
});

describe("einsum", () => {
  test("names axes", () => {
    is(mx.einsum("ij,jk->ik", [a, b]), mx.float32, [
      [5, 11],
      [14, 23],
    ]);
    is(mx.einsum("ij->j", [a]), mx.float32, [5, 7, 9]);
    is(mx.einsum("ii", [mx.eye(3)]), mx.float32, 3);
    is(mx.einsum("...j,j->...", [a, mx.array([1, 0, 1])]), mx.float32, [4, 10]);
  });

  test("refuses what does not fit", () => {
    expect(() => mx.einsum("ij,jk", [a])).toThrow("[einsum] Number of operands, 1");
    expect(() => mx.einsum("ij,ij", [a, b])).toThrow(Error);
    expect(() => mx.einsum("", [])).toThrow("[einsum]");
    expect(() => mx.einsum("é,é", [a, a])).toThrow("[einsum]");
    expect(() => mx.einsum("ij", any(a))).toThrow(
      "[einsum] operands: expected a list of arrays, received",
    );
    expect(() => mx.einsum(any(1), [a])).toThrow("[einsum] subscripts: expected a string");
  });

  test("einsumPath gives steps and a text", () => {
    const [path, text] = mx.einsumPath("ij,jk->ik", [a, b]);
    expect(path).toEqual([[0, 1]]);
    expect(text).toContain("Complete contraction:  ij,jk->ik");
  });
});

test("gradients go through", () => {
  const f = (x: mx.array) => mx.sum(mx.matmul(x, b));
  is(mx.grad(f)(a), mx.float32, [
    [1, 3, 3],
    [1, 3, 3],
  ]);
  const g = (x: mx.array) => mx.einsum("ij,ij->", [x, a]);
  is(mx.grad(g)(a), mx.float32, a.tolist());
});
