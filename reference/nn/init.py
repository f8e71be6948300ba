import mlx.core as mx

from reference.cases import FLOATS, Family

case = Family("nn/init")
small, wide, deep = mx.zeros((2, 3)), mx.zeros((3, 5)), mx.zeros((2, 3, 3, 4))


def init(name, *args, then, seed=9, **kwargs):
    return case(f"nn.init.{name}", *args, then=then, seed=seed, **kwargs)


for dtype in [*FLOATS, mx.int32]:
    init("constant", 2, then=[small], dtype=dtype)
init("constant", 0.5, then=[deep])
init("identity", then=[mx.zeros((3, 3))])
init("identity", then=[mx.zeros((2, 2))], dtype=mx.float16)
init("identity", then=[small])
for dtype in FLOATS:
    init("normal", then=[small], mean=1.5, std=0.5, dtype=dtype)
    init("uniform", then=[small], low=-2.5, high=0.5, dtype=dtype)
    for name in ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"]:
        init(name, then=[wide], dtype=dtype)
    init("sparse", 0.5, then=[wide], mean=0.5, std=2.0, dtype=dtype)
    init("orthogonal", then=[wide], gain=1.5, dtype=dtype)
init("normal", then=[deep])
init("uniform", then=[small])
for name in ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"]:
    init(name, then=[deep])
    init(name, then=[mx.zeros((3,))])
init("sparse", 0.3, then=[wide])
init("sparse", 0.5, then=[deep])
init("orthogonal", then=[mx.zeros((4, 2))])
init("orthogonal", then=[deep])

init("glorot_normal", then=[wide, dict(gain=2.5)])
init("glorot_uniform", then=[wide, dict(gain=0.5)])
for name in ["he_normal", "he_uniform"]:
    init(name, then=[wide, dict(mode="fan_out", gain=2.5)])
    init(name, then=[deep, dict(mode="fan_out")])
    init(name, then=[wide, dict(mode="fan")])
