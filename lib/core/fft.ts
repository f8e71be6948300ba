/** `mx.fft`: Fourier transforms. */

import { type array, make } from "./array/array.js";
import type { ArrayInput } from "./array/input.js";
import {
  type Axes,
  arraySlot,
  asInteger,
  optionalAxes,
  optionalAxis,
  optionalShape,
  stream,
} from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import {
  flag,
  integer,
  listed,
  nullable,
  number,
  oneOf,
  opOptions,
  optional,
  slotOption,
} from "./call/kinds.js";
import { native } from "./call/native.js";
import { listOfOne } from "./call/wire.js";
import type { StreamOptions } from "./device.js";
import { complex64 } from "./dtype.js";

/**
 * Where a transform of `n` values is divided: `"backward"`, by `n` in the
 * inverse; `"forward"`, by `n` in the other; `"ortho"`, by the root of `n` in both.
 */
export type FftNorm = "backward" | "ortho" | "forward";

/** Options of the transforms. */
export interface FftOptions extends StreamOptions {
  /** Which of a transform and its inverse is scaled. By default `"backward"`. */
  norm?: FftNorm | undefined;
}

// The addon gets a norm's position in this list.
const norms: readonly FftNorm[] = ["backward", "ortho", "forward"];
const norm = oneOf(norms, "backward");
const readNorm = opOptions<FftOptions>()("fft.fft", { norm });

/** Options of `fftfreq` and `rfftfreq`. */
export interface FrequencyOptions extends StreamOptions {
  /** The distance between samples. By default 1. */
  d?: number | undefined;
}

const readFrequency = opOptions<FrequencyOptions>()("fft.fftfreq", { d: number(1) });

/** Options of `stft` and `istft`. */
export interface FrameOptions extends FftOptions {
  /** How many samples lie between frames. By default a quarter of `nFft`. */
  hopLength?: number | null | undefined;
  /** The length of the window. By default `nFft`. */
  winLength?: number | null | undefined;
  /** The window, a vector; zeros fill it up to `nFft` on both sides. By default ones. */
  window?: array | null | undefined;
  /** Whether frames are centered on their samples, for which the ends are padded. By default true. */
  center?: boolean | undefined;
}

const frames = {
  hopLength: listed,
  winLength: listed,
  window: slotOption,
  center: flag(true),
  norm,
};

/** Options of `stft`. */
export interface StftOptions extends FrameOptions {
  /** The length of a frame. By default 2048. */
  nFft?: number | undefined;
  /** What the ends are padded with. By default `"reflect"`. */
  padMode?: "reflect" | "constant" | "edge" | undefined;
  /** Whether to leave out negative frequencies. By default true, of complex input false. */
  onesided?: boolean | null | undefined;
}

const readStft = opOptions<StftOptions>()("fft.stft", {
  ...frames,
  nFft: integer(2048),
  padMode: oneOf(["reflect", "constant", "edge"], "reflect"),
  onesided: optional(flag()),
});

/** Options of `istft`. */
export interface IstftOptions extends FrameOptions {
  /** The length of a frame. By default the even one that the frequencies tell. */
  nFft?: number | null | undefined;
  /** Whether negative frequencies are left out. By default true. */
  onesided?: boolean | null | undefined;
  /** The length of the result. By default what the frames cover. */
  length?: number | null | undefined;
}

const readIstft = opOptions<IstftOptions>()("fft.istft", {
  ...frames,
  nFft: listed,
  onesided: nullable(flag(true)),
  length: listed,
});

/** A number for each of several axes; `null` for what is usual. */
type Dims = readonly number[] | null;

type Transform = "fftn" | "ifftn" | "rfftn" | "irfftn";

function one(
  transform: Transform,
  a: ArrayInput,
  n: number | null | undefined,
  axis: number,
  options: FftOptions | undefined,
  fn: string,
): array {
  const { norm, stream } = readNorm(options, fn);
  return make(
    native[`fft_${transform}`](
      arraySlot(a, fn, "a"),
      optionalAxis(n, fn, "n"),
      listOfOne(asInteger(axis, fn, "axis")),
      norms.indexOf(norm),
      stream,
    ),
  );
}

function several(
  transform: Transform,
  a: ArrayInput,
  s: Dims | undefined,
  axes: Dims | undefined,
  options: FftOptions | undefined,
  fn: string,
): array {
  const { norm, stream } = readNorm(options, fn);
  const sizes = s ?? undefined;
  if (sizes !== undefined && (axes ?? undefined) === undefined) {
    throw mismatch(fn, "axes", "a list of integers beside s", axes);
  }
  return make(
    native[`fft_${transform}`](
      arraySlot(a, fn, "a"),
      optionalShape(sizes, fn, "s"),
      optionalAxes(axes, fn, "axes"),
      norms.indexOf(norm),
      stream,
    ),
  );
}

const lastTwo: Dims = [-2, -1];

/**
 * The discrete Fourier transform along an axis, by default the last, in complex64.
 *
 * @param n The size to cut the axis to or to fill it up to with zeros. By
 * default its own.
 * @throws Error for an array without dimensions, or without an element to
 * transform; RangeError for an axis that it does not have.
 * @example
 * mx.real(mx.fft.fft(mx.array([1, 2, 3, 4])))
 * // array([10, -2, -2, -2], dtype=float32)
 */
