"""Logits of small models of each architecture, with weights from a formula, as mlx-lm computes them, or NumPy."""

import argparse
import importlib
import json
import math
import os

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import alibi
from mlx.utils import tree_flatten
from mlx_lm.models.cache import KVCache, RotatingKVCache, make_prompt_cache

small = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rms_norm_eps": 1e-5,
    "vocab_size": 64,
    "max_position_embeddings": 256,
    "rope_theta": 10000.0,
}
llama3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
yarn = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}

# The name of the case, the configuration, and the module of mlx-lm if it has another name.
cases = {
    "llama": {"model_type": "llama", "tie_word_embeddings": False},
    "llama-biases": {"model_type": "llama", "attention_bias": True, "mlp_bias": True},
    "llama-rope-linear": {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2.0}},
    "llama-rope-llama3": {"model_type": "llama", "rope_scaling": llama3},
    "llama-rope-yarn": {"model_type": "llama", "rope_scaling": yarn},
    # Shorter than the text.
    "llama-rope-dynamic": {
        "model_type": "llama",
        "max_position_embeddings": 16,
        "rope_scaling": {"type": "dynamic", "factor": 4.0},
    },
    "llama-rope-traditional": {"model_type": "llama", "rope_traditional": True},
    "llama-sliding": {
        "model_type": "llama",
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "sliding_window": 8,
    },
    "qwen2": {"model_type": "qwen2", "tie_word_embeddings": True},
    "qwen2-mrope": {
        "model_type": "qwen2",
        "tie_word_embeddings": True,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    },
    "qwen3": {"model_type": "qwen3", "tie_word_embeddings": False},
    "qwen3-moe": {
        "model_type": "qwen3_moe",
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [],
        "moe_intermediate_size": 32,
        "norm_topk_prob": True,
        "tie_word_embeddings": False,
    },
    "gemma2": {
        "model_type": "gemma2",
        "query_pre_attn_scalar": 24.0,
        "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 3.0,
    },
    "gemma3": {
        "model_type": "gemma3_text",
        "query_pre_attn_scalar": 24.0,
        "sliding_window": 8,
        "sliding_window_pattern": 3,
        "rope_local_base_freq": 1000.0,
    },
    # One that reads images, too, whose text is the same.
    "gemma3-of-images": {
        "model_type": "gemma3",
        "vocab_size": small["vocab_size"],
        "text_config": {
            "model_type": "gemma3_text",
            **{name: value for name, value in small.items() if "heads" not in name},
            "num_hidden_layers": 2,
            "sliding_window": 8,
            "sliding_window_pattern": 2,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        },
    },
    "qwen3-rope-parameters": {
        "model_type": "qwen3",
        "tie_word_embeddings": True,
        "rope_theta": None,
        "rope_parameters": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 32,
            "rope_theta": 500.0,
        },
    },
    "phi3": {"model_type": "phi3", "partial_rotary_factor": 0.5, "tie_word_embeddings": False},
    "phi3-longrope": {
        "model_type": "phi3",
        "original_max_position_embeddings": 64,
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.0] * 8,
            "long_factor": [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5],
        },
        "tie_word_embeddings": False,
    },
    "olmo2": {"model_type": "olmo2", "tie_word_embeddings": False},
}
mpt = {
    "model_type": "mpt",
    "d_model": 64,
    "n_heads": 4,
    "n_layers": 2,
    "expansion_ratio": 2,
    "max_seq_len": 16,
    "vocab_size": 64,
    "no_bias": True,
    "attn_config": {"alibi": True, "alibi_bias_max": 8, "clip_qkv": None, "softmax_scale": None},
}
# Those that mlx-lm lacks, by NumPy. Texts are longer than max_seq_len, which ALiBi permits.
numpy_cases = {
    "mpt": mpt,
    "mpt-biases": {
        **mpt,
        "d_model": 96,
        "n_heads": 6,
        "no_bias": False,
        "logit_scale": "inv_sqrt_d_model",
        "attn_config": {"alibi": True, "clip_qkv": 0.75, "softmax_scale": 0.5},
    },
    "bloom": {
        "model_type": "bloom",
        "hidden_size": 64,
        "n_layer": 2,
        "n_head": 4,
        "layer_norm_epsilon": 1e-5,
        "vocab_size": 64,
    },
}
tokens = [(7 * i * i + 3 * i + 5) % small["vocab_size"] for i in range(24)]
# Where logits are looked at: in each chunk, and at its ends.
positions = [0, 4, 9, 10, 19, 20, 22, 23]


