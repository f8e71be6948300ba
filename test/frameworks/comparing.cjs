// Deep comparisons of arrays, as Jest and vitest both make them.
const assert = require("node:assert");
const { isDeepStrictEqual } = require("node:util");

const { expect, test } = /** @type {typeof import("vitest")} */ (/** @type {any} */ (globalThis));

/** @param {typeof import("mlx-js")} mlx */
module.exports = ({ mx, nn }) => {
  const linear = (/** @type {number} */ weight) => {
    const layer = new nn.Linear(2, 1);
    layer.update({ weight: mx.array([[weight, 2]]), bias: mx.array([3]) });
    return layer;
  };

  // Each is made anew for a comparison: it is equal to itself, and not to its
  // neighbours.
  /** @type {Record<string, () => unknown>} */
  const values = {
    "a list": () => [1, 1],
    ones: () => mx.ones([2]),
    "a typed array": () => new Float32Array([1, 1]),
    "ones, too": () => mx.add(mx.zeros([2]), 1),
    zeros: () => mx.zeros([2]),
    "ones of int32": () => mx.ones([2], mx.int32),
    "three ones": () => mx.ones([3]),
    "a row of ones": () => mx.ones([1, 2]),
    "a matrix": () =>
      mx.array([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    "its transpose": () =>
      mx.array([
        [1, 2, 3],
        [4, 5, 6],
      ]).T,
    "not a number": () => mx.array([1, Number.NaN]),
    infinity: () => mx.array([1, Number.POSITIVE_INFINITY]),
    zero: () => mx.array(0),
    "minus zero": () => mx.array(-0),
    one: () => mx.array(1),
    true: () => mx.array(true),
    "a half": () => mx.array([0.1, 2], mx.float16),
    "its neighbour": () => mx.array([0.1001, 2], mx.float16),
    bfloat16: () => mx.array([0.1, 2], mx.bfloat16),
    int64: () => mx.array([2n ** 53n, 1n]),
    "int64, one more": () => mx.array([2n ** 53n + 1n, 1n]),
    complex: () => mx.array([{ re: 1, im: 2 }]),
    "its conjugate": () => mx.array([{ re: 1, im: -2 }]),
    float32: () => mx.array([0.1]),
    "its neighbour of float32": () => mx.array([0.10000001]),
    none: () => mx.zeros([0]),
    "none of int32": () => mx.zeros([0], mx.int32),
    "no rows of two": () => mx.zeros([0, 2]),
    "no rows of three": () => mx.zeros([0, 3]),
    "two empty rows": () => mx.zeros([2, 0]),
    "two empty matrices": () => mx.zeros([2, 0, 3]),
    "in a record": () => ({ a: 1, b: [mx.ones([2]), mx.array(2)] }),
    "in a record, other": () => ({ a: 1, b: [mx.ones([2]), mx.array(3)] }),
    "in a map": () => new Map([["a", mx.ones([2])]]),
    "in a map, other": () => new Map([["a", mx.zeros([2])]]),
    "in a set": () => new Set([mx.array(1)]),
    "in a set, other": () => new Set([mx.array(2)]),
    "in a module": () => linear(1),
    "in a module, other": () => linear(5),
  };
  const names = Object.keys(values);
  const of = (/** @type {string} */ name) => /** @type {() => unknown} */ (values[name])();

  /** @type {[string, (actual: unknown, expected: unknown) => unknown][]} */
  const comparisons = [
    ["toEqual", (a, b) => expect(a).toEqual(b)],
    ["toStrictEqual", (a, b) => expect(a).toStrictEqual(b)],
    ["toEqual inside", (a, b) => expect({ x: [a] }).toEqual({ x: [b] })],
    ["toMatchObject", (a, b) => expect({ x: a, y: 1 }).toMatchObject({ x: b })],
    ["toContainEqual", (a, b) => expect([1, a]).toContainEqual(b)],
    ["toHaveProperty", (a, b) => expect({ x: a }).toHaveProperty("x", b)],
    ["objectContaining", (a, b) => expect({ x: a }).toEqual(expect.objectContaining({ x: b }))],
    ["deepStrictEqual", (a, b) => assert.deepStrictEqual(a, b)],
    ["deepStrictEqual inside", (a, b) => assert.deepStrictEqual({ x: [a] }, { x: [b] })],
    ["deepEqual", (a, b) => assert.deepEqual(a, b)],
    ["isDeepStrictEqual", (a, b) => assert.ok(isDeepStrictEqual(a, b))],
  ];

  // Without a tester of ours, these do not look into maps and sets.
  const shallow = ["toContainEqual", "toHaveProperty", "objectContaining"];

  test.each(comparisons)("%s", (comparison, compare) => {
    const wrong = [];
    for (const [i, a] of names.entries()) {
      for (const b of names.slice(Math.max(i - 1, 0), i + 2)) {
        const isLeftOut = a !== b && shallow.includes(comparison) && /in a (map|set)/.test(a);
        let passes = true;
        try {
          compare(of(a), of(b));
        } catch {
          passes = false;
        }
        if (passes !== (a === b) && !isLeftOut) {
          wrong.push(`${a}, ${b}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("long arrays are told apart, too", () => {
    const ramp = (/** @type {number} */ last) =>
      mx.concatenate([mx.arange(1200), mx.array([last])]);
    expect(ramp(1)).toEqual(ramp(1));
    expect(ramp(1)).not.toEqual(ramp(2));
    assert.deepStrictEqual([ramp(1)], [ramp(1)]);
    assert.notDeepStrictEqual([ramp(1)], [ramp(2)]);
    const nan = (/** @type {Uint32Array} */ bits) => mx.view(mx.array(bits), mx.float32);
    const bits = new Uint32Array(1200).fill(0x7fc00000);
    assert.deepStrictEqual(nan(bits), nan(bits.map((x, i) => x + i)));
    assert.notDeepStrictEqual(mx.zeros([1200]), mx.zeros([1200], mx.int32));
    assert.notDeepStrictEqual(mx.zeros([1200]), mx.zeros([1200, 1]));
  });

  test("an array that changes is compared as it is now", () => {
    const x = mx.array([1, 2]);
    expect(x).toEqual(mx.array([1, 2]));
    x.set([0], 5);
    expect(x).not.toEqual(mx.array([1, 2]));
    expect(x).toEqual(mx.array([5, 2]));
    expect([...x]).toEqual([mx.array(5), mx.array(2)]);
  });

  test("an array without values is equal to itself alone", () => {
    const x = mx.ones([2]);
    x.dispose();
    assert.deepStrictEqual([x], [x]);
    assert.notDeepStrictEqual([x], [mx.ones([2])]);
    mx.vmap((traced) => {
      assert.deepStrictEqual([traced], [traced]);
      assert.notDeepStrictEqual([traced], [mx.ones([2])]);
      return traced;
    })(mx.ones([2, 2]));
  });

  test("a failure tells the values", () => {
    expect(() => assert.deepStrictEqual({ x: mx.ones([2]) }, { x: mx.array([1, 0.5]) })).toThrow(
      /array\(\[1, 1\], dtype=float32\)[\s\S]*array\(\[1, 0\.5\], dtype=float32\)/,
    );
    expect(() => expect(mx.array([1, 7])).toEqual(mx.array([1, 0.5]))).toThrow(
      /7[\s\S]*0\.5|0\.5[\s\S]*7/,
    );
  });
};
