// Products that the addon computes itself on the CPU under Linux (native/linux/products.cpp): of
// quantized matrices and of half precision. Each is held against float32.
import { mx } from "mlx-js";
import { beforeEach, describe, expect, test } from "vitest";

// A sum that happens to be near 0 has few right digits.
beforeEach(() => mx.random.seed(1));

const stream = mx.cpu;
const single = (x: mx.array) => x.astype(mx.float32, { stream });
const normal = (shape: number[], dtype: mx.Dtype = mx.float32) =>
  mx.random.normal(shape, mx.float32, { stream }).astype(dtype, { stream });

/** The largest difference, in parts of the largest value. */
function distance(a: mx.array, b: mx.array): number {
  const [x, y] = [single(a), single(b)];
  const largest = mx.max(mx.abs(y)).item() as number;
  return (mx.max(mx.abs(x.subtract(y))).item() as number) / largest;
}

// Two steps of the dtype: both sides round, and one may fall on the other side.
const rounding = new Map<mx.Dtype, number>([
  [mx.float32, 1e-5],
  [mx.float16, 2e-3],
  [mx.bfloat16, 1.6e-2],
]);

function expectClose(a: mx.array, b: mx.array): void {
  expect(a.shape).toEqual(b.shape);
  expect(distance(a, b)).toBeLessThan(rounding.get(a.dtype) as number);
}

type Format = { mode: mx.QuantizationMode; bits: number; groupSize: number };
const formats: Format[] = [
  ...[1, 2, 3, 4, 5, 6, 8].map((bits) => ({ mode: "affine" as const, bits, groupSize: 32 })),
  { mode: "affine", bits: 4, groupSize: 128 },
  { mode: "mxfp4", bits: 4, groupSize: 32 },
  { mode: "nvfp4", bits: 4, groupSize: 16 },
  { mode: "mxfp8", bits: 8, groupSize: 32 },
];

describe.each(formats)("quantized, $mode $bits $groupSize", (format) => {
  const dtypes = [mx.float32, mx.float16, mx.bfloat16];
  test.each(dtypes)("%s, of few rows and of many, both ways", (dtype) => {
    const [w, scales, biases] = mx.quantize(normal([192, 256], dtype), format);
    const full = single(mx.dequantize(w, scales, { biases, ...format, dtype: mx.float32 }));
    for (const rows of [1, 2, 4, 5, 70]) {
      const [x, y] = [normal([rows, 256], dtype), normal([rows, 192], dtype)];
      const product = mx.quantizedMatmul(x, w, scales, { biases, ...format, stream });
      expectClose(product, single(x).matmul(full.transpose()));
      const back = { biases, transpose: false, ...format, stream };
      expectClose(mx.quantizedMatmul(y, w, scales, back), single(y).matmul(full));
    }
  });

  test("batches, views and picked matrices", () => {
    const [w, scales, biases] = mx.quantize(normal([3, 64, 128]), format);
    const full = mx.dequantize(w, scales, { biases, ...format, dtype: mx.float32 });
    const options = { biases, ...format, stream };
    const across = mx.swapaxes(full, -1, -2);
    const x = normal([3, 5, 128]);
    expectClose(mx.quantizedMatmul(x, w, scales, options), x.matmul(across));
    const turned = mx.swapaxes(normal([3, 128, 6]), -1, -2);
    expectClose(mx.quantizedMatmul(turned, w, scales, options), turned.matmul(across));
    const apart = normal([3, 4, 256]).get(":", ":", "::2");
    expectClose(mx.quantizedMatmul(apart, w, scales, options), apart.matmul(across));
    const one = mx.quantizedMatmul(apart, w.get(1), scales.get(1), {
      ...options,
      biases: biases?.get(1),
    });
    expectClose(one, apart.matmul(across.get(1)));
    const rhsIndices = mx.array([2, 0, 2, 1], mx.uint32);
    const lhsIndices = mx.array([[0], [2]], mx.uint32);
    const picked = mx.gatherQmm(apart, w, scales, { ...options, lhsIndices, rhsIndices });
    expectClose(picked, mx.gatherMm(apart, across, { lhsIndices, rhsIndices, stream }));
  });

  test("gradients by x", () => {
    const [w, scales, biases] = mx.quantize(normal([64, 128]), format);
    const full = mx.dequantize(w, scales, { biases, ...format, dtype: mx.float32 });
    const x = normal([9, 128]);
    const loss = (product: (x: mx.array) => mx.array) => (x: mx.array) =>
      mx.sum(mx.sin(product(x)));
    const options = { biases, ...format, stream };
    expectClose(
      mx.grad(loss((x) => mx.quantizedMatmul(x, w, scales, options)))(x),
      mx.grad(loss((x) => x.matmul(full.transpose())))(x),
    );
  });
});

