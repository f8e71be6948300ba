import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed

case = Family("product")
INEXACT = [*FLOATS, mx.complex64]

for dtype in [*INEXACT, mx.float64]:
    case("matmul", case.values(dtype, 2, 3), case.values(dtype, 3, 4))
    case("matmul", case.values(dtype, 2, 2, 3), case.values(dtype, 3, 2))
case("matmul", case.floats(2, 3, dtype=mx.float16), case.floats(3, 2))
case("matmul", case.floats(2, 3, dtype=mx.float16), case.floats(3, 2, dtype=mx.bfloat16))
case("matmul", case.floats(3), case.floats(3))
case("matmul", case.floats(3), case.floats(3, 2))
case("matmul", case.floats(2, 3), case.floats(3))
case("matmul", case.floats(2, 1, 2, 3), case.floats(3, 3, 2))
case("matmul", transposed(case.floats(3, 2)), transposed(case.floats(4, 3)))
case("matmul", sliced(case.floats(4, 6), "::2", "::2"), sliced(case.floats(3, 4), "::-1"))
case("matmul", transposed(case.floats(3, 2, 2), 1, 2, 0), case.floats(3, 2))
case("matmul", broadcasted(case.floats(1, 3), 2, 3), case.floats(3, 2))
case("matmul", case.floats(0, 3), case.floats(3, 2))
case("matmul", case.floats(2, 0), case.floats(0, 3))
case("matmul", case.floats(33, 17), case.floats(17, 5))
case("matmul", case.ints(2, 3), case.floats(3, 2))
case.throws("matmul", case.floats(2, 3), case.floats(2, 3))
case.throws("matmul", case.floats(), case.floats(3))
case.throws("matmul", case.ints(2, 2), case.ints(2, 2))
case.throws("matmul", case.floats(2, 2, 3), case.floats(3, 3, 2))

for dtype in FLOATS:
    c, a, b = case.floats(2, 4, dtype=dtype), case.floats(2, 3, dtype=dtype), case.floats(3, 4, dtype=dtype)
    case("addmm", c, a, b)
    case("addmm", c, a, b, alpha=0.5, beta=-2.0)
case("addmm", case.complexes(2, 2), case.complexes(2, 3), case.complexes(3, 2))
case("addmm", case.floats(4), case.floats(2, 3), case.floats(3, 4), beta=0.5)
case("addmm", case.floats(2, 1), case.floats(2, 3), case.floats(3, 4), alpha=-1.5)
case("addmm", case.floats(), case.floats(3), case.floats(3))
case("addmm", case.floats(2, 2, 2), case.floats(2, 2, 3), case.floats(3, 2), alpha=2.0)
case("addmm", transposed(case.floats(4, 2)), transposed(case.floats(3, 2)), transposed(case.floats(4, 3)), beta=3.0)
case("addmm", case.floats(2, 2, dtype=mx.float16), case.floats(2, 3), case.floats(3, 2))
case.throws("addmm", case.floats(3), case.floats(2, 3), case.floats(3, 4))
case.throws("addmm", case.ints(4), case.ints(2, 3), case.ints(3, 4))

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 2)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ii->i", (3, 3)),
    ("ii", (3, 3)), ("i,j->ij", (2,), (3,)), ("i,i->", (3,), (3,)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
    ("bhqd,bhkd->bhqk", (1, 2, 3, 2), (1, 2, 4, 2)),
    ("ij,ij->i", (2, 3), (2, 3)), ("i...->...", (2, 3, 2)), (" i j -> j i ", (2, 3)), ("ab,cd->abcd", (2, 1), (1, 2)),
]  # fmt: skip
for equation, *shapes in EQUATIONS:
    case("einsum", equation, *[case.floats(*s) for s in shapes])
    case("einsum_path", equation, *[case.floats(*s) for s in shapes])
case("einsum", "ij,kj->ik", transposed(case.floats(3, 2)), sliced(case.floats(4, 3), "::2"))
case("einsum", "ij,jk->ik", case.floats(2, 3, dtype=mx.float16), case.floats(3, 2, dtype=mx.float16))
case("einsum", "ij,jk->ik", case.complexes(2, 3), case.complexes(3, 2))
case("einsum", "ij->i", case.ints(2, 3))
case("einsum_path", "ij,jk,kl,lm->im", case.floats(2, 8), case.floats(8, 3), case.floats(3, 9), case.floats(9, 2))
for bad in ["ij,jk->il", "ij,jk", "ij->ijj", "i1,jk->ik"]:
    case("einsum", bad, case.floats(2, 3), case.floats(4, 2))
