import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import { mx } from "mlx-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sanitized } from "./support/sanitized.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mlx-js-io-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

/** The bytes that a function saves to memory. */
function bytesOf(save: (file: mx.ByteWriter) => void): Buffer {
  const pieces: Uint8Array[] = [];
  save({ write: (bytes) => pieces.push(bytes) });
  return Buffer.concat(pieces);
}

const dtypes = [
  ...[mx.bool, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64],
  ...[mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64],
];
const ggufDtypes = [mx.float32, mx.float16, mx.int8, mx.int16, mx.int32];

/** Arrays of a dtype, of awkward shapes and strides. */
function awkward(dtype: mx.Dtype): Record<string, mx.array> {
  const x = mx.reshape(mx.array([3, 1, 0, 2, 5, 4, 7, 6, 8, 9, 11, 10]), [3, 4]).astype(dtype);
  return {
    "": mx.array([1]).astype(dtype),
    matrix: x,
    transposed: mx.transpose(x),
    sliced: x.get("1:", "::2"),
    reversed: x.get("::-1"),
    broadcast: mx.broadcastTo(x.get(0), [2, 4]),
    scalar: mx.reshape(x.get(0, 0), []),
    empty: mx.zeros([0], dtype),
    "also empty": mx.zeros([2, 0, 3], dtype),
    "ü/ñ.npy \"'": mx.reshape(x, [1, 3, 1, 2, 2]),
  };
}

function expectSame(actual: Record<string, mx.array>, expected: Record<string, mx.array>): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, x] of Object.entries(expected)) {
    const y = actual[name] as mx.array;
    expect([y.dtype, y.shape], name).toEqual([x.dtype, x.shape]);
    expect(y.toTypedArray(), name).toEqual(x.toTypedArray());
  }
}

describe.each(dtypes)("round trips of %s", (dtype) => {
  const arrays = awkward(dtype);

  test("npy", () => {
    for (const [name, x] of Object.entries(arrays)) {
      const file = at("round.npy");
      mx.save(file, x);
      const bytes = bytesOf((writer) => mx.save(writer, x));
      expect(bytes).toEqual(readFileSync(file));
      const loaded = [mx.load(file), mx.load(bytes, { format: "npy" })];
      for (const y of loaded) {
        expectSame({ [name]: y as mx.array }, { [name]: x });
      }
    }
  });

  test.each([mx.savez, mx.savezCompressed])("npz, %o", (save) => {
    const { "": unnamed, ...named } = arrays;
    save(at("round.npz"), named);
    const bytes = bytesOf((writer) => save(writer, named));
    expect(bytes).toEqual(readFileSync(at("round.npz")));
    expectSame(mx.load(bytes, { format: "npz" }), named);
    expectSame(mx.load(at("round.npz"), { format: "npz" }), named);
    const list = [unnamed as mx.array, named["sliced"] as mx.array];
    const listed = mx.load(
      bytesOf((writer) => save(writer, list)),
      { format: "npz" },
    );
    expectSame(listed, { arr_0: list[0] as mx.array, arr_1: list[1] as mx.array });
  });

  test("safetensors", () => {
    const file = at("round.safetensors");
    if (dtype === mx.float64) {
      rmSync(file, { force: true });
      expect(() => mx.saveSafetensors(file, arrays)).toThrow(
        '[saveSafetensors] arrays[""]: expected a dtype that the format has, received "float64"',
      );
      expect(existsSync(file)).toBe(false);
      return;
    }
    const metadata = { "": "empty", "a key": 'ü " \\ \n' };
    mx.saveSafetensors(file, arrays, { metadata });
    const bytes = bytesOf((writer) => mx.saveSafetensors(writer, arrays, { metadata }));
    for (const input of [file, bytes]) {
      expectSame(mx.load(input, { format: "safetensors" }), arrays);
      const [found, texts] = mx.load(input, { format: "safetensors", returnMetadata: true });
      expectSame(found, arrays);
      expect(texts).toEqual(metadata);
    }
  });

  test("gguf", () => {
    const file = at("round.gguf");
    if (!ggufDtypes.includes(dtype)) {
      rmSync(file, { force: true });
      expect(() => mx.saveGguf(file, arrays, {})).toThrow(
        `[saveGguf] arrays[""]: expected float32, float16, int8, int16 or int32, received "${dtype}"`,
      );
      expect(existsSync(file)).toBe(false);
      return;
    }
    mx.saveGguf(file, arrays);
    const bytes = bytesOf((writer) => mx.saveGguf(writer, arrays));
    expectSame(mx.load(file, { format: "gguf" }), arrays);
    expectSame(mx.load(bytes, { format: "gguf" }), arrays);
  });
});

