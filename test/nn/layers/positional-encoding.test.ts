// nn.ALiBi beyond the values of test/golden/nn/alibi.json: what the matrix means,
// masks, gradients, attention, and a cache that stays small.
import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "../../support/live.js";

const alibi = new nn.ALiBi();

/** The slopes as the paper and its code define them. */
function slopes(heads: number): number[] {
  const series = (n: number) => Array.from({ length: n }, (_, i) => 2 ** ((-8 / n) * (i + 1)));
  if (Number.isInteger(Math.log2(heads))) {
    return series(heads);
  }
  const power = 2 ** Math.floor(Math.log2(heads));
  const rest = series(2 * power).filter((_, i) => i % 2 === 0);
  return [...series(power), ...rest.slice(0, heads - power)];
}

function values(x: mx.array): number[] {
  return x.astype(mx.float32).flatten().tolist<number[]>();
}

describe("createAlibiMatrix", () => {
  test.each([1, 2, 6, 8, 12, 20, 32])("%i heads, every distance", (heads) => {
    // Fewer queries than keys, more, as many, one, and from an offset.
    for (const [q, k, offset] of [
      [3, 7, 0],
      [7, 3, 0],
      [5, 5, 0],
      [9, 9, 8],
      [6, 4, 2],
      [1, 1, 0],
    ] as const) {
      const matrix = nn.ALiBi.createAlibiMatrix(q, k, heads, offset);
      expect(matrix.shape).toEqual([1, heads, q - offset, k]);
      const expected = slopes(heads).flatMap((slope) =>
        Array.from({ length: q - offset }, (_, i) =>
          Array.from({ length: k }, (_, j) =>
            Math.fround(-Math.abs(i + offset - j) * Math.fround(slope)),
          ),
        ).flat(),
      );
      expect(values(matrix).map((x) => x + 0)).toEqual(expected.map((x) => x + 0));
    }
  });

  test("is no constant where the lengths match", () => {
    const rows = nn.ALiBi.createAlibiMatrix(4, 4, 1, 0).get(0, 0).tolist<number[][]>();
    expect(new Set(rows.flat().map((x) => x + 0)).size).toBe(4);
  });

  test.each([mx.float16, mx.bfloat16])("%s is rounded once", (dtype) => {
    const exact = nn.ALiBi.createAlibiMatrix(200, 300, 12, 0);
    const rounded = nn.ALiBi.createAlibiMatrix(200, 300, 12, 0, dtype);
    expect(rounded.dtype).toBe(dtype);
    expect(mx.arrayEqual(rounded, exact.astype(dtype)).item()).toBe(true);
  });

  test("what it refuses", () => {
    expect(() => nn.ALiBi.createAlibiMatrix(2.5, 2, 1, 0)).toThrow(TypeError);
    expect(() => nn.ALiBi.createAlibiMatrix(-1, 2, 1, 0)).toThrow(RangeError);
    expect(() => nn.ALiBi.createAlibiMatrix(2, 2, 0, 0)).toThrow(RangeError);
    expect(() => nn.ALiBi.createAlibiSlope("2" as never)).toThrow(TypeError);
    for (const heads of [2 ** 20 + 1, 2 ** 31 - 1]) {
      expect(() => nn.ALiBi.createAlibiSlope(heads)).toThrow(RangeError);
      expect(() => nn.ALiBi.createAlibiMatrix(1, 1, heads)).toThrow(RangeError);
    }
    expect(nn.ALiBi.createAlibiSlope(2 ** 20).shape).toEqual([2 ** 20, 1, 1]);
    const none = { dtype: mx.float16 } as never;
    for (const [name, call] of [
      ["createAlibiSlope", () => nn.ALiBi.createAlibiSlope(2, none)],
      ["createAlibiMatrix", () => nn.ALiBi.createAlibiMatrix(2, 2, 2, 0, none)],
      ["createAdditiveCausalMask", () => nn.MultiHeadAttention.createAdditiveCausalMask(2, none)],
      ["setDtype", () => new nn.ReLU().setDtype(none)],
    ] as const) {
      expect(call).toThrow(`[${name}] dtype: expected a dtype such as mx.float32`);
    }
  });
});

