import { mx } from "mlx-js";
import { expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: habits of other libraries
const any: any = mx;
const x = mx.ones([2, 3]);
const inItsPlace = (param: string) =>
  `; write the value of ${param} in its place, without its name, and options after it`;
const severalNumbers = "; several numbers go in one list, such as [2, 3]";

test.each<[string, () => unknown, string]>([
  [
    "a parameter by its name",
    () => any.sum(x, { axis: 0 }),
    `[sum] axis: expected an integer or a list of integers, received { axis: 0 }${inItsPlace("axis")}`,
  ],
  [
    "a parameter by its name, beside options",
    () => any.softmax(x, { axis: 0, precise: true }),
    `received { axis: 0, precise: true }${inItsPlace("axis")}`,
  ],
  ["a shape by its name", () => any.zeros({ shape: [2] }), inItsPlace("shape")],
  ["a parameter that is required", () => any.topk(x, { k: 1 }), inItsPlace("k")],
  ["an operand", () => any.random.uniform({ low: 0 }), inItsPlace("low")],
  [
    "options too early",
    () => any.sum(x, { keepdims: true }),
    "; options such as keepdims come after axis, for which undefined may stand",
  ],
  ["a shape of several numbers", () => any.zeros(2, 3), severalNumbers],
  ["a shape of random numbers", () => any.random.normal(2, 3), severalNumbers],
  ["axes of several numbers", () => any.transpose(x, 1, 0), severalNumbers],
  ["a shape for a function", () => any.reshape(x, 3, 2), severalNumbers],
  ["a dtype's name", () => any.zeros([2], "int32"), `received "int32"; write mx.int32`],
  ["another library's", () => any.array([1], "torch.float16"), "; write mx.float16"],
])("%s", (_, call, message) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

test("there is none where nothing is known", () => {
  expect(() => any.sum(x, {})).toThrow(/received \{\}$/);
  expect(() => any.sum(x, "0")).toThrow(/received "0"$/);
  expect(() => any.zeros([2], "quaternion")).toThrow(/received "quaternion"$/);
  expect(() => any.sum(x, new Proxy({ axis: 0 }, {}))).not.toThrow(/in its place/);
  expect(() => any.sum(x, Object.create({ axis: 0 }))).not.toThrow(/in its place/);
});
