// Every table of options refuses what the option's type does not have.
import { mx, nn, optim } from "mlx-js";
import { describe, expect, test } from "vitest";
import { tables } from "../scripts/parity/package.mjs";

type Call = (options: never) => unknown;

const x = mx.array([
  [0.5, -2, 3, 1],
  [4, 0.25, -1, 2],
]);
const { init, losses } = nn;
const layer = new nn.Linear(2, 3);
const attention = new nn.MultiHeadAttention(4, 2);

/** A call of each function that has options, by what it is called in errors. */
const calls: Record<string, Call> = {
  softmax: (o) => nn.softmax(x, o),
  softmin: (o) => nn.softmin(x, o),
  logSoftmax: (o) => nn.logSoftmax(x, o),
  LeakyReLU: (o) => new nn.LeakyReLU(o),
  leakyRelu: (o) => nn.leakyRelu(x, o),
  ELU: (o) => new nn.ELU(o),
  elu: (o) => nn.elu(x, o),
  CELU: (o) => new nn.CELU(o),
  celu: (o) => nn.celu(x, o),
  Softshrink: (o) => new nn.Softshrink(o),
  softshrink: (o) => nn.softshrink(x, o),
  HardShrink: (o) => new nn.HardShrink(o),
  hardShrink: (o) => nn.hardShrink(x, o),
  hardTanh: (o) => nn.hardTanh(x, o),
  Step: (o) => new nn.Step(o),
  step: (o) => nn.step(x, o),
  GLU: (o) => new nn.GLU(o),
  glu: (o) => nn.glu(x, o),
  GELU: (o) => new nn.GELU(o),
  PReLU: (o) => new nn.PReLU(o),
  Dropout: (o) => new nn.Dropout(o),
  averageGradients: (o) => nn.averageGradients({ a: x }, o),
  clipGradNormSharded: (o) => nn.clipGradNormSharded({ a: x }, 1, o),
  shardLinear: (o) => nn.shardLinear(new nn.Linear(2, 3), "all-to-sharded", o),
  AllToShardedLinear: (o) => new nn.AllToShardedLinear(2, 3, o),
  QuantizedAllToShardedLinear: (o) => new nn.QuantizedAllToShardedLinear(64, 3, o),
  FullyShardedModule: (o) => new nn.FullyShardedModule(new nn.Linear(2, 3), o),
  Dropout2d: (o) => new nn.Dropout2d(o),
  Dropout3d: (o) => new nn.Dropout3d(o),
  Linear: (o) => new nn.Linear(2, 3, o),
  Bilinear: (o) => new nn.Bilinear(2, 3, 4, o),
  Conv1d: (o) => new nn.Conv1d(2, 3, 1, o),
  Conv2d: (o) => new nn.Conv2d(2, 3, 1, o),
  Conv3d: (o) => new nn.Conv3d(2, 3, 1, o),
  ConvTranspose1d: (o) => new nn.ConvTranspose1d(2, 3, 1, o),
  ConvTranspose2d: (o) => new nn.ConvTranspose2d(2, 3, 1, o),
  ConvTranspose3d: (o) => new nn.ConvTranspose3d(2, 3, 1, o),
  MaxPool1d: (o) => new nn.MaxPool1d(2, o),
  MaxPool2d: (o) => new nn.MaxPool2d(2, o),
  MaxPool3d: (o) => new nn.MaxPool3d(2, o),
  AvgPool1d: (o) => new nn.AvgPool1d(2, o),
  AvgPool2d: (o) => new nn.AvgPool2d(2, o),
  AvgPool3d: (o) => new nn.AvgPool3d(2, o),
  LayerNorm: (o) => new nn.LayerNorm(4, o),
  RMSNorm: (o) => new nn.RMSNorm(4, o),
  InstanceNorm: (o) => new nn.InstanceNorm(4, o),
  GroupNorm: (o) => new nn.GroupNorm(2, 4, o),
  BatchNorm: (o) => new nn.BatchNorm(4, o),
  Upsample: (o) => new nn.Upsample(2, o),
  upsampleLinear: (o) => nn.upsampleLinear(x.reshape([1, 4, 2]), [2], o),
  upsampleCubic: (o) => nn.upsampleCubic(x.reshape([1, 4, 2]), [2], o),
  RoPE: (o) => new nn.RoPE(4, o),
  "RoPE.forward": (o) => new nn.RoPE(4).forward(x.reshape([1, 2, 4]), o),
  SinusoidalPositionalEncoding: (o) => new nn.SinusoidalPositionalEncoding(4, o),
  "ALiBi.forward": (o) => new nn.ALiBi().forward(mx.zeros([1, 2, 3, 4]), o),
  QuantizedLinear: (o) => new nn.QuantizedLinear(64, 2, o),
  QuantizedEmbedding: (o) => new nn.QuantizedEmbedding(2, 64, o),
  QQLinear: (o) => new nn.QQLinear(64, 2, o),
  toQuantized: (o) => new nn.Linear(64, 2).toQuantized(o),
  quantize: (o) => nn.quantize(new nn.Sequential(new nn.Linear(64, 2)), o),
  MultiHeadAttention: (o) => new nn.MultiHeadAttention(4, 2, o),
  "MultiHeadAttention.forward": (o) => {
    const y = x.reshape([1, 2, 4]);
    return attention.forward(y, y, y, o);
  },
  RNN: (o) => new nn.RNN(4, 2, o),
  "RNN.forward": (o) => new nn.RNN(4, 2).forward(x, o),
  GRU: (o) => new nn.GRU(4, 2, o),
  "GRU.forward": (o) => new nn.GRU(4, 2).forward(x, o),
  LSTM: (o) => new nn.LSTM(4, 2, o),
  "LSTM.forward": (o) => new nn.LSTM(4, 2).forward(x, o),
  TransformerEncoderLayer: (o) => new nn.TransformerEncoderLayer(4, 2, o),
  TransformerDecoderLayer: (o) => new nn.TransformerDecoderLayer(4, 2, o),
  TransformerEncoder: (o) => new nn.TransformerEncoder(1, 4, 2, o),
  TransformerDecoder: (o) => new nn.TransformerDecoder(1, 4, 2, o),
  Transformer: (o) => new nn.Transformer(o),
  "losses.crossEntropy": (o) => losses.crossEntropy(x, x, o),
  "losses.binaryCrossEntropy": (o) => losses.binaryCrossEntropy(x, x, o),
  "losses.l1Loss": (o) => losses.l1Loss(x, x, o),
  "losses.mseLoss": (o) => losses.mseLoss(x, x, o),
  "losses.nllLoss": (o) => losses.nllLoss(x, mx.array([1, 0], mx.int32), o),
  "losses.gaussianNllLoss": (o) => losses.gaussianNllLoss(x, x, x, o),
  "losses.klDivLoss": (o) => losses.klDivLoss(x, x, o),
  "losses.smoothL1Loss": (o) => losses.smoothL1Loss(x, x, o),
  "losses.tripletLoss": (o) => losses.tripletLoss(x, x, x, o),
  "losses.hingeLoss": (o) => losses.hingeLoss(x, x, o),
  "losses.huberLoss": (o) => losses.huberLoss(x, x, o),
  "losses.logCoshLoss": (o) => losses.logCoshLoss(x, x, o),
  "losses.cosineSimilarityLoss": (o) => losses.cosineSimilarityLoss(x, x, o),
  "losses.marginRankingLoss": (o) => losses.marginRankingLoss(x, x, x, o),
  "init.constant": (o) => init.constant(1, o),
  "init.identity": (o) => init.identity(o),
  "init.normal": (o) => init.normal(o),
  "init.sparse": (o) => init.sparse(0.5, o),
  "init.uniform": (o) => init.uniform(o),
  "init.orthogonal": (o) => init.orthogonal(o),
  "init.glorotNormal": (o) => init.glorotNormal()(x, o),
  "init.glorotUniform": (o) => init.glorotUniform()(x, o),
  "init.heNormal": (o) => init.heNormal()(x, o),
  "init.heUniform": (o) => init.heUniform()(x, o),
  Adafactor: (o) => new optim.Adafactor(o),
  Adagrad: (o) => new optim.Adagrad(0.1, o),
  AdaDelta: (o) => new optim.AdaDelta(0.1, o),
  Adam: (o) => new optim.Adam(0.1, o),
  AdamW: (o) => new optim.AdamW(0.1, o),
  Adamax: (o) => new optim.Adamax(0.1, o),
  Lion: (o) => new optim.Lion(0.1, o),
  Muon: (o) => new optim.Muon(0.1, o),
  RMSprop: (o) => new optim.RMSprop(0.1, o),
  SGD: (o) => new optim.SGD(0.1, o),
  Optimizer: (o) => {
    class Still extends optim.Optimizer {
      initSingle() {}
      applySingle(_: mx.array, parameter: mx.array) {
        return parameter;
      }
    }
    return new Still(o);
  },
  MultiOptimizer: (o) => new optim.MultiOptimizer([new optim.SGD(0.1)], o),
  update: (o) => layer.update({}, o),
  updateModules: (o) => layer.updateModules({}, o),
  loadWeights: (o) => layer.loadWeights(layer.parameters() as Record<string, mx.array>, o),
  freeze: (o) => layer.freeze(o),
  unfreeze: (o) => layer.unfreeze(o),
  pipeline: (o) => mx.pipeline(() => x, o),
  cosineDecay: (o) => optim.cosineDecay(0.1, 10, o),
};

