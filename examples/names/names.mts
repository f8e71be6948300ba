/** First names, a letter at a time: what they are read from, and a model that reads and writes them. */
import { readFileSync } from "node:fs";
import { mx, nn, type optim } from "mlx-js";

const letters = ".abcdefghijklmnopqrstuvwxyz"; // the dot begins and ends a name

/** Names as letters, (count, longest + 2): a dot, the letters, and dots to the end. */
export function encode(names: readonly string[]): mx.array {
  const length = Math.max(...names.map((name) => name.length)) + 2;
  const padded = names.map((name) => `.${name.toLowerCase()}`.padEnd(length, "."));
  return mx.array(
    padded.map((name) => Array.from(name, (letter) => letters.indexOf(letter))),
    mx.int32,
  );
}

/** The names of a file in two parts: every tenth one is held out. */
export function loadNames(file: string): { train: string[]; held: string[] } {
  const names = readFileSync(file, "utf8").trim().split("\n");
  return {
    train: names.filter((_, i) => i % 10 !== 0),
    held: names.filter((_, i) => i % 10 === 0),
  };
}

export class Names extends nn.Module {
  letters = new nn.Embedding(letters.length, 32);
  gru = new nn.GRU(32, 128);
  output = new nn.Linear(128, letters.length);

  /** From letters (count, length), and what was read before, to logits of the next ones, and what was read. */
  forward(x: mx.array, hidden: mx.array | null = null): [logits: mx.array, hidden: mx.array] {
    const states = this.gru.forward(this.letters.forward(x), { hidden });
    return [this.output.forward(states), states.get(":", -1)];
  }

  /** How surprising the letters are, and the dot that ends each name: the mean of -ln(probability). */
  loss(names: mx.array): mx.array {
    const [read, next] = [names.get(":", ":-1"), names.get(":", "1:")];
    // Of the dots, only the first one after a name counts.
    const weights = mx.logicalOr(next.notEqual(0), read.notEqual(0)).astype(mx.float32);
    const [logits] = this.forward(read);
    const losses = nn.losses.crossEntropy(logits, next, { weights });
    return losses.sum().divide(weights.sum());
  }

  /** Makes names up. At a low temperature they are likelier, and more alike. */
  write(count: number, temperature = 0.8): string[] {
    return mx.tidy(() => {
      let letter = mx.zeros([count, 1], mx.int32);
      let hidden: mx.array | null = null;
      const written: mx.array[] = [];
      for (let i = 0; i < 16; i++) {
        const [logits, state]: [mx.array, mx.array] = this.forward(letter, hidden);
        letter = mx.random.categorical(logits.divide(temperature)).astype(mx.int32);
        hidden = state;
        written.push(letter);
      }
      const rows = mx.concatenate(written, 1).tolist<number[][]>();
      return rows.map((row) => {
        const name =
          row
            .map((i) => letters[i])
            .join("")
            .split(".")[0] ?? "";
        return name.slice(0, 1).toUpperCase() + name.slice(1);
      });
    });
  }
}

/** Trains with each name once, in another order for each epoch, and gives the mean of the losses. */
export async function trainEpoch(
  model: Names,
  optimizer: optim.Optimizer,
  names: mx.array,
  epoch: number,
  size = 128,
): Promise<number> {
  const step = nn.valueAndGrad(model, (batch: mx.array) => model.loss(batch));
  const order = mx.random.permutation(names.dim(0), 0, { key: mx.random.key(epoch) });
  let total = 0;
  let steps = 0;
  for (; (steps + 1) * size <= names.dim(0); steps++) {
    const loss = mx.tidy(() => {
      const rows = order.get(`${steps * size}:${(steps + 1) * size}`);
      const [loss, gradients] = step(names.get(rows));
      optimizer.update(model, gradients);
      return loss;
    });
    await mx.asyncEval(loss, model, optimizer.state);
    total += loss.item();
  }
  return total / steps;
}
