import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StreamingDetokenizer, Tokenizer } from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";
import { smollm2Tokenizer } from "./support/smollm2.js";
import { letterTokenizer } from "./support/stub.js";

interface Golden {
  message: string;
  prompt: number[];
  tokens: number[];
  text: string;
  encoded: { text: string; tokens: number[] }[];
}

// Of mlx-lm 0.32.2: written by reference/lm/smollm2.py.
const golden: Golden = JSON.parse(
  readFileSync(new URL("golden/smollm2.json", import.meta.url), "utf8"),
);
const byteLevel = smollm2Tokenizer();

/** As Llama 2's and Gemma's: spaces are ▁, and what is not in the vocabulary is bytes. */
function sentencePieces(strip: boolean): Tokenizer {
  const bytes = Array.from(
    { length: 256 },
    (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const pieces = ["<unk>", "<s>", "</s>", ...bytes, "▁", "▁He", "llo", "▁world", ",", "é"];
  return new Tokenizer({
    added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true })),
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(strip ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      byte_fallback: true,
      unk_token: "<unk>",
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: [],
    },
  });
}

/** The pieces that a detokenizer gives, and the rest. */
function stream(tokenizer: Tokenizer, tokens: readonly number[]): string[] {
  const detokenizer = tokenizer.detokenizer();
  return [...tokens.map((token) => detokenizer.add(token)), detokenizer.finish()];
}

test.each<[string, (tokenizer: Tokenizer) => unknown, RegExp]>([
  ["decode", (t) => t.decode("ab" as never), /tokens: expected a list of tokens, received "ab"/],
  ["decode", (t) => t.decode([1, -1]), /tokens\[1\]: expected an integer that is not negative/],
  ["decode", (t) => t.decode([0.5]), /tokens\[0\]: expected an integer/],
  ["decode", (t) => t.decode([1n] as never), /tokens\[0\]: expected an integer, received 1n/],
  [
    "decode",
    (t) => t.decode([1], { skip: true } as never),
    /expected skipSpecialTokens, received an option "skip"/,
  ],
  ["detokenizer", (t) => t.detokenizer({ skipSpecialTokens: 1 } as never), /expected a boolean/],
  ["encode", (t) => t.encode(5 as never), /text: expected a string, received 5/],
  ["encode", (t) => t.encode("a", { addSpecialTokens: "no" } as never), /expected a boolean/],
  ["encodePrompt", (t) => t.encodePrompt(5 as never), /text: expected a string, received 5/],
  ["applyChatTemplate", (t) => t.chatText([null] as never), /messages: expected a list of/],
  ["applyChatTemplate", (t) => t.chatText([], { tools: {} } as never), /tools: expected a list/],
  ["applyChatTemplate", (t) => t.chatText([], { variables: 5 } as never), /variables: expected/],
  ["applyChatTemplate", (t) => t.chatText([], { tool: [] } as never), /did you mean "tools"/],
])("%s refuses what is none of its arguments", (fn, call, message) => {
  const wrong = () => call(letterTokenizer());
  expect(wrong).toThrow(message);
  expect(wrong).toThrow(`[${fn}] `);
});

test("tokens that end a text are those of the tokenizer", () => {
  const json = { added_tokens: [], model: { type: "BPE", vocab: { a: 0, b: 3 }, merges: [] } };
  const ends = (eosTokenIds: unknown) => new Tokenizer(json, {}, { eosTokenIds } as never);
  expect([...ends([0, 3]).eosTokenIds]).toEqual([0, 3]);
  expect([...ends(3).eosTokenIds]).toEqual([3]);
  for (const none of [[], null, undefined]) {
    expect(ends(none).eosTokenIds.size).toBe(0);
  }
  for (const wrong of [-1, 4, 1, 0.5, Number.NaN, [0, 99], "a", ["a"], [null], {}]) {
    expect(() => ends(wrong)).toThrow(/^\[Tokenizer\] eosTokenIds: expected .*, received /);
  }
});

