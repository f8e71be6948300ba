import { mx } from "mlx-js";
import { KVCache } from "mlx-js-lm";
import { expect, test } from "vitest";

test("a KVCache gives all keys and values so far, over several buffers and scopes", () => {
  using cache = new KVCache();
  const all: mx.array[] = [];
  for (const length of [3, 1, 300, 1]) {
    const keys = mx.random.normal([1, 2, length, 4]);
    all.push(keys);
    const [seen, values] = mx.tidy(() => {
      const seen = cache.update(keys, mx.negative(keys));
      return [seen.keys, seen.values];
    });
    const expected = mx.concatenate(all, 2);
    expect(seen?.tolist()).toEqual(expected.tolist());
    expect(values?.tolist()).toEqual(mx.negative(expected).tolist());
  }
  expect(cache.offset).toBe(305);
  expect(cache.trim(301)).toBe(301);
  expect(cache.offset).toBe(4);
});
