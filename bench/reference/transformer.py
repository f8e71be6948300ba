"""The model of examples/train-short-test-long in Python MLX: what it computes
there, it computes here, so that training steps a second can be compared.

    python transformer.py --positions alibi --steps 100

prints one JSON object. Without --text it trains on random tokens, which takes
the same time and needs no data; with it, it also reads a held-out tenth at 1,
2, 4 and 8 times the training length.
"""

import argparse
import json
import math
import time

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Attention(nn.Module):
    def __init__(self, width, heads, alibi):
        super().__init__()
        self.wq = nn.Linear(width, width, bias=False)
        self.wk = nn.Linear(width, width, bias=False)
        self.wv = nn.Linear(width, width, bias=False)
        self.wo = nn.Linear(width, width, bias=False)
        self._heads = heads
        self._alibi = nn.ALiBi() if alibi else None

    def __call__(self, x, mask, cache=None):
        batch, length, width = x.shape

        def split(y):
            return y.reshape(batch, length, self._heads, -1).transpose(0, 2, 1, 3)

        q, k, v = split(self.wq(x)), split(self.wk(x)), split(self.wv(x))
        offset = 0
        if cache is not None:
            offset = cache[0].shape[2]
            k = mx.concatenate([cache[0], k], axis=2)
            v = mx.concatenate([cache[1], v], axis=2)
        scores = (q * (width / self._heads) ** -0.5) @ k.transpose(0, 1, 3, 2)
        # Not `if self._alibi`: a module without parameters is an empty dict, so false.
        if self._alibi is not None:
            scores = self._alibi(scores, offset=offset, mask=mask)
        elif mask is not None:
            scores = scores + mask
        y = mx.softmax(scores, axis=-1) @ v
        return self.wo(y.transpose(0, 2, 1, 3).reshape(batch, length, width)), (k, v)


class Block(nn.Module):
    def __init__(self, width, heads, alibi):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, alibi)
        self.mlp_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def __call__(self, x, mask, cache=None):
        read, cache = self.attention(self.attention_norm(x), mask, cache)
        x = x + read
        return x + self.down(nn.relu(self.up(self.mlp_norm(x)))), cache


class Transformer(nn.Module):
    def __init__(self, vocabulary, width, heads, layers, positions):
        super().__init__()
        alibi = positions == "alibi"
        self.embedding = nn.Embedding(vocabulary, width)
        self._positions = None if alibi else nn.SinusoidalPositionalEncoding(width, scale=1)
        self.blocks = [Block(width, heads, alibi) for _ in range(layers)]
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def __call__(self, tokens):
        return self.read(tokens)[0]

    def read(self, tokens, caches=None):
        """Logits of what follows tokens, which may follow those in the caches."""
        length = tokens.shape[-1]
        offset = caches[0][0].shape[2] if caches else 0
        x = self.embedding(tokens) * self.embedding.weight.shape[1] ** 0.5
        if self._positions is not None:
            x = x + self._positions(mx.arange(offset, offset + length))
        # Only the first tokens come several at a time.
        mask = nn.MultiHeadAttention.create_additive_causal_mask(length) if length > 1 else None
        grown = []
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks)):
            x, cache = block(x, mask, cache)
            grown.append(cache)
        return self.head(self.norm(x)), grown


def loss_of(model, inputs, targets):
    return nn.losses.cross_entropy(model(inputs), targets, reduction="mean")


def windows(stream, starts, length):
    """Inputs and targets of `length` tokens from each start."""
    picked = stream[starts[:, None] + mx.arange(length + 1)]
    return picked[:, :-1], picked[:, 1:]


def perplexity(model, stream, length, tokens, per_batch):
    total, rows = 0.0, per_batch // length
    for first in range(0, tokens, rows * length):
        starts = mx.arange(first, min(first + rows * length, tokens), length)
        inputs, targets = windows(stream, starts, length)
        total += nn.losses.cross_entropy(model(inputs), targets, reduction="sum").item()
    return math.exp(total / tokens)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--positions", choices=["alibi", "sinusoidal"], default="alibi")
    p.add_argument("--steps", type=int, default=100)
    p.add_argument("--warm", type=int, default=5, help="steps before the clock starts")
    p.add_argument("--length", type=int, default=64)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--heads", type=int, default=8)
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.1)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", choices=["cpu", "gpu"])
    p.add_argument("--text", help="a file of text; random tokens without it")
    a = p.parse_args()

    if a.device:
        mx.set_default_device(mx.cpu if a.device == "cpu" else mx.gpu)
    mx.random.seed(a.seed)

    held = None
    if a.text:
        text = open(a.text, encoding="utf-8").read()
        symbols = sorted(set(text))
        index = {c: i for i, c in enumerate(symbols)}
        vocabulary = len(symbols)
        ids = mx.array([index[c] for c in text])
        cut = len(text) * 9 // 10
        stream, held = ids[:cut], ids[cut:]
    else:
        vocabulary = 90
        stream = mx.random.randint(0, vocabulary, (1_000_000,))

    model = Transformer(vocabulary, a.width, a.heads, a.layers, a.positions)
    warm_up = max(1, a.steps // 10)
    rate = optim.join_schedules(
        [
            optim.linear_schedule(0, a.rate, warm_up),
            optim.cosine_decay(a.rate, max(1, a.steps - warm_up), a.rate / 10),
        ],
        [warm_up],
    )
    optimizer = optim.AdamW(rate, weight_decay=a.decay)
    step = nn.value_and_grad(model, loss_of)
    mx.eval(model, stream)

    began, loss = time.perf_counter(), None
    for i in range(a.warm + a.steps if not a.text else a.steps):
        if i == a.warm:
            began = time.perf_counter()
        starts = mx.random.randint(0, stream.size - a.length, (a.batch,))
        loss, gradients = step(model, *windows(stream, starts, a.length))
        gradients, _ = optim.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        mx.eval(loss, model, optimizer.state)
    seconds = time.perf_counter() - began

    timed = a.steps - (a.warm if a.text else 0)
    out = {
        "mlx": mx.__version__,
        "device": str(mx.default_device()),
        "positions": a.positions,
        "stepsPerSecond": timed / seconds,
        "loss": loss.item(),
    }
    if held is not None:
        longest = 8 * a.length
        tokens = min((held.size - 1) // longest, max(1, 32768 // longest)) * longest
        model.eval()
        out["perplexity"] = {
            n: round(perplexity(model, held, n * a.length, tokens, longest * 4), 2)
            for n in (1, 2, 4, 8)
        }
    print(json.dumps(out))


if __name__ == "__main__":
    main()
