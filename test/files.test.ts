// Files that others write to, cut short or exchange while they are read, and
// what saving does to what was there before.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

// biome-ignore lint/suspicious/noExplicitAny: of several formats
type Any = any;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlx-js-files-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

/** A way to save an array under a name, and to get its values back. */
interface Kind {
  end: string;
  save(file: string, x: mx.array): void;
  load(file: string): number[];
  fn: string;
}
const kinds: Kind[] = [
  {
    end: ".npy",
    fn: "save",
    save: (file, x) => mx.save(file, x),
    load: (file) => (mx.load(file) as Any).tolist(),
  },
  {
    end: ".npz",
    fn: "savez",
    save: (file, x) => mx.savez(file, { x }),
    load: (file) => (mx.load(file) as Any).x.tolist(),
  },
  {
    end: ".npz",
    fn: "savezCompressed",
    save: (file, x) => mx.savezCompressed(file, { x }),
    load: (file) => (mx.load(file) as Any).x.tolist(),
  },
  {
    end: ".safetensors",
    fn: "saveSafetensors",
    save: (file, x) => mx.saveSafetensors(file, { x }),
    load: (file) => (mx.load(file) as Any).x.tolist(),
  },
  {
    end: ".gguf",
    fn: "saveGguf",
    save: (file, x) => mx.saveGguf(file, { x }, { note: "a note" }),
    load: (file) => (mx.load(file) as Any).x.tolist(),
  },
  {
    end: "",
    fn: "exportFunction",
    save: (file, x) => mx.exportFunction(file, (y) => mx.add(x, y), [mx.array(0)]),
    load: (file) => (mx.importFunction(file)(mx.array(0))[0] as mx.array).tolist<number[]>(),
  },
];

const x = mx.array([1, 2, 3]);
const y = mx.array([4, 5, 6, 7]);

