/**
 * Golden values: reads test/golden/<family>.json, which Python's MLX wrote (see
 * reference/), makes the calls of its cases and compares the results.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as mlx from "mlx-js";
import { beforeAll, describe, expect, test } from "vitest";
import { programs } from "./programs.js";

const { mx } = mlx;

type Json = null | boolean | number | string | Json[] | JsonRecord;
interface JsonRecord {
  [key: string]: Json;
}

interface ArrayJson {
  dtype: string;
  shape: number[];
  data: (number | string | [number | string, number | string])[];
}

/** Where the values are; fresh ones are elsewhere. */
export const goldenFolder =
  process.env["MLX_TEST_GOLDEN"] ?? join(import.meta.dirname ?? __dirname, "..", "golden");

/** What JSON has no words for; the first key says what it is. */
interface Tagged {
  $array?: ArrayJson;
  transpose?: number[];
  broadcast?: number[];
  slice?: string[];
  $dtype?: string;
  $category?: string;
  $slice?: (number | null)[];
  $complex?: [number, number];
  $bigint?: string;
  $number?: string;
  $undefined?: true;
  /** The result of a call; an object, if the name is that of a class. */
  $call?: string;
  $function?: string;
  args?: Json[];
  options?: JsonRecord;
}

function tagged(json: JsonRecord): Tagged | undefined {
  return Object.keys(json)[0]?.startsWith("$") ? (json as Tagged) : undefined;
}

/** A case as it is in the file: which keys it has says of which kind it is. */
export interface Case {
  // A call of a function: mx.name(...args, options), also as a method of its first argument.
  name?: string;
  args?: Json[];
  options?: JsonRecord;
  /** The global state's seed before the call. */
  seed?: number;
  /** How often to call; the results are a list. */
  repeat?: number;
  /** Arguments for the function that the call returns. */
  then?: Json[];

  /** What the call is transformed by, as a function of the arrays in `args`. */
  transform?: "vmap" | "jvp" | "vjp";
  /** Of `vmap`. */
  axes?: JsonRecord;
  /** The tangents or cotangents. */
  along?: Json[];

  // A program of support/programs.ts, called with the inputs.
  program?: string;

  /** A model of support/learning.ts that learns: how many steps, of how many rows each. */
  learn?: string;
  steps?: number;
  size?: number;

  // A layer: new nn.layer(...args, options), with these weights, called with the inputs.
  layer?: string;
  weights?: Record<string, Json>;
  inputs?: Json[];
  forwardOptions?: JsonRecord;
  method?: string;
  training?: boolean;
  /** Whether it is called by way of `nn.checkpoint`. */
  light?: boolean;
  grads?: {
    of: "sin" | "softmax";
    cotangent: Json;
    inputs?: Record<string, Json>;
    /** Of the arrays in `forwardOptions`. */
    options?: Record<string, Json>;
    weights?: Record<string, Json>;
  };
  /** The weights after the call. */
  after?: Record<string, Json>;

  // An optimizer: new optim.optimizer(...args, options), a step for each of the gradients.
  optimizer?: string;
  parameters?: Json;
  gradients?: Json[];
  state?: Record<string, Json>;

  // An index: get, set, or an update by x.at(...).
  index?: string;
  array?: Json;
  indices?: Json[];
  value?: Json;

  // Attention with ALiBi: queries, keys and values.
  attention?: Json[];
  scale?: number;
  offset?: number;
  mask?: Json;

  // A file: who wrote it, its bytes in base64, and what else is in it.
  file?: string;
  format?: string;
  bytes?: string;
  metadata?: Record<string, Json> | string;
  /** What the function of an exported file gives. */
  calls?: { args: Json[]; expect: Json }[];

  expect?: Json;
  /** MLX's text, or true where the words are those of Python's own layer. */
  throws?: string | true;
  /** True for what is of the CPU only, such as what only it refuses. */
  cpu?: boolean;
  /** The values must be equal to the last bit. */
  exact?: boolean;
  /** How far floats may be apart, relatively and absolutely. */
  tolerance?: number;
}

interface File {
  mlx: string;
  family: string;
  cases: Case[];
}

// biome-ignore lint/suspicious/noExplicitAny: what is called is only known from the data
type Any = any;

const onGpu = process.env["MLX_TEST_DEVICE"] === "gpu";