// Others would refuse the file, for the escapes that JSON has for them.
test("halves of pairs of UTF-16 in safetensors", () => {
  const bytes = bytesOf((writer) =>
    mx.saveSafetensors(
      writer,
      { "a\ud83d": mx.array(1), "\\ud83d": mx.array(2) },
      { metadata: { "\ude00": "😀".slice(0, 1) } },
    ),
  );
  expect(mx.load(bytes, { format: "safetensors", returnMetadata: true })).toEqual([
    { "a\ufffd": mx.array(1), "\\ud83d": mx.array(2) },
    { "\ufffd": "\ufffd" },
  ]);
});

test("safetensors are not saved with a header that is too long to be read", () => {
  const pieces: Uint8Array[] = [];
  const writer = { write: (bytes: Uint8Array) => pieces.push(bytes) };
  const metadata = { text: "x".repeat(100_000_000) };
  expect(() => mx.saveSafetensors(writer, { a: mx.array(1) }, { metadata })).toThrow(
    "[saveSafetensors] arrays: expected names and metadata of at most 100000000 bytes, received 1000000",
  );
  expect(pieces).toEqual([]);
});

test("gguf metadata", () => {
  const metadata = {
    "general.alignment": mx.array(32, mx.uint32),
    name: "ü",
    names: ["a", "", "ö"],
    sliced: mx.array([1, 2, 3, 4], mx.int16).get("::2"),
    flag: mx.array(true),
    big: mx.array([2n ** 63n], mx.uint64),
  };
  const bytes = bytesOf((writer) => mx.saveGguf(writer, { x: mx.array([1, 2]) }, metadata));
  const [arrays, found] = mx.load(bytes, { format: "gguf", returnMetadata: true });
  expectSame(arrays, { x: mx.array([1, 2]) });
  const { name, names, ...values } = found;
  expect([name, names]).toEqual(["ü", ["a", "", "ö"]]);
  const { name: _, names: __, ...expected } = metadata;
  expectSame(any(values), expected);
});

test("gguf metadata longer than what is read at once, wherever that ends", () => {
  const arrays = { x: mx.array([1, 2]) };
  // Of 15 bytes each, but for long ones, and nearly all in the first of two reads.
  const many = Array.from({ length: 70_000 }, (_, i) =>
    `ü${i % 100_000}`.padEnd(6, "é").slice(0, 6),
  );
  for (let shift = 0; shift < 16; shift++) {
    const texts = ["x".repeat(shift), ...many, "y".repeat(300), "z".repeat(70_000), ""];
    const metadata = { texts, after: mx.array(7, mx.uint32) };
    const bytes = bytesOf((writer) => mx.saveGguf(writer, arrays, metadata));
    expect(bytes.length).toBeGreaterThan(1 << 20);
    const [loaded, { texts: found, after }] = mx.load(bytes, {
      format: "gguf",
      returnMetadata: true,
    });
    expectSame(loaded, arrays);
    expectSame({ after: any(after) }, { after: metadata.after });
    expect((found as string[]).length).toBe(texts.length);
    expect((found as string[]).findIndex((text, i) => text !== texts[i])).toBe(-1);
    // Passed over.
    expectSame(mx.load(bytes, { format: "gguf" }), arrays);
  }
});

