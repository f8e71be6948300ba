import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed

case = Family("fast")

for dtype in FLOATS:
    case("fast.rms_norm", case.floats(2, 4, dtype=dtype), case.floats(4, dtype=dtype), 1e-5)
    case("fast.rms_norm", case.floats(2, 4, dtype=dtype), None, 0.5)
    case(
        "fast.layer_norm",
        case.floats(2, 4, dtype=dtype),
        case.floats(4, dtype=dtype),
        case.floats(4, dtype=dtype),
        1e-5,
    )
    case("fast.layer_norm", case.floats(2, 4, dtype=dtype), None, None, 0.5)
case("fast.rms_norm", case.floats(2, 3, 5), case.floats(5), 0.1)
case("fast.rms_norm", transposed(case.floats(4, 3)), case.floats(4), 1e-5)
case("fast.rms_norm", case.floats(4), sliced(case.floats(8), "::2"), 1e-5)
case("fast.rms_norm", case.floats(2, 4, dtype=mx.float16), case.floats(4), 1e-5)
case.throws("fast.rms_norm", case.floats(2, 4), case.floats(3), 1e-5)
case.throws("fast.rms_norm", case.floats(2, 4), case.floats(1, 4), 1e-5)
case.throws("fast.rms_norm", case.floats(), None, 1e-5)
case("fast.layer_norm", case.floats(2, 4), case.floats(4), None, 1e-3)
case("fast.layer_norm", case.floats(2, 4), None, case.floats(4), 1e-3)
case("fast.layer_norm", transposed(case.floats(3, 2, 4), 0, 2, 1), case.floats(3), case.floats(3), 1e-5)
case("fast.layer_norm", case.floats(2, 4, dtype=mx.bfloat16), case.floats(4), case.floats(4), 1e-5)
case.throws("fast.layer_norm", case.floats(2, 4), case.floats(3), None, 1e-5)
case.throws("fast.layer_norm", case.floats(2, 4), None, case.floats(3), 1e-5)
case.throws("fast.layer_norm", case.floats(), None, None, 1e-5)


def rope(x, dims, traditional=False, base=100.0, scale=1.0, offset=0, **kwargs):
    return case("fast.rope", x, dims, traditional=traditional, base=base, scale=scale, offset=offset, **kwargs)


for traditional in [False, True]:
    for dtype in FLOATS:
        rope(case.floats(1, 2, 3, 4, dtype=dtype), 4, traditional)
    rope(case.floats(2, 3, 6), 4, traditional)
    rope(case.floats(1, 2, 3, 4), 4, traditional, offset=5)
    rope(case.floats(1, 2, 3, 4), 4, traditional, scale=0.25, offset=2)
    rope(case.floats(1, 2, 3, 4), 4, traditional, base=10000.0)
    rope(case.floats(2, 2, 3, 4), 4, traditional, offset=mx.array([1, 7]))
    rope(case.floats(2, 2, 1, 4), 4, traditional, offset=mx.array(3))
    rope(case.floats(1, 2, 3, 4), 4, traditional, base=None, freqs=mx.array([0.5, 3.0]))
    rope(case.floats(1, 2, 3, 6), 4, traditional, base=None, freqs=mx.array([1.5, 8.0]), scale=2.0, offset=1)
    rope(transposed(case.floats(1, 3, 2, 4), 0, 2, 1, 3), 4, traditional, offset=1)
case.throws("fast.rope", case.floats(2, 4), 4, traditional=False, base=100.0, scale=1.0, offset=0)
case.throws("fast.rope", case.floats(1, 2, 4), 4, traditional=False, base=None, scale=1.0, offset=0)
case.throws(
    "fast.rope", case.floats(1, 2, 4), 4, traditional=False, base=100.0, scale=1.0, offset=0, freqs=mx.array([1.0, 2.0])
)
case.throws(
    "fast.rope", case.floats(1, 2, 4), 4, traditional=False, base=None, scale=1.0, offset=0, freqs=mx.array([1.0])
)
case.throws("fast.rope", case.floats(2, 2, 4), 4, traditional=False, base=100.0, scale=1.0, offset=mx.array([1, 2, 3]))
case("fast.rope", case.ints(1, 2, 4), 4, traditional=False, base=100.0, scale=1.0, offset=0)


def attention(q, k, v, scale=0.5, **kwargs):
    return case("fast.scaled_dot_product_attention", q, k, v, scale=scale, **kwargs)


for dtype in FLOATS:
    q, k, v = (case.floats(1, 2, n, 4, dtype=dtype) for n in (3, 5, 5))
    attention(q, k, v)
    attention(q, k, v, mask="causal", scale=0.75)
    attention(q, k, v, mask=case.floats(3, 5, dtype=dtype))
    attention(q, k, v, mask=mx.array([[True, False, True, True, False]] * 2 + [[False, True, True, False, True]]))
    attention(q, k, v, sinks=case.floats(2, dtype=dtype))
