/** Layers that know positions. */
import { asArray, isArray } from "../../core/array/array.js";
import { dtypeId } from "../../core/call/arguments.js";
import { mismatch, outOfRange } from "../../core/call/errors.js";
import { asCount, asInteger, asLength } from "../../core/call/numbers.js";
import {
  arrayOption,
  flag,
  kindOf,
  length,
  nullable,
  number,
  optionsOf,
  positive,
} from "../../core/call/options.js";
import { isFloating } from "../../core/dtype.js";
import * as mx from "../../core/index.js";
import { currentStream } from "../../core/lifetime/context.js";
import { checkShape } from "../layer.js";
import { Module } from "../module.js";

function asEven(dims: number, fn: string): number {
  if (asCount(dims, fn, "dims") % 2 !== 0) {
    throw outOfRange(fn, "dims", "an even number", dims);
  }
  return dims;
}

/** Options of {@link RoPE}. */
export interface RoPEOptions {
  /** Whether to rotate neighbours, rather than entries half of `dims` apart. By default false. */
  traditional?: boolean | undefined;
  /** The base whose powers are the frequencies. By default 10000. */
  base?: number | undefined;
  /** What positions are multiplied by. By default 1. */
  scale?: number | undefined;
}

const readRoPE = optionsOf<RoPEOptions>()("RoPE", {
  traditional: flag(false),
  base: number(10000),
  scale: number(1),
});

/** Options of the call of a {@link RoPE}. */
export interface RoPECallOptions {
  /** The position of the first entry. By default 0. */
  offset?: number | mx.array | undefined;
}

const position = kindOf<number | mx.array>((value, fn, param) =>
  isArray(value) ? (value as mx.array) : asInteger(value, fn, param),
);

const readCall = optionsOf<RoPECallOptions>()("RoPE.forward", { offset: position(0) });

/**
 * Rotates pairs among the first `dims` entries of the last axis by angles that
 * grow with the position, which is the index on the axis before. Su et al.,
 * "RoFormer", arXiv 2104.09864.
 *
 * @throws RangeError if `dims` is not even or, when called, for a last axis that is
 * shorter.
 * @example
 * new nn.RoPE(2).forward(mx.array([[[1, 0], [1, 0]]]))
 * // array([[[1, 0],
 * //         [0.540302, 0.841471]]], dtype=float32)
 */
export class RoPE extends Module {
  readonly dims: number;
  readonly traditional: boolean;
  readonly base: number;
  readonly scale: number;

  constructor(dims: number, options?: RoPEOptions) {
    super();
    const { traditional, base, scale } = readRoPE(options);
    this.dims = asEven(dims, "RoPE");
    this.traditional = traditional;
    this.base = base;
    this.scale = scale;
  }

  /** For x (B, ..., T, D), whose first position is `offset`. */
  forward(x: mx.array, options?: RoPECallOptions): mx.array {
    const fn = "RoPE.forward";
    const { traditional, base, scale } = this;
    const { offset } = readCall(options);
    checkShape(x, fn, "x", ["B", "...", "T", "D"]);
    if (x.dim(-1) < this.dims) {
      throw outOfRange(fn, "x", `at least ${this.dims} entries on the last axis`, x.shape);
    }
    return mx.fast.rope(x, this.dims, { traditional, base, scale, offset });
  }

  protected override extraRepr(): string {
    return `${this.dims}, traditional=${this.traditional}`;
  }
}

/** Options of {@link SinusoidalPositionalEncoding}. */
export interface SinusoidalPositionalEncodingOptions {
  /** The lowest frequency. By default 0.0001. */
  minFreq?: number | undefined;
  /** The highest frequency. By default 1. */
  maxFreq?: number | undefined;
  /** What the encoding is multiplied by. By default `sqrt(2 / dims)`. */
  scale?: number | undefined;
  /** Whether cosines come before sines. By default false. */
  cosFirst?: boolean | undefined;
  /** Whether frequencies are in turns rather than in radians. By default false. */
  fullTurns?: boolean | undefined;
}

const readSinusoidal = optionsOf<SinusoidalPositionalEncodingOptions>()(
  "SinusoidalPositionalEncoding",
  {
    minFreq: positive(0.0001),
    maxFreq: positive(1),
    scale: number(),
    cosFirst: flag(false),
    fullTurns: flag(false),
  },
);

