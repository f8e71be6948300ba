// The shapes that layers take, by tables and by the values that they are compared with.
import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";
import { inputsOf, layerCases, makeLayer } from "../support/golden.js";

/** Inputs by their names: a shape that fits, and what the error says of it. */
type Inputs = Record<string, readonly [fitting: readonly number[], expected: string]>;

const last: Inputs = { x: [[2, 5, 64], "(..., 64)"] };
const sequence: Inputs = { x: [[2, 5, 3], "(N, L, 3)"] };
const image: Inputs = { x: [[2, 5, 6, 3], "(N, H, W, 3)"] };
const volume: Inputs = { x: [[2, 5, 6, 4, 3], "(N, D, H, W, 3)"] };
const steps: Inputs = { x: [[2, 5, 3], "(..., L, 3)"] };
const encoded: Inputs = { x: [[2, 3, 4], "(B, T, 4)"] };
const decoded: Inputs = { ...encoded, memory: [[2, 6, 4], "(B, S, 4)"] };
const attention = new nn.MultiHeadAttention(4, 2, { keyInputDims: 7, valueInputDims: 6 });
const sizes = { dims: 4, numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1 };

/** Methods whose inputs have a last axis of a given length. */
const methods: [name: string, call: (x: mx.array, ...more: mx.array[]) => unknown, Inputs][] = [
  ["Linear.forward", (x) => new nn.Linear(64, 2).forward(x), last],
  [
    "Bilinear.forward",
    (...xs) => new nn.Bilinear(3, 4, 2).forward(...(xs as [mx.array, mx.array])),
    { x1: [[2, 5, 3], "(..., 3)"], x2: [[2, 5, 4], "(..., 4)"] },
  ],
  ["Embedding.asLinear", (x) => new nn.Embedding(5, 64).asLinear(x), last],
  ["PReLU.forward", (x) => new nn.PReLU({ numParameters: 64 }).forward(x), last],
  ["LayerNorm.forward", (x) => new nn.LayerNorm(64).forward(x), last],
  ["LayerNorm.forward", (x) => new nn.LayerNorm(64, { affine: false }).forward(x), last],
  ["RMSNorm.forward", (x) => new nn.RMSNorm(64).forward(x), last],
  [
    "InstanceNorm.forward",
    (x) => new nn.InstanceNorm(3).forward(x),
    { x: [[2, 5, 6, 3], "(N, L, ..., 3)"] },
  ],
  [
    "GroupNorm.forward",
    (x) => new nn.GroupNorm(1, 3).forward(x),
    { x: [[2, 5, 6, 3], "(N, ..., 3)"] },
  ],
  [
    "BatchNorm.forward",
    (x) => new nn.BatchNorm(3).forward(x),
    { x: [[2, 5, 6, 3], "(N, 3), (N, L, 3) or (N, H, W, 3)"] },
  ],
  ["Conv1d.forward", (x) => new nn.Conv1d(3, 4, 2).forward(x), sequence],
  ["Conv2d.forward", (x) => new nn.Conv2d(3, 4, 2).forward(x), image],
  ["Conv2d.forward", (x) => new nn.Conv2d(3, 6, 2, { groups: 3 }).forward(x), image],
  ["Conv3d.forward", (x) => new nn.Conv3d(3, 4, 2).forward(x), volume],
  ["ConvTranspose1d.forward", (x) => new nn.ConvTranspose1d(3, 4, 2).forward(x), sequence],
  ["ConvTranspose2d.forward", (x) => new nn.ConvTranspose2d(3, 4, 2).forward(x), image],
  ["ConvTranspose3d.forward", (x) => new nn.ConvTranspose3d(3, 4, 2).forward(x), volume],
  ["RNN.forward", (x) => new nn.RNN(3, 4).forward(x), steps],
  ["GRU.forward", (x) => new nn.GRU(3, 4).forward(x), steps],
  ["LSTM.forward", (x) => new nn.LSTM(3, 4).forward(x), steps],
  [
    "MultiHeadAttention.forward",
    (...xs) => attention.forward(...(xs as [mx.array, mx.array, mx.array])),
    {
      queries: [[2, 3, 4], "(B, Tq, 4)"],
      keys: [[2, 5, 7], "(B, Tk, 7)"],
      values: [[2, 5, 6], "(B, Tk, 6)"],
    },
  ],
  [
    "TransformerEncoderLayer.forward",
    (x) => new nn.TransformerEncoderLayer(4, 2).forward(x, null),
    encoded,
  ],
  [
    "TransformerEncoder.forward",
    (x) => new nn.TransformerEncoder(1, 4, 2).forward(x, null),
    encoded,
  ],
  [
    "TransformerDecoderLayer.forward",
    (x, memory) => new nn.TransformerDecoderLayer(4, 2).forward(x, memory as mx.array, null, null),
    decoded,
  ],
  [
    "TransformerDecoder.forward",
    (x, memory) => new nn.TransformerDecoder(1, 4, 2).forward(x, memory as mx.array, null, null),
    decoded,
  ],
  ["QuantizedLinear.forward", (x) => new nn.QuantizedLinear(64, 8, { bits: 3 }).forward(x), last],
  ["QuantizedEmbedding.asLinear", (x) => new nn.QuantizedEmbedding(8, 64).asLinear(x), last],
  [
    "QQLinear.forward",
    (x) => new nn.QQLinear(64, 32).eval().forward(x),
    // MLX has it on the CPU for a single row.
    { x: [[1, 64], "(..., 64)"] },
  ],
  ["AllToShardedLinear.forward", (x) => new nn.AllToShardedLinear(64, 2).forward(x), last],
  ["ShardedToAllLinear.forward", (x) => new nn.ShardedToAllLinear(64, 2).forward(x), last],
  [
    "QuantizedAllToShardedLinear.forward",
    (x) => new nn.QuantizedAllToShardedLinear(64, 8).forward(x),
    last,
  ],
  [
    "QuantizedShardedToAllLinear.forward",
    (x) => new nn.QuantizedShardedToAllLinear(64, 8).forward(x),
    last,
  ],
];

