/** What layers over one to three spatial dimensions share: their sizes, and the shapes of their inputs. */
import { type Check, integerElements, isList } from "../../core/call/arguments.js";
import { mismatch, outOfRange } from "../../core/call/errors.js";
import { asCount } from "../../core/call/numbers.js";
import { type Kind, type KindOf, kindOf } from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { type Axes, checkShape, initial } from "../layer.js";
import { Module } from "../module.js";

/** An integer for each of some dimensions. */
export type Sizes<Dimensions extends number> = Dimensions extends 1
  ? readonly [number]
  : Dimensions extends 2
    ? readonly [number, number]
    : readonly [number, number, number];

/** Reads an integer for each dimension, from a list of them or from one for all. */
export function asSizes<Dimensions extends number>(
  value: unknown,
  dimensions: Dimensions,
  check: Check<number>,
  fn: string,
  param: string,
): Sizes<Dimensions> {
  const all =
    typeof value === "number"
      ? new Array<number>(dimensions).fill(check(value, fn, param))
      : isList(value)
        ? integerElements(value, fn, param).map((n) => check(n, fn, param))
        : [];
  if (all.length !== dimensions) {
    throw mismatch(fn, param, `an integer or a list of ${dimensions}`, value);
  }
  return Object.freeze(all) as unknown as Sizes<Dimensions>;
}

/** An integer for each dimension, or one for all, which is read as a list of them. */
export function sizes<Dimensions extends number>(
  dimensions: Dimensions,
  check: Check<number>,
  fallback?: number,
): Kind<number | Sizes<Dimensions>, Sizes<Dimensions>> {
  const read: Check<Sizes<Dimensions>> = (value, fn, param) =>
    asSizes(value, dimensions, check, fn, param);
  return {
    check: read,
    fallback: (fallback === undefined ? null : read(fallback, "", "")) as Sizes<Dimensions>,
    required: false,
  };
}

/** The same, but one number for all stays a number. */
export function oneOrSizes<Dimensions extends number>(
  dimensions: Dimensions,
  check: Check<number>,
): KindOf<number | Sizes<Dimensions>> {
  return kindOf((value, fn, param) => {
    const all = asSizes(value, dimensions, check, fn, param);
    return typeof value === "number" ? value : all;
  });
}

/** Settings as they stand in the text of a layer: `stride=[2, 1], padding=0`. */
export function settingsText(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value.join(", ")}]` : value}`)
    .join(", ");
}

const spatial = [[], ["L"], ["H", "W"], ["D", "H", "W"]];

/** The shape of an input of so many spatial dimensions: channels, of which there may be any number, come last. */
export function spatialAxes(dimensions: number, channels: number | "C" = "C"): Axes {
  return ["N", ...(spatial[dimensions] as string[]), channels];
}

/** What a convolution has beside its weights. `Size` is a number, or a list of one for each dimension. */
export interface ConvolutionSettings<Size> {
  readonly stride: Size;
  readonly padding: Size;
  readonly dilation: number | Size;
  readonly groups?: number;
  readonly outputPadding?: Size;
}

/** One of the convolutions of `mx`. */
type Convolve<Size> = (
  x: mx.array,
  weight: mx.array,
  options: mx.ConvTransposeOptions<number | Size>,
) => mx.array;

/**
 * The base of all convolutions: the weights `[outChannels, ...kernelSize,
 * inChannels / groups]`, which begin uniformly distributed between plus and minus
 * `1 / sqrt(fan in)`, and a bias of zeros.
 */
export class Convolution<Size extends number | readonly number[]> extends Module {
  weight: mx.array;
  bias?: mx.array;
  readonly #fn: string;
  readonly #convolve: Convolve<Size>;
  readonly #settings: ConvolutionSettings<Size>;

  constructor(
    fn: string,
    convolve: Convolve<Size>,
    dimensions: 1 | 2 | 3,
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvolutionSettings<Size> & { readonly bias: boolean },
  ) {
    super();
    const { bias, ...settings } = options;
    const { groups = 1 } = settings;
    for (const [name, channels] of Object.entries({ inChannels, outChannels })) {
      if (asCount(channels, fn, name) % groups !== 0) {
        throw outOfRange(fn, name, `a multiple of the ${groups} groups`, channels);
      }
    }
    const kernel =
      dimensions === 1
        ? [asCount(kernelSize, fn, "kernelSize")]
        : asSizes(kernelSize, dimensions, asCount, fn, "kernelSize");
    const size = [...kernel, inChannels / groups];
    this.weight = initial(size.reduce((product, n) => product * n))(outChannels, ...size);
    if (bias) {
      this.bias = mx.zeros([outChannels]);
    }
    this.#fn = fn;
    this.#convolve = convolve;
    this.#settings = settings;
  }

  // Getters: lists that are fields would be among the parameters.

  /** What the constructor was given, or the defaults. */
  protected get settings(): ConvolutionSettings<Size> {
    return this.#settings;
  }

  /** How far the filter moves from one place to the next. */
  get stride(): Size {
    return this.#settings.stride;
  }

  /** How many zeros surround the input at either end. */
  get padding(): Size {
    return this.#settings.padding;
  }

  /** How far apart the elements of the filter are. */
  get dilation(): number | Size {
    return this.#settings.dilation;
  }

  forward(x: mx.array): mx.array {
    const { weight, bias } = this;
    const { groups = 1 } = this.#settings;
    const axes = spatialAxes(weight.ndim - 2, weight.dim(-1) * groups);
    checkShape(x, `${this.#fn}.forward`, "x", axes);
    const y = this.#convolve(x, weight, this.#settings);
    return bias === undefined ? y : y.add(bias);
  }

  protected override extraRepr(): string {
    const [outChannels, ...size] = this.weight.shape;
    const inChannels = (size.pop() as number) * (this.#settings.groups ?? 1);
    const kernelSize = size.length === 1 ? size[0] : size;
    const settings = { kernelSize, ...this.#settings, bias: this.bias !== undefined };
    return `${inChannels}, ${outChannels}, ${settingsText(settings)}`;
  }
}
