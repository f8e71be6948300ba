import mlx.core as mx

from reference.cases import Family

case = Family("nn/normalization")
layer = case.layer

layer("LayerNorm", 4, inputs=[case.floats(2, 3, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.5, bias=False, inputs=[case.floats(2, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.1, affine=False, inputs=[case.floats(2, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.0, inputs=[case.floats(2, 4)])
layer("RMSNorm", 4, inputs=[case.floats(2, 3, 4)], grads="sin")
layer("RMSNorm", 4, eps=0.5, inputs=[case.floats(2, 4)], grads="sin")
layer("RMSNorm", 4, inputs=[case.floats(2, 4, dtype=mx.bfloat16)])
layer("InstanceNorm", 3, inputs=[case.floats(2, 4, 3)], grads="sin")
layer("InstanceNorm", 3, eps=0.5, affine=True, inputs=[case.floats(2, 2, 3, 3)], grads="sin")
layer("InstanceNorm", 2, affine=True, training=False, inputs=[case.floats(1, 2, 1, 3, 2)], grads="sin")
layer("InstanceNorm", 2, affine=True, inputs=[case.floats(2, 1, 2)], grads="sin")
layer("InstanceNorm", 2, affine=True, inputs=[case.floats(2, 3, 2, dtype=mx.bfloat16)])
layer("InstanceNorm", 3, inputs=[case.floats(2, 3)])
layer("InstanceNorm", 3, eps=0.0, inputs=[case.floats(2, 3, 3)])
for pytorch in [False, True]:
    layer("GroupNorm", 2, 6, pytorch_compatible=pytorch, inputs=[case.floats(2, 3, 6)], grads="sin")
    layer("GroupNorm", 3, 6, eps=0.5, affine=False, pytorch_compatible=pytorch, inputs=[case.floats(2, 2, 2, 6)])
    layer("GroupNorm", 2, 4, pytorch_compatible=pytorch, training=False, inputs=[case.floats(3, 4)], grads="sin")
    layer("GroupNorm", 1, 3, pytorch_compatible=pytorch, inputs=[case.floats(1, 1, 2, 1, 3)], grads="sin")
    layer("GroupNorm", 3, 3, pytorch_compatible=pytorch, inputs=[case.floats(2, 4, 3)], grads="sin")
    layer("GroupNorm", 2, 4, pytorch_compatible=pytorch, inputs=[case.floats(2, 3, 4, dtype=mx.bfloat16)])
layer("GroupNorm", 4, 6, inputs=[case.floats(2, 6)])
layer("GroupNorm", 0, 6, inputs=[case.floats(2, 6)])
layer("GroupNorm", 2, 6, eps=0.0, inputs=[case.floats(2, 6)])
for training in [True, False]:
    layer("BatchNorm", 3, training=training, inputs=[case.floats(4, 3)], grads="sin")
    layer("BatchNorm", 3, eps=0.5, momentum=0.4, training=training, inputs=[case.floats(2, 3, 3)], grads="sin")
    layer("BatchNorm", 3, affine=False, training=training, inputs=[case.floats(2, 2, 2, 3)], grads="sin")
    layer("BatchNorm", 3, track_running_stats=False, training=training, inputs=[case.floats(4, 3)], grads="sin")
    layer("BatchNorm", 2, training=training, inputs=[case.floats(1, 3, 1, 2, dtype=mx.bfloat16)])
    layer("BatchNorm", 1, momentum=1.0, training=training, inputs=[case.floats(2, 1)], grads="sin")
layer("BatchNorm", 3, training=False, inputs=[case.floats(1, 3)])
layer("BatchNorm", 3, inputs=[case.floats(1, 3)])
layer("BatchNorm", 3, inputs=[case.floats(1, 1, 3)])
layer("BatchNorm", 3, inputs=[case.floats(3)])
layer("BatchNorm", 3, inputs=[case.floats(1, 2, 2, 2, 3)])
layer("BatchNorm", 3, eps=0.0, inputs=[case.floats(2, 3)])

# Gradients where weights are halves, too.
half = dict(dtype=mx.bfloat16, grads="sin")
layer("LayerNorm", 4, inputs=[case.floats(2, 3, 4, dtype=mx.bfloat16)], **half)
layer("LayerNorm", 4, eps=0.5, bias=False, inputs=[case.floats(3, 4, dtype=mx.bfloat16)], **half)
layer("LayerNorm", 4, affine=False, inputs=[case.floats(3, 4, dtype=mx.bfloat16)], **half)
layer("RMSNorm", 4, eps=0.1, inputs=[case.floats(2, 3, 4, dtype=mx.bfloat16)], **half)
layer("InstanceNorm", 3, eps=0.1, affine=True, inputs=[case.floats(2, 5, 3, dtype=mx.bfloat16)], **half)
layer("InstanceNorm", 2, inputs=[case.floats(2, 3, 4, 2, dtype=mx.bfloat16)], **half)
for pytorch in [False, True]:
    layer("GroupNorm", 2, 6, pytorch_compatible=pytorch, inputs=[case.floats(2, 3, 6, dtype=mx.bfloat16)], **half)
    layer(
        "GroupNorm", 3, 6, eps=0.5, affine=False, pytorch_compatible=pytorch,
        inputs=[case.floats(2, 2, 2, 6, dtype=mx.bfloat16)], **half,
    )  # fmt: skip
for training in [True, False]:
    layer("BatchNorm", 3, training=training, inputs=[case.floats(5, 3, dtype=mx.bfloat16)], **half)
    layer(
        "BatchNorm", 3, eps=0.5, momentum=0.4, training=training, inputs=[case.floats(2, 3, 3, dtype=mx.bfloat16)],
        **half,
    )  # fmt: skip
    layer("BatchNorm", 2, affine=False, training=training, inputs=[case.floats(2, 2, 3, 2, dtype=mx.bfloat16)], **half)
    layer(
        "BatchNorm", 3, track_running_stats=False, training=training, inputs=[case.floats(4, 3, dtype=mx.bfloat16)],
        **half,
    )  # fmt: skip

# Through nn.checkpoint, which computes a second time for gradients.
light = dict(light=True, grads="sin")
for training in [True, False]:
    for dtype in [mx.float32, mx.bfloat16]:
        x = case.floats(2, 3, 2, 3, dtype=dtype)
        layer("BatchNorm", 3, momentum=0.4, training=training, dtype=dtype, inputs=[x], **light)
layer("BatchNorm", 3, track_running_stats=False, inputs=[case.floats(4, 3)], **light)
layer("GroupNorm", 2, 6, inputs=[case.floats(2, 3, 6)], **light)
layer("LayerNorm", 4, inputs=[case.floats(2, 3, 4, dtype=mx.bfloat16)], dtype=mx.bfloat16, **light)
