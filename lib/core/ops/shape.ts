/**
 * The shape of arrays: the same elements in other dimensions, in another order,
 * side by side, repeated, or seen as another type.
 */

import { type array, make, makeAll } from "../array/array.js";
import type { ArrayInput } from "../array/input.js";
import {
  type Axes,
  type Axis,
  arraySlot,
  asInteger,
  dtypeId,
  elements,
  integerElements,
  integers,
  isList,
  type Operand,
  operand,
  optionalAxes,
  optionalAxis,
  optionalShape,
  type Shape,
  shapeList,
  slots,
  stream,
} from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { checkedLater, flag, integer, kindOf, oneOf, opOptions } from "../call/kinds.js";
import { native } from "../call/native.js";
import { asSize, isInt32 } from "../call/numbers.js";
import { type List, list, type Slots, type StreamId } from "../call/wire.js";
import type { StreamOptions } from "../device.js";
import type { Dtype } from "../dtype.js";
import { unary } from "./common.js";

/** Options of `flatten`. */
export interface FlattenOptions extends StreamOptions {
  /** The first axis to join. By default 0. */
  startAxis?: number | undefined;
  /** The last axis to join. By default -1, the last one. */
  endAxis?: number | undefined;
}

const readFlatten = opOptions<FlattenOptions>()("flatten", {
  startAxis: integer(0),
  endAxis: integer(-1),
});

/** Options of `unstack`. */
export interface UnstackOptions extends StreamOptions {
  /** The axis to take apart. By default 0. */
  axis?: number | undefined;
}

const readUnstack = opOptions<UnstackOptions>()("unstack", { axis: integer(0) });

/** Options of `meshgrid`. */
export interface MeshgridOptions extends StreamOptions {
  /** Keep size 1 along the other axes, for broadcasting. By default false. */
  sparse?: boolean | undefined;
  /**
   * The order of the first two axes: `"xy"` for columns and rows as in a plot,
   * `"ij"` for rows and columns as in a matrix. By default `"xy"`.
   */
  indexing?: "xy" | "ij" | undefined;
}

const readMeshgrid = opOptions<MeshgridOptions>()("meshgrid", {
  sparse: flag(false),
  indexing: oneOf(["xy", "ij"], "xy"),
});

/**
 * How many elements to add: the same everywhere, `[before, after]` of every
 * axis, or a list of such pairs, one for each axis.
 */
export type PadWidth =
  | number
  | readonly [number]
  | readonly [number, number]
  | readonly (readonly [number, number])[];

/** Options of `pad`. */
export interface PadOptions extends StreamOptions {
  /**
   * What the new elements are: a constant, the nearest element, or the elements
   * mirrored, without the outermost (`"reflect"`) or with it. By default `"constant"`.
   */
  mode?: "constant" | "edge" | "reflect" | "symmetric" | undefined;
  /** The constant. By default 0. */
  constantValues?: Operand | undefined;
}

const padding = kindOf<Operand>((x, fn, param) => {
  operand(x as Operand, fn, param);
  return x as Operand;
});

const readPad = opOptions<PadOptions>()("pad", {
  mode: oneOf(["constant", "edge", "reflect", "symmetric"], "constant"),
  constantValues: padding(0),
});

/** Options of `asStrided`. */
export interface AsStridedOptions extends StreamOptions {
  /** Steps along each axis, in elements. By default those of a row-major array. */
  strides?: readonly number[] | null | undefined;
  /** Where the first element is. By default 0. */
  offset?: number | undefined;
}

const readStrided = opOptions<AsStridedOptions>()("asStrided", {
  strides: checkedLater(),
  offset: kindOf(asSize)(0),
});

/** Options of `contiguous`. */
export interface ContiguousOptions extends StreamOptions {
  /** Let column-major arrays be. By default false. */
  allowColMajor?: boolean | undefined;
}

const readContiguous = opOptions<ContiguousOptions>()("contiguous", { allowColMajor: flag(false) });

/**
 * The elements in another shape, in row-major order. One size may be -1: it
 * follows from the others.
 *
 * @throws Error if the sizes do not fit the number of elements.
 * @example
 * mx.reshape(mx.arange(6), [2, -1])
 * // array([[0, 1, 2],
 * //        [3, 4, 5]], dtype=int32)
 */
