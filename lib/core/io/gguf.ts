/**
 * The GGUF format: metadata, the tensors' descriptions, their values. The
 * lengths and offsets in a file are checked before they are followed.
 */
import { type array, make } from "../array/array.js";
import { native } from "../call/native.js";
import { sizeOf } from "../call/numbers.js";
import { list, type StreamId } from "../call/wire.js";
import {
  bool_,
  type Dtype,
  float16,
  float32,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from "../dtype.js";
import { FormatError } from "./format-error.js";
import { bytesAt, type Source } from "./source.js";
import type { ByteWriter } from "./target.js";
import { arraysOf, type Entries, ofGguf, Tensors, writeValues } from "./tensors.js";

/** What a gguf file carries beside its arrays. */
export type GgufMetadata = Record<string, array | string | string[]>;

// The types of metadata, by their numbers. There are 64-bit floats, too, but
// MLX goes on after half of one.
const valueDtypes = [uint8, int8, uint16, int16, uint32, int32, float32, bool_];
const text = 8;
const values = 9;
const moreDtypes = [uint64, int64];
const dtypeOf = (type: number): Dtype | undefined =>
  valueDtypes[type] ?? moreDtypes[type - values - 1];
// A text has at least its length.
const leastText = 8;

/** How a type's values are stored: so many in a block of so many bytes. */
type Block = readonly [values: number, bytes: number];

// The types of tensors that MLX reads.
const blocks = new Map<number, Block>([
  [0, [1, 4]], // F32
  [1, [1, 2]], // F16
  [2, [32, 18]], // Q4_0
  [3, [32, 20]], // Q4_1
  [8, [32, 34]], // Q8_0
  [10, [256, 84]], // Q2_K
  [12, [256, 144]], // Q4_K
  [14, [256, 210]], // Q6_K
  [24, [1, 1]], // I8
  [25, [1, 2]], // I16
  [26, [1, 4]], // I32
  [30, [1, 2]], // BF16
]);
// Those whose values lie in the file as they are in memory.
const dtypesOfTensors = new Map<number, Dtype>([
  [0, float32],
  [1, float16],
  [24, int8],
  [25, int16],
  [26, int32],
]);
const tensorTypes = new Map([...dtypesOfTensors].map(([type, dtype]) => [dtype, type]));
// Those that stay quantized: their rows must be of whole blocks.
const quantized = new Set([2, 3, 8]);

const longestString = 1 << 28;
const chunk = 1 << 20;

/** Reads values one after the other; checks that the file has them. */
class Cursor {
  position = 0;
  readonly #source: Source;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(source: Source) {
    this.#source = source;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#source.size - this.position;
  }

  /** Goes on after the next bytes, and gives where in `#bytes` they are: a model has a hundred thousand texts. */
  #next(length: number, what: string): number {
    const start = this.position;
    this.skip(length, what);
    if (start < this.#start || this.position > this.#start + this.#bytes.length) {
      const ahead = Math.min(Math.max(length, chunk), this.#source.size - start);
      const { buffer, byteOffset } = bytesAt(this.#source, start, ahead, what);
      this.#bytes = Buffer.from(buffer, byteOffset, ahead);
      this.#start = start;
    }
    return start - this.#start;
  }

  bytes(length: number, what: string): Uint8Array {
    const at = this.#next(length, what);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number, what: string): void {
    if (length > this.left) {
      throw this.damage(`${what} of ${length} bytes at ${this.position}`, `${this.left} bytes`);
    }
    this.position += length;
  }

  uint32(what: string): number {
    // Before `#bytes` is read, since it may replace them.
    const at = this.#next(4, what);
    return this.#bytes.readUInt32LE(at);
  }

  /** A whole number; one that a double cannot hold is too large anywhere. */
  uint64(what: string, limit = Number.MAX_SAFE_INTEGER): number {
    const low = this.uint32(what);
    const value = low + this.uint32(what) * 2 ** 32;
    if (value > limit) {
      throw this.damage(`${what} of at most ${limit}`, `${value}`);
    }
    return value;
  }

  /** The length of a string, whose bytes follow. */
  length(what: string): number {
    return this.uint64(what, Math.min(longestString, this.left));
  }

  text(what: string): string {
    const length = this.length(what);
    const at = this.#next(length, what);
    return this.#bytes.toString("utf8", at, at + length);
  }

  /**
   * Goes over texts, and adds them to a list if there is one. A model has a hundred thousand, and
   * nearly all of them are short and at hand, which is looked at first, and here.
   */
  texts(count: number, what: string, texts?: string[]): void {
    for (let i = 0; i < count; i++) {
      const bytes = this.#bytes;
      const at = this.position - this.#start;
      const start = at + leastText;
      // The length has eight bytes, of which the last five have to be 0 here.
      const end =
        start +
        ((bytes[at] as number) |
          ((bytes[at + 1] as number) << 8) |
          ((bytes[at + 2] as number) << 16));
      if (end <= bytes.length && bytes[at + 3] === 0 && bytes.readInt32LE(at + 4) === 0) {
        this.position += end - at;
        texts?.push(bytes.toString("utf8", start, end));
      } else if (texts === undefined) {
        this.skip(this.length(what), what);
      } else {
        texts.push(this.text(what));
      }
    }
  }

  damage(expected: string, received: string): FormatError {
    return new FormatError(this.#source.label, expected, received);
  }
}

function numbers(cursor: Cursor, dtype: Dtype, shape: number[], what: string): array {
  const bytes = cursor.bytes((shape[0] ?? 1) * dtype.size, what);
  return make(native.from_bytes(bytes, list(shape), dtype.id));
}

/** A value; a list of texts is passed over unless it is wanted, and is empty then. */
function readValue(
  cursor: Cursor,
  type: number,
  key: string,
  isWanted: boolean,
): array | string | string[] {
  const what = `the value of ${JSON.stringify(key.slice(0, 80))}`;
  if (type === text) {
    return cursor.text(what);
  }
  if (type !== values) {
    const dtype = dtypeOf(type);
    if (dtype === undefined) {
      throw cursor.damage(`${what} of a type that MLX reads`, `type ${type}`);
    }
    return numbers(cursor, dtype, [], what);
  }
  const inner = cursor.uint32(what);
  const dtype = dtypeOf(inner);
  if (dtype === undefined && inner !== text) {
    throw cursor.damage(`${what} of a list of plain values`, `a list of type ${inner}`);
  }
  const least = dtype?.size ?? leastText;
  const count = cursor.uint64(what, Math.min(0x7fffffff, Math.floor(cursor.left / least)));
  if (dtype !== undefined) {
    return numbers(cursor, dtype, [count], what);
  }
  const texts: string[] = [];
  cursor.texts(count, what, isWanted ? texts : undefined);
  return texts;
}

/** The metadata, and the alignment of the values. */
function readMetadata(
  cursor: Cursor,
  count: number,
  isWanted: boolean,
): [GgufMetadata, alignment: number] {
  const metadata = new Map<string, array | string | string[]>();
  let alignment = 32;
  for (let i = 0; i < count; i++) {
    const key = cursor.text("a key");
    const type = cursor.uint32("a type");
    if (key === "general.alignment") {
      if (dtypeOf(type) !== uint32) {
        throw cursor.damage("general.alignment as uint32", `type ${type}`);
      }
      const { position } = cursor;
      alignment = cursor.uint32(key);
      if (alignment === 0 || alignment % 8 !== 0) {
        throw cursor.damage("general.alignment of a multiple of 8", `${alignment}`);
      }
      cursor.position = position;
    }
    metadata.set(key, readValue(cursor, type, key, isWanted));
  }
  return [Object.fromEntries(metadata), alignment];
}

/** A tensor's description. */
interface Description {
  /** Those of the arrays that it becomes. */
  readonly names: readonly string[];
  /** As {@link Tensors} has it. */
  readonly type: number;
  /** In MLX's order. */
  readonly shape: readonly number[];
  /** From the place on where values begin. */
  readonly start: number;
  readonly end: number;
}

const nameOf = (name: string) => `tensor ${JSON.stringify(name.slice(0, 80))}`;

// Quantized tensors come in three parts, the others of which have names that
// are made from the first's.
const ending = ".weight";
const partsOf = (name: string) => {
  const stem = name.slice(0, -ending.length) || name;
  return [name, `${stem}.scales`, `${stem}.biases`];
};

function readTensor(cursor: Cursor): Description {
  const name = cursor.text("a tensor's name");
  const what = nameOf(name);
  const rank = cursor.uint32(what);
  if (rank > 8) {
    throw cursor.damage(`${what} of at most 8 dimensions`, `${rank}`);
  }
  const shape = Array.from({ length: rank }, () => cursor.uint64(what));
  const size = sizeOf(shape);
  if (size === undefined) {
    throw cursor.damage(`${what} of a shape that MLX can have`, `[${shape}]`);
  }
  const type = cursor.uint32(what);
  const block = blocks.get(type);
  if (block === undefined) {
    throw cursor.damage(`${what} of a type that MLX reads`, `type ${type}`);
  }
  // The first dimension is the one whose values lie side by side.
  if (quantized.has(type) && (rank === 0 || (shape[0] as number) % block[0] !== 0)) {
    throw cursor.damage(`${what} of rows of whole blocks of ${block[0]}`, `shape [${shape}]`);
  }
  const start = cursor.uint64(what);
  const end = start + Math.ceil(size / block[0]) * block[1];
  const dtype = dtypesOfTensors.get(type);
  return {
    names: quantized.has(type) ? partsOf(name) : [name],
    type: dtype?.id ?? ofGguf | type,
    shape: shape.reverse(),
    start,
    end,
  };
}

/** The arrays by name, and the metadata, which is whole only if it is wanted. */
export function loadGguf(
  source: Source,
  stream: StreamId,
  isWanted: boolean,
): [Record<string, array>, GgufMetadata] {
  const cursor = new Cursor(source);
  if (Buffer.from(cursor.bytes(4, "a header")).toString("latin1") !== "GGUF") {
    throw cursor.damage("a gguf file", "another kind of file");
  }
  const version = cursor.uint32("a version");
  if (version !== 2 && version !== 3) {
    throw cursor.damage("gguf version 2 or 3", `version ${version}`);
  }
  // The least that a tensor's description and a metadata entry take.
  const count = cursor.uint64("a number of tensors", Math.floor(source.size / 24));
  const entries = cursor.uint64("a number of metadata entries", Math.floor(source.size / 13));
  const [metadata, alignment] = readMetadata(cursor, entries, isWanted);
  const described = Array.from({ length: count }, () => readTensor(cursor));
  const data = Math.ceil(cursor.position / alignment) * alignment;
  const available = Math.max(source.size - data, 0);
  let total = 0;
  const tensors = new Tensors(source);
  for (const { names, type, shape, start, end } of described) {
    if (end > available) {
      const name = nameOf(names[0] as string);
      throw cursor.damage(`${name} of bytes ${start} to ${end}`, `${available} bytes`);
    }
    total += end - start;
    tensors.add(data + start, type, shape);
  }
  // Tensors do not share values: a small file must not become a large model.
  if (total > available) {
    throw cursor.damage(`tensors of ${available} bytes in all`, `${total} bytes`);
  }
  const names = described.flatMap((tensor) => tensor.names);
  const met = new Set<string>();
  const twice = names.find((name) => met.size === met.add(name).size);
  if (twice !== undefined) {
    throw cursor.damage("tensors of different names", `two of the name ${JSON.stringify(twice)}`);
  }
  const arrays = tensors.load(stream);
  return [Object.fromEntries(names.map((name, i) => [name, arrays[i] as array])), metadata];
}

// The numbers of the dtypes that metadata has.
const valueTypes = new Map<Dtype, number>([
  ...valueDtypes.map((dtype, type) => [dtype, type] as const),
  ...moreDtypes.map((dtype, i) => [dtype, values + 1 + i] as const),
]);

/** The dtypes of arrays that can be saved. */
export const ggufDtypes: readonly Dtype[] = [...tensorTypes.keys()];
/** The dtypes of arrays in metadata. */
export const ggufMetadataDtypes: readonly Dtype[] = [...valueTypes.keys()];

// What is written here.
const fn = "saveGguf";
const unit = 32;
const padded = (place: number) => Math.ceil(place / unit) * unit;

/** The head of a file, before its tensors' values. */
class Head {
  readonly #pieces: Uint8Array[] = [];
  length = 0;

  bytes(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.length += piece.length;
  }
  uint32(x: number): void {
    this.bytes(Uint8Array.of(x, x >>> 8, x >>> 16, x >>> 24));
  }
  uint64(x: number): void {
    this.uint32(x % 2 ** 32);
    this.uint32(Math.floor(x / 2 ** 32));
  }
  text(x: string): void {
    const bytes = Buffer.from(x);
    this.uint64(bytes.length);
    this.bytes(bytes);
  }
  value(x: array | string | string[]): void {
    if (typeof x === "string") {
      this.uint32(text);
      this.text(x);
    } else if (Array.isArray(x)) {
      this.uint32(values);
      this.uint32(text);
      this.uint64(x.length);
      for (const each of x) {
        this.text(each);
      }
    } else {
      if (x.ndim === 1) {
        this.uint32(values);
      }
      this.uint32(valueTypes.get(x.dtype) as number);
      if (x.ndim === 1) {
        this.uint64(x.size);
      }
      writeValues({ write: (piece) => this.bytes(piece) }, new Uint8Array(0), [x], fn);
    }
  }
  pad(): void {
    this.bytes(new Uint8Array(padded(this.length) - this.length));
  }
  toBytes(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }
}

/** Writes a file, of arrays and metadata of the dtypes and ranks that it can have. */
export function saveGguf(writer: ByteWriter, arrays: Entries, metadata: GgufMetadata): void {
  const entries = Object.entries(metadata);
  const head = new Head();
  head.bytes(Buffer.from("GGUF"));
  head.uint32(3);
  head.uint64(arrays.length);
  head.uint64(entries.length);
  for (const [key, value] of entries) {
    head.text(key);
    head.value(value);
  }
  let place = 0;
  for (const [name, x] of arrays) {
    const { dtype, shape, nbytes } = x;
    head.text(name);
    head.uint32(shape.length);
    for (const n of shape.reverse()) {
      head.uint64(n);
    }
    head.uint32(tensorTypes.get(dtype) as number);
    head.uint64(place);
    place = padded(place + nbytes);
  }
  head.pad();
  writeValues(writer, head.toBytes(), arraysOf(arrays), fn, unit);
}