describe("a byte-level tokenizer", () => {
  test.each(golden.encoded)("gives Python's tokens for $text", ({ text, tokens }) => {
    expect(byteLevel.encode(text)).toEqual(tokens);
    expect(byteLevel.decode(tokens)).toBe(text);
  });

  test("gives Python's tokens for a conversation, which begins once", () => {
    const messages = [{ role: "user", content: golden.message }];
    expect(byteLevel.applyChatTemplate(messages)).toEqual(golden.prompt);
    expect(byteLevel.encodePrompt(byteLevel.chatText(messages))).toEqual(golden.prompt);
  });

  test("knows its special tokens, and tokens that it does not have are no text", () => {
    expect([...byteLevel.eosTokenIds]).toEqual([2]);
    expect(byteLevel.vocabSize).toBe(49152);
    expect(byteLevel.tokenToId("<|im_end|>")).toBe(2);
    expect(byteLevel.idToToken(2)).toBe("<|im_end|>");
    expect(byteLevel.idToToken(1e6)).toBeUndefined();
    const tokens = [1, ...byteLevel.encode("Hi"), 2, 1e6];
    expect(byteLevel.decode(tokens)).toBe("<|im_start|>Hi<|im_end|>");
    expect(byteLevel.decode(tokens, { skipSpecialTokens: true })).toBe("Hi");
    expect(byteLevel.decode([])).toBe("");
  });
});

describe("a vocabulary that is put in piece by piece", () => {
  // Its types are not for TypeScript's own resolution.
  const { Tokenizer: Engine } = createRequire(import.meta.url)("@huggingface/tokenizers");
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const pairs = [...letters].flatMap((x) => [...letters].map((y) => [x, y]));
  const added = [
    { id: 2, content: "<end>", special: true },
    { id: 3000, content: "ab", special: false },
  ];
  const split = { type: "Split", pattern: { Regex: "\\w+|." }, behavior: "Isolated" };
  const tokens = ["<unk>", "__proto__", "7", ...letters, ...pairs.map((pair) => pair.join(""))];
  const vocab = Object.fromEntries(tokens.map((token, i) => [token, i]));

  test.each([
    { type: "BPE", vocab, merges: pairs, unk_token: "<unk>", byte_fallback: true },
    { type: "BPE", vocab, merges: pairs.map((pair) => pair.join(" ")), ignore_merges: true },
    {
      ...{ type: "WordPiece", vocab, unk_token: "<unk>", continuing_subword_prefix: "" },
      max_input_chars_per_word: 9,
    },
  ])("is the one that $type has at once", (model) => {
    const json = { added_tokens: added, normalizer: null, pre_tokenizer: split, decoder: null };
    const whole = { ...json, post_processor: null, model };
    const engine = new Engine(whole, {});
    const tokenizer = new Tokenizer(whole);
    for (const text of ["hello", "7 ab__proto__", "abc<end>xyz!?", "abcdefghijklmnop é"]) {
      const { ids } = engine.encode(text);
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(ids.length === 0 ? "" : engine.decode(ids));
    }
    expect(tokenizer.vocabSize).toBe(new Set([...tokens, "<end>"]).size);
    for (const id of [0, 1, 2, 3, 99, 2999, 3000, 3001]) {
      expect(tokenizer.idToToken(id)).toBe(engine.id_to_token(id));
    }
  });
});