export function reshape(a: ArrayInput, shape: Shape, options?: StreamOptions): array {
  const fn = "reshape";
  return make(native.reshape(arraySlot(a, fn, "a"), shapeList(shape, fn), stream(options, fn)));
}

/**
 * The array with neighbouring axes joined into one, by default all of them. Of
 * a single value, an array of one dimension.
 *
 * @example
 * mx.flatten(mx.array([[1, 2], [3, 4]]))
 * // array([1, 2, 3, 4], dtype=float32)
 */
export function flatten(a: ArrayInput, options?: FlattenOptions): array {
  const fn = "flatten";
  const { startAxis, endAxis, stream } = readFlatten(options);
  return make(native.flatten(arraySlot(a, fn, "a"), startAxis, endAxis, stream));
}

/**
 * The array with one axis split into several. One size may be -1: it follows
 * from the others.
 *
 * @throws Error if the sizes do not fit that of the axis.
 * @example
 * mx.unflatten(mx.array([[1, 2, 3, 4]]), 1, [2, -1])
 * // array([[[1, 2],
 * //         [3, 4]]], dtype=float32)
 */
export function unflatten(
  a: ArrayInput,
  axis: number,
  shape: Shape,
  options?: StreamOptions,
): array {
  const fn = "unflatten";
  return make(
    native.unflatten(
      arraySlot(a, fn, "a"),
      asInteger(axis, fn, "axis"),
      shapeList(shape, fn),
      stream(options, fn),
    ),
  );
}

/**
 * The array without its axes of size 1, or without those given.
 *
 * @throws Error if a given axis has another size.
 * @example
 * mx.squeeze(mx.zeros([1, 3, 1])).shape
 * // [ 3 ]
 */
export function squeeze(a: ArrayInput, axis?: Axes, options?: StreamOptions): array {
  const fn = "squeeze";
  return make(native.squeeze(arraySlot(a, fn, "a"), optionalAxes(axis, fn), stream(options, fn)));
}

/**
 * The elements in reverse order along an axis or several, by default all.
 *
 * @example
 * mx.flip(mx.array([[1, 2], [3, 4]]), 0)
 * // array([[3, 4],
 * //        [1, 2]], dtype=float32)
 */
export function flip(a: ArrayInput, axis?: Axes, options?: StreamOptions): array {
  const fn = "flip";
  return make(native.flip(arraySlot(a, fn, "a"), optionalAxes(axis, fn), stream(options, fn)));
}

/**
 * The arrays that lie side by side along an axis, which they lack.
 *
 * @throws Error for an array without dimensions.
 * @example
 * mx.unstack(mx.array([[1, 2], [3, 4]]))
 * // [ array([1, 2], dtype=float32), array([3, 4], dtype=float32) ]
 */
export function unstack(x: ArrayInput, options?: UnstackOptions): array[] {
  const { axis, stream } = readUnstack(options);
  return makeAll(native.unstack(arraySlot(x, "unstack", "x"), axis, stream));
}

/**
 * The array with axes of size 1 at the given places of the result.
 *
 * @example
 * mx.expandDims(mx.array([1, 2]), 1)
 * // array([[1],
 * //        [2]], dtype=float32)
 */
export function expandDims(
  a: ArrayInput,
  axis: number | readonly number[],
  options?: StreamOptions,
): array {
  const fn = "expandDims";
  return make(
    native.expand_dims(arraySlot(a, fn, "a"), shapeList(axis, fn, "axis"), stream(options, fn)),
  );
}

/**
 * The array with one axis moved to another place; the others keep their order.
 *
 * @example
 * mx.moveaxis(mx.zeros([2, 3, 4]), 0, -1).shape
 * // [ 3, 4, 2 ]
 */
export function moveaxis(
  a: ArrayInput,
  source: number,
  destination: number,
  options?: StreamOptions,
): array {
  const fn = "moveaxis";
  return make(
    native.moveaxis(
      arraySlot(a, fn, "a"),
      asInteger(source, fn, "source"),
      asInteger(destination, fn, "destination"),
      stream(options, fn),
    ),
  );
}

/**
 * The array with two axes exchanged.
 *
 * @example
 * mx.swapaxes(mx.zeros([2, 3, 4]), 0, 2).shape
 * // [ 4, 3, 2 ]
 */
