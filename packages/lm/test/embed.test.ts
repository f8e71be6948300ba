import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { Bert, Config, Embedder, type Tokenizer } from "mlx-js-lm";
import { expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";
import { live } from "../../../test/support/live.js";
import { numbersOf } from "./support/golden.js";
import { letterTokenizer } from "./support/stub.js";

/** What reference/lm/embeddings.py wrote. */
const golden: {
  minilm: { texts: string[]; vectors: number[][] };
  alibi: {
    config: object;
    weights: [name: string, shape: number[]][];
    tokens: number[][];
    states: number[][][];
  };
} = JSON.parse(readFileSync(join(__dirname, "golden", "embeddings.json"), "utf8"));

test("all-MiniLM-L6-v2 gives the vectors of the reference, in batches of any size", async () => {
  const { texts, vectors } = golden.minilm;
  using embedder = await Embedder.load(models().minilm);
  expect([embedder.pooling, embedder.maxLength]).toEqual(["mean", 256]);
  const expected = mx.array(vectors);
  for (const batchSize of [1, 3, 32]) {
    const ours = await embedder.embed(texts, { batchSize });
    expect(ours.shape).toEqual([4, 384]);
    const cosines = mx.sum(ours.multiply(expected), -1);
    expect(mx.min(cosines).item()).toBeGreaterThan(1 - 1e-6);
    expect(mx.max(mx.abs(ours.subtract(expected))).item()).toBeLessThan(1e-5);
  }
});

test("options: pooling, length, abort; and nothing stays", async () => {
  using embedder = await Embedder.load(models().minilm);
  await embedder.embed(["warm"]);
  const before = live();
  const long = "whale ".repeat(1000);
  const [plain, first, longer] = [
    await embedder.embed(["a", "b"], { normalize: false }),
    await embedder.embed(["a", "b"], { pooling: "cls" }),
    await embedder.embed([long]),
  ];
  expect(mx.linalg.norm(plain.get(0)).item()).toBeGreaterThan(1.5);
  expect(mx.linalg.norm(first.get(1)).item()).toBeCloseTo(1, 5);
  // Cut after 256 tokens, the last of which ends the text.
  const cut = await embedder.embed(["whale ".repeat(254)]);
  expect(mx.sum(longer.multiply(cut)).item()).toBeGreaterThan(1 - 1e-6);
  mx.dispose([plain, first, longer, cut]);
  const signal = AbortSignal.abort(new Error("no more"));
  await expect(embedder.embed(["a"], { signal })).rejects.toThrow("no more");
  expect(live()).toBeLessThanOrEqual(before);
  for (const wrong of [[], "text", undefined, [3]] as never[]) {
    await expect(embedder.embed(wrong)).rejects.toThrow(/^\[(embed|encode)\] text/);
  }
  await expect(embedder.embed(["a"], { batchSize: 0 })).rejects.toThrow("batchSize");
});

test("an encoder with ALiBi and gates, with texts of unequal lengths", () => {
  const { config, weights, tokens, states } = golden.alibi;
  const model = new Bert(new Config(config, "here"));
  const all = Object.fromEntries(
    weights.map(([name, shape], k) => [name, numbersOf(shape, k)] as const),
  );
  model.loadWeights(model.sanitize(all));
  const length = 10;
  const padded = tokens.map((text) => [...text, ...new Array(length - text.length).fill(0)]);
  const isToken = tokens.map((text) => Array.from({ length }, (_, i) => i < text.length));
  const ours = model.forward(mx.array(padded, mx.int32), mx.array(isToken));
  for (const [i, text] of tokens.entries()) {
    const mine = ours.get(i, new mx.Slice(0, text.length));
    const expected = mx.array(states[i] as number[][]);
    expect(mx.max(mx.abs(mine.subtract(expected))).item()).toBeLessThan(1e-5);
  }
  expect(model.contextLength).toBeUndefined();
});

test("a model and a tokenizer that are there", async () => {
  const { config } = golden.alibi;
  const sizes = { ...config, vocab_size: 28, position_embedding_type: "absolute" };
  const short = { ...sizes, max_position_embeddings: 6 };
  const model = (values: object) => new Bert(new Config(values, "here"));
  using embedder = new Embedder(model(short), letterTokenizer(), { pooling: "cls" });
  expect([embedder.pooling, embedder.maxLength]).toEqual(["cls", 6]);
  const vectors = await embedder.embed(["whale", "a", "whale in the sea"]);
  expect(vectors.shape).toEqual([3, embedder.model.dims]);
  const alone = await embedder.embed(["whale"]);
  expect(mx.max(mx.abs(vectors.get("0:1").subtract(alone))).item()).toBeLessThan(1e-5);

  const given = { maxLength: 4 };
  expect(new Embedder(model(short), letterTokenizer(), given).maxLength).toBe(4);
  expect(new Embedder(model(short), letterTokenizer(), { maxLength: 99 }).maxLength).toBe(6);
  const endless = model(config);
  expect(new Embedder(endless, letterTokenizer()).maxLength).toBeUndefined();
  expect(new Embedder(endless, letterTokenizer()).pooling).toBe("mean");

  const wrong: [args: unknown[], message: string][] = [
    [[endless], "[Embedder] tokenizer: expected a Tokenizer"],
    [[letterTokenizer(), endless], "[Embedder] model: expected an encoder such as Bert"],
    [[endless, letterTokenizer(), { pooling: "max" }], '[Embedder] pooling: expected "mean" or'],
    [[endless, letterTokenizer(), { maxLength: 0 }], "[Embedder] maxLength: expected a positive"],
    [
      [endless, letterTokenizer(), { length: 3 }],
      "[Embedder] options: expected pooling, maxLength, received",
    ],
  ];
  for (const [args, message] of wrong) {
    expect(() => new Embedder(...(args as [Bert, Tokenizer]))).toThrow(message);
  }
});

test("an encoder that does what is not known here is refused", async () => {
  const relu = new Config({ ...golden.alibi.config, hidden_act: "relu" }, "the test");
  expect(() => new Bert(relu)).toThrow(/expected hidden_act to be "gelu", .* received "relu"/);
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-embed-"));
  cpSync(models().minilm, folder, { recursive: true });
  const write = (...types: string[]) =>
    writeFileSync(
      join(folder, "modules.json"),
      JSON.stringify(types.map((type) => ({ type: `sentence_transformers.models.${type}` }))),
    );
  write("Transformer", "Pooling", "Normalize");
  (await Embedder.load(folder)).dispose();
  write("Transformer", "Pooling", "Dense", "Normalize");
  await expect(Embedder.load(folder)).rejects.toMatchObject({
    code: "ERR_MLX_LM_MODEL",
    message: expect.stringMatching(
      /modules\.json: expected Transformer, .*, received .*Dense, which/,
    ),
  });
  rmSync(folder, { recursive: true });
});

test("what is no encoder is refused", async () => {
  await expect(Embedder.load("/nowhere")).rejects.toThrow(/no folder or GGUF file "\/nowhere"/);
  await expect(Embedder.load(3 as never)).rejects.toThrow(
    /pathOrName: expected the path of a folder/,
  );
});