export function fft(a: ArrayInput, n?: number | null, axis = -1, options?: FftOptions): array {
  return one("fftn", a, n, axis, options, "fft.fft");
}

/**
 * The inverse of `fft`, in complex64.
 *
 * @param n The size to cut the axis to or to fill it up to with zeros. By
 * default its own.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.ifft(mx.fft.fft(mx.array([1, 2, 3, 4]))))
 * // array([1, 2, 3, 4], dtype=float32)
 */
export function ifft(a: ArrayInput, n?: number | null, axis = -1, options?: FftOptions): array {
  return one("ifftn", a, n, axis, options, "fft.ifft");
}

/**
 * The discrete Fourier transform over two axes, by default the last, in
 * complex64.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros. By
 * default their own.
 * @param axes The axes; `null` for all of them.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.fft2(mx.array([[1, 2], [3, 5]])))
 * // array([[11, -3],
 * //        [-5, 1]], dtype=float32)
 */
export function fft2(a: ArrayInput, s?: Dims, axes: Dims = lastTwo, options?: FftOptions): array {
  return several("fftn", a, s, axes, options, "fft.fft2");
}

/**
 * The inverse of `fft2`, in complex64.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros. By
 * default their own.
 * @param axes The axes; `null` for all of them.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.ifft2(mx.array([[11, -3], [-5, 1]])))
 * // array([[1, 2],
 * //        [3, 5]], dtype=float32)
 */
export function ifft2(a: ArrayInput, s?: Dims, axes: Dims = lastTwo, options?: FftOptions): array {
  return several("ifftn", a, s, axes, options, "fft.ifft2");
}

/**
 * The discrete Fourier transform over axes, by default all of them, in complex64.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros, beside
 * `axes`. By default their own.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.fftn(mx.array([[1, 2], [3, 5]]), null, [0]))
 * // array([[4, 7],
 * //        [-2, -3]], dtype=float32)
 */
export function fftn(a: ArrayInput, s?: Dims, axes?: Dims, options?: FftOptions): array {
  return several("fftn", a, s, axes, options, "fft.fftn");
}

/**
 * The inverse of `fftn`, in complex64.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros, beside
 * `axes`. By default their own.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.ifftn(mx.array([[4, 7], [-2, -3]]), null, [0]))
 * // array([[1, 2],
 * //        [3, 5]], dtype=float32)
 */
export function ifftn(a: ArrayInput, s?: Dims, axes?: Dims, options?: FftOptions): array {
  return several("ifftn", a, s, axes, options, "fft.ifftn");
}

/**
 * The half of `fft` that tells all of real input, `floor(n / 2) + 1` values, in
 * complex64.
 *
 * @param n The size to cut the axis to or to fill it up to with zeros. By
 * default its own.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.real(mx.fft.rfft(mx.array([1, 2, 3, 4])))
 * // array([10, -2, -2], dtype=float32)
 */
export function rfft(a: ArrayInput, n?: number | null, axis = -1, options?: FftOptions): array {
  return one("rfftn", a, n, axis, options, "fft.rfft");
}

/**
 * The inverse of `rfft`, in float32.
 *
 * @param n The size of the result. By default an even one.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.fft.irfft(mx.fft.rfft(mx.array([1, 2, 4])), 3)
 * // array([1, 2, 4], dtype=float32)
 */
export function irfft(a: ArrayInput, n?: number | null, axis = -1, options?: FftOptions): array {
  return one("irfftn", a, n, axis, options, "fft.irfft");
}

/**
 * The half of `fft2` that tells all of real input, in complex64; the last of the
 * axes is halved.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros. By
 * default their own.
 * @param axes The axes; `null` for all of them.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.fft.rfft2(mx.zeros([2, 4, 6])).shape
 * // [ 2, 4, 4 ]
 */
export function rfft2(a: ArrayInput, s?: Dims, axes: Dims = lastTwo, options?: FftOptions): array {
  return several("rfftn", a, s, axes, options, "fft.rfft2");
}

/**
 * The inverse of `rfft2`, in float32.
 *
 * @param s The sizes of the result. By default the last is even.
 * @param axes The axes; `null` for all of them.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.fft.irfft2(mx.fft.rfft2(mx.array([[1, 2], [3, 5]])))
 * // array([[1, 2],
 * //        [3, 5]], dtype=float32)
 */
export function irfft2(a: ArrayInput, s?: Dims, axes: Dims = lastTwo, options?: FftOptions): array {
  return several("irfftn", a, s, axes, options, "fft.irfft2");
}

/**
 * The half of `fftn` that tells all of real input, in complex64; the last of the
 * axes is halved.
 *
 * @param s The sizes to cut the axes to or to fill them up to with zeros, beside
 * `axes`. By default their own.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.fft.rfftn(mx.zeros([2, 4, 6]), null, [0, 1]).shape
 * // [ 2, 3, 6 ]
 */
