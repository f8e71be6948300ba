// Every table of options refuses what the option's type does not have.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";
import { afterAll, describe, expect, test } from "vitest";
import { parameters, tables } from "../scripts/parity/package.mjs";
import { layerMakers } from "./support/golden.js";
import {
  type Call,
  says,
  type Table,
  testOptions,
  valueIn,
  wrongTexts,
} from "./support/options.js";

const x = mx.array([
  [0.5, -2, 3, 1],
  [4, 0.25, -1, 2],
]);
const { init, losses } = nn;
const layer = new nn.Linear(2, 3);
const attention = new nn.MultiHeadAttention(4, 2);

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
  treeReduce: "treeMap",
  setPrintoptions: "PrintOptions",
  printoptions: "PrintOptions",
  argmax: "sum",
  minmax: "sum",
  std: "var",
  allclose: "isclose",
  tri: "eye",
  conv2d: "conv1d",
  "fft.fftn": "fft.fft",
  "fft.rfftfreq": "fft.fftfreq",
  "linalg.cholesky": "linalg.triInv",
  "linalg.choleskyInv": "linalg.triInv",
  "linalg.solveTriangular": "linalg.triInv",
  "linalg.eigvalsh": "linalg.eigh",
  "random.bernoulli": "random.uniform",
  "random.permutation": "random.uniform",
};

/** Layers, as the first of their values has them. */
const layers = Object.fromEntries(
  Object.entries(layerMakers()).filter(
    ([name]) => name in shared || tables.some((table) => table.name === name),
  ),
);

/** A call of each function that has options, by what it is called in errors. */
const calls: Record<string, Call> = {
  ...layers,
  softmax: (o) => nn.softmax(x, o),
  softmin: (o) => nn.softmin(x, o),
  logSoftmax: (o) => nn.logSoftmax(x, o),
  leakyRelu: (o) => nn.leakyRelu(x, o),
  elu: (o) => nn.elu(x, o),
  celu: (o) => nn.celu(x, o),
  softshrink: (o) => nn.softshrink(x, o),
  hardShrink: (o) => nn.hardShrink(x, o),
  hardTanh: (o) => nn.hardTanh(x, o),
  step: (o) => nn.step(x, o),
  glu: (o) => nn.glu(x, o),
  averageGradients: (o) => nn.averageGradients({ a: x }, o),
  clipGradNormSharded: (o) => nn.clipGradNormSharded({ a: x }, 1, o),
  shardLinear: (o) => nn.shardLinear(new nn.Linear(2, 3), "all-to-sharded", o),
  QuantizedAllToShardedLinear: (o) => new nn.QuantizedAllToShardedLinear(64, 3, o),
  FullyShardedModule: (o) => new nn.FullyShardedModule(new nn.Linear(2, 3), o),
  upsampleLinear: (o) => nn.upsampleLinear(x.reshape([1, 4, 2]), [2], o),
  upsampleCubic: (o) => nn.upsampleCubic(x.reshape([1, 4, 2]), [2], o),
  "RoPE.forward": (o) => new nn.RoPE(4).forward(x.reshape([1, 2, 4]), o),
  "ALiBi.forward": (o) => new nn.ALiBi().forward(mx.zeros([1, 2, 3, 4]), o),
  QuantizedLinear: (o) => new nn.QuantizedLinear(64, 2, o),
  QuantizedEmbedding: (o) => new nn.QuantizedEmbedding(2, 64, o),
  QQLinear: (o) => new nn.QQLinear(64, 2, o),
  toQuantized: (o) => new nn.Linear(64, 2).toQuantized(o),
  quantize: (o) => nn.quantize(new nn.Sequential(new nn.Linear(64, 2)), o),
  "MultiHeadAttention.forward": (o) => {
    const y = x.reshape([1, 2, 4]);
    return attention.forward(y, y, y, o);
  },
  "RNN.forward": (o) => new nn.RNN(4, 2).forward(x, o),
  "GRU.forward": (o) => new nn.GRU(4, 2).forward(x, o),
  "LSTM.forward": (o) => new nn.LSTM(4, 2).forward(x, o),
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
  cosineDecay: (o) => optim.cosineDecay(0.1, 10, o),
  treeMap: (o) => utils.treeMap((y: unknown) => y, [x], [], o),
  treeMapWithPath: (o) => utils.treeMapWithPath((path) => path, [x], [], o),
  treeFlatten: (o) => utils.treeFlatten([x], o),
  treeReduce: (o) => utils.treeReduce((y: unknown) => y, [x], 0, o),
};

