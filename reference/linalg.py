import math

import mlx.core as mx

from reference.cases import Family, broadcasted, sliced, transposed

case = Family("linalg")
REAL = [mx.float32, mx.float64]
SPECTRAL = [*REAL, mx.complex64]


def add(name, *args, **kwargs):
    """A case of a decomposition or a solution: LAPACK's versions differ in the last digits."""
    made = case(f"linalg.{name}", *args, **kwargs)
    made["tolerance"] = 1e-4
    return made


def well(n, *batch, dtype=mx.float32):
    """Matrices that are far from singular."""
    return (case.floats(*batch, n, n, low=-1, high=1) + 3 * mx.eye(n)).astype(dtype)


def symmetric(n, *batch, dtype=mx.float32):
    x = case.floats(*batch, n, n)
    return (x + mx.swapaxes(x, -1, -2)).astype(dtype)


def definite(n, *batch, dtype=mx.float32):
    return (symmetric(n, *batch) * 0.25 + 4 * n * mx.eye(n)).astype(dtype)


def hermitian(n):
    x = case.complexes(n, n)
    return x + mx.conjugate(mx.swapaxes(x, -1, -2))


# Norms.
for dtype in [mx.float32, mx.float16, mx.bfloat16, mx.float64, mx.complex64, mx.int32]:
    case("linalg.norm", case.values(dtype, 5))
    case("linalg.norm", case.values(dtype, 2, 3))
    for p in [0, 1, 2, math.inf, -math.inf]:
        case("linalg.norm", case.values(dtype, 4), p)
for p in [3, 0.5, -1, -2, 2.5]:
    case("linalg.norm", case.floats(5, low=0.5), p)
    case("linalg.norm", case.floats(2, 4, low=0.5), p, 1, keepdims=True)
for dtype in SPECTRAL:
    x = case.values(dtype, 3, 4)
    for order in ["fro", "f", "nuc", 1, -1, 2, -2, math.inf, -math.inf]:
        add("norm", x, order)
        add("norm", x, order, keepdims=True)
x = case.floats(2, 3, 4)
for order in [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]:
    add("norm", x, order, [0, 2])
    add("norm", x, order, [2, 0])
    add("norm", x, order, [-1, 1], keepdims=True)
case("linalg.norm", x)
case("linalg.norm", x, keepdims=True)
case("linalg.norm", x, axis=1)
case("linalg.norm", x, axis=-1, keepdims=True)
case("linalg.norm", x, axis=[1])
case("linalg.norm", x, 1, -3)
case("linalg.norm", case.floats())
case("linalg.norm", case.floats(0))
case("linalg.norm", case.floats(0, 3), axis=0)
case("linalg.norm", case.floats(3, 0), math.inf)
case("linalg.norm", case.floats(3, 0), "nuc")
case("linalg.norm", case.values(mx.bool_, 4), 1)
case("linalg.norm", transposed(case.floats(3, 2)), 1)
case("linalg.norm", sliced(case.floats(4, 3), "::2", "::-1"), axis=0)
case("linalg.norm", broadcasted(case.floats(3), 2, 3), math.inf)
case.throws("linalg.norm", x, 2)
case.throws("linalg.norm", x, "nuc")
case.throws("linalg.norm", x, axis=[0, 1, 2])
case.throws("linalg.norm", case.floats(3), "fro")
case.throws("linalg.norm", case.floats(3, 3), 3)
case.throws("linalg.norm", case.floats(3, 3), "l2")
case.throws("linalg.norm", case.floats(3, 3), axis=2)
case.throws("linalg.norm", case.floats(0, 3), 2)
case.throws("linalg.norm", case.floats(3, 3, dtype=mx.float16), "nuc")

for dtype in [mx.float32, mx.float16, mx.float64, mx.complex64, mx.int32]:
    case("linalg.cross", case.values(dtype, 3), case.values(dtype, 3))
    case("linalg.cross", case.values(dtype, 2, 2), case.values(dtype, 2, 3))
