import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { random } = mx;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

/** As far as Python MLX prints its values. */
const close = (x: mx.array, values: number[]) => {
  const list = x.tolist<number[]>();
  expect(list.length).toBe(values.length);
  list.forEach((value, i) => {
    expect(value).toBeCloseTo(values[i] as number, 5);
  });
};

/** Every function that draws, with a shape of two where it takes one. */
const draws: [string, (options?: { key?: mx.array; stream?: mx.Device }) => mx.array][] = [
  ["uniform", (o) => random.uniform(0, 1, [2], null, o)],
  ["normal", (o) => random.normal([2], null, o)],
  ["multivariateNormal", (o) => random.multivariateNormal(mx.zeros(2), mx.eye(2), [], null, o)],
  ["randint", (o) => random.randint(0, 1000, [2], null, o)],
  ["bernoulli", (o) => random.bernoulli(0.5, [64], o)],
  ["truncatedNormal", (o) => random.truncatedNormal(-1, 1, [2], null, o)],
  ["gumbel", (o) => random.gumbel([2], null, o)],
  ["categorical", (o) => random.categorical(mx.zeros([64, 9]), -1, null, o)],
  ["laplace", (o) => random.laplace([2], null, o)],
  ["permutation", (o) => random.permutation(64, 0, o)],
];

describe("seeds", () => {
  test.each(draws)("make %s repeat itself", (_, draw) => {
    random.seed(7);
    const first = draw().tolist();
    const second = draw().tolist();
    random.seed(7);
    expect(draw().tolist()).toEqual(first);
    expect(draw().tolist()).toEqual(second);
    expect(second).not.toEqual(first);
    random.seed(8);
    expect(draw().tolist()).not.toEqual(first);
  });

  // Values of Python MLX, drawn in this order.
  test("give what they give in Python", () => {
    random.seed(7);
    close(random.uniform(0, 1, [2]), [0.514767, 0.0784912]);
    close(random.normal([2]), [0.846251, -0.898612]);
    const [a, b] = random.normal([2], mx.complex64).tolist<{ re: number; im: number }[]>();
    expect(a?.re).toBeCloseTo(-0.0981389, 5);
    expect(a?.im).toBeCloseTo(-0.0949248, 5);
    expect(b?.re).toBeCloseTo(-0.487457, 5);
    expect(b?.im).toBeCloseTo(-0.997983, 5);
    is(random.randint(0, 100, [2]), mx.int32, [64, 99]);
    is(random.bernoulli(0.5, [3]), mx.bool, [false, false, false]);
    expect(random.truncatedNormal(-1, 1).item()).toBeCloseTo(-0.810903, 5);
    close(random.gumbel([1]), [0.602748]);
    is(random.categorical(mx.zeros([5])), mx.uint32, 0);
    close(random.laplace([1]), [2.06546]);
    is(random.permutation(4), mx.uint32, [0, 2, 1, 3]);
    is(random.permutation(mx.array([1, 2, 3])), mx.float32, [1, 3, 2]);
    expect(random.multivariateNormal(mx.zeros([2]), mx.eye(2)).shape).toEqual([2]);
    expect(random.uniform().item()).toBeCloseTo(0.946712, 5);
  });

  test("of 64 bits", () => {
    is(random.key(0), mx.uint32, [0, 0]);
    is(random.key(5n), mx.uint32, [0, 5]);
    is(random.key(2 ** 32 + 1), mx.uint32, [1, 1]);
    is(random.key(2 ** 53 - 1), mx.uint32, [0x1fffff, 0xffffffff]);
    is(random.key(2n ** 64n - 1n), mx.uint32, [0xffffffff, 0xffffffff]);
    random.seed(2n ** 64n - 1n);
    const first = random.uniform().item();
    random.seed(2 ** 32 - 1);
    expect(random.uniform().item()).not.toBe(first);
  });

  test.each(["seed", "key"] as const)("that %s refuses", (name) => {
    const f = random[name];
    for (const bad of [-1, -1n, 2 ** 64, 2n ** 64n, 1e300]) {
      expect(() => f(bad)).toThrow(RangeError);
    }
    for (const bad of [0.5, NaN, Infinity, "1", null, undefined, true, [1], mx.array(1)]) {
      expect(() => f(any(bad))).toThrow(`[random.${name}] seed: expected an integer or a bigint`);
    }
  });
});

