/** Values on their way into arrays: what `mx.array` takes. */
import { mismatch, outOfRange } from "../call/errors.js";
import { native } from "../call/native.js";
import { checkCount, type DtypeId, lengthOf, list, type Result } from "../call/wire.js";
import {
  bool_,
  complex64,
  type Dtype,
  float32,
  float64,
  iinfo,
  int32,
  int64,
  isFloating,
  promoted,
  uint8,
  uint64,
} from "../dtype.js";
import { currentStream } from "../lifetime/context.js";
import { type array, isArray, make, slot, slotOf } from "./array.js";
import { isHalf, storage, type TypedArrayConstructor } from "./output.js";
import {
  type Complex,
  complexOf,
  type Scalar,
  type ArrayLike as Stand,
  standFor,
} from "./stand-in.js";
import { forAddon, kindOf, lengthOfTyped, type TypedArray } from "./typed-arrays.js";

/** What `mx.array` takes: a value, nested lists of values, a typed array. */
export type ArrayInput = array | Stand | Scalar | TypedArray | readonly ArrayInput[];

// The dtype for each class of typed arrays.
const typedArrays = new Map<string, Dtype>([
  ...[...storage].map(([dtype, View]) => [(View as TypedArrayConstructor).name, dtype] as const),
  ["Uint8ClampedArray", uint8],
]);

function typedArrayDtype(x: unknown): Dtype | undefined {
  const kind = kindOf(x);
  return kind === undefined ? undefined : typedArrays.get(kind);
}

/** Whether a value is a typed array of a kind that has a dtype. */
export function isTypedArray(x: unknown): x is TypedArray {
  return ArrayBuffer.isView(x) && typedArrayDtype(x) !== undefined;
}

// More dimensions than this are a list that contains itself.
const deepest = 64;

/** The sizes of nested lists, and what they hold, row-major. */
export interface Flat<Leaf> {
  readonly shape: number[];
  readonly leaves: Leaf[];
}

/**
 * Takes nested lists apart. Each element is read once: a list may be a proxy. An
 * array is one leaf, and as deep as its dimensions.
 *
 * @param listLength The length of a list; undefined for what is none.
 * @param readLeaf Checks what is no list, and gives what to keep of it.
 */
export function flatten<Leaf>(
  data: readonly unknown[],
  fn: string,
  param: string,
  listLength: (x: unknown) => number | undefined,
  readLeaf: (x: unknown) => Leaf,
): Flat<Leaf> {
  const shape: number[] = [];
  const leaves: Leaf[] = [];
  const ragged = () => outOfRange(fn, param, "lists of equal lengths at every level", data);
  // Whether all dimensions are known: from the first leaf, or from a list without any.
  let known = false;
  const sized = (length: number, dimension: number): void => {
    if (known) {
      if (length !== shape[dimension]) {
        throw ragged();
      }
    } else if (shape.push(length) > deepest) {
      throw outOfRange(fn, param, `at most ${deepest} nested lists`, data);
    }
  };
  const takeLeaf = (leaf: Leaf, dimension: number): void => {
    const inner = isArray(leaf) ? leaf.shape : [];
    if (known && dimension + inner.length !== shape.length) {
      throw ragged();
    }
    inner.forEach((n, i) => {
      sized(n, dimension + i);
    });
    if (!known) {
      known = true;
      const size = shape.reduce((size, n) => size * n, 1);
      checkCount(size, data, fn, param);
    }
    leaves.push(leaf);
  };
  const walk = (list: ArrayLike<unknown>, length: number, dimension: number): void => {
    sized(length, dimension);
    known ||= length === 0;
    for (let i = 0; i < length; i++) {
      const x = list[i];
      const inner = typeof x === "number" ? undefined : listLength(x);
      if (inner !== undefined) {
        walk(x as ArrayLike<unknown>, inner, dimension + 1);
        continue;
      }
      const leaf = readLeaf(x);
      // The usual case, which needs no look at the dimensions.
      if (typeof leaf === "number" && known && dimension + 1 === shape.length) {
        leaves.push(leaf);
      } else {
        takeLeaf(leaf, dimension + 1);
      }
    }
  };
  walk(data, listLength(data) as number, 0);
  return { shape, leaves };
}

