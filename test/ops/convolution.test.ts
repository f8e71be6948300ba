import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** What a result is, exactly. */
const is = (x: mx.array, dtype: mx.Dtype, values: unknown) => {
  expect(String(x.dtype)).toBe(String(dtype));
  expect(x.tolist()).toEqual(values);
};

/** A sequence of one channel. */
const line = (...values: number[]) => mx.reshape(mx.array(values), [1, -1, 1]);
const flat = (x: mx.array) => mx.flatten(x).tolist();

const x = line(1, 2, 3, 4, 5);
const w = line(1, 10);

describe("conv1d, conv2d, conv3d", () => {
  test("slide a filter that is not flipped", () => {
    expect(flat(mx.conv1d(x, w))).toEqual([21, 32, 43, 54]);
    expect(flat(mx.conv1d(x, w, { stride: 2 }))).toEqual([21, 43]);
    expect(flat(mx.conv1d(x, w, { padding: 1 }))).toEqual([10, 21, 32, 43, 54, 5]);
    expect(flat(mx.conv1d(x, w, { dilation: 3 }))).toEqual([41, 52]);
    expect(flat(mx.conv1d(x, w, { stride: 2, padding: 1, dilation: 2 }))).toEqual([20, 42, 4]);
    expect(flat(mx.conv1d(x, w, any({ stride: undefined })))).toEqual([21, 32, 43, 54]);
  });

  test("sum over channels, group by group", () => {
    const channels = mx.array([[[1, 10, 100, 1000]]]);
    const filters = mx.array([[[1, 2]], [[3, 4]]]);
    is(mx.conv1d(channels, filters, { groups: 2 }), mx.float32, [[[21, 4300]]]);
    is(mx.conv1d(channels, mx.array([[[1, 2, 3, 4]]])), mx.float32, [[[4321]]]);
  });

  test("take one number for all dimensions or a list", () => {
    const image = mx.reshape(mx.arange(12), [1, 3, 4, 1]).astype(mx.float32);
    const square = mx.reshape(mx.array([1, 10, 100, 1000]), [1, 2, 2, 1]);
    expect(flat(mx.conv2d(image, square))).toEqual([5410, 6521, 7632, 9854, 10965, 12076]);
    expect(flat(mx.conv2d(image, square, { stride: [2, 1] }))).toEqual([5410, 6521, 7632]);
    expect(flat(mx.conv2d(image, square, { dilation: [1, 3] }))).toEqual([7430, 11874]);
    expect(mx.conv2d(image, square, { padding: 1 }).shape).toEqual([1, 4, 5, 1]);
    expect(mx.conv2d(image, square, { padding: [0, 2] }).shape).toEqual([1, 2, 7, 1]);
    const volume = mx.ones([2, 3, 4, 5, 2]);
    const cube = mx.ones([7, 2, 2, 2, 2]);
    expect(mx.conv3d(volume, cube, { stride: [1, 2, 3] }).shape).toEqual([2, 2, 2, 2, 7]);
    expect(mx.conv3d(volume, cube).get(0, 0, 0, 0, 0).item()).toBe(16);
  });

  test("refuse what does not fit", () => {
    expect(() => mx.conv1d(x, any([1, 2]))).toThrow("[conv1d] weight: expected an array");
    expect(() => mx.conv1d(x, w, { stride: any([1]) })).toThrow(
      "[conv1d] stride: expected an integer, received [ 1 ]",
    );
    expect(() => mx.conv2d(x, w, { padding: any([1, 2, 3]) })).toThrow(
      "[conv2d] padding: expected an integer or a list of 2, received [ 1, 2, 3 ]",
    );
    expect(() => mx.conv2d(x, w, { padding: [1, 0.5] })).toThrow(TypeError);
    expect(() => mx.conv3d(x, w, { dilation: any("2") })).toThrow(TypeError);
    expect(() => mx.conv3d(x, w, any({ outputPadding: 1 }))).toThrow(
      "[conv3d] options: expected stride, padding, dilation, groups, stream, received",
    );
    expect(() => mx.conv1d(x, w, { stride: 0 })).toThrow("[conv] Stride sizes must be positive.");
    expect(() => mx.conv1d(x, w, { dilation: -1 })).toThrow("[conv] Kernel dilation sizes");
    expect(() => mx.conv1d(x, w, { padding: 2 ** 31 - 1 })).toThrow("[conv] Shape dimension");
    expect(() => mx.conv1d(x, w, { padding: -(2 ** 31) })).toThrow("[conv] Shape dimension");
    expect(() => mx.conv1d(x, w, { padding: 2 ** 31 })).toThrow(RangeError);
    expect(() => mx.conv2d(x, w)).toThrow("[conv] Invalid strides (1,1) for 1D convolution.");
    expect(() => mx.conv1d(mx.ones([1, 3, 2]), w)).toThrow("[conv] Expect the input channels");
    expect(() => mx.conv1d(x.astype(mx.int32), w)).toThrow("[conv] Invalid input array");
  });
});

