// Indices that are results of operations: whatever reads or writes by them, of
// every type, also in transformed functions. Those that are in range give what
// evaluated ones give; the others are a RangeError, never foreign memory.
import fc from "fast-check";
import mlx from "mlx-js";
import { expectSame, Finding, outcome, plain } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/**
 * @typedef {{ use: string, mode: string, dtype: string, made: string, size: number, indices: string[] }} Case
 */

const { core: mx, nn } = mlx;

const width = 3;

/** @type {Record<string, Any>} */
const types = {
  ...{ int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array },
  ...{ uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array },
};

/**
 * What integers are in a type.
 * @param {string} dtype
 * @param {string[]} indices
 * @returns {bigint[]}
 */
function wrapped(dtype, indices) {
  const unsigned = dtype.startsWith("u");
  const bits = Number(/\d+/.exec(dtype)?.[0]);
  return indices.map((i) => (unsigned ? BigInt.asUintN : BigInt.asIntN)(bits, BigInt(i)));
}

/** @param {string} dtype @param {bigint[]} indices */
function evaluated(dtype, indices) {
  const type = types[dtype];
  const x = mx.array(type.from(dtype.endsWith("64") ? indices : indices.map(Number)));
  mx.eval(x);
  return x;
}

/**
 * Ways to the same indices by an operation.
 * @type {Record<string, (dtype: string, indices: bigint[]) => Any>}
 */
const ways = {
  added: (dtype, all) =>
    mx.add(evaluated(dtype, all), mx.zeros([1], /** @type {Any} */ (mx)[dtype])),
  // Not whole: what is beside it in memory is out of range.
  sliced: (dtype, all) => evaluated(dtype, [99n, ...all, 77n]).get(`1:${all.length + 1}`),
  strided: (dtype, all) =>
    evaluated(
      dtype,
      all.flatMap((i) => [i, 99n]),
    ).get("::2"),
  reversed: (dtype, all) => evaluated(dtype, all.toReversed?.() ?? [...all].reverse()).get("::-1"),
  transposed: (dtype, all) =>
    mx.transpose(mx.reshape(evaluated(dtype, all), [1, all.length])).reshape(-1),
  chosen: (dtype, all) =>
    mx.where(mx.array(all.map(() => true)), evaluated(dtype, all), evaluated(dtype, all)),
  concatenated: (dtype, all) =>
    mx.concatenate([evaluated(dtype, all.slice(0, 1)), evaluated(dtype, all.slice(1))]),
  negated: (dtype, all) => mx.negative(mx.negative(evaluated(dtype, all))),
};

const values = (/** @type {Any} */ x) =>
  mx.sum(mx.multiply(x, mx.add(mx.arange(x.size).reshape(x.shape), 1)));

/**
 * @type {Record<string, (x: Any, i: Any) => Any>}
 * What uses indices: x has the shape [size, 3], i is a list of n.
 */