const w = mx.ones([4, 32]);
const [packed, scales] = mx.quantize(w, { groupSize: 32 });
const none = mx.zeros([1, 1, 2, 4]);
const image = mx.ones([1, 4, 4, 2]);
const folder = mkdtempSync(join(tmpdir(), "options-"));
const exported = join(folder, "f.mlxfn");
mx.exportFunction(exported, (a) => mx.exp(a as mx.array), [x]);
afterAll(() => rmSync(folder, { recursive: true }));

/** What must be there, beside other options. */
function beside(required: object, options: object): never {
  const isRecord = options && Object.getPrototypeOf(options) === Object.prototype;
  return (isRecord ? { ...required, ...options } : options) as never;
}

/** The same of `mx` and what stands beside it. */
const coreCalls: Record<string, Call> = {
  asarray: (o) => mx.asarray([1], null, o),
  PrintOptions: (o) => new mx.PrintOptions(o),
  setPrintoptions: (o) => mx.setPrintoptions(o),
  printoptions: (o) => mx.printoptions(o, () => 1),
  deviceInfo: (o) => mx.deviceInfo(o),
  sum: (o) => mx.sum(x, 0, o),
  argmax: (o) => mx.argmax(x, 0, o),
  minmax: (o) => mx.minmax(x, 0, o),
  var: (o) => mx.var(x, 0, o),
  std: (o) => mx.std(x, 0, o),
  cummax: (o) => mx.cummax(x, 0, o),
  cumsum: (o) => mx.cumsum(x, 0, o),
  countNonzero: (o) => mx.countNonzero(x, o),
  softmax: (o) => mx.softmax(x, 0, o),
  nanToNum: (o) => mx.nanToNum(x, o),
  arrayEqual: (o) => mx.arrayEqual(x, x, o),
  isclose: (o) => mx.isclose(x, x, o),
  allclose: (o) => mx.allclose(x, x, o),
  diagonal: (o) => mx.diagonal(x, o),
  searchsorted: (o) => mx.searchsorted(mx.array([1, 2]), x, o),
  unique: (o) => mx.unique(x, 2, o),
  vecdot: (o) => mx.vecdot(x, x, o),
  addmm: (o) => mx.addmm(mx.ones([2, 2]), x, x.T, o),
  blockMaskedMm: (o) => mx.blockMaskedMm(mx.ones([64, 64]), mx.ones([64, 64]), o),
  gatherMm: (o) => mx.gatherMm(x, x.T, o),
  hadamardTransform: (o) => mx.hadamardTransform(x, o),
  trace: (o) => mx.trace(x, o),
  flatten: (o) => mx.flatten(x, o),
  unstack: (o) => mx.unstack(x, o),
  meshgrid: (o) => mx.meshgrid([mx.array([1])], o),
  pad: (o) => mx.pad(x, 1, o),
  asStrided: (o) => mx.asStrided(x, [2], o),
  contiguous: (o) => mx.contiguous(x, o),
  linspace: (o) => mx.linspace(0, 1, 3, o),
  eye: (o) => mx.eye(3, o),
  tri: (o) => mx.tri(3, o),
  convolve: (o) => mx.convolve(mx.array([1, 2]), mx.array([1]), o),
  conv1d: (o) => mx.conv1d(mx.ones([1, 4, 2]), mx.ones([3, 2, 2]), o),
  conv2d: (o) => mx.conv2d(image, mx.ones([3, 2, 2, 2]), o),
  convTranspose1d: (o) => mx.convTranspose1d(mx.ones([1, 4, 2]), mx.ones([3, 2, 2]), o),
  convGeneral: (o) => mx.convGeneral(image, mx.ones([3, 2, 2, 2]), o),
  quantize: (o) => mx.quantize(w, o),
  dequantize: (o) => mx.dequantize(packed, scales, o),
  quantizedMatmul: (o) => mx.quantizedMatmul(w, packed, scales, o),
  gatherQmm: (o) => mx.gatherQmm(w, packed, scales, o),
  qqmm: (o) => mx.qqmm(w, packed, o),
  gatherQqmm: (o) => mx.gatherQqmm(w, packed, o),
  "fft.fft": (o) => mx.fft.fft(x, 4, -1, o),
  "fft.fftn": (o) => mx.fft.fftn(x, null, null, o),
  "fft.fftfreq": (o) => mx.fft.fftfreq(4, o),
  "fft.rfftfreq": (o) => mx.fft.rfftfreq(4, o),
  "fft.stft": (o) => mx.fft.stft(mx.ones([4096]), o),
  "fft.istft": (o) => mx.fft.istft(mx.ones([5, 4]), o),
  "linalg.norm": (o) => mx.linalg.norm(x, null, null, o),
  "linalg.svd": (o) => mx.linalg.svd(x, o),
  "linalg.triInv": (o) => mx.linalg.triInv(mx.eye(2), o),
  "linalg.cholesky": (o) => mx.linalg.cholesky(mx.eye(2), o),
  "linalg.choleskyInv": (o) => mx.linalg.choleskyInv(mx.eye(2), o),
  "linalg.solveTriangular": (o) => mx.linalg.solveTriangular(mx.eye(2), mx.eye(2), o),
  "linalg.eigh": (o) => mx.linalg.eigh(mx.eye(2), o),
  "linalg.eigvalsh": (o) => mx.linalg.eigvalsh(mx.eye(2), o),
  "random.uniform": (o) => mx.random.uniform(0, 1, [2], null, o),
  "random.bernoulli": (o) => mx.random.bernoulli(0.5, [2], o),
  "random.permutation": (o) => mx.random.permutation(4, 0, o),
  "random.normal": (o) => mx.random.normal([2], null, o),
  "random.categorical": (o) => mx.random.categorical(x, -1, null, o),
  "random.laplace": (o) => mx.random.laplace([2], null, o),
  "fast.rope": (o) => mx.fast.rope(none, 4, o),
  "fast.scaledDotProductAttention": (o) =>
    mx.fast.scaledDotProductAttention(none, none, none, beside({ scale: 1 }, o)),
  "fast.gatedDeltaUpdate": (o) =>
    mx.fast.gatedDeltaUpdate(none, none, none, mx.ones([1, 1, 2]), mx.ones([1, 1, 2]), o),
  "fast.metalKernel": (o) => mx.fast.metalKernel("f", [], ["y"], "", o),
  "fast.cudaKernel": (o) => mx.fast.cudaKernel("f", [], ["y"], "", o),
  load: (o) => mx.load(new Uint8Array(), o),
  saveSafetensors: (o) => mx.saveSafetensors({ write: () => undefined }, { x }, o),
  "distributed.isAvailable": (o) => mx.distributed.isAvailable(o),
  "distributed.init": (o) => mx.distributed.init(o),
  "distributed.Group.split": (o) => mx.distributed.init().split(0, o),
  "distributed.allSum": (o) => mx.distributed.allSum(x, o),
  vmap: (o) => mx.vmap((a: mx.array) => a, o),
  compile: (o) => mx.compile((a: mx.array) => a, o),
  exporter: (o) => mx.exporter(join(folder, "g.mlxfn"), (a) => a as mx.array, o).close(),
  importFunction: (o) => mx.importFunction(exported, o),
  pipeline: (o) => mx.pipeline(() => undefined, o),
};

