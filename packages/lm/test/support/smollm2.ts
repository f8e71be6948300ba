import { mx } from "mlx-js";
import { Tokenizer } from "mlx-js-lm";
import { models } from "../../../../scripts/models.mjs";

/** The tokenizer of SmolLM2-135M-Instruct, from the metadata of its GGUF. */
export function smollm2Tokenizer(): Tokenizer {
  const [, metadata] = mx.load(models().smollm2, { format: "gguf", returnMetadata: true });
  const list = (name: string) => metadata[`tokenizer.ggml.${name}`] as string[];
  const tokens = list("tokens");
  const types = (metadata["tokenizer.ggml.token_type"] as mx.array).tolist() as number[];
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  return new Tokenizer(
    {
      added_tokens: tokens.flatMap((content, id) =>
        types[id] === 3 ? [{ id, content, special: true, ...special }] : [],
      ),
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel],
      },
      decoder: byteLevel,
      model: {
        type: "BPE",
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: list("merges"),
      },
    },
    {
      bos_token: "<|im_start|>",
      eos_token: "<|im_end|>",
      chat_template: metadata["tokenizer.chat_template"],
    },
  );
}
