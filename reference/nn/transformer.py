import mlx.core as mx

from reference.cases import FLOATS, Family

case = Family("nn/transformer")
layer = case.layer

x = case.floats(2, 3, 8)
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], grads="sin")
layer("MultiHeadAttention", 8, 4, bias=True, inputs=[x, x, x], call=dict(mask=case.floats(3, 3)), grads="sin")
layer("MultiHeadAttention", 8, 2, inputs=[x, case.floats(2, 5, 8), case.floats(2, 5, 8)])
layer(
    "MultiHeadAttention", 8, 2, query_input_dims=3, key_input_dims=5, value_input_dims=4, value_dims=6,
    value_output_dims=7, bias=True, inputs=[case.floats(2, 3, 3), case.floats(2, 4, 5), case.floats(2, 4, 4)],
)  # fmt: skip
layer("MultiHeadAttention", 8, 2, key_input_dims=5, inputs=[x, case.floats(2, 4, 5), case.floats(2, 4, 5)])
keep = mx.array([[True, False, False], [True, True, False], [False, True, True]])
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], call=dict(mask=keep))
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], call=dict(mask="causal"))
layer("MultiHeadAttention", 7, 2, inputs=[x, x, x])
for dtype in FLOATS:
    case("nn.MultiHeadAttention.create_additive_causal_mask", 3, dtype=dtype)
case("nn.MultiHeadAttention.create_additive_causal_mask", 4)
for norm_first in [True, False]:
    options = dict(mlp_dims=5, norm_first=norm_first)
    layer("TransformerEncoderLayer", 4, 2, inputs=[case.floats(1, 3, 4), case.floats(3, 3)], **options, grads="sin")
    layer(
        "TransformerDecoderLayer",
        4,
        2,
        inputs=[case.floats(1, 3, 4), case.floats(1, 2, 4), case.floats(3, 3), case.floats(3, 2)],
        **options,
    )
layer("TransformerEncoder", 2, 4, 2, mlp_dims=5, inputs=[case.floats(1, 3, 4), case.floats(3, 3)])
layer(
    "TransformerDecoder",
    2,
    4,
    2,
    mlp_dims=5,
    inputs=[case.floats(1, 3, 4), case.floats(1, 2, 4), case.floats(3, 3), case.floats(3, 2)],
)
layer(
    "Transformer", dims=4, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, mlp_dims=5,
    inputs=[case.floats(1, 2, 4), case.floats(1, 3, 4), case.floats(2, 2), case.floats(3, 3), case.floats(3, 2)],
)  # fmt: skip
