import mlx.core as mx

from reference.cases import FLOATS, Family, transposed

case = Family("nn/activations")
layer = case.layer

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

# Integers and booleans: beside a float, a whole one too, they become float32.
for dtype in [mx.bool_, mx.uint8, mx.int32, mx.int64]:
    for name, klass in ACTIVATIONS.items():
        case(f"nn.{name}", case.values(dtype, 2, 4))
        if klass:
            layer(klass, inputs=[case.values(dtype, 2, 4)])
    case("nn.leaky_relu", case.values(dtype, 2, 4), negative_slope=2.0)
    case("nn.elu", case.values(dtype, 2, 4), alpha=2.0)
    case("nn.celu", case.values(dtype, 2, 4), alpha=2.0)
    case("nn.softshrink", case.values(dtype, 2, 4), lambd=1.0)
    case("nn.hard_shrink", case.values(dtype, 2, 4), lambd=1.0)
    case("nn.step", case.values(dtype, 2, 4), threshold=1.0)
    case("nn.hard_tanh", case.values(dtype, 2, 4), min_val=-2.0, max_val=3.0)
    case("nn.prelu", case.values(dtype, 2, 4), mx.array(0.5))
