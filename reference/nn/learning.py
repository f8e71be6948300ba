"""Models that learn: the losses of all steps, from the same weights and data. test/support/learning.ts has the same."""

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_map

from reference.cases import Family, encode

case = Family("nn/learning")


def learn(name, model, loss, optimizer, inputs, steps, size):
    """A case: the steps take `size` rows of the inputs each, and begin again after the last."""
    # Few digits keep the file small.
    model.update(tree_map(lambda x: mx.array(np.array(x).round(2)), model.parameters()))
    weights = encode(dict(tree_flatten(model.parameters())))
    step = nn.value_and_grad(model, lambda *rows: loss(model, *rows))
    losses = []
    for i in range(steps):
        start = i * size % len(inputs[0])
        value, gradients = step(*(x[start : start + size] for x in inputs))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(round(value.item(), 6))
    case.add(
        {"learn": name, "weights": weights, "inputs": encode(inputs), "steps": steps, "size": size, "expect": losses}
    )
    print(f"  {name}: {losses[0]} at first, {losses[-1]} at last")


class Series(nn.Module):
    """What comes next in a series of numbers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 16)
        self.output = nn.Linear(16, 1)

    def __call__(self, x):
        return self.output(self.lstm(x)[0])


def series_loss(model, x):
    return nn.losses.mse_loss(model(x[:, :-1]), x[:, 1:])


mx.random.seed(1)
phase = case.random.uniform(0, 6, (32, 1, 2))
time = np.arange(25)[None, :, None] * np.array([0.35, 0.8])
waves = mx.array((np.sin(time + phase) @ np.array([[1.0], [0.5]])).round(2).astype(np.float32))
learn("series", Series(), series_loss, optimizers.Adam(0.02), [waves], steps=150, size=16)


class Reversal(nn.Module):
    """Strings that are read, and written from their end. The symbol 0 begins a string."""

    def __init__(self, symbols, length, dims=16):
        super().__init__()
        self.symbols = nn.Embedding(symbols, dims)
        self.positions = nn.Embedding(length, dims)
        self.transformer = nn.Transformer(dims, 2, 1, 1, mlp_dims=32)
        self.output = nn.Linear(dims, symbols)

    def embed(self, tokens):
        return self.symbols(tokens) + self.positions(mx.arange(tokens.shape[1]))

    def __call__(self, source, target):
        return self.output(self.transformer(self.embed(source), self.embed(target), None, "causal", None))


def reversal_loss(model, source):
    reverse = source[:, ::-1]
    target = mx.pad(reverse[:, :-1], [(0, 0), (1, 0)])
    return nn.losses.cross_entropy(model(source, target), reverse, reduction="mean")


strings = mx.array(case.random.randint(1, 7, (256, 5)).astype(np.int32))
learn("reversal", Reversal(7, 5), reversal_loss, optimizers.Adam(0.003), [strings], steps=120, size=64)


class Digits(nn.Module):
    """Handwritten digits, by convolutions, statistics of batches and both kinds of pooling."""

    def __init__(self):
        super().__init__()
        # A bias before a normalization has no gradient but noise, which Adam would follow.
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm(6)
        self.conv2 = nn.Conv2d(6, 12, 3, padding=1, groups=2)
        self.norm2 = nn.GroupNorm(3, 12, pytorch_compatible=True)
        self.output = nn.Linear(48, 10)

    def __call__(self, x):
        x = nn.MaxPool2d(2)(nn.relu(self.norm1(self.conv1(x))))
        x = nn.AvgPool2d(2)(nn.relu(self.norm2(self.conv2(x))))
        return self.output(x.flatten(1))


def digits_loss(model, images, labels):
    return nn.losses.cross_entropy(model(images[..., None] / 16), labels, reduction="mean")


data = np.load(Path(__file__).parents[2] / "examples" / "digits" / "digits.npz")
images, labels = (mx.array(data[name][:160].astype(np.int32)) for name in ("images", "labels"))
learn("digits", Digits(), digits_loss, optimizers.Adam(0.01), [images, labels], steps=50, size=32)
