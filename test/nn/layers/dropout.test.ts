import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

test.each([
  ["Dropout2d", [2, 3, 4]],
  ["Dropout3d", [2, 2, 3, 4]],
] as const)("%s drops whole channels, each example's for itself", (name, shape) => {
  mx.random.seed(1);
  const layer = new nn[name]({ p: 0.25 });
  expect(String(layer)).toBe(`${name}(p=0.25)`);
  const [, ...places] = shape;
  for (const [x, examples] of [
    [mx.ones([500, ...shape]), 500],
    [mx.ones(shape.map((n, i) => (i === shape.length - 1 ? 2000 : n))), 1],
  ] as const) {
    const axes = x.shape.map((_, axis) => axis).slice(x.ndim - 1 - (shape.length - 1), -1);
    const y = layer.forward(x);
    // One value in each channel of an example, and a quarter of them zero.
    expect(mx.arrayEqual(y.max(axes), y.min(axes)).item()).toBe(true);
    const channels = y.max(axes);
    expect(channels.size).toBe(examples * (examples === 1 ? 2000 : (places.at(-1) as number)));
    expect(channels.equal(0).mean().item()).toBeCloseTo(0.25, 1);
    expect(y.mean().item()).toBeCloseTo(1, 1);
    expect(channels.max().item()).toBeCloseTo(4 / 3, 5);
    expect(layer.eval().forward(x)).toBe(x);
    layer.train();
  }
  expect(() => new nn[name]({ p: 1 })).toThrow(`[${name}] p: expected a number in [0, 1)`);
});
