import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";
import {
  type Cache,
  causalMask,
  KVCache,
  loadPromptCache,
  type Mask,
  QuantizedKVCache,
  RotatingKVCache,
  savePromptCache,
  trimPromptCache,
} from "mlx-js-lm";
import { describe, expect, test } from "vitest";
import { live } from "../../../test/support/live.js";

interface Case {
  name: "KVCache" | "RotatingKVCache" | "QuantizedKVCache";
  options: { max_size?: number; keep?: number; group_size?: number; bits?: number };
  steps: (number | { trim: number })[];
  seen: (number | { keys: number[]; masks: Record<string, string[] | "causal" | null> })[];
}

// Of mlx-lm 0.32.2: written by reference/lm/caches.py.
const cases: Case[] = JSON.parse(
  readFileSync(new URL("golden/caches.json", import.meta.url), "utf8"),
);

function make({ name, options: { max_size = 0, keep, group_size, bits } }: Case): Cache {
  switch (name) {
    case "KVCache":
      return new KVCache();
    case "RotatingKVCache":
      return new RotatingKVCache(max_size, { keep });
    case "QuantizedKVCache":
      return new QuantizedKVCache({ groupSize: group_size, bits });
  }
}

/** Tokens whose keys are their numbers, and whose values are minus that. */
function tokens(start: number, length: number, dims = 64): { keys: mx.array; values: mx.array } {
  const numbers = mx.arange(start, start + length, 1, mx.float32).reshape([1, 1, length, 1]);
  const keys = mx.broadcastTo(numbers, [1, 1, length, dims]);
  return { keys, values: mx.negative(keys) };
}

/** A mask as rows of 0 and 1, among `size` keys. */
function rows(mask: Mask | string[], length: number, size: number): string[] {
  if (mask === null) {
    return Array<string>(length).fill("1".repeat(size));
  }
  if (Array.isArray(mask)) {
    return mask;
  }
  const array = mask === "causal" ? causalMask(length, size - length) : (mask as mx.array);
  const flags = array.reshape([length, -1]).tolist() as boolean[][];
  return flags.map((row) => row.map(Number).join(""));
}

test.each(cases)("$name $options, by $steps, gives what mlx-lm's does", (golden) => {
  using cache = make(golden);
  for (const [i, step] of golden.steps.entries()) {
    const seen = golden.seen[i];
    if (typeof step !== "number") {
      expect(cache.trim(cache.trimmable ? step.trim : 0)).toBe(seen);
      continue;
    }
    if (seen === undefined || typeof seen === "number") {
      throw new Error("a step of tokens has keys");
    }
    const masks = ["0", "2", "3"].map((window) =>
      rows(cache.mask(step, Number(window) || undefined), step, seen.keys.length),
    );
    const newest = cache.offset;
    const { keys, values } = mx.tidy(() => {
      const added = tokens(newest, step);
      return cache.update(added.keys, added.values);
    });
    expect(keys.get(0, 0, ":", 3).tolist()).toEqual(seen.keys);
    expect(values.add(keys).abs().max().item()).toBe(0);
    for (const [j, window] of ["0", "2", "3"].entries()) {
      // mlx-lm takes kept tokens for ones of the window.
      const own = golden.options.keep !== undefined && window !== "0";
      const byNumber = [seen.keys.map((key) => Number(newest - key < Number(window))).join("")];
      const expected = rows(seen.masks[window] ?? null, step, seen.keys.length);
      if (!own) {
        expect(masks[j]).toEqual(expected);
      } else if (step === 1) {
        expect(masks[j]).toEqual(byNumber);
      }
    }
  }
});

describe("buffers", () => {
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

  test.each<[string, () => Cache, number]>([
    ["KVCache", () => new KVCache(), 2],
    ["RotatingKVCache", () => new RotatingKVCache(4096), 2],
    ["QuantizedKVCache", () => new QuantizedKVCache(), 6],
  ])("a %s is written in place, and holds only its buffers", (_, create, held) => {
    const before = live();
    const cache = create();
    const add = (length: number) => {
      mx.tidy(() => {
        const { keys, values } = tokens(cache.offset, length);
        cache.update(keys, values);
      });
      mx.eval(cache as unknown as mx.Owner);
    };
    add(4000);
    for (let i = 0; i < 60; i++) {
      add(1);
    }
    expect(mx.memory().arrays - before).toBe(held);
    mx.clearCache();
    mx.resetPeakMemory();
    const active = mx.getActiveMemory();
    add(1);
    // A copy of the smallest buffer would be more.
    expect(mx.getPeakMemory() - active).toBeLessThan(30_000);
    cache[Symbol.dispose]();
    expect(mx.memory().arrays).toBe(before);
  });
});

