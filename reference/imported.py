"""Checks that Python's MLX reads a function that the package exported; see scripts/reference.mjs.

usage: imported.py FILE
"""

import sys

import mlx.core as mx

mx.set_default_device(mx.cpu)
function, metadata = mx.import_function(sys.argv[1], return_metadata=True)
x, y = mx.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]), mx.array([1.0, 2.0, 4.0])
weights = mx.softmax(x * mx.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]), axis=-1)
assert metadata == "made by mlx-js"
for actual, expected in [(function(x), [weights]), (function(x, y=y), [weights, (x + y).sum(axis=0)])]:
    assert len(actual) == len(expected)
    assert all(mx.allclose(a, b) and a.shape == b.shape for a, b in zip(actual, expected, strict=True))
