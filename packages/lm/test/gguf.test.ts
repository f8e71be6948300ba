import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { load, loadModel } from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";
import { live } from "../../../test/support/live.js";
import { configs, distanceOf, weightsOf } from "./support/golden.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The parts of a layer, as GGUF's converters name them. */
const parts: Record<string, string> = {
  input_layernorm: "attn_norm",
  "mlp.down_proj": "ffn_down",
  "mlp.gate": "ffn_gate_inp",
  "mlp.gate_proj": "ffn_gate",
  "mlp.gate_up_proj": "ffn_up",
  "mlp.switch_mlp.down_proj": "ffn_down_exps",
  "mlp.switch_mlp.gate_proj": "ffn_gate_exps",
  "mlp.switch_mlp.up_proj": "ffn_up_exps",
  "mlp.up_proj": "ffn_up",
  post_attention_layernorm: "ffn_norm",
  pre_feedforward_layernorm: "ffn_norm",
  post_feedforward_layernorm: "post_ffw_norm",
  "self_attn.k_norm": "attn_k_norm",
  "self_attn.k_proj": "attn_k",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.qkv_proj": "attn_qkv",
  "self_attn.v_proj": "attn_v",
};
const tops: Record<string, string> = {
  lm_head: "output",
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
};
/** What a norm after the attention is called where there is another one after it. */
const sandwiched = ["gemma2", "gemma3", "olmo2"];

function ggufName(name: string, architecture: string): string {
  const [, layer, part = "", field] = /^(?:model\.layers\.(\d+)\.)?(.*)\.(\w+)$/.exec(name) ?? [];
  const after = part === "post_attention_layernorm" && sandwiched.includes(architecture);
  return layer === undefined
    ? `${tops[part]}.${field}`
    : `blk.${layer}.${after ? "post_attention_norm" : parts[part]}.${field}`;
}

/** Rows of each head from its two halves in turn, as the converters of Llama leave them. */
function inTurn(x: mx.array, heads: number): mx.array {
  const rest = x.shape.slice(1);
  const halves = x.reshape([heads, 2, x.dim(0) / heads / 2, ...rest]);
  return halves.swapaxes(1, 2).reshape(x.shape);
}