test.each<[string, () => Cache]>([
  ["KVCache", () => new KVCache()],
  ["RotatingKVCache", () => new RotatingKVCache(8)],
  ["QuantizedKVCache", () => new QuantizedKVCache({ groupSize: 32 })],
])("a %s refuses what is of another shape, also where it could be broadcast", (_, create) => {
  using cache = create();
  const add = (...shape: number[]) => cache.update(mx.ones(shape), mx.ones(shape));
  add(2, 2, 3, 64);
  for (const length of [1, 2, 300]) {
    for (const [batch, heads, dims] of [
      [1, 2, 64],
      [2, 1, 64],
      [2, 4, 64],
      [2, 2, 32],
    ] as const) {
      const code = { code: "ERR_MLX_LM_CACHE" };
      expect(() => add(batch, heads, length, dims)).toThrow(expect.objectContaining(code));
    }
  }
  expect(cache.offset).toBe(3);
  expect(add(2, 2, 1, 64).keys.shape).toEqual([2, 2, 4, 64]);
});

describe("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-"));

  test("caches of each kind go on after loading as if nothing had been", () => {
    const file = join(folder, "caches.safetensors");
    const create = () => [
      new KVCache(),
      new RotatingKVCache(5, { keep: 1 }),
      new QuantizedKVCache({ groupSize: 32, bits: 8 }),
    ];
    const caches = create();
    const add = (cache: Cache, length: number) => {
      const { keys, values } = tokens(cache.offset, length);
      return cache.update(keys, values).keys.get(0, 0, ":", 0).tolist();
    };
    for (const cache of caches) {
      add(cache, 4);
      add(cache, 1);
      add(cache, 1);
      add(cache, 1);
    }
    savePromptCache(file, caches, { model: "none", text: "ü" });
    const { caches: loaded, metadata } = loadPromptCache(file);
    expect(metadata).toEqual({ model: "none", text: "ü" });
    expect(loaded.map((cache) => cache.constructor)).toEqual(caches.map((x) => x.constructor));
    for (const length of [1, 3, 1]) {
      expect(loaded.map((cache) => add(cache, length))).toEqual(
        caches.map((cache) => add(cache, length)),
      );
    }
    expect(trimPromptCache(loaded, 2)).toBe(0);
    expect(trimPromptCache([loaded[0], loaded[2]] as Cache[], 2)).toBe(2);
    expect(loaded.map(({ offset }) => offset)).toEqual([10, 12, 10]);
  });

  // Written by reference/lm/caches.py: seven tokens, of which the rotating cache has five.
  const theirs = fileURLToPath(new URL("golden/prompt-cache.safetensors", import.meta.url));
  const options = { format: "safetensors", returnMetadata: true } as const;
  const seen = (cache: Cache) => {
    const { keys, values } = tokens(7, 1, 32);
    const all = cache.update(keys, values);
    expect(all.values.add(all.keys).abs().max().item()).toBe(0);
    return all.keys.get(0, 0, ":", 0).tolist();
  };
  const expected = [
    [0, 1, 2, 3, 4, 5, 6, 7],
    [0, 5, 6, 7, 4],
    [0, 1, 2, 3, 4, 5, 6, 7],
  ];

  test("mlx-lm's are read", () => {
    const { caches, metadata } = loadPromptCache(theirs);
    expect(metadata).toEqual({ model: "none" });
    expect(caches.map((cache) => [cache.constructor.name, cache.offset])).toEqual([
      ["KVCache", 7],
      ["RotatingKVCache", 7],
      ["QuantizedKVCache", 7],
    ]);
    expect(caches.map(seen)).toEqual(expected);
  });

  test("are what mlx-lm writes, but for the room behind the last token", () => {
    const file = join(folder, "ours.safetensors");
    const { caches, metadata } = loadPromptCache(theirs);
    savePromptCache(file, caches, metadata);
    const [ours, ourTexts] = mx.load(file, options);
    const [python, pythonTexts] = mx.load(theirs, options);
    expect(ourTexts).toEqual(pythonTexts);
    expect(Object.keys(ours).sort()).toEqual(Object.keys(python).sort());
    for (const [name, x] of Object.entries(ours)) {
      const given = python[name] as mx.array;
      expect(x.dtype).toBe(given.dtype);
      expect(x.tolist()).toEqual(
        (x.ndim === 4 ? given.get(":", ":", new mx.Slice(0, x.dim(2))) : given).tolist(),
      );
    }
  });

  test("of mlx-lm before 0.32.2 are read", () => {
    const file = join(folder, "before.safetensors");
    const [python] = mx.load(theirs, options);
    const room = new mx.Slice(0, 7);
    const arrays = Object.entries(python)
      .filter(([, x]) => x.ndim === 4)
      .map(([name, x]) => [name, name[0] === "1" ? x : x.get(":", ":", room)]);
    const metadata: Record<string, string> = {
      ...{ "0.0": "", "0.1.0": "1", "0.1.1": "5", "0.1.2": "7" },
      ...{ "0.2.0": "7", "0.2.1": "32", "0.2.2": "8", "1.model": "none" },
      ...{ "2.0": "KVCache", "2.1": "RotatingKVCache", "2.2": "QuantizedKVCache" },
    };
    // Where the next token goes, as the file of today has it.
    metadata["0.1.3"] = String(python["1.5"]?.item());
    mx.saveSafetensors(file, Object.fromEntries(arrays), { metadata });
    const loaded = loadPromptCache(file);
    expect(loaded.metadata).toEqual({ model: "none" });
    expect(loaded.caches.map(seen)).toEqual(expected);
  });

  test.each([null, 5, [5]])("what are no caches is refused: %j", (caches) => {
    const refused = { code: "ERR_INVALID_ARG_TYPE" };
    expect(() => trimPromptCache(caches as never, 1)).toThrow(expect.objectContaining(refused));
    expect(() => savePromptCache("x", caches as never)).toThrow(expect.objectContaining(refused));
  });

  test("what is no prompt cache is refused, and leaves nothing", () => {
    const file = join(folder, "other.safetensors");
    const keys = mx.ones([1, 1, 3, 4]);
    const flat = { "0.0": mx.array([1]), "0.1": mx.array([1]) };
    const fewer = { "0.0": keys, "0.1": mx.ones([1, 1, 2, 4]) };
    const before = live();
    const refused = (
      arrays: Record<string, mx.array>,
      metadata: Record<string, string>,
      message: RegExp,
    ) => {
      mx.saveSafetensors(file, arrays, { metadata });
      expect(() => loadPromptCache(file)).toThrow(message);
    };
    refused({ a: keys }, {}, /expected a prompt cache, received .*has none/);
    refused({ a: keys }, { "2.0": "ArraysCache" }, /with a ArraysCache; the kinds are KVCache/);
    refused({ a: keys }, { "2.0": "toString" }, /with a toString; the kinds are KVCache/);
    refused({ "0.0": keys }, { "2.0": "KVCache" }, /arrays of layer 0 are missing/);
    refused(flat, { "2.0": "KVCache" }, /or have not four axes/);
    refused(fewer, { "2.0": "KVCache" }, /or have not four axes and as many tokens/);
    const both = { "0.0": keys, "0.1": keys };
    const layout = { "1.0": "KVCache", "2.0": "" };
    for (const offset of [4, -1]) {
      using given = mx.array(offset, mx.int32);
      refused({ ...both, "0.2": given }, layout, /has 3 tokens and says that/);
    }
    refused(both, { "2.0": "RotatingKVCache" }, /maxSize: expected a positive integer/);
    const numbers = { "0.0.0": "1", "0.0.1": "5", "0.0.2": "9", "0.0.3": "4" };
    refused(both, { "2.0": "RotatingKVCache", ...numbers }, /has 3 tokens and says that/);
    expect(live()).toBeLessThanOrEqual(before);
    expect(() => savePromptCache(file, [new KVCache()])).toThrow(/received an empty one/);
    class Own extends KVCache {
      override saved() {
        return { ...super.saved(), name: "Own" };
      }
    }
    const own = new Own();
    own.update(keys, keys);
    expect(() => savePromptCache(file, [own])).toThrow(
      expect.objectContaining({
        code: "ERR_MLX_LM_CACHE",
        message: expect.stringMatching(/caches: expected known ones, received one with a Own; the/),
      }),
    );
    rmSync(folder, { recursive: true });
  });
});