export function swapaxes(
  a: ArrayInput,
  axis1: number,
  axis2: number,
  options?: StreamOptions,
): array {
  const fn = "swapaxes";
  return make(
    native.swapaxes(
      arraySlot(a, fn, "a"),
      asInteger(axis1, fn, "axis1"),
      asInteger(axis2, fn, "axis2"),
      stream(options, fn),
    ),
  );
}

/**
 * The array with its axes in reverse order, or in the given one.
 *
 * @param axes Every axis once.
 * @example
 * mx.transpose(mx.array([[1, 2, 3], [4, 5, 6]]))
 * // array([[1, 4],
 * //        [2, 5],
 * //        [3, 6]], dtype=float32)
 */
export function transpose(a: ArrayInput, axes?: Axes, options?: StreamOptions): array {
  const fn = "transpose";
  return make(
    native.transpose(arraySlot(a, fn, "a"), optionalAxes(axes, fn, "axes"), stream(options, fn)),
  );
}

/**
 * The array with its last two axes exchanged.
 *
 * @throws Error if there are fewer than two.
 * @example
 * mx.matrixTranspose(mx.zeros([5, 2, 3])).shape
 * // [ 5, 3, 2 ]
 */
export function matrixTranspose(a: ArrayInput, options?: StreamOptions): array {
  return unary(native.matrix_transpose, "matrixTranspose", a, options);
}

/**
 * The array with its axes in reverse order, or in the given one. The same as
 * {@link transpose}.
 *
 * @example
 * mx.permuteDims(mx.zeros([2, 3, 4]), [1, 2, 0]).shape
 * // [ 3, 4, 2 ]
 */
export function permuteDims(a: ArrayInput, axes?: Axes, options?: StreamOptions): array {
  const fn = "permuteDims";
  return make(
    native.transpose(arraySlot(a, fn, "a"), optionalAxes(axes, fn, "axes"), stream(options, fn)),
  );
}

// A tuple of N arrays for a literal N; for an N that is large or not known, a list.
type Sections<N extends number, T extends array[] = []> = number extends N
  ? array[]
  : T["length"] extends N
    ? T
    : T["length"] extends 32
      ? array[]
      : Sections<N, [...T, array]>;

// Cuts at n places make n + 1 parts: a tuple where n is known.
type Between<L extends readonly number[], T extends array[] = [array]> = number extends L["length"]
  ? array[]
  : L extends readonly [number, ...infer R extends readonly number[]]
    ? Between<R, [...T, array]>
    : T;

/**
 * What `split` gives: as many arrays as a literal number says, one more than a literal list has
 * indices, and otherwise a list of any length.
 */
export type Parts<N extends number | readonly number[]> = N extends number
  ? Sections<N>
  : N extends readonly number[]
    ? Between<N>
    : array[];

/**
 * The array cut along an axis, by default the first: into a number of equal
 * parts, or before each of the given indices.
 *
 * @throws Error if equal parts are not possible.
 * @example
 * mx.split(mx.arange(5), [1, 3])
 * // [
 * //   array([0], dtype=int32),
 * //   array([1, 2], dtype=int32),
 * //   array([3, 4], dtype=int32)
 * // ]
 */
export function split<const N extends number | readonly number[]>(
  a: ArrayInput,
  indicesOrSections: N,
  axis = 0,
  options?: StreamOptions,
): Parts<N> {
  const fn = "split";
  const source = arraySlot(a, fn, "a");
  const along = asInteger(axis, fn, "axis");
  const s = stream(options, fn);
  return makeAll(
    isList(indicesOrSections)
      ? native.split_at(source, integers(indicesOrSections, fn, "indicesOrSections"), along, s)
      : native.split(source, sections(indicesOrSections), along, s),
  ) as Parts<N>;
}

function sections(x: unknown): number {
  if (typeof x !== "number") {
    throw mismatch("split", "indicesOrSections", "an integer or a list of integers", x);
  }
  return asInteger(x, "split", "indicesOrSections");
}

/**
 * The array broadcast to a shape, without a copy.
 *
 * @throws Error if the shapes do not fit.
 * @example
 * mx.broadcastTo(mx.array([1, 2]), [2, 2])
 * // array([[1, 2],
 * //        [1, 2]], dtype=float32)
 */
export function broadcastTo(a: ArrayInput, shape: Shape, options?: StreamOptions): array {
  const fn = "broadcastTo";
  return make(
    native.broadcast_to(arraySlot(a, fn, "a"), shapeList(shape, fn), stream(options, fn)),
  );
}

