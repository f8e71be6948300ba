import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const layers = {
  MaxPool1d: [1, nn.MaxPool1d],
  MaxPool2d: [2, nn.MaxPool2d],
  MaxPool3d: [3, nn.MaxPool3d],
  AvgPool1d: [1, nn.AvgPool1d],
  AvgPool2d: [2, nn.AvgPool2d],
  AvgPool3d: [3, nn.AvgPool3d],
} as const;

describe.each(Object.entries(layers))("%s", (name, [dimensions, Pool]) => {
  const list = (n: number) => new Array(dimensions).fill(n);

  test("has sizes and no parameters", () => {
    const pool = new Pool(3);
    expect(pool.parameters()).toEqual({});
    expect(pool.kernelSize).toEqual(list(3));
    expect(pool.stride).toEqual(list(3));
    expect(new Pool(3, { stride: null }).stride).toEqual(list(3));
    expect(new Pool(3, { stride: 2, padding: 1 }).padding).toEqual(list(1));
    const text = (n: number) => `[${list(n).join(", ")}]`;
    expect(String(new Pool(3, { stride: 2 }))).toBe(
      `${name}(kernelSize=${text(3)}, stride=${text(2)}, padding=${text(0)})`,
    );
  });

  test("says what is wrong", () => {
    expect(() => new Pool(0)).toThrow(`[${name}] kernelSize: expected a positive integer`);
    expect(() => new Pool(any(list(2).concat(2)))).toThrow(`[${name}] kernelSize: expected`);
    expect(() => new Pool(2, { stride: 0 })).toThrow(RangeError);
    expect(() => new Pool(2, { padding: -1 })).toThrow(RangeError);
    expect(() => new Pool(4, { stride: 1 }).forward(mx.zeros([1, ...list(1), 2]))).toThrow(
      RangeError,
    );
  });
});

test("padding never is the largest number", () => {
  const pool = new nn.MaxPool1d(3, { stride: 1, padding: 1 });
  for (const [dtype, values] of [
    [mx.float32, [-3, -2, -1]],
    [mx.bfloat16, [-3, -2, -1]],
    [mx.int8, [-3, -2, -1]],
    [mx.int16, [-300, -200, -100]],
    [mx.int64, [-3n, -2n, -1n]],
    [mx.uint8, [1, 2, 3]],
  ] as const) {
    const out = pool.forward(mx.array(any(values), dtype).reshape([1, 3, 1]));
    expect(out.dtype).toBe(dtype);
    expect(out.flatten().tolist()).toEqual([values[1], values[2], values[2]]);
  }
});

test("a transposed input is read as it is seen", () => {
  const x = mx.arange(24).reshape([1, 3, 4, 2]).transpose([0, 2, 1, 3]);
  const copy = mx.contiguous(x);
  for (const pool of [new nn.MaxPool2d(2, { stride: 1 }), new nn.AvgPool2d([2, 3])]) {
    expect(pool.forward(x).tolist()).toEqual(pool.forward(copy).tolist());
  }
});
