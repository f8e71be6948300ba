"""The layers of several processes, in one."""

import mlx.core as mx

from reference.cases import Family, transposed

case = Family("nn/distributed")
layer = case.layer

for kind in ["AllToShardedLinear", "ShardedToAllLinear"]:
    for bias in [True, False]:
        layer(kind, 3, 2, bias=bias, inputs=[case.floats(2, 3)], grads="sin")
        layer(kind, 3, 2, bias=bias, inputs=[case.floats(2, 1, 3)], training=False)
    layer(kind, 3, 2, group=None, inputs=[case.floats(3)], grads="sin")
    layer(kind, 1, 5, inputs=[case.floats(0, 1)])
    layer(kind, 3, 2, inputs=[transposed(case.floats(3, 4))], grads="sin")
    for dtype in [mx.float16, mx.bfloat16]:
        layer(kind, 3, 2, inputs=[case.floats(2, 3, dtype=dtype)])
    layer(kind, 3, 2, inputs=[case.floats(2, 4)])
