from reference.cases import Family

case = Family("nn/pooling")
layer = case.layer

for kind in ["MaxPool", "AvgPool"]:
    layer(f"{kind}1d", 2, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer(f"{kind}1d", 3, stride=2, padding=1, inputs=[case.floats(2, 6, 3)])
    layer(f"{kind}2d", 2, inputs=[case.floats(1, 4, 5, 2)])
    layer(f"{kind}2d", (2, 3), stride=(1, 2), padding=(1, 0), inputs=[case.floats(1, 4, 5, 2)])
    layer(f"{kind}3d", 2, inputs=[case.floats(1, 4, 2, 4, 1)])
    layer(f"{kind}3d", 2, stride=1, padding=1, inputs=[case.floats(1, 2, 2, 3, 1)])