test("a KVCache becomes a quantized one of the same tokens", () => {
  using cache = new KVCache();
  const { keys, values } = tokens(0, 5);
  cache.update(keys, values);
  using quantized = cache.toQuantized({ groupSize: 32, bits: 8 });
  const more = tokens(5, 1);
  const seen = quantized.update(more.keys, more.values);
  expect(seen.values.abs().get(0, 0, ":", 0).tolist()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(cache.offset).toBe(5);
});

test("sizes that are none are refused", () => {
  expect(() => new RotatingKVCache(0)).toThrow(
    "[RotatingKVCache] maxSize: expected a positive integer, received 0",
  );
  expect(() => new RotatingKVCache(4, { keep: 4 })).toThrow(/keep: expected less than maxSize, 4/);
  expect(() => new QuantizedKVCache({ bits: "8" as never })).toThrow(TypeError);
  expect(() => new QuantizedKVCache({ bits: 7 })).toThrow(
    /bits: expected one of 1, 2, .* received 7/,
  );
  expect(() => new QuantizedKVCache({ groupSize: 0 })).toThrow(
    /groupSize: expected a positive integer/,
  );
  expect(() => new KVCache().toQuantized({ groupSize: 16 })).toThrow(
    /groupSize: expected one of 32/,
  );
});