/** The names of all files: `shape`, `nn/linear`. */
export function goldenFamilies(): string[] {
  const files = readdirSync(goldenFolder, { recursive: true, encoding: "utf8" });
  return files.flatMap((file) => /^(.*)\.json$/.exec(file)?.[1] ?? []).sort();
}

function read(family: string): File {
  const path = join(goldenFolder, `${family}.json`);
  return JSON.parse(readFileSync(path, "utf8")) as File;
}

/** The cases of a family that this device can run. */
export function cases(family: string): Case[] {
  const { cases } = read(family);
  // The GPU has no float64.
  return onGpu ? cases.filter((c) => !c.cpu && !JSON.stringify(c).includes('"float64"')) : cases;
}

// From JSON to what the functions take.

const roots: Record<string, Any> = {
  nn: (mlx as Any).nn,
  optimizers: (mlx as Any).optim,
};

/** What a dotted name stands for, and the object that it is a member of. */
function lookup(name: string): { owner: Any; fn: Any } {
  const path = name.split(".");
  const root = roots[path[0] as string];
  let owner: Any = root === undefined ? mx : root;
  for (const part of path.slice(root === undefined ? 0 : 1, -1)) {
    owner = owner?.[part];
  }
  const fn = owner?.[path.at(-1) as string];
  if (typeof fn !== "function") {
    throw new Error(`there is no ${name}`);
  }
  return { owner, fn };
}

const typedArrays: Record<string, new (values: number[]) => Any> = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float64: Float64Array,
};

/** An array of exactly these values. */
export function decodeArray({ dtype, shape, data }: ArrayJson): mlx.mx.array {
  const to = (mx as Any)[dtype] as mlx.mx.Dtype;
  if (data.length === 0) {
    return mx.zeros(shape, to);
  }
  let flat: mlx.mx.array;
  if (dtype === "complex64") {
    flat = mx.view(mx.array(Float32Array.from(data.flat().map(Number))), mx.complex64);
  } else if (dtype === "int64") {
    flat = mx.array(BigInt64Array.from((data as number[]).map(BigInt)), to);
  } else if (dtype === "uint64") {
    flat = mx.array(BigUint64Array.from((data as number[]).map(BigInt)), to);
  } else {
    flat = mx.array(new (typedArrays[dtype] ?? Float32Array)(data.map(Number)), to);
  }
  return mx.reshape(flat, shape);
}

/** A value of a case as the functions take it. */
export function decode(json: Json): Any {
  if (typeof json !== "object" || json === null) {
    return json;
  }
  if (Array.isArray(json)) {
    return json.map(decode);
  }
  const tag = tagged(json);
  if (tag === undefined) {
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, decode(value)]));
  }
  if (tag.$array) {
    const base = decodeArray(tag.$array);
    // Views, so that arrays that are not contiguous come up.
    if (tag.transpose) {
      return mx.transpose(base, tag.transpose);
    }
    if (tag.broadcast) {
      return mx.broadcastTo(base, tag.broadcast);
    }
    return tag.slice ? (base as Any).get(...tag.slice) : base;
  }
  if (tag.$call) {
    const { owner, fn } = lookup(tag.$call);
    const args = argumentsOf(tag);
    return /\.[A-Z]\w*$/.test(tag.$call) ? Reflect.construct(fn, args) : fn.call(owner, ...args);
  }
  if (tag.$function) {
    return lookup(tag.$function).fn;
  }
  if (tag.$slice) {
    return new (mx as Any).Slice(...tag.$slice.map((x) => x ?? undefined));
  }
  if (tag.$complex) {
    const [re, im] = tag.$complex;
    return { re, im };
  }
  if (tag.$bigint) {
    return BigInt(tag.$bigint);
  }
  if (tag.$number) {
    return Number(tag.$number);
  }
  const name = tag.$dtype ?? tag.$category;
  return name === undefined ? undefined : (mx as Any)[name];
}

function argumentsOf(c: { args?: Json[]; options?: JsonRecord }): Any[] {
  const args = (c.args ?? []).map(decode);
  const given = c.options !== undefined && Object.keys(c.options).length > 0;
  return given ? [...args, decode(c.options as JsonRecord)] : args;
}

// Comparing.

interface Tolerance {
  rtol: number;
  atol: number;
}

const tolerances: Record<string, Tolerance> = {
  float16: { rtol: 1e-3, atol: 1e-3 },
  bfloat16: { rtol: 8e-3, atol: 8e-3 },
  float32: { rtol: 1e-5, atol: 2e-6 },
  float64: { rtol: 1e-12, atol: 1e-12 },
  complex64: { rtol: 1e-5, atol: 2e-6 },
};
const exactly: Tolerance = { rtol: 0, atol: 0 };

