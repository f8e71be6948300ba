"""What ../products.mjs measures, in Python MLX. Prints milliseconds by name as JSON."""

import json
import time

import mlx.core as mx

mx.set_default_device(mx.cpu)
OUTPUTS, INPUTS = 1536, 576


def measure(operation):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        mx.eval(operation())
        best = min(best, time.perf_counter() - start)
    return best * 1000


formats = [("affine", bits) for bits in [2, 3, 4, 5, 6, 8]] + [("mxfp4", 4), ("nvfp4", 4), ("mxfp8", 8)]
times = {}
for name in ["float32", "float16", "bfloat16"]:
    dtype = getattr(mx, name)
    for rows in [1, 2, 4, 8, 64]:
        x = mx.random.normal((rows, INPUTS)).astype(dtype)
        weight = mx.random.normal((OUTPUTS, INPUTS)).astype(dtype)
        mx.eval(x, weight)
        for mode, bits in formats:
            w, scales, *biases = mx.quantize(weight, mode=mode, bits=bits)
            mx.eval(w, scales, biases)
            times[f"{name} {rows} {mode} {bits}"] = measure(
                lambda: mx.quantized_matmul(x, w, scales, *biases, mode=mode, bits=bits)
            )
        times[f"{name} {rows} product"] = measure(lambda: mx.matmul(x, weight.T))
        times[f"{name} {rows} weight's gradient"] = measure(
            lambda: mx.matmul(mx.random.normal((rows, OUTPUTS)).astype(dtype).T, x)
        )
print(json.dumps(times))