case.throws("einsum", "ij,jk->ik", case.floats(2, 3))
case.throws("einsum", "ijk->i", case.floats(2, 3))
case.throws("einsum_path", "ij,jk->ik", case.floats(2, 3))

case("tensordot", case.floats(2, 3, 4), case.floats(3, 4, 2))
case("tensordot", case.floats(2, 3), case.floats(3, 4), 1)
case("tensordot", case.floats(2), case.floats(3), 0)
case("tensordot", case.floats(2, 3, 4), case.floats(4, 2), [[2, 0], [0, 1]])
case("tensordot", case.floats(2, 3), case.floats(2, 3), [[0], [0]])
case("tensordot", case.floats(2, 3), case.floats(4, 3), [[-1], [-1]])
case("tensordot", transposed(case.floats(3, 2)), case.floats(3, 2), 1)
case("tensordot", case.floats(2, 3, dtype=mx.bfloat16), case.floats(3, 2, dtype=mx.bfloat16), 1)
case.throws("tensordot", case.floats(2, 3), case.floats(2, 3), 1)
case.throws("tensordot", case.floats(2, 3), case.floats(2, 3), 3)
case.throws("tensordot", case.floats(2, 3), case.floats(2, 3), -1)
case.throws("tensordot", case.floats(2, 3), case.floats(2, 3), [[0, 1], [0]])

for dtype in INEXACT:
    case("inner", case.values(dtype, 2, 3), case.values(dtype, 4, 3))
    case("outer", case.values(dtype, 2), case.values(dtype, 3))
    case("vecdot", case.values(dtype, 2, 3), case.values(dtype, 2, 3))
    case("kron", case.values(dtype, 2, 2), case.values(dtype, 1, 3))
    case("trace", case.values(dtype, 3, 4))
case("inner", case.floats(3), case.floats(3))
case("inner", case.floats(), case.floats(2))
case("inner", transposed(case.floats(3, 2)), case.floats(2, 2, 3))
case.throws("inner", case.floats(2, 3), case.floats(2))
case("outer", case.floats(2, 2), case.floats(3))
case("outer", case.ints(2), case.ints(3))
case("outer", transposed(case.floats(2, 2)), sliced(case.floats(6), "::3"))
case("outer", case.floats(), case.floats(2))
case("vecdot", case.floats(3, 2), case.floats(3, 2), axis=0)
case("vecdot", case.floats(2, 3, 2), case.floats(3, 1), axis=-2)
case("vecdot", case.complexes(3), case.floats(3))
case("vecdot", transposed(case.floats(3, 2)), case.floats(3))
case("vecdot", case.ints(3), case.ints(3))
case("vecdot", case.floats(2, 3), case.floats(2, 2))
case("vecdot", case.floats(2, 3), case.floats(2, 3), axis=2)
case("kron", case.floats(2), case.floats(3))
case("kron", case.floats(2, 1, 2), case.floats(2, 2))
case("kron", case.ints(2, 2), case.ints(2, 2))
case("kron", transposed(case.floats(3, 2)), case.floats(2, 1))
case("kron", case.floats(2), case.floats(2, dtype=mx.float16))
for name in ["trace"]:
    case(name, case.floats(3, 4), offset=1)
    case(name, case.floats(3, 4), offset=-2)
    case(name, case.floats(2, 3, 4), axis1=1, axis2=2)
    case(name, case.floats(2, 3, 4), axis1=-1, axis2=0, offset=1)
    case(name, case.ints(3, 3))
    case(name, case.values(mx.bool_, 3, 3))
    case(name, case.values(mx.uint8, 3, 3), dtype=mx.float32)
    case(name, case.floats(3, 3), dtype=mx.float16)
    case(name, transposed(case.floats(4, 3)))
    case(name, case.floats(2, 2), offset=5)
    case.throws(name, case.floats(3))
    case.throws(name, case.floats(3, 3), axis1=1, axis2=1)
    case.throws(name, case.floats(3, 3), axis2=2)

