import mlx.core as mx
import numpy as np

from reference.cases import FLOATS, Family, broadcasted, encode, outcome, parse_slice, plain, sliced, transposed

case = Family("indexing")
SOME = [*FLOATS, mx.int32, mx.uint8, mx.bool_, mx.int64, mx.complex64]


def index(*values):
    return mx.array(values, mx.int32)


# Functions. MLX does not check indices that are data, so none is out of bounds.

for dtype in SOME:
    case("take", case.values(dtype, 3, 2), index(2, 0), 0)
    case("take_along_axis", case.values(dtype, 2, 3), mx.array([[2], [0]]), 1)
    case("put_along_axis", case.values(dtype, 2, 3), mx.array([[2], [0]]), case.values(dtype, 2, 1), 1)
for dtype in [mx.uint8, mx.int8, mx.uint32, mx.int64, mx.uint64]:
    case("take", case.floats(4), mx.array([3, 0, 1]).astype(dtype), 0)
x = case.floats(2, 3, 4)
case("take", x, index(5, 0, 23))
case("take", x, 3, 2)
case("take", x, index(-1, 0), -1)
case("take", x, mx.array([[0, 2], [1, 1]]), 1)
case("take", x, mx.array(1), 0)
case("take", x, mx.zeros((0,), mx.int32), 1)
case("take", transposed(x), index(2, 0), 1)
case("take", sliced(case.floats(6), "::2"), index(2, 0))
case.throws("take", x, index(0), 3)
case.throws("take", x, case.floats(2), 0)
case.throws("take", case.floats(0), index(0))
order = mx.array([[2, 0, 1], [1, 1, 0]])
case("take_along_axis", case.floats(2, 3), order, -1)
case("take_along_axis", case.floats(3, 3), order, 0)
case("take_along_axis", case.floats(2, 3), index(5, 0))
case("take_along_axis", case.floats(2, 1, 3), order[:, None], 2)
case("take_along_axis", case.floats(2, 3), mx.array([[-1], [-3]]), 1)
case("take_along_axis", transposed(case.floats(3, 2)), transposed(mx.array([[0, 1], [2, 0]])), 1)
case("take_along_axis", case.floats(2, 3), mx.array([[1]]), 1)
case.throws("take_along_axis", case.floats(2, 3), index(1), 1)
case.throws("take_along_axis", case.floats(2, 3), order, 2)
case("put_along_axis", case.floats(2, 3), order[:, :2], case.floats(2, 2), -1)
case("put_along_axis", case.floats(3, 2), mx.array([[2, 0]]), case.floats(1, 2), 0)
case("put_along_axis", case.floats(2, 3), index(5, 0), case.floats(2))
case("put_along_axis", case.floats(2, 3), mx.array([[-1], [0]]), case.ints(2, 1), 1)
case("put_along_axis", transposed(case.floats(3, 2)), mx.array([[1], [2]]), mx.array(7.5), 1)
case.throws("put_along_axis", case.floats(2, 3), index(1), case.floats(1), 1)
case.throws("put_along_axis", case.floats(2, 3), order, case.floats(4), 1)

for start, axes, size in [(1, [0], [1, 4]), (2, [1], [3, 1]), ([1, 2], [0, 1], [2, 2]), ([0, 1], [1, 0], [1, 2])]:
    start = mx.array(start)
    case("slice", case.floats(3, 4), start, axes, size)
    case("slice", transposed(case.floats(4, 3)), start, axes, size)
    case("slice_update", case.floats(3, 4), case.floats(*size), start, axes)
    case("slice_update", case.floats(3, 4), case.ints(*size), start, axes)
for dtype in SOME:
    case("slice", case.values(dtype, 2, 3), index(1), [-1], [2, 2])
    case("slice_update", case.values(dtype, 2, 3), case.values(dtype, 2, 2), index(1), [1])
case("slice_update", case.floats(3, 4), case.floats(2, 2), mx.array([1, 2], mx.uint8), [0, 1])
case("slice_update", transposed(case.floats(4, 3)), case.floats(1, 2), index(1), [0])
case.throws("slice", case.floats(3, 4), index(0, 1), [0], [1, 1])
case.throws("slice", case.floats(3, 4), index(0), [0], [1])
case.throws("slice", case.floats(3, 4), case.floats(1), [0], [1, 1])
case.throws("slice", case.floats(3, 4), index(0), [2], [1, 1])
case.throws("slice", case.floats(3, 4), index(0), [0], [5, 1])
case.throws("slice_update", case.floats(3, 4), case.floats(1, 1), index(0, 1), [0])
case.throws("slice_update", case.floats(3, 4), case.floats(1, 1), index(0, 1), [0, 0])

for dtype in SOME:
    case("diag", case.values(dtype, 3))
    case("diag", case.values(dtype, 2, 3))
    case("diagonal", case.values(dtype, 2, 3))
