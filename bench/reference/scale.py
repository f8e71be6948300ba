"""How time and memory grow; ../scale.mjs has the same cases."""

import argparse
import json
import os
import resource
import tempfile
import time

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

file = os.path.join(tempfile.gettempdir(), f"mlx-js-scale-{os.getpid()}.safetensors")


def chain(n):
    def run(x):
        for _ in range(n):
            x = mx.sin(x)
        return x

    return run


def named(n, make):
    return {f"p{i}": make(i) for i in range(n)}


class Layers(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layers = [nn.LayerNorm(2) for _ in range(n)]


def files(n):
    mx.save_safetensors(file, named(n, lambda i: mx.array([i], mx.float32)))
    mx.eval(mx.load(file))
    os.remove(file)


class Level(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.weight = mx.ones([2])
        self.inner = inner


def levels(n):
    model = Level([])
    for _ in range(n - 1):
        model = Level([model])
    return model


def freeze_and_train(model):
    model.freeze()
    model.unfreeze()
    model.train()
    model.update(model.parameters())
    mx.eval(model)


def adamw(n):
    parameters = named(n, lambda _: mx.zeros([2]))
    gradients = named(n, lambda _: mx.ones([2]))
    optimizer = optim.AdamW(1e-3)
    mx.eval(optimizer.apply_gradients(gradients, parameters), optimizer.state)


cases = {
    "live arrays": lambda n: mx.eval([mx.array(float(i)) for i in range(n)]),
    "operations in a row": lambda n: mx.eval(chain(n)(mx.array(0.5))),
    "gradient of operations in a row": lambda n: mx.eval(mx.grad(chain(n))(mx.array(0.5))),
    "concatenate arrays": lambda n: mx.eval(
        mx.concatenate([mx.full([2], float(i)) for i in range(n)])
    ),
    "split into arrays": lambda n: mx.eval(mx.split(mx.arange(n), n)),
    "save and load arrays": files,
    "freeze, train and update layers": lambda n: freeze_and_train(Layers(n)),
    "freeze, train and update nested layers": lambda n: freeze_and_train(levels(n)),
    "AdamW of parameters": adamw,
    "clip gradients": lambda n: mx.eval(optim.clip_grad_norm(named(n, lambda _: mx.ones([2])), 1)),
}

parser = argparse.ArgumentParser()
parser.add_argument("--case", required=True)
parser.add_argument("--size", type=int, required=True)
options = parser.parse_args()
start = time.perf_counter()
cases[options.case](options.size)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "bytes": peak * (1 if os.uname().sysname == "Darwin" else 1024)}))