/** Expects that a batch of nothing has a result and gradients, of the inputs' shapes. */
function expectEmpty(call: (...xs: mx.array[]) => unknown, shapes: readonly (readonly number[])[]) {
  const xs = shapes.map(([, ...rest]) => mx.zeros([0, ...rest]));
  const total = (...given: mx.array[]) => {
    const parts = [call(...given)].flat() as mx.array[];
    return parts.map((part) => mx.sum(part)).reduce((a, b) => a.add(b));
  };
  const [value, gradients] = mx.valueAndGrad(total, [...xs.keys()])(...xs);
  expect(value.item()).toBe(0);
  expect(gradients.map((x) => x.tolist())).toEqual(xs.map(() => []));
}

describe.each(methods)("%s", (name, call, inputs) => {
  const params = Object.keys(inputs);
  const shapes = Object.values(inputs).map(([shape]) => shape);
  const withInput = (i: number, x: unknown) => () =>
    call(...(shapes.map((shape, j) => (j === i ? x : mx.ones(shape))) as [mx.array]));

  test("takes what fits", () => {
    mx.eval(call(...(shapes.map((shape) => mx.ones(shape)) as [mx.array])) as mx.array);
  });

  // On the CPU, MLX has the product of quantized inputs for a single row.
  test.skipIf(name.startsWith("QQ"))("takes a batch of nothing", () => {
    expectEmpty(call as (...xs: mx.array[]) => unknown, shapes);
  });

  test.each(params.map((param, i) => [param, i] as const))("of %s says what fits", (param, i) => {
    const [fitting, expected] = inputs[param] as Inputs[string];
    const said = `[${name}] ${param}: expected the shape ${expected}, received `;
    const [first, ...others] = fitting.slice(0, -1);
    const dims = fitting.at(-1) as number;
    for (const wrong of [[...fitting.slice(0, -1), dims + 1], []]) {
      const text = wrong.length === 0 ? "[]" : `[ ${wrong.join(", ")} ]`;
      expect(withInput(i, mx.zeros(wrong))).toThrow(new RangeError(said + text));
    }
    if (others.length > 0) {
      const moved = [first as number, dims, ...others];
      const order = [0, ...others.map((_, axis) => axis + 2), 1].join(", ");
      const hint = `; if its channels are on axis 1, move them: ${param}.transpose([${order}])`;
      expect(withInput(i, mx.zeros(moved))).toThrow(
        new RangeError(`${said}[ ${moved.join(", ")} ]${hint}`),
      );
    }
    expect(withInput(i, [[1]])).toThrow(TypeError);
    expect(withInput(i, [[1]])).toThrow(
      `[${name}] ${param}: expected an array, received [ [ 1 ] ]`,
    );
  });
});

