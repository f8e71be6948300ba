/** Layers whose weights are shared among processes. */
import { asArray } from "../../core/array/array.js";
import { isList } from "../../core/call/arguments.js";
import { mismatch, outOfRange } from "../../core/call/errors.js";
import { asCount, asInteger } from "../../core/call/numbers.js";
import { dtypeKind, flag, kindOf, nullable, oneOf, optionsOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { flattenArrays } from "../../core/transforms/structure.js";
import { treeMapWithPath } from "../../utils/tree.js";
import { asGroup, groupOption, inner, type SharedOptions } from "../distributed.js";
import { initial, linearMap } from "../layer.js";
import { type FreezeOptions, Module, type ModuleFilter, type ParameterTree } from "../module.js";
import { Linear } from "./linear.js";
import {
  formatOf,
  format as formatOptions,
  inputs,
  product,
  Quantized,
  QuantizedLinear,
  type QuantizedOptions,
} from "./quantized.js";

/**
 * The parts that a weight is made of, each of which is shared among the processes by itself. A
 * number says how many equal parts there are; a list says where the second part and the following
 * ones begin, in indices (`[64, 96]`) or, if not all numbers are whole, in fractions of the axis
 * (`[0.5, 0.75]`).
 */
export type Segments = number | readonly number[];

/** How a linear layer is shared: by its outputs, or by its inputs. */
export type Sharding = "all-to-sharded" | "sharded-to-all";

/**
 * Says how to share a parameter, given its path, such as `layers.0.weight`, and the array: along
 * which axis, and with which segments if there are several. null leaves it whole.
 */
export type ShardingPredicate = (
  path: string,
  weight: mx.array,
) => number | readonly [axis: number, segments: Segments] | null | undefined;

/**
 * Options of {@link shardLinear}, {@link shardInplace} and the methods that make a layer from
 * another.
 */
export interface ShardOptions extends SharedOptions {
  /** The parts of the weight, each of which is shared by itself. By default 1, the whole weight. */
  segments?: Segments | undefined;
}

/** Options of {@link AllToShardedLinear} and {@link ShardedToAllLinear}. */
export interface ShardedLinearOptions extends SharedOptions {
  /** Whether to add a bias. By default true. */
  bias?: boolean | undefined;
}

/** Options of {@link QuantizedAllToShardedLinear} and {@link QuantizedShardedToAllLinear}. */
export interface QuantizedShardedLinearOptions extends ShardedLinearOptions, QuantizedOptions {}

/** Options of {@link FullyShardedModule} and {@link fullyShard}. */
export interface FullyShardOptions extends SharedOptions {
  /**
   * The dtype that gathered parameters are cast to for the computation. By default they keep
   * theirs.
   */
  computeDtype?: mx.Dtype | null | undefined;
}

function asSegments(value: unknown, fn: string, param: string): Segments {
  if (isList(value)) {
    if (!value.every((place) => typeof place === "number")) {
      throw mismatch(fn, param, "an integer or a list of numbers", value);
    }
    const places = value as readonly number[];
    if (!places.every((place, i) => place >= (places[i - 1] ?? 0) && Number.isFinite(place))) {
      throw outOfRange(fn, param, "places in ascending order", value);
    }
    return places;
  }
  return asCount(value, fn, param);
}

const readShard = optionsOf<ShardOptions>()("shardLinear", {
  segments: kindOf(asSegments)(1),
  group: groupOption,
});

const readLinear = optionsOf<ShardedLinearOptions>()("AllToShardedLinear", {
  bias: flag(true),
  group: groupOption,
});

const readQuantized = optionsOf<QuantizedShardedLinearOptions>()("QuantizedAllToShardedLinear", {
  bias: flag(true),
  ...formatOptions,
  group: groupOption,
});

const readFully = optionsOf<FullyShardOptions>()("FullyShardedModule", {
  group: groupOption,
  computeDtype: nullable(dtypeKind()),
});

const { check: asSharding } = oneOf<Sharding>(
  ["all-to-sharded", "sharded-to-all"],
  "all-to-sharded",
);

/**
 * A function that returns its input and whose gradient is the sum of the gradients of all
 * processes. It is for a value that is the same in every process, where each process uses it in its
 * part of a computation. In a group of one it is the identity.
 *
 * Shoeybi et al., "Megatron-LM", arXiv 1909.08053, where it is called f.
 *
 * @example
 * const sum = nn.sumGradients(mx.distributed.init());
 * mx.grad((x) => sum(x).multiply(3))(mx.array(5))
 * // array(3, dtype=float32)
 */
export function sumGradients(group: mx.distributed.Group): (x: mx.array) => mx.array {
  if (asGroup(group, "sumGradients", "group").size() === 1) {
    return (x) => x;
  }
  return mx
    .customFunction((x: mx.array) => x)
    .vjp((_, cotangent) => mx.distributed.allSum(cotangent, { group }));
}

/** This process's share of a weight: of each of its segments, along an axis. */
function shareOf(
  weight: mx.array,
  axis: number,
  segments: Segments,
  group: mx.distributed.Group,
  fn: string,
  path: string,
): mx.array {
  const size = weight.shape.at(axis) as number;
  const wrong = (expected: string) => outOfRange(fn, path, expected, weight);
  let places: readonly number[];
  if (typeof segments === "number") {
    if (size % segments !== 0) {
      throw wrong(`an axis ${axis} that divides into ${segments} equal segments`);
    }
    places = inner(new Array<number>(segments).fill(size / segments));
  } else {
    places = segments.every(Number.isInteger)
      ? segments
      : segments.map((share) => Math.trunc(share * size));
    if ((places.at(-1) ?? 0) > size) {
      throw wrong(`an axis ${axis} of at least ${places.at(-1)}`);
    }
  }
  const processes = group.size();
  const bounds = [0, ...places, size];
  if (bounds.some((place) => (place - (bounds[0] as number)) % processes !== 0)) {
    throw wrong(`segments that divide among ${processes} processes, along axis ${axis}`);
  }
  const shares = mx
    .split(weight, places, axis)
    .map((part) => mx.split(part, processes, axis)[group.rank()] as mx.array);
  return mx.contiguous(mx.concatenate(shares, axis));
}

/** This process's share of parameters, which a predicate says how to share. */
function sharesOf(
  parameters: ParameterTree,
  sharding: ShardingPredicate,
  group: mx.distributed.Group,
  fn: string,
): ParameterTree {
  return treeMapWithPath((path, weight: mx.array) => {
    const found = sharding(path, weight);
    if (found === null || found === undefined) {
      return weight;
    }
    const param = `sharding's result for ${path}`;
    const [axis, segments] = isList(found) ? found : [found, 1];
    const along = asInteger(axis, fn, param);
    if (along >= weight.ndim || along < -weight.ndim) {
      throw outOfRange(fn, param, `an axis of ${weight.ndim}`, axis);
    }
    return shareOf(weight, along, asSegments(segments, fn, param), group, fn, path);
  }, parameters) as ParameterTree;
}

/** How the parameters of linear layers and of convolutions are shared. */
const predicates: Record<Sharding, (segments: Segments) => ShardingPredicate> = {
  "all-to-sharded": (segments) => (path, weight) =>
    path.endsWith("bias") ? [-1, segments] : [Math.max(weight.ndim - 2, 0), segments],
  "sharded-to-all": (segments) => (path) => (path.endsWith("bias") ? null : [-1, segments]),
};

/**
 * Replaces the parameters of a module, and of all inside, by this process's
 * shares. The module computes as before: putting the parts of results together is left to it, or to
 * modules inside that communicate.
 *
 * `"all-to-sharded"` shares weights by their outputs, the axis before the last,
 * and biases likewise; `"sharded-to-all"` shares weights by their inputs, the
 * last axis, and leaves biases whole. A function can decide for each parameter. With `segments`
 * every segment is shared by itself: if queries, keys and values are one weight of 3 segments, each
 * process has its share of all three.
 *
 * @throws RangeError, before anything is changed, where an axis or a segment does
 * not divide among the processes.
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 6), nn.relu, new nn.Linear(6, 4));
 * nn.shardInplace(model, (path) => (path.startsWith("layers.0") ? 0 : null));
 * model.layers[0].weight.shape // of N processes each has [6 / N, 4]
 * // [ 6, 4 ]
 */
export function shardInplace(
  module: Module,
  sharding: Sharding | ShardingPredicate,
  options?: ShardOptions,
): void {
  const fn = "shardInplace";
  if (!(module instanceof Module)) {
    throw mismatch(fn, "module", "an nn.Module", module);
  }
  const { segments, group } = readShard(options, fn);
  const predicate =
    typeof sharding === "function"
      ? sharding
      : predicates[asSharding(sharding, fn, "sharding")](segments);
  const parameters = module.parameters();
  module.update(sharesOf(parameters, predicate, group ?? mx.distributed.init(), fn));
}

/** The axis of the weight, of shape (outputs, inputs), that is shared. */
type SharedAxis = 0 | 1;

/** The shape of this process's share of a layer's weight. */
function shapeOfShare(
  fn: string,
  axis: SharedAxis,
  inputDims: number,
  outputDims: number,
  group: mx.distributed.Group,
): [rows: number, columns: number] {
  const inputs = asCount(inputDims, fn, "inputDims");
  const shape: [number, number] = [asCount(outputDims, fn, "outputDims"), inputs];
  const processes = group.size();
  if (shape[axis] % processes !== 0) {
    const expected = `a multiple of ${processes}, the number of processes`;
    throw outOfRange(fn, axis === 0 ? "outputDims" : "inputDims", expected, shape[axis]);
  }
  shape[axis] /= processes;
  return shape;
}

/** What the linear layers have in common; they differ in which axis is shared. */
abstract class ShardedLinear extends Module {
  readonly group: mx.distributed.Group;
  weight: mx.array;
  bias?: mx.array;
  readonly #axis: SharedAxis;

  constructor(
    fn: string,
    axis: SharedAxis,
    inputDims: number,
    outputDims: number,
    options: ShardedLinearOptions | undefined,
  ) {
    super();
    const { bias, group } = readLinear(options, fn);
    this.group = group ?? mx.distributed.init();
    this.#axis = axis;
    const shape = shapeOfShare(fn, axis, inputDims, outputDims, this.group);
    const uniform = initial(inputDims);
    this.weight = uniform(...shape);
    if (bias) {
      this.bias = uniform(shape[0]);
    }
  }

  protected override extraRepr(): string {
    const whole = [...this.weight.shape] as [number, number];
    whole[this.#axis] *= this.group.size();
    return `inputDims=${whole[1]}, outputDims=${whole[0]}, bias=${this.bias !== undefined}`;
  }
}

/** What a layer is made from: an `nn.Linear`, its dimensions and what else makes one like it. */
function partsOf(whole: Linear, fn: string) {
  if (!(whole instanceof Linear)) {
    throw mismatch(fn, "linearLayer", "an nn.Linear", whole);
  }
  const [outputDims, inputDims] = whole.weight.shape as [number, number];
  return { whole, inputDims, outputDims, how: { bias: whole.bias !== undefined } };
}

/** Makes a layer of a whole one, with this process's share of its parameters. */
function shared<How, L extends Module>(
  Layer: new (inputDims: number, outputDims: number, options: How & SharedOptions) => L,
  sharding: Sharding,
  parts: { whole: Module; inputDims: number; outputDims: number; how: How },
  options: ShardOptions | undefined,
  fn: string,
): L {
  const { segments, group: given } = readShard(options, fn);
  const group = given ?? mx.distributed.init();
  const { whole, inputDims, outputDims, how } = parts;
  const layer = new Layer(inputDims, outputDims, { ...how, group });
  const shares = sharesOf(whole.parameters(), predicates[sharding](segments), group, fn);
  (layer as Module).update(shares);
  return layer;
}

/**
 * A {@link Linear} layer of which each of N processes has the weights for its part of the outputs:
 * `weight` of shape (outputDims / N, inputDims) and `bias` of shape (outputDims / N). All processes
 * give the same input, (..., inputDims), and each gets its part of the result, (..., outputDims /
 * N). The gradient of the input is summed over all processes, so it is the whole layer's.
 *
 * If a {@link ShardedToAllLinear} follows, with only element-wise operations in between, nothing
 * has to be communicated between the two. Shoeybi et al., "Megatron-LM", arXiv 1909.08053.
 *
 * @throws RangeError if N does not divide `outputDims`.
 * @example
 * const layer = new nn.AllToShardedLinear(2, 4, { bias: false });
 * layer.forward(mx.ones([3, 2])).shape // of N processes each has [3, 4 / N]
 * // [ 3, 4 ]
 */
export class AllToShardedLinear extends ShardedLinear {
  constructor(inputDims: number, outputDims: number, options?: ShardedLinearOptions) {
    super("AllToShardedLinear", 0, inputDims, outputDims, options);
  }

  /**
   * A layer with this process's share of the weights of an `nn.Linear`, which all processes have.
   */
  static fromLinear(linearLayer: Linear, options?: ShardOptions): AllToShardedLinear {
    const fn = "AllToShardedLinear.fromLinear";
    return shared(AllToShardedLinear, "all-to-sharded", partsOf(linearLayer, fn), options, fn);
  }

  /** From (..., inputDims) to this process's part of (..., outputDims). */
  forward(x: mx.array): mx.array {
    const fn = "AllToShardedLinear.forward";
    return linearMap(sumGradients(this.group)(asArray(x, fn, "x")), this, fn);
  }
}

/**
 * A {@link Linear} layer of which each of N processes has the weights for its part of the inputs:
 * `weight` of shape (outputDims, inputDims / N), and all have the whole `bias`. Each process gives
 * its part of the input, (..., inputDims / N), and the products are summed over the processes,
 * which all get the whole result, (..., outputDims): `sum(x_i @ weight_i.T) + bias`. Shoeybi et
 * al., "Megatron-LM", arXiv 1909.08053.
 *
 * @throws RangeError if N does not divide `inputDims`.
 * @example
 * const whole = new nn.Linear(4, 2, { bias: false });
 * whole.update({ weight: mx.array([[1, 2, 3, 4], [5, 6, 7, 8]]) });
 * const layer = nn.ShardedToAllLinear.fromLinear(whole);
 * layer.forward(mx.ones([4])) // of N processes each gives [4 / N] and gets the same
 * // array([10, 26], dtype=float32)
 */
export class ShardedToAllLinear extends ShardedLinear {
  constructor(inputDims: number, outputDims: number, options?: ShardedLinearOptions) {
    super("ShardedToAllLinear", 1, inputDims, outputDims, options);
  }

  /**
   * A layer with this process's share of the weights of an `nn.Linear`, which all processes have.
   */
  static fromLinear(linearLayer: Linear, options?: ShardOptions): ShardedToAllLinear {
    const fn = "ShardedToAllLinear.fromLinear";
    return shared(ShardedToAllLinear, "sharded-to-all", partsOf(linearLayer, fn), options, fn);
  }

  /** From this process's part of (..., inputDims) to (..., outputDims), the same in all. */
  forward(x: mx.array): mx.array {
    const part = linearMap(x, { weight: this.weight }, "ShardedToAllLinear.forward");
    const sum = mx.distributed.allSum(part, { group: this.group });
    return this.bias === undefined ? sum : sum.add(this.bias);
  }
}

/** What the quantized layers have in common; they differ in which axis is shared. */
abstract class QuantizedShardedLinear extends Quantized {
  readonly group: mx.distributed.Group;
  weight: mx.array;
  scales: mx.array;
  biases?: mx.array | undefined;
  bias?: mx.array;
  readonly #axis: SharedAxis;

  constructor(
    fn: string,
    axis: SharedAxis,
    inputDims: number,
    outputDims: number,
    options: QuantizedShardedLinearOptions | undefined,
  ) {
    const { bias, group: given, ...format } = readQuantized(options, fn);
    const group = given ?? mx.distributed.init();
    const shape = shapeOfShare(fn, axis, inputDims, outputDims, group);
    const columns = shape[1] === inputDims ? "inputDims" : `inputDims / ${group.size()}`;
    super(formatOf(fn, columns, shape[1], format));
    this.group = group;
    this.#axis = axis;
    const weight = initial(inputDims)(...shape);
    [this.weight, this.scales, this.biases] = mx.quantize(weight, this.format);
    if (bias) {
      this.bias = mx.zeros([shape[0]]);
    }
    this.freeze();
  }

  /** Takes modules inside back into training; the parameters of this one stay frozen. */
  override unfreeze(options?: FreezeOptions): this {
    return super.unfreeze(options).freeze({ recurse: false });
  }

  protected override extraRepr(): string {
    const whole = [...this.weight.shape] as [number, number];
    whole[this.#axis] *= this.group.size();
    const sizes = `inputDims=${(whole[1] * 32) / this.bits}, outputDims=${whole[0]}`;
    return `${sizes}, bias=${this.bias !== undefined}, ${super.extraRepr()}`;
  }
}

/** The same for an `nn.QuantizedLinear`. */
function quantizedPartsOf(whole: QuantizedLinear, fn: string) {
  if (!(whole instanceof QuantizedLinear)) {
    throw mismatch(fn, "quantizedLinearLayer", "an nn.QuantizedLinear", whole);
  }
  const { groupSize, bits, mode, weight } = whole;
  const how = { bias: whole.bias !== undefined, groupSize, bits, mode };
  return { whole, inputDims: inputs(weight, bits), outputDims: weight.dim(0), how };
}

/**
 * An {@link AllToShardedLinear} with a quantized weight, as in {@link QuantizedLinear}: each of N
 * processes has `weight` of shape (outputDims / N, inputDims * bits / 32), `scales` and, for
 * `"affine"`, `biases` of (outputDims / N, inputDims / groupSize), and `bias` of (outputDims / N),
 * which begins at zero. Its parameters are frozen and stay so; gradients pass through it to the
 * layers before, summed over all processes. Shoeybi et al., "Megatron-LM", arXiv 1909.08053.
 *
 * @throws RangeError if N does not divide `outputDims`, if `inputDims` is not a
 * multiple of the group size, and for a group size or bits that the mode does not
 * have.
 * @example
 * const layer = new nn.QuantizedAllToShardedLinear(64, 4, { bits: 8 });
 * layer.forward(mx.ones([3, 64])).shape // of N processes each has [3, 4 / N]
 * // [ 3, 4 ]
 */
export class QuantizedAllToShardedLinear extends QuantizedShardedLinear {
  constructor(inputDims: number, outputDims: number, options?: QuantizedShardedLinearOptions) {
    super("QuantizedAllToShardedLinear", 0, inputDims, outputDims, options);
  }

  /**
   * A layer with this process's share of the weights of an `nn.QuantizedLinear`, which all
   * processes have.
   */
  static fromQuantizedLinear(
    quantizedLinearLayer: QuantizedLinear,
    options?: ShardOptions,
  ): QuantizedAllToShardedLinear {
    const fn = "QuantizedAllToShardedLinear.fromQuantizedLinear";
    const parts = quantizedPartsOf(quantizedLinearLayer, fn);
    return shared(QuantizedAllToShardedLinear, "all-to-sharded", parts, options, fn);
  }

  /** From (..., inputDims) to this process's part of (..., outputDims). */
  forward(x: mx.array): mx.array {
    const fn = "QuantizedAllToShardedLinear.forward";
    const part = product(sumGradients(this.group)(asArray(x, fn, "x")), this, fn);
    return this.bias === undefined ? part : part.add(this.bias);
  }
}

/**
 * A {@link ShardedToAllLinear} with a quantized weight, as in {@link QuantizedLinear}: each of N
 * processes has `weight` of shape (outputDims, inputDims / N * bits / 32), `scales` and, for
 * `"affine"`, `biases` of (outputDims, inputDims / N / groupSize), and all have the whole `bias`,
 * which begins at zero. Its parameters are frozen and stay so. Shoeybi et al., "Megatron-LM", arXiv
 * 1909.08053.
 *
 * @throws RangeError if N does not divide `inputDims`, if `inputDims / N` is not a
 * multiple of the group size, and for a group size or bits that the mode does not
 * have.
 * @example
 * const whole = new nn.Linear(64, 2).toQuantized({ bits: 8 });
 * nn.QuantizedShardedToAllLinear.fromQuantizedLinear(whole).forward(mx.ones([3, 64])).shape
 * // [ 3, 2 ]
 */
export class QuantizedShardedToAllLinear extends QuantizedShardedLinear {
  constructor(inputDims: number, outputDims: number, options?: QuantizedShardedLinearOptions) {
    super("QuantizedShardedToAllLinear", 1, inputDims, outputDims, options);
  }

  /**
   * A layer with this process's share of the weights of an `nn.QuantizedLinear`, which all
   * processes have.
   */
  static fromQuantizedLinear(
    quantizedLinearLayer: QuantizedLinear,
    options?: ShardOptions,
  ): QuantizedShardedToAllLinear {
    const fn = "QuantizedShardedToAllLinear.fromQuantizedLinear";
    const parts = quantizedPartsOf(quantizedLinearLayer, fn);
    return shared(QuantizedShardedToAllLinear, "sharded-to-all", parts, options, fn);
  }

  /** From this process's part of (..., inputDims) to (..., outputDims), the same in all. */
  forward(x: mx.array): mx.array {
    const part = product(x, this, "QuantizedShardedToAllLinear.forward");
    const sum = mx.distributed.allSum(part, { group: this.group });
    return this.bias === undefined ? sum : sum.add(this.bias);
  }
}

/** The type of the layer that `shardLinear` makes from a linear or quantized one. */
type Sharded<L extends Linear | QuantizedLinear, S extends Sharding> = S extends "all-to-sharded"
  ? L extends Linear
    ? AllToShardedLinear
    : QuantizedAllToShardedLinear
  : L extends Linear
    ? ShardedToAllLinear
    : QuantizedShardedToAllLinear;

/**
 * A layer that has this process's share of the weights of a linear layer and communicates: {@link
 * AllToShardedLinear} or {@link ShardedToAllLinear}, and for a quantized layer {@link
 * QuantizedAllToShardedLinear} or {@link QuantizedShardedToAllLinear}. All processes pass the same
 * layer, which stays as it is. With `segments` every segment of the weights is shared by itself: if
 * queries, keys and values are one weight of 3 segments, each process has its share of all three.
 * Two layers in a row, `"all-to-sharded"` and `"sharded-to-all"`, communicate once forward and once
 * backward. Shoeybi et al., "Megatron-LM", arXiv 1909.08053.
 *
 * @throws RangeError where an axis or a segment does not divide among the
 * processes.
 * @example
 * const model = new nn.Sequential(
 *   nn.shardLinear(new nn.Linear(8, 32), "all-to-sharded"),
 *   nn.relu,
 *   nn.shardLinear(new nn.Linear(32, 8), "sharded-to-all"),
 * );
 * model.layers[0]
 * // AllToShardedLinear(inputDims=8, outputDims=32, bias=true)
 */
export function shardLinear<L extends Linear | QuantizedLinear, S extends Sharding>(
  module: L,
  sharding: S,
  options?: ShardOptions,
): Sharded<L, S>;
export function shardLinear(
  module: Linear | QuantizedLinear,
  sharding: Sharding,
  options?: ShardOptions,
): Module {
  const fn = "shardLinear";
  const toSharded = asSharding(sharding, fn, "sharding") === "all-to-sharded";
  const { segments, group } = readShard(options, fn);
  const how = { segments, group };
  if (module instanceof Linear) {
    return (toSharded ? AllToShardedLinear : ShardedToAllLinear).fromLinear(module, how);
  }
  if (module instanceof QuantizedLinear) {
    return toSharded
      ? QuantizedAllToShardedLinear.fromQuantizedLinear(module, how)
      : QuantizedShardedToAllLinear.fromQuantizedLinear(module, how);
  }
  throw mismatch(fn, "module", "an nn.Linear or nn.QuantizedLinear", module);
}

/** The type of a module's method of this name, if it has one. */
type Method<M, Name extends string> =
  // biome-ignore lint/suspicious/noExplicitAny: any method
  M extends Record<Name, infer F extends (...args: any[]) => unknown> ? F : never;

/**
 * The parameters of a module that a {@link FullyShardedModule} shares: all but those inside of
 * another one.
 */
const isShared: ModuleFilter = (module, key, value) =>
  !(value instanceof FullyShardedModule) && Module.validParameterFilter(module, key, value);

/** Makes whole parameters from the shares of all processes; it has a gradient. */
function gatherer(
  group: mx.distributed.Group,
  shapes: readonly (readonly number[])[],
  computeDtype: mx.Dtype | null,
): (shares: mx.array[]) => mx.array[] {
  const processes = group.size();
  const sizes = shapes.map((shape) => shape.reduce((size, n) => size * n, 1 / processes));
  const ends = inner(sizes);
  const gather = mx.customFunction((shares: mx.array[]) => {
    const rows = shares.map((x, i) => x.reshape([1, sizes[i] as number]));
    const cast = computeDtype === null ? rows : rows.map((x) => x.astype(computeDtype));
    const whole = mx.distributed.allGather(mx.concatenate(cast, 1), { group });
    return mx.split(whole, ends, 1).map((part, i) => part.reshape(shapes[i] as number[]));
  });
  return gather.vjp((shares, cotangents) => {
    const rows = cotangents.map((x, i) => x.reshape([processes, sizes[i] as number]));
    const sum = mx.distributed.sumScatter(mx.concatenate(rows, 1), { group });
    return mx.split(sum.divide(processes), ends, 1).map((part, i) => {
      const { shape, dtype } = shares[i] as mx.array;
      return part.reshape(shape).astype(dtype);
    });
  });
}

/**
 * A module of which each of N processes keeps a share of every parameter, `1 / N`
 * of its first axis, and with it of the gradients and of the optimizer's state.
 * `forward` gathers the whole parameters from all processes and lets go of them
 * again. The gradient of a share is the mean over all processes, as that of
 * {@link averageGradients}: every process computes with examples of its own. Names
 * of parameters begin with `module`.
 *
 * Rajbhandari et al., "ZeRO", arXiv 1910.02054; Zhao et al., "PyTorch FSDP",
 * arXiv 2304.11277.
 *
 * @throws RangeError if N does not divide the first axis of a parameter, or if a parameter has no
 * axis; the module is then unchanged.
 * @example
 * const model = new nn.FullyShardedModule(new nn.Linear(2, 4));
 * utils.treeFlatten(model.parameters()).map(([name, p]) => [name, p.shape])
 * // [ [ 'module.weight', [ 4, 2 ] ], [ 'module.bias', [ 4 ] ] ]
 */
export class FullyShardedModule<M extends Module = Module> extends Module {
  readonly module: M;
  readonly #gather: (shares: mx.array[]) => mx.array[];
  readonly #count: number;

  constructor(module: M, options?: FullyShardOptions) {
    super();
    const fn = "FullyShardedModule";
    if (!(module instanceof Module)) {
      throw mismatch(fn, "module", "an nn.Module", module);
    }
    const { group: given, computeDtype } = readFully(options);
    const group = given ?? mx.distributed.init();
    const inside: Module = module;
    const parameters = inside.filterAndMap(isShared);
    const [whole, structure] = flattenArrays(parameters, fn, "module");
    const names = structure.names();
    whole.forEach((x, i) => {
      if (x.ndim === 0) {
        throw outOfRange(fn, names[i] as string, "a parameter with a first axis", x);
      }
    });
    inside.update(sharesOf(parameters, () => 0, group, fn));
    this.module = module;
    this.#count = whole.length;
    const shapes = whole.map((x) => x.shape);
    this.#gather = gatherer(group, shapes, computeDtype);
  }

  /** What the module's `forward` gives, with the whole parameters. */
  forward(...args: Parameters<Method<M, "forward">>): ReturnType<Method<M, "forward">> {
    return this.#call("forward", args);
  }

  /** What the module's `asLinear` gives, with the whole parameters. */
  asLinear(...args: Parameters<Method<M, "asLinear">>): ReturnType<Method<M, "asLinear">> {
    return this.#call("asLinear", args);
  }

  #call<Name extends string>(name: Name, args: unknown[]): ReturnType<Method<M, Name>> {
    const module: Module = this.module;
    const method: unknown = Reflect.get(module, name);
    if (typeof method !== "function") {
      throw mismatch(`FullyShardedModule.${name}`, "module", `a module with ${name}`, module);
    }
    const parameters = module.filterAndMap(isShared);
    const [shares, structure] = flattenArrays(parameters, "FullyShardedModule", "module");
    if (shares.length > 0) {
      module.update(structure.fill(this.#gather(shares)) as ParameterTree);
    }
    try {
      return method.apply(module, args);
    } finally {
      module.update(parameters);
    }
  }

  protected override extraRepr(): string {
    return `numShardedParams=${this.#count}`;
  }
}

/**
 * Wraps a module in a {@link FullyShardedModule}. The module itself is returned if there is only
 * one process, if it is wrapped already, or if it has nothing to share. Parts of a model, such as
 * its blocks, can be wrapped before the model is: each is then gathered by itself.
 *
 * @throws RangeError if the number of processes does not divide the first axis of
 * a parameter.
 * @example
 * const model = nn.fullyShard(new nn.Linear(2, 4));
 * model // of one process
 * // Linear(inputDims=2, outputDims=4, bias=true)
 */
export function fullyShard<M extends Module>(
  module: M,
  options?: FullyShardOptions,
): M | FullyShardedModule<M> {
  const fn = "fullyShard";
  if (!(module instanceof Module)) {
    throw mismatch(fn, "module", "an nn.Module", module);
  }
  const { group: given, computeDtype } = readFully(options, fn);
  const group = given ?? mx.distributed.init();
  if (group.size() === 1 || module instanceof FullyShardedModule) {
    return module;
  }
  const [parameters] = flattenArrays(module.filterAndMap(isShared), fn, "module");
  return parameters.length === 0 ? module : new FullyShardedModule(module, { group, computeDtype });
}
