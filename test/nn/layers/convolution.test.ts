// Convolutions beyond the values of test/golden/nn: sizes, errors, text, and what they begin with.
// What they share with the transposed ones is tested here for both.
import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const layers = {
  Conv1d: [1, nn.Conv1d],
  Conv2d: [2, nn.Conv2d],
  Conv3d: [3, nn.Conv3d],
  ConvTranspose1d: [1, nn.ConvTranspose1d],
  ConvTranspose2d: [2, nn.ConvTranspose2d],
  ConvTranspose3d: [3, nn.ConvTranspose3d],
} as const;

describe.each(Object.entries(layers))("%s", (name, [dimensions, Layer]) => {
  const list = Array.from({ length: dimensions }, () => 2);

  test("has weights and a bias, and sizes that are no parameters", () => {
    const layer = new Layer(2, 3, 2);
    expect(Object.keys(layer.parameters())).toEqual(["weight", "bias"]);
    expect(layer.weight.shape).toEqual([3, ...list, 2]);
    expect(layer.children()).toEqual({});
    expect(Object.keys(new Layer(2, 3, 2, { bias: false }).parameters())).toEqual(["weight"]);
    expect(layer.stride).toEqual(dimensions === 1 ? 1 : list.map(() => 1));
    expect(layer.padding).toEqual(dimensions === 1 ? 0 : list.map(() => 0));
    expect(layer.dilation).toBe(1);
  });

  test("begins uniform within 1 by the square root of what a filter sees", () => {
    mx.random.seed(0);
    const { weight, bias } = new Layer(8, 64, 3);
    const bound = Math.sqrt(1 / (8 * 3 ** dimensions));
    expect(weight.abs().max().item()).toBeLessThanOrEqual(bound);
    expect(weight.abs().max().item()).toBeGreaterThan(0.99 * bound);
    expect(Math.abs(weight.mean().item())).toBeLessThan(0.05 * bound);
    expect(weight.square().mean().item() / bound ** 2).toBeCloseTo(1 / 3, 1);
    expect(bias?.tolist()).toEqual(new Array(64).fill(0));
  });

  test("refuses sizes that make no sense", () => {
    for (const [args, param] of [
      [[0, 1, 1], "inChannels"],
      [[1, 1.5, 1], "outChannels"],
      [[1, 1, 0], "kernelSize"],
      [[1, 1, [2, 2, 2, 2]], "kernelSize"],
      [[1, 1, 1, { stride: 0 }], "stride"],
      [[1, 1, 1, { padding: -1 }], "padding"],
      [[1, 1, 1, { dilation: [1, 1, 1, 1] }], "dilation"],
      [[1, 1, 1, { padding: "same" }], "padding"],
    ] as const) {
      expect(() => new (any(Layer))(...args)).toThrow(`[${name}] ${param}: expected `);
    }
  });
});

test("groups divide the channels", () => {
  for (const Layer of [nn.Conv1d, nn.Conv2d]) {
    expect(() => new Layer(3, 4, 1, { groups: 2 })).toThrow("inChannels: expected a multiple of");
    expect(() => new Layer(2, 3, 1, { groups: 2 })).toThrow(
      new RangeError(
        `[${Layer.name}] outChannels: expected a multiple of the 2 groups, received 3`,
      ),
    );
    const layer = new Layer(6, 12, 1, { groups: 3 });
    expect(layer.groups).toBe(3);
    expect(layer.weight.shape.at(-1)).toBe(2);
    const bound = Math.sqrt(1 / 2);
    expect(layer.weight.abs().max().item()).toBeLessThanOrEqual(bound);
    expect(layer.weight.abs().max().item()).toBeGreaterThan(0.8 * bound);
  }
});

test("the text", () => {
  expect(String(new nn.Conv1d(4, 2, 3, { groups: 2 }))).toBe(
    "Conv1d(4, 2, kernelSize=3, stride=1, padding=0, dilation=1, groups=2, bias=true)",
  );
  expect(String(new nn.Conv2d(3, 8, [3, 2], { stride: [2, 1], bias: false }))).toBe(
    "Conv2d(3, 8, kernelSize=[3, 2], stride=[2, 1], padding=[0, 0], dilation=1, groups=1, bias=false)",
  );
  expect(String(new nn.Conv3d(1, 2, 3, { dilation: [1, 2, 1] }))).toBe(
    "Conv3d(1, 2, kernelSize=[3, 3, 3], stride=[1, 1, 1], padding=[0, 0, 0], dilation=[1, 2, 1], bias=true)",
  );
});