function toleranceOf(dtype: string, c: Case): Tolerance {
  const usual = tolerances[dtype];
  if (usual === undefined || c.exact) {
    return exactly;
  }
  const rtol = Math.max(usual.rtol, c.tolerance ?? 0);
  const atol = Math.max(usual.atol, c.tolerance ?? 0);
  // Other kernels sum in another order.
  return onGpu ? { rtol: 10 * rtol, atol: 10 * atol } : { rtol, atol };
}

type Value = number | bigint;

/** The values of an array, row-major, without loss; a complex one as two. */
function valuesOf(x: mlx.mx.array): ArrayLike<Value> {
  const half = x.dtype === mx.float16 || x.dtype === mx.bfloat16;
  return (half ? x.astype(mx.float32) : x).toTypedArray() as ArrayLike<Value>;
}

function close(a: Value, b: Value, { rtol, atol }: Tolerance): boolean {
  if (a === b) {
    return true; // infinities and zeros of either sign, too
  }
  if (typeof a === "bigint" || typeof b === "bigint") {
    return false;
  }
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number.isNaN(a) && Number.isNaN(b);
  }
  return Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

/** The index of the n-th element, as one writes it. */
function indexOf(n: number, shape: number[]): string {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index.unshift(n % size);
    n = Math.floor(n / size);
  }
  return `[${index.join(", ")}]`;
}

function arrayDifference(actual: unknown, expected: ArrayJson, c: Case): string | undefined {
  if (!(actual instanceof (mx.array as Any))) {
    return `expected an array, received ${describeValue(actual)}`;
  }
  const x = actual as mlx.mx.array;
  const { dtype, shape } = expected;
  const received = `${x.dtype}[${x.shape}]`;
  if (`${dtype}[${shape}]` !== received) {
    return `expected ${dtype}[${shape}], received ${received}`;
  }
  const complex = dtype === "complex64";
  const wide = dtype === "int64" || dtype === "uint64";
  // The file has the shortest decimal that float32 rounds to the value.
  const single = complex || (dtype.includes("float") && dtype !== "float64");
  const parse = wide ? BigInt : single ? (v: number | string) => Math.fround(Number(v)) : Number;
  const want: Value[] = expected.data.flat().map((v) => parse(v));
  const got = valuesOf(x);
  const tolerance = toleranceOf(dtype, c);
  const wrong = want.map((_, i) => i).filter((i) => !near(i));
  if (wrong.length === 0) {
    return undefined;
  }
  const first = wrong[0] as number;
  const at = indexOf(complex ? first >> 1 : first, shape);
  const part = complex ? (first % 2 === 0 ? " (real part)" : " (imaginary part)") : "";
  return (
    `${wrong.length} of ${want.length} values differ, the first at ${at}${part}: ` +
    `expected ${want[first]}, received ${got[first]}`
  );

  function near(i: number): boolean {
    if (complex) {
      // Each part to the precision of the whole.
      const size = Math.hypot(Number(want[i & ~1]), Number(want[i | 1]));
      if (Number.isFinite(size)) {
        return close(got[i] as Value, want[i] as Value, {
          rtol: 0,
          atol: tolerance.atol + tolerance.rtol * size,
        });
      }
    }
    return close(got[i] as Value, want[i] as Value, tolerance);
  }
}

function describeValue(x: unknown): string {
  return typeof x === "string" ? JSON.stringify(x) : String(x);
}

/** What is different, in words, or undefined. */
export function difference(actual: unknown, expected: Json, c: Case = {}): string | undefined {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      const received = Array.isArray(actual) ? `one of ${actual.length}` : describeValue(actual);
      return `expected a list of ${expected.length}, received ${received}`;
    }
    return firstOf(expected.map((e, i) => [`[${i}]`, difference(actual[i], e, c)]));
  }
  if (typeof expected === "object" && expected !== null) {
    const tag = tagged(expected);
    if (tag?.$array) {
      return arrayDifference(actual, tag.$array, c);
    }
    if (tag === undefined) {
      const record = actual as Record<string, unknown> | undefined;
      return firstOf(
        Object.entries(expected).map(([k, e]) => [`.${k}`, difference(record?.[k], e, c)]),
      );
    }
  }
  const want = decode(expected);
  return Object.is(actual, want)
    ? undefined
    : `expected ${describeValue(want)}, received ${describeValue(actual)}`;
}

