// The metadata of GGUF files, read in pieces: mx.load reads it at once, and with it all tokens of a vocabulary.
import { closeSync, openSync, readSync } from "node:fs";
import { stepsAtOnce, type Work } from "./turns.js";

type Value = string | readonly string[] | number | readonly number[];

/** The settings of a file. Lists of one number are that number, too. */
export class Metadata {
  readonly #values: ReadonlyMap<string, Value>;

  constructor(values: ReadonlyMap<string, Value>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : undefined;
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#values.get(name);
    return Array.isArray(value) && typeof value[0] !== "number" ? value : undefined;
  }

  number(name: string): number | undefined {
    return this.numbers(name)?.[0];
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.#values.get(name);
    const list = typeof value === "number" ? [value] : value;
    return Array.isArray(list) && typeof list[0] !== "string" ? list : undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.number(name);
    return value === undefined ? undefined : value !== 0;
  }
}

// How much of a file is read at once.
const chunk = 1 << 16;

/** Reads a file from its beginning. */
class Reader {
  readonly #file: number;
  #bytes = Buffer.alloc(0);
  #at = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** Goes on after so many bytes, and gives them all, and where they are among them. */
  next(length: number): readonly [Buffer, at: number] {
    const at = this.#at;
    if (at + length <= this.#bytes.length) {
      this.#at += length;
      return [this.#bytes, at];
    }
    const rest = this.#bytes.subarray(at);
    const bytes = Buffer.allocUnsafe(Math.max(length, chunk));
    rest.copy(bytes);
    let end = rest.length;
    while (end < length) {
      const count = readSync(this.#file, bytes, end, bytes.length - end, null);
      if (count === 0) {
        throw new Error("the file has become shorter");
      }
      end += count;
    }
    this.#bytes = bytes.subarray(0, end);
    this.#at = length;
    return [this.#bytes, 0];
  }

  uint32(): number {
    const [bytes, at] = this.next(4);
    return bytes.readUInt32LE(at);
  }

  uint64(): number {
    const [bytes, at] = this.next(8);
    return Number(bytes.readBigUInt64LE(at));
  }

  text(): string {
    const length = this.uint64();
    const [bytes, at] = this.next(length);
    return bytes.toString("utf8", at, at + length);
  }
}

/** Reads a number of so many bytes. */
const number =
  (size: number, read: (bytes: Buffer, at: number) => number | bigint) =>
  (reader: Reader): number => {
    const [bytes, at] = reader.next(size);
    return Number(read(bytes, at));
  };

/** What reads a value, by its type's number; lists have another. */
const readers: Readonly<Record<number, (reader: Reader) => number | string>> = {
  0: number(1, (bytes, at) => bytes.readUInt8(at)),
  1: number(1, (bytes, at) => bytes.readInt8(at)),
  2: number(2, (bytes, at) => bytes.readUInt16LE(at)),
  3: number(2, (bytes, at) => bytes.readInt16LE(at)),
  4: number(4, (bytes, at) => bytes.readUInt32LE(at)),
  5: number(4, (bytes, at) => bytes.readInt32LE(at)),
  6: number(4, (bytes, at) => bytes.readFloatLE(at)),
  7: number(1, (bytes, at) => bytes.readUInt8(at)),
  8: (reader) => reader.text(),
  10: number(8, (bytes, at) => bytes.readBigUInt64LE(at)),
  11: number(8, (bytes, at) => bytes.readBigInt64LE(at)),
};
const list = 9;

function readerOf(type: number): (reader: Reader) => number | string {
  const read = readers[type];
  if (read === undefined) {
    throw new Error(`there is a value of type ${type}`);
  }
  return read;
}

function* readValue(reader: Reader): Work<Value> {
  const type = reader.uint32();
  if (type !== list) {
    return readerOf(type)(reader);
  }
  const read = readerOf(reader.uint32());
  const count = reader.uint64();
  const values: (number | string)[] = [];
  while (values.length < count) {
    values.push(read(reader));
    if (values.length % stepsAtOnce === 0) {
      yield;
    }
  }
  return values as Value;
}

/** Reads the metadata of a file that mx.load has read, and so checked. */
export function* metadataOf(path: string): Work<Metadata> {
  const file = openSync(path, "r");
  try {
    const reader = new Reader(file);
    // A name, a version, and the number of tensors.
    reader.next(4 + 4 + 8);
    const count = reader.uint64();
    const values = new Map<string, Value>();
    // A name may be there twice; the last one counts, as in mx.load.
    for (let i = 0; i < count; i++) {
      values.set(reader.text(), yield* readValue(reader));
    }
    return new Metadata(values);
  } finally {
    closeSync(file);
  }
}
