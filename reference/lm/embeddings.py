"""Encoders in NumPy, in float64: vectors of all-MiniLM-L6-v2, and of small models with ALiBi.

The vectors are those of the published weights, computed here; Hugging Face's tokenizers makes the tokens.
"""

import argparse
import json
import math
import os

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

texts = [
    "Call me Ishmael.",
    "A whale is the largest animal that lives in the sea, and it breathes air.",
    "Tax forms are due in April.",
    "naïve café 東京 🐳",
]


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Encoder:
    def __init__(self, weights, config):
        self.w = {name: x.astype(np.float64) for name, x in weights.items()}
        self.config = config

    def linear(self, name, x):
        y = x @ self.w[f"{name}.weight"].T
        return y + self.w[f"{name}.bias"] if f"{name}.bias" in self.w else y

    def norm(self, name, x):
        centered = x - x.mean(-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return scaled * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def slopes(self, heads):
        power = 2 ** math.floor(math.log2(heads))
        first = [2 ** (-8 * (i + 1) / power) for i in range(power)]
        between = [2 ** (-8 * (i + 1) / (2 * power)) for i in range(2 * power)][::2]
        return np.array(first + between[: heads - power])

    def attention(self, name, x):
        heads = self.config["num_attention_heads"]
        split = lambda y: y.reshape(len(x), heads, -1).transpose(1, 0, 2)
        q, k, v = (split(self.linear(f"{name}.self.{part}", x)) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        if self.config.get("position_embedding_type") == "alibi":
            i = np.arange(len(x))
            scores -= self.slopes(heads)[:, None, None] * abs(i[:, None] - i[None])
        return self.linear(f"{name}.output.dense", (softmax(scores) @ v).transpose(1, 0, 2).reshape(len(x), -1))

    def mlp(self, name, x):
        if self.config.get("feed_forward_type") == "geglu":
            gate, up = np.split(self.linear(f"{name}.mlp.gated_layers", x), 2, -1)
            return self.norm(f"{name}.mlp.layernorm", x + self.linear(f"{name}.mlp.wo", gelu(gate) * up))
        hidden = gelu(self.linear(f"{name}.intermediate.dense", x))
        return self.norm(f"{name}.output.LayerNorm", x + self.linear(f"{name}.output.dense", hidden))

    def __call__(self, tokens):
        x = self.w["embeddings.word_embeddings.weight"][tokens]
        x = x + self.w["embeddings.token_type_embeddings.weight"][0]
        if "embeddings.position_embeddings.weight" in self.w:
            x = x + self.w["embeddings.position_embeddings.weight"][: len(tokens)]
        x = self.norm("embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{i}"
            x = self.norm(f"{name}.attention.output.LayerNorm", x + self.attention(f"{name}.attention", x))
            x = self.mlp(name, x)
        return x


def minilm(folder):
    with open(os.path.join(folder, "config.json")) as file:
        encoder = Encoder(load_file(os.path.join(folder, "model.safetensors")), json.load(file))
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    vectors = [encoder(tokenizer.encode(text).ids).mean(0) for text in texts]
    return [(v / np.linalg.norm(v)).tolist() for v in vectors]


def small():
    """A small model with ALiBi and gates, whose weights are from a formula."""
    config = {
        "model_type": "bert",
        "vocab_size": 40,
        "type_vocab_size": 2,
        "hidden_size": 24,
        "num_attention_heads": 3,
        "num_hidden_layers": 2,
        "intermediate_size": 20,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 64,
        "position_embedding_type": "alibi",
        "feed_forward_type": "geglu",
    }
    d, h = config["hidden_size"], config["intermediate_size"]
    norm = lambda name: {f"{name}.weight": [d], f"{name}.bias": [d]}
    linear = lambda name: {f"{name}.weight": [d, d], f"{name}.bias": [d]}
    shapes = {
        "embeddings.word_embeddings.weight": [config["vocab_size"], d],
        "embeddings.token_type_embeddings.weight": [2, d],
        **norm("embeddings.LayerNorm"),
    }
    for i in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{i}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes.update(linear(f"{name}.attention.{part}"))
        shapes.update(norm(f"{name}.attention.output.LayerNorm"))
        shapes[f"{name}.mlp.gated_layers.weight"] = [2 * h, d]
        shapes[f"{name}.mlp.wo.weight"] = [d, h]
        shapes[f"{name}.mlp.wo.bias"] = [d]
        shapes.update(norm(f"{name}.mlp.layernorm"))
    weights = {}
    for k, (name, shape) in enumerate(shapes.items()):
        i = np.arange(np.prod(shape), dtype=np.int64)
        numbers = (i * 1103 + (i * i % 997) * 31 + k * 577) % 2048
        weights[name] = ((numbers - 1024) / 4096).astype(np.float32).reshape(shape)
    tokens = [[3, 1, 4, 1, 5, 9, 2, 6, 5, 35], [8, 9, 7, 9]]
    encoder = Encoder(weights, config)
    states = [encoder(np.array(text)).tolist() for text in tokens]
    return {"config": config, "weights": list(shapes.items()), "tokens": tokens, "states": states}


parser = argparse.ArgumentParser()
parser.add_argument("--minilm", required=True, help="the folder of all-MiniLM-L6-v2")
parser.add_argument("--out", required=True)
options = parser.parse_args()
with open(os.path.join(options.out, "embeddings.json"), "w") as file:
    rounded = [[round(x, 8) for x in v] for v in minilm(options.minilm)]
    json.dump({"minilm": {"texts": texts, "vectors": rounded}, "alibi": small()}, file)
    file.write("\n")
