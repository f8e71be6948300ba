// What only transposed convolutions have; convolution.test.ts tests what all of them share.
import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

test("a transposed convolution takes back what a convolution does to sizes", () => {
  const settings = { stride: [2, 3], padding: [1, 0], dilation: [1, 2] } as const;
  const down = new nn.Conv2d(1, 2, [3, 2], settings);
  const up = new nn.ConvTranspose2d(2, 1, [3, 2], { ...settings, outputPadding: [1, 1] });
  expect(up.outputPadding).toEqual([1, 1]);
  const x = mx.zeros([1, 8, 10, 1]);
  expect(down.forward(x).shape).toEqual([1, 4, 3, 2]);
  expect(up.forward(down.forward(x)).shape).toEqual([1, 8, 10, 1]);
});

test("the text", () => {
  expect(String(new nn.ConvTranspose1d(1, 2, 3))).toBe(
    "ConvTranspose1d(1, 2, kernelSize=3, stride=1, padding=0, dilation=1, outputPadding=0, bias=true)",
  );
  expect(String(new nn.ConvTranspose2d(4, 8, [3, 5]))).toContain("kernelSize=[3, 5]");
});
