"""What a language model takes to write a token with mlx-lm, evaluated at once and a step ahead: see ../decode.mjs.

usage: decode.py MODEL TOKENS [eval|ahead]     prints the figures as JSON
"""

import json
import resource
import sys
import time

import mlx.core as mx
from mlx_lm import load
from mlx_lm.models.cache import make_prompt_cache

path, count, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
model, _ = load(path)


def write(count):
    cache = make_prompt_cache(model)

    def step(token):
        return mx.argmax(model(token.reshape(1, 1), cache=cache)[0, -1], -1)

    written = []
    token = mx.array(100, mx.int32)
    if how == "eval":
        for _ in range(count):
            token = step(token)
            mx.eval(token)
            written.append(token.item())
        return written
    token = step(token)
    mx.async_eval(token)
    for _ in range(count):
        following = step(token)
        mx.async_eval(following)
        written.append(token.item())
        token = following
    return written


write(8)
before = resource.getrusage(resource.RUSAGE_SELF)
began = time.perf_counter()
written = write(count)
wall = time.perf_counter() - began
after = resource.getrusage(resource.RUSAGE_SELF)
of = lambda name: (getattr(after, name) - getattr(before, name)) / count
print(
    json.dumps(
        {
            "wall": wall / count * 1e3,
            "user": of("ru_utime") * 1e3,
            "system": of("ru_stime") * 1e3,
            "switches": of("ru_nvcsw"),
            "forced": of("ru_nivcsw"),
            "last": written[-1],
        }
    )
)