case("linalg.cross", case.floats(2), case.floats(2))
case("linalg.cross", case.floats(2, 3), case.floats(2, 2))
case("linalg.cross", case.floats(3, 4), case.floats(3, 4), 0)
case("linalg.cross", case.floats(4, 3, 2), case.floats(4, 3, 2), -2)
case("linalg.cross", case.floats(2, 1, 3), case.floats(4, 3))
case("linalg.cross", case.floats(0, 3), case.floats(3))
case("linalg.cross", transposed(case.floats(3, 2)), case.ints(3))
case.throws("linalg.cross", case.floats(4), case.floats(4))
case.throws("linalg.cross", case.floats(3), case.floats(3), 1)
case.throws("linalg.cross", case.floats(), case.floats(3))

# What is the same whatever signs LAPACK chooses.
for dtype in SPECTRAL:
    for shape in [(3, 3), (4, 2), (2, 4), (2, 3, 2)]:
        add("svd", case.values(dtype, *shape), compute_uv=False)
add("svd", transposed(case.floats(4, 3)), compute_uv=False)
add("svd", broadcasted(case.floats(3), 3, 3), compute_uv=False)
case("linalg.svd", case.floats(2, 0), compute_uv=False)
case("linalg.svd", case.floats(0, 2))
case("linalg.svd", case.floats(0, 3, 2))
case.throws("linalg.svd", case.floats(3))
case.throws("linalg.svd", case.floats(2, 2, dtype=mx.float16))
case.throws("linalg.svd", mx.array([[1.0, math.nan], [0.0, 1.0]]))

for dtype in SPECTRAL:
    x = hermitian(3) if dtype == mx.complex64 else symmetric(3, dtype=dtype)
    add("eigvalsh", x)
    add("eigvalsh", x, UPLO="U")
    y = case.values(dtype, 4, 4)
    add("eigvalsh", y)
    add("eigvalsh", y, UPLO="U")
    add("eigvals", case.values(dtype, 1, 1))
add("eigvalsh", symmetric(2, 3))
add("eigvalsh", transposed(case.floats(3, 3)))
add("eigvals", mx.array([[2.0, 5.0], [0.0, 3.0]]))
add("eigvals", mx.array([[[0.0, -1.0], [1.0, 0.0]], [[1.0, 2.0], [0.0, 4.0]]]))
for name in ["eigvals", "eigvalsh", "eig", "eigh"]:
    case(f"linalg.{name}", case.floats(0, 0))
    case(f"linalg.{name}", case.floats(0, 2, 2))
    case(f"linalg.{name}", case.floats(2, 0, 0))
    case.throws(f"linalg.{name}", case.floats(2, 3))
    case.throws(f"linalg.{name}", case.floats(2))
    case.throws(f"linalg.{name}", case.ints(2, 2))

for dtype in REAL:
    for batch in [(), (2,)]:
        add("inv", well(3, *batch, dtype=dtype))
        add("tri_inv", mx.tril(well(3, *batch)).astype(dtype))
        add("tri_inv", mx.triu(well(3, *batch)).astype(dtype), upper=True)
        add("cholesky", definite(3, *batch, dtype=dtype))
        add("cholesky", definite(3, *batch, dtype=dtype), upper=True)
        add("cholesky_inv", mx.tril(well(3, *batch)).astype(dtype))
        add("cholesky_inv", mx.triu(well(3, *batch)).astype(dtype), upper=True)
        add("lu", well(3, *batch, dtype=dtype))
        add("lu_factor", well(3, *batch, dtype=dtype))
        add("pinv", case.floats(*batch, 3, 2, dtype=dtype))
        add("pinv", case.floats(*batch, 2, 4, dtype=dtype))
        a = well(3, *batch, dtype=dtype)
        add("solve", a, case.floats(*batch, 3, 2, dtype=dtype))
        add("solve_triangular", mx.tril(a), case.floats(*batch, 3, 2, dtype=dtype))
        add("solve_triangular", mx.triu(a), case.floats(*batch, 3, 2, dtype=dtype), upper=True)
