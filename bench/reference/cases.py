"""What is measured, in Python MLX; ../cases.mjs has the same. Python has no
`tidy`: what is measured in one there is here the same as outside."""

import argparse
import json
import time

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from layer_cases import convolutional, recurrent
from model_cases import decoding, training

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cpu")
parser.add_argument("--only", default="")
parser.add_argument("--case")
parser.add_argument("--warm", type=float, default=2)
options = parser.parse_args()
mx.set_default_device(mx.gpu if options.device == "gpu" else mx.cpu)


def measure(rounds, count, prepare, warm_rounds=1, warm_seconds=0):
    """Seconds of one call in the best of several rounds: the least disturbed one."""
    body = prepare()
    begin = time.perf_counter()
    while warm_rounds > 0 or time.perf_counter() - begin < warm_seconds:
        body(count)
        warm_rounds -= 1
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        body(count)
        least = min(least, (time.perf_counter() - start) / count)
    return least


def lasting(rounds, count, prepare):
    """A model's work, which lasts: measured after some seconds of it."""
    return rounds, count, prepare, 1, options.warm


def first(count, prepare):
    """What it costs at first, in a process that has done nothing before."""
    return 1, count, prepare, 0


a = mx.array([1.0, 2.0, 3.0])


def add(count):
    for _ in range(count):
        mx.add(a, a)


def add_method(count):
    for _ in range(count):
        a.__add__(a)


def add_scalar(count):
    for _ in range(count):
        mx.add(a, 2.0)


def exp(count):
    for _ in range(count):
        mx.exp(a)


def reduce(count):
    for _ in range(count):
        a.sum(0, keepdims=True)


def chain(count):
    for _ in range(count):
        x = a
        for _ in range(50):
            x = mx.add(x, a)


def chain_with_result(count):
    def made():
        x = a
        for _ in range(50):
            x = mx.add(x, a)
        return x

    for _ in range(count):
        last = made()  # held until the next


fused = mx.compile(lambda x, y: mx.add(mx.multiply(x, y), x))


def compiled(count):
    for _ in range(count):
        fused(a, a)


def eval_small(count):
    for _ in range(count):
        mx.eval(mx.add(a, a))


def perceptron():
    network = nn.Sequential(nn.Linear(16, 32), nn.relu, nn.Linear(32, 32), nn.relu, nn.Linear(32, 1))
    x = mx.random.normal((8, 16))
    y = mx.random.normal((8, 1))
    step = nn.value_and_grad(network, lambda: nn.losses.mse_loss(network(x), y))
    mx.eval(network.parameters(), x, y)

    def body(count):
        for _ in range(count):
            step()

    return body


def values(megabytes):
    return np.ones(megabytes * 2**20 // 4, dtype=np.float32)


def into(megabytes):
    data = values(megabytes)

    def body(count):
        for _ in range(count):
            mx.array(data)

    return body


def out_of(megabytes):
    x = mx.array(values(megabytes))

    def body(count):
        for _ in range(count):
            np.array(x)

    return body


def out_into(megabytes):
    x = mx.array(values(megabytes))
    given = values(megabytes)

    def body(count):
        for _ in range(count):
            np.copyto(given, x)

    return body


def matmul(n):
    x = mx.random.normal((n, n))
    y = mx.random.normal((n, n))
    mx.eval(x, y)

    def body(count):
        for _ in range(count):
            mx.eval(mx.matmul(x, y))

    return body


def quantized(tokens):
    model = nn.Sequential(nn.Linear(576, 1536), nn.Linear(1536, 576))
    nn.quantize(model, group_size=32, bits=4)
    x = mx.random.normal((tokens, 576))
    mx.eval(model, x)

    def body(count):
        for _ in range(count):
            mx.eval(model(x))

    return body


cases = {
    "mx.add(a, a)": (9, 100_000, lambda: add),
    "a.add(a)": (9, 100_000, lambda: add_method),
    "mx.add(a, 2)": (9, 50_000, lambda: add_scalar),
    "mx.exp(a)": (9, 100_000, lambda: exp),
    "a.sum(0, keepdims)": (9, 100_000, lambda: reduce),
    "chain of 50 additions": (9, 2000, lambda: chain),
    "chain of 50 additions with its result": (9, 2000, lambda: chain_with_result),
    "compiled function": (9, 50_000, lambda: compiled),
    "lazy valueAndGrad of an MLP": (5, 500, perceptron),
    "eval of a small array": (9, 2000, lambda: eval_small),
    "typed array in, 1 MB": (3, 200, lambda: into(1)),
    "typed array in, 100 MB": (3, 4, lambda: into(100)),
    "typed array out, 1 MB": (3, 200, lambda: out_of(1)),
    "typed array out, 100 MB": (3, 4, lambda: out_of(100)),
    "typed array out, 1 MB, into one that is given": (3, 200, lambda: out_into(1)),
    "typed array out, 100 MB, into one that is given": (3, 4, lambda: out_into(100)),
    "matmul 256 x 256": (3, 20, lambda: matmul(256)),
    "matmul 512 x 512": (3, 10, lambda: matmul(512)),
    "matmul 1024 x 1024": (3, 4, lambda: matmul(1024)),
    "matmul 2048 x 2048": (3, 1, lambda: matmul(2048)),
    "training step": lasting(3, 2, training),
    "training step in bfloat16": lasting(1, 2, lambda: training(mx.bfloat16)),
    "convolutional training step": lasting(5, 4, convolutional),
    "convolutional training step, first 16": first(16, convolutional),
    "recurrent training step": lasting(5, 4, recurrent),
    "recurrent training step, first 16": first(16, recurrent),
    "compiled recurrent training step": lasting(5, 4, lambda: recurrent(compiled=True)),
    "quantized prompt": (3, 4, lambda: quantized(64)),
    "quantized token": (3, 40, lambda: quantized(1)),
    "decoding a token": lasting(5, 64, decoding),
    "decoding a token, first 64": first(64, decoding),
}

print(
    json.dumps(
        {
            name: measure(*case)
            for name, case in cases.items()
            if options.case in (name, None) and options.only in name
        }
    )
)
