"""Writes test/golden/<family>.json: what Python's MLX gives, for the tests to compare with.

usage: golden.py [--out FOLDER] [FAMILY ...]
"""

import os
import sys

# The parent, for `reference`; not this folder, whose random.py would hide Python's own.
sys.dont_write_bytecode = True
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import argparse
import importlib
from collections import Counter
from pathlib import Path

import mlx.core as mx

FAMILIES = [
    "arithmetic", "comparison", "reduction", "creation", "shape", "indexing", "product", "sorting", "convolution",
    "quantization", "dtype", "random", "fast", "linalg", "fft", "nn/activations", "nn/linear", "nn/embedding",
    "nn/normalization", "nn/positional-encoding", "nn/alibi", "nn/transformer", "nn/convolution",
    "nn/convolution-transpose", "nn/pooling", "nn/upsample", "nn/recurrent", "nn/dropout", "nn/quantized", "nn/losses",
    "nn/init", "nn/learning", "optimizers", "io", "transforms", "export", "programs",
]  # fmt: skip


# What a case is about.
KINDS = ["learn", "program", "name", "layer", "optimizer", "index", "file"]


def main():
    parser = argparse.ArgumentParser()
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", default=root / "test" / "golden", type=Path)
    parser.add_argument("--counts", action="store_true", help="print the number of cases of each function")
    parser.add_argument("families", nargs="*", default=FAMILIES)
    options = parser.parse_args()

    mx.set_default_device(mx.cpu)
    # Values of the operations themselves, whether or not there is a compiler to fuse them.
    mx.disable_compile()
    for name in options.families:
        family = importlib.import_module("reference." + name.replace("/", ".")).case
        path = family.write(options.out)
        print(f"{name}: {len(family.cases)} cases, {path.stat().st_size // 1024} KiB")
        if options.counts:
            counts = Counter(next((c[k] for k in KINDS if k in c), "attention") for c in family.cases)
            print("  " + ", ".join(f"{n} {count}" for n, count in sorted(counts.items())))


main()