describe("keys", () => {
  test.each(draws)("make %s pure", (_, draw) => {
    const key = random.key(3);
    random.seed(1);
    const next = random.uniform().item();
    random.seed(1);
    const first = draw({ key }).tolist();
    expect(draw({ key, stream: new mx.Device(mx.cpu) }).tolist()).toEqual(first);
    expect(draw({ key: random.key(4) }).tolist()).not.toEqual(first);
    // The generator has not moved.
    expect(random.uniform().item()).toBe(next);
  });

  test.each(draws)("that %s refuses", (_, draw) => {
    expect(() => draw(any({ key: 3 }))).toThrow("key: expected an array, received 3");
    expect(() => draw(any({ key: [0, 3] }))).toThrow(TypeError);
    expect(() => draw({ key: mx.array([1, 2]) })).toThrow("Expected key type uint32");
    expect(() => draw({ key: mx.zeros([3], mx.uint32) })).toThrow("[bits]");
    const dead = random.key(1);
    dead.dispose();
    expect(() => draw({ key: dead })).toThrow("disposed");
    expect(() => draw(any({ Key: random.key(1) }))).toThrow('an option "Key"');
    expect(() => draw(any(random.key(1)))).toThrow(TypeError);
    expect(() => draw(any({ stream: "cpu" }))).toThrow(TypeError);
  });

  test("split", () => {
    is(random.split(random.key(0)), mx.uint32, [
      [4146024105, 967050713],
      [2718843009, 1272950319],
    ]);
    expect(random.split(random.key(0), 5).shape).toEqual([5, 2]);
    expect(random.split(random.key(0), 0).shape).toEqual([0, 2]);
    expect(() => random.split(random.key(0), -1)).toThrow(
      "[random.split] num: expected an integer that is not negative, received -1",
    );
    expect(() => random.split(random.key(0), 1.5)).toThrow(TypeError);
    expect(() => random.split(any(0))).toThrow(TypeError);
    expect(() => random.split(random.key(0), 2, any({ num: 3 }))).toThrow('an option "num"');
  });
});

const key = () => random.key(0);