describe.each([mx.float16, mx.bfloat16])("%s", (dtype) => {
  const turned = (x: mx.array) => mx.swapaxes(x, -1, -2);
  const views: [string, (shape: number[]) => mx.array][] = [
    ["in order", (shape) => normal(shape, dtype)],
    [
      "transposed",
      ([...shape]) => turned(normal([...shape.slice(0, -2), ...shape.slice(-2).reverse()], dtype)),
    ],
    [
      "every other column",
      (shape) =>
        normal([...shape.slice(0, -1), 2 * (shape.at(-1) as number)], dtype).get("...", "::2"),
    ],
    ["backwards", (shape) => normal(shape, dtype).get("...", "::-1", ":")],
  ];
  const sizes = [
    [1, 300, 77],
    [3, 129, 65],
    [70, 33, 129],
    [130, 1000, 3],
    [2, 1, 4100],
  ] as const;

  test.each(views.flatMap(([a, left]) => views.map(([b, right]) => [a, b, left, right] as const)))(
    "%s by %s",
    (_, __, left, right) => {
      for (const [m, k, n] of sizes) {
        const [a, b] = [left([m, k]), right([k, n])];
        expectClose(mx.matmul(a, b, { stream }), single(a).matmul(single(b)));
        const [p, q] = [left([2, m, k]), right([2, k, n])];
        expectClose(mx.matmul(p, q, { stream }), single(p).matmul(single(q)));
      }
    },
  );

  test("rounds once what float32 gives", () => {
    const [a, b] = [normal([4, 4096], dtype), normal([4096, 8], dtype)];
    const y = mx.matmul(a, b, { stream });
    const exact = a
      .astype(mx.float64, { stream })
      .matmul(b.astype(mx.float64, { stream }), { stream });
    const ulp = mx.max(
      mx.abs(y.astype(mx.float64, { stream }).subtract(exact)).divide(mx.abs(exact).add(1e-2)),
    );
    expect(ulp.item()).toBeLessThan(dtype === mx.float16 ? 2 ** -10 : 2 ** -7);
  });

  test("adds an array, with factors, that may broadcast", () => {
    const [a, b] = [normal([20, 64], dtype), normal([64, 48], dtype)];
    for (const shape of [[20, 48], [48], [20, 1], []]) {
      const c = normal(shape, dtype);
      const y = mx.addmm(c, a, b, { alpha: 0.5, beta: -2, stream });
      expectClose(y, single(a).matmul(single(b)).multiply(0.5).add(single(c).multiply(-2)));
    }
  });

  test("of picked matrices, which Python has in float32 only", () => {
    const lhsIndices = mx.array([[0], [2]], mx.uint32);
    const rhsIndices = mx.array([1, 0, 1], mx.uint32);
    for (const [, left] of views) {
      for (const [, right] of views) {
        for (const [m, k, n] of [
          [1, 64, 40],
          [3, 2, 2],
          [9, 130, 5],
        ] as const) {
          const [a, b] = [left([3, m, k]), right([2, k, n])];
          const picked = mx
            .take(single(a), lhsIndices, 0)
            .matmul(mx.take(single(b), rhsIndices, 0));
          expectClose(mx.gatherMm(a, b, { lhsIndices, rhsIndices, stream }), picked);
          const sorted = { rhsIndices: mx.array([0, 0, 1], mx.uint32), sortedIndices: true };
          const inOrder = single(a).matmul(mx.take(single(b), sorted.rhsIndices, 0));
          expectClose(mx.gatherMm(a, b, { ...sorted, stream }), inOrder);
        }
      }
    }
    const none = mx.gatherMm(mx.zeros([2, 3, 0], dtype), mx.zeros([2, 0, 4], dtype), {
      ...{ rhsIndices: mx.array([1, 1], mx.uint32), stream },
    });
    expect(none.tolist()).toEqual(mx.zeros([2, 3, 4]).tolist());
  });

  test("gradients of products of picked matrices", () => {
    const [a, b] = [normal([4, 2, 8], dtype), normal([3, 8, 5], dtype)];
    const rhsIndices = mx.array([2, 0, 2, 1], mx.uint32);
    const loss = (a: mx.array, b: mx.array) =>
      mx.sum(mx.sin(single(mx.gatherMm(a, b, { rhsIndices, stream }))));
    const ours = mx.grad(loss, [0, 1])(a, b);
    const exact = mx.grad(loss, [0, 1])(single(a), single(b));
    for (const i of [0, 1]) {
      expect(distance(ours[i] as mx.array, exact[i] as mx.array)).toBeLessThan(0.05);
    }
  });

  test("keeps NaN and infinity", () => {
    const a = mx.full([8, 64], 1, dtype).at(0, 0).add(Number.NaN).at(1, 0).add(Infinity);
    const y = single(mx.matmul(a, mx.ones([64, 16], dtype), { stream })).get(":", 0);
    expect(y.tolist()).toEqual([Number.NaN, Infinity, 64, 64, 64, 64, 64, 64]);
  });

  test("gradients, compiled and mapped functions", () => {
    const [a, b] = [normal([33, 64], dtype), normal([64, 40], dtype)];
    const loss = (a: mx.array, b: mx.array) => mx.sum(mx.sin(single(mx.matmul(a, b, { stream }))));
    const ours = mx.grad(loss, [0, 1])(a, b);
    const exact = mx.grad(loss, [0, 1])(single(a), single(b));
    for (const i of [0, 1]) {
      expect(distance(ours[i] as mx.array, exact[i] as mx.array)).toBeLessThan(0.05);
    }
    const compiled = mx.compile((a: mx.array, b: mx.array) => mx.matmul(a, b, { stream }));
    expectClose(compiled(a, b), single(a).matmul(single(b)));
    const rows = mx.vmap((row: mx.array) => mx.matmul(row, b, { stream }));
    expectClose(rows(a), single(a).matmul(single(b)));
  });
});

