import mlx.core as mx
import numpy as np

from reference.cases import DTYPES, Family, transposed

case = Family("dtype")

# Values that every dtype can hold: what C++ makes of the others is undefined.
for a in DTYPES:
    for b in DTYPES:
        case("astype", mx.array([[0, 1, 3], [2, 1, 0]]).astype(a), b)
case("astype", mx.array([0.1, 2.7, -2.7, 65519.0, 65520.0, 1e-8]), mx.float16)
case("astype", mx.array([0.1, 2.7, -2.7, 3.4e38, 1e-40, 256.5, 257.5]), mx.bfloat16)
case("astype", mx.array([2.7, -2.7, 0.5, -0.5]), mx.int32)
case("astype", mx.array([2.0, -0.0, float("nan"), 0.3]), mx.bool_)
case("astype", mx.array([-1, 300, 256]), mx.uint8)
case("astype", mx.array([16777217, -16777219]), mx.float32)
case("astype", mx.array(np.array([2**53 + 1, -(2**62) - 1])), mx.float64)
case("astype", mx.array(np.array([2**53 + 1, -(2**62) - 1])), mx.uint64)
case("astype", mx.array(np.array([2**64 - 1, 2**63], np.uint64)), mx.float32)
case("astype", case.complexes(3), mx.float32)
case("astype", mx.array([1 + 2j, 0j, 1j]), mx.bool_)
case("astype", transposed(case.floats(2, 3)), mx.float16)
case("astype", case.floats(), mx.int32)
case("astype", case.floats(0, 2), mx.int32)

for a in DTYPES:
    for b in DTYPES:
        case("result_type", a, b)
        case("can_cast", a, b)
case("result_type", case.floats(2, dtype=mx.float16), mx.int32)
case("result_type", case.ints(2), case.values(mx.uint32, 2), mx.bool_)
case("result_type", mx.float16)
case("can_cast", case.ints(2), mx.float16)
KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]
for dtype in DTYPES:
    for kind in KINDS:
        case("isdtype", dtype, kind)
case("isdtype", mx.float32, mx.float32)
case("isdtype", mx.float32, mx.float16)
case("isdtype", mx.int8, ("bool", mx.int8))
case("isdtype", mx.int8, ("bool", "real floating"))
case.throws("isdtype", mx.int8, "integer")
CATEGORIES = [
    mx.complexfloating, mx.floating, mx.inexact, mx.signedinteger, mx.unsignedinteger, mx.integer, mx.number,
    mx.generic,
]  # fmt: skip
for category in CATEGORIES:
    for other in [*DTYPES, *CATEGORIES]:
        case("issubdtype", other, category)
case("issubdtype", mx.float32, mx.float32)
case("issubdtype", mx.float32, mx.float64)
