import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed
from reference.operands import binary

case = Family("arithmetic")

# The bounds keep most values inside the domain; the special values after them do not.
UNARY = {
    "abs": (-3, 3), "sign": (-3, 3), "positive": (-3, 3), "negative": (-3, 3), "trunc": (-3, 3), "floor": (-3, 3),
    "ceil": (-3, 3), "square": (-3, 3), "sqrt": (0, 9), "rsqrt": (0.1, 9), "reciprocal": (0.2, 5), "exp": (-3, 3),
    "expm1": (-2, 2), "erf": (-2, 2), "erfinv": (-0.95, 0.95), "sin": (-6, 6), "cos": (-6, 6), "tan": (-1.4, 1.4),
    "arcsin": (-1, 1), "arccos": (-1, 1), "arctan": (-5, 5), "sinh": (-3, 3), "cosh": (-3, 3), "tanh": (-3, 3),
    "arcsinh": (-5, 5), "arccosh": (1, 9), "arctanh": (-0.9, 0.9), "degrees": (-6, 6), "radians": (-180, 180),
    "log": (0.1, 9), "log2": (0.1, 9), "log10": (0.1, 9), "log1p": (-0.9, 9), "sigmoid": (-6, 6), "round": (-3, 3),
    "stop_gradient": (-3, 3),
}  # fmt: skip
SPECIAL = [0.0, -0.0, float("inf"), float("-inf"), float("nan"), -1.0, 1.0, 2.5, -2.5]

for name, (low, high) in UNARY.items():
    for dtype in [*FLOATS, mx.int32, mx.int64, mx.uint8, mx.bool_, mx.complex64]:
        case(name, case.values(dtype, 2, 3, low=low, high=high))
    case(name, mx.array(SPECIAL))
    case(name, case.floats(low=low, high=high))
    case(name, case.floats(0, 2))
    case(name, transposed(case.floats(3, 2, low=low, high=high)))
    case(name, sliced(case.floats(5, 2, low=low, high=high), "::2", "::-1"))
    case(name, broadcasted(case.floats(2, 1, low=low, high=high), 2, 3))
for name in ["exp", "sin", "log", "sqrt", "tanh", "erf"]:
    case(name, case.floats(4, low=0.1, high=2, dtype=mx.float64))
    # Long enough for the vectorized path and its rest.
    case(name, case.floats(19, low=0.1, high=2))
for alias in ["acos", "asin", "atanh"]:
    case(alias, case.floats(3, low=-0.9, high=0.9))
for alias in ["asinh", "atan"]:
    case(alias, case.floats(3))
case("acosh", case.floats(3, low=1, high=5))

# Conjugates, real and imaginary parts.
for name in ["conj", "conjugate", "real", "imag"]:
    case(name, case.complexes(2, 3))
    case(name, transposed(case.complexes(3, 2)))
    case(name, case.floats(3))
    case(name, case.complexes())
    case(name, case.ints(3))

# Two operands. No integer divisor is zero: what that gives is the processor's affair.
apart = dict(right=(1, 5))
for name in ["add", "subtract", "multiply", "maximum", "minimum"]:
    binary(case, name)
binary(case, "divide", **apart)
real = [mx.float32, mx.float16, mx.bfloat16, mx.int32, mx.int64, mx.uint8]
real_pairs = [
    (mx.float32, mx.float16), (mx.int32, mx.float16), (mx.uint8, mx.int32), (mx.uint8, mx.int8), (mx.uint32, mx.int32),
]  # fmt: skip
for name in ["floor_divide", "remainder", "divmod"]:
    binary(case, name, **apart, dtypes=real, pairs=real_pairs, beside=real)
    case(name, mx.array([-7, -7, 7, 7]), mx.array([2, -2, 2, -2]))
    case(name, mx.array([-7.5, -7.5, 7.5, 7.5]), mx.array([2.0, -2.0, 2.0, -2.0]))
case("remainder", mx.array([1.0, -1.0, float("inf")]), mx.array([0.0, float("inf"), 2.0]))
case("divide", mx.array([1.0, -1.0, 0.0]), mx.array([0.0, 0.0, 0.0]))
case("divide", mx.array([1, -1, 0]), mx.array([0, 0, 0]))
# No negative powers of integers, which MLX leaves undefined.
binary(case, "power", left=(0, 3), right=(0, 4), dtypes=[*real, mx.complex64], beside=real)
case("power", mx.array([-2.0, -2.0, 0.0, 2.0]), mx.array([3.0, 0.5, 0.0, -1.0]))
case("pow", case.floats(3, low=0), 3)
for name in ["arctan2", "logaddexp"]:
    binary(case, name, dtypes=[*FLOATS, mx.int32, mx.uint8, mx.complex64], pairs=real_pairs)
case("atan2", mx.array([1.0, -1.0, 0.0]), mx.array([-1.0, -1.0, -1.0]))
case("logaddexp", mx.array([float("-inf"), 0.0, float("inf")]), mx.array([float("-inf"), float("-inf"), 1.0]))
for name in ["maximum", "minimum"]:
    case(name, mx.array([1.0, float("nan"), float("-inf")]), mx.array([float("nan"), 2.0, 0.0]))
