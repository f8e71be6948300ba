import { mx } from "mlx-js";
import { Config } from "./config.js";
import { failure } from "./errors.js";
import { unreadable } from "./folder.js";
import { type Metadata, metadataOf } from "./gguf-metadata.js";
import { type TokenizerParts, tokenizerOf } from "./gguf-tokenizer.js";
import type { Weights } from "./models/model.js";
import { inTurns, type Work } from "./turns.js";

/** A model from a GGUF file, as its folder of safetensors would have it. */
export interface GgufModel {
  config: Config;
  weights: Weights;
  tokenizer: Work<TokenizerParts | undefined>;
}

/** The `model_type` for each architecture of GGUF. */
const modelTypes: Readonly<Record<string, string>> = {
  gemma2: "gemma2",
  gemma3: "gemma3_text",
  llama: "llama",
  olmo2: "olmo2",
  phi3: "phi3",
  qwen2: "qwen2",
  qwen3: "qwen3",
  qwen3moe: "qwen3_moe",
};

/** The types that most tensors of a file can have, by `general.file_type`. */
const fileTypes: Readonly<Record<number, string>> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  7: "Q8_0",
};

const otherFileTypes: Readonly<Record<number, string>> = {
  ...{ 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L" },
  ...{ 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16" },
};

function checkFileType(type: number | undefined, source: string): void {
  if (type !== undefined && fileTypes[type] === undefined) {
    const name = otherFileTypes[type] ?? `number ${type}`;
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${source}: the weights are of the type ${name}, and those that can be read are ` +
        `${Object.values(fileTypes).join(", ")}`,
    );
  }
}

/** The names of a layer's parts here, by those in GGUF. */
const layerNames: Readonly<Record<string, string>> = {
  attn_k: "self_attn.k_proj",
  attn_k_norm: "self_attn.k_norm",
  attn_norm: "input_layernorm",
  attn_output: "self_attn.o_proj",
  attn_q: "self_attn.q_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_qkv: "self_attn.qkv_proj",
  attn_v: "self_attn.v_proj",
  ffn_down: "mlp.down_proj",
  ffn_down_exps: "mlp.switch_mlp.down_proj",
  ffn_gate: "mlp.gate_proj",
  ffn_gate_exps: "mlp.switch_mlp.gate_proj",
  ffn_gate_inp: "mlp.gate",
  ffn_norm: "post_attention_layernorm",
  ffn_up: "mlp.up_proj",
  ffn_up_exps: "mlp.switch_mlp.up_proj",
  post_attention_norm: "post_attention_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

/** Where an architecture has other names for them. */
const ownNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gemma2: { ffn_norm: "pre_feedforward_layernorm" },
  gemma3: { ffn_norm: "pre_feedforward_layernorm" },
  phi3: { ffn_up: "mlp.gate_up_proj" },
};

const topNames: Readonly<Record<string, string>> = {
  output: "lm_head",
  output_norm: "model.norm",
  token_embd: "model.embed_tokens",
};

/** `blk.0.attn_q.weight` is `model.layers.0.self_attn.q_proj.weight`. */
function nameOf(name: string, architecture: string): string | undefined {
  const [, layer, part = "", field] = /^(?:blk\.(\d+)\.)?(\w+)\.(\w+)$/.exec(name) ?? [];
  const known =
    layer === undefined ? topNames[part] : (ownNames[architecture]?.[part] ?? layerNames[part]);
  if (known === undefined) {
    return undefined;
  }
  return layer === undefined ? `${known}.${field}` : `model.layers.${layer}.${known}.${field}`;
}

/**
 * GGUF has the rows of Llama's queries and keys with the two halves of each head in turn; here one
 * half comes after the other.
 */
function halvesApart(x: mx.array, heads: number): mx.array {
  const [rows = 0, ...rest] = x.shape;
  const inTurn = x.reshape([heads, rows / heads / 2, 2, ...rest]);
  return inTurn.swapaxes(1, 2).reshape(x.shape);
}

/** The settings of `config.json`, from the metadata. */
function configOf(
  metadata: Metadata,
  weights: Weights,
  architecture: string,
  source: string,
): Config {
  const number = (name: string) => metadata.number(`${architecture}.${name}`);
  const text = (name: string) => metadata.text(`${architecture}.${name}`);
  const dims = number("embedding_length");
  const heads = number("attention.head_count");
  const headDim = number("attention.key_length") ?? Number(dims) / Number(heads);
  const rotated = number("rope.dimension_count") ?? headDim;
  const depth = number("block_count");
  const factors = weights["rope_freqs.weight"] ?? weights["rope_factors_long.weight"];
  const scaling = text("rope.scaling.type");
  const original = number("rope.scaling.original_context_length");
  const context = number("context_length");
  // The largest Gemma models divide by the size of a head that the others would have.
  const isLargeGemma = (architecture === "gemma2" ? 46 : 62) === depth;
  const ropeScaling =
    factors !== undefined
      ? {
          type: "longrope",
          long_factor: factors.tolist(),
          original_max_position_embeddings: original ?? context,
        }
      : scaling !== undefined && scaling !== "none"
        ? {
            type: scaling,
            factor: number("rope.scaling.factor"),
            original_max_position_embeddings: original ?? context,
            beta_fast: number("rope.scaling.yarn_beta_fast"),
            beta_slow: number("rope.scaling.yarn_beta_slow"),
          }
        : undefined;
  return new Config(
    {
      model_type: modelTypes[architecture],
      hidden_size: dims,
      num_hidden_layers: depth,
      intermediate_size: number("feed_forward_length"),
      num_attention_heads: heads,
      num_key_value_heads: number("attention.head_count_kv") ?? heads,
      head_dim: headDim,
      partial_rotary_factor: rotated / headDim,
      rms_norm_eps: number("attention.layer_norm_rms_epsilon"),
      vocab_size: weights["token_embd.weight"]?.dim(0),
      max_position_embeddings: context,
      rope_theta: number("rope.freq_base") ?? 10000,
      rope_local_base_freq: number("rope.freq_base_swa"),
      rope_scaling: ropeScaling,
      sliding_window: number("attention.sliding_window"),
      attention_bias: weights["blk.0.attn_q.bias"] !== undefined,
      mlp_bias: weights["blk.0.ffn_up.bias"] !== undefined,
      tie_word_embeddings: weights["output.weight"] === undefined,
      query_pre_attn_scalar: isLargeGemma ? Number(dims) / Number(heads) : headDim,
      attn_logit_softcapping: number("attn_logit_softcapping"),
      final_logit_softcapping: number("final_logit_softcapping"),
      num_experts: number("expert_count"),
      num_experts_per_tok: number("expert_used_count"),
      moe_intermediate_size: number("expert_feed_forward_length"),
      norm_topk_prob: true,
      quantization: quantizationOf(weights, architecture),
    },
    source,
  );
}

/** The format of each quantized layer. A group is 32 numbers, and its scale stands beside them. */
function quantizationOf(weights: Weights, architecture: string): object {
  const formats: Record<string, unknown> = { group_size: 32, bits: 4 };
  for (const [name, scales] of Object.entries(weights)) {
    const layer = name.endsWith(".scales") ? name.slice(0, -".scales".length) : undefined;
    const packed = layer === undefined ? undefined : weights[`${layer}.weight`];
    if (packed !== undefined) {
      const here = nameOf(name, architecture)?.slice(0, -".scales".length);
      formats[here ?? name] = { group_size: 32, bits: packed.dim(-1) / scales.dim(-1) };
    }
  }
  return formats;
}

function readTensors(file: string): Weights {
  try {
    return mx.load(file, { format: "gguf" });
  } catch (error) {
    throw file.endsWith(".gguf") || !(error instanceof mx.FormatError)
      ? unreadable(file, error)
      : failure(
          "ERR_MLX_LM_MODEL",
          `${file} is no GGUF file: expected one, or the folder of a model`,
          error,
        );
  }
}

/** The metadata of a file whose tensors were read. */
function* readMetadata(file: string): Work<Metadata> {
  try {
    return yield* metadataOf(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The weights under the names, and in the form, that they have here. */
function* weightsOf(
  tensors: Weights,
  architecture: string,
  config: Config,
  file: string,
): Work<Weights> {
  const dtype = mx.defaultDevice().type === mx.cpu ? mx.float32 : mx.float16;
  const isGemma = architecture.startsWith("gemma");
  const weights: Weights = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const here = nameOf(name, architecture);
    if (here === undefined) {
      if (/^rope_(freqs|factors_(long|short))\.weight$/.test(name)) {
        continue;
      }
      throw failure("ERR_MLX_LM_MODEL", `${file}: the tensor ${name} is not known here`);
    }
    let x = tensor.dtype === mx.uint32 ? tensor : tensor.astype(dtype);
    if (architecture === "llama" && /\.attn_[qk]\./.test(name)) {
      const isKey = name.includes(".attn_k.");
      x = halvesApart(x, config.count(isKey ? "num_key_value_heads" : "num_attention_heads"));
    }
    // There the weights of norms are factors, here they say how far from 1 these are.
    weights[here] = isGemma && name.endsWith("norm.weight") ? x.subtract(1) : x;
    yield;
  }
  return weights;
}

function* modelIn(file: string): Work<GgufModel> {
  const tensors = readTensors(file);
  yield;
  const metadata = yield* readMetadata(file);
  const architecture = metadata.text("general.architecture") ?? "";
  if (!Object.hasOwn(modelTypes, architecture)) {
    const known = Object.keys(modelTypes).join(", ");
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${file}: the architecture "${architecture}" is not among those that are known here: ${known}`,
    );
  }
  checkFileType(metadata.number("general.file_type"), file);
  const config = configOf(metadata, tensors, architecture, file);
  const weights = yield* weightsOf(tensors, architecture, config, file);
  return { config, weights, tokenizer: tokenizerOf(metadata, file) };
}

/**
 * Reads a model from a GGUF file, while the event loop goes on: weights in F32, F16, Q4_0, Q4_1 or Q8_0, which
 * stay quantized, with the configuration and the tokenizer of the metadata. On a CPU, what is float16
 * becomes float32, in which it computes faster.
 *
 * @throws Error if the file is none, or the architecture or the type of the weights is not known.
 */
export function readGguf(file: string, signal: mx.Signal | undefined): Promise<GgufModel> {
  // In a scope, so that what is of no use, such as the weights of a file that is refused, is freed.
  return mx.tidy(() => inTurns(modelIn(file), signal));
}
