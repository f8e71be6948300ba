/** Gives the text of tokens: what {@link StreamingDetokenizer} needs of a tokenizer. */
export type Decode = (tokens: readonly number[]) => string;

/** What stands where bytes are no text, or not yet. */
const unfinished = "\ufffd";

// A character has at most four bytes, so what is to come completes at most the last three tokens.
const mostUnfinished = 3;

/**
 * Makes text of tokens as they come. A character that several tokens make up is given when it is
 * whole, and the pieces together are the text of all tokens. The time for a token does not grow
 * with the text, since just the last few tokens are decoded again.
 *
 * @example
 * const words = ["Hello", ",", " world"];
 * const detokenizer = new StreamingDetokenizer((tokens) => tokens.map((i) => words[i]).join(""));
 * [0, 1, 2].map((token) => detokenizer.add(token))
 * // [ 'Hello', ',', ' world' ]
 */
export class StreamingDetokenizer {
  readonly #decode: Decode;
  /** Tokens whose text was given, since what follows a token may change its text: spaces, say. */
  #before: readonly number[] = [];
  /** Tokens whose text was not given yet. */
  #pending: number[] = [];

  constructor(decode: Decode) {
    this.#decode = decode;
  }

  /** Adds a token, and gives the text that is certain now and was not before. */
  add(token: number): string {
    this.#pending.push(token);
    const text = this.#text(this.#pending.length);
    if (!text.endsWith(unfinished)) {
      return this.#give(this.#pending.length, text);
    }
    // What can still change is at the end. Bytes before it are no text and never will be.
    for (let count = this.#pending.length - mostUnfinished; count > 0; count--) {
      const start = this.#text(count);
      if (start !== "" && text.startsWith(start)) {
        return this.#give(count, start);
      }
    }
    return "";
  }

  /** Gives the text of the tokens that are still pending, and begins anew. */
  finish(): string {
    const text = this.#pending.length === 0 ? "" : this.#text(this.#pending.length);
    this.#before = [];
    this.#pending = [];
    return text;
  }

  /** The text of the first pending tokens, after those before. */
  #text(count: number): string {
    const before = this.#before.length === 0 ? "" : this.#decode(this.#before);
    const all = this.#decode([...this.#before, ...this.#pending.slice(0, count)]);
    return all.slice(before.length);
  }

  #give(count: number, text: string): string {
    const given = this.#pending.splice(0, count);
    // Tokens without a text of their own say nothing about what follows.
    this.#before = text === "" ? [...this.#before, ...given].slice(-8) : given;
    return text;
  }
}
