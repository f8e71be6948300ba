// Quantized layers beyond the values of test/golden/nn/quantized.json: what they refuse, what is
// frozen, models, files.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

const names = (tree: unknown) => utils.treeFlatten(tree).map(([name]) => name);
const largest = (x: mx.array) => mx.max(mx.abs(x)).item() as number;

describe("QuantizedLinear", () => {
  test("has Python's parameters, frozen", () => {
    const layer = new nn.QuantizedLinear(64, 4, { bits: 8 });
    expect(names(layer.parameters())).toEqual(["weight", "scales", "biases", "bias"]);
    expect(names(layer.trainableParameters())).toEqual([]);
    expect(names(layer.unfreeze({ keys: ["scales"] }).trainableParameters())).toEqual(["scales"]);
    const float = new nn.QuantizedLinear(64, 4, { mode: "mxfp8", bias: false });
    expect(names(float.parameters())).toEqual(["weight", "scales"]);
    expect([float.weight.dtype, float.scales.dtype]).toEqual([mx.uint32, mx.uint8]);
  });

  test("begins uniform within the bounds of Linear, with a bias of zero", () => {
    const layer = new nn.QuantizedLinear(64, 256, { bits: 8 });
    const { scales, biases, groupSize, bits } = layer;
    const weight = mx.dequantize(layer.weight, scales, { biases, groupSize, bits });
    const bound = 1 / 8;
    expect(largest(weight)).toBeLessThan(bound * 1.01);
    expect(mx.var(weight).item()).toBeCloseTo((bound * bound) / 3, 3);
    expect(largest(layer.bias as mx.array)).toBe(0);
  });

  test("of a Linear is close to it, and its bias stays trainable", () => {
    const linear = new nn.Linear(128, 8);
    const layer = linear.toQuantized({ bits: 8, groupSize: 32 }) as nn.QuantizedLinear;
    const x = mx.random.normal([5, 128]);
    expect(largest(layer.forward(x).subtract(linear.forward(x)))).toBeLessThan(0.02);
    expect(names(layer.trainableParameters())).toEqual(["bias"]);
    const [, gradients] = nn.valueAndGrad(layer, () => mx.sum(layer.forward(x)))();
    expect((gradients.bias as mx.array).tolist()).toEqual(Array(8).fill(5));
    expect(String(layer)).toBe(
      "QuantizedLinear(inputDims=128, outputDims=8, bias=true, groupSize=32, bits=8, mode=affine)",
    );
  });

  test("of no rows", () => {
    expect(new nn.QuantizedLinear(64, 3).forward(mx.zeros([0, 64])).shape).toEqual([0, 3]);
  });

  test("learns scales that are unfrozen", () => {
    const layer = new nn.QuantizedLinear(64, 2).unfreeze({ keys: ["scales", "biases"] });
    const [, gradients] = nn.valueAndGrad(layer, () => mx.sum(layer.forward(mx.ones([3, 64]))))();
    expect(names(gradients)).toEqual(["scales", "biases"]);
  });
});

describe("QuantizedEmbedding", () => {
  test("a single integer, also of a mapped function, gives one row", () => {
    const layer = new nn.QuantizedEmbedding(4, 64);
    const all = layer.forward(mx.array([2, 0], mx.int32));
    const one = layer.forward(mx.array(2, mx.int32));
    expect(one.shape).toEqual([64]);
    expect(one.tolist()).toEqual(all.get(0).tolist());
    const mapped = mx.vmap((x: mx.array) => layer.forward(x))(mx.array([2, 0], mx.int32));
    expect(mapped.tolist()).toEqual(all.tolist());
  });

  test("of an Embedding is close to it, looked up and as a linear map", () => {
    const embedding = new nn.Embedding(10, 64);
    const layer = embedding.toQuantized({ bits: 8 });
    const x = mx.array([[3, 0, 9]], mx.int32);
    expect(largest(layer.forward(x).subtract(embedding.forward(x)))).toBeLessThan(0.01);
    const y = mx.random.normal([2, 64]);
    expect(largest(layer.asLinear(y).subtract(embedding.asLinear(y)))).toBeLessThan(0.1);
    expect(names(layer.parameters())).toEqual(["weight", "scales", "biases"]);
    expect(names(layer.trainableParameters())).toEqual([]);
  });
});