def gather_mm(a, b, *args, own=mx.gather_mm, **kwargs):
    """Products of experts, which MLX has in float32 only on a CPU."""
    return own(a.astype(mx.float32), b.astype(mx.float32), *args, **kwargs).astype(a.dtype)


mx.gather_mm = gather_mm


def weights_of(shapes):
    """Numbers that both sides can make, exactly: multiples of 1/4096 below 1/4."""
    weights = {}
    for k, (name, shape) in enumerate(shapes.items()):
        i = np.arange(math.prod(shape), dtype=np.int64)
        numbers = (i * 1103 + (i * i % 997) * 31 + k * 577) % 2048
        weights[name] = mx.array((numbers - 1024) / 4096, mx.float32).reshape(shape)
    return weights


def run(model):
    """The logits of the whole text, and of chunks and then single tokens with a cache."""
    text = mx.array([tokens])
    whole = model(text)[0]
    cache = make_prompt_cache(model)
    parts = [model(text[:, a:b], cache=cache)[0] for a, b in ((0, 10), (10, 20))]
    parts += [model(text[:, i : i + 1], cache=cache)[0] for i in range(20, len(tokens))]
    at = mx.array(positions)
    return [x[at].astype(mx.float32) for x in (whole, mx.concatenate(parts))]


def run_more(model):
    """The logits of the text backwards, beside it in a batch, and of parts with caches that keep nine tokens."""
    at = mx.array(positions)
    backwards = model(mx.array([tokens, tokens[::-1]]))[1]
    cache = [
        RotatingKVCache(9, keep=4) if isinstance(c, KVCache) else c for c in make_prompt_cache(model)
    ]
    text = mx.array([tokens])
    parts = [model(text[:, a:b], cache=cache)[0] for a, b in ((0, 10), (10, 20))]
    parts += [model(text[:, i : i + 1], cache=cache)[0] for i in range(20, len(tokens))]
    return [x[at].astype(mx.float32) for x in (backwards, mx.concatenate(parts))]


def run_numpy(config, weights, kind):
    """The same in NumPy, where a token's logits do not depend on how the text is cut."""

    def plain(name, x):
        if kind == "bfloat16":
            x = x.astype(mx.bfloat16)
        if kind == "quantized" and x.ndim == 2:
            x = mx.dequantize(*mx.quantize(x, group_size=32, bits=8), group_size=32, bits=8)
        return np.array(x.astype(mx.float32), np.float64)

    numbers = {name: plain(name, x) for name, x in weights.items()}
    logits = alibi.models[config["model_type"]][1](config, numbers, tokens)
    return [mx.array(logits[positions], mx.float32)] * 2


def main(out):
    golden = {"tokens": tokens, "positions": positions, "cases": {}}
    logits = {}
    for name, own in cases.items():
        config = {**small, **own}
        module = importlib.import_module(f"mlx_lm.models.{config['model_type']}")
        model = module.Model(module.ModelArgs.from_dict(config))
        weights = weights_of({name: x.shape for name, x in tree_flatten(model.parameters())})
        if "gemma3" in name:
            weights = {name: x for name, x in weights.items() if "lm_head" not in name}
            weights = model.sanitize(weights)
        golden["cases"][name] = {
            "config": config,
            "weights": [[name, x.shape] for name, x in weights.items()],
        }
        if "of-images" in name:
            golden["cases"][name]["weights"].append(["vision_tower.embeddings.weight", [4, 4]])
        for kind in ("float32", "quantized", "bfloat16"):
            model = module.Model(module.ModelArgs.from_dict(config))
            if "gemma3" in name:
                model.sanitize(weights)
            model.load_weights(list(weights.items()))
            if kind == "bfloat16":
                model.set_dtype(mx.bfloat16)
            if kind == "quantized":
                nn.quantize(model, group_size=32, bits=8)
            logits[f"{name}.{kind}.whole"], logits[f"{name}.{kind}.parts"] = run(model)
            if kind == "float32":
                logits[f"{name}.backwards"], logits[f"{name}.rotating"] = run_more(model)
        mx.eval(logits)
    for name, config in numpy_cases.items():
        weights = weights_of(alibi.models[config["model_type"]][0](config))
        golden["cases"][name] = {
            "config": config,
            "weights": [[name, x.shape] for name, x in weights.items()],
        }
        for kind in ("float32", "bfloat16", "quantized"):
            logits[f"{name}.{kind}.whole"], logits[f"{name}.{kind}.parts"] = run_numpy(
                config, weights, kind
            )
    with open(os.path.join(out, "models.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")
    mx.save_safetensors(os.path.join(out, "models.safetensors"), logits)


parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
main(parser.parse_args().out)
