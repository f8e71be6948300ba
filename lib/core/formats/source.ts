/** Where bytes come from and go to: files, memory, whatever can be written to. */
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAnyArrayBuffer, isSharedArrayBuffer } from "node:util/types";
import { mismatch } from "../errors.js";

/** The name of a file. */
export type FilePath = string | URL;

/** What can be loaded: the file of a name, or the bytes themselves. */
export type LoadInput = FilePath | ArrayBufferLike | ArrayBufferView;

/**
 * What takes the bytes of a file, piece by piece: a stream of Node's, or any
 * object that has `write`. The pieces are its own to keep.
 */
export interface ByteWriter {
  write(bytes: Uint8Array): unknown;
}

/** Where arrays can be saved: the file of a name, or what takes its bytes. */
export type SaveTarget = FilePath | ByteWriter;

/** A file that is not what its format says: truncated, damaged or foreign. */
export class FormatError extends Error {
  /** The file's name, or `"memory"`. */
  readonly file: string;

  /** @internal */
  constructor(file: string, expected: string, received: string, fn = "load") {
    super(`[${fn}] ${file}: expected ${expected}, received ${received}`);
    this.name = "FormatError";
    this.file = file;
  }
}

/** Bytes that can be read from any place. */
export interface Source {
  readonly label: string;
  readonly size: number;
  /** The file, or the bytes in memory. */
  readonly origin: string | Uint8Array;
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
  const path = file instanceof URL ? fileURLToPath(file) : file;
  if (path === "" || path.includes("\0")) {
    throw mismatch(fn, "file", "the name of a file", path);
  }
  return path;
}

export function isPath(x: unknown): x is FilePath {
  return typeof x === "string" || x instanceof URL;
}

/** The bytes themselves; those that other threads may change are copied. */
function bytesOf(x: unknown): Uint8Array | undefined {
  if (isAnyArrayBuffer(x)) {
    const bytes = new Uint8Array(x);
    return isSharedArrayBuffer(x) ? bytes.slice() : bytes;
  }
  if (ArrayBuffer.isView(x)) {
    const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
    return isSharedArrayBuffer(x.buffer) ? bytes.slice() : bytes;
  }
  return undefined;
}

/** Before a file is opened: opening a pipe waits for its other end. */
export function requireFile(path: string, fn: string): void {
  if (!statSync(path).isFile()) {
    throw new FormatError(path, "a file", "a folder or a device", fn);
  }
}

/** Calls a function with the source; a file is open meanwhile. */
export function withSource<T>(input: LoadInput, use: (source: Source) => T): T {
  if (!isPath(input)) {
    const bytes = bytesOf(input);
    if (bytes === undefined) {
      throw mismatch("load", "file", "the name of a file, or bytes", input);
    }
    return use(memorySource(bytes));
  }
  const path = pathOf(input, "load");
  requireFile(path, "load");
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    return use({
      label: path,
      size,
      origin: path,
      read: (start, length) => {
        const bytes = new Uint8Array(length);
        let done = 0;
        while (done < length) {
          const n = readSync(fd, bytes, done, length - done, start + done);
          if (n === 0) {
            throw new FormatError(path, `a file of ${size} bytes`, `${start + done} bytes`);
          }
          done += n;
        }
        return bytes;
      },
    });
  } finally {
    closeSync(fd);
  }
}

export function memorySource(bytes: Uint8Array, label = "memory"): Source {
  return {
    label,
    size: bytes.length,
    origin: bytes,
    read: (start, length) => bytes.subarray(start, start + length),
  };
}

/** Calls a function with the name of a file for its time. */
export function withTemporary<T>(name: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-"));
  try {
    return use(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function isWriter(x: unknown): x is ByteWriter {
  // A buffer's `write` is for texts.
  const holds = typeof x === "object" && x !== null && !ArrayBuffer.isView(x);
  return holds && typeof (x as ByteWriter).write === "function";
}

/**
 * The number of elements of a shape; undefined for what is no shape. Zero
 * dimensions do not hide those beside them, whose product MLX computes, too.
 */
export function sizeOf(shape: readonly unknown[]): number | undefined {
  let size = 1;
  let product = 1;
  for (const n of shape) {
    if (typeof n !== "number" || !Number.isInteger(n) || n < 0 || n > 0x7fffffff) {
      return undefined;
    }
    size *= n;
    product *= n || 1;
  }
  return shape.length <= 64 && product <= Number.MAX_SAFE_INTEGER ? size : undefined;
}
