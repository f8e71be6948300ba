/** A line through points, found by gradient descent. */
import { mx, nn, optim } from "mlx-js";

/** Points around the line y = 1.5 x - 0.5. */
export function makePoints(count: number, seed: number): [x: mx.array, y: mx.array] {
  mx.random.seed(seed);
  const x = mx.random.uniform(-2, 2, [count]);
  const noise = mx.random.normal([count], null, { scale: 0.3 });
  return [x, x.multiply(1.5).subtract(0.5).add(noise)];
}

/** The line that is nearest to the points, and the loss of each step. */
export function fitLine(x: mx.array, y: mx.array, steps: number) {
  let line = { slope: mx.array(0), intercept: mx.array(0) };
  const lossAndGradients = mx.valueAndGrad(({ slope, intercept }: typeof line) =>
    nn.losses.mseLoss(x.multiply(slope).add(intercept), y),
  );
  const optimizer = new optim.SGD(0.1, { momentum: 0.5 });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const [loss, gradients] = lossAndGradients(line);
    line = optimizer.applyGradients(gradients, line);
    mx.eval(loss, line, optimizer.state);
    losses.push(loss.item());
  }
  return { slope: line.slope.item(), intercept: line.intercept.item(), losses };
}
