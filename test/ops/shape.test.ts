import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

const count = (...shape: number[]) =>
  mx.reshape(mx.arange(shape.reduce((a, b) => a * b, 1)), shape);

describe("reshaping", () => {
  test("reads and writes row-major, also what is transposed", () => {
    const x = mx.transpose(count(2, 3));
    is(mx.reshape(x, [2, 3]), mx.int32, [
      [0, 3, 1],
      [4, 2, 5],
    ]);
    is(mx.reshape(x, -1), mx.int32, [0, 3, 1, 4, 2, 5]);
    is(mx.reshape(mx.array(3), [1, 1]), mx.float32, [[3]]);
    is(mx.reshape(mx.array([3]), []), mx.float32, 3);
    expect(mx.reshape(mx.zeros([0, 3]), [3, 0, 5]).shape).toEqual([3, 0, 5]);
  });

  test("has its limits", () => {
    const x = mx.arange(4);
    expect(() => mx.reshape(x, [3])).toThrow("[reshape] Cannot reshape array of size 4");
    expect(() => mx.reshape(x, [-2, -2])).toThrow(RangeError);
    expect(() => mx.reshape(x, [-1, -1])).toThrow(Error);
    expect(() => mx.reshape(mx.zeros([0]), [65536, 65536, 65536, 65536])).toThrow(RangeError);
    expect(() => mx.reshape(x, [2, 2 ** 31])).toThrow(
      "[reshape] shape: expected 32-bit integers, received [ 2, 2147483648 ]",
    );
    expect(() => mx.reshape(x, [Number.NaN])).toThrow(
      "[reshape] shape: expected an integer or a list of integers, received [ NaN ]",
    );
    expect(() => mx.reshape(x, any("4"))).toThrow(TypeError);
    expect(() => mx.reshape(x, [4], any({ strem: mx.cpu }))).toThrow(
      '[reshape] options: expected stream, received an option "strem"',
    );
  });

  test("flatten joins the axes between two", () => {
    const x = count(2, 3, 2);
    expect(mx.flatten(x).shape).toEqual([12]);
    expect(mx.flatten(x, { startAxis: 1 }).shape).toEqual([2, 6]);
    expect(mx.flatten(x, { endAxis: -2 }).shape).toEqual([6, 2]);
    expect(mx.flatten(mx.array(1)).shape).toEqual([1]);
    expect(() => mx.flatten(x, { startAxis: 2, endAxis: 1 })).toThrow("[flatten]");
    expect(() => mx.flatten(x, any({ start_axis: 1 }))).toThrow(TypeError);
  });

  test("unflatten splits one axis", () => {
    expect(mx.unflatten(count(2, 6), -1, [3, -1]).shape).toEqual([2, 3, 2]);
    expect(mx.unflatten(count(2, 6), 1, 6).shape).toEqual([2, 6]);
    expect(() => mx.unflatten(count(2, 6), 1, [4, 2])).toThrow(Error);
    expect(() => mx.unflatten(count(2, 6), 1, [])).toThrow("[unflatten]");
    // MLX itself divides by 0 here.
    expect(() => mx.unflatten(count(2, 6), 1, [-1, 0])).toThrow(RangeError);
  });

  test("squeeze and expandDims are each other's inverse", () => {
    const x = count(1, 3, 1);
    expect(mx.squeeze(x).shape).toEqual([3]);
    expect(mx.squeeze(x, 0).shape).toEqual([3, 1]);
    expect(mx.squeeze(x, [0, -1]).shape).toEqual([3]);
    expect(mx.squeeze(x, null).shape).toEqual([3]);
    expect(mx.expandDims(count(3), [0, 2]).shape).toEqual([1, 3, 1]);
    expect(mx.expandDims(count(3), -1).shape).toEqual([3, 1]);
    expect(() => mx.squeeze(x, 1)).toThrow("[squeeze] Cannot squeeze axis 1 with size 3");
    expect(() => mx.expandDims(count(3), [0, 0])).toThrow("[expand_dims]");
    expect(() => mx.expandDims(count(3), any("0"))).toThrow(
      '[expandDims] axis: expected an integer or a list of integers, received "0"',
    );
  });

  test("atleast gives an array for an array and a list for a list", () => {
    expect(mx.atleast1d(mx.array(1)).shape).toEqual([1]);
    expect(mx.atleast2d(count(3)).shape).toEqual([1, 3]);
    expect(mx.atleast3d(count(2, 3)).shape).toEqual([2, 3, 1]);
    expect(mx.atleast1d([mx.array(1)]).map((x) => x.shape)).toEqual([[1]]);
    expect(mx.atleast3d([mx.array(1), count(4)]).map((x) => x.shape)).toEqual([
      [1, 1, 1],
      [1, 4, 1],
    ]);
    expect(mx.atleast2d([])).toEqual([]);
    expect(mx.atleast2d(3).tolist()).toEqual([[3]]);
    expect(() => mx.atleast2d(any("3"))).toThrow("[atleast2d] arys: expected an array");
  });
});

