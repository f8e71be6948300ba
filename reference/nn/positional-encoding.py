import mlx.core as mx

from reference.cases import Family

case = Family("nn/positional-encoding")
layer = case.layer

for options in [
    {},
    dict(traditional=True),
    dict(base=500.0),
    dict(scale=0.25),
    dict(traditional=True, base=100.0, scale=2.0),
]:
    layer("RoPE", 4, inputs=[case.floats(1, 2, 3, 4)], **options)
    layer("RoPE", 4, inputs=[case.floats(2, 3, 6)], call=dict(offset=5), **options)
layer("RoPE", 4, inputs=[case.floats(1, 2, 3, 4)], grads="sin")
positions = mx.array([0.0, 1.0, 2.5, 100.0])
for options in [
    {}, dict(min_freq=0.01, max_freq=10.0), dict(scale=0.5), dict(cos_first=True), dict(full_turns=True),
    dict(min_freq=0.5, max_freq=2.0, scale=1.0, cos_first=True, full_turns=True),
]:  # fmt: skip
    # The sine of a large number: one step of float32 in its argument is more than the usual tolerance.
    layer("SinusoidalPositionalEncoding", 6, inputs=[positions], **options)["tolerance"] = 1e-4
layer("SinusoidalPositionalEncoding", 2, inputs=[positions])["tolerance"] = 1e-4
layer("SinusoidalPositionalEncoding", 8, inputs=[mx.array([[1.0, 3.0], [7.0, 0.5]])])
layer("SinusoidalPositionalEncoding", 5, inputs=[positions])