# A weak integer must fit its array's type, and reaches 64 bits whole.
for dtype, scalar in [(mx.int64, 2**53 - 1), (mx.int64, 2**62 + 1), (mx.uint8, 255), (mx.float32, 2**31)]:
    case("add", mx.array([0, 1, 2]).astype(dtype) if dtype != mx.uint8 else mx.array([0], mx.uint8), scalar)
for dtype, scalar in [(mx.int32, 2**40), (mx.uint8, 300), (mx.uint8, -1), (mx.int8, -129)]:
    case.throws("add", mx.array([1], dtype), scalar)
case("multiply", case.complexes(3), complex(0.5, -2.0))
case("add", case.floats(3), complex(0.5, -2.0))
case("subtract", 1.5, case.floats(3, dtype=mx.float64))
case("add", mx.array([200, 100], mx.uint8), mx.array([100, 100], mx.uint8))

# Bits.
whole = [mx.int32, mx.int64, mx.uint8, mx.bool_, mx.int16, mx.uint64]
whole_pairs = [(mx.uint8, mx.int32), (mx.uint8, mx.int8), (mx.bool_, mx.int32), (mx.uint32, mx.int32)]
for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    binary(case, name, dtypes=whole, pairs=whole_pairs, scalars=[1, True], beside=[mx.int32, mx.uint8, mx.bool_])
    case(name, case.floats(2), case.floats(2))
for name in ["left_shift", "right_shift"]:
    shifted = [d for d in whole if d != mx.bool_]
    binary(
        case, name, right=(0, 5), dtypes=shifted, pairs=whole_pairs[:2], scalars=[1, True], beside=[mx.int32, mx.uint8]
    )
    case(name, case.floats(2), case.floats(2))
case("bitwise_left_shift", mx.array([1, 2, 3]), 4)
case("bitwise_right_shift", mx.array([-64, 64, 63]), 4)
for dtype in whole:
    case("bitwise_invert", case.values(dtype, 2, 3))
case("bitwise_invert", transposed(case.ints(3, 2)))
case("bitwise_invert", case.floats(3))

# Clip: each bound may be missing, a scalar or an array.
for dtype in [*FLOATS, mx.int32, mx.uint8, mx.int64]:
    case("clip", case.values(dtype, 2, 4), 1, 2)
    case("clip", case.values(dtype, 2, 4), 1.5, None)
    case("clip", case.values(dtype, 2, 4), None, 2)
case("clip", case.floats(2, 4), -1.5, 0.5)
case("clip", case.ints(2, 4), -1, 0.5)
case("clip", case.floats(2, 3), case.floats(3, low=-2, high=0), case.floats(2, 1, low=0, high=1))
case("clip", transposed(case.floats(3, 2)), 0, case.floats(3, low=1, high=2))
case("clip", case.floats(), -0.25, 0.25)
case("clip", mx.array([float("nan"), float("inf"), float("-inf")]), -1, 1)
case.throws("clip", case.floats(3), None, None)

# Round: half goes to even; negative decimals round to tens.
ties = mx.array([0.5, 1.5, 2.5, -0.5, -1.5, 1.25, 2.345, -2.345])
for decimals in [1, 2, 0]:
    case("round", ties, decimals)
    case("round", ties.astype(mx.float16), decimals)
case("round", mx.array([15.0, 25.0, 149.0, -151.0]), -1)
case("round", mx.array([15.0, 25.0, 149.0, -151.0]), -2)
case("round", mx.array([15, 25, 149, -151]), 1)
case("round", mx.array([15, 25, 149, -151]), -1)
case("round", case.complexes(3), 1)

for dtype in [*FLOATS, mx.int32, mx.bool_]:
    case("softmax", case.values(dtype, 2, 3))
    case("softmax", case.values(dtype, 2, 3), -1)
    case("softmax", case.values(dtype, 2, 3), 0, precise=True)
case("softmax", case.floats(2, 3, 2), (0, 2))
case("softmax", case.floats(2, 3, 2), (1,), precise=True)
case("softmax", transposed(case.floats(3, 2)), 1)
case("softmax", sliced(case.floats(4, 3), "::2"), 0)
case("softmax", mx.array([[1e30, -1e30], [float("-inf"), 0.0]]), -1)
case("softmax", case.floats())
case("softmax", case.floats(0, 3), 1)
case("softmax", case.complexes(2, 3), 1)
case.throws("softmax", case.floats(2, 3), 2)

holes = mx.array([1.5, float("nan"), float("inf"), float("-inf")])
for dtype in FLOATS:
    case("nan_to_num", holes.astype(dtype))
    case("nan_to_num", holes.astype(dtype), nan=0.5, posinf=8.0, neginf=-2.0)
case("nan_to_num", holes, nan=-1.5)
case("nan_to_num", holes, posinf=4.5)
case("nan_to_num", holes, neginf=-4.5)
case("nan_to_num", case.ints(3), nan=2.5)
case("nan_to_num", mx.array(float("nan")), nan=2.5)