describe("the order of axes", () => {
  test("moves, swaps and reverses", () => {
    const x = count(2, 3, 4);
    expect(mx.moveaxis(x, 0, 2).shape).toEqual([3, 4, 2]);
    expect(mx.moveaxis(x, -1, 0).shape).toEqual([4, 2, 3]);
    expect(mx.swapaxes(x, 0, -1).shape).toEqual([4, 3, 2]);
    expect(mx.transpose(x).shape).toEqual([4, 3, 2]);
    expect(mx.transpose(x, null).shape).toEqual([4, 3, 2]);
    expect(mx.transpose(x, [1, 2, 0]).shape).toEqual([3, 4, 2]);
    expect(mx.permuteDims(x, [1, 0, 2]).shape).toEqual([3, 2, 4]);
    expect(mx.matrixTranspose(x).shape).toEqual([2, 4, 3]);
    is(mx.swapaxes(count(2, 2), 0, 1), mx.int32, [
      [0, 2],
      [1, 3],
    ]);
    expect(() => mx.transpose(x, [0, 0, 1])).toThrow("[transpose] Repeat axes not allowed.");
    expect(() => mx.moveaxis(x, 0, 3)).toThrow("[moveaxis]");
    expect(() => mx.matrixTranspose(mx.arange(3))).toThrow(Error);
  });

  test("flip reverses one axis, several or all", () => {
    const x = count(2, 2);
    is(mx.flip(x), mx.int32, [
      [3, 2],
      [1, 0],
    ]);
    is(mx.flip(x, -1), mx.int32, [
      [1, 0],
      [3, 2],
    ]);
    is(mx.flip(x, [0, 1]), mx.int32, [
      [3, 2],
      [1, 0],
    ]);
  });

  test("roll", () => {
    const x = count(2, 3);
    is(mx.roll(x, 1), mx.int32, [
      [5, 0, 1],
      [2, 3, 4],
    ]);
    is(mx.roll(x, -1, 1), mx.int32, [
      [1, 2, 0],
      [4, 5, 3],
    ]);
    is(mx.roll(x, [1, 1], [0, 1]), mx.int32, [
      [5, 3, 4],
      [2, 0, 1],
    ]);
    is(mx.roll(x, 2 ** 31 - 1, 0), mx.int32, [
      [3, 4, 5],
      [0, 1, 2],
    ]);
    expect(() => mx.roll(x, 0.5)).toThrow("[roll] shift: expected an integer, received 0.5");
  });
});