test.each<[name: string, call: () => unknown, error: string]>([
  [
    "more dimensions than there are",
    () => new nn.Conv1d(3, 4, 2).forward(mx.ones([2, 5, 6, 3])),
    "[Conv1d.forward] x: expected the shape (N, L, 3), received [ 2, 5, 6, 3 ]",
  ],
  [
    "fewer",
    () => new nn.InstanceNorm(3).forward(mx.ones([2, 3])),
    "[InstanceNorm.forward] x: expected the shape (N, L, ..., 3), received [ 2, 3 ]",
  ],
  [
    "windows of two dimensions",
    () => new nn.MaxPool2d(2).forward(mx.ones([4, 4, 1])),
    "[MaxPool2d.forward] x: expected the shape (N, H, W, C), received [ 4, 4, 1 ]",
  ],
  [
    "channels of images",
    () => new nn.Dropout2d().forward(mx.ones([2, 3])),
    "[Dropout2d.forward] x: expected the shape (H, W, C) or (N, H, W, C), received [ 2, 3 ]",
  ],
  [
    "channels of volumes",
    () => new nn.Dropout3d().forward(mx.ones([2, 3])),
    "[Dropout3d.forward] x: expected the shape (D, H, W, C) or (N, D, H, W, C), received [ 2, 3 ]",
  ],
  [
    "nothing to make longer",
    () => new nn.Upsample(2).forward(mx.ones([4, 2])),
    "[Upsample.forward] x: expected the shape (N, L, ..., C), received [ 4, 2 ]",
  ],
  [
    "no positions",
    () => new nn.RoPE(4).forward(mx.ones([3, 4])),
    "[RoPE.forward] x: expected the shape (B, ..., T, D), received [ 3, 4 ]",
  ],
  [
    "less than what is rotated",
    () => new nn.RoPE(4).forward(mx.ones([1, 3, 2])),
    "[RoPE.forward] x: expected at least 4 entries on the last axis, received [ 1, 3, 2 ]",
  ],
  [
    "no halves",
    () => new nn.GLU().forward(mx.ones([2, 3])),
    "[GLU.forward] x: expected an even length of axis -1, received [ 2, 3 ]",
  ],
  [
    "no axis to halve",
    () => nn.glu(mx.ones([2, 4]), { axis: 2 }),
    "[glu] x: expected an even length of axis 2, received [ 2, 4 ]",
  ],
])("an input with %s", (_, call, error) => {
  expect(call).toThrow(new RangeError(error));
});

