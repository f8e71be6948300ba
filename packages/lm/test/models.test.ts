import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, utils } from "mlx-js";
import {
  type Cache,
  Config,
  createModel,
  type KeysValues,
  type LoadOptions,
  loadModel,
  QuantizedKVCache,
  RotatingKVCache,
} from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { live } from "../../../test/support/live.js";
import { softmaxScoring } from "../src/parts/attention.js";
import {
  configs,
  distanceInBatch,
  distanceOf,
  distanceWithRotating,
  isKnown,
  weightsOf,
} from "./support/golden.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-models-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a checkpoint, in two files with an index. */
function checkpoint(
  name: string,
  weights: Record<string, mx.array>,
  more: Record<string, unknown> = {},
): string {
  const path = join(folder, `${name}-${Math.random()}`);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...configs[name], ...more }));
  const names = Object.keys(weights);
  const files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const map: Record<string, string> = {};
  files.forEach((file, i) => {
    const part = names.filter((_, j) => j % 2 === i);
    for (const name of part) {
      map[name] = file;
    }
    mx.saveSafetensors(
      join(path, file),
      Object.fromEntries(part.map((name) => [name, weights[name] as mx.array])),
    );
  });
  writeFileSync(join(path, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  return path;
}

describe.each(Object.keys(configs))("%s", (name) => {
  test("in float32", async () => {
    const { model } = await loadModel(checkpoint(name, weightsOf(name)));
    expect(distanceOf(model, name, "float32")).toBeLessThan(1e-5);
  });

  test.runIf(isKnown(name, "bfloat16.whole"))("in bfloat16", async () => {
    const weights = Object.entries(weightsOf(name)).map(([key, x]) => [key, x.astype(mx.bfloat16)]);
    const { model } = await loadModel(checkpoint(name, Object.fromEntries(weights)));
    // Sums of products differ in their last bits, which bfloat16 makes 2^-8 of the value.
    expect(distanceOf(model, name, "bfloat16")).toBeLessThan(0.03);
  });

  test.runIf(isKnown(name, "rotating"))("in a batch, and with caches that forget", async () => {
    const { model } = await loadModel(checkpoint(name, weightsOf(name)));
    expect(distanceInBatch(model, name)).toBeLessThan(1e-5);
    expect(distanceWithRotating(model, name)).toBeLessThan(1e-5);
  });

  test("quantized", async () => {
    const { model: plain } = await loadModel(checkpoint(name, weightsOf(name)));
    nn.quantize(plain, { groupSize: 32, bits: 8 });
    const file = join(folder, `${name}.safetensors`);
    plain.saveWeights(file);
    const weights = mx.load(file, { format: "safetensors" });
    const quantization = { group_size: 32, bits: 8 };
    const { model } = await loadModel(checkpoint(name, weights, { quantization }));
    expect(distanceOf(model, name, "quantized")).toBeLessThan(1e-5);
  });
});

test.each([
  ["llama", {}, 256],
  ["llama", { max_position_embeddings: null }, undefined],
  ["llama-rope-dynamic", {}, 64],
  // YaRN's factor is that of the context before, whichever of the two the file has.
  ["llama-rope-yarn", {}, 256],
  ["llama-rope-yarn", { max_position_embeddings: 32 }, 128],
  ["llama-rope-linear", {}, 256],
])("%s with %o reads %s tokens", async (name, more, length) => {
  const { model } = await loadModel(checkpoint(name, weightsOf(name), more));
  expect(model.contextLength).toBe(length);
});

describe("windows that mlx-lm does not know", () => {
  const text = mx.array([Array.from({ length: 24 }, (_, i) => (7 * i + 3) % 64)], mx.int32);
  const logitsOf = async (name: string, more: Record<string, unknown>) => {
    const { model } = await loadModel(checkpoint(name, weightsOf(name), more));
    const caches = model.makeCaches();
    const parts = [0, 11, 22, 23].map((start, i, starts) =>
      model.forward(text.get(":", new mx.Slice(start, starts[i + 1] ?? null)), caches),
    );
    return { whole: model.forward(text), parts: mx.concatenate(parts, 1) };
  };
  const differenceOf = (a: mx.array, b: mx.array) => mx.max(mx.abs(mx.subtract(a, b))).item();

  test("Mistral's is that of Llama with layers that slide", async () => {
    const sliding = { sliding_window: 8 };
    const ours = await logitsOf("llama", { ...sliding, model_type: "mistral" });
    const layers = Array(3).fill("sliding_attention");
    const llama = await logitsOf("llama", { ...sliding, layer_types: layers });
    expect(differenceOf(ours.whole, llama.whole)).toBe(0);
    expect(differenceOf(ours.parts, ours.whole)).toBeLessThan(1e-4);
    expect(differenceOf(ours.whole, (await logitsOf("llama", {})).whole)).toBeGreaterThan(0.1);
  });

  test("Gemma 2's is in every other layer, the first included", async () => {
    const name = "gemma2";
    const all = await logitsOf(name, {});
    const ours = await logitsOf(name, { sliding_window: 8 });
    const early = (x: mx.array) => x.get(":", "0:8");
    const late = (x: mx.array) => x.get(":", "8:");
    expect(differenceOf(early(ours.whole), early(all.whole))).toBeLessThan(1e-5);
    expect(differenceOf(late(ours.whole), late(all.whole))).toBeGreaterThan(0.01);
    expect(differenceOf(ours.parts, ours.whole)).toBeLessThan(1e-4);
    const { model } = await loadModel(checkpoint(name, weightsOf(name), { sliding_window: 8 }));
    expect(model.makeCaches().map((cache) => cache.constructor.name)).toEqual([
      "RotatingKVCache",
      "KVCache",
      "RotatingKVCache",
    ]);
  });
});

test("what is no text, or not the caches of all layers, is refused", async () => {
  const { model } = await loadModel(checkpoint("llama", weightsOf("llama")));
  const refused = (tokens: unknown, caches: Cache[] | undefined, message: RegExp) => {
    const code = { code: expect.stringMatching(/^ERR_/), message: expect.stringMatching(message) };
    expect(() => model.forward(tokens as mx.array, caches)).toThrow(expect.objectContaining(code));
  };
  const isText =
    /\[forward\] tokens: expected an array of integers of shape \(texts, length\), rec/;
  for (const tokens of [[[1, 2]], 5, undefined, mx.array([1], mx.int32), mx.zeros([1, 1, 1])]) {
    refused(tokens, undefined, isText);
  }
  refused(mx.array([[1.5]]), undefined, /expected integers, received float32/);
  const text = mx.array([[1, 2]], mx.int32);
  refused(text, [], /caches: expected those of 3 layers, received 0/);
  refused(text, model.makeCaches().slice(1), /caches: expected those of 3 layers, received 2/);
});

test("Gemma 2 has no soft caps where its configuration says null", async () => {
  const tokens = mx.array([[1, 2, 3]], mx.int32);
  const logitsOf = async (more: Record<string, unknown>) =>
    (await loadModel(checkpoint("gemma2", weightsOf("gemma2"), more))).model.forward(tokens);
  const none = await logitsOf({ attn_logit_softcapping: null, final_logit_softcapping: null });
  // So far away that they cap nothing.
  const far = await logitsOf({ attn_logit_softcapping: 1e4, final_logit_softcapping: 1e4 });
  expect(mx.max(mx.abs(none)).item()).toBeGreaterThan(3);
  expect(mx.allclose(none, far, { rtol: 1e-3, atol: 1e-3 }).item()).toBe(true);
});

test("Gemma 3 of images has its vocabulary with its text, or as mlx-lm writes it, beside it", async () => {
  const name = "gemma3-of-images";
  const { vocab_size, text_config } = configs[name] as { vocab_size: number; text_config: object };
  const within = { vocab_size: undefined, text_config: { ...text_config, vocab_size } };
  const { vocab_size: _, ...without } = text_config as Record<string, unknown>;
  for (const more of [within, { text_config: without }]) {
    const { model } = await loadModel(checkpoint(name, weightsOf(name), more));
    expect(distanceOf(model, name, "float32")).toBeLessThan(1e-5);
  }
});

test("Gemma 3 in float16 keeps what its layers add up to within its bounds", async () => {
  const large = (name: string) => /post_(attention|feedforward)_layernorm/.test(name);
  const weights = Object.entries(weightsOf("gemma3")).map(([name, x]) => [
    name,
    (large(name) ? x.multiply(2e5) : x).astype(mx.float16),
  ]);
  const { model } = await loadModel(checkpoint("gemma3", Object.fromEntries(weights)));
  const logits = model.forward(mx.array([[1, 2, 3]], mx.int32));
  expect([logits.dtype, mx.all(mx.isfinite(logits)).item()]).toEqual([mx.float16, true]);
});

test("quantized keys and values are read as they are kept, and give what they stand for", async () => {
  // Of one layer: in a second one the last bits of its inputs would decide how some are rounded.
  const sizes = { hidden_size: 128, head_dim: 32, num_hidden_layers: 1 };
  const random = (name: string, shape: readonly number[]) =>
    name.includes("norm") ? mx.ones(shape) : mx.random.normal(shape).multiply(0.2);
  const config = new Config({ ...configs["llama"], ...sizes }, "the test");
  using model = createModel(config);
  model.loadWeights(
    Object.fromEntries(
      utils.treeFlatten(model.parameters()).map(([name, x]) => [name, random(name, x.shape)]),
    ),
  );
  const text = mx.array([Array.from({ length: 300 }, (_, i) => (7 * i * i + 3 * i + 5) % 64)]);
  const tokens = text.astype(mx.int32);
  const format = { groupSize: 32, bits: 8 };
  /** A cache whose attention reads what its numbers stand for. */
  class Dequantized extends QuantizedKVCache {
    override update(keys: mx.array, values: mx.array) {
      return { ...super.update(keys, values), quantized: undefined };
    }
  }
  const logitsOf = (create: () => Cache) => {
    const caches = model.makeCaches().map(create);
    const parts = [0, 5, 298, 299].map((start, i, starts) =>
      model.forward(tokens.get(":", new mx.Slice(start, starts[i + 1] ?? null)), caches),
    );
    return mx.concatenate(parts, 1);
  };
  const ours = logitsOf(() => new QuantizedKVCache(format));
  const exact = logitsOf(() => new Dequantized(format));
  const difference = mx.max(mx.abs(ours.subtract(exact))).item();
  expect(difference / mx.max(mx.abs(exact)).item()).toBeLessThan(1e-5);
});

test("a token needs no array of all quantized keys in full precision", () => {
  using cache = new QuantizedKVCache({ groupSize: 32, bits: 8 });
  // Without a result, which would hold the buffers until it is collected.
  mx.tidy(() => {
    cache.update(mx.ones([1, 2, 3000, 32]), mx.ones([1, 2, 3000, 32]));
  });
  const whole = 3000 * 2 * 32 * 4;
  const peakOf = (keep: (seen: KeysValues) => mx.array) => {
    const x = mx.ones([1, 2, 1, 32]);
    mx.eval(x, cache);
    mx.clearCache();
    mx.resetPeakMemory();
    const before = mx.getActiveMemory();
    mx.tidy(() => mx.eval(keep(cache.update(x, x))));
    return mx.getPeakMemory() - before;
  };
  const score = softmaxScoring(1);
  const q = mx.ones([1, 4, 1, 32]);
  expect(peakOf((seen) => score(q, seen, null))).toBeLessThan(whole);
  const full = (seen: KeysValues) => score(q, { ...seen, quantized: undefined }, null);
  expect(peakOf(full)).toBeGreaterThan(2 * whole);
});

describe("ALiBi", () => {
  const tokens = mx.array([[5, 15, 39, 13, 1, 3, 19, 49]], mx.int32);
  const load = async (name: string, more?: Record<string, unknown>) =>
    (await loadModel(checkpoint(name, weightsOf(name), more))).model;

  test("reads keys and values that are quantized", async () => {
    const model = await load("mpt", { n_heads: 2 });
    const caches = model.makeCaches().map(() => new QuantizedKVCache({ groupSize: 32, bits: 8 }));
    model.forward(tokens.get(":", ":5"), caches);
    const rest = model.forward(tokens.get(":", "5:"), caches);
    const whole = model.forward(tokens).get(":", "5:");
    const difference = mx.max(mx.abs(mx.subtract(rest, whole)));
    expect(mx.divide(difference, mx.max(mx.abs(whole))).item()).toBeLessThan(0.05);
  });

  test("refuses a cache that forgets tokens", async () => {
    const model = await load("bloom");
    const caches = model.makeCaches().map(() => new RotatingKVCache(4));
    model.forward(tokens.get(":", ":4"), caches);
    expect(() => model.forward(tokens.get(":", "4:5"), caches)).toThrow(
      /expected a cache that keeps all of them, received one that has 4 of 5/,
    );
  });

  test("BLOOM has names with and without a prefix", async () => {
    const weights = Object.entries(weightsOf("bloom")).map(([name, x]) => [
      `transformer.${name}`,
      x,
    ]);
    const { model } = await loadModel(checkpoint("bloom", Object.fromEntries(weights)));
    expect(distanceOf(model, "bloom", "float32")).toBeLessThan(1e-5);
  });

  test.each([
    ["mpt", { attn_config: { alibi: false } }, /attn_config: expected alibi to be true, .* false/],
    ["mpt", { attn_config: { alibi_bias_max: 16 } }, /expected alibi_bias_max to be 8, the only/],
    ["mpt", { attn_config: { qk_ln: true } }, /expected qk_ln to be false/],
    ["bloom", { apply_residual_connection_post_layernorm: true }, /expected apply_residual_conn/],
  ])("%s does not do %o", async (name, more, message) => {
    await expect(load(name, more)).rejects.toThrow(message);
  });
});

describe("files", () => {
  test("have experts one by one, which are joined, and what nobody needs", async () => {
    const weights = Object.entries(weightsOf("qwen3-moe")).flatMap(([name, x]) => {
      const [before, after] = name.split(".switch_mlp.");
      return after === undefined
        ? [[name, x] as const]
        : [...x].map((one, i) => [`${before}.experts.${i}.${after}`, one] as const);
    });
    const useless = { "model.layers.0.self_attn.rotary_emb.inv_freq": mx.ones([8]) };
    const path = checkpoint("qwen3-moe", { ...Object.fromEntries(weights), ...useless });
    const bytes = weights.reduce((sum, [, { nbytes }]) => sum + nbytes, 0);
    mx.dispose(weights);
    live();
    const before = mx.getActiveMemory();
    const { model } = await loadModel(path);
    // At once, before anything is collected: what was joined is not there a second time.
    expect(mx.getActiveMemory() - before).toBeLessThan(bytes * 1.1);
    expect(distanceOf(model, "qwen3-moe", "float32")).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each<[string, nn.ToQuantizedOptions]>([
    ["affine", { groupSize: 32, bits: 4 }],
    ["affine", { groupSize: 64, bits: 3 }],
    ["mxfp4", { groupSize: 32, bits: 4, mode: "mxfp4" }],
    ["mxfp8", { groupSize: 32, bits: 8, mode: "mxfp8" }],
    ["nvfp4", { groupSize: 16, bits: 4, mode: "nvfp4" }],
  ])("quantized as %s %o, but for a layer as it is and one of another format", async (_, own) => {
    const other = { groupSize: 32, bits: 8 };
    const { model } = await loadModel(checkpoint("llama", weightsOf("llama")));
    nn.quantize(model, {
      classPredicate: (path, layer) =>
        path.endsWith("downProj") || path === "lmHead"
          ? path === "lmHead" && other
          : "toQuantized" in layer && own,
    });
    const file = join(folder, `${Math.random()}.safetensors`);
    model.saveWeights(file);
    const inFiles = ({ groupSize, bits, mode = "affine" }: nn.ToQuantizedOptions) => ({
      group_size: groupSize,
      bits,
      mode,
    });
    const path = checkpoint("llama", mx.load(file, { format: "safetensors" }), {
      quantization: {
        ...inFiles(own),
        lm_head: inFiles(other),
        "model.layers.0.mlp.down_proj": false,
      },
    });
    const { model: loaded } = await loadModel(path);
    const tokens = mx.array([[1, 2, 3]], mx.int32);
    expect(loaded.forward(tokens).tolist()).toEqual(model.forward(tokens).tolist());
    expect(String(loaded)).toBe(String(model));
  });

  test("are read once, and take the memory of the weights", async () => {
    // Of one megabyte, beside which the other weights are small.
    const vocab = { vocab_size: 4096 };
    const large = { ...weightsOf("llama"), "model.embed_tokens.weight": mx.zeros([4096, 64]) };
    const weights = { ...large, "lm_head.weight": mx.zeros([4096, 64]) };
    const bytes = Object.values(weights).reduce((sum, { nbytes }) => sum + nbytes, 0);
    const given = checkpoint("llama", weights, vocab);
    mx.dispose(weights);
    live();
    const before = mx.getActiveMemory();
    mx.resetPeakMemory();
    const { model } = await loadModel(given);
    expect(mx.getPeakMemory() - before).toBeLessThan(bytes * 1.1);
    model.dispose();
  });
});

describe("what is wrong is said", () => {
  const path = (weights: Record<string, mx.array>, more?: Record<string, unknown>) =>
    checkpoint("llama", weights, more);
  const { "model.norm.weight": norm, ...rest } = weightsOf("llama");
  const all = { ...rest, "model.norm.weight": norm as mx.array };

  test.each<[string, () => string, RegExp]>([
    ["no folder", () => join(folder, "nowhere"), /there is no folder or GGUF file .*nowhere/],
    ["no config.json", () => folder, /expected a folder with config.json, .* no config.json/],
    ["no weights", () => path({}), /./],
    ["a missing weight", () => path(rest), /1 missing: model\.norm\.weight/],
    [
      "many missing weights",
      () => path({ "model.norm.weight": norm as mx.array }),
      /does not fit the weights: .* missing: ([\w.]+, ){7}[\w.]+ and \d+ more$/,
    ],
    ["an unexpected weight", () => path({ ...all, more: mx.ones([2]) }), /1 unexpected: more/],
    [
      "another shape",
      () => path({ ...all, "model.norm.weight": mx.ones([3]) }),
      /model\.norm\.weight \(expected \[64\], received \[3\]\)/,
    ],
    [
      "another kind of model",
      () => path(all, { model_type: "mamba" }),
      /model_type "mamba" is not among .*: bloom, .*qwen3_moe/,
    ],
    [
      "a setting that is missing",
      () => path(all, { hidden_size: null }),
      /config\.json: expected hidden_size to be a positive integer, received nothing/,
    ],
    [
      "more layers than any model has",
      () => path(all, { num_hidden_layers: 1e9 }),
      /expected num_hidden_layers to be a positive integer of at most 10000, received 1000000000/,
    ],
    [
      "a setting of another type",
      () => path(all, { rms_norm_eps: "small" }),
      /expected rms_norm_eps to be a number above 0, received "small"/,
    ],
    [
      "an unknown scaling",
      () => path(all, { rope_scaling: { type: "magic" } }),
      /rope_scaling: expected type to be one of "default", .*, received "magic"/,
    ],
    [
      "heads that do not divide the size",
      () => path(all, { num_attention_heads: 7, head_dim: null }),
      /config\.json: expected num_attention_heads to divide 64, received 7/,
    ],
    [
      "heads of keys that do not divide those of queries",
      () => path(all, { num_key_value_heads: 3 }),
      /config\.json: expected num_key_value_heads to divide 4, received 3/,
    ],
    [
      "a size of heads that cannot be rotated",
      () => path(all, { head_dim: 7 }),
      /config\.json is of no use: \[RoPE\] dims: expected an even number, received 7/,
    ],
    [
      "a base that is not above 0",
      () => path(all, { rope_theta: 0 }),
      /expected rope_theta to be a number above 0, received 0/,
    ],
    [
      "another activation",
      () => path(all, { hidden_act: "gelu" }),
      /expected hidden_act to be "silu", the only one known here, received "gelu"/,
    ],
    [
      "an activation of Gemma that is not its own",
      () => checkpoint("gemma2", weightsOf("gemma2"), { hidden_activation: "relu" }),
      /expected hidden_activation to be "gelu_pytorch_tanh", the only one known here/,
    ],
    [
      "fewer types than layers",
      () => path(all, { layer_types: ["full_attention"] }),
      /expected layer_types to have "full_attention" or .* for layer 1, received nothing/,
    ],
    ["a file that is none of GGUF", () => join(path(all), "config.json"), /is no GGUF file/],
    [
      "a config.json that is a folder",
      () => {
        const given = path(all);
        rmSync(join(given, "config.json"));
        mkdirSync(join(given, "config.json"));
        return given;
      },
      /config\.json cannot be read: EISDIR/,
    ],
  ])("%s", async (_, make, message) => {
    const given = make();
    const before = live();
    // Not the error itself, whose stack holds on to the model that was begun.
    const said = await loadModel(given).catch(({ code, message }) => ({ code, message }));
    expect(said).toEqual({ code: "ERR_MLX_LM_MODEL", message: expect.stringMatching(message) });
    expect(live()).toBeLessThanOrEqual(before);
  });

  test.each<[unknown, RegExp]>([
    [null, /options: expected an object with signal, .*, received null/],
    [{ sginal: 1 }, /options: expected signal, onProgress, revision, .*; did you mean "signal"/],
    [
      { signal: { aborted: false } },
      /signal: expected an AbortSignal, received \{ aborted: false \}/,
    ],
    [{ onProgress: 5 }, /onProgress: expected a function, received 5/],
  ])("options that are none: %j", async (options, message) => {
    await expect(loadModel(folder, options as LoadOptions)).rejects.toMatchObject({
      code: "ERR_INVALID_ARG_TYPE",
      message: expect.stringMatching(message),
    });
  });

  test("a missing file of several", async () => {
    const given = path(all);
    rmSync(join(given, "model-00002-of-00002.safetensors"));
    await expect(loadModel(given)).rejects.toThrow(
      /lacks the weights model-00002-of-00002\.safetensors/,
    );
  });

  test("a file that is no JSON", async () => {
    const given = path(all);
    writeFileSync(join(given, "config.json"), "{");
    await expect(loadModel(given)).rejects.toThrow(/config\.json: expected JSON/);
  });

  test("an index that is none", async () => {
    const given = path(all);
    const index = join(given, "model.safetensors.index.json");
    for (const text of ["[]", '{ "weight_map": [1] }', '{ "weight_map": { "a": 1 } }']) {
      writeFileSync(index, text);
      await expect(loadModel(given)).rejects.toMatchObject({
        code: "ERR_MLX_LM_MODEL",
        message: expect.stringMatching(/index\.json/),
      });
    }
  });

  test("a file that is cut off", async () => {
    const given = path(all);
    const file = join(given, "model-00002-of-00002.safetensors");
    const before = live();
    for (const bytes of [0, 4, 100]) {
      truncateSync(file, bytes);
      const said = await loadModel(given).catch(({ code, message }) => ({ code, message }));
      expect(said).toEqual({
        code: "ERR_MLX_LM_MODEL",
        message: expect.stringMatching(/00002-of-00002\.safetensors cannot be read, download it/),
      });
    }
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("weights in a format of others", async () => {
    const given = path(all, { quantization_config: { quant_method: "gptq", bits: 4 } });
    await expect(loadModel(given)).rejects.toThrow(/those of gptq: take the model as mlx_lm\.conv/);
  });

  test("quantized weights of which nothing is said", async () => {
    const given = path({ ...all, "model.layers.0.mlp.up_proj.scales": mx.ones([96, 2]) });
    await expect(loadModel(given)).rejects.toThrow(
      /config\.json: expected quantization, .* since there is model\.layers\.0\.mlp\.up_proj\.scales/,
    );
  });

  test("an abort, before and meanwhile", async () => {
    const given = path(all);
    await expect(loadModel(given, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow(
      "no",
    );
    const controller = new AbortController();
    const before = live();
    const onProgress = () => controller.abort(new Error("enough"));
    await expect(loadModel(given, { signal: controller.signal, onProgress })).rejects.toThrow(
      "enough",
    );
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("an abort at any turn of the event loop", async () => {
    const given = path(all);
    const before = live();
    let aborted = 0;
    for (let turns = 0; turns < 8; turns++) {
      const controller = new AbortController();
      const loading = loadModel(given, { signal: controller.signal }).then(
        ({ model }) => model.dispose(),
        ({ message }) => {
          expect(message).toBe("enough");
          aborted++;
        },
      );
      for (let i = 0; i < turns; i++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      controller.abort(new Error("enough"));
      await loading;
    }
    expect(aborted).toBeGreaterThan(0);
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("progress ends at all bytes", async () => {
    const seen: number[][] = [];
    await loadModel(path(all), { onProgress: ({ loaded, total }) => seen.push([loaded, total]) });
    const bytes = Object.values(all).reduce((sum, { nbytes }) => sum + nbytes, 0);
    expect(seen[0]).toEqual([0, bytes]);
    expect(seen.at(-1)).toEqual([bytes, bytes]);
  });
});
