import mlx.core as mx

from reference.cases import Family, transposed

case = Family("nn/linear")
layer = case.layer

layer("Identity", inputs=[case.floats(2, 3)])
for bias in [True, False]:
    layer("Linear", 3, 2, bias=bias, inputs=[case.floats(2, 3)], grads="sin")
    layer("Linear", 3, 2, bias=bias, inputs=[case.floats(2, 1, 3)])
    layer("Bilinear", 3, 4, 2, bias=bias, inputs=[case.floats(5, 3), case.floats(5, 4)], grads="sin")
layer("Linear", 3, 2, inputs=[case.floats(3)])
layer("Linear", 3, 2, inputs=[transposed(case.floats(3, 4))])
layer("Linear", 3, 2, inputs=[case.floats(2, 3, dtype=mx.float16)])
layer("Bilinear", 3, 4, 2, inputs=[case.floats(2, 5, 3), case.floats(2, 5, 4)])
layer("Bilinear", 3, 4, 2, training=False, inputs=[case.floats(3), case.floats(4)])
layer("Bilinear", 1, 2, 1, inputs=[case.floats(2, 1), case.floats(2, 2)], grads="sin")
layer("Bilinear", 3, 4, 2, inputs=[case.floats(2, 3, dtype=mx.bfloat16), case.floats(2, 4, dtype=mx.bfloat16)])
layer("Bilinear", 3, 4, 2, inputs=[case.floats(2, 4), case.floats(2, 4)])
layer("Bilinear", 3, 4, 2, inputs=[case.floats(2, 3), case.floats(3, 4)])
