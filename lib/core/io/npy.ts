/** NumPy's format: a header that is a literal of Python's, then the values. */
import { native } from "../call/native.js";
import { sizeOf } from "../call/numbers.js";
import type { Result, StreamId } from "../call/wire.js";
import { FormatError } from "./format-error.js";
import { bytesAt, type Source, viewAt } from "./source.js";

// As NumPy writes it, which is what MLX reads: it goes by the places of the
// characters.
const headerText =
  /^\{'descr': '([<>|])([a-zA-Z]\d+)', 'fortran_order': (?:True|False), 'shape': \(((?:\d+(?:, \d+)*)?),? ?\),? ?\} *\n?$/;

const kinds = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "V2"];

const readable = "booleans, integers, float16 to float64 or little-endian complex64";

// NumPy's own are of a few hundred bytes.
const longestHeader = 1 << 20;

/** Checks the header; the values must lie in the file. */
export function checkNpy(source: Source): void {
  const wrong = (expected: string, received: string) =>
    new FormatError(source.label, expected, received);
  const magic = bytesAt(source, 0, 8, "an npy header");
  if (Buffer.from(magic).toString("latin1", 0, 6) !== "\x93NUMPY") {
    throw wrong("an npy file", "another kind of file");
  }
  const version = magic[6];
  if (version !== 1 && version !== 2) {
    throw wrong("npy version 1 or 2", `version ${version}`);
  }
  const width = version === 1 ? 2 : 4;
  const prefix = viewAt(source, 8, width, "a header length");
  const length = version === 1 ? prefix.getUint16(0, true) : prefix.getUint32(0, true);
  if (length > longestHeader) {
    throw wrong(`a header of at most ${longestHeader} bytes`, `one of ${length}`);
  }
  const start = 8 + width;
  const header = Buffer.from(bytesAt(source, start, length, "a header")).toString("latin1");
  const [, order, kind = "", dimensions] = headerText.exec(header) ?? [];
  if (dimensions === undefined) {
    throw wrong("a header as NumPy writes it", JSON.stringify(header.slice(0, 80)));
  }
  // MLX would swap the bytes of a complex number as those of one value.
  if (!kinds.includes(kind) || (order === ">" && kind === "c8")) {
    throw wrong(`a dtype that MLX has, ${readable}`, `'${order}${kind}'`);
  }
  const shape = dimensions === "" ? [] : dimensions.split(", ").map(Number);
  const size = sizeOf(shape);
  if (size === undefined) {
    throw wrong("a shape that MLX can have", `(${dimensions.slice(0, 80)})`);
  }
  const bytes = size * Number(kind[1]);
  if (start + length + bytes > source.size) {
    throw wrong(`${bytes} bytes of values after the header`, `${source.size - start - length}`);
  }
}

export function loadNpy(source: Source, stream: StreamId): Result {
  checkNpy(source);
  return native.load_npy(source.origin, source.start, stream);
}