describe("inputs and targets", () => {
  test("a buffer is no target, though it has a method of that name", () => {
    expect(() => mx.savez(any(Buffer.alloc(8)), {})).toThrow("[savez] file: expected");
    expect(() => mx.save(any(Buffer.alloc(8)), mx.array([1]))).toThrow("[save] file: expected");
  });

  const x = mx.array([[1.5, -2]]);

  test("names get their ends, and may be URLs", () => {
    mx.save(at("plain"), x);
    mx.savez(at("plain"), [x]);
    mx.saveSafetensors(at("plain"), { x });
    mx.saveGguf(at("plain"), { x });
    const load = (end: string) => mx.load(pathToFileURL(at(`plain.${end}`)));
    expectSame(any({ x: load("npy") }), { x });
    expectSame(any(load("npz")), { arr_0: x });
    expectSame(any(load("safetensors")), { x });
    expectSame(any(load("gguf")), { x });
  });

  test("bytes of every kind", () => {
    const bytes = bytesOf((writer) => mx.save(writer, x));
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    const inputs = [
      bytes,
      new Uint8Array(bytes),
      new Uint8Array(bytes).buffer,
      new DataView(Uint8Array.from([9, ...bytes]).buffer, 1),
      shared,
      new Uint16Array(new Uint8Array(bytes).buffer),
    ];
    for (const input of inputs) {
      expectSame({ x: mx.load(input, { format: "npy" }) }, { x });
    }
  });

  test("what is loaded from memory is the caller's own", () => {
    const bytes = bytesOf((writer) => mx.saveSafetensors(writer, { x }));
    const loaded = mx.load(bytes, { format: "safetensors" });
    bytes.fill(0);
    expectSame(loaded, { x });
  });

  test("streams", async () => {
    const stream = new PassThrough();
    mx.save(stream, x);
    stream.end();
    const pieces: Buffer[] = [];
    for await (const piece of stream) {
      pieces.push(piece);
    }
    expectSame({ x: mx.load(Buffer.concat(pieces), { format: "npy" }) }, { x });
  });

  test("many arrays come in few pieces, and in their order", () => {
    const arrays = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [`p${3000 - i}`, mx.array(i)]),
    );
    for (const [format, save] of [
      ["safetensors", mx.saveSafetensors],
      ["gguf", mx.saveGguf],
    ] as const) {
      const pieces: Uint8Array[] = [];
      save({ write: (piece) => pieces.push(piece) }, arrays);
      expect(pieces.length, format).toBeLessThan(10);
      const loaded = mx.load(Buffer.concat(pieces), { format });
      expect(Object.keys(loaded), format).toEqual(Object.keys(arrays));
      expectSame(loaded, arrays);
    }
  });

  test("what a writer throws comes out", () => {
    const error = new Error("full");
    const full = {
      write: () => {
        throw error;
      },
    };
    for (const save of [
      () => mx.save(full, x),
      () => mx.savez(full, { x }),
      () => mx.savezCompressed(full, { x }),
      () => mx.saveSafetensors(full, { x }),
      () => mx.saveGguf(full, { x }),
    ]) {
      let thrown: unknown;
      try {
        save();
      } catch (e) {
        thrown = e;
      }
      expect(thrown).toBe(error);
    }
  });

  test.each([
    ["npy", mx.save],
    ["safetensors", (file: mx.ByteWriter, y: mx.array) => mx.saveSafetensors(file, { y })],
    ["gguf", (file: mx.ByteWriter, y: mx.array) => mx.saveGguf(file, { y })],
  ] as const)("a writer that frees the array: %s", (format, save) => {
    // Too long for one piece with the head.
    const y = mx.arange(1e6);
    const bytes = bytesOf(({ write }) =>
      save(
        {
          write: (piece) => {
            y.dispose();
            return write(piece);
          },
        },
        y,
      ),
    );
    const loaded = mx.load(bytes, { format });
    expect(mx.arrayEqual(any(loaded).y ?? loaded, mx.arange(1e6)).item()).toBe(true);
  });

  test("values are read when they are needed", () => {
    const names = ["npy", "npz", "safetensors", "gguf"] as const;
    mx.save(at("lazy.npy"), x);
    mx.savez(at("lazy.npz"), { x });
    mx.saveSafetensors(at("lazy.safetensors"), { x });
    mx.saveGguf(at("lazy.gguf"), { x });
    for (const name of names) {
      const file = at(`lazy.${name}`);
      const loaded = mx.load(file);
      truncateSync(file, 12);
      expect(() => mx.eval(loaded), name).toThrow(
        `[load] ${file}: expected the file as it was when it was loaded, received one that has changed`,
      );
    }
  });

  test("compiled functions read once what is in files, whatever the shapes", () => {
    for (const shapeless of [false, true]) {
      for (const [end, save] of [
        ["safetensors", mx.saveSafetensors],
        ["gguf", mx.saveGguf],
      ] as const) {
        const file = at(`compiled.${end}`);
        save(file, { w: mx.array([1, 2]) });
        const { w } = mx.load(file, { format: end }) as { w: mx.array };
        const f = mx.compile((x: mx.array) => mx.add(w, x), { shapeless });
        expect(f(mx.array([1, 1])).tolist(), end).toEqual([2, 3]);
        appendFileSync(file, "more");
        expect(f(mx.array([2, 2])).tolist(), end).toEqual([3, 4]);
        expect(f(mx.array([[1], [2]])).shape, end).toEqual([2, 2]);
      }
    }
    const { w } = mx.load(at("compiled.gguf"), { format: "gguf" }) as { w: mx.array };
    appendFileSync(at("compiled.gguf"), "more");
    const f = mx.compile((x: mx.array) => mx.add(w, x));
    for (const _ of [1, 2]) {
      const y = f(mx.array(1));
      expect(() => y.tolist()).toThrow(/\[load\] .* received one that has changed$/);
    }
  });

  test("a file may be saved over itself", () => {
    const file = at("itself");
    const doubled = (y: unknown) => mx.add(any(y), any(y));
    mx.save(`${file}.npy`, x);
    mx.save(`${file}.npy`, doubled(mx.load(`${file}.npy`)));
    expectSame(any({ x: mx.load(`${file}.npy`) }), { x: doubled(x) });
    mx.savez(`${file}.npz`, { x });
    mx.savez(`${file}.npz`, { x: doubled(any(mx.load(`${file}.npz`)).x) });
    expectSame(any(mx.load(`${file}.npz`)), { x: doubled(x) });
    mx.saveSafetensors(`${file}.safetensors`, { x });
    const loaded = any(mx.load(`${file}.safetensors`));
    mx.saveSafetensors(`${file}.safetensors`, { x: doubled(loaded.x) });
    expectSame(any(mx.load(`${file}.safetensors`)), { x: doubled(x) });
    mx.saveGguf(`${file}.gguf`, { x });
    mx.saveGguf(`${file}.gguf`, { x: doubled(any(mx.load(`${file}.gguf`)).x) });
    expectSame(any(mx.load(`${file}.gguf`)), { x: doubled(x) });
  });

  test("the same arrays make the same archive", () => {
    const make = () => bytesOf((writer) => mx.savez(writer, { x, y: mx.zeros([3]) }));
    expect(make()).toEqual(make());
  });
});

