from math import inf, nan

import mlx.core as mx
import numpy as np

from reference.cases import DTYPES, Family, broadcasted, sliced, transposed

case = Family("sorting")


def distinct(*shape, dtype=mx.float32):
    """Values without equals: what partitions and indices of equals look like is not defined."""
    size = 1
    for n in shape:
        size *= n
    return mx.array(case.random.permutation(size)).astype(dtype).reshape(shape)


for name in ["sort", "argsort"]:
    for dtype in DTYPES:
        case(name, case.values(dtype, 2, 5))
    for axis in [0, 1, -1, -3, None]:
        case(name, case.ints(2, 3, 4), axis)
    case(name, mx.array([nan, 1.0, -inf, nan, inf, -0.0, 0.0]))
    case(name, mx.array([nan, 1.0, -inf, inf], mx.float16))
    case(name, mx.array([1 + 2j, 1 + 1j, -1 + 5j, 0j]))
    case(name, mx.array([2**63 - 1, -(2**63), 2**62], mx.int64))
    case(name, mx.array(np.array([2**64 - 1, 0, 2**63], np.uint64)))
    case(name, mx.array(2.0), None)
    case(name, case.floats(0))
    case(name, case.floats(0, 3), 0)
    case(name, case.floats(3, 0), None)
    case(name, case.floats(2, 0))
    case(name, transposed(case.floats(4, 3)))
    case(name, transposed(case.floats(4, 3)), 0)
    case(name, transposed(case.floats(4, 3)), None)
    case(name, sliced(case.floats(4, 6), "::2", "::-2"), 1)
    case(name, sliced(case.floats(4, 6), "::-1", "1:"), 0)
    case(name, broadcasted(case.floats(3, 1), 3, 2), 0)
    case(name, broadcasted(case.floats(3, 1), 3, 2), 1)
    case(name, case.floats(300).reshape(2, 150))
    case.throws(name, mx.array(2.0))
    case.throws(name, case.floats(2, 3), 2)
    case.throws(name, case.floats(2, 3), -3)

for name in ["partition", "argpartition"]:
    # As many elements as leave no choice, or so few that only one is before or behind.
    for dtype in DTYPES:
        if dtype != mx.bool_:
            case(name, distinct(2, dtype=dtype), 0)
            case(name, distinct(3, dtype=dtype), 1)
    case(name, distinct(2, 3), 1)
    case(name, distinct(3, 2), 1, 0)
    case(name, distinct(3, 2), -2, 0)
    case(name, distinct(3, 2, 2), 1, -3)
    case(name, distinct(3, 1), 1, None)
    case(name, mx.array(2.0), 0, None)
    case(name, mx.array([nan, 1.0, -inf]), 1)
    case(name, case.floats(0, 3), 1)
    case(name, transposed(distinct(3, 2)), 1)
    case(name, sliced(distinct(2, 6), ":", "::-2"), 1)
    case(name, broadcasted(distinct(3, 1), 3, 2), 1, 0)
    case.throws(name, case.floats(3, 0), 0)
    case.throws(name, case.floats(2, 3), 3)
    case.throws(name, case.floats(2, 3), -4)
    case.throws(name, case.floats(2, 3), 0, 2)
    case.throws(name, case.floats(2, 3), 6, None)
    case.throws(name, mx.array(2.0), 0)

for dtype in DTYPES:
    case("topk", distinct(2, 3, dtype=dtype), 1)
case("topk", distinct(4, 2), 1, 0)
case("topk", distinct(2, 3, 2), 1, -2)
case("topk", distinct(2, 3), 1, None)
case("topk", distinct(2, 3), 0)
case("topk", distinct(2, 3), 3)
case("topk", distinct(2, 3), 6, None)
case("topk", mx.array(2.0), 1, None)
case("topk", mx.array([1.0, nan, 2.0]), 1)
case("topk", case.floats(0), 0)
case("topk", case.floats(0, 3), 2)
case("topk", transposed(distinct(3, 2)), 1)
case("topk", sliced(distinct(2, 6), ":", "::-2"), 1)
case("topk", broadcasted(distinct(3, 1), 3, 2), 1, 0)
case.throws("topk", case.floats(2, 3), 4)
case.throws("topk", case.floats(2, 3), -1)
case.throws("topk", case.floats(2, 3), 1, 2)
case.throws("topk", mx.array(2.0), 1)