/** Writes a model of the reference as a GGUF file. */
function write(name: string, architecture: string, more: Record<string, mx.array | string> = {}) {
  const config = configs[name] as Record<string, number>;
  const arrays = Object.entries(weightsOf(name)).map(([key, x]) => {
    const heads = key.includes("q_proj") ? "num_attention_heads" : "num_key_value_heads";
    const isTurned = architecture === "llama" && /self_attn\.[qk]_proj/.test(key);
    const isShifted = architecture.startsWith("gemma") && key.endsWith("norm.weight");
    const value = isTurned ? inTurn(x, Number(config[heads])) : isShifted ? x.add(1) : x;
    return [ggufName(key, architecture), value] as const;
  });
  const setting = (value: number | undefined, dtype: mx.Dtype) =>
    value === undefined ? undefined : mx.array(value, dtype);
  const settings = {
    block_count: setting(config["num_hidden_layers"], mx.uint32),
    context_length: setting(config["max_position_embeddings"], mx.uint32),
    embedding_length: setting(config["hidden_size"], mx.uint32),
    feed_forward_length: setting(config["intermediate_size"], mx.uint32),
    "attention.head_count": setting(config["num_attention_heads"], mx.uint32),
    "attention.head_count_kv": setting(config["num_key_value_heads"], mx.uint32),
    "attention.key_length": setting(config["head_dim"], mx.uint32),
    "attention.layer_norm_rms_epsilon": setting(config["rms_norm_eps"], mx.float32),
    "attention.sliding_window": setting(config["sliding_window"], mx.uint32),
    "rope.freq_base": setting(config["rope_theta"], mx.float32),
    "rope.dimension_count": setting(
      Number(config["head_dim"]) * (config["partial_rotary_factor"] ?? 1),
      mx.uint32,
    ),
    attn_logit_softcapping: setting(config["attn_logit_softcapping"], mx.float32),
    final_logit_softcapping: setting(config["final_logit_softcapping"], mx.float32),
    expert_count: setting(config["num_experts"], mx.uint32),
    expert_used_count: setting(config["num_experts_per_tok"], mx.uint32),
    expert_feed_forward_length: setting(config["moe_intermediate_size"], mx.uint32),
  };
  const known = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${architecture}.${key}`, value] as const],
  );
  const file = join(folder, `${name}-${Math.random()}.gguf`);
  mx.saveGguf(file, Object.fromEntries(arrays), {
    ...{ "general.architecture": architecture, ...Object.fromEntries(known), ...more },
  });
  return file;
}

describe("a GGUF file gives the logits of", () => {
  test.each([
    ["llama", "llama"],
    ["llama-biases", "llama"],
    ["qwen2", "qwen2"],
    ["qwen3", "qwen3"],
    ["phi3", "phi3"],
    ["olmo2", "olmo2"],
  ])("%s", async (name, architecture) => {
    const { model } = await loadModel(write(name, architecture));
    expect(distanceOf(model, name, "float32")).toBeLessThan(1e-5);
  });

  test.each([
    ["linear", "llama-rope-linear", 2],
    ["yarn", "llama-rope-yarn", 4],
  ])("a model with the scaling %s", async (type, name, factor) => {
    const file = write(name, "llama", {
      "llama.rope.scaling.type": type,
      "llama.rope.scaling.factor": mx.array(factor),
      "llama.rope.scaling.original_context_length": mx.array(32, mx.uint32),
    });
    const { model } = await loadModel(file);
    expect(distanceOf(model, name, "float32")).toBeLessThan(1e-5);
  });

  test("what files say of Gemma 3's layers with a window, and of YaRN", async () => {
    const more = {
      "gemma3.rope.freq_base_swa": mx.array(1000),
      "gemma3.rope.scaling.type": "yarn",
      "gemma3.rope.scaling.factor": mx.array(4),
      "gemma3.rope.scaling.yarn_beta_fast": mx.array(16),
      "gemma3.rope.scaling.yarn_beta_slow": mx.array(2),
    };
    const { config, model } = await loadModel(write("gemma3", "gemma3", more));
    expect(config.number("rope_local_base_freq")).toBe(1000);
    expect(config.part("rope_scaling")?.values).toMatchObject({ beta_fast: 16, beta_slow: 2 });
    model.dispose();
  });

  test("Gemma 2, whose norms are shifted", async () => {
    const { model, config } = await loadModel(write("gemma2", "gemma2"));
    // The file does not say by what queries are scaled.
    expect(config.number("query_pre_attn_scalar")).toBe(16);
    const norm = model.parameters() as { model: { norm: { weight: mx.array } } };
    const expected = weightsOf("gemma2")["model.norm.weight"] as mx.array;
    expect(mx.allclose(norm.model.norm.weight, expected).item()).toBe(true);
  });
});

describe("what is refused", () => {
  test.each<[string, Record<string, mx.array | string>, RegExp]>([
    [
      "another type of weights",
      { "general.file_type": mx.array(15, mx.uint32) },
      /of the type Q4_K_M, and those that can be read are F32, F16, Q4_0, Q4_1, Q8_0/,
    ],
    ["another architecture", { "general.architecture": "mamba" }, /architecture "mamba" is not/],
  ])("%s", async (_, more, message) => {
    await expect(loadModel(write("llama", "llama", more))).rejects.toMatchObject({
      code: "ERR_MLX_LM_MODEL",
      message: expect.stringMatching(message),
    });
  });

  test("a file that is cut off", async () => {
    const file = write("llama", "llama");
    const before = live();
    for (const bytes of [20_000, 100, 3, 0]) {
      truncateSync(file, bytes);
      const said = await loadModel(file).catch(({ code, message }) => ({ code, message }));
      expect(said).toEqual({
        code: "ERR_MLX_LM_MODEL",
        message: expect.stringMatching(/\.gguf cannot be read, download it again: \[load\]/),
      });
    }
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("a file that is made shorter between its tensors and its metadata", async () => {
    const file = write("llama", "llama", { texts: Array(20_000).fill("some text") as never });
    const before = live();
    const loading = loadModel(file);
    await new Promise(setImmediate);
    truncateSync(file, 1000);
    const said = await loading.catch(({ code, message }) => ({ code, message }));
    expect(said).toEqual({ code: "ERR_MLX_LM_MODEL", message: expect.stringContaining(file) });
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("a file that changes while it is read", async () => {
    const file = write("llama", "llama");
    const before = live();
    const onProgress = () => truncateSync(file, 20_000);
    const said = await loadModel(file, { onProgress }).catch(({ message }) => message);
    expect(said).toMatch(/expected the file as it was when it was loaded, received one that has/);
    expect(live()).toBeLessThanOrEqual(before);
  });

  test.each<[string, Record<string, mx.array | string>, RegExp]>([
    ["no tokenizer", {}, /has no tokenizer: use loadModel/],
    [
      "another kind of tokenizer",
      { "tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": ["a"] as never },
      /of the kind "bert", and known are gpt2 and llama/,
    ],
    [
      "unknown rules",
      {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "mine",
        "tokenizer.ggml.tokens": ["a"] as never,
      },
      /by the rules of "mine", .* Known are gpt-2, .*qwen2/,
    ],
    [
      "a token that ends texts and is none",
      {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["a"] as never,
        "tokenizer.ggml.bos_token_id": mx.array(2 ** 32 - 1, mx.uint32),
        "tokenizer.ggml.eos_token_id": mx.array(1, mx.uint32),
      },
      /expected tokenizer\.ggml\.eos_token_id to be one of the 1 tokens, received 1$/,
    ],
  ])("%s", async (_, more, message) => {
    await expect(load(write("llama", "llama", more))).rejects.toMatchObject({
      code: "ERR_MLX_LM_TOKENIZER",
      message: expect.stringMatching(message),
    });
  });
});

test("SentencePiece's way of tokens: pairs by their scores, and bytes where there is no token", async () => {
  const bytes = Array.from(
    { length: 256 },
    (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "▁", "a", "b", "c", "ab", "bc", "▁ab", "▁abc"];
  const scores = tokens.map((token) => ["▁abc", "▁ab", "ab", "bc"].indexOf(token) * -1);
  const file = write("llama", "llama", {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": tokens as never,
    "tokenizer.ggml.scores": mx.array(scores),
    "tokenizer.ggml.token_type": mx.array(
      tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)),
      mx.int32,
    ),
    "tokenizer.ggml.bos_token_id": mx.array(1, mx.uint32),
    "tokenizer.ggml.eos_token_id": mx.array(2, mx.uint32),
  });
  const { tokenizer } = await load(file);
  const ids = tokenizer.encode("abc é");
  const names = ids.map((id) => tokens[id]);
  expect(names).toEqual(["<s>", "▁abc", "▁", "<0xC3>", "<0xA9>"]);
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("abc é");
  expect([...tokenizer.eosTokenIds]).toEqual([2]);
});

test.each([
  ["llama-bpe", ["<bos>", "a", "1", "2"]],
  ["llama3", ["<bos>", "a", "1", "2"]],
  ["deepseek-r1-qwen", ["a", "1", "2"]],
])("a tokenizer that cuts by %s ends a turn, and begins a text", async (pre, encoded) => {
  const tokens = ["a", "1", "2", "<bos>", "<eos>", "<|im_end|>", "<|eot_id|>", "<|end|>"];
  const file = write("llama", "llama", {
    ...{ "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre },
    "tokenizer.ggml.tokens": tokens as never,
    // The last one is a text like others.
    "tokenizer.ggml.token_type": mx.array([1, 1, 1, 3, 3, 3, 4, 1], mx.int32),
    "tokenizer.ggml.bos_token_id": mx.array(3, mx.uint32),
    "tokenizer.ggml.eos_token_id": mx.array(4, mx.uint32),
  });
  const { tokenizer } = await load(file);
  expect(tokenizer.encode("a12").map((id) => tokens[id])).toEqual(encoded);
  expect([...tokenizer.eosTokenIds]).toEqual([4, 5, 6]);
});

test("SmolLM2 in Q4_1 answers", async () => {
  const { model, tokenizer, config } = await load(models().smollm2);
  expect(config.number("num_key_value_heads")).toBe(3);
  const prompt =
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n";
  const ids = tokenizer.encode(prompt);
  expect(ids).toEqual([
    ...[1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198],
  ]);
  const caches = model.makeCaches();
  let next = mx.array([ids], mx.int32);
  const answer: number[] = [];
  while (answer.length < 12 && !tokenizer.eosTokenIds.has(answer.at(-1) ?? -1)) {
    const id = model.forward(next, caches).get(0, -1).argmax().item();
    answer.push(id);
    next = mx.array([[id]], mx.int32);
  }
  expect(tokenizer.decode(answer, { skipSpecialTokens: true })).toContain("Paris");
  model.dispose();
});
