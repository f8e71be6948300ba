/** Where bytes go to: files, whatever can be written to. */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  openSync,
  readlinkSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { mismatch } from "../call/errors.js";
import { crypto } from "../call/lazy.js";
import { type FilePath, isPath, pathOf, type Source } from "./source.js";
import { about, isSystemError } from "./system.js";

/**
 * What takes the bytes of a file, piece by piece: a stream of Node's, or any
 * object that has `write`. The pieces are its own to keep.
 */
export interface ByteWriter {
  write(bytes: Uint8Array): unknown;
}

/** Where arrays can be saved: the file of a name, or what takes its bytes. */
export type SaveTarget = FilePath | ByteWriter;

export function isWriter(x: unknown): x is ByteWriter {
  // A buffer's `write` is for texts.
  const holds = typeof x === "object" && x !== null && !ArrayBuffer.isView(x);
  return holds && typeof (x as ByteWriter).write === "function";
}

/** The target, or an error; a file's name with its end. */
export function targetOf(file: SaveTarget, end: string, fn: string): string | ByteWriter {
  if (isPath(file)) {
    const path = pathOf(file, fn);
    return path.endsWith(end) ? path : path + end;
  }
  if (isWriter(file)) {
    return file;
  }
  throw mismatch(fn, "file", "the name of a file, or an object with write", file);
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Where links lead, also one that leads to nothing yet. */
function endOf(path: string): string {
  try {
    return endOf(resolve(dirname(path), readlinkSync(path)));
  } catch (error) {
    if (isSystemError(error) && (error.code === "EINVAL" || error.code === "ENOENT")) {
      return path;
    }
    throw error;
  }
}

// A pipe that nobody reads from is an error, rather than a wait for ever, and
// so is one whose reader stands still for this long: it may be this very
// thread.
const patience = 10_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0;
  let waited = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
      waited = 0;
    } catch (error) {
      if (!isSystemError(error) || error.code !== "EAGAIN" || waited >= patience) {
        throw error;
      }
      const time = Math.min(1 + waited, 20);
      Atomics.wait(pause, 0, 0, time);
      waited += time;
    }
  }
}

/**
 * A file that is being written: beside the one that has its name, which it
 * replaces when it is whole. So there is never half of a file, and who reads
 * the old one goes on to. Pipes and devices, and files in folders that take no
 * new one, are written in place.
 */
export class OutputFile {
  /** Where the bytes go for now. */
  readonly path: string;
  /** The open file, for the addon, which leaves to `write` what the system does not take at once. */
  readonly fd: number;
  readonly #end: string;
  readonly #name: string;
  readonly #fn: string;

  constructor(name: string, fn: string) {
    this.#name = name;
    this.#fn = fn;
    try {
      const status = statOf(name);
      if (status !== undefined && !status.isFile()) {
        [this.path, this.#end] = [name, name];
        this.fd = openSync(name, constants.O_WRONLY | constants.O_NONBLOCK);
        return;
      }
      const end = endOf(name);
      this.#end = end;
      if (status !== undefined) {
        accessSync(end, constants.W_OK);
      }
      // A name as long as the file's could be too long.
      const part = join(dirname(end), `.mlx-js-${crypto().randomBytes(6).toString("hex")}`);
      let fd: number | undefined;
      try {
        fd = openSync(part, "wx");
      } catch (error) {
        const closed = isSystemError(error) && (error.code === "EACCES" || error.code === "EPERM");
        if (status === undefined || !closed) {
          throw error;
        }
      }
      this.path = fd === undefined ? end : part;
      this.fd = fd ?? openSync(end, "w");
      if (fd !== undefined && status !== undefined) {
        takeAfter(fd, status);
      }
    } catch (error) {
      throw about(error, name, fn, "write");
    }
  }

  /** Whether it takes bytes one after the other only. */
  get isInPlace(): boolean {
    return this.path === this.#end;
  }

  write(bytes: Uint8Array): void {
    try {
      writeAll(this.fd, bytes);
    } catch (error) {
      throw about(error, this.#name, this.#fn, "write");
    }
  }

  /** Gives the file its name. */
  close(): void {
    try {
      closeSync(this.fd);
      if (!this.isInPlace) {
        renameSync(this.path, this.#end);
      }
    } catch (error) {
      this.#remove();
      throw about(error, this.#name, this.#fn, "write");
    }
  }

  /** Leaves what was there before. */
  abandon(): void {
    closeSync(this.fd);
    this.#remove();
  }

  #remove(): void {
    if (!this.isInPlace) {
      try {
        unlinkSync(this.path);
      } catch {
        // Somebody has removed it.
      }
    }
  }
}

/** Gives a file the mode of another, and its owner where that is possible. */
function takeAfter(fd: number, { mode, uid, gid }: Stats): void {
  try {
    fchownSync(fd, uid, gid);
  } catch {
    // Only the system's administrator can give files away.
  }
  try {
    fchmodSync(fd, mode & 0o7777);
  } catch {
    // Some file systems have no modes.
  }
}

/** Writes the file of a name, or nothing if that fails. */
export function writeFile(name: string, fn: string, write: (file: ByteWriter) => void): void {
  const file = new OutputFile(name, fn);
  try {
    write(file);
  } catch (error) {
    file.abandon();
    throw error;
  }
  file.close();
}

/** Writes what a source has. */
export function copyTo(writer: ByteWriter, { size, read }: Source): void {
  const most = 1 << 24;
  for (let place = 0; place < size; place += most) {
    writer.write(read(place, Math.min(most, size - place)));
  }
}