const uses = {
  take: (x, i) => mx.take(x, i, 0),
  takeFlat: (x, i) => mx.take(x.get(":", 1), i),
  takeAlongAxis: (x, i) =>
    mx.takeAlongAxis(x, mx.broadcastTo(i.get(":", null), [i.size, width]), 0),
  putAlongAxis: (x, i) => mx.putAlongAxis(x.get(":", 1), i, mx.multiply(x.get(0, 0), 7), 0),
  get: (x, i) => x.get(i),
  getSecond: (x, i) => x.T.get(":", i),
  getTwice: (x, i) => x.get(i.get(null), i.get(":", null).remainder(2)),
  getBetween: (x, i) => x.get(null, i, ":", null),
  set(x, i) {
    const y = mx.add(x, 0);
    y.set([i], 5);
    return y;
  },
  setSecond(x, i) {
    const y = mx.add(x.T, 0);
    y.set([":", i], -5);
    return y;
  },
  add: (x, i) => x.at(i).add(2),
  subtract: (x, i) => x.at(i, 1).subtract(x.get(0, 1)),
  multiply: (x, i) => x.at(i).multiply(mx.array([2, 3, 5])),
  divide: (x, i) => x.at(i, "1:").divide(4),
  maximum: (x, i) => x.at(i).maximum(3),
  minimum: (x, i) => x.T.at("...", i).minimum(1),
  sliceUpdate: (x, i) => mx.sliceUpdate(x, x.get(":1"), i.get(":1"), [0]),
  slice: (x, i) => mx.slice(x, i.get(":1"), [0], [1, width]),
  embedding(x, i) {
    const layer = new nn.Embedding(x.shape[0], width);
    layer.update({ weight: x });
    return layer.forward(i);
  },
  crossEntropy: (x, i) =>
    nn.losses.crossEntropy(mx.broadcastTo(x.T.get(0), [i.size, x.shape[0]]), i),
  crossEntropySmooth: (x, i) =>
    nn.losses.crossEntropy(mx.broadcastTo(x.T.get(0), [i.size, x.shape[0]]), i, {
      labelSmoothing: 0.25,
    }),
  nllLoss: (x, i) => nn.losses.nllLoss(mx.broadcastTo(x.T.get(1), [i.size, x.shape[0]]), i),
  fastCrossEntropy: (x, i) =>
    mx.fast.crossEntropy(mx.broadcastTo(x.T.get(0), [i.size, x.shape[0]]), i),
  gatherMm: (x, i) =>
    mx.gatherMm(mx.ones([1, 2, width]), x.get(":", ":", null), {
      rhsIndices: i,
    }),
};

/**
 * How a use is called: with one list of indices, or with two, each the other's reverse.
 * @type {Record<string, (f: (x: Any, i: Any) => Any, x: Any, i: Any) => Any>}
 */
const modes = {
  call: (f, x, i) => f(x, i),
  compile: (f, x, i) => mx.compile(f)(x, i),
  checkpoint: (f, x, i) => mx.checkpoint(f)(x, i),
  grad: (f, x, i) => mx.grad((/** @type {Any} */ y) => values(f(y, i)))(x),
  gradOfBoth: (f, x, i) =>
    mx.grad((/** @type {Any} */ y, /** @type {Any} */ j) => values(f(y, j)))(x, i),
  jvp: (f, x, i) => mx.jvp((/** @type {Any} */ y) => f(y, i), [x], [mx.multiply(x, 2)]),
  vmapOfIndices: (f, x, i) => mx.vmap(f, { inAxes: /** @type {Any} */ ([null, 0]) })(x, both(i)),
  vmapOfLast: (f, x, i) => mx.vmap(f, { inAxes: /** @type {Any} */ ([null, 1]) })(x, both(i).T),
  vmapOfArray: (f, x, i) => mx.vmap((y) => f(y, i))(mx.stack([x, mx.negative(x)])),
  vmap: (f, x, i) => mx.vmap(f, { inAxes: [2, 0] })(mx.stack([x, mx.negative(x)], 2), both(i)),
  compiledVmap: (f, x, i) =>
    mx.compile(mx.vmap(f, { inAxes: /** @type {Any} */ ([null, 0]) }))(x, both(i)),
  vmapOfGrad: (f, x, i) =>
    mx.vmap(
      mx.grad((/** @type {Any} */ y, /** @type {Any} */ j) => values(f(y, j))),
      {
        inAxes: /** @type {Any} */ ([null, 0]),
      },
    )(x, both(i)),
};

const both = (/** @type {Any} */ i) => mx.stack([i, i.get("::-1")]);

/**
 * The same without vmap, compile and the like.
 * @param {Case} c
 * @param {Any} x
 * @param {(reverse: boolean) => Any} i
 */