function firstOf(found: [string, string | undefined][]): string | undefined {
  const wrong = found.find(([, text]) => text !== undefined);
  return wrong && `${wrong[0]}: ${wrong[1]}`;
}

/**
 * Compares a result with an expected value of a file: dtype, shape and values,
 * floats within the tolerance of their dtype. Throws with the first difference.
 */
export function compare(actual: unknown, expected: Json, c: Case = {}): void {
  const found = difference(actual, expected, c);
  if (found !== undefined) {
    expect.fail(found);
  }
}

/** All arrays of a tree or module state by path, in Python's spelling. */
function flatten(tree: unknown, path = ""): Record<string, unknown> {
  if (tree instanceof (mx.array as Any) || typeof tree !== "object" || tree === null) {
    return { [path]: tree };
  }
  const snake = (key: string) => key.replace(/(?!^)[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return Object.assign(
    {},
    ...Object.entries(tree).map(([k, v]) => flatten(v, path ? `${path}.${snake(k)}` : snake(k))),
  );
}

function compareFlat(actual: unknown, expected: Record<string, Json>, c: Case): void {
  const flat = flatten(actual);
  expect(Object.keys(flat).sort()).toEqual(Object.keys(expected).sort());
  compare(flat, expected, c);
}

// Running.

// The words of a check of our own, which may come before MLX's.
const ourVoice = /^\[[\w.]+\] ([^:]+: )?[Ee]xpected /;

function expectError(run: () => unknown, text: string | true): void {
  let thrown: unknown;
  try {
    mx.eval(run() as Any);
  } catch (error) {
    thrown = error;
  }
  expect(thrown, "the call did not throw").toBeInstanceOf(Error);
  const { message } = thrown as Error;
  expect(message).toMatch(/^\[[\w.:]+\] /);
  if (text !== true && !ourVoice.test(message)) {
    // Some of MLX's words name no function, and get it here.
    expect(text.startsWith("[") ? message : message.replace(/^\[.*?\] /, "")).toBe(text);
  }
}

function check(run: () => unknown, c: Case): void {
  if (c.throws !== undefined) {
    expectError(run, c.throws);
  } else {
    compare(run(), c.expect as Json, c);
  }
}

function runCall(c: Case): void {
  const name = c.name as string;
  const { owner, fn } = lookup(name);
  const call = (): unknown => {
    const result = fn.call(owner, ...argumentsOf(c));
    return c.then ? result(...c.then.map(decode)) : result;
  };
  const seeded = (): unknown => {
    if (c.seed !== undefined) {
      mx.random.seed(c.seed);
    }
    return c.repeat ? Array.from({ length: c.repeat }, call) : call();
  };
  check(seeded, c);
  // The method does the same.
  const [receiver, ...rest] = argumentsOf(c);
  // Names that are no methods here have getters, which say what to write.
  const method = Object.getOwnPropertyDescriptor(mx.array.prototype, name)?.value;
  if (receiver instanceof (mx.array as Any) && method !== undefined) {
    check(() => receiver[name](...rest), c);
  }
}

// A case's call as a function of the arrays in it, and these arrays.
function functionOf(c: Case): { f: (...xs: mlx.mx.array[]) => Any; arrays: mlx.mx.array[] } {
  const arrays: mlx.mx.array[] = [];
  const walk = (x: Any, met: (x: mlx.mx.array) => Any): Any => {
    if (x instanceof (mx.array as Any)) {
      return met(x);
    }
    if (Array.isArray(x)) {
      return x.map((y) => walk(y, met));
    }
    return x !== null && typeof x === "object" && Object.getPrototypeOf(x) === Object.prototype
      ? Object.fromEntries(Object.entries(x).map(([key, y]) => [key, walk(y, met)]))
      : x;
  };
  const args =
    c.index === undefined
      ? argumentsOf(c)
      : [c.array, c.indices ?? [], c.value].map((x) => decode(x ?? null));
  walk(args, (x) => arrays.push(x));
  const call = c.index === undefined ? lookup(c.name as string) : undefined;
  const f = (...xs: mlx.mx.array[]): Any => {
    let next = 0;
    const given: [Any, ...Any[]] = walk(args, () => xs[next++]);
    return call ? call.fn.apply(call.owner, given) : indexed(c.index as string, ...given);
  };
  return { f, arrays };
}

/** The families of functions of arrays. */
export const families = [
  ...["arithmetic", "comparison", "convolution", "creation", "fast", "fft", "indexing"],
  ...["linalg", "product", "quantization", "reduction", "shape", "sorting"],
];

/** A call that gives arrays, as a function of those in its arguments. */
export interface Call {
  title: string;
  name: string;
  call: (...xs: mlx.mx.array[]) => mlx.mx.array[];
  arrays: mlx.mx.array[];
}

/** The calls of a family that take and give arrays, and do not throw. */
export function* callsOf(family: string): Generator<Call> {
  for (const c of cases(family)) {
    const plain = c.transform === undefined && c.seed === undefined && c.then === undefined;
    if (c.throws !== undefined || !plain || (c.name ?? c.index) === undefined) {
      continue;
    }
    const { f, arrays } = functionOf(c);
    const call = (...xs: mlx.mx.array[]) => [f(...xs)].flat(2);
    const isArray = (x: unknown) => x instanceof (mx.array as Any);
    if (arrays.length > 0 && call(...arrays).every(isArray)) {
      yield { title: titleOf(c), name: c.name ?? `index.${c.index}`, call, arrays };
    }
  }
}

function runTransform(c: Case): void {
  const { f, arrays } = functionOf(c);
  check(
    () =>
      c.transform === "vmap"
        ? mx.vmap(f, decode(c.axes as JsonRecord))(...arrays)
        : mx[c.transform as "jvp" | "vjp"](f, arrays, (c.along ?? []).map(decode)),
    c,
  );
}

function runProgram(c: Case): void {
  const inputs = (c.inputs ?? []).map(decode);
  check(() => programs[c.program as string]?.(...inputs), c);
}

/** The cases of layers, each with its layer's name. */
export function layerCases(): (Case & { layer: string })[] {
  const all = goldenFamilies().flatMap((family) => (family.startsWith("nn/") ? cases(family) : []));
  return all.filter((c): c is Case & { layer: string } => c.layer !== undefined);
}

/** What makes each layer that has a case, with what its constructor requires there. */
export function layerMakers(): Record<string, (options?: object) => Any> {
  const sound = layerCases().filter((c) => c.throws === undefined);
  return Object.fromEntries(
    sound.reverse().map(({ layer, args }) => {
      const Layer = lookup(`nn.${layer}`).fn;
      return [layer, (options) => new Layer(...argumentsOf({ args: args ?? [] }), options)];
    }),
  );
}

/** The inputs of a case of a layer. */
export function inputsOf(c: Case): Any[] {
  return (c.inputs ?? []).map(decode);
}

/** The layer of a case, with its weights. */
export function makeLayer(c: Case): Any {
  const { fn: Layer } = lookup(`nn.${c.layer}`);
  // The mode comes first: in evaluation, QQLinear's weights are quantized ones.
  const layer = new Layer(...argumentsOf(c)).train(c.training ?? true);
  if (c.weights) {
    layer.loadWeights(Object.entries(decode(c.weights)));
  }
  return layer;
}

function runLayer(c: Case): void {
  const inputs = inputsOf(c);
  const options = c.forwardOptions ? [decode(c.forwardOptions)] : [];
  if (c.throws !== undefined) {
    expectError(() => makeLayer(c).forward(...inputs, ...options), c.throws);
    return;
  }
  const layer = makeLayer(c);
  const forward: (...xs: Any[]) => Any = c.light
    ? (mlx as Any).nn.checkpoint(layer)
    : (...xs) => layer[c.method ?? "forward"](...xs);
  if (c.seed !== undefined) {
    mx.random.seed(c.seed);
  }
  compare(forward(...inputs, ...options), c.expect as Json, c);
  if (c.after) {
    compareFlat(layer.parameters(), c.after, c);
  }
  if (c.grads) {
    checkGradients(c, layer, forward, [...inputs, ...options]);
  }
}

/** The gradients of sum(sin(output) * cotangent), or of softmax. */
function checkGradients(c: Case, layer: Any, forward: (...xs: Any[]) => Any, args: Any[]): void {
  const { of, cotangent, ...expected } = c.grads as NonNullable<Case["grads"]>;
  const weights: Any[] = [decode(cotangent)].flat();
  const loss = (...xs: Any[]) => {
    if (c.seed !== undefined) {
      mx.random.seed(c.seed);
    }
    const outputs: Any[] = [forward(...xs)].flat();
    return outputs
      .map((y, i) =>
        mx.sum(mx.multiply(of === "softmax" ? mx.softmax(y, -1) : mx.sin(y), weights[i])),
      )
      .reduce((total, y) => mx.add(total, y));
  };
  // Sums of many products lose a digit.
  const looser = { ...c, exact: false, tolerance: Math.max(c.tolerance ?? 0, 3e-5) };
  if (expected.inputs) {
    const places = Object.keys(expected.inputs).map(Number);
    const gradients = (mx.grad as Any)(loss, places)(...args);
    const list = Array.isArray(gradients) ? gradients : [gradients];
    compare(list, Object.values(expected.inputs), looser);
  }
  for (const [name, gradient] of Object.entries(expected.options ?? {})) {
    const options = args.at(-1);
    const ofOption = (x: Any) => loss(...args.slice(0, -1), { ...options, [name]: x });
    compare(mx.grad(ofOption)(options[name]), gradient, looser);
  }
  if (expected.weights) {
    const [, gradients] = (mlx as Any).nn.valueAndGrad(layer, loss)(...args);
    compareFlat(gradients, expected.weights, looser);
  }
}

function runOptimizer(c: Case): void {
  const { fn: Optimizer } = lookup(`optimizers.${c.optimizer}`);
  const optimizer = new Optimizer(...argumentsOf(c));
  let parameters = decode(c.parameters as Json);
  (c.gradients ?? []).forEach((gradients, i) => {
    parameters = optimizer.applyGradients(decode(gradients), parameters);
    compare(parameters, (c.expect as Json[])[i] as Json, c);
  });
  compareFlat(optimizer.state, c.state ?? {}, c);
}

/** What an index gives: of `get`, `set` or an update by `x.at(...)`. */
function indexed(kind: string, x: Any, indices: Any[] = [], value?: Any): Any {
  if (kind === "get") {
    return x.get(...indices);
  }
  if (kind === "set") {
    const out = mx.multiply(x, mx.ones([], x.dtype));
    out.set(indices, value);
    return out;
  }
  return x.at(...indices)[kind](value);
}

function runIndex(c: Case): void {
  check(() => {
    const [x, indices, value] = [c.array, c.indices, c.value].map((y) => decode(y ?? null));
    if (c.index === "set") {
      x.set(indices ?? [], value);
      return x;
    }
    return indexed(c.index as string, x, indices ?? [], value);
  }, c);
}

/** Attention step by step, and the fused one with ALiBi's matrix as its mask. */
function runAttention(c: Case): void {
  const { nn } = mlx as Any;
  const [q, k, v] = (c.attention ?? []).map(decode);
  const [, heads, queries] = q.shape;
  const keys = k.shape[2];
  const { scale = 1, offset = 0 } = c;
  const keep = c.mask === undefined ? undefined : decode(c.mask);
  const scores = mx.multiply(mx.matmul(q, mx.swapaxes(k, -1, -2)), scale);
  const biased = new nn.ALiBi().forward(scores, { offset, ...(keep && { mask: keep }) });
  compare(mx.matmul(mx.softmax(biased, -1, { precise: true }), v), c.expect as Json, c);
  let mask = nn.ALiBi.createAlibiMatrix(queries + offset, keys, heads, offset, q.dtype);
  if (keep) {
    mask = mx.where(keep, mask, Number.NEGATIVE_INFINITY);
  }
  compare(mx.fast.scaledDotProductAttention(q, k, v, { scale, mask }), c.expect as Json, c);
}

function checkFunction(c: Case, path: string): void {
  const [fn, metadata] = mx.importFunction(path, { returnMetadata: true });
  expect(metadata).toBe(c.metadata);
  for (const { args, expect } of c.calls ?? []) {
    compare(fn(...args.map(decode)), expect, c);
  }
}

/** A file, by its name and from memory. */
function runFile(c: Case): void {
  const { format, metadata } = c;
  const bytes = Buffer.from(c.bytes as string, "base64");
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-golden-"));
  const path = join(folder, `file.${format}`);
  writeFileSync(path, bytes);
  try {
    if (c.calls) {
      checkFunction(c, path);
      return;
    }
    for (const input of [path, bytes]) {
      const { load } = mx as Any;
      const arrays = load(input, { format });
      compare(arrays, c.expect as Json, c);
      if (format !== "npy") {
        expect(Object.keys(arrays).sort()).toEqual(Object.keys(c.expect as JsonRecord).sort());
      }
      if (metadata && typeof metadata === "object") {
        const [, found] = load(input, { format, returnMetadata: true });
        compare(found, metadata, c);
        expect(Object.keys(found).sort()).toEqual(Object.keys(metadata).sort());
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(c: Case): void {
  mx.tidy(() => {
    if (c.layer !== undefined) {
      runLayer(c);
    } else if (c.optimizer !== undefined) {
      runOptimizer(c);
    } else if (c.index !== undefined) {
      runIndex(c);
    } else if (c.transform !== undefined) {
      runTransform(c);
    } else if (c.program !== undefined) {
      runProgram(c);
    } else if (c.attention !== undefined) {
      runAttention(c);
    } else if (c.file !== undefined) {
      runFile(c);
    } else {
      runCall(c);
    }
  });
}

// What a test is called.

function show(json: Json): string {
  if (typeof json !== "object" || json === null) {
    return JSON.stringify(json);
  }
  if (Array.isArray(json)) {
    return `[${json.map(show).join(", ")}]`;
  }
  const tag = tagged(json);
  if (tag === undefined) {
    const entries = Object.entries(json).map(([key, value]) => `${key}: ${show(value)}`);
    return `{ ${entries.join(", ")} }`;
  }
  if (tag.$array) {
    const { $array, ...view } = tag;
    const how = Object.entries(view).map(([kind, value]) => ` ${kind} ${JSON.stringify(value)}`);
    return `${$array.dtype}[${$array.shape}]${how.join("")}`;
  }
  if (tag.$call) {
    return `${tag.$call}(${shown(tag)})`;
  }
  if (tag.$slice) {
    return `Slice(${tag.$slice.join(", ")})`;
  }
  return tag.$undefined ? "undefined" : String(Object.values(tag)[0]);
}

function shown(c: { args?: Json[]; options?: JsonRecord }): string {
  const args = (c.args ?? []).map(show);
  return (c.options ? [...args, show(c.options)] : args).join(", ");
}

/** The call, as one would write it, with dtypes and shapes for arrays. */
export function titleOf(c: Case): string {
  const inputs = [...(c.inputs ?? []), ...(c.forwardOptions ? [c.forwardOptions] : [])];
  if (c.layer !== undefined) {
    return `new ${c.layer}(${shown(c)}).${c.method ?? "forward"}(${inputs.map(show).join(", ")})`;
  }
  if (c.optimizer !== undefined) {
    return `new ${c.optimizer}(${shown(c)})`;
  }
  if (c.index !== undefined) {
    const indices = (c.indices ?? []).map(show).join(", ");
    const x = show(c.array ?? null);
    switch (c.index) {
      case "get":
        return `${x}.get(${indices})`;
      case "set":
        return `${x}.set([${indices}], ${show(c.value ?? null)})`;
      default:
        return `${x}.at(${indices}).${c.index}(${show(c.value ?? null)})`;
    }
  }
  if (c.attention !== undefined) {
    return `attention of ${c.attention.map(show).join(", ")}, offset ${c.offset}`;
  }
  if (c.file !== undefined) {
    return `${c.format} file: ${c.file}`;
  }
  if (c.program !== undefined) {
    return `${c.program}(${inputs.map(show).join(", ")})`;
  }
  if (c.transform !== undefined) {
    const how = show(c.axes ?? c.along ?? null);
    return `${c.transform} of ${c.name}(${shown(c)}), ${how}`;
  }
  const then = c.then ? `(${c.then.map(show).join(", ")})` : "";
  return `${c.name}(${shown(c)})${then}${c.seed === undefined ? "" : ` seed ${c.seed}`}`;
}

/**
 * Registers a test for each case of a family, or for those that `only` picks.
 *
 * @example
 * runGolden("nn/linear", (c) => c.layer === "Linear");
 */
export function runGolden(family: string, only: (c: Case) => boolean = () => true): void {
  const file = read(family);
  describe(`${family} as in Python's MLX ${file.mlx}`, () => {
    beforeAll(() => {
      mx.setDefaultDevice(onGpu ? mx.gpu : mx.cpu);
    });
    for (const c of cases(family).filter(only)) {
      const title = titleOf(c);
      test(title.length > 300 ? `${title.slice(0, 300)}…` : title, () => run(c));
    }
  });
}
