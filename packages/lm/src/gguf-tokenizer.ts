import { failure } from "./errors.js";
import type { Metadata } from "./gguf-metadata.js";
import type { Json, TokenizerOptions } from "./tokenizer.js";
import { stepsAtOnce, type Work } from "./turns.js";

/** What a {@link Tokenizer} is made of. */
export interface TokenizerParts {
  tokenizer: Json;
  config: Json;
  options: TokenizerOptions;
}

/** The numbers of tokens. */
type Vocab = ReadonlyMap<string, number>;

/** What files say for a token that they do not have: -1 in 32 bits. */
const none = 2 ** 32 - 1;

/** What ends a turn of the models that say so by a token of their own, which many files do not name as one that ends a text. */
const endings = [
  ...["<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"],
  ...["<|end_of_text|>", "<EOT>"],
];

/** What kind of token one is, by GGUF's numbers. */
const kinds = { unknown: 2, control: 3, userDefined: 4 };

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };

/** Cuts by an expression first, then makes characters of bytes. */
function splitBy(expression: string): Json {
  return {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: expression }, behavior: "Isolated", invert: false },
      { ...byteLevel, use_regex: false },
    ],
  };
}

/** The expression of GPT-4's tokenizer, with so many digits to a token. */
function modern(digits: string): string {
  return (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
    `\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
  );
}

/** How texts are cut into words before tokens are made, by `tokenizer.ggml.pre`. */
const preTokenizers: Readonly<Record<string, Json>> = {
  "gpt-2": { ...byteLevel, use_regex: true },
  olmo: { ...byteLevel, use_regex: true },
  smollm: {
    type: "Sequence",
    pretokenizers: [
      { type: "Digits", individual_digits: true },
      { ...byteLevel, use_regex: true },
    ],
  },
  dbrx: splitBy(modern("{1,3}")),
  "llama-bpe": splitBy(modern("{1,3}")),
  qwen2: splitBy(modern("")),
};

/** Other names of the same. */
const aliases: Readonly<Record<string, string>> = {
  "deepseek-r1-qwen": "qwen2",
  falcon3: "llama-bpe",
  "llama-v3": "llama-bpe",
  llama3: "llama-bpe",
  "phi-2": "gpt-2",
};

/** By which of these rules a file's texts are cut. */
function rulesOf(metadata: Metadata): string {
  const name = metadata.text("tokenizer.ggml.pre") ?? "gpt-2";
  return (Object.hasOwn(aliases, name) ? aliases[name] : undefined) ?? name;
}

/** Tokens of bytes: GPT-2's way, as most models of today have it. */
function byteLevelModel(metadata: Metadata, vocab: Vocab, source: string): Json {
  const name = rulesOf(metadata);
  const preTokenizer = Object.hasOwn(preTokenizers, name) ? preTokenizers[name] : undefined;
  if (preTokenizer === undefined) {
    const known = Object.keys(preTokenizers).join(", ");
    throw failure(
      "ERR_MLX_LM_TOKENIZER",
      `${source}: the tokenizer cuts texts by the rules of "${name}", which are not known here. ` +
        `Known are ${known}. Load the model's folder with tokenizer.json instead.`,
    );
  }
  return {
    normalizer: name === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: preTokenizer,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab,
      merges: metadata.texts("tokenizer.ggml.merges") ?? [],
      ignore_merges: name === "llama-bpe",
      byte_fallback: false,
    },
  };
}

/** The pairs that SentencePiece would join, those of the best scores first. */
function* mergesOf(
  tokens: readonly string[],
  scores: readonly number[],
  vocab: Vocab,
): Work<string[][]> {
  const scoreOf = (id: number) => scores[id] ?? 0;
  const best = [...tokens.entries()].sort(([a], [b]) => scoreOf(b) - scoreOf(a) || a - b);
  const merges: string[][] = [];
  for (const [i, [, token]] of best.entries()) {
    const characters = Array.from(token);
    const pairs: { pair: string[]; left: number; right: number }[] = [];
    for (let cut = 1; cut < characters.length; cut++) {
      const pair = [characters.slice(0, cut).join(""), characters.slice(cut).join("")];
      const [left, right] = pair.map((part) => vocab.get(part));
      if (left !== undefined && right !== undefined) {
        pairs.push({ pair, left, right });
      }
    }
    pairs.sort((a, b) => a.left - b.left || a.right - b.right);
    merges.push(...pairs.map(({ pair }) => pair));
    if (i % stepsAtOnce === 0) {
      yield;
    }
  }
  return merges;
}

