"""What is measured, in Python MLX; cases.mjs has the same."""

import argparse
import json
import time

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from training import training_step

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cpu")
parser.add_argument("--only")
options = parser.parse_args()
mx.set_default_device(mx.gpu if options.device == "gpu" else mx.cpu)


def best(rounds, count, body):
    """The best of several rounds: the least disturbed one."""
    body(max(1, count >> 2))
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        body(count)
        least = min(least, (time.perf_counter() - start) / count)
    return least


a = mx.array([1.0, 2.0, 3.0])


def add(count):
    for _ in range(count):
        mx.add(a, a)


def add_scalar(count):
    for _ in range(count):
        mx.add(a, 2.0)


def exp(count):
    for _ in range(count):
        mx.exp(a)


def reduce(count):
    for _ in range(count):
        a.sum(0, keepdims=True)


def eval_small(count):
    for _ in range(count):
        mx.eval(mx.add(a, a))


def matmul(n):
    x = mx.random.normal((n, n))
    y = mx.random.normal((n, n))
    mx.eval(x, y)

    def body(count):
        for _ in range(count):
            mx.eval(mx.matmul(x, y))

    return lambda: best(5, 10, body)


def add_method(count):
    for _ in range(count):
        a.__add__(a)


def chain(count):
    for _ in range(count):
        x = a
        for _ in range(50):
            x = mx.add(x, a)


fused = mx.compile(lambda x, y: mx.add(mx.multiply(x, y), x))


def compiled(count):
    for _ in range(count):
        fused(a, a)


def perceptron():
    network = nn.Sequential(nn.Linear(16, 32), nn.relu, nn.Linear(32, 32), nn.relu, nn.Linear(32, 1))
    x = mx.random.normal((8, 16))
    y = mx.random.normal((8, 1))
    step = nn.value_and_grad(network, lambda: nn.losses.mse_loss(network(x), y))
    mx.eval(network.parameters(), x, y)

    def body(count):
        for _ in range(count):
            step()

    return best(5, 500, body)


def values(megabytes):
    return np.ones(megabytes * 2**20 // 4, dtype=np.float32)


def into(megabytes, n):
    data = values(megabytes)

    def body(count):
        for _ in range(count):
            mx.array(data)

    return lambda: best(3, n, body)


def out_of(megabytes, n):
    x = mx.array(values(megabytes))

    def body(count):
        for _ in range(count):
            np.array(x)

    return lambda: best(3, n, body)


cases = {
    "mx.add(a, a)": lambda: best(9, 100_000, add),
    "mx.add(a, a) in tidy": lambda: best(9, 100_000, add),
    "a.add(a)": lambda: best(9, 100_000, add_method),
    "mx.add(a, 2)": lambda: best(9, 50_000, add_scalar),
    "mx.add(a, 2) in tidy": lambda: best(9, 50_000, add_scalar),
    "mx.exp(a)": lambda: best(9, 100_000, exp),
    "mx.exp(a) in tidy": lambda: best(9, 100_000, exp),
    "a.sum(0, keepdims)": lambda: best(9, 100_000, reduce),
    "a.sum(0, keepdims) in tidy": lambda: best(9, 100_000, reduce),
    "chain of 50 additions": lambda: best(9, 2000, chain),
    "chain of 50 additions in tidy": lambda: best(9, 2000, chain),
    "compiled function": lambda: best(9, 50_000, compiled),
    "compiled function in tidy": lambda: best(9, 50_000, compiled),
    "valueAndGrad of an MLP, lazy": perceptron,
    "eval of a small array": lambda: best(9, 2000, eval_small),
    "typed array in, 1 MB": into(1, 200),
    "typed array in, 100 MB": into(100, 4),
    "typed array out, 1 MB": out_of(1, 200),
    "typed array out, 100 MB": out_of(100, 4),
    "matmul 256 x 256": matmul(256),
    "matmul 1024 x 1024": matmul(1024),
    "matmul 2048 x 2048": matmul(2048),
    "training step": lambda: training_step(best),
    "training step without tidy": lambda: training_step(best),
}

out = {
    name: measure()
    for name, measure in cases.items()
    if options.only is None or options.only in name
}
print(json.dumps(out))