export function rfftn(a: ArrayInput, s?: Dims, axes?: Dims, options?: FftOptions): array {
  return several("rfftn", a, s, axes, options, "fft.rfftn");
}

/**
 * The inverse of `rfftn`, in float32.
 *
 * @param s The sizes of the result, beside `axes`. By default the last is even.
 * @throws Error and RangeError as `fft` does.
 * @example
 * mx.fft.irfftn(mx.fft.rfftn(mx.array([[1, 2, 4]])), [1, 3], [0, 1])
 * // array([[1, 2, 4]], dtype=float32)
 */
export function irfftn(a: ArrayInput, s?: Dims, axes?: Dims, options?: FftOptions): array {
  return several("irfftn", a, s, axes, options, "fft.irfftn");
}

/**
 * The frequencies that `fft` of `n` samples gives, in its order and in cycles
 * per unit of their distance.
 *
 * @throws Error if `n` is not positive, or the distance 0.
 * @example
 * mx.fft.fftfreq(4, { d: 0.5 })
 * // array([0, 0.5, -1, -0.5], dtype=float32)
 */
export function fftfreq(n: number, options?: FrequencyOptions): array {
  const { d, stream } = readFrequency(options);
  return make(native.fft_fftfreq(asInteger(n, "fft.fftfreq", "n"), d, stream));
}

/**
 * The frequencies that `rfft` of `n` samples gives, in cycles per unit of their
 * distance.
 *
 * @throws Error if `n` is not positive, or the distance 0.
 * @example
 * mx.fft.rfftfreq(4, { d: 0.5 })
 * // array([0, 0.5, 1], dtype=float32)
 */
export function rfftfreq(n: number, options?: FrequencyOptions): array {
  const fn = "fft.rfftfreq";
  const { d, stream } = readFrequency(options, fn);
  return make(native.fft_rfftfreq(asInteger(n, fn, "n"), d, stream));
}

/**
 * Moves frequency zero to the middle of axes, by default of all.
 *
 * @throws Error for an axis that the array does not have.
 * @example
 * mx.fft.fftshift(mx.array([0, 1, 2, -2, -1]))
 * // array([-2, -1, 0, 1, 2], dtype=float32)
 */
export function fftshift(a: ArrayInput, axes?: Axes, options?: StreamOptions): array {
  const fn = "fft.fftshift";
  return make(
    native.fft_fftshift(arraySlot(a, fn, "a"), optionalAxes(axes, fn, "axes"), stream(options, fn)),
  );
}

/**
 * The inverse of `fftshift`, which differs from it for odd sizes.
 *
 * @throws Error for an axis that the array does not have.
 * @example
 * mx.fft.ifftshift(mx.array([-2, -1, 0, 1, 2]))
 * // array([0, 1, 2, -2, -1], dtype=float32)
 */
export function ifftshift(a: ArrayInput, axes?: Axes, options?: StreamOptions): array {
  const fn = "fft.ifftshift";
  return make(
    native.fft_ifftshift(
      arraySlot(a, fn, "a"),
      optionalAxes(axes, fn, "axes"),
      stream(options, fn),
    ),
  );
}

/**
 * The short-time Fourier transform of the last axis: of overlapping frames, times
 * a window, the transforms, `[..., frequencies, frames]` in complex64.
 *
 * @throws Error if the input is too short, a length is not positive, or the
 * window longer than a frame.
 * @example
 * const x = mx.arange(8);
 * mx.real(mx.fft.stft(x, { nFft: 4, hopLength: 4, center: false }))
 * // array([[6, 22],
 * //        [-2, -2],
 * //        [-2, -2]], dtype=float32)
 */
export function stft(x: ArrayInput, options?: StftOptions): array {
  const { nFft, hopLength, winLength, window, center, padMode, norm, onesided, stream } =
    readStft(options);
  const input = arraySlot(x, "fft.stft", "x");
  return make(
    native.fft_stft(
      input,
      nFft,
      hopLength,
      winLength,
      window,
      center,
      padMode,
      norms.indexOf(norm),
      onesided ?? native.dtype(input) !== complex64.id,
      stream,
    ),
  );
}

/**
 * The inverse of `stft` with the same options: the frames, times the window,
 * added up and divided by the windows' squares, `[..., samples]`.
 *
 * @param stftMatrix `[..., frequencies, frames]`.
 * @throws Error for less than 2 dimensions, if a length is not positive, or the
 * window longer than a frame.
 * @example
 * const frames = mx.fft.stft(mx.array([1, 2, 3, 4, 5, 6, 7, 8]), { nFft: 4 });
 * mx.round(mx.fft.istft(frames, { length: 6 }), 3)
 * // array([1, 2, 3, 4, 5, 6], dtype=float32)
 */
export function istft(stftMatrix: ArrayInput, options?: IstftOptions): array {
  const { nFft, hopLength, winLength, window, center, norm, onesided, length, stream } =
    readIstft(options);
  return make(
    native.fft_istft(
      arraySlot(stftMatrix, "fft.istft", "stftMatrix"),
      nFft,
      hopLength,
      winLength,
      window,
      center,
      norms.indexOf(norm),
      onesided ?? true,
      length,
      stream,
    ),
  );
}
