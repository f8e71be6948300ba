import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { fast } = mx;

const flat = (x: mx.array) => x.tolist<mx.Nested[]>().flat(9) as number[];

const close = (x: mx.array, values: number[], digits = 5) => {
  const list = flat(x);
  expect(list.length).toBe(values.length);
  list.forEach((value, i) => {
    expect(value).toBeCloseTo(values[i] as number, digits);
  });
};

const disposed = () => {
  const x = mx.array([1]);
  x.dispose();
  return x;
};

describe("norms", () => {
  test("rmsNorm", () => {
    const x = mx.array([
      [3, 4],
      [0, 2],
    ]);
    const r = Math.sqrt(12.5);
    close(fast.rmsNorm(x, null, 0), [3 / r, 4 / r, 0, Math.SQRT2]);
    close(fast.rmsNorm(x, mx.array([1, 10]), 0), [3 / r, 40 / r, 0, 10 * Math.SQRT2]);
    close(fast.rmsNorm(mx.array([0, 2]), null, 2), [0, 1]);
    expect(fast.rmsNorm(mx.array([1, 2], mx.float16), null, 1e-5).dtype).toBe(mx.float16);
    expect(() => fast.rmsNorm(x, mx.ones([3]), 0)).toThrow("[rms_norm]");
    expect(() => fast.rmsNorm(mx.array(1), null, 0)).toThrow("[rms_norm]");
    expect(() => any(fast.rmsNorm)(x, null)).toThrow("[fast.rmsNorm] eps: expected a number");
    expect(() => fast.rmsNorm(x, any(1), 0)).toThrow("[fast.rmsNorm] weight: expected an array");
    expect(() => fast.rmsNorm(any([1]), null, 0)).toThrow(TypeError);
    expect(() => fast.rmsNorm(disposed(), null, 0)).toThrow("disposed");
    expect(() => fast.rmsNorm(x, null, 0, any({ eps: 1 }))).toThrow('an option "eps"');
  });

  test("layerNorm", () => {
    const x = mx.array([[1, 3]]);
    close(fast.layerNorm(x, null, null, 0), [-1, 1]);
    close(fast.layerNorm(x, mx.array([2, 3]), null, 0), [-2, 3]);
    close(fast.layerNorm(x, null, mx.array([2, 5]), 0), [1, 6]);
    close(fast.layerNorm(x, mx.array([2, 3]), mx.array([2, 5]), 3), [1, 6.5]);
    expect(() => fast.layerNorm(x, mx.ones([3]), null, 0)).toThrow("[layer_norm]");
    expect(() => fast.layerNorm(x, null, disposed(), 0)).toThrow("disposed");
    expect(() => any(fast.layerNorm)(x, null, null)).toThrow("eps: expected a number");
    expect(() => any(fast.layerNorm)(x, null, 1e-5)).toThrow("bias: expected an array");
  });
});

// What MLX puts together from small operations, which it does where a transformation looks on.
const ofSmallOperations = (fn: (x: mx.array) => mx.array, x: mx.array): mx.array =>
  mx.jvp((y: mx.array) => fn(y), [x], [mx.onesLike(x)])[0][0] as mx.array;

const bytes = (x: mx.array) => [...mx.view(mx.contiguous(x).reshape(-1), mx.uint8).toTypedArray()];

describe.each([mx.float32, mx.float16, mx.bfloat16])("to the last bit, in %s", (dtype) => {
  const random = (...shape: number[]) => mx.random.normal(shape).multiply(3).astype(dtype);
  const same = (fn: (x: mx.array) => mx.array, x: mx.array) => {
    const [whole, parts] = mx.stream(mx.cpu, () => [fn(x), ofSmallOperations(fn, x)] as const);
    expect([whole.dtype, whole.shape]).toEqual([parts.dtype, parts.shape]);
    expect(bytes(whole)).toEqual(bytes(parts));
  };

  test.each([
    ["in order", () => random(2, 3, 65)],
    ["one after the other in another way", () => random(2, 65, 3).swapaxes(1, 2)],
    ["backwards", () => random(4, 65).get("...", new mx.Slice(null, null, -1))],
    ["repeated", () => mx.broadcastTo(random(3, 65), [2, 3, 65])],
    ["all the same", () => mx.broadcastTo(random(1), [3, 65])],
    ["a negative zero", () => mx.zeros([65], dtype).negative()],
  ])("norms of elements that lie %s", (_, make) => {
    const x = make();
    const weight = random(65);
    const bias = random(130).get(new mx.Slice(null, null, 2));
    for (const w of [weight, null]) {
      same((y) => fast.rmsNorm(y, w, 1e-5), x);
      for (const b of [bias, null]) {
        same((y) => fast.layerNorm(y, w, b, 1e-5), x);
      }
    }
  });

  test("norms of single elements", () => {
    for (const x of [random(3, 1), mx.array([-0], dtype)]) {
      same((y) => fast.rmsNorm(y, null, 1e-5), x);
      same((y) => fast.layerNorm(y, null, null, 1e-5), x);
    }
  });

  test.each([
    ["one token", () => random(2, 3, 1, 8)],
    ["several", () => random(2, 3, 5, 8)],
    ["heads behind tokens in memory", () => random(2, 5, 3, 8).swapaxes(1, 2)],
    ["no heads", () => random(2, 5, 8)],
    ["more axes", () => random(2, 3, 2, 5, 8)],
  ])("rotations of %s", (_, make) => {
    const x = make();
    const freqs = mx.random.uniform(1, 9, [3]);
    const offsets = [
      0,
      7,
      mx.array(7, mx.int32),
      mx.array([1000], mx.uint32),
      mx.array([4, 9], mx.int32),
    ];
    for (const traditional of [true, false]) {
      for (const offset of offsets) {
        for (const scale of [1, 0.3]) {
          const options = { traditional, scale, offset };
          same((y) => fast.rope(y, 8, { ...options, base: 100 }), x);
          same((y) => fast.rope(y, 6, { ...options, freqs, base: null }), x);
        }
      }
    }
  });
});

