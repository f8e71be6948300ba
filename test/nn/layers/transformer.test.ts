// Transformers beyond the values of test/golden/nn/transformer.json.
import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

const sizes = { mlpDims: 5 };
const x = mx.random.normal([2, 3, 4], mx.float32, { key: mx.random.key(1) });
const memory = mx.random.normal([2, 6, 4], mx.float32, { key: mx.random.key(2) });

describe("what it refuses", () => {
  test("options and sizes", () => {
    expect(() => new nn.TransformerEncoderLayer(3, 2)).toThrow("a multiple of the 2 heads");
    expect(() => new nn.TransformerDecoderLayer(4.5, 2)).toThrow(TypeError);
    // A billion layers would end the process.
    for (const layers of [-1, 2 ** 30]) {
      expect(() => new nn.TransformerEncoder(layers, 4, 2)).toThrow(
        `[TransformerEncoder] numLayers: expected an integer from 0 to 10000, received ${layers}`,
      );
      expect(() => new nn.Transformer({ numDecoderLayers: layers })).toThrow(
        `[Transformer] numDecoderLayers: expected an integer from 0 to 10000, received ${layers}`,
      );
    }
    for (const [name, make] of Object.entries({
      TransformerEncoderLayer: (o: object) => new nn.TransformerEncoderLayer(4, 2, o),
      TransformerDecoderLayer: (o: object) => new nn.TransformerDecoderLayer(4, 2, o),
      TransformerEncoder: (o: object) => new nn.TransformerEncoder(1, 4, 2, o),
      TransformerDecoder: (o: object) => new nn.TransformerDecoder(1, 4, 2, o),
      Transformer: (o: object) => new nn.Transformer({ dims: 4, numHeads: 2, ...o }),
    })) {
      expect(() => make({ mlpDims: 0 })).toThrow(`[${name}] mlpDims: expected a positive integer`);
      expect(() => make({ dropout: 1 })).toThrow(`[${name}] dropout: expected`);
      expect(() => make({ activation: "relu" })).toThrow(
        `[${name}] activation: expected a layer or a function, received "relu"`,
      );
      expect(() => make({ normFirst: 1 })).toThrow(`[${name}] normFirst: expected a boolean`);
      expect(() => make({ norm_first: true })).toThrow('did you mean "normFirst"?');
    }
    expect(() => new nn.Transformer({ customEncoder: {} as never })).toThrow(
      "[Transformer] customEncoder: expected a layer or a function",
    );
    expect(() => new nn.TransformerEncoder(1, 4, 2).forward(x, "later" as never)).toThrow(
      'mask: expected an array or "causal", received "later"',
    );
  });
});

test("the defaults are those of the paper", () => {
  const { encoder, decoder } = new nn.Transformer({ numEncoderLayers: 2, numDecoderLayers: 1 });
  const shapes = Object.fromEntries(
    utils
      .treeFlatten((encoder as nn.TransformerEncoder).parameters())
      .map(([k, v]) => [k, v.shape]),
  );
  expect(shapes["layers.1.linear1.weight"]).toEqual([2048, 512]);
  expect((encoder as nn.TransformerEncoder).layers[0]?.attention.numHeads).toBe(8);
  expect((decoder as nn.TransformerDecoder).layers).toHaveLength(1);
  const layer = new nn.TransformerDecoderLayer(8, 2);
  expect(layer.linear1.weight.shape).toEqual([32, 8]);
  expect([layer.dropout1.p, layer.dropout2.p, layer.dropout3.p]).toEqual([0, 0, 0]);
  expect(layer.normFirst).toBe(true);
  expect(layer.activation).toBe(nn.relu);
});

test("parts are named, and begin, as in Python", () => {
  mx.random.seed(0);
  const layer = new nn.TransformerDecoderLayer(4, 2, { mlpDims: 3, dropout: 0.1 });
  expect(layer.children()).toBeDefined();
  expect(Object.keys(layer.children())).toEqual([
    ...["selfAttention", "crossAttention", "ln1", "ln2", "ln3", "linear1", "linear2"],
    ...["dropout1", "dropout2", "dropout3"],
  ]);
  mx.random.seed(0);
  const parts = [new nn.MultiHeadAttention(4, 2), new nn.MultiHeadAttention(4, 2)];
  const linear = new nn.Linear(4, 3);
  expect(layer.selfAttention.parameters()).toEqual(parts[0]?.parameters());
  expect(layer.crossAttention.parameters()).toEqual(parts[1]?.parameters());
  expect(layer.linear1.parameters()).toEqual(linear.parameters());
});

