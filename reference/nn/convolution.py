import mlx.core as mx

from reference.cases import Family

case = Family("nn/convolution")
layer = case.layer

for bias in [True, False]:
    layer("Conv1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer("Conv2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 4, 5, 2)], grads="sin")
    layer("Conv3d", 2, 3, (2, 1, 2), bias=bias, inputs=[case.floats(1, 2, 3, 3, 2)], grads="sin")
layer("Conv1d", 4, 2, 3, stride=2, padding=1, dilation=2, groups=2, inputs=[case.floats(2, 8, 4)], grads="sin")
layer(
    "Conv2d", 2, 4, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, inputs=[case.floats(1, 5, 6, 2)],
    grads="sin",
)  # fmt: skip
layer("Conv3d", 2, 2, 2, inputs=[case.floats(1, 3, 3, 3, 2)])
layer("Conv3d", 1, 2, (1, 2, 2), stride=2, padding=1, bias=False, inputs=[case.floats(1, 3, 3, 3, 1)], grads="sin")
layer(
    "Conv3d", 1, 2, 2, stride=(1, 2, 1), padding=(0, 1, 2), dilation=(1, 2, 1), inputs=[case.floats(1, 2, 3, 2, 1)],
    grads="sin",
)  # fmt: skip

# Depthwise, with one filter for each channel and with several.
layer("Conv1d", 3, 3, 2, groups=3, inputs=[case.floats(2, 4, 3)], grads="sin")
layer("Conv2d", 3, 6, (1, 2), groups=3, inputs=[case.floats(1, 2, 3, 3)], grads="sin")

# Sizes of 1, an input as small as the kernel and one that is smaller, alone and with padding.
layer("Conv1d", 1, 1, 1, inputs=[case.floats(1, 1, 1)], grads="sin")
layer("Conv2d", 1, 1, 1, stride=3, inputs=[case.floats(1, 4, 5, 1)], grads="sin")
layer("Conv2d", 2, 1, (3, 2), inputs=[case.floats(2, 3, 2, 2)], grads="sin")
layer("Conv1d", 1, 1, 5, inputs=[case.floats(1, 3, 1)])
layer("Conv1d", 1, 1, 5, padding=2, inputs=[case.floats(1, 3, 1)], grads="sin")
layer("Conv2d", 1, 2, 2, inputs=[case.floats(0, 3, 3, 1)])

# Halves; weights stay float32.
for kind, shape in [("Conv1d", (2, 4, 2)), ("Conv2d", (1, 3, 4, 2)), ("Conv3d", (1, 2, 2, 3, 2))]:
    layer(kind, 2, 3, 2, inputs=[case.floats(*shape, dtype=mx.bfloat16)])
    layer(kind, 2, 3, 2, training=False, inputs=[case.floats(*shape)])

layer("Conv1d", 3, 4, 2, groups=2, inputs=[case.floats(1, 4, 3)])
layer("Conv2d", 3, 4, 2, groups=2, inputs=[case.floats(1, 4, 4, 3)])
layer("Conv1d", 2, 3, 2, groups=2, inputs=[case.floats(1, 4, 2)])
layer("Conv1d", 2, 2, 2, inputs=[case.floats(4, 2)])
layer("Conv2d", 2, 2, 2, inputs=[case.floats(1, 2, 4, 4)])
layer("Conv2d", 2, 2, 2, inputs=[case.floats(4, 4, 2)])
layer("Conv3d", 2, 2, 2, inputs=[case.floats(1, 2, 4, 4, 4)])

# Gradients where weights are halves, too.
half = dict(dtype=mx.bfloat16, grads="sin")
for training in [True, False]:
    layer("Conv1d", 3, 4, 2, training=training, inputs=[case.floats(2, 5, 3, dtype=mx.bfloat16)], **half)
layer(
    "Conv1d", 4, 2, 3, stride=2, padding=1, dilation=2, groups=2, inputs=[case.floats(2, 8, 4, dtype=mx.bfloat16)],
    **half,
)  # fmt: skip
layer("Conv2d", 2, 3, 2, inputs=[case.floats(1, 4, 5, 2, dtype=mx.bfloat16)], **half)
layer(
    "Conv2d", 2, 4, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, bias=False,
    inputs=[case.floats(1, 5, 6, 2, dtype=mx.bfloat16)], **half,
)  # fmt: skip
layer("Conv2d", 3, 6, 2, groups=3, inputs=[case.floats(2, 3, 3, 3, dtype=mx.bfloat16)], **half)
layer("Conv3d", 2, 3, (2, 1, 2), inputs=[case.floats(1, 2, 3, 3, 2, dtype=mx.bfloat16)], **half)
layer("Conv3d", 1, 2, 2, stride=2, padding=1, inputs=[case.floats(1, 3, 2, 3, 1, dtype=mx.bfloat16)], **half)
# Float32 weights and a half as input.
layer("Conv2d", 2, 3, 2, inputs=[case.floats(1, 3, 4, 2, dtype=mx.bfloat16)], grads="sin")