/**
 * The arrays broadcast to their common shape, without copies.
 *
 * @throws Error if the shapes do not fit.
 * @example
 * mx.broadcastArrays([mx.array([1, 2]), mx.array([[3], [4]])])
 * // [
 * //   array([[1, 2],
 * //          [1, 2]], dtype=float32),
 * //   array([[3, 3],
 * //          [4, 4]], dtype=float32)
 * // ]
 */
export function broadcastArrays<const L extends readonly array[]>(
  arrays: L,
  options?: StreamOptions,
): { -readonly [I in keyof L]: array } {
  return makeAll(
    native.broadcast_arrays(
      slots(arrays, "broadcastArrays", "arrays"),
      stream(options, "broadcastArrays"),
    ),
  ) as { -readonly [I in keyof L]: array };
}

/**
 * The arrays one after the other along an axis, by default the first; with
 * `null`, their elements in one dimension. Dtypes are promoted.
 *
 * @throws Error if their other sizes differ.
 * @example
 * mx.concatenate([mx.array([[1, 2]]), mx.array([[3, 4]])])
 * // array([[1, 2],
 * //        [3, 4]], dtype=float32)
 */
export function concatenate(
  arrays: readonly array[],
  axis: Axis = 0,
  options?: StreamOptions,
): array {
  const fn = "concatenate";
  return make(
    native.concatenate(slots(arrays, fn, "arrays"), optionalAxis(axis, fn), stream(options, fn)),
  );
}

/**
 * The arrays one after the other along an axis. The same as
 * {@link concatenate}.
 *
 * @example
 * mx.concat([mx.array([1, 2]), mx.array([3])])
 * // array([1, 2, 3], dtype=float32)
 */
export function concat(arrays: readonly array[], axis: Axis = 0, options?: StreamOptions): array {
  const fn = "concat";
  return make(
    native.concatenate(slots(arrays, fn, "arrays"), optionalAxis(axis, fn), stream(options, fn)),
  );
}

/**
 * The arrays side by side along a new axis, by default the first.
 *
 * @throws Error if their shapes differ.
 * @example
 * mx.stack([mx.array([1, 2]), mx.array([3, 4])], 1)
 * // array([[1, 3],
 * //        [2, 4]], dtype=float32)
 */
export function stack(arrays: readonly array[], axis: Axis = 0, options?: StreamOptions): array {
  const fn = "stack";
  return make(
    native.stack(
      slots(arrays, fn, "arrays"),
      asInteger(axis ?? 0, fn, "axis"),
      stream(options, fn),
    ),
  );
}

/**
 * The coordinates of a grid's points, an array for each axis, from the
 * coordinates along the axes.
 *
 * @example
 * mx.meshgrid([mx.array([1, 2]), mx.array([3, 4])])
 * // [
 * //   array([[1, 2],
 * //          [1, 2]], dtype=float32),
 * //   array([[3, 3],
 * //          [4, 4]], dtype=float32)
 * // ]
 */
export function meshgrid<const L extends readonly array[]>(
  arrays: L,
  options?: MeshgridOptions,
): { -readonly [I in keyof L]: array } {
  const { sparse, indexing, stream } = readMeshgrid(options);
  return makeAll(
    native.meshgrid(slots(arrays, "meshgrid", "arrays"), sparse, indexing, stream),
  ) as { -readonly [I in keyof L]: array };
}

/**
 * Each element several times, along an axis or, by default, of the flattened
 * array.
 *
 * @example
 * mx.repeat(mx.array([1, 2]), 2)
 * // array([1, 1, 2, 2], dtype=float32)
 */
export function repeat(
  array: ArrayInput,
  repeats: number,
  axis?: Axis,
  options?: StreamOptions,
): array {
  const fn = "repeat";
  return make(
    native.repeat(
      arraySlot(array, fn, "array"),
      asInteger(repeats, fn, "repeats"),
      optionalAxis(axis, fn),
      stream(options, fn),
    ),
  );
}

