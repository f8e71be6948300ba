import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

// Everywhere but in the last part.
mx.setDefaultDevice(mx.cpu);

const at = (...indices: number[]) => mx.array(indices, mx.int32);
const x = mx.reshape(mx.arange(0, 12, 1, mx.float32), [4, 3]);
const stack = mx.reshape(mx.arange(0, 16, 1, mx.float32), [4, 2, 2]);
mx.eval(x, stack);

/** What is computed of indices, all of which count along an axis of size 4. */
interface Case {
  f: (i: mx.array) => mx.array;
  /** How messages begin. */
  caller: string;
  /** Where indices may not be negative, or MLX has no such gradient or mapping. */
  lacks?: readonly ("negative" | "vmap")[];
}

const embedding = new nn.Embedding(4, 3);
embedding.update({ weight: x });
const quantizedEmbedding = new nn.QuantizedEmbedding(4, 64);
const [w, scales, biases] = mx.quantize(mx.reshape(mx.arange(0, 256, 1, mx.float32), [4, 2, 32]), {
  groupSize: 32,
}) as [mx.array, mx.array, mx.array];

const updated = (i: mx.array, value: mx.array | number) => {
  const y = mx.add(x, 0);
  y.set([i], value);
  return y;
};
const rows = mx.array([
  [10, 20, 30],
  [40, 50, 60],
]);

const cases: Record<string, Case> = {
  take: { f: (i) => mx.take(x, i, 0), caller: "[take] indices" },
  "take, of the last axis": {
    f: (i) => mx.take(mx.transpose(x), i, 1),
    caller: "[take] indices",
  },
  "take, flattened": { f: (i) => mx.take(at(7, 6, 5, 4), i), caller: "[take] indices" },
  takeAlongAxis: {
    f: (i) => mx.takeAlongAxis(x, mx.expandDims(i, 1), 0),
    caller: "[takeAlongAxis] indices",
  },
  "takeAlongAxis, flattened": {
    f: (i) => mx.takeAlongAxis(at(7, 6, 5, 4), i, null),
    caller: "[takeAlongAxis] indices",
  },
  get: { f: (i) => x.get(i), caller: "[get] indices" },
  "get, behind a slice": { f: (i) => mx.transpose(x).get("1:", i), caller: "[get] indices" },
  "get, twice": { f: (i) => x.get(i, at(2, 0)), caller: "[get] indices" },
  set: { f: (i) => updated(i, rows), caller: "[set] indices" },
  "set, to a number": { f: (i) => updated(i, -1), caller: "[set] indices" },
  "at.add": { f: (i) => x.at(i).add(rows), caller: "[at] indices" },
  "at.subtract, behind a slice": {
    f: (i) => mx.transpose(x).at("::2", i).subtract(at(7, 9)),
    caller: "[at] indices",
  },
  "at.multiply": { f: (i) => x.at(i).multiply(3), caller: "[at] indices" },
  "at.maximum": { f: (i) => x.at(i).maximum(rows), caller: "[at] indices" },
  "at.minimum, twice": { f: (i) => x.at(i, at(0, 2)).minimum(-5), caller: "[at] indices" },
  putAlongAxis: {
    f: (i) => mx.putAlongAxis(x, mx.expandDims(i, 1), rows, 0),
    caller: "[putAlongAxis] indices",
  },
  "putAlongAxis, flattened": {
    f: (i) => mx.putAlongAxis(mx.zeros([2, 2]), i, mx.array([5, 6]), null),
    caller: "[putAlongAxis] indices",
  },
  "nn.Embedding": { f: (i) => embedding.forward(i), caller: "[Embedding.forward] x" },
  "nn.QuantizedEmbedding": {
    f: (i) => quantizedEmbedding.forward(i),
    caller: "[QuantizedEmbedding.forward] x",
  },
  "nn.losses.crossEntropy": {
    f: (i) => nn.losses.crossEntropy(mx.transpose(x).get(":2"), i),
    caller: "[losses.crossEntropy] targets",
  },
  "nn.losses.nllLoss": {
    f: (i) => nn.losses.nllLoss(mx.transpose(x).get(":2"), i),
    caller: "[losses.nllLoss] targets",
  },
  "fast.crossEntropy": {
    f: (i) => mx.fast.crossEntropy(mx.transpose(x).get(":2"), i),
    caller: "[fast.crossEntropy] targets",
  },
  gatherMm: {
    f: (i) => mx.gatherMm(mx.ones([3, 2]), stack, { rhsIndices: mx.astype(i, mx.uint32) }),
    caller: "[gatherMm] indices",
    lacks: ["negative", "vmap"],
  },
  gatherQmm: {
    f: (i) =>
      mx.gatherQmm(mx.ones([3, 32]), w, scales, {
        biases,
        rhsIndices: mx.astype(i, mx.uint32),
        groupSize: 32,
      }),
    caller: "[gatherQmm] indices",
    lacks: ["negative", "vmap"],
  },
};