describe("forward", () => {
  const scores = mx.random.normal([2, 3, 4, 6], mx.float32, { key: mx.random.key(0) });

  test("adds the bias", () => {
    const bias = nn.ALiBi.createAlibiMatrix(4, 6, 3, 0);
    expect(values(alibi.forward(scores))).toEqual(values(mx.add(scores, bias)));
  });

  test("a decoding step is the last row", () => {
    const all = alibi.forward(scores);
    const last = alibi.forward(scores.get("...", "3:4", ":"), { offset: 3 });
    expect(values(last)).toEqual(values(all.get("...", "3:4", ":")));
  });

  test("an additive mask is added", () => {
    const mask = mx.where(mx.tri(4, { m: 6 }).equal(0), -1e9, 0.5);
    const bias = nn.ALiBi.createAlibiMatrix(4, 6, 3, 0);
    expect(values(alibi.forward(scores, { mask }))).toEqual(
      values(mx.add(scores, mx.add(bias, mask))),
    );
  });

  test("a boolean mask keeps where it is true", () => {
    const mask = mx.tri(4, { m: 6 }).astype(mx.bool);
    const out = alibi.forward(scores, { mask });
    const plain = alibi.forward(scores);
    const kept = values(mx.broadcastTo(mask, out.shape));
    values(out).forEach((x, i) => {
      expect(x).toBe(kept[i] === 1 ? values(plain)[i] : Number.NEGATIVE_INFINITY);
    });
  });

  test("gradients flow to the scores and to an additive mask", () => {
    const weights = mx.random.normal([2, 3, 4, 6], mx.float32, { key: mx.random.key(1) });
    const f = (s: mx.array, mask: mx.array) =>
      mx.sum(mx.multiply(mx.softmax(alibi.forward(s, { mask }), -1), weights));
    const mask = mx.zeros([4, 6]);
    const [ds, dmask] = mx.grad(f, [0, 1])(scores, mask) as [mx.array, mx.array];
    const explicit = mx.grad((s: mx.array) =>
      mx.sum(
        mx.multiply(mx.softmax(mx.add(s, nn.ALiBi.createAlibiMatrix(4, 6, 3, 0)), -1), weights),
      ),
    )(scores);
    expect(mx.allclose(ds, explicit, { rtol: 1e-5, atol: 1e-6 }).item()).toBe(true);
    expect(mx.allclose(dmask, mx.sum(ds, [0, 1]), { rtol: 1e-4, atol: 1e-6 }).item()).toBe(true);
    expect(mx.max(mx.abs(ds)).item()).toBeGreaterThan(0.01);
  });

  test.each([mx.float32, mx.float16, mx.bfloat16])("attention in %s", (dtype) => {
    const key = (n: number) => ({ key: mx.random.key(n) });
    const [q, k, v] = [
      mx.random.normal([2, 4, 3, 8], mx.float32, key(2)),
      mx.random.normal([2, 4, 5, 8], mx.float32, key(3)),
      mx.random.normal([2, 4, 5, 8], mx.float32, key(4)),
    ].map((x) => x.astype(dtype)) as [mx.array, mx.array, mx.array];
    const scale = 8 ** -0.5;
    const weights = mx.softmax(
      alibi.forward(mx.matmul(mx.multiply(q, scale), k.swapaxes(-1, -2))),
      -1,
    );
    const mask = nn.ALiBi.createAlibiMatrix(3, 5, 4, 0, dtype);
    const expected = mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
    const atol = dtype === mx.float32 ? 1e-5 : 0.03;
    expect(mx.allclose(mx.matmul(weights, v), expected, { rtol: atol, atol }).item()).toBe(true);
  });

  test("what it refuses", () => {
    expect(() => alibi.forward(mx.zeros([2, 3, 4]))).toThrow(RangeError);
    expect(() => alibi.forward(mx.zeros([1, 2, 3, 4], mx.int32))).toThrow(TypeError);
    expect(() => alibi.forward(scores, { offset: -1 })).toThrow(RangeError);
    expect(() => alibi.forward(scores, { offset: 0.5 })).toThrow(TypeError);
    expect(() => alibi.forward(scores, { masks: null } as never)).toThrow(/"masks"/);
    expect(() => alibi.forward(scores, { mask: true as never })).toThrow(TypeError);
    expect(() => alibi.forward(1 as never)).toThrow(TypeError);
  });
});

