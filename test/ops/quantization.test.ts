import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const modes = ["affine", "mxfp4", "mxfp8", "nvfp4"] as const;

/** Rows of small integers, which every mode but those of 4 bits holds well. */
const w = mx
  .subtract(mx.remainder(mx.reshape(mx.arange(3 * 64), [3, 64]), 7), 3)
  .astype(mx.float32);
const x = mx.remainder(mx.reshape(mx.arange(2 * 64), [2, 64]), 5).astype(mx.float32);

const far = (a: mx.array, b: mx.array) => mx.max(mx.abs(mx.subtract(a, b))).item();

describe("quantize and dequantize", () => {
  test.each(modes)("%s there and back", (mode) => {
    const [packed, scales, biases] = mx.quantize(w, { mode });
    expect(packed.dtype).toBe(mx.uint32);
    expect(biases !== undefined).toBe(mode === "affine");
    const back = mx.dequantize(packed, scales, { biases, mode, dtype: mx.float32 });
    expect(back.shape).toEqual([3, 64]);
    expect(far(back, w)).toBeLessThan(0.6);
    // MLX itself takes the bytes of float64 for others.
    const wide = mx.dequantize(packed, scales, { biases, mode, dtype: mx.float64 });
    expect(wide.dtype).toBe(mx.float64);
    expect(far(wide, back)).toBe(0);
  });

  test("groups and bits", () => {
    const [packed, scales, biases] = mx.quantize(w, { groupSize: 32, bits: 8 });
    expect([packed.shape, scales.shape, biases.shape]).toEqual([
      [3, 16],
      [3, 2],
      [3, 2],
    ]);
    const back = mx.dequantize(packed, scales, { biases, groupSize: 32, bits: 8 });
    expect(far(back, w)).toBeLessThan(0.03);
    expect(mx.quantize(w, { groupSize: null, bits: null })[0].shape).toEqual([3, 8]);
  });

  test("a global scale is for nvfp4", () => {
    const globalScale = mx.array(3);
    const [packed, scales] = mx.quantize(w, { mode: "nvfp4", globalScale });
    const back = mx.dequantize(packed, scales, { mode: "nvfp4", globalScale, dtype: mx.float32 });
    expect(far(back, w)).toBeLessThan(0.6);
    expect(() => mx.quantize(w, { globalScale })).toThrow("only supported for 'nvfp4'");
  });

  test("refuse what they cannot", () => {
    expect(() => mx.quantize(any([1]))).toThrow("[quantize] w: expected an array");
    for (const wrong of [0, -64, -(2 ** 31)]) {
      expect(() => mx.quantize(w, { groupSize: wrong })).toThrow(
        `[quantize] groupSize: expected a positive integer, received ${wrong}`,
      );
      expect(() => mx.quantize(w, { bits: wrong })).toThrow(RangeError);
    }
    expect(() => mx.quantize(w, { bits: 2.5 })).toThrow(TypeError);
    expect(() => mx.quantize(w, any({ mode: 4 }))).toThrow("[quantize] mode: expected");
    expect(() => mx.quantize(w, any({ mode: "int4" }))).toThrow("[quantize] mode: expected");
    expect(() => mx.quantize(w, any({ group_size: 32 }))).toThrow(
      'received an option "group_size"',
    );
    expect(() => mx.quantize(w.astype(mx.float64))).toThrow("received float64");
    const [packed, scales, biases] = mx.quantize(w);
    expect(() => mx.dequantize(packed, scales)).toThrow("[dequantize] Biases must be provided");
    const bad = { biases, groupSize: 2 ** 31 - 1 };
    expect(() => mx.eval(mx.dequantize(packed, scales, bad))).toThrow(Error);
  });
});