describe("parts", () => {
  test("split into equal parts or at indices", () => {
    expect(mx.split(mx.arange(4), 2).map((x) => x.tolist())).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(mx.split(count(2, 4), 2, 1).map((x) => x.shape)).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(mx.split(mx.arange(4), [1, 1, -1]).map((x) => x.tolist())).toEqual([
      [0],
      [],
      [1, 2],
      [3],
    ]);
    expect(mx.split(mx.arange(4), []).map((x) => x.tolist())).toEqual([[0, 1, 2, 3]]);
    expect(() => mx.split(mx.arange(4), 3)).toThrow("equal size");
    expect(() => mx.split(mx.arange(4), 0)).toThrow("[split]");
    expect(() => mx.split(mx.zeros([0]), 2 ** 30)).toThrow(RangeError);
    expect(() => mx.split(mx.arange(4), any(null))).toThrow(
      "[split] indicesOrSections: expected an integer or a list of integers, received null",
    );
  });

  test("unstack", () => {
    expect(mx.unstack(count(2, 2), { axis: 1 }).map((x) => x.tolist())).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(mx.unstack(count(2, 12), { axis: -1 }).map((x) => x.tolist())).toEqual(
      Array.from({ length: 12 }, (_, i) => [i, i + 12]),
    );
    expect(mx.unstack(mx.zeros([0, 2]))).toEqual([]);
    expect(() => mx.unstack(mx.array(1))).toThrow("[unstack]");
    expect(() => mx.unstack(mx.broadcastTo(1, [2 ** 30]))).toThrow(RangeError);
  });

  test.each([
    ["equal parts", [44, 2], 11, 0],
    ["a hundred parts along the last axis", [3, 100], 100, -1],
    ["more than a thousand parts", [1003], 1003, 0],
    ["parts of other sizes", [2, 40, 2], [1, 2, 3, 5, 8, 9, 13, 20, 21, 22, 30, 39], 1],
  ] as const)("many: %s", (_, shape, cuts, axis) => {
    const x = count(...shape).astype(mx.float32);
    const long = x.dim(axis);
    const ends = typeof cuts === "number" ? [] : [...cuts, long];
    for (let i = 1; typeof cuts === "number" && i <= cuts; i++) {
      ends.push((long / cuts) * i);
    }
    const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0));
    const parts: mx.array[] = mx.split(x, cuts, axis);
    expect(parts.map((part) => part.dim(axis))).toEqual(sizes);
    expect(mx.concatenate(parts, axis).tolist()).toEqual(x.tolist());

    // Each part times its number, but for one that nobody uses.
    const weighed = (y: mx.array) =>
      mx
        .split(y, cuts, axis)
        .reduce(
          (sum: mx.array, part, i) => (i === 3 ? sum : sum.add(part.sum().multiply(i))),
          y.sum(),
        );
    const factors = sizes.map((size, i) => mx.full([size], i === 3 ? 1 : i + 1));
    const along = shape.map((_, i) => (x.dim(i) === long ? long : 1));
    const gradient = mx.broadcastTo(mx.concatenate(factors).reshape(along), shape);
    expect(mx.grad(weighed)(x).tolist()).toEqual(gradient.tolist());
    const [, [change]] = mx.jvp((y: mx.array) => weighed(y), [x], [mx.onesLike(x)]);
    expect(change?.item()).toBe(gradient.sum().item());

    const many = mx.stack([x, x.add(1)]);
    const mapped = mx.vmap((y: mx.array): mx.array[] => mx.split(y, cuts, axis))(many);
    expect(mx.concatenate(mapped, axis < 0 ? axis : axis + 1).tolist()).toEqual(many.tolist());
  });

  test("many parts have gradients that are put together, not added up", () => {
    const squares = (parts: mx.array[]) =>
      parts.reduce((sum, part) => sum.add(part.square().sum()), mx.array(0));
    for (const f of [
      (x: mx.array) => squares(mx.split(x, 64)),
      (x: mx.array) => squares(mx.unstack(x)),
    ]) {
      const pieces: Uint8Array[] = [];
      const write = (bytes: Uint8Array) => void pieces.push(bytes.slice());
      mx.exportToDot({ write }, [mx.grad(f)(mx.ones([64, 2]))]);
      const graph = Buffer.concat(pieces).toString();
      expect(graph).toContain("Concatenate");
      expect(graph).not.toContain("SliceUpdate");
    }
  });

  test("concatenate and stack", () => {
    const [a, b] = [mx.array([[1, 2]]), mx.array([[3, 4]], mx.int32)];
    is(mx.concatenate([a, b]), mx.float32, [
      [1, 2],
      [3, 4],
    ]);
    is(mx.concatenate([a, b], 1), mx.float32, [[1, 2, 3, 4]]);
    is(mx.concat([count(2, 2), b], null), mx.int32, [0, 1, 2, 3, 3, 4]);
    is(mx.stack([a, a], -1), mx.float32, [
      [
        [1, 1],
        [2, 2],
      ],
    ]);
    is(mx.stack([a, a], null), mx.float32, [[[1, 2]], [[1, 2]]]);
    expect(() => mx.concatenate([])).toThrow("[concatenate] No arrays provided");
    expect(() => mx.stack([])).toThrow("[stack]");
    expect(() => mx.concatenate([a, mx.zeros([1, 3])])).toThrow("[concatenate]");
    expect(() => mx.concatenate(any(a))).toThrow(
      "[concatenate] arrays: expected a list of arrays, received",
    );
    expect(() => mx.stack([a, any(1)])).toThrow("[stack] arrays[1]: expected an array, received 1");
    const many = Array.from({ length: 1000 }, (_, i) => mx.array([i]));
    expect(mx.concatenate(many).tolist()).toEqual(many.map((_, i) => i));
  });
});