/** Tables of what is called where there is no such call here. */
const elsewhere = ["kernel", "compileOptions", "fast.precompiledCudaKernel", "toBeCloseToArray"];

const own = tables.filter(({ folder }) => folder !== "lm");
const ofCore = (folder: string) => folder === "core";

test("there is a call for every table", () => {
  for (const core of [true, false]) {
    const names = Object.keys(core ? coreCalls : calls).filter((name) => !(name in shared));
    const found = own.filter((x) => ofCore(x.folder) === core && !elsewhere.includes(x.name));
    expect(found.map(({ name }) => name).sort()).toEqual(names.sort());
  }
});

/** Calls that show a default which no table has, as it depends on more. */
const dependent: Record<string, (options: object) => mx.array> = {
  "fast.rope.base": (o) => mx.fast.rope(mx.ones([1, 2, 4]), 4, o),
  "random.normal.loc": (o) => mx.random.normal([3], null, { key: mx.random.key(0), ...o }),
  "random.normal.scale": (o) => mx.random.normal([3], null, { key: mx.random.key(0), ...o }),
  "fft.stft.onesided": (o) => mx.abs(mx.fft.stft(mx.ones([2048]), { center: false, ...o })),
};

/** The text of an option in the table of a function. */
function textOf(path: string): string {
  const table = own.find(({ name }) => path.startsWith(`${name}.`));
  return table?.texts.get(path.slice(table.name.length + 1)) ?? "";
}

