/**
 * The GGUF format: metadata, the tensors' descriptions, their values. MLX maps
 * the file and follows its lengths and offsets, so each is checked before.
 */
import { accessSync, constants, copyFileSync, writeFileSync } from "node:fs";
import { native } from "../native.js";
import type { StreamId } from "../wire.js";
import { bytesAt, FormatError, type Source, sizeOf, withTemporary } from "./source.js";

// The sizes of metadata's values; of strings and arrays, the least. There are
// 64-bit floats, too, but MLX goes on after half of one.
const valueSizes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8];
const uint32 = 4;
const string = 8;
const array = 9;

/** How a type's values are stored: so many in a block of so many bytes. */
type Block = readonly [values: number, bytes: number];

// The types that MLX reads.
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
// Those that stay quantized: their rows must be of whole blocks.
const quantized = new Set([2, 3, 8]);

const longestString = 1 << 28;
const chunk = 1 << 20;

/** Reads values one after the other; checks that the file has them. */
class Cursor {
  position = 0;
  readonly #source: Source;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(source: Source) {
    this.#source = source;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#source.size - this.position;
  }

  bytes(length: number, what: string): Uint8Array {
    const start = this.position;
    this.skip(length, what);
    if (start < this.#start || this.position > this.#start + this.#bytes.length) {
      const ahead = Math.min(Math.max(length, chunk), this.#source.size - start);
      this.#bytes = bytesAt(this.#source, start, ahead, what);
      this.#start = start;
    }
    return this.#bytes.subarray(start - this.#start, this.position - this.#start);
  }

  skip(length: number, what: string): void {
    if (length > this.left) {
      throw this.damage(`${what} of ${length} bytes at ${this.position}`, `${this.left} bytes`);
    }
    this.position += length;
  }

  uint32(what: string): number {
    const b = this.bytes(4, what);
    return (
      ((b[0] as number) | ((b[1] as number) << 8) | ((b[2] as number) << 16)) +
      (b[3] as number) * 2 ** 24
    );
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
    return Buffer.from(this.bytes(this.length(what), what)).toString();
  }

  damage(expected: string, received: string): FormatError {
    return new FormatError(this.#source.label, expected, received);
  }
}

function skipValue(cursor: Cursor, type: number, key: string): void {
  const size = valueSizes[type];
  const what = `the value of ${JSON.stringify(key.slice(0, 80))}`;
  if (size === undefined) {
    throw cursor.damage(`${what} of a type that MLX reads`, `type ${type}`);
  }
  if (type === string) {
    cursor.skip(cursor.length(what), what);
  } else if (type === array) {
    const inner = cursor.uint32(what);
    const innerSize = valueSizes[inner];
    if (innerSize === undefined || inner === array) {
      throw cursor.damage(`${what} of a list of plain values`, `a list of type ${inner}`);
    }
    const count = cursor.uint64(what, Math.min(0x7fffffff, Math.floor(cursor.left / innerSize)));
    if (inner === string) {
      for (let i = 0; i < count; i++) {
        cursor.skip(cursor.length(what), what);
      }
    } else {
      cursor.skip(count * innerSize, what);
    }
  } else {
    cursor.skip(size, what);
  }
}

/** The metadata; gives the alignment of the values. */
function checkMetadata(cursor: Cursor, count: number): number {
  let alignment = 32;
  for (let i = 0; i < count; i++) {
    const key = cursor.text("a key");
    const type = cursor.uint32("a type");
    if (key === "general.alignment") {
      if (type !== uint32) {
        throw cursor.damage("general.alignment as uint32", `type ${type}`);
      }
      alignment = cursor.uint32(key);
      if (alignment === 0 || alignment % 8 !== 0) {
        throw cursor.damage("general.alignment of a multiple of 8", `${alignment}`);
      }
    } else {
      skipValue(cursor, type, key);
    }
  }
  return alignment;
}

/** One tensor's description; gives where its values start and end. */
function checkTensor(
  cursor: Cursor,
  names: Set<string>,
): [name: string, start: number, end: number] {
  const name = cursor.text("a tensor's name");
  const what = `tensor ${JSON.stringify(name.slice(0, 80))}`;
  if (names.has(name)) {
    throw cursor.damage("tensors of different names", `two of the name ${what.slice(7)}`);
  }
  names.add(name);
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
  return [what, start, start + Math.ceil(size / block[0]) * block[1]];
}

/** Checks every length and offset. */
export function checkGguf(source: Source): void {
  const cursor = new Cursor(source);
  if (Buffer.from(cursor.bytes(4, "a header")).toString("latin1") !== "GGUF") {
    throw cursor.damage("a gguf file", "another kind of file");
  }
  const version = cursor.uint32("a version");
  if (version !== 2 && version !== 3) {
    throw cursor.damage("gguf version 2 or 3", `version ${version}`);
  }
  // The least that a tensor's description and a metadata entry take.
  const tensors = cursor.uint64("a number of tensors", Math.floor(source.size / 24));
  const entries = cursor.uint64("a number of metadata entries", Math.floor(source.size / 13));
  const alignment = checkMetadata(cursor, entries);
  const names = new Set<string>();
  const ranges = Array.from({ length: tensors }, () => checkTensor(cursor, names));
  const data = Math.ceil(cursor.position / alignment) * alignment;
  const available = source.size - data;
  let total = 0;
  for (const [what, start, end] of ranges) {
    if (end > available) {
      throw cursor.damage(`${what} of bytes ${start} to ${end}`, `${Math.max(available, 0)} bytes`);
    }
    total += end - start;
  }
  // Tensors do not share values: a small file must not become a large model.
  if (total > Math.max(available, 0)) {
    throw cursor.damage(`tensors of ${available} bytes in all`, `${total} bytes`);
  }
}

// MLX opens the file for writing, though it only reads it.
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export function loadGguf(source: Source, stream: StreamId): unknown {
  checkGguf(source);
  const { origin } = source;
  if (typeof origin === "string" && isWritable(origin)) {
    return native.load_gguf(origin, stream);
  }
  return withTemporary("model.gguf", (path) => {
    if (typeof origin === "string") {
      copyFileSync(origin, path, constants.COPYFILE_FICLONE);
    } else {
      writeFileSync(path, origin);
    }
    return native.load_gguf(path, stream);
  });
}
