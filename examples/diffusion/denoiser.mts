/** A small U-Net: it looks at a picture in two sizes, and says where each pixel should go. */
import { type mx, nn } from "mlx-js";

/** Two convolutions beside a way around them. In between they are told what to draw, and how far it is. */
class Block extends nn.Module {
  layers: nn.Sequential;
  told: nn.Linear;
  more: nn.Sequential;

  constructor(channels: number, dims: number) {
    super();
    const layer = () =>
      new nn.Sequential(
        new nn.GroupNorm(8, channels),
        nn.silu,
        new nn.Conv2d(channels, channels, 3, { padding: 1 }),
      );
    this.layers = layer();
    this.told = new nn.Linear(dims, channels);
    this.more = layer();
  }

  forward(x: mx.array, context: mx.array): mx.array {
    const told = this.told.forward(context).get(":", null, null);
    return x.add(this.more.forward(this.layers.forward(x).add(told)));
  }
}

export class Denoiser extends nn.Module {
  time: nn.SinusoidalPositionalEncoding;
  digit: nn.Embedding;
  context: nn.Sequential;
  input: nn.Conv2d;
  fine: Block;
  down: nn.Conv2d;
  coarse: Block;
  up: nn.Sequential;
  refine: Block;
  output: nn.Sequential;

  constructor(channels = 24) {
    super();
    const dims = 2 * channels;
    this.time = new nn.SinusoidalPositionalEncoding(dims, { minFreq: 1, maxFreq: 100, scale: 1 });
    this.digit = new nn.Embedding(10, dims);
    this.context = new nn.Sequential(new nn.Linear(dims, dims), nn.silu);
    this.input = new nn.Conv2d(1, channels, 3, { padding: 1 });
    this.fine = new Block(channels, dims);
    // Half as high and as wide, with twice the channels.
    this.down = new nn.Conv2d(channels, 2 * channels, 2, { stride: 2 });
    this.coarse = new Block(2 * channels, dims);
    this.up = new nn.Sequential(
      new nn.Upsample(2),
      new nn.Conv2d(2 * channels, channels, 3, { padding: 1 }),
    );
    this.refine = new Block(channels, dims);
    this.output = new nn.Sequential(
      new nn.GroupNorm(8, channels),
      nn.silu,
      new nn.Conv2d(channels, 1, 3, { padding: 1 }),
    );
  }

  /**
   * How each pixel of noisy pictures (N, 8, 8, 1) changes with time, if they are to become these digits (N).
   * The time (N) goes from 0, all noise, to 1, the digit.
   */
  forward(pictures: mx.array, time: mx.array, digits: mx.array): mx.array {
    const told = this.time.forward(time).add(this.digit.forward(digits));
    const context = this.context.forward(told);
    const fine = this.fine.forward(this.input.forward(pictures), context);
    const coarse = this.coarse.forward(this.down.forward(fine), context);
    const both = this.up.forward(coarse).add(fine);
    return this.output.forward(this.refine.forward(both, context));
  }
}