describe("the cache", () => {
  test("survives the scopes that fill it and the disposal of what it gave", () => {
    const scores = mx.zeros([1, 2, 3, 5]);
    const expected = values(nn.ALiBi.createAlibiMatrix(3, 5, 2, 0));
    for (let i = 0; i < 3; i++) {
      expect(mx.tidy(() => values(alibi.forward(scores)))).toEqual(expected);
      const out = alibi.forward(scores);
      out.dispose();
      mx.dispose(alibi);
    }
    const gradient = mx.grad((s: mx.array) => mx.sum(alibi.forward(s)))(mx.zeros([1, 2, 6, 5]));
    expect(values(gradient).every((x) => x === 1)).toBe(true);
    expect(values(alibi.forward(mx.zeros([1, 2, 6, 5])))).toEqual(
      values(nn.ALiBi.createAlibiMatrix(6, 5, 2, 0)),
    );
  });

  test("gives the steps of decoding and their layers the end of one matrix", () => {
    const lengths = [5, 6, 7, 8, 5];
    const biases = lengths.flatMap((length) => {
      const scores = mx.zeros([1, 3, 1, length]);
      return [1, 2].map(() => alibi.forward(scores, { offset: length - 1 }));
    });
    const pieces: Uint8Array[] = [];
    mx.exportToDot({ write: (bytes) => pieces.push(bytes) }, biases);
    const graph = Buffer.concat(pieces).toString();
    // The positions of the queries and of the keys.
    expect(graph.match(/"Arange"/g)).toHaveLength(2);
    const expected = lengths.map((n) => values(nn.ALiBi.createAlibiMatrix(n, n, 3, n - 1)));
    expect(biases.map(values)).toEqual(expected.flatMap((x) => [x, x]));
  });

  test("keeps nothing that is too long, and computes no more than is asked for", () => {
    const [heads, length] = [8, 2 ** 19 + 1];
    const scores = mx.zeros([1, heads, 1, length], mx.float16);
    const pieces: Uint8Array[] = [];
    const biased = alibi.forward(scores, { offset: length - 1 });
    mx.exportToDot({ write: (bytes) => pieces.push(bytes) }, [biased]);
    expect(Buffer.concat(pieces).toString()).not.toContain('"Slice"');
  });

  test.each([mx.float32, mx.float16, mx.bfloat16])("is exact at each length, in %s", (dtype) => {
    for (const length of [1, 2, 3, 4, 31, 32, 33, 1000]) {
      const scores = mx.zeros([1, 6, 1, length], dtype);
      expect(values(alibi.forward(scores, { offset: length - 1 }))).toEqual(
        values(nn.ALiBi.createAlibiMatrix(length, length, 6, length - 1, dtype)),
      );
    }
    // Not the last position, so no step of decoding.
    expect(values(alibi.forward(mx.zeros([1, 6, 1, 9], dtype), { offset: 4 }))).toEqual(
      values(nn.ALiBi.createAlibiMatrix(5, 9, 6, 4, dtype)),
    );
  });

  test("does not grow with the lengths of a decoding loop", () => {
    const decode = (from: number, to: number) => {
      for (let length = from; length < to; length++) {
        mx.tidy(() => mx.eval(alibi.forward(mx.zeros([1, 8, 1, length + 1]), { offset: length })));
      }
    };
    decode(0, 50);
    const before = mx.memory();
    decode(50, 2000);
    // What was waiting for the collector before may be gone by now.
    expect(live()).toBeLessThanOrEqual(before.arrays);
    expect(mx.memory().active - before.active).toBeLessThan(1 << 20);
  });

  test("does not grow with a thousand shapes", () => {
    const read = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        mx.tidy(() =>
          mx.eval(alibi.forward(mx.zeros([1, 2, 2 + (i % 40), 2 + Math.floor(i / 40)]))),
        );
      }
    };
    read(0, 40);
    const before = mx.memory();
    read(40, 1040);
    // What was waiting for the collector before may be gone by now.
    expect(live()).toBeLessThanOrEqual(before.arrays);
    expect(mx.memory().active - before.active).toBeLessThan(1 << 20);
  });
});