test.runIf(process.platform === "linux")("on the CPU, few operations", () => {
  const operations = (outputs: mx.array[]) => {
    const pieces: Uint8Array[] = [];
    mx.exportToDot({ write: (piece) => pieces.push(piece) }, [outputs]);
    const text = Buffer.concat(pieces).toString();
    return [...text.matchAll(/label ="(\w+)", shape=rectangle/g)].map(([, name]) => name).sort();
  };
  mx.stream(mx.cpu, () => {
    const x = mx.array([[[1, 2, 3, 4]]]);
    const turn = { traditional: false, base: 10, scale: 1, offset: 1 };
    const norms = [fast.rmsNorm(x, null, 0), fast.layerNorm(x, null, null, 0)];
    expect(operations(norms)).toEqual(["FusedLayerNorm", "FusedRMSNorm"]);
    const one = operations([fast.rope(x, 4, turn)]);
    const turned = [fast.rope(x, 4, turn), fast.rope(mx.array([[[[5, 6, 7, 8]]]]), 4, turn)];
    expect(operations(turned)).toEqual([...one, "FusedRoPE"].sort());
  });
});

test("rotations by the same angles, and by others, in one graph", () => {
  const x = mx.ones([1, 1, 2, 4]);
  const turned = (base: number, offset: number | mx.array, dtype: mx.Dtype = mx.float32) =>
    fast.rope(x.astype(dtype), 4, { traditional: false, base, scale: 1, offset });
  const place = mx.array(3, mx.int32);
  const calls: Parameters<typeof turned>[] = [
    [10, 3],
    [10, 3],
    [20, 3],
    [10, 4],
    [10, 3],
    [10, place],
    [10, 3, mx.float16],
    [10, 3],
  ];
  const apart = calls.map((call) => turned(...call).tolist());
  expect(calls.map((call) => turned(...call)).map((y) => y.tolist())).toEqual(apart);
  const together = calls.map((call) => turned(...call));
  mx.eval(together);
  expect(together.map((y) => y.tolist())).toEqual(apart);
  place.dispose();
  expect(turned(10, mx.array(5, mx.int32)).tolist()).not.toEqual(apart[5]);
});

test("crossEntropy", () => {
  const logits = mx.array([
    [0, 0],
    [2, 0],
  ]);
  const targets = mx.array([1, 0], mx.int32);
  close(fast.crossEntropy(logits, targets), [Math.LN2, Math.log(1 + Math.exp(-2))]);
  expect(() => fast.crossEntropy(logits, mx.array([1, 0]))).toThrow("[fast.crossEntropy]");
  expect(() => fast.crossEntropy(logits, mx.array([1], mx.int32))).toThrow("[cross_entropy]");
  expect(() => fast.crossEntropy(logits, any([1, 0]))).toThrow(TypeError);
  expect(() => fast.crossEntropy(logits, targets, any({ reduction: 1 }))).toThrow(TypeError);
});

