import mlx.core as mx

from reference.cases import FLOATS, Family, transposed

case = Family("nn")
layer = case.layer

# Activations: functions and layers.

ACTIVATIONS = {
    "sigmoid": "Sigmoid", "relu": "ReLU", "relu2": "ReLU2", "relu6": "ReLU6", "leaky_relu": "LeakyReLU",
    "log_softmax": "LogSoftmax", "elu": "ELU", "softmax": "Softmax", "softplus": "Softplus", "softsign": "Softsign",
    "softshrink": "Softshrink", "celu": "CELU", "silu": "SiLU", "log_sigmoid": "LogSigmoid", "gelu": "GELU",
    "gelu_approx": None, "gelu_fast_approx": None, "glu": "GLU", "step": "Step", "selu": "SELU", "mish": "Mish",
    "hardswish": "Hardswish", "hard_tanh": "HardTanh", "hard_shrink": "HardShrink", "softmin": "Softmin",
    "tanh": "Tanh",
}  # fmt: skip
for name, klass in ACTIVATIONS.items():
    for dtype in FLOATS:
        case(f"nn.{name}", case.floats(2, 4, low=-7, high=7, dtype=dtype))
    case(f"nn.{name}", transposed(case.floats(4, 2)))
    case(f"nn.{name}", mx.array([0.0, float("inf"), -20.0, 20.0]))
    if klass:
        layer(klass, inputs=[case.floats(2, 4)], grads="sin")
PARAMETERS = [
    ("leaky_relu", "LeakyReLU", dict(negative_slope=0.3)), ("elu", "ELU", dict(alpha=1.75)),
    ("celu", "CELU", dict(alpha=0.6)),
    ("softshrink", "Softshrink", dict(lambd=1.25)), ("hard_shrink", "HardShrink", dict(lambd=1.25)),
    ("step", "Step", dict(threshold=0.75)), ("hard_tanh", None, dict(min_val=-0.5, max_val=1.25)),
    ("softmax", None, dict(axis=0)), ("softmin", None, dict(axis=0)), ("log_softmax", None, dict(axis=0)),
    ("glu", "GLU", dict(axis=0)), ("gelu", "GELU", dict(approx="tanh")), ("gelu", "GELU", dict(approx="fast")),
    ("gelu", "GELU", dict(approx="precise")),
]  # fmt: skip
for name, klass, options in PARAMETERS:
    if "approx" not in options:
        case(f"nn.{name}", case.floats(2, 4), **options)
    if klass:
        layer(klass, inputs=[case.floats(2, 4)], **options)
layer("GELU", inputs=[case.floats(2)], approx="none of these")
case("nn.prelu", case.floats(2, 3), case.floats(3))
layer("PReLU", inputs=[case.floats(2, 3)], grads="sin")
layer("PReLU", inputs=[case.floats(2, 3)], num_parameters=3, init=0.5, grads="sin")
layer("Identity", inputs=[case.floats(2, 3)])

# Linear layers and embeddings.

for bias in [True, False]:
    layer("Linear", 3, 2, bias=bias, inputs=[case.floats(2, 3)], grads="sin")
    layer("Linear", 3, 2, bias=bias, inputs=[case.floats(2, 1, 3)])
    layer("Bilinear", 3, 4, 2, bias=bias, inputs=[case.floats(5, 3), case.floats(5, 4)], grads="sin")
layer("Linear", 3, 2, inputs=[case.floats(3)])
layer("Linear", 3, 2, inputs=[transposed(case.floats(3, 4))])
layer("Linear", 3, 2, inputs=[case.floats(2, 3, dtype=mx.float16)])
layer("Bilinear", 3, 4, 2, inputs=[case.floats(2, 5, 3), case.floats(2, 5, 4)])
layer("Embedding", 5, 3, inputs=[mx.array([4, 0, 4])], grads="sin")
layer("Embedding", 5, 3, inputs=[mx.array([[1, 2], [3, 0]], mx.uint8)])
layer("Embedding", 5, 3, inputs=[mx.array(2)])
layer("Embedding", 5, 3, inputs=[case.floats(2, 3)], method="as_linear", grads="sin")

# Normalization.

