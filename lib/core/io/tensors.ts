/** Tensors in files: where their values lie, and what they are. */
import { type array, makeAll } from "../array/array.js";
import { slot, slots } from "../call/arguments.js";
import { native } from "../call/native.js";
import { list, type StreamId } from "../call/wire.js";
import type { Source } from "./source.js";
import { type ByteWriter, OutputFile } from "./target.js";

/** Arrays and their names, in the order of a file. */
export type Entries = readonly (readonly [name: string, x: array])[];

// As native/io.cpp has them.
export const bigEndian = 1 << 8;
export const columnMajor = 1 << 9;
export const ofGguf = 1 << 10;

export const arraysOf = (entries: Entries): array[] => entries.map(([, x]) => x);

/** Tensors that lie in a source. A model may have very many, so they are no objects. */
export class Tensors {
  readonly #source: Source;
  readonly #numbers: number[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** Adds one: where its values start, and the number of a dtype with what the constants add, or one of gguf's types. */
  add(start: number, type: number, shape: readonly number[]): void {
    this.#numbers.push(this.#source.start + start, type, shape.length, ...shape);
  }

  /** One array of each, or as many as its gguf type has. */
  load(stream: StreamId): array[] {
    return makeAll(native.load_tensors(this.#source.origin, list(this.#numbers), stream));
  }
}

/** What the addon calls with pieces of a file, and the file that this writes to, if it is one. */
function sink(writer: ByteWriter): [write: (piece: Uint8Array) => unknown, fd: number] {
  return [(piece) => writer.write(piece), writer instanceof OutputFile ? writer.fd : -1];
}

/** Writes an npy file. */
export function writeNpy(writer: ByteWriter, x: array, fn: string): void {
  const [write, fd] = sink(writer);
  native.save_npy(write, fd, slot(x, fn, "arr"));
}

/** Writes a head and the values of arrays alone, each of which takes a multiple of so many bytes. */
export function writeValues(
  writer: ByteWriter,
  head: Uint8Array,
  arrays: readonly array[],
  fn: string,
  multiple = 1,
): void {
  const [write, fd] = sink(writer);
  native.save_values(write, fd, head, slots(arrays, fn, "arrays"), multiple);
}
