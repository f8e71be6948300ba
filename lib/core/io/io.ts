/** Arrays in files. */

import { type array, asArray, isArray } from "../array/array.js";
import { elements, slots } from "../call/arguments.js";
import { mismatch, outOfRange } from "../call/errors.js";
import { checkedLater, flag, oneOf, opOptions, optionsOf } from "../call/kinds.js";
import { native } from "../call/native.js";
import type { StreamOptions } from "../device.js";
import { type Dtype, uint32 } from "../dtype.js";
import { isBranch } from "../transforms/tree.js";
import {
  type GgufMetadata,
  ggufDtypes,
  ggufMetadataDtypes,
  loadGguf,
  saveGguf as writeGguf,
} from "./gguf.js";
import { readNpy } from "./npy.js";
import { loadNpz, saveNpz } from "./npz.js";
import {
  hasType,
  loadSafetensors,
  metadataName,
  saveSafetensors as writeSafetensors,
} from "./safetensors.js";
import { checkInput, type FilePath, isUrl, type LoadInput, withSource } from "./source.js";
import { type ByteWriter, type SaveTarget, targetOf, writeFile } from "./target.js";
import { arraysOf, type Entries, writeNpy } from "./tensors.js";

export type { ByteWriter, FilePath, GgufMetadata, LoadInput, SaveTarget };

/** Texts that a safetensors file carries beside its arrays. */
export type Metadata = Record<string, string>;

/** Arrays by name. */
export type NamedArrays = Record<string, array>;

const formats = ["npy", "npz", "safetensors", "gguf"] as const;

/** The formats of files, which are also the ends of their names. */
export type FileFormat = (typeof formats)[number];

/** How to load a file. */
export interface LoadOptions extends StreamOptions {
  /** The format, where the file's name does not say it. */
  format?: FileFormat | undefined;
  /** Whether to give the file's metadata, too. By default false. */
  returnMetadata?: boolean | undefined;
}

/** Options of `saveSafetensors`. */
export interface SafetensorsOptions {
  /** Texts to keep with the arrays. */
  metadata?: Metadata | undefined;
}

const readSafetensors = optionsOf<SafetensorsOptions>()("saveSafetensors", {
  metadata: checkedLater(),
});

const readLoad = opOptions<LoadOptions>()("load", {
  format: oneOf(formats),
  returnMetadata: flag(false),
});

// Saving.

/**
 * Gives the bytes of arrays to the target once they are computed: a file may be what they are
 * read from, and where one of them fails nothing is to be written.
 */
function saveTo(
  target: string | ByteWriter,
  arrays: readonly array[],
  fn: string,
  write: (writer: ByteWriter) => void,
): void {
  native.eval(slots(arrays, fn, "arrays"), undefined);
  if (typeof target === "string") {
    writeFile(target, fn, write);
  } else {
    write(target);
  }
}

/**
 * The arrays of a record in a list of our own: what takes the bytes, and getters, may
 * change or dispose of what users have. So slots are read when they are needed.
 */
function namedArrays(arrays: unknown, fn: string, expected: string): Entries {
  if (!isBranch(arrays) || Array.isArray(arrays)) {
    throw mismatch(fn, "arrays", expected, arrays);
  }
  const entries = Object.entries(arrays) as [string, array][];
  for (const [name, x] of entries) {
    asArray(x, fn, `arrays[${JSON.stringify(name)}]`);
  }
  return entries;
}

function checkDtypes(
  arrays: Entries,
  allowed: (dtype: Dtype) => boolean,
  expected: string,
  fn: string,
): void {
  for (const [name, x] of arrays) {
    if (!allowed(x.dtype)) {
      throw mismatch(fn, `arrays[${JSON.stringify(name)}]`, expected, x.dtype.name);
    }
  }
}

/**
 * Saves an array in NumPy's format. A name without `.npy` gets it.
 *
 * @param file The name of a file, or an object whose `write` takes its bytes.
 * @throws Error with the code of the system if the file cannot be written; it is
 * as it was before then.
 * @example
 * const pieces = [];
 * mx.save({ write: (bytes) => pieces.push(bytes) }, mx.array([1, 2]));
 * mx.load(Buffer.concat(pieces), { format: "npy" })
 * // array([1, 2], dtype=float32)
 */
export function save(file: SaveTarget, arr: array): void {
  const fn = "save";
  const target = targetOf(file, ".npy", fn);
  asArray(arr, fn, "arr");
  saveTo(target, [arr], fn, (writer) => writeNpy(writer, arr, fn));
}

// The archive's lengths have 32 bits; the npy headers and the directory take
// less than this for each of its files.
const longestArchive = 2 ** 32;
const mostFiles = 0xfffe;

