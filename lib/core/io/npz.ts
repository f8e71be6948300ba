/** NumPy's format for several arrays: a zip archive of npy files. */
import { constants } from "node:buffer";
import type { array } from "../array/array.js";
import { fflate, zlib } from "../call/lazy.js";
import { native } from "../call/native.js";
import type { StreamId } from "../call/wire.js";
import { FormatError } from "./format-error.js";
import { readNpy } from "./npy.js";
import { memorySource, partOf, type Source, viewAt } from "./source.js";
import type { ByteWriter } from "./target.js";
import { type Entries, writeNpy } from "./tensors.js";

/** A file in the archive, as the directory has it. */
interface Entry {
  readonly name: string;
  readonly deflated: boolean;
  readonly crc: number;
  readonly stored: number;
  readonly size: number;
  readonly header: number;
}

const endLength = 22;
const longestComment = 0xffff;
const full = 0xffffffff;

function uint64(view: DataView, place: number): number {
  return view.getUint32(place, true) + view.getUint32(place + 4, true) * 2 ** 32;
}

/** Where the directory lies, and how many entries it has. */
function findDirectory(source: Source): { start: number; length: number; count: number } {
  const from = Math.max(0, source.size - endLength - longestComment);
  const view = viewAt(source, from, source.size - from, "a zip archive");
  let end = view.byteLength - endLength;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) {
    end--;
  }
  if (end < 0) {
    throw new FormatError(source.label, "a zip archive", "another kind of file");
  }
  // Large archives have another record, which a third one finds.
  const locator = end - 20;
  if (locator >= 0 && view.getUint32(locator, true) === 0x07064b50) {
    const place = uint64(view, locator + 8);
    const large = viewAt(source, place, 56, "a directory's end");
    return { count: uint64(large, 32), length: uint64(large, 40), start: uint64(large, 48) };
  }
  return {
    count: view.getUint16(end + 10, true),
    length: view.getUint32(end + 12, true),
    start: view.getUint32(end + 16, true),
  };
}

function readDirectory(source: Source): Entry[] {
  const { start, length, count } = findDirectory(source);
  const damaged = (received: string) =>
    new FormatError(source.label, `a directory of ${count} entries`, received);
  const view = viewAt(source, start, length, "a directory");
  const entries: Entry[] = [];
  let place = 0;
  while (entries.length < count) {
    if (place + 46 > length || view.getUint32(place, true) !== 0x02014b50) {
      throw damaged(`${entries.length}`);
    }
    const flags = view.getUint16(place + 8, true);
    const method = view.getUint16(place + 10, true);
    const nameLength = view.getUint16(place + 28, true);
    const extraLength = view.getUint16(place + 30, true);
    const next = place + 46 + nameLength + extraLength + view.getUint16(place + 32, true);
    if (next > length) {
      throw damaged("one that does not fit");
    }
    const name = Buffer.from(view.buffer, view.byteOffset + place + 46, nameLength).toString();
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) {
      const how = (flags & 1) !== 0 ? "an encrypted one" : `method ${method}`;
      throw new FormatError(`${source.label}: ${name}`, "a stored or deflated file", how);
    }
    // What does not fit 32 bits follows in an extra field, in this order.
    const wide = wideFields(view, place + 46 + nameLength, extraLength);
    const field = (at: number) => {
      const value = view.getUint32(at, true);
      return value === full ? (wide.shift() ?? value) : value;
    };
    const size = field(place + 24);
    const stored = field(place + 20);
    const header = field(place + 42);
    const crc = view.getUint32(place + 16, true);
    entries.push({ name, deflated: method === 8, crc, stored, size, header });
    place = next;
  }
  return entries;
}

function wideFields(view: DataView, place: number, length: number): number[] {
  const end = place + length;
  while (place + 4 <= end) {
    const size = view.getUint16(place + 2, true);
    const next = place + 4 + size;
    if (view.getUint16(place, true) === 1 && next <= end) {
      return Array.from({ length: size >> 3 }, (_, i) => uint64(view, place + 4 + 8 * i));
    }
    place = next;
  }
  return [];
}

const piece = 1 << 22;

/** The checksum is the archive's: what has another was damaged. */
function checkCrc(source: Source, { size, crc }: Entry): void {
  let found = 0;
  for (let place = 0; place < size; place += piece) {
    found = native.crc32(source.read(place, Math.min(piece, size - place)), found);
  }
  if (found !== crc) {
    const [expected, received] = [crc, found].map((x) => x.toString(16).padStart(8, "0"));
    throw new FormatError(source.label, `bytes of the checksum ${expected}`, `${received}`);
  }
}

function inflate(label: string, bytes: Uint8Array, { size }: Entry): Source {
  let out: Uint8Array | undefined;
  try {
    out = zlib().inflateRawSync(bytes, {
      maxOutputLength: Math.min(size, constants.MAX_LENGTH) || 1,
    });
  } catch {
    // Damaged, or longer than it says.
  }
  if (out?.length !== size) {
    throw new FormatError(label, `${size} bytes, compressed`, "damaged ones");
  }
  return memorySource(out, label);
}

function loadEntry(source: Source, entry: Entry, stream: StreamId): array {
  const label = `${source.label}: ${entry.name}`;
  const local = viewAt(source, entry.header, 30, `${entry.name}'s header`);
  if (local.getUint32(0, true) !== 0x04034b50) {
    throw new FormatError(label, "a file's header", "something else");
  }
  const start = entry.header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const size = entry.deflated ? entry.stored : entry.size;
  if (start + size > source.size) {
    throw new FormatError(label, `${size} bytes`, `${Math.max(source.size - start, 0)}`);
  }
  const file = entry.deflated
    ? inflate(label, source.read(start, size), entry)
    : partOf(source, label, start, size);
  const tensors = readNpy(file);
  checkCrc(file, entry);
  return tensors.load(stream)[0] as array;
}

/** The arrays by name. */
export function loadNpz(source: Source, stream: StreamId): Record<string, array> {
  const entries = readDirectory(source);
  const total = entries.reduce((sum, { stored }) => sum + stored, 0);
  // Files do not share bytes: a small archive must not become large ones.
  if (total > source.size) {
    throw new FormatError(source.label, `files of ${source.size} bytes in all`, `${total} bytes`);
  }
  const arrays = new Map<string, array>();
  for (const entry of entries) {
    const name = entry.name.replace(/(?<=.)\.npy$/s, "");
    if (arrays.has(name)) {
      throw new FormatError(source.label, "files of different names", `two of ${name}`);
    }
    arrays.set(name, loadEntry(source, entry, stream));
  }
  return Object.fromEntries(arrays);
}

/** Writes the archive; the same arrays give the same bytes. */
export function saveNpz(
  writer: ByteWriter,
  arrays: Entries,
  compressed: boolean,
  fn: string,
): void {
  const { Zip, ZipDeflate, ZipPassThrough } = fflate();
  const zip = new Zip((error, bytes) => {
    if (error) {
      throw error;
    }
    writer.write(bytes);
  });
  for (const [name, x] of arrays) {
    const file = compressed ? new ZipDeflate(`${name}.npy`) : new ZipPassThrough(`${name}.npy`);
    file.mtime = new Date(1980, 0, 1);
    zip.add(file);
    writeNpy({ write: (bytes) => file.push(bytes) }, x, fn);
    file.push(new Uint8Array(0), true);
  }
  zip.end();
}