// As results of an operation, of which nothing is known when the call is made.
const computed = (i: mx.array) => mx.subtract(mx.add(i, 1), mx.array(1, i.dtype));

describe.each(Object.entries(cases))("%s", (_, { f, caller, lacks = [] }) => {
  const right = lacks.includes("negative") ? at(3, 1) : at(-1, 1);
  const wrong = lacks.includes("negative") ? [4, 1e9] : [4, -5, 1e9, -1e9];
  const expected = f(right).tolist();
  const message = (index: number) =>
    expect.objectContaining({
      message: `${caller}: expected integers from ${
        lacks.includes("negative") ? 0 : -4
      } to 3 for an axis of size 4, received ${index}`,
    });

  test("with indices that are computed later", () => {
    expect(f(computed(right)).tolist()).toEqual(expected);
    for (const index of wrong) {
      const late = f(computed(at(0, index)));
      let error: unknown;
      try {
        late.tolist();
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toEqual(message(index));
      // An error of an evaluation is not the next one's.
      expect(f(computed(right)).tolist()).toEqual(expected);
    }
  });

  test("with indices that are known", () => {
    for (const index of wrong) {
      expect(() => mx.eval(f(at(0, index)))).toThrow(RangeError);
    }
  });

  test("while the event loop runs", async () => {
    const late = f(computed(at(wrong[0] as number, 0)));
    await expect(mx.asyncEval(late)).rejects.toThrow(RangeError);
    const next = f(computed(right));
    await mx.asyncEval(next);
    expect(next.tolist()).toEqual(expected);
  });

  test("compiled, as a checkpoint and as a custom function", () => {
    for (const g of [mx.compile(f), mx.checkpoint(f), mx.customFunction(f)]) {
      expect(g(right).tolist()).toEqual(expected);
      expect(() => mx.eval(g(computed(at(0, wrong[0] as number))))).toThrow(RangeError);
      expect(g(right).tolist()).toEqual(expected);
    }
  });

  test("mapped", () => {
    const both = mx.stack([right, at(0, 2)]);
    if (lacks.includes("vmap")) {
      expect(() => mx.vmap(f)(both)).toThrow();
      return;
    }
    const second = f(at(0, 2)).tolist();
    expect(mx.vmap(f)(both).tolist()).toEqual([expected, second]);
    expect(mx.vmap(f, { inAxes: 1 })(mx.transpose(both)).tolist()).toEqual([expected, second]);
    expect(() => mx.eval(mx.vmap(f)(mx.stack([right, at(0, wrong[1] as number)])))).toThrow(
      RangeError,
    );
  });

  test("no values are shared with what the indices were computed from", () => {
    const i = computed(right);
    mx.eval(f(i));
    expect(i.tolist()).toEqual(right.tolist());
  });
});

describe("indices of every integer dtype", () => {
  const small = mx.arange(5);
  test.each([mx.int8, mx.int16, mx.int32, mx.int64])("%s, counted from either end", (dtype) => {
    const late = (...i: number[]) => mx.negative(mx.negative(mx.array(i, dtype)));
    expect(small.get(late(4, -5, 1)).tolist()).toEqual([4, 0, 1]);
    expect(() => small.get(late(4, 5)).tolist()).toThrow("received 5");
    expect(() => small.get(late(-6, 0)).tolist()).toThrow("received -6");
    expect(small.at(late(-1, 1)).add(10).tolist()).toEqual([0, 11, 2, 3, 14]);
    expect(() => small.at(late(-6)).add(10).tolist()).toThrow("received -6");
  });

  test.each([mx.uint8, mx.uint16, mx.uint32, mx.uint64])("%s", (dtype) => {
    const late = (...i: number[]) => mx.maximum(mx.array(i, dtype), mx.array(0, dtype));
    expect(small.get(late(4, 0, 1)).tolist()).toEqual([4, 0, 1]);
    expect(() => small.get(late(4, 5)).tolist()).toThrow("received 5");
    expect(() => small.at(late(0, 200)).add(1).tolist()).toThrow("received 200");
  });

  test("the largest ones", () => {
    const late = mx.maximum(mx.array([2n ** 64n - 1n, 2n ** 63n]), mx.array(0, mx.uint64));
    expect(() => small.get(late).tolist()).toThrow(`received ${2n ** 64n - 1n}`);
    const lowest = mx.minimum(mx.array([-(2n ** 63n)]), mx.array(0, mx.int64));
    expect(() => small.get(lowest).tolist()).toThrow(`received ${-(2n ** 63n)}`);
  });

  test("an axis that has more entries than the dtype has numbers", () => {
    const large = mx.arange(1000);
    expect(large.get(mx.add(mx.array([255, 7], mx.uint8), 0)).tolist()).toEqual([255, 7]);
    expect(large.get(mx.add(mx.array([-128, 7], mx.int8), 0)).tolist()).toEqual([872, 7]);
  });
});

describe("wherever indices lie in memory", () => {
  const grid = mx.reshape(mx.arange(0, 8, 1, mx.int32), [2, 4]);

  test("transposed, strided, reversed and broadcast", () => {
    const later = (i: mx.array) => x.get(mx.remainder(i, 4), 0).tolist();
    const views = [
      mx.transpose(grid),
      grid.get(":", "::2"),
      grid.get("::-1", "1:"),
      mx.broadcastTo(grid.get(1, ":1"), [2, 3]),
    ];
    for (const view of views) {
      expect(later(view)).toEqual(x.get(mx.array(mx.remainder(view, 4)), 0).tolist());
    }
    const views4 = views.map((view) => mx.add(view, 0));
    mx.eval(views4);
    expect(() => x.get(mx.transpose(mx.add(grid, 0))).tolist()).toThrow("received 4");
    expect(() => x.get(mx.add(grid, 0).get(":", "::2")).tolist()).toThrow("received 4");
    expect(() => x.get(mx.broadcastTo(mx.add(at(9), 0), [2, 3])).tolist()).toThrow("received 9");
    // Only what is selected counts.
    expect(x.get(mx.add(grid, 0).get(0, "2:"), 1).tolist()).toEqual([7, 10]);
  });

  test("a slice of a batch that was computed", () => {
    const tokens = mx.array([[1, 2, 300]], mx.int32);
    mx.eval(tokens);
    expect(() => new nn.Embedding(10, 2).forward(tokens.get(":", "1:")).tolist()).toThrow(
      "received 300",
    );
  });
});

describe("axes without entries", () => {
  test("have no indices, and none is no index", () => {
    const none = mx.zeros([0, 3]);
    const late = mx.add(at(0), 0);
    for (const f of [
      () => none.get(late),
      () => mx.take(none, late, 0),
      () => none.at(late).add(1),
      () => mx.takeAlongAxis(mx.zeros([0]), late, 0),
    ]) {
      expect(f).toThrow(/expected none for an axis of size 0, received 1 of them/);
    }
    const no = mx.add(mx.zeros([0], mx.int32), 0);
    expect(none.get(no).shape).toEqual([0, 3]);
    expect(x.get(no).shape).toEqual([0, 3]);
    expect(x.at(no).add(1).tolist()).toEqual(x.tolist());
  });
});

describe("starts of slices", () => {
  const late = (...i: number[]) => mx.add(at(...i), 0);

  test("stay inside of each axis", () => {
    expect(mx.slice(x, late(2, 1), [0, 1], [2, 2]).tolist()).toEqual([
      [7, 8],
      [10, 11],
    ]);
    expect(() => mx.slice(x, late(1, 2), [0, 1], [2, 2]).tolist()).toThrow(
      "[slice] start: expected integers from 0 to 1 for a part of size 2 of an axis of size 3, " +
        "received 2",
    );
    expect(() => mx.slice(x, late(3, 1), [0, 1], [2, 2]).tolist()).toThrow("received 3");
    expect(() => mx.slice(x, late(-1), [0], [1, 3]).tolist()).toThrow(RangeError);
    expect(() => mx.slice(x, at(3), [0], [2, 3])).toThrow(RangeError);
  });

  test("also of updates", () => {
    expect(mx.sliceUpdate(x, mx.zeros([1, 2]), late(3, 1), [0, 1]).tolist()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
      [9, 0, 0],
    ]);
    expect(() => mx.sliceUpdate(x, mx.zeros([1, 2]), late(3, 2), [0, 1]).tolist()).toThrow(
      "[sliceUpdate] start: expected integers from 0 to 1 for a part of size 2 of an axis of " +
        "size 3, received 2",
    );
    expect(() => mx.sliceUpdate(x, mx.zeros([1, 2]), late(1e9), [0]).tolist()).toThrow(RangeError);
  });

  // MLX takes starts from memory as if they lay one after the other.
  test("wherever they lie in memory", () => {
    const apart = at(2, 0, 1, 0);
    mx.eval(apart);
    for (const start of [apart.get("::2"), mx.add(apart, 0).get("::2")]) {
      expect(mx.slice(x, start, [0, 1], [2, 2]).tolist()).toEqual([
        [7, 8],
        [10, 11],
      ]);
    }
    mx.eval(apart.get("::2"));
  });

  test("compiled", () => {
    const f = mx.compile((i: mx.array) => mx.slice(x, i, [0], [2, 3]));
    expect(f(at(2)).tolist()).toEqual([
      [6, 7, 8],
      [9, 10, 11],
    ]);
    expect(() => f(at(3)).tolist()).toThrow(RangeError);
  });
});