describe("quantizedMatmul", () => {
  test.each(modes)("%s as with what is dequantized", (mode) => {
    const [packed, scales, biases] = mx.quantize(w, { mode });
    const y = mx.dequantize(packed, scales, { biases, mode, dtype: mx.float32 });
    const product = mx.quantizedMatmul(x, packed, scales, { biases, mode });
    expect(product.shape).toEqual([2, 3]);
    expect(far(product, mx.matmul(x, y.T))).toBeLessThan(1e-3);
    const flat = mx.quantizedMatmul(mx.ones([2, 3]), packed, scales, {
      biases,
      mode,
      transpose: false,
    });
    expect(far(flat, mx.matmul(mx.ones([2, 3]), y))).toBeLessThan(1e-3);
  });

  test("of nothing is zeros", () => {
    // MLX divides by the sizes.
    const [packed, scales, biases] = mx.quantize(w);
    expect(mx.quantizedMatmul(mx.zeros([0, 64]), packed, scales, { biases }).tolist()).toEqual([]);
    const none = mx.zeros([2, 0], mx.uint32);
    const empty = mx.zeros([2, 0]);
    is(mx.quantizedMatmul(mx.zeros([1, 0]), none, empty, { biases: empty }), mx.float32, [[0, 0]]);
  });

  test("refuses what its kernels would read beyond", () => {
    const [packed, scales, biases] = mx.quantize(w);
    const multiply = (options: object, s = scales) =>
      mx.quantizedMatmul(x, packed, s, { biases, ...options });
    const row = scales.get("0:1");
    expect(() => multiply({ biases: row }, row)).toThrow(
      "[quantized_matmul] scales: expected as many rows as in w, of at least two dimensions, " +
        "received shape (1,1) for w of shape (3,8)",
    );
    expect(() => multiply({ biases: mx.array(1) }, mx.array(1))).toThrow("scales: expected");
    expect(() => multiply({ bits: 0 })).toThrow(RangeError);
    expect(() => multiply({ bits: 7 })).toThrow(
      "[quantizedMatmul] bits: expected 1, 2, 3, 4, 5, 6, 8 for affine, received 7",
    );
    expect(() => multiply({ groupSize: 16 })).toThrow("groupSize: expected 32, 64, 128 for affine");
    const wide = [mx.zeros([3, 8], mx.uint32), mx.zeros([3, 1], mx.uint8)] as const;
    expect(() => mx.quantizedMatmul(x, ...wide, { mode: "mxfp4", groupSize: 64 })).toThrow(
      "[quantizedMatmul] groupSize: expected 32 for mxfp4, received 64",
    );
    expect(() => mx.quantizedMatmul(x.astype(mx.float64), packed, scales, { biases })).toThrow(
      "received float64",
    );
    const flat = mx.zeros([8], mx.uint32);
    expect(() => mx.quantizedMatmul(x, flat, mx.ones([1]), { biases: mx.ones([1]) })).toThrow(
      "at least two dimensions",
    );
  });

  test("has a gradient", () => {
    const [packed, scales, biases] = mx.quantize(w, { bits: 8 });
    const f = (v: mx.array) => mx.sum(mx.quantizedMatmul(v, packed, scales, { biases, bits: 8 }));
    const y = mx.dequantize(packed, scales, { biases, bits: 8 });
    const expected = mx.broadcastTo(mx.sum(y, 0), [2, 64]);
    expect(far(mx.grad(f)(x) as mx.array, expected)).toBeLessThan(1e-3);
  });
});

describe("gatherQmm", () => {
  const stack = mx.stack([w, mx.multiply(w, 2)]);
  const [packed, scales, biases] = mx.quantize(stack, { bits: 8 });
  const gather = (options: object, lhs = mx.reshape(x, [2, 1, 64])) =>
    mx.gatherQmm(lhs, packed, scales, { biases, bits: 8, ...options });

  test("picks matrices of both", () => {
    const lhsIndices = mx.array([1, 0, 1], mx.uint32);
    const rhsIndices = mx.array([1, 0, 0], mx.int32);
    const y = mx.dequantize(packed, scales, { biases, bits: 8 });
    const row = (i: number, j: number) => mx.matmul(x.get(`${i}:${i + 1}`), y.get(j).T);
    const expected = mx.stack([row(1, 1), row(0, 0), row(1, 0)]);
    expect(far(gather({ lhsIndices, rhsIndices }), expected)).toBeLessThan(1e-3);
    expect(gather({ rhsIndices: null }).shape).toEqual([2, 1, 3]);
  });

  test("refuses indices outside of the stacks", () => {
    for (const i of [2, -1, -3]) {
      const indices = mx.array([i], mx.int32);
      expect(() => gather({ rhsIndices: indices })).toThrow(RangeError);
      expect(() => gather({ lhsIndices: indices })).toThrow(RangeError);
    }
    expect(() => gather({ rhsIndices: mx.array([-1], mx.int32) })).toThrow(
      "[gatherQmm] indices: expected integers from 0 to 1 for an axis of size 2, received -1",
    );
    expect(() => gather({ rhsIndices: mx.array([0.5]) })).toThrow(TypeError);
    const none = mx.zeros([0], mx.int32);
    expect(gather({ lhsIndices: none, rhsIndices: none }).shape).toEqual([0, 1, 3]);
    const empty = gather({ rhsIndices: mx.array([0, 1], mx.int32) }, mx.zeros([2, 0, 64]));
    expect(empty.tolist()).toEqual([[], []]);
  });
});