describe("values", () => {
  test("shapes", () => {
    expect(random.uniform().shape).toEqual([]);
    expect(random.normal().shape).toEqual([]);
    expect(random.gumbel().shape).toEqual([]);
    expect(random.laplace().shape).toEqual([]);
    expect(random.bernoulli().shape).toEqual([]);
    expect(random.randint(0, 5).shape).toEqual([]);
    expect(random.normal(3).shape).toEqual([3]);
    expect(random.uniform(0, 1, [2, 0]).shape).toEqual([2, 0]);
    expect(() => random.normal([-1])).toThrow("Negative dimensions");
    expect(() => random.uniform(0, 1, any(NaN))).toThrow("[random.uniform] shape: expected");
    expect(() => random.normal(any(null))).toThrow(TypeError);
    expect(() => random.gumbel(any("3"))).toThrow(TypeError);
    expect(() => random.laplace([1e10])).toThrow(RangeError);
  });

  test("uniform", () => {
    close(random.uniform(0, 1, [2], null, { key: key() }), [0.216295, 0.804124]);
    close(random.uniform(10, 20, [2], mx.float32, { key: key() }), [12.16295, 18.04124]);
    const wide = random.uniform(mx.array([0, 100]), mx.array([1, 200]), [2]).tolist<number[]>();
    expect(wide[0]).toBeLessThan(1);
    expect(wide[1]).toBeGreaterThanOrEqual(100);
    expect(random.uniform(0, 1, [2], mx.float16).dtype).toBe(mx.float16);
    expect(() => random.uniform(0, 1, [2], mx.int32)).toThrow("[uniform]");
    expect(() => random.uniform(any("0"))).toThrow("[random.uniform] low: expected");
    expect(() => random.uniform(0, any(null))).toThrow("[random.uniform] high: expected");
    expect(() => random.uniform(0, 1, [2], any("float32"))).toThrow(TypeError);
  });

  test("normal", () => {
    const plain = random.normal([3], null, { key: key() }).tolist<number[]>();
    const moved = random.normal([3], null, { loc: 10, scale: 2, key: key() });
    close(
      moved,
      plain.map((x) => 10 + 2 * x),
    );
    const many = random.normal([10000], null, { key: key() });
    expect(mx.mean(many).item()).toBeCloseTo(0, 1);
    expect(mx.std(many).item()).toBeCloseTo(1, 1);
    const rows = random.normal([2, 2], null, { loc: mx.array([0, 1000]), scale: null });
    expect(mx.mean(rows, 0).tolist()).toEqual([expect.any(Number), expect.any(Number)]);
    expect(mx.mean(rows, 0).tolist<number[]>()[1]).toBeGreaterThan(900);
    expect(random.normal([1], mx.bfloat16).dtype).toBe(mx.bfloat16);
    expect(() => random.normal([1], mx.int32)).toThrow("[normal]");
    expect(() => random.normal([1], null, { loc: any("0") })).toThrow(TypeError);
    expect(() => random.normal([1], null, any({ mean: 0 }))).toThrow('an option "mean"');
  });

  test("multivariateNormal", () => {
    const cov = mx.array([
      [4, 0],
      [0, 0.25],
    ]);
    const x = random.multivariateNormal(mx.array([5, -5]), cov, [5000], null, { key: key() });
    expect(x.shape).toEqual([5000, 2]);
    const [a, b] = mx.mean(x, 0).tolist<number[]>();
    expect(a).toBeCloseTo(5, 0);
    expect(b).toBeCloseTo(-5, 0);
    const [sa, sb] = mx.std(x, 0).tolist<number[]>();
    expect(sa).toBeCloseTo(2, 0);
    expect(sb).toBeCloseTo(0.5, 1);
    expect(random.multivariateNormal(mx.zeros([3, 2]), cov).shape).toEqual([3, 2]);
    for (const wrong of [mx.eye(3), mx.zeros([3, 2]), mx.zeros([2])]) {
      expect(() => random.multivariateNormal(mx.zeros([2]), wrong)).toThrow(
        "[random.multivariateNormal] cov: expected an array of shape [..., 2, 2], as there are 2 means, received float32 array of shape [",
      );
    }
    expect(() => random.multivariateNormal(mx.array(0), cov)).toThrow(
      "mean: expected an array of at least one dimension, received float32 array of shape []",
    );
    expect(() => random.multivariateNormal(mx.zeros([2]), cov, [], mx.float16)).toThrow(Error);
    expect(() => random.multivariateNormal(any([0, 0]), cov)).toThrow(TypeError);
  });

  test("randint", () => {
    is(random.randint(0, 10, [3], null, { key: key() }), mx.int32, [9, 3, 6]);
    is(random.randint(4, 5, [2], mx.uint8), mx.uint8, [4, 4]);
    is(random.randint(mx.array([0, 7]), mx.array([1, 8]), [2]), mx.int32, [0, 7]);
    is(random.randint(-3, -2, [1], mx.int64), mx.int64, [-3n]);
    expect(() => random.randint(0, 5, [2], mx.float32)).toThrow("[randint]");
  });

  test("randint reaches all integers between bounds of any size", () => {
    // biome-ignore lint/suspicious/noExplicitAny: numbers and bigints
    const counts = (low: any, high: any, dtype: mx.Dtype, part: (x: bigint) => bigint) => {
      const xs = random.randint(low, high, [20_000], dtype, { key: key() }).tolist<bigint[]>();
      const found = new Map<bigint, number>();
      for (const x of xs) {
        found.set(part(BigInt(x)), (found.get(part(BigInt(x))) ?? 0) + 1);
      }
      return found;
    };
    const evenly = (found: Map<bigint, number>, parts: bigint[]) => {
      expect([...found.keys()].sort()).toEqual([...parts].sort());
      for (const count of found.values()) {
        expect(Math.abs(count * parts.length - 20_000)).toBeLessThan(1200);
      }
    };
    const same = (x: bigint) => x;
    const close = [2n ** 25n, 2n ** 25n + 1n, 2n ** 25n + 2n];
    evenly(counts(2 ** 25, 2 ** 25 + 3, mx.int32, same), close);
    evenly(
      counts(-(2 ** 31), 2 ** 31 - 1, mx.int32, (x) => x & 3n),
      [0n, 1n, 2n, 3n],
    );
    const half = (x: bigint) => (x < 0n ? -1n : 1n);
    evenly(counts(-(2n ** 63n), 2n ** 63n - 1n, mx.int64, half), [-1n, 1n]);
    // A remainder of 64 random bits would favour two of the thirds.
    const third = (x: bigint) => x / 2n ** 61n;
    evenly(counts(0n, 3n * 2n ** 61n, mx.uint64, third), [0n, 1n, 2n]);
    const low = mx.array([0, 2 ** 30], mx.int32);
    const between = random.randint(low, mx.add(low, 2), [500, 2], null, { key: key() });
    expect(mx.max(mx.subtract(between, low), 0).tolist()).toEqual([1, 1]);
    expect(mx.min(mx.subtract(between, low), 0).tolist()).toEqual([0, 0]);
    expect(random.randint(2 ** 30, 3, [2]).tolist()).toEqual([2 ** 30, 2 ** 30]);
    expect(() => random.randint(low, 2 ** 31 - 1, [3])).toThrow("broadcast");
  });

  test("randint's bounds and dtypes", () => {
    expect(() => random.randint(any(undefined), 5)).toThrow(TypeError);
    expect(() => any(random.randint)(5)).toThrow("[random.randint] high: expected");
  });

  test("bernoulli", () => {
    is(random.bernoulli(0.5, [4], { key: key() }), mx.bool, [false, true, false, true]);
    is(random.bernoulli(mx.array([0, 1])), mx.bool, [false, true]);
    is(random.bernoulli(mx.array([0, 1]), [2, 2]), mx.bool, [
      [false, true],
      [false, true],
    ]);
    expect(random.bernoulli(undefined, [3]).shape).toEqual([3]);
    expect(random.bernoulli(0.5, null).shape).toEqual([]);
    expect(() => random.bernoulli(any("0.5"))).toThrow(TypeError);
  });

  test("truncatedNormal", () => {
    close(random.truncatedNormal(-1, 1, [2], null, { key: key() }), [-0.506315, 0.546452]);
    const x = random.truncatedNormal(0.5, 0.75, [1000]);
    expect(mx.min(x).item()).toBeGreaterThanOrEqual(0.5);
    expect(mx.max(x).item()).toBeLessThanOrEqual(0.75);
    expect(random.truncatedNormal(mx.zeros([3]), 1).shape).toEqual([3]);
    expect(random.truncatedNormal(0, 1, [2], mx.float16).dtype).toBe(mx.float16);
    expect(() => any(random.truncatedNormal)(0)).toThrow("upper: expected");
  });

  test("gumbel and laplace", () => {
    close(random.gumbel([2], null, { key: key() }), [-0.425993, 1.52325]);
    close(random.laplace([2], null, { key: key() }), [0.837963, -0.937127]);
    close(random.laplace([2], null, { loc: 1, scale: 2, key: key() }), [
      1 + 2 * 0.837963,
      1 - 2 * 0.937127,
    ]);
    expect(() => random.laplace([2], null, { loc: any(mx.array(1)) })).toThrow(TypeError);
  });

  test("categorical", () => {
    const logits = mx.zeros([2, 3]);
    is(random.categorical(logits, -1, null, { numSamples: 4, key: key() }), mx.uint32, [
      [0, 2, 2, 0],
      [2, 2, 1, 2],
    ]);
    expect(random.categorical(logits).shape).toEqual([2]);
    expect(random.categorical(logits, 0).shape).toEqual([3]);
    expect(random.categorical(logits, 1, [5, 2]).shape).toEqual([5, 2]);
    expect(() => random.categorical(logits, 1, null, { numSamples: 0 })).toThrow("zero size");
    const certain = mx.array([
      [-1000, 0, -1000],
      [0, -1000, -1000],
    ]);
    is(random.categorical(certain), mx.uint32, [1, 0]);
    is(random.categorical(certain, 0), mx.uint32, [1, 0, expect.any(Number)]);
    expect(() => random.categorical(logits, 4)).toThrow(
      "[random.categorical] axis: expected an axis of an array of shape [2, 3], received 4; how many to draw is the option numSamples",
    );
    expect(() => random.categorical(logits, -3)).toThrow(/received -3$/);
    expect(() => random.categorical(mx.array(1))).toThrow(RangeError);
    expect(() => random.categorical(logits, 1, [2], { numSamples: 4 })).toThrow(TypeError);
    expect(() => random.categorical(logits, 1, null, { numSamples: -1 })).toThrow(RangeError);
    expect(() => random.categorical(logits, 1, null, { numSamples: 0.5 })).toThrow(TypeError);
    expect(() => random.categorical(any([0, 0]))).toThrow(TypeError);
  });

  test("permutation", () => {
    is(random.permutation(4, 0, { key: key() }), mx.uint32, [1, 3, 2, 0]);
    is(random.permutation(0), mx.uint32, []);
    const x = mx.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const columns = random.permutation(x, 1, { key: key() });
    is(mx.sum(columns, 1), mx.float32, [6, 15]);
    const [first, second] = columns.tolist<number[][]>();
    expect(second).toEqual(first?.map((value) => value + 3));
    expect(() => random.permutation(-1)).toThrow(
      "[random.permutation] x: expected an integer that is not negative, received -1",
    );
    expect(() => random.permutation(0.5)).toThrow(TypeError);
    for (const axis of [2, -3]) {
      expect(() => random.permutation(x, axis)).toThrow(RangeError);
      expect(() => random.permutation(x, axis)).toThrow(
        `[random.permutation] axis: expected an axis of an array of shape [2, 3], received ${axis}`,
      );
    }
    for (const bad of [undefined, null, "4", [1, 2], 4n]) {
      expect(() => random.permutation(any(bad))).toThrow("expected an integer or an array");
    }
    const dead = mx.array([1]);
    dead.dispose();
    expect(() => random.permutation(dead)).toThrow("disposed");
  });
});
