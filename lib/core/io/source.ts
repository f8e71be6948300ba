/** Where bytes come from: files, memory. */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAnyArrayBuffer } from "node:util/types";
import { bytesOf } from "../array/typed-arrays.js";
import { mismatch } from "../call/errors.js";
import type { Url } from "../call/globals.js";
import { native } from "../call/native.js";
import { FormatError } from "./format-error.js";
import { about } from "./system.js";

/** The name of a file. */
export type FilePath = string | Url;

/** What can be loaded: the file of a name, or the bytes themselves. */
export type LoadInput = FilePath | ArrayBufferLike | ArrayBufferView;

/** Bytes that can be read from any place. */
export interface Source {
  readonly label: string;
  readonly size: number;
  /** What the addon reads values from: an open file, or the bytes in memory. */
  readonly origin: unknown;
  /** Where the source starts in there. */
  readonly start: number;
  /** The bytes of a range that the source has. */
  read(start: number, length: number): Uint8Array;
}

/** The bytes of a range; an error where the source does not have them all. */
export function bytesAt(source: Source, start: number, length: number, what: string): Uint8Array {
  if (start < 0 || start + length > source.size) {
    throw new FormatError(
      source.label,
      `${what} of ${length} bytes at ${start}`,
      `a file of ${source.size} bytes`,
    );
  }
  return source.read(start, length);
}

export function viewAt(source: Source, start: number, length: number, what: string): DataView {
  const bytes = bytesAt(source, start, length, what);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The name of a file as the system takes it. */
export function pathOf(file: FilePath, fn: string): string {
  const path = typeof file === "string" ? file : pathOfUrl(file, fn);
  if (path === "" || path.includes("\0")) {
    throw mismatch(fn, "file", "the name of a file", path);
  }
  return path;
}

function pathOfUrl(url: Url, fn: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw mismatch(fn, "file", "the name of a file, or its URL", url.href);
  }
}

/** A `URL`, of this realm or another. */
export function isUrl(x: unknown): x is Url {
  const { href, protocol } = (x ?? {}) as Partial<Url>;
  return typeof x === "object" && typeof href === "string" && typeof protocol === "string";
}

export function isPath(x: unknown): x is FilePath {
  return typeof x === "string" || isUrl(x);
}

// Opening a pipe would wait for its other end.
const forReading = constants.O_RDONLY | constants.O_NONBLOCK;

const ahead = 1 << 16;

/**
 * Calls a function with the file of a name, open. What it reads, and what the
 * addon reads from it later, is one state of the file: an error if that changes.
 */
export function withFile<T>(path: string, fn: string, use: (source: Source) => T): T {
  let fd: number;
  try {
    fd = openSync(path, forReading);
  } catch (error) {
    throw about(error, path, fn, "read");
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) {
      throw new FormatError(path, "a file", "a folder or a device", fn);
    }
    const origin = native.open_file(fd, path);
    // After `open_file`, so that it is the size of the state that the addon has noted.
    const { size } = fstatSync(fd);
    const readNow = (start: number, length: number) => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const n = readSync(fd, bytes, done, length - done, start + done);
        if (n === 0) {
          throw new FormatError(path, `a file of ${size} bytes`, `${start + done} bytes`, fn);
        }
        done += n;
      }
      return bytes;
    };
    // What is short is read with what follows: an archive has several short parts for each array.
    let near = new Uint8Array(0);
    let place = 0;
    const read = (start: number, length: number) => {
      if (length > ahead) {
        return readNow(start, length);
      }
      if (start < place || start + length > place + near.length) {
        near = readNow(start, Math.min(ahead, Math.max(size - start, length)));
        place = start;
      }
      return near.subarray(start - place, start - place + length);
    };
    let unchanged: boolean;
    let result: T;
    try {
      result = use({ label: path, size, origin, start: 0, read });
    } finally {
      unchanged = native.close_file(origin);
    }
    if (!unchanged) {
      throw new FormatError(path, "a file that stays as it is", "one that changed meanwhile", fn);
    }
    return result;
  } finally {
    closeSync(fd);
  }
}

/** Refuses what is neither a file's name nor its bytes. */
export function checkInput(x: unknown): asserts x is LoadInput {
  if (!isPath(x) && !isAnyArrayBuffer(x) && !ArrayBuffer.isView(x)) {
    throw mismatch("load", "file", "the name of a file, or bytes", x);
  }
}

/** Calls a function with the source; a file is open meanwhile. */
export function withSource<T>(input: LoadInput, use: (source: Source) => T): T {
  return isPath(input)
    ? withFile(pathOf(input, "load"), "load", use)
    : use(memorySource(bytesOf(input, "load", "file")));
}

export function memorySource(bytes: Uint8Array, label = "memory"): Source {
  return {
    label,
    size: bytes.length,
    origin: bytes,
    start: 0,
    read: (start, length) => bytes.subarray(start, start + length),
  };
}

/** A file within another, whose bytes the other has. */
export function partOf(whole: Source, label: string, start: number, size: number): Source {
  return {
    label,
    size,
    origin: whole.origin,
    start: whole.start + start,
    read: (from, length) => whole.read(start + from, length),
  };
}

/** A folder that others cannot look into. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "mlx-js-"));
}

/** Calls a function with the name of a file for its time. */
export function withTemporary<T>(name: string, use: (path: string) => T): T {
  const folder = temporaryFolder();
  try {
    return use(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
