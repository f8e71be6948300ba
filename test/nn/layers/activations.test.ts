import * as mlx from "mlx-js";
import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const layers = [
  "ReLU",
  "ReLU2",
  "ReLU6",
  "LeakyReLU",
  "ELU",
  "CELU",
  "SELU",
  "SiLU",
  "Mish",
  "GELU",
  "GLU",
  "Hardswish",
  "HardTanh",
  "HardShrink",
  "Softshrink",
  "Softplus",
  "Softsign",
  "Softmin",
  "Softmax",
  "LogSoftmax",
  "LogSigmoid",
  "Sigmoid",
  "Tanh",
  "Step",
  "PReLU",
];

describe("activations", () => {
  test.each(["relu6", "leakyRelu", "softshrink", "hardTanh"] as const)(
    "%s gives float32 of integers, whatever they stand in",
    (name) => {
      for (const x of [mx.array([-2, 3]), [-2, 3], Int32Array.of(-2, 3)]) {
        expect(nn[name](any(x)).dtype).toBe(mx.float32);
      }
    },
  );

  const functions = Object.entries(nn).filter(([name]) => /^[a-z]/.test(name));
  const activations = functions.filter(([, f]) =>
    /^function \w+\(x(, options|, alpha)?\)/.test(String(f)),
  );

  test.each(activations)("%s is named by the errors of what it is made of", (name, f) => {
    expect(activations.length).toBe(27);
    const freed = mx.ones([2]);
    freed.dispose();
    for (const x of ["text", {}, [["text"]], null, undefined, freed]) {
      const call = () => any(f)(x, name === "prelu" ? 0.5 : undefined);
      expect(call).toThrow(TypeError);
      expect(call).toThrow(
        new RegExp(`^\\[${name}\\] [ax]: expected .+, received ${x === freed ? "one that" : ""}`),
      );
    }
  });

  test("of two arguments say which one is wrong", () => {
    expect(() => nn.prelu(mx.ones([2]), any("0.5"))).toThrow(
      new TypeError('[prelu] alpha: expected an array, received "0.5"'),
    );
    expect(() => nn.relu(any([1]))).toThrow(
      new TypeError(
        "[relu] x: expected an array or a scalar, received [ 1 ]; mx.array makes an array of a list",
      ),
    );
  });

  test("GELU's approximation is one of those that there are", () => {
    for (const approx of ["quick", Object.create(null), { toString: 0 }]) {
      expect(() => new nn.GELU(any({ approx }))).toThrow("[GELU] approx: expected");
    }
  });

  test.each(layers)("%s has no parameters but PReLU's", (name) => {
    const layer = new (any(mlx.nn)[name])();
    expect(Object.keys(layer.parameters())).toEqual(name === "PReLU" ? ["weight"] : []);
  });

  test("keep the dtype of halves", () => {
    for (const dtype of [mx.float16, mx.bfloat16]) {
      const x = mx.array([-1, 2], dtype);
      for (const f of [nn.gelu, nn.geluApprox, nn.selu, nn.hardswish, nn.softshrink, nn.elu]) {
        expect(f(x).dtype).toBe(dtype);
      }
    }
  });

  test("have gradients where exponentials have none", () => {
    const x = mx.array([-200, -1, 0, 1, 100, 1e30]);
    const gradient = (f: (a: mx.array) => mx.array) =>
      mx
        .grad((a: mx.array) => mx.sum(f(a)))(x)
        .tolist<number[]>();
    const left = (alpha: number) => [0, alpha * Math.exp(-1), alpha];
    const expected = {
      elu: [...left(1), 1, 1, 1],
      selu: [...left(1.67326), 1, 1, 1].map((slope) => slope * 1.0507),
    };
    for (const name of ["elu", "selu"] as const) {
      gradient(nn[name]).forEach((slope, i) => {
        expect(slope, `${name} at ${x.get(i)}`).toBeCloseTo(expected[name][i] as number, 4);
      });
    }
    expect(gradient((a) => nn.elu(a, { alpha: 2 }))[1]).toBeCloseTo(2 * Math.exp(-1), 5);
  });

  test("say what is wrong with an option", () => {
    expect(() => nn.elu(mx.zeros([2]), any({ aplha: 2 }))).toThrow(
      '[elu] options: expected alpha, received an option "aplha"',
    );
    expect(() => nn.leakyRelu(mx.zeros([2]), any({ negativeSlope: "0" }))).toThrow(
      '[leakyRelu] negativeSlope: expected a number, received "0"',
    );
    expect(() => new nn.GELU(any({ approx: "toString" }))).toThrow(
      new TypeError(
        '[GELU] approx: expected "none", "precise", "tanh" or "fast", received "toString"',
      ),
    );
    expect(() => new nn.GELU(any("fast"))).toThrow(TypeError);
    expect(() => new nn.GLU(any({ axis: 0.5 }))).toThrow("[GLU] axis: expected an integer");
    expect(() => new nn.PReLU(any({ numParameters: null, extra: 1 }))).toThrow(TypeError);
  });
});