describe("a stream of tokens", () => {
  const texts = [
    ...golden.encoded.map(({ text }) => text),
    golden.text,
    "👩‍👩‍👧‍👦".repeat(20),
    "\ufffd is a character, too: \ufffd",
    "日本語 のテキスト",
  ];

  test.each(texts)("is the text of all, without half a character: %s", (text) => {
    for (const tokenizer of [byteLevel, sentencePieces(false), sentencePieces(true)]) {
      const tokens = tokenizer.encode(text, { addSpecialTokens: false });
      const pieces = stream(tokenizer, tokens);
      expect(pieces.join("")).toBe(tokenizer.decode(tokens));
      if (!text.includes("\ufffd")) {
        expect(pieces.filter((piece) => piece.includes("\ufffd"))).toEqual([]);
      }
    }
  });

  test("gives each character as soon as it is whole", () => {
    // An emoji of four bytes, a token each.
    const tokenizer = sentencePieces(true);
    const bytes = [...Buffer.from("a😀é")].map((byte) => byte + 3);
    expect(stream(tokenizer, bytes)).toEqual(["a", "", "", "", "😀", "", "é", ""]);
    const words = ["▁He", "llo", ",", "▁world", "▁", "▁", "▁world"];
    const tokens = words.map((word) => tokenizer.tokenToId(word) as number);
    expect(stream(tokenizer, tokens)).toEqual(["He", "llo", ",", " world", " ", " ", " world", ""]);
  });

  test("goes on after bytes that are no text, and gives what is unfinished at the end", () => {
    const tokenizer = sentencePieces(true);
    const id = (text: string) => tokenizer.tokenToId(text) as number;
    const bad = Array<number>(50).fill(0xe2 + 3);
    const pieces = stream(tokenizer, [...bad, id("llo")]);
    expect(pieces.join("")).toMatch(/^\ufffd{50}llo$/);
    // Not all at once at the end.
    expect(pieces.slice(0, 20).join("").length).toBeGreaterThan(10);
    expect(stream(tokenizer, [id("llo"), 0xe2 + 3])).toEqual(["llo", "", "\ufffd"]);
  });

  test("decodes a few tokens for each token, however long the text is", () => {
    const most: number[] = [];
    for (const tokens of [
      golden.tokens,
      // Special tokens, which may be left out; bytes that are no text; spaces.
      Array<number>(300).fill(2),
      byteLevel.encode("👩".repeat(100)).filter((_, i) => i % 3 !== 0),
      byteLevel.encode(" ").flatMap((space) => Array<number>(300).fill(space)),
    ]) {
      for (const skipSpecialTokens of [true, false]) {
        let decoded = 0;
        const detokenizer = new StreamingDetokenizer((tokens) => {
          decoded += tokens.length;
          return byteLevel.decode(tokens, { skipSpecialTokens });
        });
        for (const token of tokens) {
          decoded = 0;
          detokenizer.add(token);
          most.push(decoded);
        }
      }
    }
    expect(Math.max(...most)).toBeLessThan(50);
  });
});

describe("templates", () => {
  const template =
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}" +
    "{% if tools %}{{ tools | tojson }}{% endif %}" +
    "{% if add_generation_prompt %}[assistant]{% endif %}{{ extra }}";
  const messages = [{ role: "user", content: "Hi" }];
  const json = {
    added_tokens: [{ id: 0, content: "<end>", special: true }],
    model: { type: "BPE", vocab: { "<end>": 0, a: 1 }, merges: [] },
  };
  const withTemplate = (chat_template: unknown) =>
    new Tokenizer(json, { chat_template, eos_token: { content: "<end>" } });

  test("see messages, tools, special tokens and variables", () => {
    const tokenizer = withTemplate(template);
    expect(tokenizer.hasChatTemplate).toBe(true);
    expect(tokenizer.chatText(messages)).toBe("[user]Hi<end>[assistant]");
    expect(tokenizer.chatText(messages, { addGenerationPrompt: false })).toBe("[user]Hi<end>");
    const variables = { extra: "!" };
    const tools = [{ type: "function", function: { name: "now" } }];
    expect(tokenizer.chatText(messages, { tools, variables })).toBe(
      '[user]Hi<end>[{"type": "function", "function": {"name": "now"}}][assistant]!',
    );
  });

  test("one of several is chosen by its name", () => {
    const several = withTemplate([
      { name: "default", template: "plain" },
      { name: "tool_use", template: "with tools" },
    ]);
    expect(several.chatText(messages)).toBe("plain");
    expect(several.chatText(messages, { tools: [] })).toBe("with tools");
  });

  test("know tools or not, which nobody who gives some is left to guess", () => {
    const tools = [{ type: "function", function: { name: "now" } }];
    const knows = (chatTemplate: unknown) => withTemplate(chatTemplate as never).knowsTools;
    expect(knows(template)).toBe(true);
    expect(knows([{ name: "tool_use", template: "x" }])).toBe(true);
    expect(knows("{{ messages[0].content }}")).toBe(false);
    const plain = withTemplate("{{ messages[0].content }}");
    expect(() => plain.applyChatTemplate(messages, { tools })).toThrow(
      expect.objectContaining({
        code: "ERR_MLX_LM_CHAT_TEMPLATE",
        message: expect.stringMatching(
          /tools: expected none, since .* received 1: take a model that/,
        ),
      }),
    );
    expect(plain.chatText(messages, { tools: [] })).toBe("Hi");
    expect(new Tokenizer(json).knowsTools).toBe(false);
  });

  test("where there is none, or messages do not fit, an error says so", () => {
    expect(new Tokenizer(json).hasChatTemplate).toBe(false);
    expect(() => new Tokenizer(json).chatText(messages)).toThrow(
      /the tokenizer has no chat template: it is not one of a chat model/,
    );
    const strict = withTemplate("{{ raise_exception('no system, please') }}");
    expect(() => strict.applyChatTemplate(messages)).toThrow(
      /template refuses these messages: no system, please/,
    );
    expect(() => withTemplate("{% if %}").chatText(messages)).toThrow(/template cannot be read/);
    expect(() => strict.chatText("Hi" as never)).toThrow(TypeError);
  });
});