describe("qqmm and gatherQqmm", () => {
  const mode = "mxfp8";
  const stream = mx.cpu;
  const [packed, scales] = mx.quantize(w, { mode });
  const row = x.get("0:1");

  test("one row on the CPU", () => {
    const y = mx.dequantize(packed, scales, { mode, dtype: mx.float32 });
    const product = mx.qqmm(row, packed, { scales, mode, stream });
    expect(far(product, mx.matmul(row, y.T))).toBeLessThan(1e-3);
    expect(mx.qqmm(x.get(0), packed, { scales, mode, stream }).shape).toEqual([3]);
  });

  test("the rest needs a GPU, which the error says at once", () => {
    const needs = "Expected a GPU: MLX cannot compute this on the CPU.";
    expect(() => mx.qqmm(x, packed, { scales, mode, stream })).toThrow(`[qqmm] ${needs}`);
    expect(() => mx.qqmm(row, w, { stream })).toThrow(`[qqmm] ${needs}`);
    expect(() => mx.qqmm(mx.zeros([0, 64]), packed, { scales, mode, stream })).toThrow(needs);
    const [nv, nvScales] = mx.quantize(w, { mode: "nvfp4" });
    const [globalScaleX, globalScaleW] = [mx.array(1), mx.array(2)];
    expect(() =>
      mx.qqmm(row, nv, { scales: nvScales, globalScaleX, globalScaleW, stream }),
    ).toThrow(needs);
    expect(() => mx.gatherQqmm(row, w, { stream })).toThrow(`[gather_qqmm] ${needs}`);
    const rhsIndices = mx.array([0], mx.uint32);
    const options = { scales, mode, rhsIndices, sortedIndices: true, stream } as const;
    expect(() => mx.gatherQqmm(row, packed, options)).toThrow(needs);
    expect(() => mx.gatherQqmm(row, packed, { ...options, sortedIndices: any(1) })).toThrow(
      "[gatherQqmm] sortedIndices: expected a boolean",
    );
  });

  test("refuse what does not fit", () => {
    for (const product of [mx.qqmm, mx.gatherQqmm]) {
      const refuse = (text: string, ...args: Parameters<typeof product>) =>
        expect(() => product(...args)).toThrow(text);
      refuse("not affine", x, packed, { scales, mode: "affine" });
      refuse("Expected scales together", x, packed, { mode });
      refuse("Expected scales together", x, w, { scales, mode });
      refuse("scales: expected as many rows", x, packed, { scales: scales.get("1:"), mode });
      refuse("Expected scales of uint8", x, packed, { scales: scales.astype(mx.float32), mode });
      refuse("groupSize: expected 32 for mxfp8", x, packed, { scales, mode, groupSize: 16 });
      refuse("bits: expected a positive integer", x, packed, { scales, mode, bits: 0 });
      refuse("two", x, mx.ones([64]));
      refuse("a dimension", mx.array(1), w);
      refuse("the group size divides", mx.ones([1, 8]), mx.ones([2, 8]));
      refuse("mode: expected", x, w, any({ mode: "int4" }));
      refuse("lobal", x, w, { globalScaleX: mx.array(1) });
      refuse("float", x.astype(mx.float64), w.astype(mx.float64));
    }
    const far = mx.array([1], mx.uint32);
    expect(() => mx.gatherQqmm(x, w, { rhsIndices: far })).toThrow(RangeError);
    expect(() => mx.gatherQqmm(x, w, { lhsIndices: far })).toThrow(RangeError);
    const stack = mx.stack([packed, packed]);
    expect(() =>
      mx.gatherQqmm(x, stack, { scales: mx.stack([scales, scales, scales]), mode }),
    ).toThrow("leading dimensions");
  });
});

describe("toFp8 and fromFp8", () => {
  test("there and back", () => {
    const values = [0, 1, -1.5, 240, 448];
    is(mx.fromFp8(mx.toFp8(mx.array(values)), mx.float32), mx.float32, values);
    is(mx.fromFp8(mx.array([57], mx.uint8), null), mx.bfloat16, [1.125]);
    // MLX itself takes the bytes of float64 for others.
    const wide = mx.array(values, mx.float64);
    is(mx.fromFp8(mx.toFp8(wide), mx.float64), mx.float64, values);
  });

  test("refuse other types", () => {
    expect(() => mx.toFp8(mx.arange(3))).toThrow("[to_fp8] Only real floating types");
    expect(() => mx.fromFp8(mx.array([1]))).toThrow("[from_fp8] Input must have type uint8");
    const bytes = mx.array([1], mx.uint8);
    expect(() => mx.fromFp8(bytes, mx.int8)).toThrow("[from_fp8] Only real floating types");
    expect(() => mx.fromFp8(bytes, any("float32"))).toThrow("[fromFp8] dtype: expected a dtype");
  });
});
