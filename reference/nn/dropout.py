from reference.cases import Family

case = Family("nn/dropout")
layer = case.layer

# It draws from the global state.
for kind, shape in [("Dropout", (3, 4)), ("Dropout2d", (2, 2, 3, 2)), ("Dropout3d", (2, 2, 2, 1, 3))]:
    for training in [True, False]:
        layer(kind, training=training, seed=5, inputs=[case.floats(*shape)])
        layer(kind, p=0.3, training=training, seed=5, inputs=[case.floats(*shape)])
    layer(kind, p=0.0, inputs=[case.floats(*shape)])
layer("Dropout", p=1.0, inputs=[case.floats(2)])
