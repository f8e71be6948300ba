import mlx.core as mx

from reference.cases import FLOATS, Family, sliced, transposed

case = Family("nn/quantized")
layer = case.layer
# The packed weights are those that the layers begin with.
mx.random.seed(7)

MODES = ["affine", "mxfp4", "mxfp8", "nvfp4"]

# Linear: every mode, with and without a bias, gradients by the input.
for mode in MODES:
    x = case.floats(3, 64)
    layer("QuantizedLinear", 64, 3, mode=mode, inputs=[x], grads="sin")
    layer("QuantizedLinear", 64, 5, bias=False, mode=mode, inputs=[case.floats(2, 1, 64)], grads="sin")
    layer("QuantizedLinear", 64, 2, mode=mode, inputs=[x], training=False)
    for dtype in FLOATS:
        layer("QuantizedLinear", 64, 2, bias=False, mode=mode, inputs=[case.floats(2, 64, dtype=dtype)])
for bits in [2, 3, 5, 6, 8]:
    layer("QuantizedLinear", 64, 3, bits=bits, inputs=[case.floats(2, 64)], grads="sin")
for group_size in [32, 128]:
    layer("QuantizedLinear", 128, 2, group_size=group_size, bits=8, inputs=[case.floats(2, 128)])
layer("QuantizedLinear", 32, 2, group_size=32, inputs=[case.floats(32)])
layer("QuantizedLinear", 64, 2, inputs=[transposed(case.floats(64, 3))])
layer("QuantizedLinear", 64, 2, inputs=[sliced(case.floats(3, 128), ":", "::2")], grads="sin")
layer("QuantizedLinear", 64, 2, inputs=[case.floats(2, 32)])
layer("QuantizedLinear", 48, 2, inputs=[case.floats(2, 48)])
layer("QuantizedLinear", 64, 2, group_size=48, inputs=[case.floats(2, 64)])
layer("QuantizedLinear", 64, 2, bits=7, inputs=[case.floats(2, 64)])
layer("QuantizedLinear", 64, 2, mode="mxfp4", bits=8, inputs=[case.floats(2, 64)])
layer("QuantizedLinear", 64, 2, mode="int4", inputs=[case.floats(2, 64)])

# Embedding: rows, and the product for tied outputs.
for mode in MODES:
    layer("QuantizedEmbedding", 5, 32, group_size=16 if mode == "nvfp4" else 32, mode=mode, inputs=[mx.array([4, 0, 4])])
    layer("QuantizedEmbedding", 3, 64, mode=mode, inputs=[mx.array([[1, 2], [0, 0]], mx.uint8)], training=False)
    x = case.floats(2, 64)
    layer("QuantizedEmbedding", 3, 64, mode=mode, inputs=[x], method="as_linear", grads="sin")
for bits in [2, 3, 5, 6, 8]:
    layer("QuantizedEmbedding", 3, 64, bits=bits, inputs=[mx.array([2, 1])])
layer("QuantizedEmbedding", 3, 64, inputs=[case.floats(2, 64, dtype=mx.bfloat16)], method="as_linear")
layer("QuantizedEmbedding", 3, 64, inputs=[mx.array(2)])
layer("QuantizedEmbedding", 3, 40, inputs=[mx.array([2])])

# Both factors: what the CPU has, and what it does not.
for mode in ["mxfp4", "mxfp8", "nvfp4"]:
    for dtype in FLOATS:
        layer("QQLinear", 64, 3, mode=mode, inputs=[case.floats(1, 64, dtype=dtype)], training=False)
layer("QQLinear", 32, 3, inputs=[case.floats(1, 1, 32)], training=False)
layer("QQLinear", 32, 3, group_size=16, bits=4, inputs=[case.floats(1, 32)], training=False)
layer("QQLinear", 32, 3, inputs=[case.floats(1, 32)])["cpu"] = True
layer("QQLinear", 32, 3, inputs=[case.floats(2, 32)], training=False)["cpu"] = True
