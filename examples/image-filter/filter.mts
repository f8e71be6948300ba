/** Edges in a picture, by Sobel's filters. */
import { readFile, writeFile } from "node:fs/promises";
import { mx } from "mlx-js";
import { PNG } from "pngjs";

/** The red, green and blue of a PNG file, shape (height, width, 3), from 0 to 255. */
export async function readImage(file: string): Promise<mx.array> {
  const { data, height, width } = PNG.sync.read(await readFile(file));
  return mx.array(data).reshape([height, width, 4]).get("...", ":3");
}

/** Writes shades of grey, shape (height, width), from 0 to 255, as a PNG file. */
export async function writeGrey(file: string, grey: mx.array): Promise<void> {
  const [height, width] = [grey.dim(0), grey.dim(1)];
  const shades = mx.clip(grey, 0, 255).round().astype(mx.uint8);
  const opaque = mx.full([height, width], 255, mx.uint8);
  const png = new PNG({ width, height });
  png.data.set(mx.stack([shades, shades, shades, opaque], -1).toTypedArray<Uint8Array>());
  await writeFile(file, PNG.sync.write(png));
}

/** How steep the brightness of an image (height, width, 3) is at each pixel, shape (height, width). */
export function edges(image: mx.array): mx.array {
  const brightness = image.astype(mx.float32).matmul(mx.array([0.299, 0.587, 0.114]));
  // Repeats the border, so that it is no edge itself.
  const padded = mx.pad(brightness, 1, { mode: "edge" });
  const across = mx.array([
    [-1, 0, 1],
    [-2, 0, 2],
    [-1, 0, 1],
  ]);
  // Pictures have shape (N, height, width, channels), filters (filters, height, width, channels).
  const filters = mx.stack([across, across.transpose()]).get("...", null);
  const slopes = mx.conv2d(padded.get(null, "...", null), filters);
  return mx.linalg.norm(slopes.squeeze(0), null, -1);
}
