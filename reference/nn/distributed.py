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

# The packed weights are those that the layers begin with.
mx.random.seed(8)
for kind in ["QuantizedAllToShardedLinear", "QuantizedShardedToAllLinear"]:
    for mode in ["affine", "mxfp4", "mxfp8", "nvfp4"]:
        layout = {"affine": (64, 4), "mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}
        how = dict(zip(["group_size", "bits"], layout[mode]), mode=mode)
        layer(kind, 64, 3, **how, inputs=[case.floats(2, 64)], grads="sin")
        layer(kind, 64, 2, bias=False, **how, group=None, inputs=[case.floats(1, 2, 64)], training=False)
    for bits in [2, 3, 5, 6, 8]:
        layer(kind, 64, 2, bits=bits, inputs=[case.floats(64)])
    for dtype in [mx.float16, mx.bfloat16]:
        layer(kind, 64, 2, inputs=[case.floats(2, 64, dtype=dtype)])
    layer(kind, 64, 2, group_size=32, inputs=[transposed(case.floats(64, 3))], grads="sin")
    layer(kind, 48, 2, inputs=[case.floats(2, 48)])
    layer(kind, 64, 2, inputs=[case.floats(2, 32)])
