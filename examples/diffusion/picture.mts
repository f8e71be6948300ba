/** Small pictures side by side, as a PNG file. */
import { mx } from "mlx-js";
import sharp from "sharp";

/** Rows of pictures, (rows, columns, 8, 8), from -1 for white to 1 for black, as one: (height, width) in shades of grey. */
export function mosaic(pictures: mx.array): mx.array {
  const ink = mx.clip(pictures, -1, 1).add(1).multiply(127.5);
  const shades = mx.subtract(255, ink).round().astype(mx.uint8);
  // A white line between neighbours.
  const framed = mx.pad(shades, [[0, 0], [0, 0], [1, 1], [1, 1]], { constantValues: 255 }); // biome-ignore format: in pairs
  const [rows, columns] = [framed.dim(0), framed.dim(1)];
  return framed.swapaxes(1, 2).reshape([rows * framed.dim(2), columns * framed.dim(3)]);
}

/** Writes shades of grey, (height, width), each as a square of `size` pixels. */
export async function writePng(file: string, grey: mx.array, size = 6): Promise<void> {
  const [height, width] = [grey.dim(0), grey.dim(1)];
  await sharp(grey.toTypedArray<Uint8Array>(), { raw: { width, height, channels: 1 } })
    .resize(width * size, height * size, { kernel: "nearest" })
    .png()
    .toFile(file);
}