case("diag", case.floats(2), 1)
case("diag", case.floats(2), -2)
case("diag", case.floats(3, 4), 2)
case("diag", case.floats(3, 4), -1)
case("diag", transposed(case.floats(3, 2)), -1)
case("diag", sliced(case.floats(6), "::2"))
case.throws("diag", case.floats(2, 2, 2))
case.throws("diag", case.floats())
case("diagonal", x)
case("diagonal", x, offset=1)
case("diagonal", x, offset=-1)
case("diagonal", x, axis1=1, axis2=2)
case("diagonal", x, offset=2, axis1=2, axis2=0)
case("diagonal", x, axis1=-1, axis2=-3)
case("diagonal", transposed(x), offset=1)
case.throws("diagonal", case.floats(3))
case.throws("diagonal", x, axis1=1, axis2=1)
case.throws("diagonal", x, axis1=3)


# x.get(...), x.set([...], value), x.at(...).add(value) and its kin.


def subscript(i):
    """An index as Python takes it; a list is an array of int32, as it is in TypeScript."""
    if isinstance(i, str):
        return ... if i == "..." else parse_slice(i)
    if isinstance(i, list):
        return mx.array(np.array(i, np.int32))
    return plain(i)


def subscripts(indices):
    found = [subscript(i) for i in indices]
    return found[0] if len(found) == 1 else tuple(found)


def get(x, *indices):
    what = {"index": "get", "array": encode(x), "indices": encode(indices)}
    return case.add({**what, **outcome(lambda: plain(x)[subscripts(indices)])})


def set(x, indices, value):
    def fn():
        out = mx.array(plain(x))
        out[subscripts(indices)] = plain(value)
        return out

    what = {"index": "set", "array": encode(x), "indices": encode(indices), "value": encode(value)}
    return case.add({**what, **outcome(fn)})


def at(update, x, indices, value):
    def fn():
        return getattr(plain(x).at[subscripts(indices)], update)(plain(value))

    what = {"index": update, "array": encode(x), "indices": encode(indices), "value": encode(value)}
    return case.add({**what, **outcome(fn)})


cube = case.floats(3, 4, 2)
row = case.ints(6)
INDICES = [
    [0], [-1], [1, 2], [1, -1, 0], [], [None], ["..."], [":"], ["1:"], [":-1"], ["::2"], ["::-1"], ["2:0:-1"], ["-2:"],
    ["5:"], ["2:1"], ["0:1"], [slice(1, None, None)], [slice(None, None, -2)], [slice(-3, -1, 1)],
    [None, 1], [1, None], [0, None, ":", None], ["...", 1], [1, "..."], [0, "...", 1], [None, "...", None],
    ["...", ":"],
    [":", 2], [":", ":", 0], ["::2", "1:3", "::-1"], ["1:", 0, ":1"], ["...", "::-1"], [":", None, "::-2"],
    [[2, 0]], [[-1, 1, 1]], [[]], [[[0, 1], [2, 0]]], [[2, 0], [1, 3]], [[2, 0], [1, 3], [0, 1]], [":", [3, 0]],
    [[1, 0], ":", [1, 0]], ["...", [1, 0]], [[0, 2], "1:3"], ["::-1", [1, 3]], [None, [0, 2]], [[0, 2], None],
    [[[0], [2]], [1, 3]], [1, [0, 2]], [[0, 2], 1], [0, ":", [1, 1]], ["1:", [0, 1], [1, 0]], [[2, 1], None, [0, 1]],
    [mx.array([2, 0])], [mx.array(1)], [mx.array([1, 0], mx.uint8), mx.array([3, 2], mx.int64)],
    [mx.array(2), ":", mx.array(0)], [transposed(mx.array([[0, 1], [2, 2]]))],
]  # fmt: skip
for indices in INDICES:
    get(cube, *indices)
    set(cube, indices, 7.5)
    at("add", cube, indices, 0.5)
for indices in [["::2"], [1], [":", [1, 0]], [[1, 0], "1:", 0], ["...", 0], ["::-1", 1, None]]:
    get(transposed(case.floats(2, 3, 3)), *indices)
    get(sliced(case.floats(5, 6, 3), "::2", "::-2"), *indices)
    set(transposed(case.floats(2, 3, 3)), indices, 1.5)
    at("subtract", transposed(case.floats(2, 3, 3)), indices, 0.25)
get(broadcasted(case.floats(1, 3), 2, 3), "::-1", [2, 0])
for dtype in SOME:
    get(case.values(dtype, 3, 2), "::-1", 1)
    get(case.values(dtype, 3, 2), [2, 0])
    set(case.values(dtype, 3, 2), ["1:"], case.values(dtype, 2))
    set(case.values(dtype, 3, 2), [[2, 0], 1], case.values(dtype, 2))
