import { mx } from "mlx-js";
import {
  asCount,
  asLength,
  asNumber,
  asPositive,
  count,
  kind,
  kindOf,
  mismatch,
  notNegative,
  optionsOf,
  outOfRange,
  positive,
} from "mlx-js/options";
import { asFraction, fraction } from "./options.js";

/** Chooses tokens: takes log probabilities (batch, vocab), and gives tokens (batch). */
export type Sampler = (logprobs: mx.array) => mx.array;

/**
 * Changes logits before a token is chosen.
 *
 * @param tokens The last token of the prompt and those that were generated, of shape (length).
 * @param logits Of shape (1, vocab).
 * @returns the logits to go on with.
 */
export type LogitsProcessor = (tokens: mx.array, logits: mx.array) => mx.array;

/** Options of {@link makeSampler}. */
export interface SamplerOptions {
  /** How even the choice is: 1 as the model says, 0 always the likeliest token. By default 0. */
  temperature?: number | undefined;
  /** Choose among this many of the likeliest tokens. By default among all. */
  topK?: number | undefined;
  /** Choose among the likeliest tokens that have this probability together. By default 1, all. */
  topP?: number | undefined;
  /** Choose among tokens with at least this part of the likeliest one's probability. By default 0. */
  minP?: number | undefined;
  /** Makes the choice the same each time. By default it goes on from the state of `mx.random`. */
  seed?: number | bigint | undefined;
}

function asSeed(seed: unknown, fn: string, param: string): number | bigint {
  if (typeof seed !== "number" && typeof seed !== "bigint") {
    throw mismatch(fn, param, "an integer", seed);
  }
  const isWhole = typeof seed === "bigint" || Number.isInteger(seed);
  if (!isWhole || seed < 0 || seed >= 2 ** 64) {
    throw outOfRange(fn, param, "an integer of 64 bits that is not negative", seed);
  }
  return seed;
}

export const samplerOptions = {
  temperature: notNegative(0),
  topK: count(),
  topP: fraction(1),
  minP: fraction(0),
  seed: kindOf(asSeed)(),
};

const readSampler = optionsOf<SamplerOptions>()("makeSampler", samplerOptions);

const never = Number.NEGATIVE_INFINITY;

/** The log probabilities of the `count` likeliest tokens; the others never come. */
export function applyTopK(logprobs: mx.array, count: number): mx.array {
  asCount(count, "applyTopK", "count");
  if (count >= logprobs.dim(-1)) {
    return logprobs;
  }
  const others = mx
    .argpartition(logprobs.negative(), count - 1, -1)
    .get("...", new mx.Slice(count));
  return mx.putAlongAxis(logprobs, others, mx.array(never, logprobs.dtype), -1);
}

/** The log probabilities of the likeliest tokens that have the probability `p` together. */
export function applyTopP(logprobs: mx.array, p: number): mx.array {
  asFraction(p, "applyTopP", "p");
  const order = mx.argsort(logprobs, -1);
  const sums = mx.cumsum(mx.takeAlongAxis(mx.exp(logprobs), order, -1), -1);
  // Back in the order of the tokens.
  const ranks = mx.putAlongAxis(
    mx.zerosLike(order),
    order,
    mx.arange(0, order.dim(-1), 1, order.dtype).reshape([1, -1]),
    -1,
  );
  return mx.where(mx.takeAlongAxis(sums, ranks, -1).greater(1 - p), logprobs, never);
}

/** The log probabilities of tokens with at least `p` times the probability of the likeliest. */
export function applyMinP(logprobs: mx.array, p: number): mx.array {
  asFraction(p, "applyMinP", "p");
  const least = logprobs.max(-1, { keepdims: true }).add(Math.log(p));
  return mx.where(logprobs.less(least), never, logprobs);
}

/** Random keys, one after the other, from a seed. */
class Keys extends mx.Owner {
  readonly #seed: number | bigint;
  key: mx.array | undefined;

  constructor(seed: number | bigint) {
    super();
    this.#seed = seed;
  }