// Widths before and after, in turn: of each axis, or once for all of them.
function widths(x: PadWidth): List {
  const expected = "an integer, [before, after] or a list of such pairs";
  const wrong = () => mismatch("pad", "padWidth", expected, x);
  const flat: unknown[] = [];
  const all = typeof x === "number" ? [x] : elements(x, expected, "pad", "padWidth");
  if (all.length === 1 && !isList(all[0])) {
    flat.push(all[0], all[0]);
  } else if (all.length === 2 && !isList(all[0])) {
    flat.push(...all);
  } else {
    for (const item of all) {
      const pair = elements(item, expected, "pad", "padWidth");
      if (pair.length !== 2) {
        throw wrong();
      }
      flat.push(...pair);
    }
  }
  for (const width of flat) {
    if (typeof width !== "number" || !Number.isInteger(width)) {
      throw wrong();
    }
    if (width < 0 || !isInt32(width)) {
      throw outOfRange("pad", "padWidth", "32-bit integers that are not negative", x);
    }
  }
  return list(flat as number[]);
}

/**
 * The array with elements added before and after, along every axis.
 *
 * @throws Error if there is neither one pair of widths nor one for each axis.
 * @example
 * mx.pad(mx.array([1, 2]), [1, 2])
 * // array([0, 1, 2, 0, 0], dtype=float32)
 */
export function pad(a: ArrayInput, padWidth: PadWidth, options?: PadOptions): array {
  const { constantValues, mode, stream } = readPad(options);
  return make(
    native.pad(
      arraySlot(a, "pad", "a"),
      widths(padWidth),
      operand(constantValues, "pad", "constantValues"),
      mode,
      stream,
    ),
  );
}

function strideList(x: readonly number[]): List {
  const strides = elements(x, "a list of integers", "asStrided", "strides");
  if (!strides.every((stride) => Number.isInteger(stride))) {
    throw mismatch("asStrided", "strides", "a list of integers", x);
  }
  if (!strides.every((stride) => Number.isSafeInteger(stride))) {
    throw outOfRange("asStrided", "strides", "safe integers", x);
  }
  return list(strides as number[]);
}

/**
 * The elements of the flattened array, seen in any shape and with any strides:
 * the same element may show up several times. By default the array's own shape.
 *
 * @throws RangeError if an element would lie outside of the array.
 * @example
 * mx.asStrided(mx.arange(5), [3, 3], { strides: [1, 1] })
 * // array([[0, 1, 2],
 * //        [1, 2, 3],
 * //        [2, 3, 4]], dtype=int32)
 */
export function asStrided(a: ArrayInput, shape?: Shape | null, options?: AsStridedOptions): array {
  const { strides, offset, stream } = readStrided(options);
  const rowMajor = strides === undefined || strides === null;
  return make(
    native.as_strided(
      arraySlot(a, "asStrided", "a"),
      optionalShape(shape, "asStrided"),
      rowMajor ? list([]) : strideList(strides),
      rowMajor,
      offset,
      stream,
    ),
  );
}

/**
 * The array laid out several times, along the last axis or, with a list, along
 * several of the last ones.
 *
 * @example
 * mx.tile(mx.array([1, 2]), [2, 2])
 * // array([[1, 2, 1, 2],
 * //        [1, 2, 1, 2]], dtype=float32)
 */
export function tile(
  a: ArrayInput,
  reps: number | readonly number[],
  options?: StreamOptions,
): array {
  const fn = "tile";
  return make(native.tile(arraySlot(a, fn, "a"), shapeList(reps, fn, "reps"), stream(options, fn)));
}

/**
 * The elements moved along an axis or several; those beyond the end come back
 * at the start. Without an axis, those of the flattened array.
 *
 * @param shift How far, or how far along each of the axes.
 * @example
 * mx.roll(mx.array([1, 2, 3, 4]), 1)
 * // array([4, 1, 2, 3], dtype=float32)
 */
export function roll(
  a: ArrayInput,
  shift: number | readonly number[],
  axis?: Axes,
  options?: StreamOptions,
): array {
  const fn = "roll";
  const source = arraySlot(a, fn, "a");
  const along = optionalAxes(axis, fn);
  const s = stream(options, fn);
  return make(
    typeof shift === "number"
      ? native.roll_by(source, asInteger(shift, fn, "shift"), along, s)
      : native.roll(source, shapeList(shift, fn, "shift"), along, s),
  );
}

type AtLeast = (arrays: List, s: StreamId) => Slots;

function atLeast(
  operation: AtLeast,
  arys: Operand | readonly array[],
  options: StreamOptions | undefined,
  fn: string,
): array | array[] {
  const all = isList(arys) ? slots(arys, fn, "arys") : list([arraySlot(arys, fn, "arys")]);
  const out = makeAll(operation(all, stream(options, fn)));
  return isList(arys) ? out : (out[0] as array);
}