/**
 * Positions as sines and cosines at `dims / 2` frequencies. Vaswani et al.,
 * "Attention Is All You Need", arXiv 1706.03762.
 *
 * @throws RangeError if `dims` is not even.
 * @example
 * new nn.SinusoidalPositionalEncoding(4, { scale: 1 }).forward(mx.array([0, 1]))
 * // array([[0, 0, 1, 1],
 * //        [0.841471, 0.0001, 0.540302, 1]], dtype=float32)
 */
export class SinusoidalPositionalEncoding extends Module {
  readonly scale: number;
  readonly cosFirst: boolean;
  readonly _sigmas: mx.array;

  constructor(dims: number, options?: SinusoidalPositionalEncodingOptions) {
    super();
    asEven(dims, "SinusoidalPositionalEncoding");
    const { minFreq, maxFreq, scale, cosFirst, fullTurns } = readSinusoidal(options);
    const steps = Math.max(dims / 2 - 1, 1);
    const fromOneToZero = mx.subtract(1, mx.arange(0, dims / 2).divide(steps));
    const [low, high] = [Math.log(minFreq), Math.log(maxFreq)];
    const sigmas = mx.exp(fromOneToZero.multiply(high - low).add(low));
    this.scale = scale ?? Math.sqrt(2 / dims);
    this.cosFirst = cosFirst;
    this._sigmas = fullTurns ? sigmas.multiply(2 * Math.PI) : sigmas;
  }

  /** For positions of shape (...): (..., dims). */
  forward(x: mx.array): mx.array {
    asArray(x, "SinusoidalPositionalEncoding.forward", "x");
    const angles = mx.expandDims(x, -1).multiply(this._sigmas);
    const [sin, cos] = [angles.sin(), angles.cos()];
    const encoding = mx.concatenate(this.cosFirst ? [cos, sin] : [sin, cos], -1);
    return this.scale === 1 ? encoding : encoding.multiply(this.scale);
  }
}

const mostHeads = 2 ** 20;

/** The slopes of the paper: a geometric series for powers of two. */
function slopes(numHeads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(numHeads));
  const series = (n: number) => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n));
  // For other numbers, the missing slopes come from the series that is twice as long.
  const between = series(2 * power).filter((_, i) => i % 2 === 0);
  return [...series(power), ...between.slice(0, numHeads - power)];
}

// Bias matrices by shape, type and place of computation. The layers of a model
// and the steps of its training ask for the same one again and again.
const cache = new Map<string, mx.array>();
const mostEntries = 8;
// A larger matrix takes longer to read from memory than to compute.
const mostElements = 1 << 22;

function remember(key: string, make: () => mx.array): mx.array {
  let bias = cache.get(key);
  // Entered again at the end: what was used last is dropped last.
  cache.delete(key);
  if (bias === undefined || bias.disposed) {
    bias = mx.keep(mx.tidy(make));
  }
  cache.set(key, bias);
  if (cache.size > mostEntries) {
    const [oldest, dropped] = cache.entries().next().value as [string, mx.array];
    cache.delete(oldest);
    // Nobody else has the handle; graphs that use the array hold it themselves.
    dropped.dispose();
  }
  return bias;
}

/** Options of the call of an {@link ALiBi}. */
export interface ALiBiOptions {
  /** The position of the first query: how many keys come from a cache. By default 0. */
  offset?: number | undefined;
  /** Broadcasts to the scores. By default there is none. */
  mask?: mx.array | null | undefined;
}

const readALiBi = optionsOf<ALiBiOptions>()("ALiBi.forward", {
  offset: length(0),
  mask: nullable(arrayOption()),
});

/**
 * Attention with linear biases: each score is lowered in proportion to the
 * distance between query and key, at a slope of its head's own. Models that
 * know positions this way read further than they were trained to. Press,
 * Smith, Lewis, "Train Short, Test Long", arXiv 2108.12409.
 *
 * @example
 * new nn.ALiBi().forward(mx.zeros([1, 2, 2, 3]))
 * // array([[[[0, -0.0625, -0.125],
 * //          [-0.0625, 0, -0.0625]],
 * //         [[0, -0.00390625, -0.0078125],
 * //          [-0.00390625, 0, -0.00390625]]]], dtype=float32)
 */