  next(): mx.array {
    const keys = mx.random.split(this.key ?? mx.random.key(this.#seed));
    this.key?.dispose();
    this.key = keys.get(0);
    return keys.get(1);
  }
}

/**
 * Makes what chooses the next token. The limits are applied as in mlx-lm: `topP`, `minP`, `topK`, and
 * then the temperature.
 *
 * @returns a function of log probabilities; with a seed it can be disposed.
 * @example
 * makeSampler()(mx.array([[-3, -0.1, -4]]))
 * // array([1], dtype=uint32)
 */
export function makeSampler(options?: SamplerOptions): Sampler & Partial<Disposable> {
  return samplerOf(readSampler(options));
}

/** The same, of options that were read. */
export function samplerOf(options: ReturnType<typeof readSampler>): Sampler & Partial<Disposable> {
  const { temperature, topK, topP, minP, seed } = options;
  if (temperature === 0) {
    return (logprobs) => mx.argmax(logprobs, -1);
  }
  const keys = seed === undefined ? undefined : new Keys(seed);
  // Finite, and not 0, in all dtypes: beyond, all tokens are as likely as each other, or only one is, as it is.
  const sharpness = Math.min(Math.max(1 / temperature, 1e-7), 6e4);
  const sample: Sampler = (logprobs) => {
    let chosen = logprobs;
    if (topP > 0 && topP < 1) {
      chosen = applyTopP(chosen, topP);
    }
    if (minP > 0) {
      chosen = applyMinP(chosen, minP);
    }
    if (topK !== undefined) {
      chosen = applyTopK(chosen, topK);
    }
    const scaled = chosen.multiply(sharpness);
    return mx.random.categorical(scaled, -1, null, { key: keys?.next() });
  };
  return keys === undefined
    ? sample
    : Object.assign(sample, { [Symbol.dispose]: () => keys.dispose() });
}

/** Options of {@link makeLogitsProcessors}. */
export interface LogitsProcessorOptions {
  /** What is added to the logits of tokens. */
  logitBias?: Readonly<Record<number, number>> | ReadonlyMap<number, number> | undefined;
  /** What the logits of tokens that were there are divided by, or multiplied with if negative. */
  repetitionPenalty?: number | undefined;
  /** How many of the last tokens count as having been there. By default 20. */
  repetitionContextSize?: number | undefined;
}

/** How many of the last tokens count as having been there, if nobody says it. */
const contextSizeByDefault = 20;

/** What is added to the logits of tokens. */
type Biases = ReadonlyMap<number, number>;

function asBiases(biases: unknown, fn: string, param: string): Biases {
  if (typeof biases !== "object" || biases === null || Array.isArray(biases)) {
    throw mismatch(fn, param, "a record or a Map of tokens and numbers", biases);
  }
  const entries = biases instanceof Map ? [...biases] : Object.entries(biases);
  const checked = entries.map(([key, value]): [number, number] => {
    const token = asLength(biases instanceof Map ? key : Number(key), fn, param);
    const bias = asNumber(value, fn, `${param}[${token}]`);
    if (Number.isNaN(bias)) {
      throw mismatch(fn, `${param}[${token}]`, "a number", bias);
    }
    if (bias === Number.POSITIVE_INFINITY) {
      throw outOfRange(fn, `${param}[${token}]`, "less than Infinity", bias);
    }
    return [token, bias];
  });
  return new Map(checked);
}

export const processorOptions = {
  logitBias: kind<Required<LogitsProcessorOptions>["logitBias"] & object, Biases>(asBiases),
  repetitionPenalty: positive(),
  repetitionContextSize: count(contextSizeByDefault),
};

const readProcessors = optionsOf<LogitsProcessorOptions>()(
  "makeLogitsProcessors",
  processorOptions,
);

/**
 * Adds to the logits of some tokens.
 *
 * @example
 * logitBias({ 1: 5 })(mx.array([0], mx.int32), mx.array([[1, 2, 3]]))
 * // array([[1, 7, 3]], dtype=float32)
 */
export function logitBias(
  biases: Readonly<Record<number, number>> | ReadonlyMap<number, number>,
): LogitsProcessor {
  return biasing(asBiases(biases, "logitBias", "biases"));
}

function biasing(biases: Biases): LogitsProcessor {
  const tokens = [...biases.keys()];
  const values = [...biases.values()];
  return (_, logits) => {
    const beyond = tokens.find((token) => token >= logits.dim(-1));
    if (beyond !== undefined) {
      throw outOfRange("logitBias", "biases", `tokens below ${logits.dim(-1)}`, beyond);
    }
    return tokens.length === 0
      ? logits
      : logits.at(":", tokens).add(mx.array(values, logits.dtype).reshape([1, -1]));
  };
}

/**
 * Makes tokens less likely that were there already (https://arxiv.org/abs/1909.05858).
 *
 * @param penalty What positive logits are divided by and negative ones multiplied with.
 * @param contextSize How many of the last tokens count.
 * @example
 * repetitionPenalty(2)(mx.array([0, 1], mx.int32), mx.array([[4, -4, 4]]))
 * // array([[2, -8, 4]], dtype=float32)
 */
export function repetitionPenalty(
  penalty: number,
  contextSize = contextSizeByDefault,
): LogitsProcessor {
  asPositive(penalty, "repetitionPenalty", "penalty");
  asCount(contextSize, "repetitionPenalty", "contextSize");
  return (tokens, logits) => {
    if (tokens.size === 0) {
      return logits;
    }
    const recent = tokens.get(new mx.Slice(-contextSize)).reshape([1, -1]);
    const seen = mx.takeAlongAxis(logits, recent, -1);
    const lowered = mx.where(seen.less(0), seen.multiply(penalty), seen.divide(penalty));
    return mx.putAlongAxis(logits, recent, lowered, -1);
  };
}

/** The processors that options ask for, in mlx-lm's order. */
export function makeLogitsProcessors(options?: LogitsProcessorOptions): LogitsProcessor[] {
  return processorsOf(readProcessors(options));
}

/** The same, of options that were read. */
export function processorsOf(options: ReturnType<typeof readProcessors>): LogitsProcessor[] {
  const { logitBias, repetitionPenalty: penalty, repetitionContextSize } = options;
  return [
    ...(logitBias === undefined ? [] : [biasing(logitBias)]),
    ...(penalty === undefined ? [] : [repetitionPenalty(penalty, repetitionContextSize)]),
  ];
}