/** Tokens of characters, and of bytes where there is none: SentencePiece's way. */
function* sentencePieceModel(
  metadata: Metadata,
  tokens: readonly string[],
  vocab: Vocab,
): Work<Json> {
  const prefixed = metadata.flag("tokenizer.ggml.add_space_prefix") ?? true;
  const unknown = metadata.number("tokenizer.ggml.unknown_token_id") ?? 0;
  const spaces = { type: "Replace", pattern: { String: " " }, content: "▁" };
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [...(prefixed ? [{ type: "Prepend", prepend: "▁" }] : []), spaces],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefixed ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      vocab,
      merges: yield* mergesOf(tokens, metadata.numbers("tokenizer.ggml.scores") ?? [], vocab),
      unk_token: tokens[unknown],
      fuse_unk: true,
      byte_fallback: true,
    },
  };
}

/** Puts the token that begins a text before it. */
function beginWith(token: string, id: number): Json {
  const special = { SpecialToken: { id: token, type_id: 0 } };
  const sequence = (name: string) => ({ Sequence: { id: name, type_id: 0 } });
  return {
    type: "TemplateProcessing",
    single: [special, sequence("A")],
    pair: [special, sequence("A"), sequence("B")],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

/**
 * The tokenizer that a GGUF file describes, made in pieces: it has many tokens. Undefined if the
 * file has none.
 */
export function* tokenizerOf(metadata: Metadata, source: string): Work<TokenizerParts | undefined> {
  const kind = metadata.text("tokenizer.ggml.model");
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  if (kind === undefined || tokens === undefined) {
    return undefined;
  }
  if (kind !== "gpt2" && kind !== "llama") {
    throw failure(
      "ERR_MLX_LM_TOKENIZER",
      `${source}: the tokenizer is of the kind "${kind}", and known are gpt2 and llama. Load the ` +
        "model's folder with tokenizer.json instead.",
    );
  }
  const vocab = new Map<string, number>();
  const types = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  const added: Json[] = [];
  for (const [id, content] of tokens.entries()) {
    vocab.set(content, id);
    const special = types[id] === kinds.unknown || types[id] === kinds.control;
    if (special || types[id] === kinds.userDefined) {
      const whole = { single_word: false, lstrip: false, rstrip: false, normalized: false };
      added.push({ ...whole, id, content, special });
    }
    if (id % stepsAtOnce === 0) {
      yield;
    }
  }
  const tokenOf = (name: string) => {
    const setting = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.number(setting);
    if (id === undefined || id === none) {
      return undefined;
    }
    const token = tokens[id];
    if (token === undefined) {
      const text = `${source}: expected ${setting} to be one of the ${tokens.length} tokens, received ${id}`;
      throw failure("ERR_MLX_LM_TOKENIZER", text);
    }
    return { id, token };
  };
  const begin = tokenOf("bos");
  const usual = kind === "llama" || rulesOf(metadata) === "llama-bpe";
  const begins = metadata.flag("tokenizer.ggml.add_bos_token") ?? usual;
  const model =
    kind === "gpt2"
      ? byteLevelModel(metadata, vocab, source)
      : yield* sentencePieceModel(metadata, tokens, vocab);
  const isEnding = ({ content }: Json) => endings.some((text) => text === content);
  const ends = [
    ...["eos", "eot"].flatMap((name) => tokenOf(name)?.id ?? []),
    ...added.filter(isEnding).map(({ id }) => Number(id)),
  ];
  return {
    tokenizer: {
      version: "1.0",
      added_tokens: added,
      post_processor: begins && begin !== undefined ? beginWith(begin.token, begin.id) : null,
      ...model,
    },
    config: {
      clean_up_tokenization_spaces: false,
      bos_token: begin?.token,
      eos_token: tokenOf("eos")?.token,
      unk_token: tokenOf("unknown")?.token,
    },
    options: { eosTokenIds: ends, chatTemplate: metadata.text("tokenizer.chat_template") },
  };
}
