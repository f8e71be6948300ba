/** A convolutional network for digits: what it sees at a place, it knows at all others. */
import { type mx, nn } from "mlx-js";

/** A convolution, normalized; half as high and as wide afterwards. */
function block(inChannels: number, outChannels: number): nn.Sequential {
  return new nn.Sequential(
    // The normalization has a bias of its own.
    new nn.Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false }),
    new nn.BatchNorm(outChannels),
    nn.relu,
    new nn.MaxPool2d(2),
  );
}

export class Network extends nn.Module {
  blocks = new nn.Sequential(block(1, 16), block(16, 32));
  dropout = new nn.Dropout({ p: 0.3 });
  output = new nn.Linear(2 * 2 * 32, 10);

  /** From images (count, 64) to the logits of the classes, (count, 10). */
  forward(images: mx.array): mx.array {
    // Channels come last: one, of grey.
    const features = this.blocks.forward(images.reshape([-1, 8, 8, 1]));
    return this.output.forward(this.dropout.forward(features.flatten({ startAxis: 1 })));
  }
}
