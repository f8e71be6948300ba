import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

test("Bilinear begins uniform within 1 by the square root of the first input's size", () => {
  mx.random.seed(0);
  const layer = new nn.Bilinear(16, 20, 30);
  expect(Object.keys(layer.parameters())).toEqual(["weight", "bias"]);
  for (const x of [layer.weight, layer.bias as mx.array]) {
    expect(x.abs().max().item()).toBeLessThanOrEqual(0.25);
    expect(x.abs().max().item()).toBeGreaterThan(0.2);
  }
  expect(Math.abs(layer.weight.mean().item())).toBeLessThan(0.01);
  expect(layer.weight.square().mean().item()).toBeCloseTo(0.25 ** 2 / 3, 3);
  expect(String(layer)).toBe("Bilinear(input1Dims=16, input2Dims=20, outputDims=30, bias=true)");
});

test("Bilinear refuses inputs that do not belong together", () => {
  const layer = new nn.Bilinear(3, 4, 2);
  for (const [first, second] of [
    [
      [2, 4],
      [2, 4],
    ],
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 3],
      [3, 4],
    ],
    // As many rows, but at other places; Python takes them as they come.
    [
      [2, 3, 3],
      [3, 2, 4],
    ],
  ] as const) {
    expect(() => layer.forward(mx.zeros(first), mx.zeros(second))).toThrow();
  }
  expect(() => new nn.Bilinear(3, 0, 2)).toThrow("[Bilinear] input2Dims");
});
