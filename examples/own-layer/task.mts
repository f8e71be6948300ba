/** Rows of vectors, of which the one that is marked has the answer. */
import { mx, nn, optim } from "mlx-js";
import type { Reader } from "./pool.mjs";

export interface Rows {
  /** Shape (batch, length, 8): the answer, a mark and noise. */
  x: mx.array;
  /** Which vectors a row has, shape (batch, length). */
  mask: mx.array;
  /** What is to be read from each row, shape (batch). */
  answer: mx.array;
}

/** Rows of 1 to `length` vectors each; what lies beyond them must not be read, and is marked. */
export function makeRows(batch: number, length: number, key: mx.array): Rows {
  const [noise, lengths, marked] = mx.random.split(key, 3);
  const x = mx.random.normal([batch, length, 8], null, { key: noise });
  const count = mx.random.randint(1, length + 1, [batch, 1], null, { key: lengths });
  const mask = mx.arange(length).less(count);
  const place = mx.random.randint(0, count, [batch, 1], null, { key: marked });
  const mark = mask.logicalNot().logicalOr(mx.arange(length).equal(place));
  const marks = mx.where(mark, 3, -3).get("...", null);
  const vectors = mx.concatenate([x.get("...", ":1"), marks, x.get("...", "2:")], 2);
  const answer = mx.takeAlongAxis(x.get("...", 0), place, 1).squeeze(1);
  return { x: vectors, mask, answer };
}

/** Trains for some steps, and gives the loss of each. */
export function train(model: Reader, steps: number): number[] {
  const optimizer = new optim.Adam(0.02);
  const lossAndGradients = nn.valueAndGrad(model, ({ x, mask, answer }: Rows) =>
    nn.losses.mseLoss(model.forward(x, { mask }), answer),
  );
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = mx.tidy(() => {
      const [loss, gradients] = lossAndGradients(makeRows(64, 6, mx.random.key(step)));
      optimizer.update(model, gradients);
      return loss;
    });
    mx.eval(loss, model, optimizer.state);
    losses.push(loss.item());
  }
  return losses;
}
