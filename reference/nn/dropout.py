import mlx.core as mx

from reference.cases import Family

case = Family("nn/dropout")
layer = case.layer

# It draws from the global state.
for kind, shape in [("Dropout", (3, 4)), ("Dropout2d", (2, 2, 3, 2)), ("Dropout3d", (2, 2, 2, 1, 3))]:
    for training in [True, False]:
        layer(kind, training=training, seed=5, inputs=[case.floats(*shape)])
        layer(kind, p=0.3, training=training, seed=5, inputs=[case.floats(*shape)])
    layer(kind, p=0.3, seed=6, inputs=[case.floats(*shape, dtype=mx.bfloat16)])
    layer(kind, p=0.0, inputs=[case.floats(*shape)])
layer("Dropout", p=1.0, inputs=[case.floats(2)])
layer("Dropout2d", seed=7, inputs=[case.floats(3, 2, 8)])
layer("Dropout3d", p=0.2, seed=7, inputs=[case.floats(3, 1, 2, 8)])
for kind in ["Dropout2d", "Dropout3d"]:
    layer(kind, p=-0.1, inputs=[case.floats(1, 2, 2, 3)])
    layer(kind, training=False, inputs=[case.floats(2, 3)])
    layer(kind, inputs=[case.floats(1, 1, 2, 2, 2, 3)])
for dtype in [mx.bool_, mx.uint8, mx.int32]:
    layer("Dropout", p=0.5, seed=5, inputs=[case.values(dtype, 3, 4)])
    layer("Dropout", p=0.0, inputs=[case.values(dtype, 3, 4)])
    layer("Dropout2d", p=0.5, seed=5, inputs=[case.values(dtype, 2, 2, 3, 2)])
    layer("Dropout3d", p=0.5, training=False, inputs=[case.values(dtype, 2, 2, 2, 1, 3)])