describe("a vector and a matrix, each as they lie in memory", () => {
  // Row by row, in double precision.
  const expected = (a: mx.array, b: mx.array): number[][] => {
    const [rows, columns] = [a.tolist(), mx.swapaxes(b, -1, -2).tolist()] as number[][][];
    return (rows as number[][]).map((row) =>
      (columns as number[][]).map((column) =>
        row.reduce((sum, x, i) => sum + x * (column[i] as number), 0),
      ),
    );
  };
  const layouts: [string, (x: mx.array) => mx.array][] = [
    ["packed", (x) => x],
    ["turned", (x) => mx.contiguous(x.transpose(), { stream }).transpose()],
    ["every other row", (x) => mx.repeat(x, 2, 0, { stream }).get("::2")],
    ["every other column", (x) => mx.repeat(x, 2, 1, { stream }).get(":", "::2")],
    ["a part", (x) => mx.pad(x, 3, { stream }).get("3:-3", "3:-3")],
  ];
  const shapes = [
    [1, 37, 53],
    [53, 37, 1],
    [1, 37, 1],
    [1, 1, 53],
    [1, 700, 900],
  ] as const;

  test.each(layouts.flatMap(([a, f]) => layouts.map(([b, g]) => ({ a, f, b, g }))))(
    "$a times $b",
    ({ f, g }) => {
      for (const [m, k, n] of shapes) {
        const [a, b, c] = [normal([m, k]), normal([k, n]), normal([m, n])];
        const exact = mx.array(expected(a, b));
        // What it is written to may have been no number.
        mx.tidy(() => mx.eval(mx.full([m, n], Number.NaN)));
        expectClose(mx.matmul(f(a), g(b), { stream }), exact);
        expectClose(
          mx.addmm(c, f(a), g(b), { alpha: 0.5, beta: -2, stream }),
          exact.multiply(0.5).subtract(c.multiply(2)),
        );
      }
    },
  );

  test("of no length", () => {
    expect(mx.matmul(mx.zeros([1, 0]), mx.zeros([0, 3]), { stream }).tolist()).toEqual([[0, 0, 0]]);
  });
});