describe("repetition", () => {
  test("repeat and tile", () => {
    const x = count(2, 2);
    is(mx.repeat(x, 2), mx.int32, [0, 0, 1, 1, 2, 2, 3, 3]);
    is(mx.repeat(x, 2, -1), mx.int32, [
      [0, 0, 1, 1],
      [2, 2, 3, 3],
    ]);
    is(mx.repeat(x, 0, 0), mx.int32, []);
    is(mx.tile(x, 2), mx.int32, [
      [0, 1, 0, 1],
      [2, 3, 2, 3],
    ]);
    expect(mx.tile(x, [2, 1, 1]).shape).toEqual([2, 2, 2]);
    expect(() => mx.repeat(x, -1)).toThrow("[repeat] Number of repeats cannot be negative");
    expect(() => mx.tile(x, [2 ** 31 - 1])).toThrow("[tile]");
    expect(() => mx.tile(x, [-1])).toThrow(Error);
  });

  test("broadcastTo takes scalars, too", () => {
    is(mx.broadcastTo(7, [2]), mx.int32, [7, 7]);
    is(mx.broadcastTo(true, [1]), mx.bool, [true]);
    is(mx.broadcastTo(mx.array([1, 2]), [2, 2]), mx.float32, [
      [1, 2],
      [1, 2],
    ]);
    expect(() => mx.broadcastTo(count(2), [3])).toThrow("cannot be broadcast");
    expect(() => mx.broadcastTo(1, [-1])).toThrow(RangeError);
    expect(() => mx.broadcastTo(1, [2 ** 31 - 1, 2 ** 31 - 1])).toThrow(RangeError);
  });

  test("broadcastArrays and broadcastShapes", () => {
    const out = mx.broadcastArrays([count(2, 1), count(3)]);
    expect(out.map((x) => x.shape)).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(mx.broadcastArrays([])).toEqual([]);
    expect(mx.broadcastShapes([[2, 1], [3], []])).toEqual([2, 3]);
    expect(mx.broadcastShapes([[]])).toEqual([]);
    expect(() => mx.broadcastShapes([[2], [3]])).toThrow("[broadcast_shapes] Shapes (2) and (3)");
    expect(() => mx.broadcastShapes([])).toThrow(TypeError);
    expect(() => mx.broadcastShapes(any([2, 3]))).toThrow(
      "[broadcastShapes] shapes[0]: expected a list of integers, received 2",
    );
  });

  test("meshgrid", () => {
    const xs = [mx.arange(2), mx.arange(3)];
    expect(mx.meshgrid(xs).map((x) => x.shape)).toEqual([
      [3, 2],
      [3, 2],
    ]);
    expect(mx.meshgrid(xs, { indexing: "ij" }).map((x) => x.tolist())).toEqual([
      [
        [0, 0, 0],
        [1, 1, 1],
      ],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    ]);
    expect(mx.meshgrid(xs, { sparse: true }).map((x) => x.shape)).toEqual([
      [1, 2],
      [3, 1],
    ]);
    expect(() => mx.meshgrid(xs, { indexing: any("ab") })).toThrow("[meshgrid]");
  });

  test("pad takes every form of widths", () => {
    const x = mx.array([[1, 2]]);
    expect(mx.pad(x, 1).shape).toEqual([3, 4]);
    expect(mx.pad(x, [1]).shape).toEqual([3, 4]);
    expect(mx.pad(x, [0, 2]).shape).toEqual([3, 4]);
    expect(mx.pad(x, [[0, 1]]).shape).toEqual([2, 3]);
    is(
      mx.pad(
        x,
        [
          [0, 0],
          [2, 1],
        ],
        { constantValues: 9 },
      ),
      mx.float32,
      [[9, 9, 1, 2, 9]],
    );
    is(mx.pad(mx.array([1, 2, 3]), [2, 1], { mode: "edge" }), mx.float32, [1, 1, 1, 2, 3, 3]);
    is(mx.pad(mx.array([1, 2, 3]), [2, 1], { mode: "reflect" }), mx.float32, [3, 2, 1, 2, 3, 2]);
    is(mx.pad(mx.array([1, 2, 3]), [2, 1], { mode: "symmetric" }), mx.float32, [2, 1, 1, 2, 3, 3]);
    is(mx.pad(mx.arange(2), 1, { constantValues: mx.array(5, mx.int32) }), mx.int32, [5, 0, 1, 5]);
    expect(() => mx.pad(x, -1)).toThrow(
      "[pad] padWidth: expected 32-bit integers that are not negative, received -1",
    );
    expect(() => mx.pad(x, any([1, 2, 3]))).toThrow(
      "[pad] padWidth: expected an integer, [before, after] or a list of such pairs",
    );
    expect(() => mx.pad(x, any([[1], [2]]))).toThrow(TypeError);
    expect(() => mx.pad(x, [1, 2 ** 31 - 1])).toThrow("[pad]");
    expect(() =>
      mx.pad(x, [
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
    ).toThrow("Invalid number of padding sizes");
    expect(() => mx.pad(x, 1, { mode: any("round") })).toThrow("[pad] mode: expected");
  });
});

describe("asStrided", () => {
  const x = mx.arange(6);

  test("sees elements anew", () => {
    is(mx.asStrided(x, [2, 2], { strides: [1, 2], offset: 1 }), mx.int32, [
      [1, 3],
      [2, 4],
    ]);
    is(mx.asStrided(x, [3], { strides: [-2], offset: 5 }), mx.int32, [5, 3, 1]);
    is(mx.asStrided(x, [2, 3]), mx.int32, [
      [0, 1, 2],
      [3, 4, 5],
    ]);
    is(mx.asStrided(mx.transpose(count(2, 2))), mx.int32, [
      [0, 2],
      [1, 3],
    ]);
    is(mx.asStrided(x, [0], { strides: [100] }), mx.int32, []);
  });

  test("stays inside of the array", () => {
    expect(() => mx.asStrided(x, [7], { strides: [1] })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [2], { strides: [2 ** 40] })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [2], { strides: [-1] })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [1], { strides: [1], offset: 6 })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [1], { strides: [1], offset: -1 })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [2, 3], { strides: [1] })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [-1], { strides: [1] })).toThrow(RangeError);
    expect(() => mx.asStrided(x, [1], { strides: [0.5] })).toThrow(
      "[asStrided] strides: expected a list of integers, received [ 0.5 ]",
    );
  });
});

