import { mx } from "mlx-js";
import { Embedder } from "mlx-js-lm";
import { expect, test } from "vitest";
import { best, likeness, passages } from "../../examples/search/search.mjs";
import { models } from "../../scripts/models.mjs";

test("passages are paragraphs of the chapters, in one line each", () => {
  const all = passages();
  expect(all.length).toBe(1893);
  expect(all[0]).toMatchObject({ chapter: 1, title: "Loomings." });
  expect(all[0]?.text).toMatch(/^Call me Ishmael\. Some years ago—never mind/);
  expect(all.at(-1)?.chapter).toBe(135);
  expect(all.filter(({ text }) => /\n|^ | $/.test(text) || text.split(" ").length < 20)).toEqual(
    [],
  );
  expect(passages(200).length).toBeLessThan(all.length / 2);
});

test("the largest values come first, as many as there are", () => {
  expect(best([0.1, 0.9, -1, 0.5], 2)).toEqual([1, 3]);
  expect(best([0.1, 0.9], 5)).toEqual([1, 0]);
});

test("a question finds the passage of its meaning, and leaves no array", async () => {
  using embedder = await Embedder.load(models().minilm);
  const texts = [
    "The harpooneer sold embalmed heads in the town.",
    "A volley of thunder peals rolled overhead, and the masts burned like candles.",
    "He ate his chowder, and asked for more of it.",
  ];
  using vectors = await embedder.embed(texts);
  const before = mx.memory().arrays;
  const storm = await likeness(embedder, "lightning in a storm", vectors);
  const food = await likeness(embedder, "a meal of soup", vectors);
  expect(mx.memory().arrays).toBeLessThanOrEqual(before);
  expect([best(storm, 1), best(food, 1)]).toEqual([[1], [2]]);
  expect(Math.max(...storm, ...food)).toBeLessThan(1);
});
