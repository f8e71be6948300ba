"""Cases that every function of two operands has: dtypes, broadcasting, strides, scalars on both sides."""

import mlx.core as mx

from reference.cases import broadcasted, sliced, transposed

PAIRS = [
    (mx.float32, mx.float16), (mx.float16, mx.bfloat16), (mx.int32, mx.float16), (mx.int64, mx.float32),
    (mx.uint8, mx.int32), (mx.uint8, mx.int8), (mx.uint32, mx.int32), (mx.uint64, mx.int64), (mx.bool_, mx.int32),
    (mx.bool_, mx.bfloat16), (mx.complex64, mx.float32),
]  # fmt: skip
SAME = [mx.float32, mx.float16, mx.bfloat16, mx.int32, mx.int64, mx.uint8, mx.bool_, mx.complex64]
SCALARS = [1, 1.5, True]
BESIDE = [mx.float32, mx.float16, mx.bfloat16, mx.int32, mx.uint8, mx.bool_]


def binary(case, name, left=(None, None), right=(None, None), dtypes=SAME, pairs=PAIRS, scalars=SCALARS, beside=BESIDE):
    """`left` and `right` bound the operands' values."""

    def value(dtype, bounds, *shape):
        return case.values(dtype, *shape, low=bounds[0], high=bounds[1])

    def a(dtype, *shape):
        return value(dtype, left, *shape)

    def b(dtype, *shape):
        return value(dtype, right, *shape)

    for dtype in dtypes:
        case(name, a(dtype, 2, 3), b(dtype, 2, 3))
    for one, other in pairs:
        case(name, a(one, 4), b(other, 4))
        case(name, a(other, 4), b(one, 4))
    dtype = dtypes[0]
    case(name, a(dtype, 3, 1), b(dtype, 2, 1, 4))
    case(name, a(dtype), b(dtype))
    case(name, a(dtype), b(dtype, 3))
    case(name, a(dtype, 0, 3), b(dtype, 3))
    case(name, transposed(a(dtype, 3, 2)), b(dtype, 2, 3))
    case(name, sliced(a(dtype, 5, 4), "::2", "::-1"), transposed(b(dtype, 4, 3)))
    case(name, broadcasted(a(dtype, 1, 3), 2, 3), sliced(b(dtype, 6), "1::2"))
    for scalar in scalars:
        for dtype in beside:
            case(name, a(dtype, 3), scalar)
            case(name, scalar, b(dtype, 3))
    case.throws(name, a(dtypes[0], 2, 3), b(dtypes[0], 4))
