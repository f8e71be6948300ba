// Tangents and cotangents of other dtypes than what they belong to: as if they
// had been cast, or refused.
import fc from "fast-check";
import mlx from "mlx-js";
import { expectSame, Finding, outcome, plain } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ f: string, how: string, of: string, given: string, values: number[] }} Case */

const { core: mx, nn } = mlx;
const i = mx.array([2, 0, 1], mx.int32);
mx.eval(i);

/** @type {Record<string, (x: Any) => Any>} Functions of a list of three. */
const functions = {
  ...{ negative: mx.negative, square: mx.square, exp: mx.exp, abs: mx.abs, sin: mx.sin },
  ...{ cumsum: mx.cumsum, softmax: mx.softmax, sort: mx.sort, diff: mx.diff, median: mx.median },
  ...{
    sum: mx.sum,
    max: mx.max,
    logsumexp: mx.logsumexp,
    transpose: mx.transpose,
    copy: mx.stopGradient,
  },
  subtract: (x) => mx.subtract(x, 3),
  divide: (x) => mx.divide(2, x),
  twice: (x) => mx.multiply(x, x),
  take: (x) => mx.take(x, i),
  takeAlongAxis: (x) => mx.takeAlongAxis(x, i),
  putAlongAxis: (x) => mx.putAlongAxis(mx.zeros([3], x.dtype), i, x, 0),
  at: (x) => mx.zeros([4], x.dtype).at(i).add(x),
  set(x) {
    const y = mx.zeros([4], x.dtype);
    y.set([i], x);
    return y;
  },
  slice: (x) => x.get("1:"),
  sliceUpdate: (x) => mx.sliceUpdate(mx.zeros([4], x.dtype), x, mx.array([1], mx.int32), [0]),
  pad: (x) => mx.pad(x, 1, { mode: "edge" }),
  concatenate: (x) => mx.concatenate([x, mx.multiply(x, 2)]),
  where: (x) => mx.where(mx.greater(x, 1), x, mx.negative(x)),
  matmul: (x) => mx.matmul(x, mx.ones([3, 2], x.dtype)),
  astype: (x) => x.astype(mx.float16),
  outer: (x) => mx.outer(x, x),
  roll: (x) => mx.roll(x, 1),
  gelu: (x) => nn.gelu(x),
  norm: (x) => mx.linalg.norm(x),
  layerNorm: (x) => mx.fast.layerNorm(x, null, null, 1e-5),
  fft: (x) => mx.real(mx.fft.fft(x.astype(mx.float32))),
  checkpoint: (x) => mx.checkpoint((/** @type {Any} */ y) => mx.square(y))(x),
  compiled: (x) => mx.compile((/** @type {Any} */ y) => mx.multiply(mx.exp(y), 2))(x),
  mapped: (x) => mx.vmap((/** @type {Any} */ y) => mx.square(y))(x),
};

const cast = (/** @type {Any} */ x, /** @type {string} */ dtype) =>
  x.astype(/** @type {Any} */ (mx)[dtype]);

/** @type {Record<string, (f: (x: Any) => Any, x: Any, t: (like: Any, cast: boolean) => Any, right: boolean) => Any>} */
const ways = {
  jvp: (f, x, t, right) => mx.jvp(f, [x], [t(x, right)])[1],
  vjp: (f, x, t, right) => mx.vjp(f, [x], [t(f(x), right)])[1],
  jvpOfVmap: (f, x, t, right) =>
    mx.jvp(mx.vmap(f), [mx.stack([x, x])], [mx.stack([t(x, right), t(x, right)])])[1],
  // A rule that gives another dtype.
  ownVjp(f, x, t, right) {
    const own = mx
      .customFunction((/** @type {Any} */ y) => mx.multiply(y, 1))
      .vjp((y) => t(Array.isArray(y) ? y[0] : y, right));
    return mx.grad((/** @type {Any} */ y) => mx.sum(f(own(y))))(x);
  },
  ownJvp(f, x, t, right) {
    const own = mx
      .customFunction((/** @type {Any} */ y) => mx.multiply(y, 1))
      .jvp((y) => t(Array.isArray(y) ? y[0] : y, right));
    return mx.jvp((/** @type {Any} */ y) => f(own(y)), [x], [mx.onesLike(x)])[1];
  },
};

/** @param {Case} c */
function tangents({ f: name, how, of, given, values }) {
  const f = /** @type {(x: Any) => Any} */ (functions[name]);
  mx.tidy(() => {
    const x = cast(mx.array([1.5, -2, 3]), of);
    const t = (/** @type {Any} */ like, /** @type {boolean} */ right) => {
      const list = Array.from({ length: like.size }, (_, n) => values[n % values.length] ?? 0);
      const out = cast(mx.array(list), given).reshape(like.shape);
      return right ? out.astype(like.dtype) : out;
    };
    const run = (/** @type {boolean} */ right) =>
      outcome(() => plain(ways[how]?.(f, x, t, right)), [Error, TypeError, RangeError]);
    const expected = run(true);
    const received = run(false);
    if (received.error !== undefined) {
      if (expected.error === undefined && !/^\[/.test(received.error.message)) {
        throw new Finding(/** @type {string} */ (received.error.stack));
      }
      return;
    }
    if (expected.error !== undefined) {
      throw new Finding(`gave a value, but with its own dtype ${expected.error.stack}`);
    }
    expectSame(received.value, expected.value);
  });
}

const dtypes = ["float32", "float16", "bfloat16"];

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { tangents },
  targets: Object.keys(functions).map((f) => ({
    name: `tangents of ${f}`,
    programs: () =>
      fc
        .record({
          f: fc.constant(f),
          how: fc.constantFrom(...Object.keys(ways)),
          of: fc.constantFrom(...dtypes),
          given: fc.constantFrom(...dtypes, "int32", "uint8", "int64", "bool", "uint32", "int8"),
          values: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
        })
        .map((c) => `tangents(${JSON.stringify(c)})`),
  })),
};