// In these MLX divides by 0.
describe("convolutions of nothing", () => {
  const none = { groups: 0 };
  const image = mx.ones([1, 3, 3, 1]);

  test("there are groups", () => {
    const message = "[conv] groups: expected a positive integer, received 0";
    expect(() => mx.conv1d(x, w, none)).toThrow(message);
    expect(() => mx.conv1d(x, w, none)).toThrow(RangeError);
    expect(() => mx.conv2d(image, image, none)).toThrow(message);
    expect(() => mx.convTranspose1d(x, w, none)).toThrow(message);
    expect(() => mx.convGeneral(x, w, none)).toThrow(message);
    expect(() => mx.conv1d(x, w, { groups: -1 })).toThrow(RangeError);
  });

  test("without channels, filters or their elements the sums are zeros", () => {
    is(mx.conv1d(mx.ones([1, 3, 0]), mx.ones([1, 2, 0])), mx.float32, [[[0], [0]]]);
    is(mx.conv1d(mx.ones([1, 2, 3]), mx.ones([1, 0, 3])), mx.float32, [[[0], [0], [0]]]);
    is(mx.conv1d(mx.ones([1, 2, 3]), mx.ones([0, 1, 3])), mx.float32, [[[], []]]);
    expect(mx.conv2d(mx.ones([2, 3, 4, 0]), mx.ones([5, 2, 2, 0])).tolist()).toEqual(
      mx.zeros([2, 2, 3, 5]).tolist(),
    );
    expect(mx.conv3d(mx.ones([1, 2, 2, 2, 0]), mx.ones([3, 2, 2, 2, 0])).shape).toEqual([
      1, 1, 1, 1, 3,
    ]);
    const half = mx.convTranspose1d(mx.ones([1, 2, 0], mx.float16), mx.ones([1, 2, 0], mx.float16));
    is(half, mx.float16, [[[0], [0], [0]]]);
    expect(() => mx.conv1d(mx.ones([1, 1, 0]), mx.ones([1, 2, 0]))).toThrow("[conv] Spatial");
  });
});

describe("transposed convolutions", () => {
  test("spread the filter", () => {
    const y = line(1, 2, 3);
    expect(flat(mx.convTranspose1d(y, w))).toEqual([1, 12, 23, 30]);
    expect(flat(mx.convTranspose1d(y, w, { stride: 3 }))).toEqual([1, 10, 0, 2, 20, 0, 3, 30]);
    expect(flat(mx.convTranspose1d(y, w, { padding: 1 }))).toEqual([12, 23]);
    expect(flat(mx.convTranspose1d(y, w, { dilation: 2 }))).toEqual([1, 2, 13, 20, 30]);
    expect(flat(mx.convTranspose1d(y, w, { outputPadding: 2 }))).toEqual([1, 12, 23, 30, 0, 0]);
  });

  test("in more dimensions", () => {
    const image = mx.ones([2, 3, 4, 2]);
    const filters = mx.ones([5, 2, 3, 2]);
    const { shape } = mx.convTranspose2d(image, filters, {
      stride: [3, 2],
      padding: [1, 0],
      dilation: [2, 1],
      outputPadding: [0, 1],
    });
    expect(shape).toEqual([2, 7, 10, 5]);
    const volume = mx.ones([1, 2, 3, 4, 2]);
    const cubes = mx.ones([5, 2, 2, 3, 2]);
    expect(mx.convTranspose3d(volume, cubes, { stride: 2 }).shape).toEqual([1, 4, 6, 9, 5]);
    expect(mx.convTranspose3d(volume, cubes, { outputPadding: [0, 1, 2] }).shape).toEqual([
      1, 3, 5, 8, 5,
    ]);
  });

  test("undo the shape of a convolution", () => {
    const image = mx.ones([1, 9, 8, 2]);
    const options = { stride: 2, padding: 1 };
    const small = mx.conv2d(image, mx.ones([3, 3, 2, 2]), options);
    const large = mx.convTranspose2d(small, mx.ones([2, 3, 2, 3]), options);
    expect(large.shape).toEqual(image.shape);
  });

  test("refuse what does not fit", () => {
    expect(() => mx.convTranspose2d(x, w, { outputPadding: any([1]) })).toThrow(
      "[convTranspose2d] outputPadding: expected an integer or a list of 2, received [ 1 ]",
    );
    expect(() => mx.convTranspose1d(x, w, { stride: 0 })).toThrow("[conv] Input dilation sizes");
    expect(() => mx.convTranspose1d(mx.ones([3]), mx.ones([3]))).toThrow(Error);
    expect(() => mx.convTranspose3d(x, w)).toThrow(Error);
    expect(() => mx.convTranspose1d(x, any(null))).toThrow("[convTranspose1d] weight: expected");
  });
});