get(row, "1::2")
get(row, mx.array([[0, 5], [1, 1]]))
get(case.floats(), "...")
get(case.floats(), None)
get(case.floats(0, 3), ":", 1)
get(case.floats(2, 0), 1)
get(case.floats(0, 3), [])
for bad in [
    [0, 0, 0, 0], ["...", "..."], [case.floats(2)], [mx.array([True, False, True])], ["...", 0, 0, 0, 0],
    [[0, 1], [0, 1, 2]],
]:  # fmt: skip
    assert "throws" in get(cube, *bad), bad

# What is written: scalars are weak, arrays are cast and broadcast.
for value in [1, 2.75, True, -3]:
    for dtype in [mx.float32, mx.float16, mx.int32, mx.bool_]:
        set(case.values(dtype, 2, 3), [1], value)
        set(case.values(dtype, 2, 3), [":", [2, 0]], value)
set(cube, ["1:"], case.floats(2))
set(cube, ["::2"], case.floats(2, 4, 2))
set(cube, [":", 1], case.floats(3, 1))
set(cube, [":", "1:3"], case.floats(1, 2, 1))
set(cube, ["::-1"], case.floats(3, 4, 2))
set(cube, ["...", 0], transposed(case.floats(4, 3)))
set(cube, [0], case.ints(4, 2))
set(row, ["::2"], case.floats(3))
set(row, [":"], case.floats())
set(cube, [[2, 0]], case.floats(2, 4, 2))
set(cube, [[2, 0]], case.floats(4, 1))
set(cube, [[2, 0], [1, 3]], case.floats(2, 2))
set(cube, [[2, 0], ":", 1], case.floats(2, 4))
set(cube, [[2, 0], 1, ":"], case.floats(2, 1))
set(cube, [":", [3, 0]], case.floats(3, 2, 2))
set(cube, ["1:", [3, 0], 1], case.floats(2, 2))
set(cube, [[[0], [2]], [1, 3]], case.floats(2, 2, 2))
set(cube, [None, 1], case.floats(1, 4, 2))
set(cube, [], case.floats(2))
set(case.floats(), [], 2.5)
set(case.floats(), ["..."], 2.5)
set(cube, ["2:1"], 1.5)
set(cube, [[]], 1.5)
set(broadcasted(case.floats(1, 3), 2, 3), [0, 1], 9.5)
mask = mx.array([[True, False, True], [False, False, True]])
set(case.floats(2, 3), [mask], 0.5)
set(case.floats(2, 3), [mask], case.floats(3))
set(case.ints(2, 3), [mask], 4)
set(case.floats(2, 3, 2), [mask], 0.5)
set(case.floats(2, 3, 2), [mask], case.floats(3, 2))
set(case.floats(2, 3, 2), [mask], case.floats(2))
set(case.floats(2, 3), [mx.array([True, False])], case.floats(1, 3))
set(case.floats(2, 3), [transposed(mx.array([[True, False], [True, True], [False, False]]))], case.floats(3))
set(case.floats(2, 3), [mx.zeros((2, 3), mx.bool_)], 1.5)
for indices, value in [
    ([0], case.floats(3)), (["::2"], case.floats(3, 4, 2)), ([[0, 2]], case.floats(3)), ([0, 0, 0, 0], 1.5),
    ([case.floats(2)], 1.5),
]:  # fmt: skip
    assert "throws" in set(cube, indices, value), indices

# Repeated indices add up, one after the other.
for update in ["add", "subtract", "multiply", "divide", "maximum", "minimum"]:
    for dtype in [mx.float32, mx.float16, mx.int32]:

        def value(*shape, dtype=dtype):
            return case.values(dtype, *shape, low=1, high=4)

        at(update, case.values(dtype, 4, 2), [[1, 1, 3]], value(3, 2))
        at(update, case.values(dtype, 4, 2), ["1:3"], value(2))
        at(update, case.values(dtype, 4, 2), [":", 0], value(4))
        at(update, case.values(dtype, 4, 2), [[0, 0, 2], [1, 1, 0]], value(3))
        at(update, case.values(dtype, 4, 2), [-1, "::-1"], value(2))
        at(update, case.values(dtype, 4, 2), [2], 2)
    at(update, cube, [":", [1, 1]], case.floats(3, 2, 2, low=1))
    at(update, cube, ["...", None, 0], 1.5)
    at(update, cube, [], 2.5)
    at(update, transposed(case.floats(2, 3)), [[0, 0]], case.floats(2, 2, low=1))
    assert "throws" in at(update, cube, [0], case.floats(3)), update

# An array without elements takes what an empty list becomes, float32, for indices.
empty = mx.array([])
case("put_along_axis", empty, empty, empty, axis=None)
case("put_along_axis", empty, empty, empty, axis=0)
case("put_along_axis", mx.zeros((0, 3)), mx.zeros((0, 3)), mx.zeros((0, 3)), axis=1)
case.throws("take_along_axis", empty, empty, axis=0)
case.throws("put_along_axis", case.floats(3), empty, empty, axis=0)
