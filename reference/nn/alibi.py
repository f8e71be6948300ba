"""ALiBi. The contract is stricter than Python's layer: the bias is computed in float32 and rounded once.

bias[h, i, j] = round_to_dtype(float32(slope[h]) * -|offset + i - j|)

Python rounds the slope to the dtype first and multiplies in it, so its float16 and bfloat16 biases drift with the
distance. So matrices are computed here with NumPy; those of float32 are checked against Python's.
"""

import math

import mlx.core as mx
import numpy as np

from reference.cases import FLOATS, Family, dtype_name, encode

case = Family("nn/alibi")
HEADS = [1, 2, 6, 8, 12, 20, 32]


def slopes(heads):
    """The paper's: the powers of 2^(-8/n). If n is no power of two, those of the next lower one, then every second of
    the next higher one."""
    if math.log2(heads).is_integer():
        return [2.0 ** (-8.0 * (i + 1) / heads) for i in range(heads)]
    lower = 2 ** math.floor(math.log2(heads))
    return slopes(lower) + slopes(2 * lower)[0::2][: heads - lower]


def rounded(x, dtype):
    """float64 or float32 values, rounded once, to nearest even."""
    if dtype == mx.float16:
        return mx.array(x.astype(np.float16))
    if dtype == mx.bfloat16:
        # Round the significand to 8 bits: 2^k is the weight of its last one.
        x = x.astype(np.float64)
        last = np.ldexp(1.0, np.frexp(x)[1] - 8)
        return mx.array((np.rint(x / last) * last).astype(np.float32)).astype(dtype)
    return mx.array(x.astype(np.float32))


def bias(queries, keys, heads, offset, dtype):
    """For query positions offset ... offset + queries - 1."""
    slope = np.array(slopes(heads)).astype(np.float32)[:, None, None]
    distance = np.abs(offset + np.arange(queries)[:, None] - np.arange(keys)[None, :])
    # The product of two float32 is exact in float64; the contract's is float32.
    product = (slope.astype(np.float64) * -distance).astype(np.float32)
    return rounded(product, dtype)[None]


for heads in HEADS:
    for dtype in FLOATS:
        made = case("nn.ALiBi.create_alibi_slope", heads, dtype=dtype)
        exact = rounded(np.array(slopes(heads)), dtype)[:, None, None]
        if encode(exact) != made["expect"]:
            print(f"ALiBi slopes of {heads} heads differ in {dtype_name(dtype)}: Python's are not rounded once")
        made.update(expect=encode(exact), exact=True)
case("nn.ALiBi.create_alibi_slope", 8)["exact"] = True

SIZES = [
    (2, 5, 0),
    (5, 2, 0),
    (4, 4, 0),
    (4, 4, 3),
    (3, 7, 2),
    (1, 6, 5),
    (1, 1, 0),
    (1, 4, 9),
    (2, 3, 1000),
    (1, 0, 0),
]
for queries, keys, offset in SIZES:
    # Slopes of 12 heads are no powers of two: it matters when they are rounded.
    for heads in [1, 6, 8, 12] if queries * keys < 20 else [1, 12]:
        for dtype in FLOATS:
            # Python's q_sequence_length counts from 0: the offset is part of it.
            made = case("nn.ALiBi.create_alibi_matrix", queries + offset, keys, heads, offset=offset, dtype=dtype)
            exact = encode(bias(queries, keys, heads, offset, dtype))
            if dtype == mx.float32 and made["expect"] != exact:
                print(f"ALiBi of {queries} x {keys}, {heads} heads, offset {offset} differs from Python's in float32")
            made.update(expect=exact, exact=True)
case("nn.ALiBi.create_alibi_matrix", 3, 4, 2, 0)["exact"] = True
# Far apart, where bfloat16 has no integers of its own: 257 is 256 there.
for dtype in FLOATS:
    for heads, offset in [(12, 260), (20, 37), (32, 2100), (2, 0)]:
        made = case("nn.ALiBi.create_alibi_matrix", offset + 2, 3, heads, offset=offset, dtype=dtype)
        made.update(expect=encode(bias(2, 3, heads, offset, dtype)), exact=True)