function saveArchive(
  file: SaveTarget,
  arrays: readonly array[] | NamedArrays,
  compressed: boolean,
  fn: string,
): void {
  const target = targetOf(file, ".npz", fn);
  const record = Array.isArray(arrays)
    ? Object.fromEntries(
        elements(arrays, "a list of arrays", fn, "arrays").map((x, i) => [`arr_${i}`, x]),
      )
    : arrays;
  const named = namedArrays(record, fn, "a list or a record of arrays");
  const bytes = named.reduce((sum, [name, x]) => {
    return sum + x.nbytes + 4 * Buffer.byteLength(name) + 1024;
  }, 0);
  if (named.length > mostFiles || bytes >= longestArchive) {
    throw outOfRange(fn, "arrays", `at most ${mostFiles} arrays of 4 GiB in all`, bytes);
  }
  saveTo(target, arraysOf(named), fn, (writer) => saveNpz(writer, named, compressed, fn));
}

/**
 * Saves arrays in NumPy's format for several, a zip archive. Those of a list
 * are named `arr_0`, `arr_1` and so on. A name without `.npz` gets it.
 *
 * @param file The name of a file, or an object whose `write` takes its bytes.
 * @throws RangeError for more than 4 GiB, which such an archive does not hold;
 * Error if the file cannot be written.
 * @example
 * const pieces = [];
 * mx.savez({ write: (bytes) => pieces.push(bytes) }, { a: mx.array([1, 2]) });
 * mx.load(Buffer.concat(pieces), { format: "npz" })
 * // { a: array([1, 2], dtype=float32) }
 */
export function savez(file: SaveTarget, arrays: readonly array[] | NamedArrays): void {
  saveArchive(file, arrays, false, "savez");
}

/**
 * Saves arrays as `savez` does, compressed.
 *
 * @throws RangeError for more than 4 GiB, Error if the file cannot be written.
 * @example
 * const pieces = [];
 * mx.savezCompressed({ write: (bytes) => pieces.push(bytes) }, [mx.zeros([1000])]);
 * Buffer.concat(pieces).length < 1000
 * // true
 */
export function savezCompressed(file: SaveTarget, arrays: readonly array[] | NamedArrays): void {
  saveArchive(file, arrays, true, "savezCompressed");
}

/**
 * Saves arrays by name in the safetensors format, with texts beside them. A
 * name without `.safetensors` gets it.
 *
 * @param file The name of a file, or an object whose `write` takes its bytes.
 * @throws TypeError for float64, which the format does not have; RangeError if
 * names and metadata take more than 100 MB, which nobody reads; Error if the file
 * cannot be written.
 * @example
 * const pieces = [];
 * const file = { write: (bytes) => pieces.push(bytes) };
 * mx.saveSafetensors(file, { a: mx.array([1, 2]) }, { metadata: { made: "by me" } });
 * mx.load(Buffer.concat(pieces), { format: "safetensors", returnMetadata: true })
 * // [ { a: array([1, 2], dtype=float32) }, { made: 'by me' } ]
 */
export function saveSafetensors(
  file: SaveTarget,
  arrays: NamedArrays,
  options?: SafetensorsOptions,
): void {
  const fn = "saveSafetensors";
  const { metadata = {} } = readSafetensors(options);
  const target = targetOf(file, ".safetensors", fn);
  const named = namedArrays(arrays, fn, "a record of arrays");
  if (named.some(([name]) => name === metadataName)) {
    throw mismatch(fn, "arrays", "names other than that of the metadata", metadataName);
  }
  checkDtypes(named, hasType, "a dtype that the format has", fn);
  const texts: [string, unknown][] = isBranch(metadata) ? Object.entries(metadata) : [["", 0]];
  if (texts.some(([, text]) => typeof text !== "string")) {
    throw mismatch(fn, "metadata", "a record of texts", metadata);
  }
  saveTo(target, arraysOf(named), fn, (writer) =>
    writeSafetensors(writer, named, texts as [string, string][]),
  );
}

/** A value of metadata, checked; a list of texts as one of our own. */
function ggufValue(value: unknown, name: string): array | string | string[] {
  const param = `metadata[${JSON.stringify(name)}]`;
  if (typeof value === "string") {
    return value;
  }
  const expected = "an array, a text or a list of texts";
  const texts = Array.isArray(value) ? elements(value, expected, "saveGguf", param) : undefined;
  if (texts?.every((x) => typeof x === "string")) {
    return texts as string[];
  }
  if (!isArray(value)) {
    throw mismatch("saveGguf", param, expected, value);
  }
  asArray(value, "saveGguf", param);
  if (value.ndim > 1) {
    throw outOfRange("saveGguf", param, "at most one dimension", value.ndim);
  }
  if (!ggufMetadataDtypes.includes(value.dtype)) {
    throw mismatch("saveGguf", param, "integers, float32 or bool", value.dtype.name);
  }
  // The values are put at multiples of 32, whatever is written here.
  if (
    name === "general.alignment" &&
    (value.dtype !== uint32 || value.ndim > 0 || value.item() !== 32)
  ) {
    throw outOfRange("saveGguf", param, "32, of dtype uint32", value);
  }
  return value;
}