describe("rope", () => {
  const x = () =>
    mx.array([
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    ]);

  /** What rotates pairs (i, j) by position times frequency. */
  const rotated = (pairs: [number, number][], frequencies: number[], offset = 0, scale = 1) => {
    const out = x().tolist<number[][][]>()[0] as number[][];
    return out.flatMap((row, t) => {
      const next = [...row];
      pairs.forEach(([i, j], n) => {
        const angle = (t + offset) * scale * (frequencies[n] as number);
        const [a, b] = [row[i] as number, row[j] as number];
        next[i] = a * Math.cos(angle) - b * Math.sin(angle);
        next[j] = a * Math.sin(angle) + b * Math.cos(angle);
      });
      return next;
    });
  };
  const halves: [number, number][] = [
    [0, 2],
    [1, 3],
  ];
  const neighbours: [number, number][] = [
    [0, 1],
    [2, 3],
  ];

  test("its defaults", () => {
    const expected = rotated(halves, [1, 1 / 100]);
    close(fast.rope(x(), 4), expected);
    close(fast.rope(x(), 4, {}), expected);
    close(
      fast.rope(x(), 4, { traditional: false, base: 10000, scale: 1, offset: 0, freqs: null }),
      expected,
    );
    close(fast.rope(x(), 4, { base: undefined, offset: undefined }), expected);
  });

  test("its options", () => {
    close(fast.rope(x(), 4, { traditional: true }), rotated(neighbours, [1, 1 / 100]));
    close(fast.rope(x(), 4, { base: 25 }), rotated(halves, [1, 1 / 5]));
    close(fast.rope(x(), 4, { scale: 0.5 }), rotated(halves, [1, 1 / 100], 0, 0.5));
    close(fast.rope(x(), 4, { offset: 7 }), rotated(halves, [1, 1 / 100], 7), 4);
    close(
      fast.rope(x(), 4, { offset: mx.array([7], mx.int32) }),
      rotated(halves, [1, 1 / 100], 7),
      4,
    );
    close(fast.rope(x(), 4, { freqs: mx.array([2, 4]) }), rotated(halves, [1 / 2, 1 / 4]));
    close(
      fast.rope(x(), 4, { base: null, freqs: mx.array([2, 4]) }),
      rotated(halves, [1 / 2, 1 / 4]),
    );
    close(fast.rope(x(), 2), rotated([[0, 1]], [1]));
  });

  test("what it refuses", () => {
    expect(() => fast.rope(x(), 3)).toThrow("[rope] dims must be even");
    expect(() => fast.rope(x(), -2)).toThrow("[rope] dims must be positive");
    expect(() => fast.rope(mx.ones([2]), 2)).toThrow("at least 3 dimensions");
    expect(() => fast.rope(x(), 4, { base: null })).toThrow("Neither base nor freqs");
    expect(() => fast.rope(x(), 4, { base: 10, freqs: mx.ones([2]) })).toThrow(
      "[rope] Only one of base or freqs",
    );
    for (const base of [0, -1, NaN]) {
      expect(() => fast.rope(x(), 4, { base })).toThrow(RangeError);
    }
    expect(() => fast.rope(x(), 4, { base: any("10") })).toThrow(TypeError);
    expect(() => fast.rope(x(), 4, { offset: 0.5 })).toThrow(TypeError);
    expect(() => fast.rope(x(), 4, { offset: mx.array([0.5]) })).toThrow("[rope] offset");
    expect(() => fast.rope(x(), 4, { offset: disposed() })).toThrow("disposed");
    expect(() => fast.rope(x(), 4, { traditional: any(1) })).toThrow(TypeError);
    expect(() => fast.rope(x(), 4, any({ theta: 10 }))).toThrow('an option "theta"');
    expect(() => fast.rope(x(), NaN)).toThrow("[fast.rope] dims: expected an integer");
    expect(() => any(fast.rope)(x())).toThrow(TypeError);
  });
});

