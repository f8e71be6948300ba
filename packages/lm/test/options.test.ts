// Every table of options refuses what the option's type does not have, as those of mlx-js do.
import * as lm from "mlx-js-lm";
import { describe, expect, test } from "vitest";
import { tables } from "../../../scripts/parity/package.mjs";
import { type Call, type Table, testOptions, wrongTexts } from "../../../test/support/options.js";
import { letterTokenizer, stub } from "./support/stub.js";

const loaded = stub();
const { tokenizer } = loaded;
const encoder = new lm.Bert(
  new lm.Config(
    {
      vocab_size: 28,
      ...{ hidden_size: 4, num_attention_heads: 1, num_hidden_layers: 1, intermediate_size: 4 },
      ...{ max_position_embeddings: 8, type_vocab_size: 1 },
    },
    "here",
  ),
);
const embedder = new lm.Embedder(encoder, tokenizer);

/** Which table a function has that shares it. */
const shared: Record<string, string> = {
  loadModel: "load",
  "Embedder.load": "load",
  detokenizer: "decode",
};

/** A call of each function that has options, by what it is called in errors. */
const calls: Record<string, Call> = {
  load: (o) => lm.load("nowhere", o),
  loadModel: (o) => lm.loadModel("nowhere", o),
  generate: (o) => lm.generate(loaded, "a", o),
  ChatSession: (o) => new lm.ChatSession(loaded, o),
  send: (o) => new lm.ChatSession(loaded).send("a", o),
  makeSampler: (o) => lm.makeSampler(o),
  makeLogitsProcessors: (o) => lm.makeLogitsProcessors(o),
  RotatingKVCache: (o) => new lm.RotatingKVCache(2, o),
  QuantizedKVCache: (o) => new lm.QuantizedKVCache(o),
  Tokenizer: (o) => new lm.Tokenizer({ model: { type: "BPE", vocab: {}, merges: [] } }, {}, o),
  "Tokenizer.load": (o) => lm.Tokenizer.load("nowhere", o),
  encode: (o) => tokenizer.encode("a", o),
  decode: (o) => tokenizer.decode([0], o),
  detokenizer: (o) => tokenizer.detokenizer(o),
  applyChatTemplate: (o) =>
    letterTokenizer("{{ tools }}").applyChatTemplate([{ role: "user", content: "a" }], o),
  Embedder: (o) => new lm.Embedder(encoder, tokenizer, o),
  "Embedder.load": (o) => lm.Embedder.load("nowhere", o),
  embed: (o) => embedder.embed(["a"], o),
};

const own = tables.filter(({ folder }) => folder === "lm");

test("there is a call for every table", () => {
  const names = Object.keys(calls).filter((name) => !(name in shared));
  expect(own.map(({ name }) => name).sort()).toEqual(names.sort());
});

test("texts say the defaults that the tables have", () => {
  expect(wrongTexts(own)).toEqual([]);
});

describe.each(Object.entries(calls))("%s", (fn, call) => {
  testOptions(fn, call, own.find(({ name }) => name === (shared[fn] ?? fn)) as Table);
});
