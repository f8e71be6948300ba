import mlx.core as mx

from reference.cases import Family, Function, transposed

case = Family("nn/recurrent")
layer = case.layer

for kind in ["RNN", "GRU", "LSTM"]:

    def states(*batch, dtype=mx.float32):
        names = ["hidden", "cell"] if kind == "LSTM" else ["hidden"]
        return {name: case.floats(*batch, 4, dtype=dtype) for name in names}

    for bias in [True, False]:
        layer(kind, 3, 4, bias=bias, inputs=[case.floats(2, 5, 3)], grads="sin")
        layer(kind, 3, 4, bias=bias, inputs=[case.floats(2, 5, 3)], call=states(2), grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(5, 3)], grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(5, 3)], call=states(), grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(2, 3, 5, 3)], grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(2, 3, 5, 3)], call=states(2, 3), grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(2, 1, 3)], grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(2, 1, 3)], call=states(2), grads="sin")
    layer(kind, 1, 4, inputs=[case.floats(1, 1)])
    layer(kind, 4, 4, inputs=[case.floats(3, 4)])
    layer(kind, 4, 1, inputs=[case.floats(2, 3, 4)])
    layer(kind, 3, 4, inputs=[transposed(case.floats(3, 5, 2))])
    layer(kind, 3, 4, inputs=[case.floats(0, 5, 3)])
    layer(kind, 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=None))
    layer(kind, 3, 4, inputs=[case.floats(2, 5, 3)], training=False)
    for dtype in [mx.bfloat16, mx.float16]:
        x = case.floats(2, 3, 3, dtype=dtype)
        layer(kind, 3, 4, inputs=[x], dtype=dtype, grads="sin")
        layer(kind, 3, 4, inputs=[x], call=states(2, dtype=dtype), dtype=dtype, grads="sin")
    layer(kind, 3, 4, inputs=[case.floats(2, 3, 3, dtype=mx.bfloat16)])
    # What it refuses.
    layer(kind, 3, 4, inputs=[case.floats(2, 5, 4)])
    layer(kind, 3, 4, inputs=[case.floats(2, 0, 3)])
    layer(kind, 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 5)))
    layer(kind, 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(3, 4)))

# A state for all sequences of the batch.
layer("GRU", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(1, 4)), grads="sin")
layer("LSTM", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4)), grads="sin")
layer("LSTM", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(cell=case.floats(2, 4)), grads="sin")
for name in ["nn.relu", "nn.sigmoid", "sin"]:
    layer("RNN", 3, 4, nonlinearity=Function(name), inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4)), grads="sin")  # fmt: skip
