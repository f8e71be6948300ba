import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed
from reference.operands import binary

case = Family("comparison")
nan, inf = float("nan"), float("inf")

# Few different values, so that both answers occur.
few = dict(left=(0, 2), right=(0, 2))
for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]:
    binary(case, name, **few)
    case(name, mx.array([nan, inf, -inf, 0.0, 1.0]), mx.array([nan, inf, inf, -0.0, 2.0]))
    case(name, mx.array([2**53, 2**53 + 1], mx.int64), mx.array([2**53 + 1, 2**53 + 1], mx.int64))
    case(name, mx.array([3, 1, 2]), mx.array([3, 2, 1]))
for name in ["logical_and", "logical_or", "logical_xor"]:
    binary(case, name, left=(0, 1), right=(0, 1))
    case(name, mx.array([0.0, nan, -0.0, 0.5]), mx.array([1.0, 0.0, 0.0, 2.0]))
for dtype in [*FLOATS, mx.int32, mx.uint8, mx.bool_, mx.complex64]:
    case("logical_not", case.values(dtype, 2, 3, low=0, high=1))
case("logical_not", mx.array([0.0, -0.0, nan, 0.1]))
case("logical_not", transposed(case.ints(3, 2, low=0, high=2)))
case("logical_not", 0)
case("logical_not", True)

for name in ["isnan", "isinf", "isfinite", "isposinf", "isneginf"]:
    for dtype in FLOATS:
        case(name, mx.array([0.0, nan, inf, -inf, 1.5]).astype(dtype))
    for dtype in [mx.int32, mx.uint8, mx.bool_]:
        case(name, case.values(dtype, 3))
    case(name, mx.array([complex(1, nan), complex(inf, 0), complex(0, -inf), complex(1, 2)]))
    case(name, transposed(mx.array([[nan, 1.0], [inf, -inf], [2.0, nan]])))
    case(name, mx.array(inf))
    case(name, mx.zeros((0, 2)))

near = mx.array([1.0, 100.0, 1e-9, nan, inf, -inf])
far = mx.array([1.00001, 100.0009, 0.0, nan, inf, inf])
for name in ["isclose", "allclose"]:
    case(name, near, far)
    case(name, near, far, equal_nan=True)
    case(name, near[:3], far[:3])
    case(name, near[:3], far[:3], rtol=1e-7)
    case(name, near[:3], far[:3], rtol=0.0, atol=1e-4)
    case(name, near[:3], far[:3], atol=1e-12, rtol=1e-4)
    case(name, near[3:5], far[3:5], equal_nan=True)
    # The tolerance is relative to the second.
    case(name, mx.array([100.0]), mx.array([110.0]), rtol=0.095)
    case(name, mx.array([110.0]), mx.array([100.0]), rtol=0.095)
    case(name, case.floats(2, 3), case.floats(3))
    case(name, mx.array([1, 2, 3]), mx.array([1, 2, 4]))
    case(name, mx.array([1.0, 1.0]).astype(mx.float16), mx.array([1.0, 1.01]).astype(mx.float16), rtol=0.02)
    case(name, mx.array([1 + 1j, 2]), mx.array([1 + 1j, 2.1]))
    case.throws(name, case.floats(2, 3), case.floats(4))

row = mx.array([1.0, 2.0, nan])
case("array_equal", row, row)
case("array_equal", row, row, equal_nan=True)
case("array_equal", row[:2], mx.array([1, 2]))
case("array_equal", row[:2], mx.array([1.0, 2.5]))
case("array_equal", mx.zeros((2, 3)), mx.zeros((3, 2)))
case("array_equal", mx.zeros((0,)), mx.zeros((0,)))
case("array_equal", transposed(mx.array([[1, 2], [3, 4]])), mx.array([[1, 3], [2, 4]]))
case("array_equal", mx.array([1, 0], mx.uint8), mx.array([True, False]))
case("array_equal", row.astype(mx.float16), row.astype(mx.float16), equal_nan=True)

some = mx.array([[True, False, True], [False, False, True]])
for dtype in [*FLOATS, mx.int32, mx.uint8, mx.bool_, mx.int64, mx.complex64]:
    case("where", some, case.values(dtype, 2, 3), case.values(dtype, 2, 3))
for x, y in [(mx.float32, mx.float16), (mx.float16, mx.bfloat16), (mx.int32, mx.float16), (mx.uint8, mx.int8)]:
    case("where", some, case.values(x, 3), case.values(y, 2, 1))
case("where", some[:, None], case.floats(3), case.floats(2, 1, 1))
case("where", transposed(some), case.floats(2), sliced(case.floats(6, 2), "::2"))
case("where", case.ints(4, low=0, high=2), case.floats(4), case.floats(4))
case("where", case.floats(4), mx.array([1.0]), mx.array([2.0]))
case("where", mx.array([0.0, nan, 1.0]), mx.array([1, 2, 3]), mx.array([4, 5, 6]))
case("where", True, case.floats(2), case.floats(2))
case("where", False, case.floats(2), case.floats(3, 1))
for scalar in [1, 1.5, True]:
    for dtype in [mx.float32, mx.float16, mx.int32, mx.bool_]:
        case("where", some, case.values(dtype, 3), scalar)
        case("where", some, scalar, case.values(dtype, 3))
case("where", some, 1, 0)
case("where", some, 1, 2.5)
case("where", some, True, 2)
case("where", some, broadcasted(case.floats(1, 3), 2, 3), float("-inf"))
case("where", mx.zeros((0, 3), mx.bool_), case.floats(3), 0)
case.throws("where", some, case.floats(4), case.floats(3))