/** The length of a list or a typed array; undefined for what is neither. */
function lengthOfList(x: unknown): number | undefined {
  if (Array.isArray(x)) {
    return lengthOf(x, "array", "data");
  }
  const isTyped = typeof x === "object" && typedArrayDtype(x) !== undefined;
  return isTyped ? lengthOfTyped(x as TypedArray, "array", "data") : undefined;
}

/** A leaf, of which nothing has to be asked again: an object is an array or a complex number. */
function leafOf(x: unknown): unknown {
  switch (typeof x) {
    case "number":
    case "boolean":
    case "bigint":
      return x;
    case "object":
      if (x !== null) {
        return isArray(x) ? x : (complexOf(x) ?? noLeaf(x));
      }
  }
  return noLeaf(x);
}

function noLeaf(x: unknown): never {
  throw mismatch("array", "data", "numbers, booleans, bigints or arrays", x);
}

function isComplex(x: unknown): x is Complex {
  return typeof x === "object" && x !== null;
}

// The dtype for all leaves of a list: numbers beside booleans make numbers.
function inferred(leaves: readonly unknown[]): Dtype {
  let booleans = 0;
  let bigints = 0;
  let complexes = 0;
  let unsigned = false;
  let signed = false;
  for (const leaf of leaves) {
    if (typeof leaf === "boolean") {
      booleans++;
    } else if (typeof leaf === "bigint") {
      bigints++;
      unsigned ||= leaf > 0x7fffffffffffffffn;
      signed ||= leaf < 0n;
      if (leaf > 0xffffffffffffffffn || leaf < -0x8000000000000000n || (unsigned && signed)) {
        throw outOfRange("array", "data", "bigints that fit int64 or uint64", leaves);
      }
    } else if (isComplex(leaf)) {
      complexes++;
    } else if (typeof leaf !== "number") {
      noLeaf(leaf);
    }
  }
  if (complexes > 0) {
    return complex64;
  }
  if (bigints > 0) {
    if (bigints + booleans < leaves.length) {
      throw mismatch("array", "data", "bigints or numbers, not both without a dtype", leaves);
    }
    return unsigned ? uint64 : int64;
  }
  return booleans > 0 && booleans === leaves.length ? bool_ : float32;
}

function toNumber(leaf: unknown): number {
  switch (typeof leaf) {
    case "number":
      return leaf;
    case "boolean":
    case "bigint":
      return Number(leaf);
  }
  throw mismatch("array", "data", "numbers, booleans or bigints", leaf);
}

function toBigint(leaf: unknown): bigint {
  if (typeof leaf === "bigint") {
    return leaf;
  }
  const x = Math.trunc(toNumber(leaf));
  if (!Number.isFinite(x)) {
    throw outOfRange("array", "data", "finite numbers", leaf);
  }
  return BigInt(x);
}

function mapTo<T extends { [i: number]: unknown; length: number }>(
  out: T,
  leaves: ArrayLike<unknown>,
  convert: (leaf: unknown) => unknown,
): T {
  for (let i = 0; i < out.length; i++) {
    out[i] = convert(leaves[i]);
  }
  return out;
}

/** Values of any kind as an array of the given shape and type. */
function store(
  leaves: ArrayLike<unknown>,
  n: number,
  shape: readonly number[],
  dtype: Dtype,
): Result {
  const dims = list(shape);
  if (isHalf(dtype)) {
    return native.from_floats(mapTo(new Float32Array(n), leaves, toNumber), dims, dtype.id);
  }
  let data: TypedArray;
  if (dtype === bool_) {
    data = mapTo(new Uint8Array(n), leaves, (x) => (toNumber(x) === 0 ? 0 : 1));
  } else if (dtype === int64 || dtype === uint64) {
    const out = dtype === int64 ? new BigInt64Array(n) : new BigUint64Array(n);
    data = mapTo(out, leaves, toBigint);
  } else if (dtype === complex64) {
    data = new Float32Array(2 * n);
    for (let i = 0; i < n; i++) {
      const leaf = leaves[i];
      data[2 * i] = isComplex(leaf) ? leaf.re : toNumber(leaf);
      data[2 * i + 1] = isComplex(leaf) ? leaf.im : 0;
    }
  } else {
    const View = storage.get(dtype) as TypedArrayConstructor;
    data = mapTo(new View(n), leaves, toNumber);
  }
  return native.from_bytes(data, dims, dtype.id);
}

