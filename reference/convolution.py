import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed

case = Family("convolution")

CALLS = [
    ("conv1d", (2, 5, 3), (4, 2, 3), {}),
    ("conv2d", (1, 4, 3, 2), (3, 2, 2, 2), {}),
    ("conv3d", (1, 3, 2, 3, 1), (2, 2, 2, 2, 1), {}),
    ("conv_transpose1d", (2, 3, 2), (3, 2, 2), {}),
    ("conv_transpose2d", (1, 2, 3, 2), (2, 2, 2, 2), dict(stride=2)),
    ("conv_transpose3d", (1, 2, 1, 2, 1), (2, 2, 2, 1, 1), {}),
    ("conv_general", (1, 4, 3, 1), (2, 2, 2, 1), dict(flip=True)),
    ("convolve", (5,), (3,), {}),
]
for name, x, w, options in CALLS:
    for dtype in FLOATS:
        case(name, case.floats(*x, dtype=dtype), case.floats(*w, dtype=dtype), **options)
    # MLX's kernels compute even float64 in float32.
    double = case(name, case.floats(*x, dtype=mx.float64), case.floats(*w, dtype=mx.float64), **options)
    double["tolerance"] = 3e-6

# Each option, and all of them; unequal ones in every dimension.
LINES = [
    dict(stride=2), dict(padding=2), dict(padding=-1), dict(dilation=2), dict(stride=3, padding=2, dilation=2),
]  # fmt: skip
for options in LINES:
    case("conv1d", case.floats(2, 7, 2), case.floats(3, 3, 2), **options)
    case("conv1d", case.floats(1, 7, 4), case.floats(6, 3, 2), groups=2, **options)
    case("conv_transpose1d", case.floats(2, 4, 2), case.floats(3, 3, 2), **options)
    case("conv_transpose1d", case.floats(1, 4, 4), case.floats(2, 3, 2), groups=2, output_padding=1, **options)
case("conv1d", case.floats(1, 4, 3), case.floats(3, 2, 1), groups=3)
case("conv1d", case.floats(2, 3, 4, 2), case.floats(2, 2, 2, 2), padding=1)
case("conv_transpose1d", case.floats(1, 3, 2), case.floats(2, 2, 2), output_padding=-1)
case("conv_transpose1d", case.floats(1, 3, 2), case.floats(2, 2, 2), output_padding=3)

PLANES = [
    dict(stride=2), dict(stride=[1, 2]), dict(padding=1), dict(padding=[2, 0]), dict(padding=[-1, 1]),
    dict(dilation=2), dict(dilation=[1, 2]), dict(stride=[2, 1], padding=[0, 2], dilation=[2, 1]),
]  # fmt: skip
for options in PLANES:
    case("conv2d", case.floats(1, 4, 5, 2), case.floats(3, 2, 2, 2), **options)
    case("conv2d", case.floats(1, 4, 5, 2), case.floats(2, 2, 2, 1), groups=2, **options)
    case("conv_transpose2d", case.floats(1, 3, 2, 2), case.floats(2, 2, 3, 2), **options)
    case("conv_transpose2d", case.floats(1, 3, 2, 2), case.floats(2, 2, 3, 1), groups=2, **options)
    case("conv_transpose2d", case.floats(1, 2, 2, 1), case.floats(1, 2, 2, 1), output_padding=[1, 0], **options)
case("conv_transpose2d", case.floats(1, 2, 2, 1), case.floats(1, 2, 2, 1), stride=2, output_padding=1)

SPACES = [
    dict(stride=2), dict(stride=[1, 2, 1]), dict(padding=1), dict(padding=[0, 1, -1]), dict(dilation=2),
    dict(dilation=[1, 1, 2]),
]  # fmt: skip
for options in SPACES:
    case("conv3d", case.floats(1, 3, 3, 4, 1), case.floats(2, 2, 2, 2, 1), **options)
    case("conv_transpose3d", case.floats(1, 2, 2, 3, 1), case.floats(1, 2, 2, 2, 1), **options)
case("conv_transpose3d", case.floats(1, 2, 1, 2, 1), case.floats(1, 2, 2, 1, 1), output_padding=[0, 1, 2], stride=3)
case("conv_transpose3d", case.floats(1, 2, 2, 2, 2), case.floats(2, 1, 2, 2, 1), groups=2)

for options in [
    dict(stride=2), dict(stride=[2]), dict(stride=[2, 1]), dict(padding=1), dict(padding=[1]), dict(padding=[1, 0]),
    dict(padding=([1, 0], [0, 2])), dict(padding=([1], [2])), dict(padding=([-1, 1], [0, -1])), dict(padding=[]),
    dict(kernel_dilation=2), dict(kernel_dilation=[1, 2]), dict(input_dilation=2), dict(input_dilation=[2, 1]),
    dict(flip=True), dict(flip=True, kernel_dilation=[2, 1], input_dilation=[1, 3]),
    dict(stride=[2, 3], padding=([2, 1], [3, 0]), kernel_dilation=[2, 1], input_dilation=[1, 2], flip=True),
]:  # fmt: skip
    case("conv_general", case.floats(1, 4, 3, 2), case.floats(2, 2, 2, 2), **options)
    case("conv_general", case.floats(1, 4, 3, 2), case.floats(2, 2, 2, 1), groups=2, **options)
case("conv_general", case.floats(2, 4, 2), case.floats(3, 2, 2))
case("conv_general", case.floats(1, 2, 3, 2, 1), case.floats(2, 2, 1, 2, 1), padding=([1, 0, 1], [0, 0, 2]), flip=True)

