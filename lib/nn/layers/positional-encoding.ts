/** Layers that know positions. */
import { checkOptions } from "../../core/call/arguments.js";
import { mismatch, outOfRange } from "../../core/call/errors.js";
import { asInteger, asNumber } from "../../core/call/numbers.js";
import { isFloating } from "../../core/dtype.js";
import * as mx from "../../core/index.js";
import { currentStream } from "../../core/lifetime/context.js";
import { asPositive } from "../checks.js";
import { Module } from "../module.js";

/** Of {@link RoPE}. */
export interface RoPEOptions {
  /** Whether to rotate neighbours, rather than entries half of `dims` apart. */
  traditional?: boolean | undefined;
  /** What the frequencies are powers of; by default 10000. */
  base?: number | undefined;
  /** What positions are multiplied with; by default 1. */
  scale?: number | undefined;
}

/**
 * Rotates pairs among the first `dims` entries of the last axis by angles that
 * grow with the position, which is the index on the axis before. Su et al.,
 * "RoFormer", arXiv 2104.09864.
 *
 * @example
 * new nn.RoPE(2).forward(mx.array([[[1, 0], [1, 0]]]))
 * // array([[[1, 0],
 * //         [0.540302, 0.841471]]], dtype=float32)
 */
export class RoPE extends Module {
  readonly #dims: number;
  readonly #options: { traditional: boolean; base: number; scale: number };

  constructor(dims: number, options: RoPEOptions = {}) {
    super();
    checkOptions(options, ["traditional", "base", "scale"], "RoPE");
    const { traditional = false, base = 10000, scale = 1 } = options;
    this.#dims = asPositive(dims, "RoPE", "dims");
    this.#options = { traditional, base, scale };
  }

  /** For x (B, ..., T, D), whose first position is `offset`. */
  forward(x: mx.array, options: { offset?: number | mx.array | undefined } = {}): mx.array {
    checkOptions(options, ["offset"], "RoPE.forward");
    return mx.fast.rope(x, this.#dims, { ...this.#options, offset: options.offset ?? 0 });
  }

  protected override describe(): string {
    return `${this.#dims}, traditional=${this.#options.traditional}`;
  }
}

/** Of {@link SinusoidalPositionalEncoding}. */
export interface SinusoidalPositionalEncodingOptions {
  /** The lowest frequency; by default 0.0001. */
  minFreq?: number | undefined;
  /** The highest frequency; by default 1. */
  maxFreq?: number | undefined;
  /** What the encoding is multiplied with; by default `sqrt(2 / dims)`. */
  scale?: number | undefined;
  /** Whether cosines come before sines. */
  cosFirst?: boolean | undefined;
  /** Whether frequencies are in turns rather than in radians. */
  fullTurns?: boolean | undefined;
}

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
  readonly #sigmas: mx.array;
  readonly #scale: number;
  readonly #cosFirst: boolean;

  constructor(dims: number, options: SinusoidalPositionalEncodingOptions = {}) {
    super();
    const fn = "SinusoidalPositionalEncoding";
    checkOptions(options, ["minFreq", "maxFreq", "scale", "cosFirst", "fullTurns"], fn);
    const { minFreq = 0.0001, maxFreq = 1, cosFirst = false, fullTurns = false } = options;
    if (asPositive(dims, fn, "dims") % 2 !== 0) {
      throw outOfRange(fn, "dims", "an even number", dims);
    }
    const low = Math.log(asNumber(minFreq, fn, "minFreq"));
    const high = Math.log(asNumber(maxFreq, fn, "maxFreq"));
    this.#scale = asNumber(options.scale ?? Math.sqrt(2 / dims), fn, "scale");
    this.#cosFirst = cosFirst;
    // Private, so nothing else keeps it when a scope ends.
    this.#sigmas = mx.keep(
      mx.tidy(() => {
        const steps = Math.max(dims / 2 - 1, 1);
        const fromOneToZero = mx.subtract(1, mx.divide(mx.arange(0, dims / 2), steps));
        const sigmas = mx.exp(mx.add(mx.multiply(fromOneToZero, high - low), low));
        return fullTurns ? mx.multiply(sigmas, 2 * Math.PI) : sigmas;
      }),
    );
  }

  /** For positions of shape (...): (..., dims). */
  forward(x: mx.array): mx.array {
    const angles = mx.multiply(mx.expandDims(x, -1), this.#sigmas);
    const [sin, cos] = [mx.sin(angles), mx.cos(angles)];
    const encoding = mx.concatenate(this.#cosFirst ? [cos, sin] : [sin, cos], -1);
    return this.#scale === 1 ? encoding : mx.multiply(encoding, this.#scale);
  }
}

const mostHeads = 2 ** 20;

/** The slopes of the paper: a geometric series for powers of two. */
function slopes(numHeads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(numHeads));
  const series = (n: number) => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n));
  // Other numbers take what is missing from the series twice as long.
  const between = series(2 * power).filter((_, i) => i % 2 === 0);
  return [...series(power), ...between.slice(0, numHeads - power)];
}