describe("segments", () => {
  const a = mx.ones([2, 4]);
  const b = mx.reshape(mx.arange(0, 8, 1, mx.float32), [4, 2]);
  const f = (s: number[][]) => mx.segmentedMm(a, b, mx.add(mx.array(s, mx.int32), 0));

  test("lie within the axis and end after they start", () => {
    const segments = [
      [0, 1],
      [1, 4],
      [2, 2],
    ];
    const expected = mx.segmentedMm(a, b, mx.array(segments, mx.uint32)).tolist();
    expect(expected).toEqual([
      [
        [0, 1],
        [0, 1],
      ],
      [
        [12, 15],
        [12, 15],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(f(segments).tolist()).toEqual(expected);
    expect(() => f([[0, 5]]).tolist()).toThrow(
      "[segmentedMm] segments: expected integers from 0 to 4 for an axis of size 4, received 5",
    );
    expect(() => f([[-1, 2]]).tolist()).toThrow("received -1");
    expect(() => f([[3, 1]]).tolist()).toThrow("[segmentedMm] lengths of segments");
    expect(() => mx.segmentedMm(a, b, mx.array([[3, 1]], mx.int32))).toThrow(RangeError);
  });
});

describe("masks that are computed later", () => {
  const set = (v: mx.array) => {
    const y = mx.zeros([2, 3]);
    y.set([mx.greater(mx.reshape(at(1, 0, 3, 0, 5, 6), [2, 3]), 0)], v);
    return y;
  };
  const message = "[set] value: expected as many parts as the mask selects, received 3";

  test("select as many parts as there are, or less", () => {
    for (const value of [mx.array([7, 8, 9, 10]), mx.array([7, 8, 9, 10, 11])]) {
      expect(set(value).tolist()).toEqual([
        [7, 0, 8],
        [0, 9, 10],
      ]);
    }
    expect(() => set(mx.array([7, 8, 9])).tolist()).toThrow(RangeError);
    expect(() => set(mx.array([7, 8, 9])).tolist()).toThrow(message);
    expect(() =>
      mx
        .compile(set)(mx.array([7, 8, 9]))
        .tolist(),
    ).toThrow(message);
  });

  test("also where a gradient is all that is computed", () => {
    const gradient = mx.grad((v: mx.array) => mx.sum(mx.multiply(set(v), at(2, 3, 4))));
    expect(gradient(mx.array([7, 8, 9, 10])).tolist()).toEqual([2, 4, 3, 4]);
    expect(gradient(mx.array([7, 8, 9, 10, 11])).tolist()).toEqual([2, 4, 3, 4, 0]);
    expect(() => gradient(mx.array([7, 8, 9])).tolist()).toThrow(message);
  });
});

describe("gradients", () => {
  test("of what is read and written at computed indices", () => {
    const late = (...i: number[]) => mx.add(at(...i), 0);
    const f = (y: mx.array, i: mx.array) => mx.sum(mx.square(y.get(i)));
    const y = mx.array([1, 2, 3]);
    expect(
      mx
        .grad(f)(y, late(2, -2, 2))
        .tolist(),
    ).toEqual([0, 4, 12]);
    expect(() => mx.grad(f)(y, late(3)).tolist()).toThrow(RangeError);
    const g = (v: mx.array, i: mx.array) => mx.sum(mx.multiply(y, y.at(i).add(v)));
    expect(
      mx
        .grad(g)(mx.array([5, 6]), late(2, 0))
        .tolist(),
    ).toEqual([3, 1]);
    expect(() =>
      mx
        .grad(g)(mx.array([5, 6]), late(2, 3))
        .tolist(),
    ).toThrow(RangeError);
    const [, tangents] = mx.jvp((z) => mx.take(z, late(1, -1)), [y], [mx.array([4, 5, 6])]);
    expect(tangents.map((t) => t.tolist())).toEqual([[5, 6]]);
  });
});

describe("functions compiled for all shapes", () => {
  test("check against the shapes of each call", () => {
    const f = mx.compile((a: mx.array, i: mx.array) => mx.takeAlongAxis(a, i, 0), {
      shapeless: true,
    });
    expect(f(at(1, 2, 3), at(2)).tolist()).toEqual([3]);
    expect(f(at(1, 2, 3, 4, 5), at(4, -5)).tolist()).toEqual([5, 1]);
    expect(() => f(at(1, 2), mx.add(at(2), 0)).tolist()).toThrow(
      "[takeAlongAxis] indices: expected integers from -2 to 1 for an axis of size 2, received 2",
    );
    expect(() => mx.eval(f(at(1, 2), at(-3)))).toThrow(RangeError);
  });

  test.each<[string, (a: mx.array, i: mx.array) => mx.array]>([
    ["[get] indices", (a, i) => a.get(i)],
    ["[Embedding.forward] x", (_, i) => embedding.forward(i)],
    ["[losses.nllLoss] targets", (a, i) => nn.losses.nllLoss(a, i)],
  ])("%s is what an error names", (caller, fun) => {
    mx.eval(embedding);
    const f = mx.compile(fun, { shapeless: true });
    mx.eval(f(mx.zeros([2, 4]), at(0, 1)));
    expect(() => mx.eval(f(mx.zeros([2, 4]), at(0, 9)))).toThrow(`${caller}: expected integers`);
  });

  test("read whole parts", () => {
    const f = mx.compile((a: mx.array) => mx.take(a, at(0, 2), 0), { shapeless: true });
    expect(f(x).tolist()).toEqual(x.get(at(0, 2)).tolist());
    expect(f(x.get(":3")).tolist()).toEqual(x.get(at(0, 2)).tolist());
    expect(() => f(x.get(":2"))).toThrow("received 2");
    // MLX would read 3 of the 4 or 2 numbers of each row.
    expect(() => f(mx.zeros([3, 4]))).toThrow(RangeError);
    expect(() => f(mx.zeros([3, 2]))).toThrow(RangeError);
  });

  test("write parts that are inside", () => {
    const f = mx.compile((a: mx.array) => mx.sliceUpdate(a, mx.ones([2]), at(1), [0]), {
      shapeless: true,
    });
    expect(f(mx.zeros([3])).tolist()).toEqual([0, 1, 1]);
    expect(f(mx.zeros([4])).tolist()).toEqual([0, 1, 1, 0]);
    expect(() => mx.eval(f(mx.zeros([2])))).toThrow(RangeError);
    const g = mx.compile(
      (a: mx.array) => {
        a.set(["2:"], 5);
        return a;
      },
      { shapeless: true },
    );
    expect(g(mx.zeros([4])).tolist()).toEqual([0, 0, 5, 5]);
    expect(() => g(mx.zeros([2]))).toThrow(RangeError);
  });
});

describe("files of functions", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mlx-js-indices-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("have no checks of ours, and are checked when they are called", () => {
    const file = join(folder, "computed");
    const f = (a: mx.array, i: mx.array) => {
      const y = mx.add(a, 0);
      y.set([mx.add(i, 1)], -1);
      return [mx.take(a, i, 0), a.get(mx.multiply(i, 2)), y];
    };
    mx.exportFunction(file, f, [x, at(0, 1)]);
    expect(readFileSync(file, "latin1")).not.toContain("CheckIndices");
    const imported = mx.importFunction(file);
    const values = (xs: mx.array[]) => xs.map((y) => y.tolist());
    expect(values(imported(x, at(1, 0)))).toEqual(values(f(x, at(1, 0))));
    const [taken, got, written] = imported(x, mx.add(at(3, 0), 0));
    expect(() => mx.eval(got as mx.array)).toThrow("received 6");
    expect(() => mx.eval(written as mx.array)).toThrow("received 4");
    expect((taken as mx.array).tolist()).toEqual(x.get(at(3, 0)).tolist());
  });

  test("indices that were computed before are constants", () => {
    const file = join(folder, "captured");
    const before = mx.add(at(2, -1), 0);
    mx.exportFunction(file, (a) => mx.take(a, before, 0), [x]);
    expect(mx.importFunction(file)(x)[0]?.tolist()).toEqual(x.get(at(2, -1)).tolist());
    const wrong = mx.add(at(2, 7), 0);
    expect(() => mx.exportFunction(join(folder, "x"), (a) => mx.take(a, wrong, 0), [x])).toThrow(
      RangeError,
    );
  });

  // Numbers that stand nowhere else in the file.
  const list = [2, 3, 0, 3, 1];
  const constant = mx.array(list, mx.int32);
  const column = mx.reshape(mx.array(list, mx.int32), [5, 1]);
  mx.eval(column);
  test.each<[string, (a: mx.array) => mx.array, number]>([
    ["take", (a) => mx.take(a, constant, 0), 4],
    ["get", (a) => a.get(constant, at(0, 1, 0, 2, 1)), -5],
    ["takeAlongAxis", (a) => mx.takeAlongAxis(a, column, 0), 1e9],
    ["at", (a) => a.at(constant).add(1), 4],
    ["putAlongAxis", (a) => mx.putAlongAxis(a, column, 1, 0), -9],
    [
      "slice",
      () => mx.slice(mx.zeros([4, 5, 2, 5, 3]), constant, [0, 1, 2, 3, 4], [2, 2, 2, 2, 2]),
      3,
    ],
    [
      "sliceUpdate",
      (a) => mx.sliceUpdate(mx.zeros([4, 5, 2, 5, 3]), a.get(0, 0), constant, [0, 1, 2, 3, 4]),
      -1,
    ],
  ])("an index of %s that was changed in the file", (name, f, to) => {
    const file = join(folder, name);
    mx.exportFunction(file, f, [x]);
    expect(mx.importFunction(file)(x)[0]?.tolist()).toEqual(f(x).tolist());
    const bytes = readFileSync(file);
    const place = bytes.indexOf(Buffer.from(Int32Array.from(list).buffer));
    bytes.writeInt32LE(to, place);
    writeFileSync(file, bytes);
    // Where another operation lies between, when the function is called.
    expect(() => mx.eval(mx.importFunction(file)(x))).toThrow(
      /inputs and a state of|expected integers from/,
    );
  });
});

test("in a worker", async () => {
  const outcome = await runScript(`
    const { mx } = require("mlx-js");
    const { Worker } = require("node:worker_threads");
    const program = \`
      const { mx } = require("mlx-js");
      const x = mx.arange(4);
      const late = (...i) => mx.add(mx.array(i, mx.int32), 0);
      try {
        x.get(late(1e9)).tolist();
      } catch (error) {
        console.log(error instanceof RangeError, x.get(late(-1, 2)).tolist().join());
      }
    \`;
    new Worker(program, { eval: true }).on("exit", (code) => {
      console.log("exit", code, mx.arange(4).get(mx.add(mx.array([3], mx.int32), 0)).item());
    });
  `);
  expect(outcome).toEqual({
    code: 0,
    signal: null,
    stdout: "true 3,2\nexit 0 3\n",
    stderr: "",
  });
});

// Where nothing can throw.
describe.runIf(process.env["MLX_TEST_DEVICE"] === "gpu")("on a GPU", () => {
  beforeAll(() => {
    mx.setDefaultDevice(mx.gpu);
  });
  const late = (indices: number[], dtype: mx.Dtype = mx.int32) =>
    mx.add(mx.array(indices, dtype), mx.array(0, dtype));
  const rows = x.tolist<number[][]>();
  const zeros = () => mx.zeros([4, 2]);

  test.each([mx.int8, mx.int16, mx.int32, mx.int64])(
    "%s indices that read are clamped",
    (dtype) => {
      const expected = [3, 3, 0, 0, 3, 0, 3].map((i) => rows[i]);
      // Known ones are refused, where they are not on the device.
      const indices = () => late([3, 4, -4, -5, 100, -100, -1], dtype);
      expect(mx.take(x, indices(), 0).tolist()).toEqual(expected);
      expect(x.get(indices()).tolist()).toEqual(expected);
      expect(mx.takeAlongAxis(x, mx.expandDims(indices(), 1), 0).tolist()).toEqual(expected);
      expect(
        mx
          .compile((i: mx.array) => x.get(i))(indices())
          .tolist(),
      ).toEqual(expected);
    },
  );

  test.each([mx.uint8, mx.uint16, mx.uint32, mx.uint64])("%s ones, too", (dtype) => {
    const expected = [3, 3, 3, 0].map((i) => rows[i]);
    expect(x.get(late([3, 4, 200, 0], dtype)).tolist()).toEqual(expected);
    expect(mx.slice(x, late([3, 200], dtype), [0, 1], [2, 2]).tolist()).toEqual([
      [7, 8],
      [10, 11],
    ]);
  });

  test.each([mx.int8, mx.int32, mx.uint32])("what %s ones would write is dropped", (dtype) => {
    const [i, j] = dtype === mx.uint32 ? [1, 200] : [-3, -5];
    const y = zeros();
    y.set(
      [late([i, 4, 3, j], dtype)],
      mx.array([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ]),
    );
    expect(y.tolist()).toEqual([
      [0, 0],
      [1, 2],
      [0, 0],
      [5, 6],
    ]);
    expect(
      zeros()
        .at(late([i, 4, j, 1], dtype), late([0, 0, 1, 1], dtype))
        .add(1)
        .tolist(),
    ).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    expect(
      mx.putAlongAxis(mx.zeros([4]), late([i, 4, 3, j], dtype), mx.array([1, 2, 3, 4]), 0).tolist(),
    ).toEqual([0, 1, 0, 3]);
    expect(
      x
        .at("1:", late([0, 3], dtype))
        .maximum(100)
        .tolist(),
    ).toEqual(rows.map((row, n) => (n === 0 ? row : [100, ...row.slice(1)])));
  });

  test("a part that leaves the array is not written at all", () => {
    const update = (start: number) =>
      mx.sliceUpdate(zeros(), mx.ones([1, 2]), late([start]), [0]).tolist();
    expect(update(3)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    expect(update(4)).toEqual(zeros().tolist());
    expect(update(-1)).toEqual(zeros().tolist());
  });

  test("masks, segments and classes", () => {
    const y = mx.zeros([4]);
    y.set([mx.greater(mx.arange(4), 0)], mx.array([1, 2]));
    expect(y.tolist()).toEqual([0, 1, 2, 0]);
    const segments = mx.reshape(late([0, 2, 3, 1, 2, 9]), [3, 2]);
    expect(mx.segmentedMm(mx.ones([1, 4]), mx.ones([4, 1]), segments).tolist()).toEqual([
      [[2]],
      [[0]],
      [[2]],
    ]);
    const logits = mx.array([
      [1, 2, 4],
      [1, 2, 4],
    ]);
    for (const loss of [nn.losses.crossEntropy, mx.fast.crossEntropy]) {
      const [last, same] = loss(logits, late([2, 7])).tolist<[number, number]>();
      expect(same).toBe(last);
      expect(loss(logits, late([-1, 2])).tolist()).toEqual([last, last]);
    }
  });

  test("mapped, and in gradients", () => {
    const f = (a: mx.array, i: mx.array) => a.at(i).add(1);
    const indices = mx.array(
      [
        [0, 3],
        [1, -1],
      ],
      mx.int32,
    );
    expect(
      mx
        .vmap(f)(mx.zeros([2, 3]), indices)
        .tolist(),
    ).toEqual([
      [1, 0, 0],
      [0, 1, 1],
    ]);
    const g = (v: mx.array) =>
      mx.sum(
        mx.multiply(
          mx.arange(4),
          mx
            .zeros([4])
            .at(late([2, 4]))
            .add(v),
        ),
      );
    expect(
      mx
        .grad(g)(mx.array([1, 1]))
        .tolist(),
    ).toEqual([2, 0]);
  });
});
