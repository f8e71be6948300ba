import { mx } from "mlx-js";
import {
  applyMinP,
  applyTopK,
  applyTopP,
  logitBias,
  makeLogitsProcessors,
  makeSampler,
  repetitionPenalty,
} from "mlx-js-lm";
import { describe, expect, test } from "vitest";

// Probabilities 0.5, 0.05, 0.3, 0.15, in the order of the tokens.
const probabilities = [0.5, 0.05, 0.3, 0.15];
const logprobs = mx.log(mx.array([probabilities]));

/** The tokens that can come. */
function kept(x: mx.array): number[] {
  const [row = []] = x.tolist<number[][]>();
  return row.flatMap((value, token) => (value === Number.NEGATIVE_INFINITY ? [] : [token]));
}

describe("limits", () => {
  test.each([
    ...[1, 2, 3, 4, 9].map((k, i) => [applyTopK, k, [[0], [0, 2], [0, 2, 3]][i] ?? [0, 1, 2, 3]]),
    [applyTopP, 0.4, [0]],
    [applyTopP, 0.6, [0, 2]],
    [applyTopP, 0.9, [0, 2, 3]],
    [applyTopP, 0.99, [0, 1, 2, 3]],
    [applyMinP, 0.7, [0]],
    [applyMinP, 0.5, [0, 2]],
    [applyMinP, 0.2, [0, 2, 3]],
  ] as [(x: mx.array, limit: number) => mx.array, number, number[]][])(
    "%o of %d keeps %j",
    (apply, limit, tokens) => {
      expect(kept(apply(logprobs, limit))).toEqual(tokens);
    },
  );
});

test.each<[() => unknown, RegExp]>([
  [() => applyTopK(logprobs, 0), /\[applyTopK\] count: expected a positive integer/],
  [() => applyTopK(logprobs, 1.5), /\[applyTopK\] count: expected an integer/],
  [() => applyTopP(logprobs, 2), /\[applyTopP\] p: expected a number from 0 to 1, received 2/],
  [() => applyMinP(logprobs, "x" as never), /\[applyMinP\] p: expected a number, received "x"/],
])("limits that are none: %s", (call, message) => {
  expect(call).toThrow(message);
});

test("a temperature makes the choice more even, or less", () => {
  const shares = (temperature: number) => {
    const sampler = makeSampler({ temperature, seed: 5 });
    const counts = [0, 0, 0, 0];
    const many = mx.broadcastTo(logprobs, [4000, 4]);
    for (const token of sampler(many).tolist<number[]>()) {
      counts[token] = (counts[token] ?? 0) + 1 / 4000;
    }
    sampler[Symbol.dispose]?.();
    return counts;
  };
  for (const temperature of [0.5, 1, 2]) {
    const weights = probabilities.map((p) => p ** (1 / temperature));
    const sum = weights.reduce((a, b) => a + b);
    for (const [token, share] of shares(temperature).entries()) {
      expect(share).toBeCloseTo((weights[token] ?? 0) / sum, 1);
    }
  }
  expect(makeSampler()(logprobs).tolist()).toEqual([0]);
  const only = makeSampler({ temperature: 9, topK: 3, topP: 0.9, minP: 0.9 });
  expect(only(logprobs).tolist()).toEqual([0]);
});

describe("logits processors", () => {
  const logits = mx.array([[4, -4, 2, -2]]);

  test("a bias is added", () => {
    const biased = [2, 5, 2, -Infinity];
    const biases = { 0: -2, 1: 9, 3: -Infinity };
    expect(logitBias(biases)(mx.array([0]), logits).tolist()).toEqual([biased]);
    const map = new Map(Object.entries(biases).map(([token, bias]) => [Number(token), bias]));
    expect(logitBias(map)(mx.array([0]), logits).tolist()).toEqual([biased]);
  });

  test("a penalty counts each of the last tokens once", () => {
    const tokens = mx.array([2, 1, 0, 1], mx.int32);
    expect(repetitionPenalty(2)(tokens, logits).tolist()).toEqual([[2, -8, 1, -2]]);
    expect(repetitionPenalty(2, 2)(tokens, logits).tolist()).toEqual([[2, -8, 2, -2]]);
    const none = mx.array([], mx.int32);
    expect(repetitionPenalty(2)(none, logits).tolist()).toEqual(logits.tolist());
    expect(logits.tolist()).toEqual([[4, -4, 2, -2]]);
  });

  test("options make them in mlx-lm's order", () => {
    const options = { logitBias: { 0: 4 }, repetitionPenalty: 2, repetitionContextSize: 1 };
    const processors = makeLogitsProcessors(options);
    const tokens = mx.array([1, 0], mx.int32);
    const changed = processors.reduce((x, processor) => processor(tokens, x), logits);
    expect(changed.tolist()).toEqual([[4, -4, 2, -2]]);
    expect(makeLogitsProcessors()).toEqual([]);
    expect(() => makeLogitsProcessors({ logitsBias: {} } as never)).toThrow(
      /did you mean "logitBias"/,
    );
    expect(() => makeSampler({ temp: 1 } as never)).toThrow(/did you mean "temperature"/);
  });
});
