"""MPT and BLOOM in NumPy, in float64: mlx-lm has neither. Written from the papers and from the names in published files."""

import math

import numpy as np

erf = np.vectorize(math.erf)


def slopes_of(heads):
    """The paper's: a geometric sequence, and for other numbers every other one of the sequence that is twice as long."""

    def sequence(n):
        return [2.0 ** (-8 * (i + 1) / n) for i in range(n)]

    power = 2 ** int(math.log2(heads))
    return sequence(power) + sequence(2 * power)[::2][: heads - power]


def attend(q, k, v, scale):
    """Token by token: each looks back at those before it, which count less the further they are away."""
    heads, length, _ = q.shape
    out = np.zeros_like(q)
    for h, slope in enumerate(slopes_of(heads)):
        for i in range(length):
            scores = np.array([q[h, i] @ k[h, j] * scale - slope * (i - j) for j in range(i + 1)])
            weights = np.exp(scores - scores.max())
            out[h, i] = weights / weights.sum() @ v[h, : i + 1]
    return out.transpose(1, 0, 2).reshape(length, -1)


def layer_norm(x, weights, name, eps):
    centered = x - x.mean(-1, keepdims=True)
    normed = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps)
    return normed * weights[f"{name}.weight"] + weights.get(f"{name}.bias", 0)


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0)


def mpt_shapes(config):
    dims, hidden = config["d_model"], config["d_model"] * config["expansion_ratio"]
    shapes = {"transformer.wte.weight": [config["vocab_size"], dims]}

    def add(name, *shape):
        shapes[f"{name}.weight"] = list(shape)
        if not config["no_bias"]:
            shapes[f"{name}.bias"] = [shape[0]]

    for i in range(config["n_layers"]):
        block = f"transformer.blocks.{i}"
        add(f"{block}.norm_1", dims)
        add(f"{block}.attn.Wqkv", 3 * dims, dims)
        add(f"{block}.attn.out_proj", dims, dims)
        add(f"{block}.norm_2", dims)
        add(f"{block}.ffn.up_proj", hidden, dims)
        add(f"{block}.ffn.down_proj", dims, hidden)
    add("transformer.norm_f", dims)
    return shapes


def mpt(config, weights, tokens):
    heads, dims = config["n_heads"], config["d_model"]
    attention = config["attn_config"]
    scale = attention.get("softmax_scale") or 1 / math.sqrt(dims / heads)
    eps = config.get("layer_norm_epsilon", 1e-5)
    x = weights["transformer.wte.weight"][tokens]
    for i in range(config["n_layers"]):
        block = f"transformer.blocks.{i}"
        qkv = linear(layer_norm(x, weights, f"{block}.norm_1", eps), weights, f"{block}.attn.Wqkv")
        clip = attention.get("clip_qkv") or np.inf
        q, k, v = np.clip(qkv, -clip, clip).reshape(len(tokens), 3, heads, -1).transpose(1, 2, 0, 3)
        x = x + linear(attend(q, k, v, scale), weights, f"{block}.attn.out_proj")
        up = linear(layer_norm(x, weights, f"{block}.norm_2", eps), weights, f"{block}.ffn.up_proj")
        x = x + linear(up * (1 + erf(up / math.sqrt(2))) / 2, weights, f"{block}.ffn.down_proj")
    x = layer_norm(x, weights, "transformer.norm_f", eps)
    logits = x @ weights["transformer.wte.weight"].T
    return logits / math.sqrt(dims) if config.get("logit_scale") == "inv_sqrt_d_model" else logits


def bloom_shapes(config):
    dims = config["hidden_size"]
    shapes = {"word_embeddings.weight": [config["vocab_size"], dims]}

    def add(name, *shape):
        shapes[f"{name}.weight"] = list(shape)
        shapes[f"{name}.bias"] = [shape[0]]

    add("word_embeddings_layernorm", dims)
    for i in range(config["n_layer"]):
        add(f"h.{i}.input_layernorm", dims)
        add(f"h.{i}.self_attention.query_key_value", 3 * dims, dims)
        add(f"h.{i}.self_attention.dense", dims, dims)
        add(f"h.{i}.post_attention_layernorm", dims)
        add(f"h.{i}.mlp.dense_h_to_4h", 4 * dims, dims)
        add(f"h.{i}.mlp.dense_4h_to_h", dims, 4 * dims)
    add("ln_f", dims)
    return shapes


def bloom(config, weights, tokens):
    heads, dims = config["n_head"], config["hidden_size"]
    eps = config["layer_norm_epsilon"]
    x = layer_norm(weights["word_embeddings.weight"][tokens], weights, "word_embeddings_layernorm", eps)
    for i in range(config["n_layer"]):
        block = f"h.{i}"
        qkv = linear(
            layer_norm(x, weights, f"{block}.input_layernorm", eps),
            weights,
            f"{block}.self_attention.query_key_value",
        )
        q, k, v = qkv.reshape(len(tokens), heads, 3, -1).transpose(2, 1, 0, 3)
        attended = attend(q, k, v, 1 / math.sqrt(dims / heads))
        x = x + linear(attended, weights, f"{block}.self_attention.dense")
        up = linear(
            layer_norm(x, weights, f"{block}.post_attention_layernorm", eps),
            weights,
            f"{block}.mlp.dense_h_to_4h",
        )
        activated = up / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)))
        x = x + linear(activated, weights, f"{block}.mlp.dense_4h_to_h")
    x = layer_norm(x, weights, "ln_f", eps)
    return x @ weights["word_embeddings.weight"].T


# By `model_type`: the shapes of the weights, and the logits of a text.
models = {"mpt": (mpt_shapes, mpt), "bloom": (bloom_shapes, bloom)}