function fromTyped(data: TypedArray, from: Dtype, dtype: Dtype | undefined): Result {
  const length = lengthOfTyped(data, "array", "data");
  // A Float64Array is how JavaScript writes real numbers, not a wish for
  // double precision.
  const to = dtype ?? (from === float64 ? float32 : from);
  if (to === from) {
    return native.from_bytes(forAddon(data, "array", "data"), list([length]), to.id);
  }
  return store(data, length, [length], to);
}

/** An array from whatever `mx.array` takes. */
export function toArray(data: ArrayInput, dtype: Dtype | undefined): array {
  if (isArray(data)) {
    const source = slot(data, "array", "data");
    const to = dtype === undefined ? native.dtype(source) : dtype.id;
    return make(native.astype(source, to as DtypeId, currentStream()));
  }
  const from = typedArrayDtype(data);
  if (from !== undefined) {
    return make(fromTyped(data as TypedArray, from, dtype));
  }
  if (Array.isArray(data)) {
    return fromList(data, dtype);
  }
  if ((typeof data === "object" && data !== null) || typeof data === "function") {
    const meant = standFor(data as object, "array", "data");
    if (isArray(meant)) {
      return toArray(meant, dtype);
    }
    return make(ofOne(meant ?? noLeaf(data), dtype));
  }
  return make(ofOne(data, dtype));
}

function ofOne(leaf: unknown, dtype: Dtype | undefined): Result {
  return store([leaf], 1, [], dtype ?? inferred([leaf]));
}

function fromList(data: readonly ArrayInput[], dtype: Dtype | undefined): array {
  const { shape, leaves } = flatten(data, "array", "data", lengthOfList, leafOf);
  for (const leaf of leaves) {
    if (isArray(leaf)) {
      return joined(leaves, shape, dtype ?? dtypeBeside(leaves));
    }
  }
  return make(store(leaves, leaves.length, shape, dtype ?? inferred(leaves)));
}

function joined(leaves: readonly unknown[], shape: readonly number[], dtype: Dtype): array {
  const stream = currentStream();
  const cast = (x: array) => (x.dtype === dtype ? x : toArray(x, dtype));
  if (leaves.every(isArray)) {
    const whole = make(
      native.stack(list(leaves.map((x) => slot(cast(x), "array", "data"))), 0, stream),
    );
    return whole.ndim === shape.length
      ? whole
      : make(native.reshape(slotOf(whole), list(shape), stream));
  }
  // Arrays and values between them, one after the other.
  const parts: array[] = [];
  let values: unknown[] = [];
  const flush = (): void => {
    if (values.length > 0) {
      parts.push(make(store(values, values.length, [values.length], dtype)));
      values = [];
    }
  };
  for (const leaf of leaves) {
    if (isArray(leaf)) {
      flush();
      parts.push(cast(make(native.reshape(slot(leaf, "array", "data"), list([-1]), stream))));
    } else {
      values.push(leaf);
    }
  }
  flush();
  const whole = make(native.concatenate(list(parts.map(slotOf)), list([0]), stream));
  return make(native.reshape(slotOf(whole), list(shape), stream));
}

// Values beside arrays are weak: they take the arrays' dtype if it can hold them.
function dtypeBeside(leaves: readonly unknown[]): Dtype {
  const values = leaves.filter((leaf) => !isArray(leaf));
  const strong = leaves
    .filter(isArray)
    .map((x) => x.dtype)
    .reduce((a, b) => promoted(a, b));
  if (values.length === 0) {
    return strong;
  }
  const weak = inferred(values);
  if (weak === complex64) {
    return complex64;
  }
  const whole = values.every((x) => typeof x !== "number" || Number.isInteger(x));
  if (
    strong === complex64 ||
    isFloating(strong) ||
    (whole && values.every((x) => fits(x, strong)))
  ) {
    return strong;
  }
  return promoted(strong, whole && weak === float32 ? narrowest(values) : weak);
}

function narrowest(values: readonly unknown[]): Dtype {
  return values.every((x) => fits(x, int32)) ? int32 : int64;
}

function fits(x: unknown, dtype: Dtype): boolean {
  if (typeof x === "boolean") {
    return true;
  }
  if (dtype === bool_) {
    return false;
  }
  const { min, max } = iinfo(dtype);
  return (x as number | bigint) >= min && (x as number | bigint) <= max;
}