describe("convGeneral", () => {
  test("has a choice of everything", () => {
    const y = line(1, 2, 3);
    expect(flat(mx.convGeneral(y, w))).toEqual([21, 32]);
    expect(flat(mx.convGeneral(y, w, { flip: true }))).toEqual([12, 23]);
    expect(flat(mx.convGeneral(y, w, { padding: [2] }))).toEqual([0, 10, 21, 32, 3, 0]);
    expect(flat(mx.convGeneral(y, w, { padding: [[2], [0]] }))).toEqual([0, 10, 21, 32]);
    expect(flat(mx.convGeneral(y, w, { padding: [[0], [-1]] }))).toEqual([21]);
    expect(flat(mx.convGeneral(y, w, { inputDilation: 2 }))).toEqual([1, 20, 2, 30]);
    expect(flat(mx.convGeneral(y, w, { kernelDilation: [2], stride: 1 }))).toEqual([31]);
    const image = mx.ones([1, 4, 5, 2]);
    const filters = mx.ones([4, 2, 2, 1]);
    const padding = [
      [1, 0],
      [0, 2],
    ] as const;
    expect(mx.convGeneral(image, filters, { stride: [1, 2], padding, groups: 2 }).shape).toEqual([
      1, 4, 3, 4,
    ]);
  });

  test("refuses what does not fit", () => {
    expect(() => mx.convGeneral(x, w, { padding: any([[1]]) })).toThrow(
      "[convGeneral] padding: expected an integer, a list of integers or a list of two lists",
    );
    expect(() => mx.convGeneral(x, w, { padding: any([[1], 2]) })).toThrow(
      "[convGeneral] padding[1]: expected a list of integers, received 2",
    );
    expect(() => mx.convGeneral(x, w, { stride: any("1") })).toThrow("[convGeneral] stride");
    expect(() => mx.convGeneral(x, w, { stride: [1, 1] })).toThrow("[conv] Invalid strides");
    expect(() => mx.convGeneral(x, w, { inputDilation: 2 ** 31 - 1 })).toThrow("[conv] Shape");
    expect(() => mx.convGeneral(x, w, { flip: any(1) })).toThrow("[convGeneral] flip");
  });
});

describe("convolve", () => {
  const a = mx.array([1, 2, 3, 4]);
  const v = mx.array([1, 10, 100]);

  test("has three modes", () => {
    is(mx.convolve(a, v), mx.float32, [1, 12, 123, 234, 340, 400]);
    is(mx.convolve(a, v, { mode: "same" }), mx.float32, [12, 123, 234, 340]);
    is(mx.convolve(v, a, { mode: "same" }), mx.float32, [12, 123, 234, 340]);
    is(mx.convolve(a, v, { mode: "valid" }), mx.float32, [123, 234]);
    // An even filter begins half its length before the vector.
    is(mx.convolve(a, mx.array([1, 10]), { mode: "same" }), mx.float32, [1, 12, 23, 34]);
  });

  test("refuses what is no vector, no mode or empty", () => {
    expect(() => mx.convolve(a, mx.zeros([0]))).toThrow("[convolve] Expected two vectors");
    expect(() => mx.convolve(mx.ones([2, 2]), v)).toThrow("[convolve] Expected two vectors");
    expect(() => mx.convolve(a, v, { mode: any("some") })).toThrow(
      '[convolve] mode: expected "full", "same" or "valid", received "some"',
    );
    expect(() => mx.convolve(mx.arange(3), v)).toThrow("[conv] Invalid input array");
  });
});

test("gradients go through", () => {
  const scale = mx.array([1, 2, 4]);
  const f = (a: mx.array, v: mx.array) =>
    mx.sum(mx.multiply(mx.convolve(a, v, { mode: "valid" }), scale));
  const [da, dv] = mx.grad(f, [0, 1])(mx.array([1, 2, 3, 4]), mx.array([1, 10])) as mx.array[];
  is(da as mx.array, mx.float32, [10, 21, 42, 4]);
  is(dv as mx.array, mx.float32, [24, 17]);
  const g = (y: mx.array) => mx.sum(mx.convTranspose1d(y, w, { stride: 2 }));
  expect(flat(mx.grad(g)(line(1, 2, 3)))).toEqual([11, 11, 11]);
  const empty = (y: mx.array) => mx.sum(mx.conv1d(y, mx.ones([0, 2, 1])));
  expect(flat(mx.grad(empty)(line(1, 2, 3)))).toEqual([0, 0, 0]);
});
