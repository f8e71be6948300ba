import { mx, nn } from "mlx-js";
import { expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const twice = (x: mx.array) => x.multiply(2);
const more = (x: mx.array) => x.add(1);

test("Sequential calls its layers in order, each with what the one before gives", () => {
  const linear = new nn.Linear(2, 1, { bias: false });
  linear.update({ weight: mx.array([[10, 1]]) });
  const x = mx.array([1, 2]);
  expect(new nn.Sequential(twice, more, linear).forward(x).tolist()).toEqual([35]);
  expect(new nn.Sequential(more, twice, linear).forward(x).tolist()).toEqual([46]);
  expect(new nn.Sequential().forward(x)).toBe(x);
});

test("Sequential has its layers' parameters under their places", () => {
  const model = new nn.Sequential(twice, new nn.Linear(2, 3), new nn.Sequential(new nn.PReLU()));
  const names = model.namedModules().map(([name]) => name);
  expect(names).toEqual(["", "layers.1", "layers.2", "layers.2.layers.0"]);
  expect(model.parameters().layers.map(Object.keys)).toEqual([[], ["weight", "bias"], ["layers"]]);
  model.eval();
  expect(model.modules().every(({ training }) => !training)).toBe(true);
});

test("Sequential refuses what cannot be called", () => {
  for (const wrong of [undefined, null, 1, "relu", {}, mx.ones([1]), new nn.Module()]) {
    expect(() => new nn.Sequential(twice, any(wrong))).toThrow(
      "[Sequential] layers[1]: expected a layer or a function, received ",
    );
  }
});
