from reference.cases import Family

case = Family("nn/convolution")
layer = case.layer

for bias in [True, False]:
    layer("Conv1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer("Conv2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 4, 5, 2)], grads="sin")
layer("Conv1d", 4, 2, 3, stride=2, padding=1, dilation=2, groups=2, inputs=[case.floats(2, 8, 4)])
layer(
    "Conv2d", 2, 4, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, inputs=[case.floats(1, 5, 6, 2)]
)
layer("Conv3d", 2, 2, 2, inputs=[case.floats(1, 3, 3, 3, 2)])
layer("Conv3d", 1, 2, (1, 2, 2), stride=2, padding=1, bias=False, inputs=[case.floats(1, 3, 3, 3, 1)])
