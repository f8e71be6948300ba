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
  // JavaScript may give it what `mx.take` would take, too.
  expect(layer.forward([[1], [2]] as never).shape).toEqual([2, 1, 64]);
  for (const wrong of [64, [0, 64]]) {
    expect(() => layer.forward(wrong as never)).toThrow(
      `[${name}.forward] x: expected integers from`,
    );
  }
  expect(() => layer.forward(0.5 as never)).toThrow("x: expected an integer, received 0.5");
  expect(() => layer.forward("1" as never)).toThrow("x: expected an integer array or a list of");
});

test("a single integer gives one row", () => {
  const layer = new nn.Embedding(3, 2);
  const last = layer.weight.get(2).tolist();
  expect(layer.forward(mx.array(2, mx.int32)).tolist()).toEqual(last);
  expect(layer.forward(-1 as never).tolist()).toEqual(last);
});