/** Which table a function has that shares it. */
const shared: Record<string, string> = {
  softmin: "softmax",
  logSoftmax: "softmax",
  leakyRelu: "LeakyReLU",
  elu: "ELU",
  CELU: "ELU",
  celu: "ELU",
  softshrink: "Softshrink",
  HardShrink: "Softshrink",
  hardShrink: "Softshrink",
  step: "Step",
  glu: "GLU",
  "GRU.forward": "RNN.forward",
  LSTM: "GRU",
  TransformerDecoderLayer: "TransformerEncoderLayer",
  TransformerDecoder: "TransformerEncoder",
  Dropout2d: "Dropout",
  Dropout3d: "Dropout",
  Bilinear: "Linear",
  AvgPool1d: "MaxPool1d",
  AvgPool2d: "MaxPool2d",
  AvgPool3d: "MaxPool3d",
  upsampleCubic: "upsampleLinear",
  updateModules: "update",
  loadWeights: "update",
  unfreeze: "freeze",
  "init.identity": "init.constant",
  "init.sparse": "init.normal",
  "init.glorotUniform": "init.glorotNormal",
  "init.heUniform": "init.heNormal",
};

/** A wrong value of each type; a type that an option has may have right ones. */
const values: Record<string, unknown> = {
  number: 0.5,
  string: "no such thing",
  boolean: true,
  null: null,
  list: ["x"],
  function: () => 1,
  object: new Map(),
  record: {},
  symbol: Symbol("x"),
  bigint: 1n,
};