function expected({ use, mode }, x, i) {
  const f = /** @type {(x: Any, i: Any) => Any} */ (uses[use]);
  const stacked = (/** @type {[Any, Any][]} */ calls, g = f) =>
    mx.stack(calls.map(([y, j]) => g(y, j)));
  const gradient = (/** @type {Any} */ y, /** @type {Any} */ j) =>
    mx.grad((/** @type {Any} */ z) => values(f(z, j)))(y);
  switch (mode) {
    case "grad":
    case "gradOfBoth":
      return gradient(x, i(false));
    case "jvp":
      return modes["jvp"]?.(f, x, i(false));
    case "vmapOfGrad":
      return stacked(
        [
          [x, i(false)],
          [x, i(true)],
        ],
        gradient,
      );
    case "vmapOfIndices":
    case "vmapOfLast":
    case "compiledVmap":
      return stacked([
        [x, i(false)],
        [x, i(true)],
      ]);
    case "vmapOfArray":
      return stacked([
        [x, i(false)],
        [mx.negative(x), i(false)],
      ]);
    case "vmap":
      return stacked([
        [x, i(false)],
        [mx.negative(x), i(true)],
      ]);
    default:
      return f(x, i(false));
  }
}

/** @param {Case} c */
function lazyIndices(c) {
  const { use, mode, dtype, made, size, indices } = c;
  const all = wrapped(dtype, indices);
  const count = use === "slice" || use === "sliceUpdate" ? 1 : all.length;
  // With two lists, the last of them is also a first.
  const looked =
    /vmap/i.test(mode) && mode !== "vmapOfArray" && count === 1
      ? [all[0], all.at(-1)]
      : all.slice(0, count);
  const inRange = looked.every(
    (i) => /** @type {bigint} */ (i) >= BigInt(-size) && /** @type {bigint} */ (i) < BigInt(size),
  );
  mx.tidy(() => {
    const x = mx.add(
      mx.reshape(mx.array(Array.from({ length: size * width }, (_, i) => i * i - 3 * i)), [
        size,
        width,
      ]),
      0.5,
    );
    mx.eval(x);
    const f = /** @type {(x: Any, i: Any) => Any} */ (uses[use]);
    const run = () => {
      const i = /** @type {(dtype: string, indices: bigint[]) => Any} */ (ways[made])(dtype, all);
      return plain(/** @type {Any} */ (modes[mode])(f, x, i));
    };
    const { value, error } = outcome(run, [RangeError, Error]);
    // MLX's, of transformations that it does not have.
    if (error !== undefined && /not (yet )?(implemented|supported)/i.test(error.message)) {
      return;
    }
    if (!inRange) {
      // The gradient is that of what comes out, wherever something was added.
      if (use === "add" && /grad/i.test(mode)) {
        return;
      }
      if (error === undefined) {
        throw new Finding(
          `an index out of range gave ${JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v))}`,
        );
      }
      if (!(error instanceof RangeError)) {
        throw new Finding(`an index out of range gave ${error.stack}`);
      }
      return;
    }
    const reference = outcome(
      () =>
        plain(expected(c, x, (reverse) => evaluated(dtype, reverse ? [...all].reverse() : all))),
      [RangeError, Error, TypeError],
    );
    if (reference.error === undefined && error !== undefined) {
      throw new Finding(`an index in range gave ${error.stack}`);
    }
    if (reference.error === undefined) {
      expectSame(value, reference.value);
    }
  });
}

const index = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -4, max: 3 }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: -9, max: 9 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["127", "-128", "255", "256", "65535", "65536", "1000000000", "2147483647", "-2147483648"],
      ...["2147483648", "4294967295", "4294967296", "4294967297", "9007199254740993"],
      ...["9223372036854775807", "-9223372036854775808", "18446744073709551615"],
    ),
  },
);

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { lazyIndices },
  targets: Object.keys(uses).map((use) => ({
    name: `lazy indices in ${use}`,
    cost: 1,
    programs: () =>
      fc
        .record({
          use: fc.constant(use),
          mode: fc.constantFrom(...Object.keys(modes)),
          dtype: fc.constantFrom("int32", "int32", "uint32", ...Object.keys(types)),
          made: fc.constantFrom(...Object.keys(ways)),
          size: fc.integer({ min: 4, max: 6 }),
          indices: fc.array(index, { minLength: 2, maxLength: 4 }),
        })
        .map((c) => `lazyIndices(${JSON.stringify(c)})`),
  })),
};
