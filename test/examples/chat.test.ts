import { mx } from "mlx-js";
import { load } from "mlx-js-lm";
import { expect, test } from "vitest";
import { calculate, converse, examples, parseToolCalls } from "../../examples/chat/chat.mjs";
import { models } from "../../scripts/models.mjs";

test("calls are found in answers, and nothing else is one", () => {
  expect(parseToolCalls("calculate(12 + 30) calculate(4 / 5)")).toEqual([
    { name: "calculate", arguments: { a: 12, operation: "+", b: 30 } },
    { name: "calculate", arguments: { a: 4, operation: "/", b: 5 } },
  ]);
  expect(parseToolCalls("calculate(process.exit()) calculate(1 ** 2) 1 + 2")).toEqual([]);
  expect(calculate.run({ a: 1, operation: "**", b: 2 })).toBe(undefined);
});

test("what the model is shown is right", () => {
  const texts = examples.map(({ content }) => String(content));
  const results = texts.flatMap((text, i) =>
    parseToolCalls(text).map(({ arguments: sum }) => {
      const result = calculate.run(sum as Parameters<typeof calculate.run>[0]);
      expect(texts.slice(i + 1, i + 3)).toEqual([`${result}`, `The result is ${result}`]);
      return result;
    }),
  );
  expect(results).toEqual([42, 56, 99, 125]);
});

test("the model asks for the tool where it has to calculate, and leaves no array", async () => {
  const before = mx.memory().arrays;
  {
    using loaded = await load(models().smollm2);
    const pieces: string[] = [];
    const questions = ["What is the capital of France?", "What is 317 times 28?"];
    await converse(loaded, questions, (piece) => pieces.push(piece));
    expect(pieces.join("")).toBe(
      "The capital of France is Paris.\ncalculate(317 * 28)\nThe result is 8876\n",
    );
    expect(pieces.length).toBeGreaterThan(15);
  }
  expect(mx.memory().arrays).toBeLessThanOrEqual(before);
}, 180_000);