describe("dtypes and memory", () => {
  test("astype converts, view reinterprets", () => {
    is(mx.astype(mx.array([0, -1.5, 2]), mx.bool), mx.bool, [false, true, true]);
    is(mx.astype(mx.array([300], mx.int32), mx.uint8), mx.uint8, [44]);
    is(mx.view(mx.array([1]), mx.uint8), mx.uint8, [0, 0, 128, 63]);
    is(mx.view(mx.array([1, 2, 3, 4], mx.uint8), mx.uint16), mx.uint16, [513, 1027]);
    is(mx.view(1.5, mx.int32), mx.int32, 0x3fc00000);
    expect(() => mx.view(mx.array([1, 2, 3], mx.uint8), mx.float32)).toThrow("[view]");
    expect(() => mx.astype(mx.array([1]), any("int32"))).toThrow(
      '[astype] dtype: expected a dtype such as mx.float32, received "int32"',
    );
  });

  test("contiguous keeps the values", () => {
    is(mx.contiguous(mx.transpose(count(2, 2)), { allowColMajor: true }), mx.int32, [
      [0, 2],
      [1, 3],
    ]);
    expect(() => mx.contiguous(count(2), any({ allowColMajor: 1 }))).toThrow(
      "[contiguous] allowColMajor: expected a boolean, received 1",
    );
  });
});

test("gradients go through", () => {
  const weights = mx.array([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const f = (x: mx.array) =>
    mx.sum(
      mx.multiply(
        mx.pad(mx.transpose(x), [
          [0, 1],
          [0, 0],
        ]),
        weights,
      ),
    );
  is(mx.grad(f)(mx.zeros([2, 2])), mx.float32, [
    [1, 3],
    [2, 4],
  ]);
});

test("disposed and foreign arrays are refused", () => {
  const x = mx.array([1]);
  x.dispose();
  expect(() => mx.reshape(x, [1])).toThrow(
    "[reshape] a: expected an array, received one that has been disposed",
  );
  expect(() => mx.squeeze(any("1"))).toThrow("[squeeze] a: expected an array");
  expect(() => mx.flip(any(new Proxy(mx.array([1]), {})))).toThrow(TypeError);
});
