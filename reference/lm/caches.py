"""What mlx-lm's caches give for tokens that come in pieces.

usage: caches.py GOLDEN SAVED   writes packages/lm/test/golden/caches.json and prompt-cache.safetensors
       caches.py read SAVED     whether a file that the package saved is read, and goes on
"""

import json
import sys

import mlx.core as mx
from mlx_lm.models.cache import (
    KVCache,
    QuantizedKVCache,
    RotatingKVCache,
    load_prompt_cache,
    save_prompt_cache,
)


def tokens(start, length, dims=64):
    # Key and value of token n are n and -n, and so are all their numbers.
    x = mx.broadcast_to(mx.arange(start, start + length)[:, None], (1, 1, length, dims))
    return x.astype(mx.float32), -x.astype(mx.float32)


def mask(cache, length, window):
    given = cache.make_mask(length, window_size=window, return_array=False)
    if not isinstance(given, mx.array):
        return given
    # A row is a text such as 0111.
    return ["".join(map(str, row)) for row in given.astype(mx.int32).reshape(length, -1).tolist()]


def run(cache, steps):
    seen = []
    for step in steps:
        if isinstance(step, dict):
            seen.append(cache.trim(step["trim"]) if cache.is_trimmable() else 0)
            continue
        masks = {str(w): mask(cache, step, None if w == 0 else w) for w in (0, 2, 3)}
        keys, values = cache.update_and_fetch(*tokens(cache.offset, step))
        if isinstance(keys, tuple):
            options = dict(group_size=cache.group_size, bits=cache.bits)
            keys, values = mx.dequantize(*keys, **options), mx.dequantize(*values, **options)
        assert (keys == -values).all()
        seen.append({"keys": keys[0, 0, :, 0].astype(mx.int32).tolist(), "masks": masks})
    return seen


STEPS = [
    [1] * 12,
    [3, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    [9, 1, 1, 2, 1, 1, 1, 4, 1, 20, 1, 1, 1],
    [2, 2, 2, 2, 1, {"trim": 3}, 1, 1, 1],
    [4, {"trim": 1}, 1, 2, {"trim": 2}, 3, 1, 1, 1, 1],
    [6, {"trim": 4}, 1, 1, 1, 5, 1],
]
CACHES = [
    ("KVCache", {}),
    ("RotatingKVCache", {"max_size": 5}),
    ("RotatingKVCache", {"max_size": 5, "keep": 2}),
    ("RotatingKVCache", {"max_size": 1}),
    ("RotatingKVCache", {"max_size": 8, "keep": 3}),
    ("QuantizedKVCache", {"group_size": 32, "bits": 8}),
]

def write(golden, saved):
    cases = [
        {"name": name, "options": options, "steps": steps, "seen": run(globals()[name](**options), steps)}
        for name, options in CACHES
        for steps in STEPS
    ]
    with open(golden, "w") as file:
        json.dump(cases, file, separators=(",", ":"))
    caches = [KVCache(), RotatingKVCache(5, keep=1), QuantizedKVCache(32, 8)]
    for cache in caches:
        for token in range(7):
            cache.update_and_fetch(*tokens(token, 1, 32))
    save_prompt_cache(saved, caches, {"model": "none"})


def read(saved):
    caches, metadata = load_prompt_cache(saved, return_metadata=True)
    assert metadata == {"model": "none"}, metadata
    seen = []
    for cache in caches:
        keys, _ = cache.update_and_fetch(*tokens(cache.offset, 1, 32))
        if isinstance(keys, (list, tuple)):
            keys = mx.dequantize(*keys, group_size=cache.group_size, bits=cache.bits)
        seen.append(keys[0, 0, :, 0].tolist())
    assert seen == [[*range(8)], [0, 5, 6, 7, 4], [*range(8)]], seen


first, second = sys.argv[1:]
if first == "read":
    read(second)
else:
    write(first, second)
