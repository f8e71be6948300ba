"""What is measured, in Python MLX; cases.mjs has the same."""

import argparse
import json
import time

import mlx.core as mx
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


cases = {
    "mx.add(a, a)": lambda: best(9, 100_000, add),
    "mx.add(a, a) in tidy": lambda: best(9, 100_000, add),
    "mx.add(a, 2)": lambda: best(9, 50_000, add_scalar),
    "mx.add(a, 2) in tidy": lambda: best(9, 50_000, add_scalar),
    "mx.exp(a)": lambda: best(9, 100_000, exp),
    "a.sum(0, keepdims)": lambda: best(9, 100_000, reduce),
    "eval of a small array": lambda: best(9, 2000, eval_small),
    "matmul 1024 x 1024": matmul(1024),
    "training step": lambda: training_step(best),
    "training step without tidy": lambda: training_step(best),
}

out = {
    name: measure()
    for name, measure in cases.items()
    if options.only is None or options.only in name
}
print(json.dumps(out))
