import mlx.core as mx

from reference.cases import Family

case = Family("nn/embedding")
layer = case.layer

layer("Embedding", 5, 3, inputs=[mx.array([4, 0, 4])], grads="sin")
layer("Embedding", 5, 3, inputs=[mx.array([[1, 2], [3, 0]], mx.uint8)])
layer("Embedding", 5, 3, inputs=[mx.array(2)])
layer("Embedding", 5, 3, inputs=[case.floats(2, 3)], method="as_linear", grads="sin")