for a, v in [(5, 3), (3, 5), (4, 4), (6, 2), (4, 1), (1, 1), (2, 5)]:
    for mode in ["full", "same", "valid"]:
        case("convolve", case.floats(a), case.floats(v), mode=mode)
case("convolve", sliced(case.floats(8), "::-2"), sliced(case.floats(6), "::2"))
case("convolve", broadcasted(case.floats(1), 4), case.floats(2), mode="same")
case("convolve", case.floats(4, dtype=mx.float16), case.floats(2))
case("convolve", case.floats(4), case.ints(2))

# Wide enough for the faster kernels.
case("conv2d", case.ints(1, 6, 6, 16, dtype=mx.float32), case.ints(16, 3, 3, 16, low=-1, high=2), padding=1)

case("conv1d", transposed(case.floats(3, 5, 2)), transposed(case.floats(3, 2, 4)))
case("conv1d", sliced(case.floats(2, 9, 2), "::-1", "::2"), sliced(case.floats(4, 2, 4), "::2", "::-1", "::2"), padding=1)
case("conv1d", broadcasted(case.floats(1, 4, 1), 2, 4, 3), broadcasted(case.floats(1, 2, 1), 2, 2, 3))
case("conv2d", transposed(case.floats(1, 2, 4, 3), 0, 2, 3, 1), transposed(case.floats(2, 2, 2, 2), 3, 1, 2, 0))
case("conv2d", sliced(case.floats(1, 4, 8, 2), ":", "::-1", "::2"), case.floats(2, 2, 2, 2), dilation=2)
case("conv_transpose2d", transposed(case.floats(1, 3, 2, 2), 0, 2, 1, 3), case.floats(2, 2, 2, 2))
case("conv_general", transposed(case.floats(2, 4, 1)), case.floats(2, 3, 2), flip=True, input_dilation=2)

# Types that differ.
case("conv1d", case.floats(1, 3, 2, dtype=mx.float16), case.floats(2, 2, 2))
case("conv1d", case.floats(1, 3, 2, dtype=mx.float16), case.floats(2, 2, 2, dtype=mx.bfloat16))
case("conv1d", case.floats(1, 3, 2), case.ints(2, 2, 2))

# Nothing in the batch, or in the input but zeros around it.
case("conv1d", case.floats(0, 5, 2), case.floats(3, 2, 2))
case("conv1d", case.floats(1, 0, 2), case.floats(3, 2, 2), padding=2)
case("conv2d", case.floats(0, 4, 4, 2), case.floats(3, 2, 2, 2))
case("conv3d", case.floats(0, 3, 3, 3, 2), case.floats(3, 2, 2, 2, 2))
case("conv_transpose1d", case.floats(1, 0, 2), case.floats(3, 2, 2), stride=2, output_padding=5)

case.throws("conv1d", case.ints(1, 3, 2), case.ints(2, 2, 2))
case.throws("conv1d", case.complexes(1, 3, 2), case.complexes(2, 2, 2))
case.throws("conv1d", case.floats(1, 3), case.floats(2, 2))
case.throws("conv1d", case.floats(), case.floats())
case.throws("conv1d", case.floats(1, 1, 2), case.floats(2, 2, 2))
case.throws("conv1d", case.floats(1, 3, 2), case.floats(2, 2, 3))
case.throws("conv1d", case.floats(1, 3, 3), case.floats(2, 2, 1), groups=2)
case.throws("conv1d", case.floats(1, 3, 4), case.floats(3, 2, 2), groups=2)
case.throws("conv1d", case.floats(1, 3, 2), case.floats(2, 2, 2), groups=-1)
case.throws("conv1d", case.floats(1, 3, 2), case.floats(2, 2, 2), stride=0)
case.throws("conv1d", case.floats(1, 3, 2), case.floats(2, 2, 2), dilation=0)
case.throws("conv1d", case.floats(1, 3, 2), case.floats(2, 2, 2), padding=-3)
case.throws("conv2d", case.floats(1, 3, 2), case.floats(2, 2, 2))
case.throws("conv2d", case.floats(1, 3, 3, 2), case.floats(2, 2, 2))
case.throws("conv3d", case.floats(1, 2, 2, 2, 2), case.floats(2, 1, 1, 1, 1), groups=2)
case.throws("conv_transpose1d", case.floats(3), case.floats(3))
case.throws("conv_transpose1d", case.floats(1, 3, 2), case.floats(2, 2, 2), stride=0)
case.throws("conv_transpose1d", case.floats(1, 3, 2), case.floats(2, 2, 2), padding=3)
case.throws("conv_transpose2d", case.floats(1, 3, 2), case.floats(2, 2, 2))
case.throws("conv_transpose3d", case.floats(1, 3, 3, 2), case.floats(2, 2, 2, 2))
case.throws("conv_general", case.floats(1, 3, 2), case.floats(2, 2, 2), stride=[1, 2])
case.throws("conv_general", case.floats(1, 3, 2), case.floats(2, 2, 2), padding=([1, 2], [1, 2]))
case.throws("conv_general", case.floats(1, 3, 2), case.floats(2, 2, 2), input_dilation=0)
case.throws("conv_general", case.floats(1, 3), case.floats(2, 2))
case.throws("conv_general", case.floats(*[2] * 6), case.floats(*[2] * 6))
case.throws("convolve", case.floats(2, 2), case.floats(2))
case.throws("convolve", case.floats(2), case.floats(0))
case.throws("convolve", case.ints(2), case.floats(2))
case.throws("convolve", case.floats(2), case.floats(2), mode="some")
