import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { fft } = mx;

const near = (a: mx.array, b: mx.array, atol = 1e-5) => {
  expect(a.shape).toEqual(b.shape);
  expect(mx.allclose(a, b, { atol }).item()).toBe(true);
};

const numbers = (...shape: number[]) =>
  mx.random.normal(shape, mx.float32, { key: mx.random.key(3) });

describe("transforms", () => {
  const x = numbers(3, 4, 5);

  test.each(["backward", "ortho", "forward"] as const)("inverses, with norm %s", (norm) => {
    near(mx.real(fft.ifft(fft.fft(x, null, 1, { norm }), null, 1, { norm })), x);
    near(mx.real(fft.ifft2(fft.fft2(x, null, [0, 2], { norm }), null, [0, 2], { norm })), x);
    near(mx.real(fft.ifftn(fft.fftn(x, null, null, { norm }), null, null, { norm })), x);
    near(fft.irfft(fft.rfft(x, null, -1, { norm }), 5, -1, { norm }), x);
    near(fft.irfft2(fft.rfft2(x, null, undefined, { norm }), [4, 5], undefined, { norm }), x);
    const s = [3, 4, 5];
    near(fft.irfftn(fft.rfftn(x, null, null, { norm }), s, [0, 1, 2], { norm }), x);
  });

  test("one axis after another", () => {
    near(fft.fft2(x), fft.fft(fft.fft(x), null, 1));
    near(fft.fftn(x), fft.fft(fft.fft2(x), null, 0));
    near(fft.rfft2(x), fft.fft(fft.rfft(x), null, 1));
  });

  test("cut and fill up", () => {
    near(fft.fft(x, 3), fft.fft(x.get("...", ":3")));
    near(
      fft.fft(x, 7),
      fft.fft(
        mx.pad(x, [
          [0, 0],
          [0, 0],
          [0, 2],
        ]),
      ),
    );
    expect(fft.rfftn(x, [2, 6], [0, 1]).shape).toEqual([2, 4, 5]);
    expect(fft.irfft(x).shape).toEqual([3, 4, 8]);
  });

  test("gradients", () => {
    const g = mx.grad((y: mx.array) => mx.sum(mx.square(mx.abs(fft.fft(y)))))(x);
    near(g, mx.multiply(10, x), 1e-3); // Parseval
  });

  test("nothing to transform", () => {
    expect(fft.fft(mx.zeros([0, 4])).shape).toEqual([0, 4]);
    expect(fft.irfftn(x, null, [])).toBeInstanceOf(mx.array);
    expect(() => fft.fft(mx.zeros([4, 0]))).toThrow("[fftn] Invalid FFT output size");
    expect(() => fft.irfft(mx.zeros([3, 0]))).toThrow("[fftn] Invalid FFT output size");
    expect(() => fft.fft(mx.array(1))).toThrow("[fft");
  });

  test("errors", () => {
    expect(() => fft.fft(any("1"))).toThrow("[fft.fft] a: expected an array");
    expect(() => fft.fft(x, 1.5)).toThrow("[fft.fft] n: expected an integer, received 1.5");
    expect(() => fft.fft(x, any([2]))).toThrow("[fft.fft] n: expected an integer");
    expect(() => fft.fft(x, null, any(null))).toThrow("[fft.fft] axis: expected an integer");
    expect(() => fft.fft(x, null, 3)).toThrow(RangeError);
    expect(() => fft.fftn(x, null, [0, -4])).toThrow(RangeError);
    expect(() => fft.rfft(x, 4, 3)).toThrow("[fftn] Invalid axis");
    expect(() => fft.fft2(mx.zeros([3]))).toThrow(RangeError);
    expect(() => fft.fft2(x, any("4"))).toThrow("[fft.fft2] s: expected");
    expect(() => fft.fft2(x, [2, 2], null)).toThrow("[fft.fft2] axes: expected a list of integers");
    expect(() => fft.irfftn(x, [2, 2])).toThrow("[fft.irfftn] axes: expected");
    expect(() => fft.fft(x, null, 0, { norm: any("none") })).toThrow(
      new TypeError('[fft.fft] norm: expected "backward", "ortho" or "forward", received "none"'),
    );
    expect(() => fft.fft(x, null, 0, { norm: any(1) })).toThrow(TypeError);
    expect(() => fft.fft(x, null, 0, any({ normalize: true }))).toThrow('"normalize"');
    const huge = 2 ** 31 - 1;
    expect(() => fft.fftn(x, [huge, huge, huge], [0, 1, 2])).toThrow(RangeError);
    expect(() => fft.fftn(mx.zeros([4, 1, 1]), [huge, huge], [1, 2])).toThrow(RangeError);
  });
});