describe("errors", () => {
  const x = mx.array([1]);

  test("of arguments", () => {
    expect(() => mx.load(any(1), { format: "npy" })).toThrow(
      "[load] file: expected the name of a file, or bytes, received 1",
    );
    for (const input of [undefined, null, 1, {}, new Map()]) {
      expect(() => mx.load(any(input))).toThrow(
        "[load] file: expected the name of a file, or bytes",
      );
    }
    expect(() => mx.load(Buffer.alloc(3))).toThrow("[load] format: expected");
    expect(() => mx.load("x.pt")).toThrow("safetensors");
    expect(() => mx.load("x.npy\0", { format: "npy" })).toThrow(TypeError);
    expect(() => mx.load("x.npy", { format: "npy", returnMetadata: true })).toThrow(
      '[load] returnMetadata: expected a format that has metadata, received "npy"',
    );
    expect(() => mx.load("x.npy", any({ formt: "npy" }))).toThrow('an option "formt"');
    expect(() => mx.save(any(null), x)).toThrow("[save] file: expected the name of a file");
    expect(() => mx.save("\0", x)).toThrow(TypeError);
    expect(() => mx.save(at("x.npy"), any([1]))).toThrow("[save] arr: expected an array");
    expect(() => mx.savez(at("x.npz"), any(3))).toThrow("[savez] arrays: expected a list");
    expect(() => mx.savez(at("x.npz"), any({ a: 3 }))).toThrow('[savez] arrays["a"]: expected');
    expect(() => mx.saveSafetensors(at("x"), any([x]))).toThrow("arrays: expected a record");
    expect(() => mx.saveSafetensors(at("x"), { __metadata__: x })).toThrow(TypeError);
    expect(() => mx.saveSafetensors(at("x"), { x }, { metadata: any({ a: 1 }) })).toThrow(
      "[saveSafetensors] metadata: expected a record of texts",
    );
    expect(() => mx.saveGguf(at("x"), { x }, any({ a: 1 }))).toThrow('[saveGguf] metadata["a"]:');
    expect(() => mx.saveGguf(at("x"), { x }, { "general.alignment": mx.array(64) })).toThrow(
      RangeError,
    );
    expect(() => mx.saveGguf(at("x"), { x: mx.zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]) })).toThrow(
      "at most 8 dimensions",
    );
    const gone = mx.array([1]);
    gone.dispose();
    expect(() => mx.savez(at("x"), [gone])).toThrow("disposed");
  });

  test("of metadata that a gguf file can't have", () => {
    const save = (a: mx.array) => mx.saveGguf(at("x"), {}, { a });
    expect(() => save(mx.zeros([2, 2]))).toThrow(
      '[saveGguf] metadata["a"]: expected at most one dimension, received 2',
    );
    for (const dtype of [mx.float16, mx.bfloat16, mx.float64, mx.complex64]) {
      expect(() => save(mx.array(1, dtype))).toThrow(
        `[saveGguf] metadata["a"]: expected integers, float32 or bool, received "${dtype}"`,
      );
    }
  });

  test("of the system", () => {
    expect(() => mx.load(at("none.npy"))).toThrow("ENOENT");
    expect(() => mx.savez(at("none/x.npz"), [x])).toThrow("ENOENT");
    expect(() => mx.load(folder, { format: "npy" })).toThrow("expected a file, received a folder");
    expect(() => mx.load("/dev/zero", { format: "npy" })).toThrow(mx.FormatError);
  });
});