export class ALiBi extends Module {
  /**
   * The bias of shape (1, numHeads, qSequenceLength - offset,
   * kSequenceLength): `-|i - j| * slope`, for queries `i` from `offset` to
   * `qSequenceLength - 1` and keys `j` from 0. It is computed in float32 and
   * rounded once.
   *
   * @example
   * nn.ALiBi.createAlibiMatrix(2, 3, 1, 0)
   * // array([[[[0, -0.00390625, -0.0078125],
   * //          [-0.00390625, 0, -0.00390625]]]], dtype=float32)
   */
  static createAlibiMatrix(
    qSequenceLength: number,
    kSequenceLength: number,
    numHeads: number,
    offset = 0,
    dtype: mx.Dtype = mx.float32,
  ): mx.array {
    const fn = "createAlibiMatrix";
    asLength(qSequenceLength, fn, "qSequenceLength");
    asLength(kSequenceLength, fn, "kSequenceLength");
    dtypeId(dtype, fn);
    const i = mx.arange(asLength(offset, fn, "offset"), qSequenceLength);
    const j = mx.arange(0, kSequenceLength);
    // On different axes: every query meets every key.
    const distance = mx.expandDims(i, -1).subtract(mx.expandDims(j, -2)).abs();
    const bias = distance.negative().multiply(ALiBi.createAlibiSlope(numHeads));
    return mx.expandDims(bias, 0).astype(dtype);
  }

  /**
   * The slope of each head, of shape (numHeads, 1, 1).
   *
   * @throws RangeError for more than 2 ** 20 heads.
   * @example
   * nn.ALiBi.createAlibiSlope(3).flatten()
   * // array([0.0625, 0.00390625, 0.25], dtype=float32)
   */
  static createAlibiSlope(numHeads: number, dtype: mx.Dtype = mx.float32): mx.array {
    const fn = "createAlibiSlope";
    // The slopes are made as a list of JavaScript's, which must not take all memory.
    if (asCount(numHeads, fn, "numHeads") > mostHeads) {
      throw outOfRange(fn, "numHeads", `at most ${mostHeads}`, numHeads);
    }
    dtypeId(dtype, fn);
    return mx.array(slopes(numHeads), dtype).reshape([numHeads, 1, 1]);
  }

  /**
   * The scores, of shape (B, numHeads, q, k), with the bias added. The first
   * query is at position `offset`: where earlier keys come from a cache, that
   * is how many there are.
   *
   * A mask that broadcasts to the scores is added. If it is boolean, it keeps
   * where it is true and blocks, with minus infinity, where it is false; a
   * softmax over a row that is blocked entirely gives NaN. (Python adds a
   * boolean mask as zeros and ones, which hardly blocks anything.)
   *
   * @throws TypeError if scores are not floating-point, RangeError if they do
   * not have 4 dimensions.
   * @example
   * const scores = mx.zeros([1, 1, 1, 3]);
   * new nn.ALiBi().forward(scores, { offset: 2 })
   * // array([[[[-0.0078125, -0.00390625, 0]]]], dtype=float32)
   */
  forward(scores: mx.array, options?: ALiBiOptions): mx.array {
    const fn = "ALiBi.forward";
    const { offset, mask } = readALiBi(options);
    if (!(scores instanceof mx.array)) {
      throw mismatch(fn, "scores", "an array", scores);
    }
    const { shape, dtype } = scores;
    if (shape.length !== 4) {
      throw outOfRange(fn, "scores", "the shape (B, heads, q, k)", shape);
    }
    if (!isFloating(dtype)) {
      throw mismatch(fn, "scores", "a floating-point dtype", dtype);
    }
    const [, heads, q, k] = shape as [number, number, number, number];
    const bias = ALiBi.#bias(q, k, heads, offset, dtype);
    if (mask === null) {
      return scores.add(bias);
    }
    return mask.dtype === mx.bool
      ? mx.where(mask, scores.add(bias), Number.NEGATIVE_INFINITY)
      : scores.add(bias.add(mask));
  }

  static #bias(q: number, k: number, heads: number, offset: number, dtype: mx.Dtype): mx.array {
    const most = 2 ** Math.ceil(Math.log2(k));
    if (q === 1 && k === offset + 1 && heads * most <= mostElements) {
      // In decoding, a query comes after all other keys. The bias depends on how far they are
      // away, so it is the end of that for more keys, which does for many steps.
      return ALiBi.#shared(1, most, heads, most - 1, dtype).get("...", mx.Slice(most - k));
    }
    return ALiBi.#shared(q, k, heads, offset, dtype);
  }

  static #shared(q: number, k: number, heads: number, offset: number, dtype: mx.Dtype): mx.array {
    const make = () => ALiBi.createAlibiMatrix(q + offset, k, heads, offset, dtype);
    if (heads * q * k > mostElements) {
      return make();
    }
    const place = `${mx.defaultDevice()} ${currentStream()}`;
    return remember(`${place} ${q} ${k} ${heads} ${offset} ${dtype}`, make);
  }
}
