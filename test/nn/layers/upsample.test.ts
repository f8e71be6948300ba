import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

test("an image by hand, larger and smaller", () => {
  const x = mx.array([[[0], [4], [8], [4]]]);
  const at = (y: mx.array) => y.flatten().tolist<number[]>();
  expect(at(nn.upsampleNearest(x, [1.5]))).toEqual([0, 0, 4, 8, 8, 4]);
  expect(at(nn.upsampleNearest(x, [0.5]))).toEqual([0, 8]);
  expect(at(nn.upsampleLinear(x, [0.5]))).toEqual([2, 6]);
  expect(at(nn.upsampleLinear(x, [0.5], { alignCorners: true }))).toEqual([0, 4]);
  // A mean of all that a new element stands for, and of some around.
  expect(at(nn.upsampleLinear(x, [0.5], { antialias: true }))[0]).toBeCloseTo(20 / 7, 5);
});

test("a new element that is an old one but for rounding", () => {
  // In float32 the fourth of 7 elements is at 1.9999999 of 0 to 4. Python takes the wrong neighbours there.
  const x = mx.array([[[3], [1], [4], [1], [5]]]);
  expect(nn.upsampleCubic(x, [1.4]).get(0, 3, 0).item()).toBeCloseTo(4, 5);
});

test("the functions and the layer are the same, and keep what is constant", () => {
  const x = mx.random.normal([1, 4, 5, 2], mx.float32, { key: mx.random.key(0) });
  const scales = [0.5, 1.5];
  for (const antialias of [false, true]) {
    for (const [mode, upsample] of [
      ["linear", nn.upsampleLinear],
      ["cubic", nn.upsampleCubic],
    ] as const) {
      const layer = new nn.Upsample(scales, { mode, antialias });
      expect(layer.forward(x).tolist()).toEqual(upsample(x, scales, { antialias }).tolist());
      const ones = layer.forward(mx.ones([1, 4, 5, 2]));
      expect(ones.shape).toEqual([1, 2, 7, 2]);
      expect(mx.allclose(ones, mx.ones([1])).item()).toBe(true);
    }
  }
});

test("what it is, and what it refuses", () => {
  const layer = new nn.Upsample([2, 1.5], { mode: "linear", antialias: true });
  expect(layer.parameters()).toEqual({});
  expect(layer.scaleFactor).toEqual([2, 1.5]);
  expect(String(layer)).toBe(
    "Upsample(scaleFactor=[2, 1.5], mode='linear', alignCorners=false, antialias=true)",
  );
  expect(String(new nn.Upsample(2))).toBe(
    "Upsample(scaleFactor=2, mode='nearest', alignCorners=false)",
  );
  expect(() => layer.forward(mx.zeros([1, 4, 2]))).toThrow(
    new RangeError(
      "[Upsample.forward] scaleFactor: expected 1 numbers for this input, received [ 2, 1.5 ]",
    ),
  );
  for (const scale of [0, -1, Number.POSITIVE_INFINITY, Number.NaN]) {
    expect(() => new nn.Upsample(scale)).toThrow(RangeError);
    expect(() => nn.upsampleNearest(mx.zeros([1, 2, 1]), [scale])).toThrow(RangeError);
  }
  expect(() => new nn.Upsample(any("2"))).toThrow(TypeError);
  expect(() => nn.upsampleCubic(mx.zeros([1, 2, 1]), any(2))).toThrow(TypeError);
  expect(() => new nn.Upsample(2, { antialias: true })).toThrow('false where mode is "nearest"');
  const both = { alignCorners: true, antialias: true };
  expect(() => nn.upsampleLinear(mx.zeros([1, 2, 1]), [2], both)).toThrow(
    "[upsampleLinear] antialias: expected false where alignCorners is true",
  );
  expect(() => new nn.Upsample(2, { mode: "cubic", ...both })).toThrow(RangeError);
});
