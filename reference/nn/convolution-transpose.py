import mlx.core as mx

from reference.cases import Family

case = Family("nn/convolution-transpose")
layer = case.layer

for bias in [True, False]:
    layer("ConvTranspose1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 4, 3)], grads="sin")
    layer("ConvTranspose2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 3, 3, 2)], grads="sin")
    layer("ConvTranspose3d", 2, 3, (2, 1, 2), bias=bias, inputs=[case.floats(1, 2, 1, 2, 2)], grads="sin")
layer(
    "ConvTranspose1d", 3, 2, 3, stride=2, padding=1, dilation=2, output_padding=1, inputs=[case.floats(1, 4, 3)],
    grads="sin",
)  # fmt: skip
layer("ConvTranspose2d", 2, 3, (2, 3), stride=(2, 1), padding=(1, 0), inputs=[case.floats(1, 3, 3, 2)], grads="sin")
layer(
    "ConvTranspose2d", 1, 2, 2, stride=(2, 3), padding=1, dilation=(1, 2), output_padding=(1, 0),
    inputs=[case.floats(1, 2, 3, 1)], grads="sin",
)  # fmt: skip
layer("ConvTranspose3d", 2, 2, 2, stride=2, inputs=[case.floats(1, 2, 2, 2, 2)], grads="sin")
layer(
    "ConvTranspose3d", 1, 2, 2, stride=(1, 2, 2), padding=(0, 1, 0), dilation=(2, 1, 1), output_padding=(0, 1, 1),
    inputs=[case.floats(1, 2, 2, 1, 1)],
)  # fmt: skip

# Sizes of 1, and a kernel that is larger than the input.
layer("ConvTranspose1d", 1, 1, 1, inputs=[case.floats(1, 1, 1)], grads="sin")
layer("ConvTranspose1d", 1, 2, 5, inputs=[case.floats(1, 2, 1)], grads="sin")
layer("ConvTranspose2d", 2, 1, (3, 2), stride=3, inputs=[case.floats(2, 1, 2, 2)], grads="sin")

for kind, shape in [("1d", (2, 4, 2)), ("2d", (1, 3, 2, 2)), ("3d", (1, 2, 2, 1, 2))]:
    layer(f"ConvTranspose{kind}", 2, 3, 2, inputs=[case.floats(*shape, dtype=mx.bfloat16)])
    layer(f"ConvTranspose{kind}", 2, 3, 2, training=False, inputs=[case.floats(*shape)])

layer("ConvTranspose1d", 2, 2, 2, inputs=[case.floats(4, 2)])
layer("ConvTranspose2d", 2, 2, 2, inputs=[case.floats(1, 2, 4, 4)])
layer("ConvTranspose3d", 2, 2, 2, inputs=[case.floats(1, 2, 4, 4)])

# Gradients where weights are halves, too.
half = dict(dtype=mx.bfloat16, grads="sin")
layer("ConvTranspose1d", 3, 4, 2, inputs=[case.floats(2, 4, 3, dtype=mx.bfloat16)], **half)
layer(
    "ConvTranspose1d", 3, 2, 3, stride=2, padding=1, dilation=2, output_padding=1,
    inputs=[case.floats(1, 4, 3, dtype=mx.bfloat16)], **half,
)  # fmt: skip
for training in [True, False]:
    layer("ConvTranspose2d", 2, 3, 2, training=training, inputs=[case.floats(1, 3, 4, 2, dtype=mx.bfloat16)], **half)
layer(
    "ConvTranspose2d", 1, 2, (2, 3), stride=(2, 3), padding=(1, 0), bias=False,
    inputs=[case.floats(2, 2, 3, 1, dtype=mx.bfloat16)], **half,
)  # fmt: skip
layer("ConvTranspose3d", 2, 3, (2, 1, 2), stride=2, inputs=[case.floats(1, 2, 1, 2, 2, dtype=mx.bfloat16)], **half)