/** The values among these that are right, though the test below takes them for wrong. */
const right: Record<string, readonly string[]> = {
  schedulers: ["record"],
  keys: ["string", "list"],
  initial: Object.keys(values),
  state: ["list", "record"],
};

test("there is a call for every table", () => {
  const names = Object.keys(calls).filter((name) => !(name in shared));
  expect(tables.map(({ name }) => name).sort()).toEqual(names.sort());
});

describe.each(Object.entries(calls))("%s", (fn, call) => {
  const name = shared[fn] ?? fn;
  const table = tables.find((x) => x.name === name) as (typeof tables)[number];
  const failure = (options: unknown): Error => {
    try {
      call(options as never);
    } catch (error) {
      return error as Error;
    }
    return new Error(`${fn} takes it`);
  };

  test("refuses values of types that an option does not have", () => {
    for (const [option, types] of table.types) {
      for (const [type, value] of Object.entries(values)) {
        if (right[option]?.includes(type)) {
          continue;
        }
        // A list, a string or an object of its type may be wrong as well.
        if (!types.has(type) || ["list", "string", "object"].includes(type)) {
          const error = failure({ [option]: value });
          expect(error, `${option} is ${type}`).toBeInstanceOf(TypeError);
          expect(error.message).toContain(`[${fn}] ${option}: expected `);
        }
      }
      if (!types.has("null") && option !== "initial") {
        expect(failure({ [option]: null })).toBeInstanceOf(TypeError);
      }
    }
  });

  test("refuses names that it does not know, and what is no record", () => {
    const [first = ""] = table.types.keys();
    const error = failure({ [`${first.toUpperCase()}_`]: 1 });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`[${fn}] options: expected ${[...table.defaults.keys()][0]}`);
    for (const options of [null, [], new Map(), new Date(), x, mx.cpu, () => 1, "x", 2n]) {
      const error = failure(options);
      expect(error, String(options)).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`[${fn}] options: expected `);
    }
    expect(failure(JSON.parse('{ "__proto__": 1 }')).message).toContain('an option "__proto__"');
  });

  test("reads each option once, and takes undefined for one that is left out", () => {
    const reads: string[] = [];
    const options = {};
    for (const option of table.types.keys()) {
      Object.defineProperty(options, option, {
        enumerable: true,
        get: () => {
          reads.push(option);
          return undefined;
        },
      });
    }
    call(options as never);
    expect(reads.sort()).toEqual([...table.types.keys()].sort());
  });
});
