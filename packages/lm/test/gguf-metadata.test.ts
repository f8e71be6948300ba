import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { afterAll, expect, test } from "vitest";
import { type Metadata, metadataOf } from "../src/gguf-metadata.js";
import { atOnce } from "../src/turns.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-metadata-"));
afterAll(() => rmSync(folder, { recursive: true }));

function saved(metadata: mx.GgufMetadata): string {
  const file = join(folder, `${Math.random()}.gguf`);
  mx.saveGguf(file, { x: mx.array([1, 2]) }, metadata);
  return file;
}

test("all kinds of values", () => {
  const scalars: [mx.Dtype, number | bigint][] = [
    [mx.uint8, 200],
    [mx.int8, -100],
    [mx.uint16, 60_000],
    [mx.int16, -30_000],
    [mx.uint32, 4e9],
    [mx.int32, -2e9],
    [mx.float32, -1.5],
    [mx.bool, 1],
    [mx.uint64, 2n ** 53n],
    [mx.int64, -(2n ** 40n)],
  ];
  const arrays = Object.fromEntries(
    scalars.flatMap(([dtype, value]) => [
      [dtype.name, mx.array(value as number, dtype)],
      [`${dtype.name}s`, mx.array([value, 0, value] as number[], dtype)],
    ]),
  );
  const texts = { "a.text": "ü", none: "", "some.texts": ["a", "", "ö"] };
  const metadata = atOnce(
    metadataOf(saved({ ...texts, ...arrays, single: mx.array([4], mx.int32) })),
  );
  for (const [dtype, value] of scalars) {
    const number = Number(value);
    expect(metadata.number(dtype.name)).toBe(number);
    expect(metadata.numbers(dtype.name)).toEqual([number]);
    expect(metadata.numbers(`${dtype.name}s`)).toEqual([number, 0, number]);
    expect(metadata.number(`${dtype.name}s`)).toBe(number);
    expect(metadata.text(dtype.name)).toBeUndefined();
    expect(metadata.texts(`${dtype.name}s`)).toBeUndefined();
  }
  expect([metadata.flag("bool"), metadata.flag("single"), metadata.flag("x")]).toEqual([
    true,
    true,
    undefined,
  ]);
  expect([metadata.text("a.text"), metadata.text("none")]).toEqual(["ü", ""]);
  expect(metadata.texts("some.texts")).toEqual(["a", "", "ö"]);
  expect(metadata.texts("a.text")).toBeUndefined();
  expect(metadata.numbers("some.texts")).toBeUndefined();
});

test("long lists come in pieces, wherever what is read at once ends", () => {
  const numbers = Array.from({ length: 30_000 }, (_, i) => i * 3);
  const texts = numbers.map((i) => `é${i}`);
  for (let shift = 0; shift < 16; shift++) {
    const pad = "x".repeat(shift);
    const all = { pad, texts, numbers: mx.array(numbers, mx.int32), long: "y".repeat(100_000) };
    const work = metadataOf(saved(all));
    let pieces = 0;
    let step = work.next();
    while (step.done !== true) {
      pieces++;
      step = work.next();
    }
    const metadata: Metadata = step.value;
    expect(pieces).toBe(2 * Math.floor(30_000 / 512));
    expect(metadata.text("pad")).toBe(pad);
    expect(metadata.text("long")).toBe(all.long);
    expect(metadata.texts("texts")).toEqual(texts);
    expect(metadata.numbers("numbers")).toEqual(numbers);
  }
});

test("a name that is there twice has the last value", () => {
  const file = saved({ "a.name": "first", "b.name": "second", c: mx.array(7, mx.int32) });
  const bytes = readFileSync(file);
  bytes.write("a.name", bytes.indexOf("b.name"));
  writeFileSync(file, bytes);
  const [, loaded] = mx.load(file, { returnMetadata: true });
  const metadata = atOnce(metadataOf(file));
  expect(metadata.text("a.name")).toBe("second");
  expect(loaded).toMatchObject({ "a.name": "second" });
  expect(metadata.number("c")).toBe(7);
  // The name of the array, which comes after the metadata.
  expect(metadata.numbers("x")).toBeUndefined();
});

test("a file that has become shorter", () => {
  const file = saved({ texts: Array.from({ length: 20_000 }, (_, i) => `${i}`) });
  const work = metadataOf(file);
  work.next();
  truncateSync(file, 1000);
  expect(() => atOnce(work)).toThrow("the file has become shorter");
});