// Bias matrices by shape, type and place of computation. The layers of a model
// and the steps of its training ask for the same one again and again.
const cache = new Map<string, mx.array>();
const mostEntries = 8;
// Larger ones take longer to read than to compute.
const mostElements = 1 << 22;

function remember(key: string, make: () => mx.array): mx.array {
  let bias = cache.get(key);
  // Entered anew, to be the last that is dropped.
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
    const length = (value: number, param: string) => {
      if (asInteger(value, fn, param) < 0) {
        throw outOfRange(fn, param, "a length that is not negative", value);
      }
      return value;
    };
    const i = mx.arange(length(offset, "offset"), length(qSequenceLength, "qSequenceLength"));
    const j = mx.arange(0, length(kSequenceLength, "kSequenceLength"));
    // On different axes: every query meets every key.
    const distance = mx.abs(mx.subtract(mx.expandDims(i, -1), mx.expandDims(j, -2)));
    const bias = mx.multiply(mx.negative(distance), ALiBi.createAlibiSlope(numHeads));
    return mx.astype(mx.expandDims(bias, 0), dtype);
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
    // The slopes are a list of JavaScript's before they are an array.
    if (asPositive(numHeads, "createAlibiSlope", "numHeads") > mostHeads) {
      throw outOfRange("createAlibiSlope", "numHeads", `at most ${mostHeads}`, numHeads);
    }
    const values = slopes(numHeads);
    return mx.reshape(mx.array(values, dtype), [numHeads, 1, 1]);
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
  forward(
    scores: mx.array,
    options: { offset?: number | undefined; mask?: mx.array | null | undefined } = {},
  ): mx.array {
    checkOptions(options, ["offset", "mask"], "ALiBi.forward");
    const { offset = 0, mask } = options;
    if (!(scores instanceof mx.array)) {
      throw mismatch("ALiBi.forward", "scores", "an array", scores);
    }
    const { shape, dtype } = scores;
    if (shape.length !== 4) {
      throw outOfRange("ALiBi.forward", "scores", "the shape (B, heads, q, k)", shape);
    }
    if (!isFloating(dtype)) {
      throw mismatch("ALiBi.forward", "scores", "a floating-point dtype", dtype);
    }
    const [, heads, q, k] = shape as [number, number, number, number];
    if (asInteger(offset, "ALiBi.forward", "offset") < 0) {
      throw outOfRange("ALiBi.forward", "offset", "an integer that is not negative", offset);
    }
    const bias = ALiBi.#bias(q, k, heads, offset, dtype);
    if (mask === undefined || mask === null) {
      return mx.add(scores, bias);
    }
    if (!(mask instanceof mx.array)) {
      throw mismatch("ALiBi.forward", "mask", "an array", mask);
    }
    return mask.dtype === mx.bool
      ? mx.where(mask, mx.add(scores, bias), Number.NEGATIVE_INFINITY)
      : mx.add(scores, mx.add(bias, mask));
  }

  static #bias(q: number, k: number, heads: number, offset: number, dtype: mx.Dtype): mx.array {
    const make = () => ALiBi.createAlibiMatrix(q + offset, k, heads, offset, dtype);
    // A single query is a step of decoding: the next will have other lengths.
    if (q === 1 || heads * q * k > mostElements) {
      return make();
    }
    const place = `${mx.defaultDevice()} ${currentStream()}`;
    return remember(`${place} ${q} ${k} ${heads} ${offset} ${dtype}`, make);
  }
}
