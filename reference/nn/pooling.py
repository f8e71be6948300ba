import mlx.core as mx

from reference.cases import Family

case = Family("nn/pooling")
layer = case.layer

for kind in ["MaxPool", "AvgPool"]:
    layer(f"{kind}1d", 2, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer(f"{kind}1d", 3, stride=2, padding=1, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer(f"{kind}1d", (2,), stride=(3,), padding=(1,), inputs=[case.floats(2, 4, 1)])
    layer(f"{kind}2d", 2, inputs=[case.floats(1, 4, 5, 2)], grads="sin")
    layer(f"{kind}2d", (2, 3), stride=(1, 2), padding=(1, 0), inputs=[case.floats(1, 4, 5, 2)], grads="sin")
    layer(f"{kind}2d", (2, 3), inputs=[case.floats(2, 4, 6, 2)], grads="sin")
    layer(f"{kind}3d", 2, inputs=[case.floats(1, 4, 2, 4, 1)], grads="sin")
    layer(f"{kind}3d", 2, stride=1, padding=1, inputs=[case.floats(1, 2, 2, 3, 1)], grads="sin")
    layer(f"{kind}3d", (1, 2, 3), stride=(2, 1, 1), padding=(0, 1, 0), inputs=[case.floats(1, 3, 2, 3, 2)])

    # Windows of 1, as large as the input, larger, and lengths that leave a rest.
    layer(f"{kind}1d", 1, inputs=[case.floats(2, 3, 2)], grads="sin")
    layer(f"{kind}1d", 1, stride=2, inputs=[case.floats(2, 3, 2)], grads="sin")
    layer(f"{kind}1d", 4, inputs=[case.floats(1, 4, 2)])
    layer(f"{kind}1d", 4, inputs=[case.floats(1, 1, 2)])
    layer(f"{kind}1d", 4, stride=1, inputs=[case.floats(1, 3, 2)])
    layer(f"{kind}1d", 4, padding=2, inputs=[case.floats(1, 1, 2)])
    layer(f"{kind}2d", 3, inputs=[case.floats(1, 7, 8, 1)], grads="sin")

    layer(f"{kind}1d", 2, inputs=[case.floats(1, 4, 2, dtype=mx.bfloat16)])
    layer(f"{kind}2d", 2, stride=1, padding=1, inputs=[case.floats(1, 2, 3, 1, dtype=mx.bfloat16)])
    layer(f"{kind}3d", 2, training=False, inputs=[case.floats(1, 2, 2, 2, 1, dtype=mx.bfloat16)])
    layer(f"{kind}1d", 2, stride=1, padding=1, inputs=[case.ints(1, 4, 2)])

    layer(f"{kind}1d", 0, inputs=[case.floats(1, 4, 2)])
    layer(f"{kind}1d", 2, stride=0, inputs=[case.floats(1, 4, 2)])
    layer(f"{kind}2d", 2, padding=-1, inputs=[case.floats(1, 4, 4, 2)])
    layer(f"{kind}2d", (1, 2, 3), inputs=[case.floats(1, 4, 4, 2)])
    layer(f"{kind}1d", 2, inputs=[case.floats(1, 4, 4, 2)])
    layer(f"{kind}2d", 2, inputs=[case.floats(4, 4, 2)])
    layer(f"{kind}3d", 2, inputs=[case.floats(1, 4, 4, 2)])

for dtype in [mx.uint8, mx.int32, mx.complex64]:
    for kind in ["Max", "Avg"]:
        layer(f"{kind}Pool1d", 2, stride=1, padding=1, inputs=[case.values(dtype, 1, 4, 2)])
        layer(f"{kind}Pool2d", 2, padding=(0, 1), inputs=[case.values(dtype, 1, 4, 5, 2)])
