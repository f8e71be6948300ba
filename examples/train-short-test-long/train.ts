/** Training: AdamW, warm-up and cosine decay, gradients clipped. */
import { mx, nn, optim } from "mlx-js";
import { type Batch, randomWindows } from "./data.js";
import type { Transformer } from "./model.js";

export interface TrainOptions {
  steps: number;
  /** Tokens in a window. */
  length: number;
  /** Windows in a step. */
  batch: number;
  /** The highest learning rate. */
  rate: number;
  /** Ends training after the step in progress. */
  signal: AbortSignal;
  onStep: (step: number, loss: number, tokensPerSecond: number) => void;
}

export interface Training {
  /** Steps done. */
  steps: number;
  /** The loss of each. */
  losses: number[];
  seconds: number;
  tokensPerSecond: number;
}

export async function train(
  model: Transformer,
  tokens: mx.array,
  { steps, length, batch, rate, signal, onStep }: TrainOptions,
): Promise<Training> {
  const warmUp = Math.ceil(steps / 10);
  const optimizer = new optim.AdamW(
    optim.joinSchedules(
      [
        optim.linearSchedule(0, rate, warmUp),
        optim.cosineDecay(rate, Math.max(1, steps - warmUp), { end: rate / 10 }),
      ],
      [warmUp],
    ),
    { weightDecay: 0.1 },
  );
  const lossAndGradients = nn.valueAndGrad(model, (...[inputs, targets]: Batch) =>
    nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "mean" }),
  );
  const losses: number[] = [];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const speed = () => (losses.length * batch * length) / elapsed();

  while (losses.length < steps && !signal.aborted) {
    // The scope frees the step's graph. What it builds is computed outside of
    // it: by then nothing holds the activations, and MLX reuses their memory.
    const loss = mx.tidy(() => {
      const [value, gradients] = lossAndGradients(...randomWindows(tokens, batch, length));
      const [clipped] = optim.clipGradNorm(gradients, 1);
      optimizer.update(model, clipped);
      return value;
    });
    // Waiting this way leaves the event loop to the progress bar and to Ctrl-C.
    await mx.asyncEval(loss, model, optimizer.state);
    const value = loss.item();
    loss.dispose();
    losses.push(value);
    onStep(losses.length, value, speed());
  }
  return { steps: losses.length, losses, seconds: elapsed(), tokensPerSecond: speed() };
}
