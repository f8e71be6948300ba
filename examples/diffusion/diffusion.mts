/** Flow matching: a network learns the way from noise to pictures, and then goes it in small steps. */
import { mx, nn, type optim } from "mlx-js";
import { batches, type Digits } from "../digits/data.mjs";

/** What {@link Denoiser} is: where pictures (N, 8, 8, 1) go at their times (N), if they are to be digits (N). */
export interface Flow {
  forward(pictures: mx.array, time: mx.array, digits: mx.array): mx.array;
}

/**
 * Noise and picture are mixed, the straight way from one to the other is their difference, and the loss is
 * how far the network is from saying it. Pictures (N, 8, 8, 1) are from -1, white, to 1, black.
 */
export function flowLoss(
  flow: Flow,
  pictures: mx.array,
  digits: mx.array,
  noise = mx.random.normal(pictures.shape),
  time = mx.random.uniform(0, 1, [pictures.dim(0)]),
): mx.array {
  const t = time.reshape([-1, 1, 1, 1]);
  const mixed = mx.subtract(1, t).multiply(noise).add(t.multiply(pictures));
  return nn.losses.mseLoss(flow.forward(mixed, time, digits), pictures.subtract(noise));
}

export const batchSize = 50;

/** Trains with each picture once, in another order for each epoch, and gives the mean of the losses. */
export async function trainEpoch(
  model: Flow & nn.Module,
  optimizer: optim.Optimizer,
  digits: Digits,
  epoch: number,
): Promise<number> {
  const lossAndGradients = nn.valueAndGrad(model, ({ images, labels }: Digits) =>
    flowLoss(model, images.multiply(2).subtract(1).reshape([-1, 8, 8, 1]), labels),
  );
  let [total, steps] = [0, 0];
  for (const batch of batches(digits, batchSize, epoch)) {
    const loss = mx.tidy(() => {
      const [loss, gradients] = lossAndGradients(batch);
      optimizer.update(model, gradients);
      return loss;
    });
    await mx.asyncEval(loss, model, optimizer.state);
    total += loss.item();
    steps++;
  }
  return total / steps;
}

/** Draws digits (N) from noise (N, 8, 8, 1): the pictures at the beginning and after each step. */
export function draw(
  flow: Flow,
  digits: mx.array,
  steps = 24,
  noise = mx.random.normal([digits.size, 8, 8, 1]),
): mx.array[] {
  return mx.tidy(() => {
    const pictures = [noise];
    let picture = noise;
    for (let step = 0; step < steps; step++) {
      const time = mx.full([digits.size], step / steps);
      picture = picture.add(flow.forward(picture, time, digits).divide(steps));
      mx.eval(picture);
      pictures.push(picture);
    }
    return pictures;
  });
}
