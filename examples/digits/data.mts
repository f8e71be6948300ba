/** Handwritten digits: 1,797 pictures of 8 x 8 pixels. */
import { mx } from "mlx-js";

export interface Digits {
  /** Shape (count, 64), from 0 for white to 1 for black. */
  images: mx.array;
  /** Shape (count), from 0 to 9. */
  labels: mx.array;
}

/** The digits in two parts: `held` of them are not for training. */
export function loadDigits(file: string, held = 297): { train: Digits; test: Digits } {
  const { images, labels } = mx.load(file, { format: "npz" });
  if (images === undefined || labels === undefined) {
    throw new Error(`${file} has no images and labels.`);
  }
  const pixels = images.astype(mx.float32).divide(16).reshape([-1, 64]);
  const order = mx.random.permutation(labels.size, 0, { key: mx.random.key(0) });
  const part = (indices: mx.array) => ({
    images: pixels.get(indices),
    labels: labels.get(indices),
  });
  return { train: part(order.get(`${held}:`)), test: part(order.get(`:${held}`)) };
}

/** The digits in another order for each epoch, in parts of `size`; what is left over is not used. */
export function* batches(
  { images, labels }: Digits,
  size: number,
  epoch: number,
): Generator<Digits> {
  const order = mx.random.permutation(labels.size, 0, { key: mx.random.key(epoch) });
  for (let start = 0; start + size <= labels.size; start += size) {
    const indices = order.get(`${start}:${start + size}`);
    yield { images: images.get(indices), labels: labels.get(indices) };
  }
}