describe.each(kinds)("$fn", ({ end, fn, save, load }) => {
  const thrownBy = (f: () => void): Any => {
    try {
      f();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test("replaces a file, which keeps its mode", () => {
    const file = at(`file${end}`);
    save(file, x);
    chmodSync(file, 0o640);
    save(file, y);
    expect(load(file)).toEqual([4, 5, 6, 7]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual([`file${end}`]);
  });

  test("leaves a new file as others would be", () => {
    save(at(`file${end}`), x);
    writeFileSync(at("other"), "");
    expect(statSync(at(`file${end}`)).mode).toBe(statSync(at("other")).mode);
  });

  test("writes through a link, also to nothing yet", () => {
    mkdirSync(at("there"));
    symlinkSync(at(`there/file${end}`), at("second"));
    symlinkSync("second", at(`link${end}`));
    for (const [array, values] of [
      [x, [1, 2, 3]],
      [y, [4, 5, 6, 7]],
    ] as const) {
      save(at(`link${end}`), array);
      expect(lstatSync(at(`link${end}`)).isSymbolicLink()).toBe(true);
      expect(load(at(`there/file${end}`))).toEqual(values);
    }
    expect(readdirSync(folder).sort()).toEqual([`link${end}`, "second", "there"].sort());
    expect(readdirSync(at("there"))).toEqual([`file${end}`]);
  });

  test("fails with the system's code, and the old file stays", () => {
    const file = at(`file${end}`);
    save(file, x);
    mkdirSync(at(`folder${end}`));
    symlinkSync(`loop${end}`, at(`loop${end}`));
    for (const [path, code] of [
      [at(`none/file${end}`), "ENOENT"],
      [at(`folder${end}`), "EISDIR"],
      [at(`file${end}/file${end}`), "ENOTDIR"],
      [at(`loop${end}`), "ELOOP"],
      [at(`${"long".repeat(100)}${end}`), "ENAMETOOLONG"],
    ] as const) {
      const error = thrownBy(() => save(path, y));
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ code, path });
      expect(error.message).toMatch(new RegExp(`^\\[${fn}\\] .*: expected .*, received ${code}`));
    }
    expect(load(file)).toEqual([1, 2, 3]);
    expect(readdirSync(folder).sort()).toEqual([`file${end}`, `folder${end}`, `loop${end}`].sort());
  });

  // Exporting a function evaluates nothing.
  test.skipIf(end === "")("a failed evaluation leaves the old file", () => {
    const file = at(`file${end}`);
    save(file, x);
    const failing = mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
    expect(() => save(file, failing)).toThrow("failed with error code");
    expect(load(file)).toEqual([1, 2, 3]);
    expect(readdirSync(folder)).toEqual([`file${end}`]);
  });

  test.skipIf(process.platform === "win32")("to a device that is full", () => {
    if (!existsSync("/dev/full")) {
      return;
    }
    symlinkSync("/dev/full", at(`full${end}`));
    const error = thrownBy(() => save(at(`full${end}`), x));
    expect(error).toMatchObject({ code: "ENOSPC", path: at(`full${end}`) });
    expect(error.message).toContain(`[${fn}] ${at(`full${end}`)}: expected to write it`);
    symlinkSync("/dev/null", at(`null${end}`));
    save(at(`null${end}`), x);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  test("to a pipe: at once an error without a reader, and all to one", async () => {
    const file = at(`pipe${end}`);
    execFileSync("mkfifo", [file]);
    expect(thrownBy(() => save(file, x))).toMatchObject({ code: "ENXIO", path: file });
    // More than a pipe holds at a time.
    const opened = spawn(
      "sh",
      ["-c", `exec 3< '${file}'; echo open; cat <&3 > '${at(`copy${end}`)}'`],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const ended = new Promise((resolve) => opened.once("close", resolve));
    // The reader's open waits for a writer's, so this may come first.
    await expect
      .poll(() => thrownBy(() => save(file, mx.arange(100_000)))?.code, { timeout: 20_000 })
      .toBe(undefined);
    await ended;
    expect(lstatSync(file).isFIFO()).toBe(true);
    expect(load(at(`copy${end}`))).toEqual(mx.arange(100_000).tolist());
  });

  test.skipIf(process.getuid?.() === 0)("to a folder that takes no new file", () => {
    mkdirSync(at("closed"));
    const file = at(`closed/file${end}`);
    save(file, x);
    chmodSync(at("closed"), 0o500);
    try {
      save(file, y);
      expect(load(file)).toEqual([4, 5, 6, 7]);
      expect(thrownBy(() => save(at(`closed/other${end}`), y))).toMatchObject({ code: "EACCES" });
      chmodSync(file, 0o400);
      expect(thrownBy(() => save(file, x))).toMatchObject({ code: "EACCES" });
    } finally {
      chmodSync(at("closed"), 0o700);
    }
  });

  test("of values that several threads read", () => {
    const file = at(`file${end}`);
    const long = mx.arange(1_000_003);
    save(file, long);
    expect(load(file)).toEqual(long.tolist());
  });

  // MLX writes functions itself.
  test.skipIf(end === "" || process.platform === "win32")("that gets too long half way", () => {
    const file = at(`file${end}`);
    save(file, x);
    const script = `
      process.on("SIGXFSZ", () => {});
      const { mx } = require("mlx-js");
      const file = ${JSON.stringify(file)};
      const long = mx.random.normal([1_000_000]);
      try {
        mx.${fn}(file, ${fn === "save" ? "long" : "{ first: mx.array(1), long }"});
      } catch ({ code, path }) {
        console.log(code, path === file);
      }`;
    const outcome = spawnSync(
      "sh",
      ["-c", 'ulimit -f 2000; exec "$0" -e "$1"', process.execPath, script],
      {
        encoding: "utf8",
      },
    );
    expect(outcome).toMatchObject({ status: 0, stdout: "EFBIG true\n", stderr: "" });
    expect(load(file)).toEqual([1, 2, 3]);
    expect(readdirSync(folder)).toEqual([`file${end}`]);
  });

  test("does not touch what still reads the old file", () => {
    const file = at(`file${end}`);
    save(file, x);
    const loaded = end === "" ? mx.importFunction(file)(mx.array(0)) : mx.load(file);
    linkSync(file, at("old"));
    save(file, y);
    const value = Array.isArray(loaded) ? loaded[0] : ((loaded as Any).x ?? loaded);
    expect(value.tolist()).toEqual([1, 2, 3]);
    expect(load(file)).toEqual([4, 5, 6, 7]);
  });

  test.skipIf(end === "")("may be of what it is written over", () => {
    const file = at(`file${end}`);
    save(file, x);
    const loaded = mx.load(file) as Any;
    save(file, mx.add(loaded.x ?? loaded, 1));
    expect(load(file)).toEqual([2, 3, 4]);
  });

  test("keeps no descriptors", () => {
    const files = "/proc/self/fd";
    if (!existsSync(files)) {
      return;
    }
    const file = at(`file${end}`);
    save(file, x);
    load(file);
    const before = readdirSync(files).length;
    for (let i = 0; i < 100; i++) {
      save(file, x);
      load(file);
    }
    expect(readdirSync(files).length - before).toBeLessThan(5);
  });

  // What a reader sees while another process has its way with the file: an
  // error, or what one of the files has. Of as many values, so that a mixture
  // would not show in the size. Who writes over a file from its beginning, as
  // few do, has mixtures in it for a while, which only checksums show.
  test.each(["shortens", "patches", "exchanges"])("while another process %s it", async (how) => {
    const file = at(`file${end}`);
    const n = 60_000;
    save(at("ones"), mx.full([n], 1));
    save(at("twos"), mx.full([n], 2));
    const [ones, twos] = [at(`ones${end}`), at(`twos${end}`)];
    writeFileSync(file, readFileSync(ones));
    const writer = spawn(
      process.execPath,
      [
        "-e",
        `
        const files = require("node:fs");
        const [file, ones, twos] = ${JSON.stringify([file, ones, twos])};
        const both = [ones, twos].map((name) => files.readFileSync(name));
        const end = Date.now() + 60_000;
        console.log("begun");
        for (let i = 0; Date.now() < end; i++) {
          const bytes = both[i % 2];
          if (${JSON.stringify(how)} === "exchanges") {
            files.writeFileSync(file + "part", bytes);
            files.renameSync(file + "part", file);
          } else if (${JSON.stringify(how)} === "shortens") {
            files.writeFileSync(file, bytes);
            files.truncateSync(file, i % bytes.length);
          } else {
            const fd = files.openSync(file, "r+");
            files.writeSync(fd, bytes, 0, bytes.length, 0);
            files.closeSync(fd);
          }
        }
        `,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise((resolve) => writer.stdout.once("data", resolve));
    const outcome = await runScript(`
      const { mx } = require("mlx-js");
      mx.setDefaultDevice(mx.cpu);
      const file = ${JSON.stringify(file)};
      const exported = ${JSON.stringify(end)} === "";
      const seen = new Set();
      const end = Date.now() + 1500;
      while (Date.now() < end) {
        try {
          const loaded = exported ? mx.importFunction(file)(mx.array(0))[0] : mx.load(file);
          const values = (loaded.x ?? loaded).tolist();
          if (values.length !== ${n} || values.some((value) => value !== values[0])) {
            throw new Error("a mixture");
          }
          seen.add(values[0]);
        } catch (error) {
          seen.add(/a mixture/.test(error.message) ? error.message : "error");
        }
      }
      console.log(JSON.stringify([...seen]));
    `);
    // It has to be gone before the folder goes.
    const ended = new Promise((resolve) => writer.once("exit", resolve));
    writer.kill("SIGKILL");
    await ended;
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: "" });
    const allowed: unknown[] = how === "exchanges" ? [1, 2] : [1, 2, "error"];
    if (how === "patches" && !fn.startsWith("savez")) {
      allowed.push("a mixture");
    }
    expect(allowed).toEqual(expect.arrayContaining(JSON.parse(outcome.stdout)));
  });
});

describe("values that are read later", () => {
  const lazy = kinds.filter(({ fn }) => ["save", "savez", "saveSafetensors"].includes(fn));

  test.each(lazy)("$fn: are those of the file that was loaded, or an error", ({ end, save }) => {
    const file = at(`file${end}`);
    const other = at(`other${end}`);
    save(other, mx.array([7, 8, 9]));
    const changes: [string, () => void, number[] | undefined][] = [
      ["cut short", () => truncateSync(file, statSync(file).size - 4), undefined],
      ["emptied", () => truncateSync(file, 0), undefined],
      ["longer", () => appendFileSync(file, "more"), undefined],
      ["written to", () => writeFileSync(file, readFileSync(other)), undefined],
      ["exchanged", () => renameSync(other, file), [1, 2, 3]],
      ["removed", () => rmSync(file), [1, 2, 3]],
    ];
    for (const [how, change, values] of changes) {
      save(file, x);
      const loaded = mx.load(file) as Any;
      const array = loaded.x ?? loaded;
      change();
      if (values) {
        expect(array.tolist(), how).toEqual(values);
      } else {
        const error = `[load] ${file}: expected the file as it was when it was loaded, received one`;
        expect(() => array.tolist(), how).toThrow(error);
      }
    }
  });

  test("need one descriptor for an archive", () => {
    const arrays = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`a${i}`, mx.array([i, -i])]),
    );
    mx.savez(at("many.npz"), arrays);
    const open = () => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
    const before = open();
    const loaded = mx.load(at("many.npz")) as Record<string, mx.array>;
    expect(open() - before).toBeLessThan(10);
    expect(Object.keys(loaded)).toHaveLength(2000);
    for (const [name, array] of Object.entries(arrays)) {
      expect((loaded[name] as mx.array).tolist()).toEqual(array.tolist());
    }
  });

  test("keep a few hundred files open, not thousands", async () => {
    for (let i = 0; i < 10; i++) {
      mx.save(at(`${i}`), mx.array([i]));
    }
    const outcome = await runScript(
      `
      const { mx } = require("mlx-js");
      const all = Array.from({ length: 2000 }, (_, i) => mx.load(process.env.FOLDER + "/" + i % 10 + ".npy"));
      console.log(all.every((x, i) => x.item() === i % 10));`,
      { env: { FOLDER: folder } },
    );
    expect(outcome).toMatchObject({ code: 0, stdout: "true\n", stderr: "" });
  });
});

describe("archives' checksums", () => {
  test.each([mx.savez, mx.savezCompressed])("%o: a bit that differs is an error", (save) => {
    const file = at("file.npz");
    save(file, { first: mx.array([1, 2]), second: mx.arange(1000) });
    const whole = readFileSync(file);
    const places = [...Array(60).keys()].map((i) => whole.indexOf("second.npy") + 10 + i * 16);
    let refused = 0;
    for (const place of places.filter((place) => place < whole.length - 400)) {
      const bytes = Buffer.from(whole);
      bytes[place] = (bytes[place] as number) ^ 4;
      writeFileSync(file, bytes);
      for (const input of [file, bytes]) {
        const name = input === file ? file : "memory";
        let error: Any;
        try {
          mx.load(input, { format: "npz" });
        } catch (e) {
          error = e;
        }
        expect(error).toBeInstanceOf(mx.FormatError);
        expect(error.message).toContain(`[load] ${name}: second.npy: expected`);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });

  test("of an archive whose directory says another", () => {
    const bytes = (() => {
      const pieces: Uint8Array[] = [];
      mx.savez({ write: (piece) => pieces.push(piece) }, { a: mx.array([1, 2]) });
      return Buffer.concat(pieces);
    })();
    const directory = bytes.indexOf(Buffer.from("PK\x01\x02", "latin1"));
    bytes.writeUInt32LE(0x12345678, directory + 16);
    expect(() => mx.load(bytes, { format: "npz" })).toThrow(
      /^\[load\] memory: a\.npy: expected bytes of the checksum 12345678, received [0-9a-f]{8}$/,
    );
  });
});
