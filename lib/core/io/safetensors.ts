/** The safetensors format: a header in JSON, then the values. */
import type { array } from "../array/array.js";
import { describe } from "../call/describe.js";
import { outOfRange } from "../call/errors.js";
import { native } from "../call/native.js";
import { sizeOf } from "../call/numbers.js";
import { isRecord } from "../call/objects.js";
import type { StreamId } from "../call/wire.js";
import { bool_, type Dtype, dtypes, float64, uint8 } from "../dtype.js";
import { FormatError } from "./format-error.js";
import { bytesAt, type Source, viewAt } from "./source.js";
import type { ByteWriter } from "./target.js";
import { arraysOf, type Entries, Tensors, writeValues } from "./tensors.js";

// The types that MLX writes, by their names, such as BF16.
const typeNames = new Map(
  dtypes
    .filter((dtype) => dtype !== float64)
    .map((dtype) => {
      const name = dtype === bool_ ? dtype.name : dtype.name.replace(/^(bf|.)\D*/, "$1");
      return [dtype, name.toUpperCase()] as const;
    }),
);
// Those that it reads: 8-bit floats come as uint8.
const types = new Map<unknown, Dtype>([
  ...[...typeNames].map(([dtype, name]) => [name, dtype] as const),
  ["F8_E4M3", uint8],
  ["F8_E8M0", uint8],
]);

/** Whether the format has a dtype. */
export const hasType = (dtype: Dtype): boolean => typeNames.has(dtype);

/** What stands under no tensor's name. */
export const metadataName = "__metadata__";

const longestHeader = 100_000_000;

function parse(text: Uint8Array): unknown {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
    return native.is_modest(text) ? JSON.parse(decoded) : undefined;
  } catch {
    return undefined;
  }
}

/** The arrays by name, and the metadata. The values of every tensor must lie in the file. */
export function loadSafetensors(
  source: Source,
  stream: StreamId,
): [Record<string, array>, Record<string, string>] {
  const { label } = source;
  const long = viewAt(source, 0, 8, "a header length").getBigUint64(0, true);
  const room = Math.min(source.size - 8, longestHeader);
  if (long === 0n || long > room) {
    throw new FormatError(label, `a header of 1 to ${room} bytes`, `one of ${long}`);
  }
  const length = Number(long);
  const header = parse(bytesAt(source, 8, length, "a header"));
  if (!isRecord(header)) {
    throw new FormatError(label, "a header in JSON", "something else");
  }
  const metadata = (Object.hasOwn(header, metadataName) ? header[metadataName] : null) ?? {};
  if (!isRecord(metadata) || Object.values(metadata).some((x) => typeof x !== "string")) {
    throw new FormatError(label, "metadata that is texts", describe(metadata));
  }
  const values = 8 + length;
  const available = source.size - values;
  let total = 0;
  const names: string[] = [];
  const tensors = new Tensors(source);
  for (const name of Object.keys(header)) {
    if (name === metadataName) {
      continue;
    }
    const tensor = header[name];
    const wrong = (expected: string, received: unknown) =>
      new FormatError(
        `${label}: ${JSON.stringify(name.slice(0, 80))}`,
        expected,
        describe(received),
      );
    const { dtype, shape, data_offsets: offsets } = isRecord(tensor) ? tensor : {};
    const type = types.get(dtype);
    if (type === undefined) {
      throw wrong("a dtype that MLX has", dtype);
    }
    const size = Array.isArray(shape) ? sizeOf(shape) : undefined;
    if (size === undefined) {
      throw wrong("a shape", shape);
    }
    const bytes = size * type.size;
    const [start, end, more] = Array.isArray(offsets) ? (offsets as unknown[]) : [];
    const places = Number.isSafeInteger(start) && Number.isSafeInteger(end) && more === undefined;
    const [from, to] = [start as number, end as number];
    if (!places || from < 0 || to - from !== bytes || to > available) {
      throw wrong(`offsets of ${bytes} bytes within ${available}`, offsets);
    }
    total += bytes;
    names.push(name);
    tensors.add(values + from, type.id, shape as number[]);
  }
  // Tensors do not share values: a small file must not become a large model.
  if (total > available) {
    throw new FormatError(label, `tensors of ${available} bytes in all`, `${total} bytes`);
  }
  const arrays = tensors.load(stream);
  return [
    Object.fromEntries(names.map((name, i) => [name, arrays[i] as array])),
    metadata as Record<string, string>,
  ];
}

// Others refuse a header with the half of a pair of UTF-16, which JSON would escape.
const quoted = (text: string) => JSON.stringify(text.toWellFormed());

/** Writes a file, of arrays of the dtypes that it can have. */
export function saveSafetensors(
  writer: ByteWriter,
  arrays: Entries,
  metadata: readonly (readonly [name: string, text: string])[],
): void {
  let place = 0;
  const entries = arrays.map(([name, { dtype, shape, nbytes }]) => {
    const start = place;
    place += nbytes;
    const type = typeNames.get(dtype);
    return `${quoted(name)}:{"dtype":"${type}","shape":[${shape}],"data_offsets":[${start},${place}]}`;
  });
  const texts = metadata.map(([name, text]) => `${quoted(name)}:${quoted(text)}`);
  const header = Buffer.from(`{${[`"${metadataName}":{${texts}}`, ...entries].join(",")}}`);
  if (header.length > longestHeader) {
    const expected = `names and metadata of at most ${longestHeader} bytes`;
    throw outOfRange("saveSafetensors", "arrays", expected, header.length);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeValues(writer, Buffer.concat([length, header]), arraysOf(arrays), "saveSafetensors");
}