test("frequencies and shifts", () => {
  const f = fft.fftfreq(5, { d: 2 });
  near(fft.fftshift(f), mx.multiply(mx.arange(-2, 3), 0.1));
  expect(fft.ifftshift(fft.fftshift(f)).tolist()).toEqual(f.tolist());
  near(fft.rfftfreq(5, { d: 2 }), f.get(":3"));
  expect(fft.fftshift(mx.array([[0, 1, 2]]), 1).tolist()).toEqual([[2, 0, 1]]);
  expect(() => fft.fftfreq(2.5)).toThrow("[fft.fftfreq] n: expected an integer");
  expect(() => fft.rfftfreq(4, { d: any("1") })).toThrow("[fft.rfftfreq] d: expected a number");
  expect(() => fft.fftshift(f, any("0"))).toThrow("[fft.fftshift] axes: expected an integer");
});

describe("stft", () => {
  const x = numbers(2, 40);
  const window = mx.array([0.1, 0.5, 0.9, 1, 1, 0.9, 0.5, 0.1]);

  test.each([
    {},
    { window },
    { hopLength: 3 },
    { window, norm: "ortho", onesided: false },
  ] as const)("and its inverse, with %j", (options) => {
    const frames = fft.stft(x, { nFft: 8, ...options });
    near(
      fft.istft(frames, { nFft: 8, length: 40, ...options }).get(":", "4:-4"),
      x.get(":", "4:-4"),
      1e-4,
    );
  });

  test("is the transform of frames", () => {
    const frames = fft.stft(x, { nFft: 8, hopLength: 4, center: false, window });
    expect(frames.shape).toEqual([2, 5, 9]);
    near(frames.get(":", ":", 1), fft.rfft(mx.multiply(x.get(":", "4:12"), window)));
    const z = x.astype(mx.complex64);
    expect(fft.stft(z, { nFft: 8, onesided: null }).shape).toEqual([2, 8, 21]);
    expect(fft.stft(z, { nFft: 8, onesided: true }).shape).toEqual([2, 5, 21]);
  });

  test("errors", () => {
    expect(() => fft.stft(any("1"))).toThrow("[fft.stft] x: expected an array");
    expect(() => fft.stft(x, { nFft: any("8") })).toThrow("[fft.stft] nFft: expected an integer");
    expect(() => fft.stft(x, { window: any([1]) })).toThrow("[fft.stft] window: expected an array");
    expect(() => fft.stft(x, { hopLength: 0.5 })).toThrow("[fft.stft] hopLength: expected");
    expect(() => fft.stft(x, any({ n_fft: 8 }))).toThrow('"n_fft"');
    expect(() => fft.stft(x, { nFft: 8, padMode: any("wrap") })).toThrow(
      "[fft.stft] padMode: expected",
    );
    expect(() => fft.istft(x, { length: any("1") })).toThrow("[fft.istft] length: expected");
    expect(() => fft.istft(x, { onesided: any(1) })).toThrow("[fft.istft] onesided: expected");
    expect(() => fft.istft(x, any({ padMode: "edge" }))).toThrow('"padMode"');
  });
});