q, k, v = case.floats(2, 4, 3, 4), case.floats(2, 2, 5, 4), case.floats(2, 2, 5, 3)
attention(q, k, v)
attention(q, k, v, mask="causal")
attention(q, k, v, mask=case.floats(2, 1, 3, 5))
attention(q, k, v, mask=case.floats(1, 4, 3, 5))
attention(q, k, v, mask=mx.array([[[[True, True, False, True, True]]], [[[False, True, True, True, False]]]]))
attention(q, k, v, mask="causal", sinks=case.floats(4))
attention(q[:, :, :1], k, v, mask="causal")
attention(case.floats(1, 2, 5, 4), case.floats(1, 2, 3, 4), case.floats(1, 2, 3, 4), mask="causal")
attention(
    transposed(case.floats(1, 3, 2, 4), 0, 2, 1, 3),
    transposed(case.floats(1, 5, 2, 4), 0, 2, 1, 3),
    transposed(case.floats(1, 5, 2, 4), 0, 2, 1, 3),
)
attention(
    broadcasted(case.floats(1, 1, 3, 4), 1, 2, 3, 4),
    case.floats(1, 2, 3, 4),
    case.floats(1, 2, 3, 4),
    mask=case.floats(3),
)
wrong = dict(scale=0.5)
name = "fast.scaled_dot_product_attention"
case.throws(name, case.floats(2, 3, 4), case.floats(2, 5, 4), case.floats(2, 5, 4), **wrong)
case.throws(name, case.floats(1, 2, 3, 4), case.floats(1, 2, 5, 3), case.floats(1, 2, 5, 4), **wrong)
case.throws(name, case.floats(1, 3, 3, 4), case.floats(1, 2, 5, 4), case.floats(1, 2, 5, 4), **wrong)
case.throws(name, case.floats(1, 2, 3, 4), case.floats(1, 2, 5, 4), case.floats(1, 2, 5, 4), mask="lower", **wrong)
case.throws(
    name, case.floats(1, 2, 3, 4), case.floats(1, 2, 5, 4), case.floats(1, 2, 5, 4), mask=case.floats(4, 5), **wrong
)
case.throws(
    name,
    case.floats(1, 2, 3, 4, dtype=mx.float16),
    *(case.floats(1, 2, 5, 4, dtype=mx.float16) for _ in "kv"),
    mask=case.floats(3, 5),
    **wrong
)
case.throws(name, *(case.floats(1, 2, 3, 4) for _ in "qkv"), sinks=case.floats(3), **wrong)
case(name, *(case.floats(1, 2, 3, 4) for _ in "qkv"), force_fused=True, **wrong)

for dtype in FLOATS:
    case("fast.cross_entropy", case.floats(3, 5, dtype=dtype), mx.array([4, 0, 2]))
case("fast.cross_entropy", case.floats(2, 3, 4), mx.array([[1, 0, 3], [2, 2, 1]], mx.uint8))
case("fast.cross_entropy", transposed(case.floats(5, 2)), mx.array([1, 4]))
case("fast.cross_entropy", case.floats(4), mx.array(2))
case.throws("fast.cross_entropy", case.floats(3, 5), mx.array([1, 2]))
case.throws("fast.cross_entropy", case.floats(3, 5), case.floats(3))
case.throws("fast.cross_entropy", case.ints(3, 5), mx.array([1, 2, 0]))

q, k, v = case.floats(1, 3, 2, 4), case.floats(1, 3, 2, 4, low=-0.5, high=0.5), case.floats(1, 3, 2, 3)
gamma, beta = case.floats(1, 3, 2, low=0.5, high=1), case.floats(1, 3, 2, low=0, high=1)
case("fast.gated_delta_update", q, k, v, gamma, beta)
more = case.floats(1, 3, 4, 3)
case("fast.gated_delta_update", q, k, v, gamma, beta, initial_state=case.floats(1, 2, 3, 4))
case(
    "fast.gated_delta_update",
    q,
    k,
    v,
    gamma,
    beta,
    initial_state=case.floats(1, 2, 3, 4),
    mask=mx.array([[True, False, True]]),
)
case("fast.gated_delta_update", q, k, v, gamma, beta, mask=mx.array([[False, True, True]]))
case("fast.gated_delta_update", q, k, more, case.floats(1, 3, 4, low=0.5, high=1), case.floats(1, 3, 4, low=0, high=1))
case("fast.gated_delta_update", transposed(case.floats(1, 2, 3, 4), 0, 2, 1, 3), k, v, gamma, beta)
# MLX does not look at the shapes itself: what it says is what happens to fail inside.
case.throws("fast.gated_delta_update", q, case.floats(1, 3, 2, 5), v, gamma, beta)["throws"] = True
