import { mx, nn } from "mlx-js";
import { type Cache, Config, LanguageModel, type TextModel, Tokenizer } from "mlx-js-lm";

/** Letters, a space and an end. */
export const letters = "abcdefghijklmnopqrstuvwxyz .";

/**
 * A model whose next token is known: after a letter comes the one three further in the alphabet, and almost
 * as likely is the one after that. Its caches are filled as a model's are, and all that is in them is computed.
 */
export class Stub extends LanguageModel {
  table: nn.Embedding;
  calls: number[] = [];

  constructor(contextLength = 1 << 20) {
    super(
      new Config(
        { vocab_size: letters.length, max_position_embeddings: contextLength },
        "the stub",
      ),
    );
    this.table = new nn.Embedding(letters.length, letters.length);
    this.table.weight = mx.eye(letters.length);
  }

  override get depth(): number {
    return 2;
  }

  override forward(tokens: mx.array, caches?: readonly Cache[]): mx.array {
    this.calls.push(tokens.dim(1));
    const x = this.table.forward(tokens);
    let seen = mx.array(0);
    for (const cache of caches ?? []) {
      const width = 32 - letters.length;
      const keys = mx.expandDims(
        mx.pad(x, [
          [0, 0],
          [0, 0],
          [0, width],
        ]),
        1,
      );
      const all = cache.update(keys, keys);
      seen = seen.add(all.keys.sum()).add(all.values.sum());
    }
    const next = mx.roll(x, 3, -1).multiply(4);
    const near = mx.roll(x, 4, -1).multiply(3);
    return next.add(near).add(seen.multiply(0));
  }
}

const joined = "{% for m in messages %}{{ m.content }}{% endfor %}";

/** A tokenizer of single letters, in which the dot ends a text. */
export function letterTokenizer(chatTemplate = joined): Tokenizer {
  return new Tokenizer(
    {
      added_tokens: [{ id: letters.indexOf("."), content: ".", special: true }],
      pre_tokenizer: { type: "Split", pattern: { Regex: "." }, behavior: "Isolated" },
      decoder: { type: "Fuse" },
      model: {
        type: "BPE",
        vocab: Object.fromEntries([...letters].map((letter, id) => [letter, id])),
        merges: [],
      },
    },
    { eos_token: ".", chat_template: chatTemplate },
  );
}

export function stub(contextLength?: number): TextModel & { model: Stub } {
  return { model: new Stub(contextLength), tokenizer: letterTokenizer() };
}