test.each(Object.entries(dependent))("the text of %s says what it is by default", (path, call) => {
  const option = path.split(".").at(-1) as string;
  const value = valueIn(textOf(path));
  const other = typeof value === "boolean" ? !value : (value as number) + 1;
  expect(call({ [option]: value }).tolist()).toEqual(call({}).tolist());
  expect(call({ [option]: other }).tolist()).not.toEqual(call({}).tolist());
});

test.each(["affine", "mxfp4", "mxfp8", "nvfp4"] as const)(
  "texts say the group size and the bits of the mode %s",
  (mode) => {
    const said = (option: string) => {
      const text = textOf(`quantizedMatmul.${option}`);
      const own = [...text.matchAll(/(\d+) for ([^;,.]*)/g)].find(([, , modes]) =>
        modes?.includes(`"${mode}"`),
      );
      return Number(own?.[1] ?? valueIn(text));
    };
    const [packed, scales] = mx.quantize(mx.ones([1, 128]), { mode });
    const format = [128 / scales.dim(1), (packed.dim(1) * 32) / 128];
    expect([said("groupSize"), said("bits")]).toEqual(format);
    const { groupSize, bits } = new nn.QuantizedLinear(128, 1, { mode });
    expect([groupSize, bits]).toEqual(format);
  },
);

test("texts say the defaults that the tables have", () => {
  // A number that reads better otherwise, one that stands for what depends on more, and what the losses say.
  const otherwise = ["averageGradients.allReduceSize", "distributed.Group.split.key"];
  const wrong = wrongTexts(own, [...otherwise, ...Object.keys(dependent)]);
  // What quantized layers say of their modes is tested below.
  const known =
    /^losses.*reduction: |^(\w*[qQ]uantize\w*|QQLinear|gatherQ?qmm|gatherQmm|qqmm)\.(groupSize|bits): /;
  expect(wrong.filter((text) => !known.test(text))).toEqual([]);
});

test("texts say the defaults that parameters have", () => {
  expect(parameters.length).toBeGreaterThan(20);
  // An empty shape may stand for what other arguments broadcast to.
  const said = parameters.filter(({ text, value }) => /default/.test(text) && value !== "[]");
  expect(said.filter(({ value, text }) => !says(text, value))).toEqual([]);
});

const all = [calls, coreCalls].flatMap((some) => Object.entries(some));

describe.each(all)("%s", (fn, call) => {
  const name = shared[fn] ?? fn;
  const core = coreCalls[fn] === call;
  const table = own.find((x) => ofCore(x.folder) === core && x.name === name);
  testOptions(fn, call, table as Table);
});