layer("LayerNorm", 4, inputs=[case.floats(2, 3, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.5, bias=False, inputs=[case.floats(2, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.1, affine=False, inputs=[case.floats(2, 4)], grads="sin")
layer("LayerNorm", 4, eps=0.0, inputs=[case.floats(2, 4)])
layer("RMSNorm", 4, inputs=[case.floats(2, 3, 4)], grads="sin")
layer("RMSNorm", 4, eps=0.5, inputs=[case.floats(2, 4)], grads="sin")
layer("RMSNorm", 4, inputs=[case.floats(2, 4, dtype=mx.bfloat16)])
layer("InstanceNorm", 3, inputs=[case.floats(2, 4, 3)], grads="sin")
layer("InstanceNorm", 3, eps=0.5, affine=True, inputs=[case.floats(2, 2, 3, 3)], grads="sin")
layer("InstanceNorm", 3, inputs=[case.floats(2, 3)])
for pytorch in [False, True]:
    layer("GroupNorm", 2, 6, pytorch_compatible=pytorch, inputs=[case.floats(2, 3, 6)], grads="sin")
    layer("GroupNorm", 3, 6, eps=0.5, affine=False, pytorch_compatible=pytorch, inputs=[case.floats(2, 2, 2, 6)])
layer("GroupNorm", 4, 6, inputs=[case.floats(2, 6)])
for training in [True, False]:
    layer("BatchNorm", 3, training=training, inputs=[case.floats(4, 3)], grads="sin")
    layer("BatchNorm", 3, eps=0.5, momentum=0.4, training=training, inputs=[case.floats(2, 3, 3)])
    layer("BatchNorm", 3, affine=False, training=training, inputs=[case.floats(2, 2, 2, 3)])
    layer("BatchNorm", 3, track_running_stats=False, training=training, inputs=[case.floats(4, 3)])
layer("BatchNorm", 3, inputs=[case.floats(1, 3)])
layer("BatchNorm", 3, inputs=[case.floats(3)])

# Positions.

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

# Attention and transformers.

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

# Convolution, pooling, upsampling.

for bias in [True, False]:
    layer("Conv1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer("Conv2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 4, 5, 2)], grads="sin")
    layer("ConvTranspose1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 4, 3)])
    layer("ConvTranspose2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 3, 3, 2)])
layer("Conv1d", 4, 2, 3, stride=2, padding=1, dilation=2, groups=2, inputs=[case.floats(2, 8, 4)])
layer(
    "Conv2d", 2, 4, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, inputs=[case.floats(1, 5, 6, 2)]
)
layer("Conv3d", 2, 2, 2, inputs=[case.floats(1, 3, 3, 3, 2)])
layer("Conv3d", 1, 2, (1, 2, 2), stride=2, padding=1, bias=False, inputs=[case.floats(1, 3, 3, 3, 1)])
layer("ConvTranspose1d", 3, 2, 3, stride=2, padding=1, dilation=2, output_padding=1, inputs=[case.floats(1, 4, 3)])
layer("ConvTranspose2d", 2, 3, (2, 3), stride=(2, 1), padding=(1, 0), inputs=[case.floats(1, 3, 3, 2)])
layer("ConvTranspose3d", 2, 2, 2, stride=2, inputs=[case.floats(1, 2, 2, 2, 2)])
for kind in ["MaxPool", "AvgPool"]:
    layer(f"{kind}1d", 2, inputs=[case.floats(2, 6, 3)], grads="sin")
    layer(f"{kind}1d", 3, stride=2, padding=1, inputs=[case.floats(2, 6, 3)])
    layer(f"{kind}2d", 2, inputs=[case.floats(1, 4, 5, 2)])
    layer(f"{kind}2d", (2, 3), stride=(1, 2), padding=(1, 0), inputs=[case.floats(1, 4, 5, 2)])
    layer(f"{kind}3d", 2, inputs=[case.floats(1, 4, 2, 4, 1)])
    layer(f"{kind}3d", 2, stride=1, padding=1, inputs=[case.floats(1, 2, 2, 3, 1)])
for mode in ["nearest", "linear", "cubic"]:
    for align in [True, False]:
        layer("Upsample", 2, mode=mode, align_corners=align, inputs=[case.floats(1, 3, 2)])
        layer("Upsample", (2, 1.5), mode=mode, align_corners=align, inputs=[case.floats(1, 2, 4, 1)])

# Recurrence.

for kind in ["RNN", "GRU", "LSTM"]:
    for bias in [True, False]:
        layer(kind, 3, 4, bias=bias, inputs=[case.floats(2, 5, 3)], grads=None if kind == "LSTM" else "sin")
layer("RNN", 3, 4, inputs=[case.floats(5, 3)], call=dict(hidden=case.floats(4)))
layer("GRU", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4)))
layer("LSTM", 3, 4, inputs=[case.floats(2, 5, 3)], call=dict(hidden=case.floats(2, 4), cell=case.floats(2, 4)))

# Dropout draws from the global state.
for kind, shape in [("Dropout", (3, 4)), ("Dropout2d", (2, 2, 3, 2)), ("Dropout3d", (2, 2, 2, 1, 3))]:
    for training in [True, False]:
        layer(kind, training=training, seed=5, inputs=[case.floats(*shape)])
        layer(kind, p=0.3, training=training, seed=5, inputs=[case.floats(*shape)])
    layer(kind, p=0.0, inputs=[case.floats(*shape)])
layer("Dropout", p=1.0, inputs=[case.floats(2)])