/**
 * Saves arrays by name in the gguf format, with metadata beside them: arrays
 * of at most one dimension, texts and lists of texts. A name without `.gguf`
 * gets it.
 *
 * @param file The name of a file, or an object whose `write` takes its bytes.
 * @throws TypeError for arrays that are not of float32, float16, int8, int16 or
 * int32; Error if the file cannot be written.
 * @example
 * const pieces = [];
 * const file = { write: (bytes) => pieces.push(bytes) };
 * mx.saveGguf(file, { a: mx.array([1, 2]) }, { "general.name": "two" });
 * mx.load(Buffer.concat(pieces), { format: "gguf", returnMetadata: true })
 * // [ { a: array([1, 2], dtype=float32) }, { 'general.name': 'two' } ]
 */
export function saveGguf(file: SaveTarget, arrays: NamedArrays, metadata: GgufMetadata = {}): void {
  const fn = "saveGguf";
  const target = targetOf(file, ".gguf", fn);
  const named = namedArrays(arrays, fn, "a record of arrays");
  const expected = "float32, float16, int8, int16 or int32";
  checkDtypes(named, (dtype) => ggufDtypes.includes(dtype), expected, fn);
  for (const [name, { ndim }] of named) {
    if (ndim > 8) {
      throw outOfRange(fn, `arrays[${JSON.stringify(name)}]`, "at most 8 dimensions", ndim);
    }
  }
  if (!isBranch(metadata) || Array.isArray(metadata)) {
    throw mismatch(fn, "metadata", "a record of arrays and texts", metadata);
  }
  const values = Object.entries(metadata).map(
    ([name, value]) => [name, ggufValue(value, name)] as const,
  );
  const all = [...arraysOf(named), ...values.map(([, value]) => value).filter(isArray)];
  const own = Object.fromEntries(values);
  saveTo(target, all, fn, (writer) => writeGguf(writer, named, own));
}

// Loading.

function formatOf(file: LoadInput, given: FileFormat | undefined): FileFormat {
  const name = typeof file === "string" ? file : isUrl(file) ? file.pathname : "";
  const format = given ?? /\.(\w+)$/.exec(name)?.[1];
  if (!formats.includes(format as FileFormat)) {
    throw mismatch("load", "format", '"npy", "npz", "safetensors" or "gguf"', format ?? file);
  }
  return format as FileFormat;
}

/**
 * Loads arrays: one from an npy file, a record of them from an npz,
 * safetensors or gguf file, with the metadata of the latter two if asked for.
 * Values are read when they are needed, but for those of an npz file that is
 * compressed, and that is an error if the file has changed by then. Tensors of gguf files that are quantized as MLX does come
 * with their `scales` and `biases`, others as float16.
 *
 * @param file The name of a file, or the bytes of one, whose format is then an
 * option.
 * @throws FormatError if the file is damaged or not of the format; Error if it
 * cannot be read.
 * @example
 * const pieces = [];
 * mx.save({ write: (bytes) => pieces.push(bytes) }, mx.array([[1, 2]]));
 * mx.load(Buffer.concat(pieces), { format: "npy" })
 * // array([[1, 2]], dtype=float32)
 */
export function load(
  file: LoadInput,
  options: LoadOptions & { format: "npy"; returnMetadata?: false | undefined },
): array;
export function load(
  file: `${string}.npy`,
  options?: LoadOptions & { format?: undefined; returnMetadata?: false | undefined },
): array;
export function load(
  file: `${string}.safetensors`,
  options: LoadOptions & { format?: undefined; returnMetadata: true },
): [NamedArrays, Metadata];
export function load(
  file: LoadInput,
  options: LoadOptions & { format: "safetensors"; returnMetadata: true },
): [NamedArrays, Metadata];
export function load(
  file: LoadInput,
  options: LoadOptions & { returnMetadata: true },
): [NamedArrays, GgufMetadata];
export function load(
  file: LoadInput,
  options: LoadOptions & {
    format: "npz" | "safetensors" | "gguf";
    returnMetadata?: false | undefined;
  },
): NamedArrays;
export function load(
  file: `${string}.${"npz" | "safetensors" | "gguf"}`,
  options?: LoadOptions & { format?: undefined; returnMetadata?: false | undefined },
): NamedArrays;
export function load(file: LoadInput, options?: LoadOptions): array | NamedArrays;
export function load(
  file: LoadInput,
  options?: LoadOptions,
): array | NamedArrays | [NamedArrays, Metadata | GgufMetadata] {
  const { format: given, returnMetadata, stream } = readLoad(options);
  checkInput(file);
  const format = formatOf(file, given);
  if (returnMetadata && (format === "npy" || format === "npz")) {
    throw mismatch("load", "returnMetadata", "a format that has metadata", format);
  }
  return withSource(file, (source) => {
    if (format === "npy") {
      return readNpy(source).load(stream)[0] as array;
    }
    if (format === "npz") {
      return loadNpz(source, stream);
    }
    const result =
      format === "gguf"
        ? loadGguf(source, stream, returnMetadata)
        : loadSafetensors(source, stream);
    return returnMetadata ? result : result[0];
  });
}