test("a causal decoder does not see what comes later", () => {
  const decoder = new nn.TransformerDecoder(2, 4, 2, sizes);
  const whole = decoder.forward(x, memory, "causal", null);
  const start = decoder.forward(x.get(":", ":2"), memory, "causal", null);
  expect(mx.allclose(whole.get(":", ":2"), start, { atol: 1e-5 }).item()).toBe(true);
  const all = decoder.forward(x, memory, null, null);
  expect(mx.allclose(all.get(":", ":2"), start, { atol: 1e-3 }).item()).toBe(false);
});

test("a decoder reads nothing of what a mask hides in the encoder's output", () => {
  const decoder = new nn.TransformerDecoder(2, 4, 2, sizes);
  const keep = mx.array([true, true, false, true, false, false]);
  const changed = mx.where(keep.reshape([6, 1]), memory, 100);
  const forward = (memory: mx.array, mask: mx.array | null) =>
    decoder.forward(x, memory, null, mask);
  expect(mx.allclose(forward(changed, keep), forward(memory, keep), { atol: 1e-5 }).item()).toBe(
    true,
  );
  expect(mx.allclose(forward(changed, null), forward(memory, null), { atol: 1e-2 }).item()).toBe(
    false,
  );
});

test("custom encoders and decoders are layers or functions", () => {
  class Twice extends nn.Module {
    weight = mx.array([2]);
    forward(x: mx.array): mx.array {
      return x.multiply(this.weight);
    }
  }
  const options = { dims: 4, numHeads: 2, ...sizes };
  const given: unknown[] = [];
  const model = new nn.Transformer({
    ...options,
    customEncoder: new Twice(),
    customDecoder: (x, memory, ...masks) => {
      given.push(...masks);
      return x.add(memory);
    },
  });
  const keep = mx.array(true);
  const y = model.forward(mx.ones([1, 3, 4]), mx.ones([1, 3, 4]), null, "causal", keep);
  expect(y).toEqual(mx.full([1, 3, 4], 3, mx.float32));
  expect(given).toEqual(["causal", keep]);
  expect(utils.treeFlatten(model.parameters()).map(([name]) => name)).toEqual(["encoder.weight"]);
});

test("computes the same in tidy, compiled, mapped and checkpointed", () => {
  mx.random.seed(0);
  const options = { dims: 4, numHeads: 2, numEncoderLayers: 2, numDecoderLayers: 2, ...sizes };
  const model = new nn.Transformer(options);
  const forward = (a: mx.array, b: mx.array) => model.forward(a, b, null, "causal", null);
  const plain = forward(memory, x);
  const close = (y: mx.array) => expect(mx.allclose(y, plain, { atol: 1e-5 }).item()).toBe(true);
  close(mx.tidy(() => forward(memory, x)));
  close(mx.compile(forward)(memory, x));
  close(nn.checkpoint(model, forward)(memory, x));
  close(nn.checkpoint(model)(memory, x, null, "causal", null));
  const one = (a: mx.array, b: mx.array) =>
    forward(mx.expandDims(a, 0), mx.expandDims(b, 0)).squeeze(0);
  close(mx.vmap(one)(memory, x));

  const light = new nn.Transformer({ ...options, checkpoint: true });
  light.update(model.parameters());
  const loss = (m: nn.Transformer) =>
    nn.valueAndGrad(m, () => m.forward(memory, x, null, "causal", null).sin().sum())();
  const [[a, gradients], [b, others]] = [loss(model), loss(light)];
  expect(a.item()).toBeCloseTo(b.item(), 4);
  for (const [i, [name, value]] of utils.treeFlatten(gradients).entries()) {
    const [same, other] = utils.treeFlatten(others)[i] as [string, mx.array];
    expect(same).toBe(name);
    expect(mx.allclose(other, value, { atol: 1e-4 }).item()).toBe(true);
  }
});
