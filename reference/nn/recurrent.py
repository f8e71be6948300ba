from reference.cases import Family

case = Family("nn/recurrent")
layer = case.layer

for kind in ["RNN", "GRU", "LSTM"]:
    for bias in [True, False]:
        layer(kind, 3, 4, bias=bias, inputs=[case.floats(2, 5, 3)], grads=None if kind == "LSTM" else "sin")
layer("RNN", 3, 4, inputs=[case.floats(5, 3)], call=dict(hidden=case.floats(4)))
layer("GRU", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4)))
layer("LSTM", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4), cell=case.floats(2, 4)))
