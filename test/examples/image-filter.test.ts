import "mlx-js/testing";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { PNG } from "pngjs";
import { afterAll, expect, test } from "vitest";
import { edges, readImage, writeGrey } from "../../examples/image-filter/filter.mjs";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-image-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sobel's filters, a pixel at a time, with the border repeated. */
function edgesByHand({ data, height, width }: PNG): number[] {
  const brightness = (y: number, x: number) => {
    const row = Math.min(Math.max(y, 0), height - 1);
    const column = Math.min(Math.max(x, 0), width - 1);
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * (row * width + column));
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  return Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let [across, down] = [0, 0];
    for (const [step, weight] of [
      [-1, 1],
      [0, 2],
      [1, 1],
    ] as const) {
      across += weight * (brightness(y + step, x + 1) - brightness(y + step, x - 1));
      down += weight * (brightness(y + 1, x + step) - brightness(y - 1, x + step));
    }
    return Math.hypot(across, down);
  });
}

test("the pixels that are written are those computed by hand", async () => {
  const source = "examples/image-filter/flower.png";
  const file = join(folder, "edges.png");
  const found = edges(await readImage(source));
  await writeGrey(file, found);
  const original = PNG.sync.read(readFileSync(source));
  const byHand = edgesByHand(original);
  const written = PNG.sync.read(readFileSync(file));
  expect([written.width, written.height]).toEqual([320, 381]);
  expect(found.shape).toEqual([381, 320]);
  expect(found.flatten()).toBeCloseToArray(mx.array(byHand), { rtol: 1e-4, atol: 1e-3 });
  let steep = 0;
  byHand.forEach((slope, i) => {
    const shade = Math.min(Math.round(slope), 255);
    const [red = -1, green, blue, alpha] = written.data.subarray(4 * i, 4 * i + 4);
    // Half a shade may be rounded either way.
    expect(Math.abs(red - shade)).toBeLessThanOrEqual(Math.abs((slope % 1) - 0.5) < 1e-3 ? 1 : 0);
    expect([green, blue, alpha]).toEqual([red, red, 255]);
    steep += shade === 255 ? 1 : 0;
  });
  // The outlines of petals and leaves, and not more.
  expect(steep).toBeGreaterThan(3000);
  expect(steep).toBeLessThan(8000);
});

test("rows, columns and colours are where they belong", async () => {
  const png = new PNG({ width: 3, height: 2 });
  png.data.set([
    1, 2, 3, 255, 4, 5, 6, 0, 7, 8, 9, 255, 10, 11, 12, 9, 13, 14, 15, 1, 16, 17, 18, 2,
  ]);
  const file = join(folder, "colours.png");
  writeFileSync(file, PNG.sync.write(png));
  const image = await readImage(file);
  expect(image).toEqual(mx.arange(1, 19).reshape([2, 3, 3]).astype(mx.uint8));

  await writeGrey(file, mx.array([[-3, 0.4, 99.6], [254.4, 255, 1e6]])); // biome-ignore format: rows
  const grey = (await readImage(file)).get("...", 0);
  expect(grey.tolist()).toEqual([
    [0, 0, 100],
    [254, 255, 255],
  ]);
});
