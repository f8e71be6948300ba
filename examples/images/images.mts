/** Pictures into arrays and back, by sharp, and what makes a photograph look like one of a toy. */
import { mx } from "mlx-js";
import sharp from "sharp";

export interface Size {
  width: number;
  height: number;
}

/** Decodes a picture of any format that sharp reads, cut to a size: (height, width, 3), uint8. */
export async function readPicture(file: string | Uint8Array, size: Size): Promise<mx.array> {
  const { data, info } = await sharp(file)
    .rotate() // as the camera was held
    .resize(size.width, size.height, { fit: "cover" })
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return mx.array(data).reshape([info.height, info.width, info.channels]);
}

/** Writes a picture (height, width, 3) of uint8, in the format that the file's name ends with. */
export async function writePicture(file: string, picture: mx.array): Promise<void> {
  const [height, width] = [picture.dim(0), picture.dim(1)];
  const pixels = picture.toTypedArray<Uint8Array>();
  await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(file);
}

/** Pictures (N, height, width, 3) blurred by a Gaussian of this many pixels: across, then down, each colour by itself. */
export function blur(pictures: mx.array, sigma: number): mx.array {
  const reach = Math.ceil(3 * sigma);
  const bell = mx.exp(
    mx
      .arange(-reach, reach + 1)
      .divide(sigma)
      .square()
      .multiply(-0.5),
  );
  // A filter for each colour, (3, height, width, 1), in three groups.
  const filters = mx.broadcastTo(bell.divide(bell.sum()).reshape([1, 1, -1, 1]), [
    3,
    1,
    bell.size,
    1,
  ]);
  const padded = mx.pad(pictures, [[0, 0], [reach, reach], [reach, reach], [0, 0]], { mode: "edge" }); // biome-ignore format: in pairs
  const across = mx.conv2d(padded, filters, { groups: 3 });
  return mx.conv2d(across, filters.swapaxes(1, 2), { groups: 3 });
}

/** What `miniature` may be told. */
export interface Focus {
  /** Which part of the height is sharp, from 0, the top, to 1. */
  at: number;
  /** How much of the height it is. */
  reach: number;
  /** How many pixels things far from it are blurred by. */
  sigma: number;
}

/** Pictures (N, height, width, 3), uint8, sharp near one height only, as a camera sees things that are small and near. */
export function miniature(pictures: mx.array, { at, reach, sigma }: Focus): mx.array {
  const colours = pictures.astype(mx.float32);
  const height = mx.linspace(0, 1, pictures.dim(1)).reshape([-1, 1, 1]);
  const away = mx.clip(height.subtract(at).abs().divide(reach).subtract(0.5), 0, 1);
  // Blurred a little and blurred a lot, each in its place.
  const [little, lot] = [blur(colours, sigma / 3), blur(colours, sigma)];
  const near = mx.clip(away.multiply(2), 0, 1);
  const far = mx.clip(away.multiply(2).subtract(1), 0, 1);
  const mix = (a: mx.array, b: mx.array, share: mx.array) => a.add(b.subtract(a).multiply(share));
  return mix(mix(colours, little, near), lot, far)
    .round()
    .astype(mx.uint8);
}
