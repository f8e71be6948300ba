/** Low-rank adapters by hand: LoRA of Hu et al. (2021), https://arxiv.org/abs/2106.09685. */
import { mx, nn, utils } from "mlx-js";
import type { Digits } from "../digits/data.mjs";
import type { Classifier } from "../digits/train.mjs";

/** A frozen linear layer, and a product of two narrow matrices beside it that learns. */
export class LoRALinear extends nn.Module {
  readonly linear: nn.Linear;
  a: mx.array;
  b: mx.array;
  readonly scale: number;

  constructor(linear: nn.Linear, rank: number, scale = 2) {
    super();
    const [outputDims, inputDims] = [linear.weight.dim(0), linear.weight.dim(1)];
    this.linear = linear.freeze();
    this.a = mx.random.normal([inputDims, rank], null, { scale: inputDims ** -0.5 });
    // With zeros, the layer begins as the one that it adapts.
    this.b = mx.zeros([rank, outputDims]);
    this.scale = scale;
  }

  forward(x: mx.array): mx.array {
    const change = x.matmul(this.a).matmul(this.b).multiply(this.scale);
    return this.linear.forward(x).add(change);
  }

  /** A linear layer that gives the same, with the adapter in its weight. */
  fused(): nn.Linear {
    const change = this.a.matmul(this.b).transpose().multiply(this.scale);
    const linear = new nn.Linear(this.a.dim(0), this.b.dim(1), {
      bias: this.linear.bias !== undefined,
    });
    linear.update({ ...this.linear.parameters(), weight: this.linear.weight.add(change) });
    return linear;
  }
}

/** The classifier of digits, frozen, with an adapter at each layer. */
export class Adapted extends nn.Module {
  readonly hidden: LoRALinear;
  readonly output: LoRALinear;

  constructor({ hidden, output }: Classifier, rank: number) {
    super();
    this.hidden = new LoRALinear(hidden, rank);
    this.output = new LoRALinear(output, rank);
  }

  forward(images: mx.array): mx.array {
    return this.output.forward(nn.relu(this.hidden.forward(images)));
  }

  /** Writes the adapters, and nothing of what is frozen. */
  saveAdapters(file: string): void {
    const adapters = utils.treeFlatten(this.trainableParameters(), { destination: {} });
    mx.saveSafetensors(file, adapters);
  }

  /** Reads what {@link saveAdapters} wrote. */
  loadAdapters(file: string): this {
    // What is frozen is not in the file.
    return this.loadWeights(file, { strict: false });
  }
}

/** How many numbers a tree of arrays has. */
export function count(tree: unknown): number {
  return utils.treeReduce((sum, x: mx.array) => sum + x.size, tree, 0);
}

/** The digits with rows and columns exchanged, which the classifier has not learned to read. */
export function mirrored({ images, labels }: Digits): Digits {
  return { images: images.reshape([-1, 8, 8]).transpose([0, 2, 1]).reshape([-1, 64]), labels };
}
