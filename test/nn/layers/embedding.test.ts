import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

test.each([
  ["Embedding", new nn.Embedding(64, 64)],
  ["QuantizedEmbedding", new nn.QuantizedEmbedding(64, 64)],
])("%s names itself where what it is given are no indices of its rows", (name, layer) => {
  const floats = () => layer.forward(mx.array([1, 2]));
  expect(floats).toThrow(TypeError);
  expect(floats).toThrow(`[${name}.forward] x: expected integers, received float32`);
  const outside = () => layer.forward(mx.array([1, 64], mx.int32));
  expect(outside).toThrow(RangeError);
  expect(outside).toThrow(
    `[${name}.forward] x: expected integers from -64 to 63 for an axis of size 64, received 64`,
  );
});