// Hostile files.

const u32 = (x: number) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(x);
  return out;
};
const u64 = (x: bigint | number) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(x));
  return out;
};
const text = (x: string) => Buffer.concat([u64(Buffer.byteLength(x)), Buffer.from(x)]);

function npy(header: string, values = 64): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    length,
    Buffer.from(header, "latin1"),
    Buffer.alloc(values),
  ]);
}
const npyOf = (descr: string, shape: string) =>
  npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`);

function safetensors(header: unknown, values = 64): Buffer {
  const json = typeof header === "string" ? header : JSON.stringify(header);
  return Buffer.concat([text(json), Buffer.alloc(values)]);
}
const tensor = (shape: unknown, offsets: unknown, dtype: unknown = "U8") =>
  safetensors({ x: { dtype, shape, data_offsets: offsets } });

function gguf(
  tensors: Buffer[],
  entries: Buffer[] = [],
  counts = [tensors.length, entries.length],
) {
  const head = [Buffer.from("GGUF"), u32(3), ...counts.map(u64), ...entries, ...tensors];
  return Buffer.concat([...head, Buffer.alloc(64)]);
}
const info = (shape: (number | bigint)[], type: number, offset: number | bigint, name = "x") =>
  Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]);
const entry = (key: string, type: number, ...value: Buffer[]) =>
  Buffer.concat([text(key), u32(type), ...value]);

/** An archive of one file, whose directory says these lengths. */
function npz(
  data: Buffer,
  method: number,
  stored: number,
  size: number,
  copies = 1,
  crc = 0,
): Buffer {
  const local = Buffer.concat([u32(0x04034b50), Buffer.alloc(22), u32(1), Buffer.from("x"), data]);
  const central = Buffer.alloc(47);
  central.writeUInt32LE(0x02014b50);
  central.writeUInt16LE(method, 10);
  central.writeUInt32LE(crc, 16);
  central.writeUInt32LE(stored, 20);
  central.writeUInt32LE(size, 24);
  central.writeUInt16LE(1, 28);
  const directory = Buffer.concat(
    Array.from({ length: copies }, (_, i) => {
      central[46] = 97 + i;
      return Buffer.from(central);
    }),
  );
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(copies, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

/** The checksum of zip archives, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

const good = npyOf("<f4", "(2,)");
const zeros = deflateRawSync(Buffer.alloc(1 << 20));

const hostile: [mx.FileFormat, string, Buffer, string][] = [
  ["npy", "nothing", Buffer.alloc(0), "an npy header of 8 bytes"],
  ["npy", "another format", safetensors({}), "an npy file"],
  ["npy", "version 3", Buffer.from("\x93NUMPY\x03\x00", "latin1"), "version 1 or 2"],
  [
    "npy",
    "a long header",
    Buffer.from("\x93NUMPY\x02\x00\xff\xff\xff\xff", "latin1"),
    "4294967295",
  ],
  ["npy", "no header", Buffer.from("\x93NUMPY\x01\x00\xff\xff", "latin1"), "a header of 65535"],
  ["npy", "a negative shape", npyOf("<f4", "(-2,)"), "a header as NumPy writes it"],
  ["npy", "a large shape", npyOf("<f4", "(2147483647,)"), "8589934588 bytes of values"],
  ["npy", "a larger shape", npyOf("<f4", "(2147483648,)"), "a shape that MLX can have"],
  ["npy", "an overflowing shape", npyOf("<f4", "(2147483647, 2147483647, 4)"), "a shape"],
  [
    "npy",
    "an empty, overflowing shape",
    npyOf("<f4", "(0, 65536, 65536, 65536, 65536)"),
    "a shape",
  ],
  ["npy", "many dimensions", npyOf("<f4", `(${"1, ".repeat(65)}1)`), "a shape"],
  ["npy", "a number without end", npyOf("<f4", `(${"9".repeat(400)},)`), "a shape"],
  ["npy", "text", npyOf("<U8", "(2,)"), "a dtype that MLX has"],
  ["npy", "long floats", npyOf("<f16", "(2,)"), "complex64, received"],
  ["npy", "complex128", npyOf("<c16", "(2,)"), "complex64, received '<c16'"],
  ["npy", "big-endian complex64", npyOf(">c8", "(2,)"), "complex64, received '>c8'"],
  [
    "npy",
    "fields",
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n"),
    "a h",
  ],
  ["npy", "objects", npyOf("|O", "(2,)"), "a header"],
  ["npy", "another order", npy("{'shape': (2,), 'descr': '<f4', 'fortran_order': False}\n"), "a h"],

  ["npz", "another format", good, "a zip archive"],
  ["npz", "a file that is too short", npz(good, 0, good.length, good.length + 500), "bytes"],
  ["npz", "a file that is not npy", npz(zeros, 0, zeros.length, zeros.length), "an npy file"],
  ["npz", "one larger than it says", npz(zeros, 8, zeros.length, 1000), "1000 bytes, compressed"],
  ["npz", "one smaller than it says", npz(zeros, 8, zeros.length, 0xfffffffe), "4294967294 bytes"],
  ["npz", "one that is damaged", npz(good, 8, good.length, 1000), "1000 bytes, compressed"],
  ["npz", "files that overlap", npz(zeros, 8, zeros.length, 1 << 20, 20), "in all"],
  ["npz", "another method", npz(good, 14, good.length, good.length), "stored or deflated"],

  ["safetensors", "nothing", Buffer.alloc(0), "a header length of 8 bytes"],
  [
    "safetensors",
    "a long header",
    Buffer.concat([u64(2n ** 63n), Buffer.alloc(99)]),
    "1 to 99 bytes",
  ],
  ["safetensors", "no header", Buffer.concat([u64(0), Buffer.alloc(99)]), "1 to 99 bytes"],
  ["safetensors", "a deep header", safetensors("[".repeat(1 << 20)), "a header in JSON"],
  [
    "safetensors",
    "many records",
    safetensors(`{"a":[${"{},".repeat(1 << 18)}{}]}`),
    "a header in JSON",
  ],
  ["safetensors", "a list", safetensors([]), "a header in JSON"],
  ["safetensors", "null", safetensors("null"), "a header in JSON"],
  ["safetensors", "no JSON", safetensors("{'a': 1}"), "a header in JSON"],
  ["safetensors", "no UTF-8", Buffer.concat([u64(5), Buffer.from('{"\xff":1}', "latin1")]), "JSON"],
  ["safetensors", "no tensor", safetensors({ x: 1 }), '"x": expected a dtype that MLX has'],
  ["safetensors", "float64", tensor([1], [0, 8], "F64"), 'received "F64"'],
  ["safetensors", "a negative shape", tensor([-1], [0, -1]), "a shape, received [ -1 ]"],
  ["safetensors", "a fraction", tensor([0.5], [0, 0.5]), "a shape"],
  ["safetensors", "an overflowing shape", tensor([65536, 65536, 65536, 65536], [0, 0]), "a shape"],
  ["safetensors", "no shape", tensor("2", [0, 2]), "a shape"],
  ["safetensors", "no offsets", tensor([2], undefined), "offsets of 2 bytes within 64"],
  ["safetensors", "negative offsets", tensor([2], [-2, 0]), "offsets of 2 bytes within 64"],
  ["safetensors", "wrong offsets", tensor([2], [0, 3]), "offsets of 2 bytes within 64"],
  ["safetensors", "three offsets", tensor([2], [0, 2, 4]), "offsets of 2 bytes within 64"],
  ["safetensors", "offsets beyond the end", tensor([2], [63, 65]), "offsets of 2 bytes within 64"],
  ["safetensors", "large offsets", tensor([2], [2 ** 63, 2 ** 63 + 2]), "offsets of 2 bytes"],
  ["safetensors", "metadata of numbers", safetensors({ __metadata__: { a: 1 } }), "that is texts"],
  [
    "safetensors",
    "tensors that overlap",
    safetensors({
      a: { dtype: "U8", shape: [64], data_offsets: [0, 64] },
      b: { dtype: "U8", shape: [64], data_offsets: [0, 64] },
    }),
    "tensors of 64 bytes in all, received 128 bytes",
  ],

  ["gguf", "nothing", Buffer.alloc(0), "a header of 4 bytes"],
  ["gguf", "another format", good, "a gguf file"],
  ["gguf", "version 1", Buffer.concat([Buffer.from("GGUF"), u32(1)]), "version 2 or 3"],
  ["gguf", "many tensors", gguf([], [], [2 ** 40, 0]), "a number of tensors"],
  ["gguf", "many entries", gguf([], [], [0, 2 ** 40]), "a number of metadata entries"],
  ["gguf", "a long key", gguf([], [u64(2n ** 64n - 1n)]), "a key of at most"],
  ["gguf", "a long text", gguf([], [entry("a", 8, u64(2 ** 31))]), 'the value of "a"'],
  ["gguf", "a long list", gguf([], [entry("a", 9, u32(4), u64(2 ** 62))]), 'the value of "a"'],
  [
    "gguf",
    "many texts",
    gguf([], [entry("a", 9, u32(8), u64(10))]),
    'the value of "a" of at most 9',
  ],
  ["gguf", "lists in a list", gguf([], [entry("a", 9, u32(9), u64(1))]), "a list of plain values"],
  ["gguf", "a 64-bit float", gguf([], [entry("a", 12, u64(0))]), "a type that MLX reads"],
  ["gguf", "an unknown type", gguf([], [entry("a", 99)]), "a type that MLX reads"],
  ["gguf", "no alignment", gguf([], [entry("general.alignment", 4, u32(0))]), "a multiple of 8"],
  ["gguf", "nine dimensions", gguf([info(Array(9).fill(1), 0, 0)]), "at most 8 dimensions"],
  ["gguf", "an overflowing shape", gguf([info(Array(8).fill(65536), 0, 0)]), "a shape"],
  ["gguf", "a large shape", gguf([info([2n ** 63n], 0, 0)]), 'tensor "x" of at most'],
  [
    "gguf",
    "a type that is gone",
    gguf([info([32], 4, 0)]),
    "a type that MLX reads, received type 4",
  ],
  ["gguf", "a type that is not read", gguf([info([32], 6, 0)]), "a type that MLX reads"],
  ["gguf", "an unknown type of tensor", gguf([info([32], 99, 0)]), "a type that MLX reads"],
  ["gguf", "half a block", gguf([info([16], 8, 0)]), "rows of whole blocks of 32"],
  ["gguf", "a block without dimensions", gguf([info([], 2, 0)]), "rows of whole blocks of 32"],
  ["gguf", "an offset beyond the end", gguf([info([4], 24, 64)]), "of bytes 64 to 68"],
  ["gguf", "a large offset", gguf([info([4], 24, 2n ** 64n - 4n)]), 'tensor "x" of at most'],
  [
    "gguf",
    "two of a name",
    gguf([info([1], 24, 0), info([1], 24, 0)]),
    "tensors of different names",
  ],
  [
    "gguf",
    "tensors that overlap",
    gguf([info([40], 24, 0), info([40], 24, 0, "y")]),
    "bytes in all",
  ],
];

describe("files that are damaged, hostile or foreign", () => {
  test.each(hostile)("%s: %s", (format, title, bytes, message) => {
    const path = at(`hostile ${title}`);
    writeFileSync(path, bytes);
    for (const [input, name] of [
      [path, path],
      [bytes, "memory"],
    ] as const) {
      let error: unknown;
      try {
        mx.load(input, { format });
      } catch (e) {
        error = e;
      }
      expect(error).toBeInstanceOf(mx.FormatError);
      expect(error).toHaveProperty("code", "ERR_MLX_FORMAT");
      const { message: found, file } = error as mx.FormatError;
      expect(file).toContain(name);
      expect(found).toMatch(/^\[load\] .*: expected .*, received /s);
      expect(found).toContain(name);
      expect(found).toContain(message);
    }
  });

  test("the files that they are made from are good", () => {
    expect(mx.load(good, { format: "npy" }).shape).toEqual([2]);
    const archive = npz(good, 0, good.length, good.length, 1, crc32(good));
    expect(mx.load(archive, { format: "npz" })["a"]?.shape).toEqual([2]);
    expect(mx.load(tensor([2, 3], [1, 7]), { format: "safetensors" })["x"]?.shape).toEqual([2, 3]);
    const model = gguf([info([3, 2], 24, 0)], [entry("a", 8, text("b"))]);
    expect(mx.load(model, { format: "gguf" })["x"]?.shape).toEqual([2, 3]);
  });

  test("all parts of a quantized tensor fail together", () => {
    const file = at("parts.gguf");
    const head = gguf([info([32], 2, 0, "x.weight")]);
    writeFileSync(file, head);
    const parts = mx.load(file, { format: "gguf" });
    expect(Object.keys(parts)).toEqual(["x.weight", "x.scales", "x.biases"]);
    truncateSync(file, head.length - 64);
    for (const part of Object.values(parts)) {
      expect(() => part.tolist()).toThrow(`[load] ${file}: expected the file as it was`);
    }
  });

  test.each([1, 2, 3])("thousands of random ones, seed %i", (seed) => {
    const script = join(__dirname, "support", "damage.mjs");
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [script, String(seed), "3000"],
      { encoding: "utf8", timeout: sanitized ? 250_000 : 110_000 },
    );
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    const { read, refused, other, maxRSS } = JSON.parse(stdout);
    expect(read).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1000);
    expect(other).toBe(0);
    if (!sanitized) {
      expect(maxRSS).toBeLessThan(500_000);
    }
  });
});