for shape in [(4, 2), (2, 4), (2, 3, 2)]:
    add("lu", case.floats(*shape))
    add("lu_factor", case.floats(*shape))
add("lu", mx.zeros((2, 2)))
add("solve", well(3), case.floats(3))
add("solve", well(3), case.ints(3, 1))
add("solve", well(2), case.floats(2, dtype=mx.float64))
add("solve", well(2), case.floats(2, 0))
add("solve", transposed(well(3)), transposed(case.floats(2, 3)))
add("solve_triangular", mx.tril(well(3)), case.floats(3))
add("solve_triangular", mx.tril(well(3, 2)), case.floats(3))
add("inv", transposed(well(3)))
add("inv", sliced(well(6), "::2", "::2"))
add("tri_inv", transposed(mx.triu(well(3))))
add("cholesky", mx.array([[4.0, 9.0], [2.0, 10.0]]))
add("pinv", broadcasted(mx.array([1.0, 2.0]), 3, 2))
add("pinv", mx.zeros((2, 2)))
case("linalg.pinv", case.floats(2, 0))
case("linalg.cholesky", case.floats(0, 0))
case("linalg.det", case.floats(2, 0, 0))
case("linalg.slogdet", case.floats(0, 0))
for name in ["inv", "tri_inv", "cholesky", "cholesky_inv", "pinv", "lu", "lu_factor"]:
    case(f"linalg.{name}", case.floats(0, 2, 2))
    case.throws(f"linalg.{name}", case.floats(2))
    case.throws(f"linalg.{name}", case.floats(2, 2, dtype=mx.float16))
    case.throws(f"linalg.{name}", case.complexes(2, 2))
for name in ["inv", "tri_inv", "cholesky", "cholesky_inv", "det", "slogdet"]:
    case.throws(f"linalg.{name}", case.floats(2, 3))
for name in ["inv", "tri_inv", "cholesky_inv"]:
    case.throws(f"linalg.{name}", mx.zeros((2, 2)))
for name in ["solve", "solve_triangular"]:
    case(f"linalg.{name}", case.floats(0, 2, 2), case.floats(0, 2, 1))
    case.throws(f"linalg.{name}", case.floats(2), case.floats(2))
    case.throws(f"linalg.{name}", case.floats(2, 3), case.floats(2))
    case.throws(f"linalg.{name}", case.floats(2, 2), case.floats())
    case.throws(f"linalg.{name}", case.floats(2, 2), case.floats(3))
    case.throws(f"linalg.{name}", case.complexes(2, 2), case.floats(2))
    case.throws(f"linalg.{name}", case.ints(2, 2), case.floats(2))
    case.throws(f"linalg.{name}", mx.zeros((2, 2)), case.floats(2))

for name in ["det", "slogdet"]:
    for n in [1, 2, 3, 4, 5]:
        add(name, well(n))
        add(name, case.floats(2, n, n))
    for dtype in [mx.float64, mx.float16, mx.int32]:
        add(name, case.values(dtype, 3, 3))
    add(name, well(4, dtype=mx.float64))
    add(name, mx.ones((3, 3)))
    add(name, mx.zeros((4, 4)))
    add(name, transposed(well(4)))
    case.throws(f"linalg.{name}", case.floats(2))
    case.throws(f"linalg.{name}", case.complexes(2, 2))
case.throws("linalg.det", case.floats(4, 4, dtype=mx.float16))
case.throws("linalg.qr", case.floats(2))
case.throws("linalg.qr", case.ints(2, 2))
case("linalg.qr", case.floats(3, 0))

# Only these run on a GPU, too: norms but those of singular values, and cross products.
for made in case.cases:
    singular = made["args"][1:2] in (["nuc"], [2], [-2])
    if made["name"] not in ["linalg.norm", "linalg.cross"] or singular:
        made["cpu"] = True
