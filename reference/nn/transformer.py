import mlx.core as mx

from reference.cases import FLOATS, Call, Family, Function

case = Family("nn/transformer")
layer = case.layer

x = case.floats(2, 3, 8)
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], grads="sin")
layer("MultiHeadAttention", 8, 4, bias=True, inputs=[x, x, x], call=dict(mask=case.floats(3, 3)), grads="sin")
layer("MultiHeadAttention", 8, 2, inputs=[x, case.floats(2, 5, 8), case.floats(2, 5, 8)])
layer(
    "MultiHeadAttention", 8, 2, query_input_dims=3, key_input_dims=5, value_input_dims=4, value_dims=6,
    value_output_dims=7, bias=True, inputs=[case.floats(2, 3, 3), case.floats(2, 4, 5), case.floats(2, 4, 4)],
    grads="sin",
)  # fmt: skip
layer("MultiHeadAttention", 8, 2, key_input_dims=5, inputs=[x, case.floats(2, 4, 5), case.floats(2, 4, 5)])
keep = mx.array([[True, False, False], [True, True, False], [False, True, True]])
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], call=dict(mask=keep))
layer("MultiHeadAttention", 8, 2, inputs=[x, x, x], call=dict(mask="causal"))
layer("MultiHeadAttention", 7, 2, inputs=[x, x, x])
for shape in [(3, 8), (1, 2, 3, 8), (2, 3, 7)]:
    layer("MultiHeadAttention", 8, 2, inputs=[case.floats(*shape)] * 3)
for dtype in FLOATS:
    case("nn.MultiHeadAttention.create_additive_causal_mask", 3, dtype=dtype)
case("nn.MultiHeadAttention.create_additive_causal_mask", 4)


def encoder(name, *args, inputs=None, mask=None, dtype=mx.float32, **kwargs):
    """For a sequence of 3; some are masked out of it."""
    inputs = inputs or [case.floats(2, 3, 4, dtype=dtype), case.floats(3, 3, dtype=dtype) if mask is None else mask]
    layer(name, *args, inputs=inputs, dtype=dtype, **kwargs)


def decoder(name, *args, inputs=None, masks=None, dtype=mx.float32, **kwargs):
    """For a sequence of 3 that reads one of 5."""
    if inputs is None:
        x, memory = case.floats(2, 3, 4, dtype=dtype), case.floats(2, 5, 4, dtype=dtype)
        inputs = [x, memory, *(masks or [case.floats(3, 3, dtype=dtype), case.floats(3, 5, dtype=dtype)])]
    layer(name, *args, inputs=inputs, dtype=dtype, **kwargs)


keep5 = mx.array([[True, False, True, True, False]] * 3)
for part, name in [(encoder, "TransformerEncoder"), (decoder, "TransformerDecoder")]:
    masked = dict(mask="causal") if part is encoder else dict(masks=["causal", keep5])
    boolean = dict(mask=keep) if part is encoder else dict(masks=[keep, keep5])
    for norm_first in [True, False]:
        options = dict(mlp_dims=5, norm_first=norm_first)
        part(f"{name}Layer", 4, 2, **options, grads="sin")
        part(f"{name}Layer", 4, 2, **options, **masked, training=False)
        part(name, 2, 4, 2, **options, grads="sin")
        for activation in ["nn.gelu", "nn.silu"]:
            part(f"{name}Layer", 4, 1, activation=Function(activation), **options, **boolean)
        part(f"{name}Layer", 4, 2, dropout=0.3, **options, seed=7, grads="sin")
        part(f"{name}Layer", 4, 2, dropout=0.3, **options, training=False)
        part(f"{name}Layer", 4, 2, dtype=mx.bfloat16, **options, grads="sin")
    part(f"{name}Layer", 4, 4)
    part(f"{name}Layer", 4, 2, mlp_dims=5, activation=Call("nn.PReLU", 5), grads="sin")
    part(f"{name}Layer", 3, 2)
    part(name, 0, 4, 2)
    part(name, 3, 4, 1, mlp_dims=3, dropout=0.4, activation=Function("nn.gelu"), norm_first=False, seed=3)
    part(name, 2, 4, 2, mlp_dims=5, checkpoint=True, grads="sin")
    part(name, 2, 4, 2, mlp_dims=5, dropout=0.3, checkpoint=True, seed=3)
    for shape in [(3, 4), (2, 3, 5), (1, 2, 3, 4)]:
        for kind in [f"{name}Layer", name]:
            args = [4, 2] if kind.endswith("Layer") else [1, 4, 2]
            y = case.floats(*shape)
            part(kind, *args, mlp_dims=5, inputs=[y, None] if part is encoder else [y, case.floats(2, 5, 4), None, None])
decoder("TransformerDecoderLayer", 4, 2, inputs=[case.floats(2, 3, 4), case.floats(2, 5, 3), None, None])


def transformer(inputs=None, **kwargs):
    """A sequence of 3 that reads one of 5."""
    x, y = case.floats(2, 5, 4), case.floats(2, 3, 4)
    inputs = inputs or [x, y, case.floats(5, 5), case.floats(3, 3), case.floats(3, 5)]
    sizes = dict(dims=4, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, mlp_dims=5)
    layer("Transformer", inputs=inputs, **{**sizes, **kwargs})


transformer(grads="sin")
transformer(norm_first=False, grads="sin")
transformer(num_encoder_layers=2, num_decoder_layers=0)
transformer(num_encoder_layers=0, num_decoder_layers=2, num_heads=4)
transformer(activation=Function("nn.gelu"), dropout=0.2, seed=5, grads="sin")
transformer(dropout=0.2, training=False)
transformer(checkpoint=True, grads="sin")
transformer(inputs=[case.floats(1, 5, 4), case.floats(1, 1, 4), None, "causal", None])
transformer(inputs=[case.floats(1, 1, 4), case.floats(1, 6, 4), "causal", "causal", None])
transformer(custom_encoder=Call("nn.TransformerEncoder", 1, 4, 1, mlp_dims=3), grads="sin")
transformer(custom_decoder=Call("nn.TransformerDecoder", 1, 4, 1, mlp_dims=3, norm_first=False), grads="sin")
transformer(inputs=[case.floats(2, 5, 3), case.floats(2, 3, 4), None, None, None])
transformer(inputs=[case.floats(2, 5, 4), case.floats(2, 3, 3), None, None, None])
transformer(dims=5)

# Whole stacks of halves.
for norm_first in [True, False]:
    options = dict(mlp_dims=5, norm_first=norm_first, dtype=mx.bfloat16, grads="sin")
    encoder("TransformerEncoder", 2, 4, 2, **options)
    decoder("TransformerDecoder", 2, 4, 2, **options)
    half = [case.floats(2, t, 4, dtype=mx.bfloat16) for t in (5, 3)]
    transformer(inputs=[*half, None, None, None], num_encoder_layers=2, **options)
encoder("TransformerEncoder", 2, 4, 2, mask="causal", mlp_dims=5, checkpoint=True, dtype=mx.bfloat16, grads="sin")
decoder("TransformerDecoder", 2, 4, 1, masks=["causal", keep5], mlp_dims=5, dtype=mx.bfloat16, grads="sin")
y = case.floats(2, 3, 8, dtype=mx.bfloat16)
layer("MultiHeadAttention", 8, 2, bias=True, inputs=[y, y, y], dtype=mx.bfloat16, grads="sin")