# Blocks of 32 are the smallest. The inputs are small integers, so that any order of summation gives the same.
a, b = case.ints(33, 40, low=-2, high=3).astype(mx.float32), case.ints(40, 34, low=-2, high=3).astype(mx.float32)
out, lhs, rhs = (mx.array(m) == 1 for m in ([[1, 0], [0, 1]], [[1, 0], [1, 1]], [[0, 1], [1, 1]]))
case("block_masked_mm", a, b, block_size=32, mask_out=out)
case("block_masked_mm", a, b, block_size=32, mask_lhs=lhs, mask_rhs=rhs)
case(
    "block_masked_mm",
    a[:3, :35],
    b[:35, :2],
    block_size=32,
    mask_out=out[:1, :1],
    mask_lhs=lhs[1:],
    mask_rhs=rhs[:, 1:],
)
scale = mx.array([[0.5, 2.0], [0.0, 1.0]])
case("block_masked_mm", a[:, :3], b[:3], block_size=32, mask_out=scale, mask_lhs=scale[:, :1], mask_rhs=scale[:1])
case("block_masked_mm", a[:2, :3], b[:3, :2], mask_out=mx.array([[True]]))
case("block_masked_mm", transposed(a[:3, :2]), b[:3, :2], block_size=32, mask_out=mx.array([[2.5]]))
case(
    "block_masked_mm", case.floats(2, 2, 3), case.floats(3, 2), block_size=32, mask_out=mx.array([[[True]], [[False]]])
)
case("block_masked_mm", a[:2, :3], b[:3, :2], block_size=32)
case.throws("block_masked_mm", a[:2, :3], b[:3, :2], block_size=16, mask_out=mx.array([[True]]))
case.throws("block_masked_mm", a[:2, :3], b[:3, :2], block_size=32, mask_out=mx.array([[True, True]]))
case.throws("block_masked_mm", a[:2, :3], b[:2, :2], block_size=32, mask_out=mx.array([[True]]))


def index(*values):
    return mx.array(values, mx.uint32)


# MLX refuses half precision on the CPU, where the package has it: see test/products.test.ts.
x, w = case.floats(3, 2, 3), case.floats(2, 3, 2)
case("gather_mm", x, w, lhs_indices=index(2, 0), rhs_indices=index(1, 0))
case("gather_mm", case.floats(3, 2, 3), case.floats(2, 3, 2), rhs_indices=index(1, 0, 1))
case("gather_mm", case.floats(3, 2, 3), case.floats(2, 3, 2), lhs_indices=index(2, 1))
case("gather_mm", case.floats(3, 1, 3), case.floats(2, 3, 2), rhs_indices=index(0, 0, 1), sorted_indices=True)
case(
    "gather_mm",
    case.floats(3, 2, 3),
    case.floats(2, 3, 2),
    lhs_indices=mx.array([[0], [2]], mx.uint32),
    rhs_indices=index(1, 0, 1),
)
case("gather_mm", case.floats(2, 2, 2, 3), case.floats(2, 3, 2), lhs_indices=index(3, 0), rhs_indices=index(0, 1))
case(
    "gather_mm",
    transposed(case.floats(3, 3, 2), 0, 2, 1),
    transposed(case.floats(2, 2, 3), 0, 2, 1),
    lhs_indices=index(1, 2),
    rhs_indices=index(1, 0),
)
case("gather_mm", case.floats(2, 2, 3), case.floats(2, 3, 2))
case.throws("gather_mm", case.floats(3, 2, 3), case.floats(2, 2, 2), rhs_indices=index(0, 1, 1))
case("gather_mm", case.floats(3), case.floats(2, 3, 2), rhs_indices=index(0))
case.throws("gather_mm", case.floats(3, 2, 3), case.floats(2, 3, 2), rhs_indices=case.floats(3))

segments = mx.array([[0, 2], [2, 5], [5, 6], [0, 6], [3, 3]], mx.uint32)
for dtype in FLOATS:
    case("segmented_mm", case.floats(2, 6, dtype=dtype), case.floats(6, 3, dtype=dtype), segments)
case("segmented_mm", transposed(case.floats(6, 2)), case.floats(6, 3), segments[:3])
case("segmented_mm", case.floats(2, 6), transposed(case.floats(3, 6)), segments[:4].reshape(2, 2, 2))
case.throws("segmented_mm", case.floats(2, 6), case.floats(6, 3), segments[:, 0])
case.throws("segmented_mm", case.floats(2, 2, 6), case.floats(6, 3), segments)

for dtype in FLOATS:
    case("hadamard_transform", case.floats(2, 8, dtype=dtype))
    case("hadamard_transform", case.floats(4, dtype=dtype), scale=0.5)
case("hadamard_transform", case.floats(12))
case("hadamard_transform", case.floats(1, 20), scale=1.5)
case("hadamard_transform", transposed(case.floats(4, 2)))
case("hadamard_transform", case.ints(4))
case.throws("hadamard_transform", case.floats(7))
case("hadamard_transform", case.floats())
