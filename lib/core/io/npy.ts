/** NumPy's format: a header that is a literal of Python's, then the values. */
import { sizeOf } from "../call/numbers.js";
import { bfloat16, complex64, type Dtype, dtypes } from "../dtype.js";
import { FormatError } from "./format-error.js";
import { bytesAt, type Source, viewAt } from "./source.js";
import { bigEndian, columnMajor, Tensors } from "./tensors.js";

// As NumPy writes it.
const headerText =
  /^\{'descr': '([<>|])([a-zA-Z]\d+)', 'fortran_order': (True|False), 'shape': \(((?:\d+(?:, \d+)*)?),? ?\),? ?\} *\n?$/;

// A letter and a size; NumPy has no bfloat16, which is raw bytes there.
const kinds = new Map<string, Dtype>(
  dtypes.map((x) => [`${x === bfloat16 ? "V" : x.name[0]}${x.size}`, x]),
);

const readable = "booleans, integers, float16 to float64 or little-endian complex64";

// NumPy's own are of a few hundred bytes.
const longestHeader = 1 << 20;

/** What the header says, checked: the values lie in the file. */
export function readNpy(source: Source): Tensors {
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
  const header = Buffer.from(bytesAt(source, 8 + width, length, "a header")).toString("latin1");
  const [, order, kind = "", isColumnMajor, dimensions] = headerText.exec(header) ?? [];
  if (dimensions === undefined) {
    throw wrong("a header as NumPy writes it", JSON.stringify(header.slice(0, 80)));
  }
  const dtype = kinds.get(kind);
  // Their halves would have to be swapped each by itself.
  if (dtype === undefined || (order === ">" && dtype === complex64)) {
    throw wrong(`a dtype that MLX has, ${readable}`, `'${order}${kind}'`);
  }
  const shape = dimensions === "" ? [] : dimensions.split(", ").map(Number);
  const size = sizeOf(shape);
  if (size === undefined) {
    throw wrong("a shape that MLX can have", `(${dimensions.slice(0, 80)})`);
  }
  const start = 8 + width + length;
  const bytes = size * dtype.size;
  if (start + bytes > source.size) {
    throw wrong(`${bytes} bytes of values after the header`, `${source.size - start}`);
  }
  const type =
    dtype.id | (order === ">" ? bigEndian : 0) | (isColumnMajor === "True" ? columnMajor : 0);
  const tensors = new Tensors(source);
  tensors.add(start, type, shape);
  return tensors;
}