describe("scaledDotProductAttention", () => {
  const q = () => mx.array([[[[1, 0], [0, 2]]]]); // biome-ignore format: rows
  const k = () => mx.array([[[[1, 1], [3, 0]]]]); // biome-ignore format: rows
  const v = () => mx.array([[[[1, 2], [5, 4]]]]); // biome-ignore format: rows

  /** Of scores, for each query, the mean of the values. */
  const mean = (scores: number[][]) =>
    scores.flatMap(([a, b]) => {
      const [x, y] = [Math.exp(a as number), Math.exp(b as number)];
      return [(x + 5 * y) / (x + y), (2 * x + 4 * y) / (x + y)];
    });

  test("values and masks", () => {
    const plain = mean([
      [0.5, 1.5],
      [1, 0],
    ]);
    close(fast.scaledDotProductAttention(q(), k(), v(), { scale: 0.5 }), plain);
    close(
      fast.scaledDotProductAttention(q(), k(), v(), {
        scale: 0.5,
        mask: null,
        sinks: null,
        forceFused: false,
        stream: mx.cpu,
      }),
      plain,
    );
    const causal = mean([
      [0, -Infinity],
      [1, 0],
    ]);
    close(fast.scaledDotProductAttention(q(), k(), v(), { scale: 0.5, mask: "causal" }), causal);
    const seen = mx.array([
      [true, false],
      [true, true],
    ]);
    close(fast.scaledDotProductAttention(q(), k(), v(), { scale: 0.5, mask: seen }), causal);
    const added = mx.array([
      [1, 0],
      [0, 2],
    ]);
    close(
      fast.scaledDotProductAttention(q(), k(), v(), { scale: 0.5, mask: added }),
      mean([
        [1.5, 1.5],
        [1, 2],
      ]),
    );
  });

  test("sinks take attention away", () => {
    const out = fast.scaledDotProductAttention(q(), mx.zeros([1, 1, 2, 2]), v(), {
      scale: 1,
      sinks: mx.array([Math.LN2]),
    });
    close(out, [1.5, 1.5, 1.5, 1.5]);
  });

  test("fewer heads of keys than of queries", () => {
    const twice = mx.full([1, 2, 2, 2], q());
    const out = flat(fast.scaledDotProductAttention(twice, k(), v(), { scale: 0.5 }));
    expect(out.slice(4)).toEqual(out.slice(0, 4));
  });

  test("what it refuses", () => {
    const f = any(fast.scaledDotProductAttention);
    const expected = "[fast.scaledDotProductAttention] scale: expected a number";
    expect(() => f(q(), k(), v())).toThrow(expected);
    expect(() => f(q(), k(), v(), {})).toThrow(expected);
    expect(() => f(q(), k(), v(), { scale: "1" })).toThrow(expected);
    for (const mask of ["full", "", true, 1, [[true]], {}]) {
      expect(() => f(q(), k(), v(), { scale: 1, mask })).toThrow('mask: expected "causal"');
    }
    expect(() => f(q(), k(), v(), { scale: 1, mask: disposed() })).toThrow("disposed");
    expect(() => f(q(), k(), v(), { scale: 1, mask: mx.ones([3, 3]) })).toThrow(Error);
    expect(() => f(q(), k(), v(), { scale: 1, sinks: [1] })).toThrow(TypeError);
    expect(() => f(q(), k(), v(), { scale: 1, causal: true })).toThrow('an option "causal"');
    expect(() => f(q(), k(), mx.ones([2, 2]), { scale: 1 })).toThrow(
      "[scaled_dot_product_attention]",
    );
    expect(() => f(q(), mx.ones([1, 1, 2, 3]), v(), { scale: 1 })).toThrow(
      "[scaled_dot_product_attention]",
    );
    expect(() => f(q(), k(), 1, { scale: 1 })).toThrow(TypeError);
    const none = mx.zeros([1, 0, 2, 2]);
    expect(() => f(none, none, none, { scale: 1 })).toThrow(
      new RangeError("[scaledDotProductAttention] Expected at least one head."),
    );
  });
});

describe("gatedDeltaUpdate", () => {
  const k = () => mx.array([[[[1, 0]], [[0, 1]], [[1, 1]]]]); // biome-ignore format: steps
  const v = () => mx.array([[[[2, 3, 4]], [[5, 6, 7]], [[8, 9, 10]]]]); // biome-ignore format: steps
  const gamma = () => mx.array([[[1], [0.5], [0.25]]]);
  const beta = () => mx.array([[[1], [0.5], [1]]]);

  test("values", () => {
    const [out, state] = fast.gatedDeltaUpdate(k(), k(), v(), gamma(), beta());
    expect(out.shape).toEqual([1, 3, 1, 3]);
    close(out, [2, 3, 4, 2.5, 3, 3.5, 15.125, 16.875, 18.625]);
    expect(state.shape).toEqual([1, 1, 3, 2]);
    close(state, [7.375, 7.75, 8.25, 8.625, 9.125, 9.5]);
  });

  test("a state and a mask", () => {
    const [, state] = fast.gatedDeltaUpdate(k(), k(), v(), gamma(), beta(), {
      initialState: mx.ones([1, 1, 3, 2]),
      mask: mx.zeros([1, 3], mx.bool),
    });
    close(state, [1, 1, 1, 1, 1, 1]);
  });

  test("what it refuses", () => {
    const f = any(fast.gatedDeltaUpdate);
    expect(() => f(k(), k(), v(), gamma())).toThrow("beta: expected an array");
    expect(() => f(k(), k(), v(), gamma(), mx.ones([1]))).toThrow("[gated_delta_update]");
    expect(() => f(k(), k(), mx.ones([1, 3, 0, 3]), gamma(), beta())).toThrow(
      "[gated_delta_update]",
    );
    const none = mx.zeros([1, 3, 0, 2]);
    expect(() => f(none, none, none, mx.ones([1, 3, 0]), mx.ones([1, 3, 0]))).toThrow(
      "[gated_delta_update]",
    );
    expect(() => f(k(), k(), v(), gamma(), beta(), { mask: mx.ones([3]) })).toThrow("a mask");
    expect(() => f(k(), k(), v(), gamma(), beta(), { state: k() })).toThrow('an option "state"');
  });
});