/** Layers that take a last axis of any length, and a shape of those before it. */
const free: [layer: nn.Module & { forward(x: mx.array): unknown }, before: number[]][] = [
  ...[
    ...[new nn.Identity(), new nn.Sequential(nn.relu), new nn.Dropout()],
    ...[new nn.PReLU(), new nn.GELU(), new nn.GLU(), new nn.ReLU(), new nn.ReLU2(), new nn.ReLU6()],
    ...[new nn.ELU(), new nn.CELU(), new nn.SELU(), new nn.LeakyReLU(), new nn.SiLU()],
    ...[new nn.Softmax(), new nn.LogSoftmax(), new nn.Softmin(), new nn.Softplus()],
    ...[new nn.Softsign(), new nn.Softshrink(), new nn.HardShrink(), new nn.HardTanh()],
    ...[new nn.Hardswish(), new nn.Mish(), new nn.Sigmoid(), new nn.LogSigmoid()],
    ...[new nn.Step(), new nn.Tanh(), new nn.SinusoidalPositionalEncoding(4)],
  ].map((layer): [typeof layer, number[]] => [layer, [3]]),
  ...[new nn.MaxPool1d(2), new nn.AvgPool1d(2), new nn.RoPE(2), new nn.Upsample(2)].map(
    (layer): [typeof layer, number[]] => [layer, [1, 4]],
  ),
  ...[new nn.MaxPool2d(2), new nn.AvgPool2d(2), new nn.Dropout2d(), new nn.ALiBi()].map(
    (layer): [typeof layer, number[]] => [layer, [1, 4, 4]],
  ),
  ...[new nn.MaxPool3d(2), new nn.AvgPool3d(2), new nn.Dropout3d()].map(
    (layer): [typeof layer, number[]] => [layer, [1, 4, 4, 4]],
  ),
];

test.each(free.map(([layer, before]) => [layer.constructor.name, layer, before] as const))(
  "%s takes any last axis",
  (_, layer, before) => {
    for (const dims of [2, 4]) {
      mx.eval(layer.forward(mx.ones([...before, dims])) as mx.array);
    }
  },
);

test.each([
  // MLX has no logarithm of a sum of nothing, which LogSoftmax asks for.
  ...free.filter(([layer]) => !(layer instanceof nn.LogSoftmax)),
  ...(["nearest", "linear", "cubic"] as const).map(
    (mode) => [new nn.Upsample(1.5, { mode }), [1, 4]] as const,
  ),
  [new nn.MaxPool2d(2, { stride: 1 }), [1, 4, 4]] as const,
  [new nn.GroupNorm(2, 4, { pytorchCompatible: true }), [1, 3]] as const,
  [new nn.GroupNorm(2, 4), [1, 3]] as const,
])("$0 takes a batch of nothing", (layer, before) => {
  expectEmpty((x) => layer.forward(x), [[...before, 4]]);
});

test("a layer that is made of others lets them say what fits", () => {
  const src = mx.ones([1, 3, 5]);
  expect(() => new nn.Transformer(sizes).forward(src, src, null, null, null)).toThrow(
    "[TransformerEncoder.forward] x: expected the shape (B, T, 4), received [ 1, 3, 5 ]",
  );
  expect(() => new nn.FullyShardedModule(new nn.Linear(2, 4)).forward(src)).toThrow(
    "[Linear.forward] x: expected the shape (..., 2), received [ 1, 3, 5 ]",
  );
});

const names = Object.keys(nn).join("|");
const called = layerCases().filter((c) => c.throws === undefined && c.method === undefined);

test.each([...new Set(called.map(({ layer }) => layer))])(
  "%s takes another last axis, or says itself that it does not",
  (name) => {
    const said = new RegExp(`^\\[(${names})\\.\\w+\\] \\w+: expected .*, received \\[ `);
    for (const c of called.filter(({ layer }) => layer === name)) {
      const [first, ...others] = inputsOf(c);
      if (!(first instanceof mx.array) || first.ndim === 0 || c.forwardOptions !== undefined) {
        continue;
      }
      const shape = [...first.shape.slice(0, -1), first.dim(-1) + 1];
      try {
        makeLayer(c).forward(mx.zeros(shape, first.dtype), ...others);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(said);
      }
    }
  },
);
