import { mx } from "mlx-js";
import { describe, expect, expectTypeOf, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const a = mx.array([
  [3, 1, 2],
  [5, 6, 4],
]);

describe("sort and argsort", () => {
  test("take an axis, by default the last, or none", () => {
    is(mx.sort(a), mx.float32, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    is(mx.sort(a, undefined), mx.float32, mx.sort(a, -1).tolist());
    is(mx.sort(mx.negative(a), 0), mx.float32, [
      [-5, -6, -4],
      [-3, -1, -2],
    ]);
    is(mx.sort(a, null), mx.float32, [1, 2, 3, 4, 5, 6]);
    is(mx.argsort(a), mx.uint32, [
      [1, 2, 0],
      [2, 0, 1],
    ]);
    is(mx.argsort(a, null), mx.uint32, [1, 2, 0, 5, 3, 4]);
  });

  test("keep the order of equals", () => {
    const x = mx.remainder(mx.arange(200), 3);
    const order = mx.argsort(x).tolist<number[]>();
    expect(order).toEqual([0, 1, 2].flatMap((r) => order.filter((i) => i % 3 === r)));
    for (let i = 1; i < order.length; i++) {
      const [before, here] = [order[i - 1] as number, order[i] as number];
      expect(before % 3 < here % 3 || before < here).toBe(true);
    }
  });

  test("fit takeAlongAxis, and gradients go through", () => {
    is(mx.takeAlongAxis(a, mx.argsort(a)), mx.float32, mx.sort(a).tolist());
    const weights = mx.array([1, 10, 100]);
    const f = (x: mx.array) => mx.sum(mx.multiply(mx.sort(x), weights));
    is(mx.grad(f)(a), mx.float32, [
      [100, 1, 10],
      [10, 100, 1],
    ]);
  });

  test("refuse what is no array, axis or option", () => {
    expect(() => mx.sort(any("21"))).toThrow("[sort] a: expected an array");
    expect(() => mx.sort(a, any([0]))).toThrow("[sort] axis: expected an integer");
    expect(() => mx.argsort(a, 0.5)).toThrow(TypeError);
    expect(() => mx.argsort(a, 2)).toThrow("[argsort] Axis 2 is out of bounds");
    expect(() => mx.sort(mx.array(1))).toThrow("[sort] Axis -1 is out of bounds");
    expect(() => mx.sort(a, 0, any({ reverse: true }))).toThrow(
      '[sort] options: expected stream, received an option "reverse"',
    );
  });
});

describe("partition, argpartition, topk", () => {
  const x = mx.random.uniform(0, 1, [4, 50]);
  const sorted = mx.sort(x).tolist<number[][]>();

  test.each([0, 17, 49, -1, -50])("partition at %d", (kth) => {
    const place = kth < 0 ? kth + 50 : kth;
    const byIndex = mx.takeAlongAxis(x, mx.argpartition(x, kth));
    for (const parts of [mx.partition(x, kth), byIndex]) {
      parts.tolist<number[][]>().forEach((row, i) => {
        const at = row[place] as number;
        expect(at).toBe(sorted[i]?.[place]);
        expect(row.slice(0, place).every((v) => v <= at)).toBe(true);
        expect(row.slice(place).every((v) => v >= at)).toBe(true);
        expect(row.toSorted((p, q) => p - q)).toEqual(sorted[i]);
      });
    }
  });

  test("topk gives the largest", () => {
    const top = mx.sort(mx.topk(x, 7)).tolist();
    expect(top).toEqual(sorted.map((row) => row.slice(-7)));
    const all = sorted.flat().sort((p, q) => p - q);
    expect(mx.sort(mx.topk(x, 3, null)).tolist()).toEqual(all.slice(-3));
    expect(mx.topk(x, 3, 0).shape).toEqual([3, 50]);
    expect(mx.topk(x, 0).shape).toEqual([4, 0]);
  });

  test("refuse what is out of range", () => {
    expect(() => mx.partition(a, 3)).toThrow("[partition] Received invalid kth 3");
    expect(() => mx.argpartition(a, -4)).toThrow("[argpartition] Received invalid kth -4");
    expect(() => mx.partition(a, 6, null)).toThrow(Error);
    expect(() => mx.partition(a, any("0"))).toThrow(
      '[partition] kth: expected an integer, received "0"',
    );
    expect(() => mx.topk(a, 4)).toThrow("[topk] Received invalid k=4");
    expect(() => mx.topk(a, -1)).toThrow("[topk] Received invalid k=-1");
    expect(() => mx.topk(a, 2 ** 31)).toThrow(RangeError);
    expect(() => mx.topk(a, Number.NaN)).toThrow(TypeError);
    expect(() => mx.topk(a, any(undefined))).toThrow("[topk] k: expected an integer");
  });
});

describe("searchsorted", () => {
  const sequence = mx.array([1, 2, 2, 4]);

  test("counts what is smaller, or not larger", () => {
    const values = mx.array([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    is(mx.searchsorted(sequence, values), mx.uint32, [
      [0, 0, 1],
      [3, 3, 4],
    ]);
    is(mx.searchsorted(sequence, values, { side: "right" }), mx.uint32, [
      [0, 1, 3],
      [3, 4, 4],
    ]);
    is(mx.searchsorted(sequence, mx.array(3)), mx.uint32, 3);
  });

  test("refuses other sides and shapes", () => {
    expect(() => mx.searchsorted(sequence, sequence, { side: any("up") })).toThrow(
      '[searchsorted] side: expected "left" or "right", received "up"',
    );
    expect(() => mx.searchsorted(a, sequence)).toThrow("[searchsorted] The sorted sequence");
    expect(() => mx.searchsorted(sequence, any(2))).toThrow(
      "[searchsorted] values: expected an array, received 2",
    );
  });
});

describe("unique", () => {
  const x = mx.array([
    [30, 10],
    [30, 20],
  ]);

  test("gives an array, or a list of what is asked for", () => {
    is(mx.unique(x, 3), mx.float32, [10, 20, 30]);
    is(mx.unique(x, 2), mx.float32, [10, 20]);
    is(mx.unique(x, 5), mx.float32, [10, 20, 30, 10, 10]);
    const [values, index, inverse, counts] = mx.unique(x, 4, {
      returnIndex: true,
      returnInverse: true,
      returnCounts: true,
      fillValue: -1,
    });
    is(values, mx.float32, [10, 20, 30, -1]);
    is(index.get(":3"), mx.uint32, [1, 3, 0]);
    is(inverse, mx.uint32, [
      [2, 0],
      [2, 1],
    ]);
    is(counts, mx.int32, [1, 1, 2, 0]);
    const [, only] = mx.unique(x, 3, { returnInverse: false, returnCounts: true });
    is(only, mx.int32, [1, 1, 2]);
    is(mx.take(values, inverse), mx.float32, x.tolist());
  });

  test("has a type for each", () => {
    const asked = false as boolean;
    expectTypeOf(mx.unique(x, 3)).toEqualTypeOf<mx.array>();
    expectTypeOf(mx.unique(x, 3, { fillValue: 1 })).toEqualTypeOf<mx.array>();
    expectTypeOf(mx.unique(x, 3, { returnIndex: true })).toEqualTypeOf<[mx.array, mx.array]>();
    expectTypeOf(mx.unique(x, 3, { returnIndex: asked })).toEqualTypeOf<mx.array | mx.array[]>();
  });

  test("takes the fill value in the array's dtype", () => {
    is(mx.unique(mx.array([2, 1], mx.uint8), 3, { fillValue: 7 }), mx.uint8, [1, 2, 7]);
    is(
      mx.unique(mx.array([2, 1], mx.int32), 3, { fillValue: mx.array([7.5]) }),
      mx.int32,
      [1, 2, 7],
    );
    is(mx.unique(mx.zeros([0]), 2, { fillValue: 5 }), mx.float32, [5, 5]);
    is(mx.unique(x, 4, { fillValue: null }), mx.float32, [10, 20, 30, 10]);
  });

  test("refuses what does not fit", () => {
    expect(() => mx.unique(x, -1)).toThrow("[unique] Received negative size -1.");
    expect(() => mx.unique(x, any(undefined))).toThrow("[unique] size: expected an integer");
    expect(() => mx.unique(x, 2, { returnIndex: any(1) })).toThrow(
      "[unique] returnIndex: expected a boolean, received 1",
    );
    expect(() => mx.unique(x, 2, { fillValue: any("0") })).toThrow(
      '[unique] fillValue: expected an array or a scalar, received "0"',
    );
    expect(() => mx.unique(x, 2, { fillValue: mx.array([1, 2]) })).toThrow("[unique] Fill value");
    expect(() => mx.unique(mx.zeros([0]), 2)).toThrow("[unique] A fill value is required");
  });
});