def forward(scores, offset=0, mask=None, grads=None):
    """scores + (bias + mask); a boolean mask keeps what is true and blocks the rest."""
    call = {}
    if offset:
        call["offset"] = offset
    additive = mask
    if mask is not None:
        call["mask"] = mask
        if mask.dtype == mx.bool_:
            additive = mx.where(mask, mx.array(0.0, scores.dtype), mx.array(-math.inf, scores.dtype))
    _, heads, queries, keys = scores.shape
    own = bias(queries, keys, heads, offset, scores.dtype)
    added = own if additive is None else own + additive

    made = case.layer("ALiBi", inputs=[scores], call=call)
    expected = encode(scores + added)
    if scores.dtype == mx.float32 and (mask is None or mask.dtype != mx.bool_):
        assert expected == made["expect"], made
    made["expect"] = expected
    if grads:
        cotangent = case.floats(*scores.shape)

        def loss(s):
            return (mx.softmax(s + added, -1) * cotangent).sum()

        made["grads"] = {
            "of": "softmax",
            "cotangent": encode(cotangent),
            "inputs": {"0": encode(mx.grad(loss)(scores))},
        }
    return made


def causal(queries, keys):
    return mx.array(np.tril(np.ones((queries, keys), bool), keys - queries))


for dtype in FLOATS:
    forward(case.floats(1, 2, 3, 3, dtype=dtype), grads=True)
    forward(case.floats(2, 6, 2, 4, dtype=dtype), offset=2)
    forward(case.floats(1, 8, 1, 5, dtype=dtype), offset=4, grads=True)
    forward(case.floats(1, 2, 4, 2, dtype=dtype))
    forward(case.floats(1, 2, 3, 4, dtype=dtype), mask=case.floats(3, 4, dtype=dtype))
    forward(case.floats(2, 2, 3, 3, dtype=dtype), offset=7, mask=case.floats(2, 1, 3, 3, dtype=dtype), grads=True)
    forward(case.floats(1, 2, 3, 3, dtype=dtype), mask=causal(3, 3), grads=True)
    forward(case.floats(1, 6, 2, 5, dtype=dtype), offset=3, mask=causal(2, 5))
    forward(case.floats(2, 2, 3, 3, dtype=dtype), mask=case.ints(2, 1, 3, 3, low=0, high=2, dtype=mx.bool_))
    forward(case.floats(1, 1, 1, 1, dtype=dtype), mask=mx.array([[True]]))
    forward(case.floats(1, 12, 2, 2, dtype=dtype), offset=300)
forward(case.floats(1, 2, 0, 3))
forward(case.floats(0, 2, 2, 3))


def attention(queries, keys, heads, dtype=mx.float32, offset=0, mask=None):
    """softmax(scale * q k^T + bias + mask) v, which the fused attention with the bias as its mask must give, too."""
    q, k, v = (case.floats(2, heads, n, 4, dtype=dtype) for n in (queries, keys, keys))
    added = bias(queries, keys, heads, offset, dtype)
    made = {"attention": encode([q, k, v]), "scale": 0.5, "offset": offset}
    if mask is not None:
        made["mask"] = encode(mask)
        added = mx.where(mask, added, mx.array(-math.inf, dtype))
    out = mx.softmax(0.5 * (q @ k.swapaxes(-1, -2)) + added, -1, precise=True) @ v
    fused = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.5, mask=added)
    assert mx.allclose(out.astype(mx.float32), fused.astype(mx.float32), rtol=0.05, atol=0.05)
    # Two roundings of the scores apart in half precision.
    tolerance = {mx.float32: 1e-5, mx.float16: 5e-3, mx.bfloat16: 4e-2}[dtype]
    return case.add({**made, "expect": encode(fused), "tolerance": tolerance})


for dtype in FLOATS:
    attention(3, 3, 2, dtype)
    attention(2, 5, 6, dtype, offset=3)
    attention(4, 4, 8, dtype, mask=causal(4, 4))
attention(1, 6, 4, offset=5)