describe("QQLinear", () => {
  test("has a full weight in training and a quantized one otherwise", () => {
    const layer = new nn.Linear(64, 4, { bias: false }).toQuantized({
      mode: "mxfp8",
      quantizeInput: true,
    }) as nn.QQLinear;
    expect(layer).toBeInstanceOf(nn.QQLinear);
    const before = layer.weight;
    expect(names(layer.trainableParameters())).toEqual(["weight"]);
    new nn.Sequential(layer).eval();
    expect(names(layer.parameters())).toEqual(["weight", "scales"]);
    expect(layer.weight.shape).toEqual([4, 16]);
    expect(String(layer)).toContain("inputDims=64, outputDims=4");
    layer.train();
    expect(names(layer.parameters())).toEqual(["weight"]);
    expect(layer.weight.shape).toEqual([4, 64]);
    expect(largest(layer.weight.subtract(before))).toBeLessThan(0.01);
  });

  test("takes the mode of the layer that it is made of", () => {
    const layer = new nn.Linear(32, 2, { bias: false }).eval();
    expect(nn.QQLinear.fromLinear(layer).scales?.shape).toEqual([2, 2]);
  });
});

describe("quantize", () => {
  const make = () => new nn.Sequential(new nn.Embedding(7, 64), nn.relu, new nn.Linear(64, 32));

  test("takes all layers that can be, or those of the predicate", () => {
    const model = make();
    nn.quantize(model, { bits: 8 });
    expect(names(model.parameters())).toEqual(
      ["layers.0.weight", "layers.0.scales", "layers.0.biases"].concat(
        ["weight", "scales", "biases", "bias"].map((name) => `layers.2.${name}`),
      ),
    );
    const other = make();
    const seen: string[] = [];
    nn.quantize(other, {
      bits: 8,
      classPredicate: (path, layer) => {
        seen.push(path);
        return layer instanceof nn.Linear && { groupSize: 32, bits: 2, quantizeInput: false };
      },
    });
    expect(seen).toEqual(["layers.0", "layers.2"]);
    expect(String(other)).toContain("(layers.0): Embedding(7, 64)");
    expect(String(other)).toContain("groupSize=32, bits=2, mode=affine");
  });

  test("quantizes the input, too", () => {
    const model = new nn.Sequential(new nn.Linear(32, 2, { bias: false }));
    nn.quantize(model, { mode: "nvfp4", quantizeInput: true });
    expect(model.layers[0]).toBeInstanceOf(nn.QQLinear);
  });

  test.each(["safetensors", "npz"])("a checkpoint in a %s file", (format) => {
    const folder = mkdtempSync(join(tmpdir(), "mlx-js-quantized-"));
    try {
      const file = join(folder, `weights.${format}`);
      const [model, other] = [make(), make()];
      nn.quantize(model, { groupSize: 32 });
      model.saveWeights(file);
      nn.quantize(other, { groupSize: 32 });
      other.loadWeights(file);
      const x = mx.array([1, 6], mx.int32);
      const y = mx.concatenate([model.forward(x), other.forward(x)]).tolist<number[][]>();
      expect(y.slice(0, 2)).toEqual(y.slice(2));
      expect(() => make().loadWeights(file)).toThrow(RangeError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("changes nothing where it throws", () => {
    const model = new nn.Sequential(new nn.Linear(64, 3), new nn.Linear(3, 2));
    const before = String(model);
    expect(() => nn.quantize(model)).toThrow(
      "[quantize] model.layers.1: expected a multiple of the group size 64, received 3",
    );
    expect(String(model)).toBe(before);
  });

  test("says which layer cannot be quantized", () => {
    const model = new nn.Sequential(new nn.Sequential(new nn.Linear(64, 3)), new nn.ReLU());
    const place = "[quantize] model.layers.0.layers.0";
    expect(() => nn.quantize(model, { bits: 7 })).toThrow(`${place}: bits: expected 1, 2,`);
    expect(() => nn.quantize(model, { mode: "nvfp4", quantizeInput: true })).toThrow(
      `${place}: expected a layer without a bias, received a module of class Linear`,
    );
    expect(() => nn.quantize(model, { classPredicate: (path) => path === "layers.1" })).toThrow(
      "[quantize] model.layers.1: expected a layer with a method toQuantized, received a module of class ReLU",
    );
    expect(() => nn.quantize(model, { classPredicate: () => any({ bit: 4 }) })).toThrow(
      `${place}: options: expected groupSize`,
    );
    expect(() => nn.quantize(model, { classPredicate: () => any("yes") })).toThrow(
      '[quantize] classPredicate: expected a boolean or options for model.layers.0.layers.0, received "yes"',
    );
  });

  test("throws as it is what a layer of one's own throws", () => {
    const mine = new RangeError("mine");
    class Own extends nn.Module {
      forward(x: mx.array): mx.array {
        return x;
      }

      toQuantized(): nn.Module {
        throw mine;
      }
    }
    expect(() => nn.quantize(new nn.Sequential(new Own()))).toThrow(mine);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown) => x as any;

test.each<[string, new (message?: string) => Error, () => unknown]>([
  ["rows that are no whole groups", RangeError, () => new nn.QuantizedLinear(65, 2)],
  ["the same of an embedding", RangeError, () => new nn.QuantizedEmbedding(3, 65)],
  ["the same of both factors", RangeError, () => new nn.QQLinear(20, 2)],
  ["a group size", RangeError, () => new nn.QuantizedLinear(64, 2, { groupSize: 16 })],
  ["bits", RangeError, () => new nn.QuantizedLinear(64, 2, { bits: 7 })],
  ["bits of a mode", RangeError, () => new nn.QQLinear(64, 2, { bits: 8 })],
  ["a mode", TypeError, () => new nn.QuantizedLinear(64, 2, { mode: any("int4") })],
  ["a mode for both", TypeError, () => new nn.QQLinear(64, 2, { mode: any("affine") })],
  ["an option", TypeError, () => new nn.QuantizedLinear(64, 2, any({ group: 32 }))],
  ["a size", RangeError, () => new nn.QuantizedLinear(0, 2)],
  ["another layer", TypeError, () => nn.QuantizedLinear.fromLinear(any(new nn.Identity()))],
  ["no layer", TypeError, () => nn.QuantizedEmbedding.fromEmbedding(any(null))],
  ["a bias", RangeError, () => nn.QQLinear.fromLinear(new nn.Linear(32, 2))],
  [
    "a mode with inputs",
    RangeError,
    () => new nn.Linear(64, 2).toQuantized({ quantizeInput: true }),
  ],
  ["integers", RangeError, () => new nn.Embedding(2, 64).toQuantized({ quantizeInput: true })],
  ["no model", TypeError, () => nn.quantize(any({}))],
  [
    "a predicate's answer",
    TypeError,
    () => nn.quantize(new nn.Sequential(new nn.Linear(64, 2)), { classPredicate: () => any(1) }),
  ],
  [
    "a layer that cannot",
    TypeError,
    () => nn.quantize(new nn.Sequential(new nn.Identity()), { classPredicate: () => true }),
  ],
])("refuses %s", (_, kind, run) => {
  expect(run).toThrow(kind);
  expect(run).toThrow(/^\[\w+\] [\w.]+: expected .+, received /);
});