describe("folders", () => {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-"));
  const put = (name: string, content: unknown) =>
    writeFileSync(
      join(folder, name),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  afterAll(() => rmSync(folder, { recursive: true }));

  test("all that a model's folder says", async () => {
    await expect(Tokenizer.load(folder)).rejects.toThrow(/has no tokenizer\.json/);
    const model = { type: "BPE", vocab: { a: 0, b: 1 }, merges: [] };
    put("tokenizer.json", { model });
    put("tokenizer_config.json", { eos_token: "b", chat_template: "of the configuration" });
    const load = async () => {
      const tokenizer = await Tokenizer.load(folder);
      return [[...tokenizer.eosTokenIds], tokenizer.chatText([])];
    };
    expect(await load()).toEqual([[1], "of the configuration"]);
    put("config.json", { eos_token_id: 0 });
    expect(await load()).toEqual([[0], "of the configuration"]);
    put("generation_config.json", { eos_token_id: [0, 1] });
    put("chat_template.json", { chat_template: "of the JSON" });
    expect(await load()).toEqual([[0, 1], "of the JSON"]);
    put("chat_template.jinja", "of the file");
    expect(await load()).toEqual([[0, 1], "of the file"]);
  });

  test("what is no tokenizer is refused", async () => {
    put("tokenizer.json", "{");
    await expect(Tokenizer.load(folder)).rejects.toThrow(
      /tokenizer\.json: expected JSON, received other text/,
    );
    put("tokenizer.json", "[]");
    await expect(Tokenizer.load(folder)).rejects.toThrow(/expected the content of a tokenizer/);
    put("tokenizer.json", { model: { type: "Crystal" } });
    await expect(Tokenizer.load(folder)).rejects.toThrow(/a kind that is not known here/);
    await expect(Tokenizer.load(5 as never)).rejects.toThrow(
      /folder: expected the path of a folder/,
    );
  });

  test.each<[string, unknown, string, RegExp]>([
    ["tokenizer.json", { model: { type: "BPE", vocab: { a: "x" } } }, "TOKENIZER", /received x/],
    [
      "tokenizer.json",
      { model: { type: "BPE", vocab: { a: 0 }, merges: [5] } },
      "TOKENIZER",
      /expected a pair of tokens, received 5/,
    ],
    ["tokenizer_config.json", [], "MODEL", /tokenizer_config\.json: expected a record/],
    [
      "generation_config.json",
      { eos_token_id: "x" },
      "MODEL",
      /expected eos_token_id to be a list/,
    ],
    ["chat_template.json", { chat_template: 5 }, "MODEL", /expected chat_template to be a text/],
  ])("nor is one with %s of %j", async (name, content, code, message) => {
    const own = mkdtempSync(join(tmpdir(), "mlx-js-lm-tokenizer-"));
    const model = { type: "BPE", vocab: { a: 0, b: 1 }, merges: [] };
    writeFileSync(join(own, "tokenizer.json"), JSON.stringify({ model }));
    writeFileSync(join(own, name), JSON.stringify(content));
    await expect(Tokenizer.load(own)).rejects.toMatchObject({
      code: `ERR_MLX_LM_${code}`,
      message: expect.stringMatching(message),
    });
    rmSync(own, { recursive: true });
  });

  test("the tokenizer of an encoder", async () => {
    const tokenizer = await Tokenizer.load(models().minilm);
    const tokens = tokenizer.encode("Hello, world!");
    expect(tokens).toEqual([101, 7592, 1010, 2088, 999, 102]);
    expect(tokenizer.decode(tokens, { skipSpecialTokens: true })).toBe("hello, world!");
    expect(tokenizer.hasChatTemplate).toBe(false);
  });
});