for dtype in DTYPES:
    ascending = mx.sort(case.values(dtype, 6))
    case("searchsorted", ascending, case.values(dtype, 2, 3))
    case("searchsorted", ascending, case.values(dtype, 4), side="right")
for side in ["left", "right"]:
    case("searchsorted", mx.array([1, 2, 2, 4]), mx.array([0, 1, 2, 3, 4, 5]), side=side)
    case("searchsorted", mx.array([-inf, 0.0, inf, nan]), mx.array([nan, inf, -inf, -0.0]), side=side)
    case("searchsorted", mx.array([1, 2, 2, 4]), mx.array([1.5, 2.0]), side=side)
    case("searchsorted", mx.array([1.5, 2.5]), mx.array(2, mx.uint8), side=side)
    case("searchsorted", sliced(mx.array([4, 3, 2, 2, 1, 0]), "::-2"), transposed(case.ints(3, 2)), side=side)
    case("searchsorted", broadcasted(mx.array([2.0]), 3), broadcasted(case.floats(3, 1), 3, 2), side=side)
    case("searchsorted", case.floats(0), case.floats(2), side=side)
    case("searchsorted", case.floats(2), case.floats(0, 3), side=side)
case("searchsorted", mx.array([1.0, 2.0], mx.float16), mx.array([1.5]))
case.throws("searchsorted", case.floats(2, 2), case.floats(2))
case.throws("searchsorted", mx.array(1.0), case.floats(2))
case.throws("searchsorted", case.floats(2), case.floats(2), side="middle")

EVERYTHING = dict(return_index=True, return_inverse=True, return_counts=True)
for dtype in DTYPES:
    case("unique", case.values(dtype, 3, 4), 6, **EVERYTHING)
    case("unique", case.values(dtype, 5), 3)
few = mx.array([[2, 1, 2], [3, 1, 2]])
for size in [0, 1, 3, 5]:
    case("unique", few, size)
    case("unique", few, size, **EVERYTHING)
case("unique", few, 4, return_index=True)
case("unique", few, 4, return_inverse=True)
case("unique", few, 4, return_counts=True)
case("unique", few, 4, return_index=True, return_counts=True)
case("unique", few, 5, fill_value=-7)
case("unique", few, 5, fill_value=7.5)
case("unique", few, 5, fill_value=True)
case("unique", few, 5, fill_value=mx.array(7))
case("unique", few, 5, fill_value=mx.array([7.5]))
case("unique", few, 5, fill_value=-7, **EVERYTHING)
case("unique", few.astype(mx.float16), 5, fill_value=0.5)
case("unique", few.astype(mx.uint8), 5, fill_value=mx.array(260))
case("unique", mx.array([True]), 3, fill_value=2)
case("unique", mx.array([1.0, nan, nan, -0.0, 0.0]), 4, **EVERYTHING)
case("unique", mx.array(3.0), 2, **EVERYTHING)
case("unique", case.floats(0), 0, **EVERYTHING)
case("unique", case.floats(0, 2), 2, fill_value=1.5, **EVERYTHING)
case("unique", transposed(few), 3, **EVERYTHING)
case("unique", sliced(few, "::-1", "::2"), 3, **EVERYTHING)
case("unique", broadcasted(few, 2, 2, 3), 3, **EVERYTHING)
case.throws("unique", few, -1)
case.throws("unique", case.floats(0), 1)
case.throws("unique", few, 5, fill_value=mx.array([1, 2]))
case.throws("unique", few.astype(mx.uint8), 5, fill_value=700)
