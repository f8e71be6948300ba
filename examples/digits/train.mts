/** A classifier of digits: training, accuracy, and files to go on from. */
import { mx, nn, type optim, utils } from "mlx-js";
import { batches, type Digits } from "./data.mjs";

export class Classifier extends nn.Module {
  hidden = new nn.Linear(64, 64);
  output = new nn.Linear(64, 10);

  /** From images (count, 64) to the logits of the classes, (count, 10). */
  forward(images: mx.array): mx.array {
    return this.output.forward(nn.relu(this.hidden.forward(images)));
  }
}

const batchSize = 50;

export function stepsInEpoch({ labels }: Digits): number {
  return Math.floor(labels.size / batchSize);
}

/** Trains for an epoch, and gives the loss of each step. */
export async function trainEpoch(
  model: nn.UnaryLayer,
  optimizer: optim.Optimizer,
  digits: Digits,
  epoch: number,
): Promise<number[]> {
  const lossAndGradients = nn.valueAndGrad(model, ({ images, labels }: Digits) =>
    nn.losses.crossEntropy(model.forward(images), labels, { reduction: "mean" }),
  );
  const losses: number[] = [];
  for (const batch of batches(digits, batchSize, epoch)) {
    const loss = mx.tidy(() => {
      const [loss, gradients] = lossAndGradients(batch);
      optimizer.update(model, gradients);
      return loss;
    });
    await mx.asyncEval(loss, model, optimizer.state);
    losses.push(loss.item());
  }
  return losses;
}

/** The share of digits that the model reads rightly. */
export function accuracy(model: nn.UnaryLayer, { images, labels }: Digits): number {
  return mx.tidy(() => model.forward(images).argmax(-1).equal(labels).mean().item());
}

/** Writes the parameters and what the optimizer remembers to a folder. */
export function save(folder: string, model: Classifier, optimizer: optim.Optimizer): void {
  model.saveWeights(`${folder}/model.safetensors`);
  const state = utils.treeFlatten(optimizer.state, { destination: {} });
  mx.saveSafetensors(`${folder}/optimizer.safetensors`, state);
}

/** Reads what {@link save} wrote. */
export function restore(folder: string, model: Classifier, optimizer: optim.Optimizer): void {
  model.loadWeights(`${folder}/model.safetensors`);
  optimizer.state = utils.treeUnflatten(mx.load(`${folder}/optimizer.safetensors`));
}