/**
 * The array with at least one dimension. A list of arrays gives a list.
 *
 * @example
 * mx.atleast1d(mx.array(3))
 * // array([3], dtype=float32)
 */
export function atleast1d(arys: Operand, options?: StreamOptions): array;
export function atleast1d<const L extends readonly array[]>(
  arys: L,
  options?: StreamOptions,
): { -readonly [I in keyof L]: array };
export function atleast1d(
  arys: Operand | readonly array[],
  options?: StreamOptions,
): array | array[] {
  return atLeast(native.atleast_1d, arys, options, "atleast1d");
}

/**
 * The array with at least two dimensions: new ones come first. A list of arrays
 * gives a list.
 *
 * @example
 * mx.atleast2d(mx.array([1, 2]))
 * // array([[1, 2]], dtype=float32)
 */
export function atleast2d(arys: Operand, options?: StreamOptions): array;
export function atleast2d<const L extends readonly array[]>(
  arys: L,
  options?: StreamOptions,
): { -readonly [I in keyof L]: array };
export function atleast2d(
  arys: Operand | readonly array[],
  options?: StreamOptions,
): array | array[] {
  return atLeast(native.atleast_2d, arys, options, "atleast2d");
}

/**
 * The array with at least three dimensions: a matrix gets its third at the end,
 * one dimension gets one on either side. A list of arrays gives a list.
 *
 * @example
 * mx.atleast3d([mx.zeros([4]), mx.zeros([2, 3])]).map((x) => x.shape)
 * // [ [ 1, 4, 1 ], [ 2, 3, 1 ] ]
 */
export function atleast3d(arys: Operand, options?: StreamOptions): array;
export function atleast3d<const L extends readonly array[]>(
  arys: L,
  options?: StreamOptions,
): { -readonly [I in keyof L]: array };
export function atleast3d(
  arys: Operand | readonly array[],
  options?: StreamOptions,
): array | array[] {
  return atLeast(native.atleast_3d, arys, options, "atleast3d");
}

/**
 * The same values, row-major in memory: a copy where they are not.
 *
 * @example
 * mx.contiguous(mx.transpose(mx.array([[1, 2], [3, 4]])))
 * // array([[1, 3],
 * //        [2, 4]], dtype=float32)
 */
export function contiguous(a: ArrayInput, options?: ContiguousOptions): array {
  const { allowColMajor, stream } = readContiguous(options);
  return make(native.contiguous(arraySlot(a, "contiguous", "a"), allowColMajor, stream));
}

/**
 * The values in another dtype. Numbers become integers without their fraction.
 *
 * @example
 * mx.astype(mx.array([1.7, -1.7]), mx.int32)
 * // array([1, -1], dtype=int32)
 */
export function astype(a: ArrayInput, dtype: Dtype, options?: StreamOptions): array {
  const fn = "astype";
  return make(native.astype(arraySlot(a, fn, "a"), dtypeId(dtype, fn), stream(options, fn)));
}

/**
 * The bytes seen as another dtype. Where its size is another one, so is the size
 * of the last axis.
 *
 * @throws Error if the last axis does not hold a whole number of elements.
 * @example
 * mx.view(mx.array([1, -1]), mx.int32)
 * // array([1065353216, -1082130432], dtype=int32)
 */
export function view(a: ArrayInput, dtype: Dtype, options?: StreamOptions): array {
  const fn = "view";
  return make(native.view(arraySlot(a, fn, "a"), dtypeId(dtype, fn), stream(options, fn)));
}

/**
 * The shape that shapes broadcast to.
 *
 * @throws Error if they do not fit.
 * @example
 * mx.broadcastShapes([[3, 1], [4]])
 * // [ 3, 4 ]
 */
export function broadcastShapes(shapes: readonly (readonly number[])[]): number[] {
  const fn = "broadcastShapes";
  const expected = "a list of at least one shape";
  const all = elements(shapes, expected, fn, "shapes");
  if (all.length === 0) {
    throw mismatch(fn, "shapes", expected, shapes);
  }
  return all
    .map((shape, i) => integerElements(shape, fn, `shapes[${i}]`))
    .reduce((out, shape) => native.broadcast_shapes(list(out), list(shape)), [] as number[]);
}
