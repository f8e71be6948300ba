"""Transformations of functions: of single operations, and of the programs below, which are written alike in
test/support/programs.ts."""

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map

from reference.calls import camel
from reference.cases import FLOATS, Family, camel_path, encode, lookup, outcome, written

case = Family("transforms")


def of_arrays(name, args, kwargs):
    """A call as a function of the arrays among its arguments, and these arrays."""
    arrays = [x for _, x in tree_flatten(list(args)) if isinstance(x, mx.array)]
    assert not any(isinstance(x, mx.array) for _, x in tree_flatten(kwargs))

    def fun(*xs):
        left = iter(xs)
        return lookup(name)(*tree_map(lambda a: next(left) if isinstance(a, mx.array) else a, list(args)), **kwargs)

    return fun, arrays


def vmap(name, *args, in_axes=0, out_axes=0, **kwargs):
    """Of an operation over its arrays, of which each has its axis in `in_axes`."""
    fun, arrays = of_arrays(name, args, kwargs)
    # Lists in TypeScript are lists and tuples in Python.
    axes = {"inAxes": encode(in_axes), "outAxes": encode(out_axes)}
    found = outcome(lambda: mx.vmap(fun, in_axes, out_axes)(*arrays))
    return case.add({"name": camel_path(name), **written(name, args, kwargs), "transform": "vmap", "axes": axes, **found})


def along(transform, name, args, directions, kwargs):
    fun, arrays = of_arrays(name, args, kwargs)
    found = outcome(lambda: getattr(mx, transform)(fun, arrays, directions))
    call = written(name, args, kwargs)
    return case.add({"name": camel_path(name), **call, "transform": transform, "along": encode(directions), **found})


def jvp(name, *args, **kwargs):
    """Of an operation, in a random direction."""
    arrays = of_arrays(name, args, kwargs)[1]
    return along("jvp", name, args, [case.values(x.dtype, *x.shape) for x in arrays], kwargs)


def vjp(name, *args, **kwargs):
    fun, arrays = of_arrays(name, args, kwargs)
    out = fun(*arrays)
    outputs = [out] if isinstance(out, mx.array) else out
    return along("vjp", name, args, [case.values(x.dtype, *x.shape) for x in outputs], kwargs)


PROGRAMS = {}


def program(fun):
    PROGRAMS[fun.__name__] = fun
    return fun


def run(fun, *inputs):
    found = outcome(fun, *inputs)
    return case.add({"program": camel(fun.__name__), "inputs": encode(inputs), **found})


# Operations under vmap: element-wise ones, with every way of mapping two operands.

for dtype in [*FLOATS, mx.complex64, mx.int32]:
    vmap("add", case.values(dtype, 3, 2), case.values(dtype, 3, 2))
    vmap("multiply", case.values(dtype, 2, 3), case.values(dtype, 3, 2), in_axes=(1, 0), out_axes=-1)
    vmap("sum", case.values(dtype, 3, 2, 4), axis=0)
for in_axes in [(0, None), (None, 1), (-1, 0), (2, -2), 1]:
    vmap("subtract", case.floats(3, 3, 3), case.floats(3, 3, 3), in_axes=in_axes)
vmap("add", case.floats(3, 2, 4), case.floats(3, 4))
vmap("add", case.floats(3, 4), case.floats(3, 2, 4))
vmap("power", case.floats(3, low=0.5), case.floats(3, 2), in_axes=(0, None))
for name in ["exp", "sin", "tanh", "abs", "negative", "square", "sigmoid", "sign", "floor", "erf", "logical_not"]:
    vmap(name, case.floats(2, 3), in_axes=-1, out_axes=1)
for name in ["log", "sqrt", "rsqrt"]:
    vmap(name, case.floats(2, 3, low=0.2), out_axes=1)
for name in ["maximum", "minimum", "arctan2", "logaddexp", "less", "equal", "divide", "floor_divide", "remainder"]:
    vmap(name, case.floats(3, 2), case.floats(2, 3), in_axes=(0, 1))
vmap("where", case.values(mx.bool_, 3, 2), case.floats(2, 3), case.floats(2), in_axes=(0, 1, None))
vmap("clip", case.floats(3, 2), -1.0, 1.5)
vmap("astype", case.floats(3, 2), mx.float16)

for name in ["sum", "prod", "max", "min", "mean", "var", "logsumexp"]:
    vmap(name, case.floats(3, 2, 4), in_axes=1)
    vmap(name, case.floats(3, 2, 4), in_axes=-1, axis=-1, keepdims=True)
    vmap(name, case.floats(3, 2, 4), axis=[0, 1])
for name in ["all", "any"]:
    vmap(name, case.values(mx.bool_, 3, 2, 4), in_axes=1, axis=1)
for name in ["argmax", "argmin", "cumsum", "cumprod", "cummax", "logcumsumexp", "softmax"]:
    vmap(name, case.floats(3, 2, 4), in_axes=1, axis=-1)
    vmap(name, case.floats(3, 2, 4), in_axes=2, axis=0, out_axes=1)
vmap("cumsum", case.floats(3, 4), axis=0, reverse=True, inclusive=False)

for name in ["sort", "argsort"]:
    vmap(name, case.floats(3, 2, 4), in_axes=1, axis=-1)
    vmap(name, case.floats(3, 2, 4), in_axes=-1, axis=0, out_axes=-1)
vmap("partition", case.floats(3, 5), 2, axis=-1)
vmap("argpartition", case.floats(5, 3), 2, axis=-1, in_axes=1)
vmap("topk", case.floats(3, 5), 2)

vmap("matmul", case.floats(4, 2, 3), case.floats(4, 3, 2))
vmap("matmul", case.floats(4, 2, 3), case.floats(3, 2), in_axes=(0, None))
vmap("matmul", case.floats(2, 3), case.floats(3, 2, 4), in_axes=(None, -1), out_axes=1)
vmap("matmul", case.floats(2, 4, 3), case.floats(4, 3), in_axes=(1, 0))
vmap("matmul", case.floats(4, 3), case.floats(4, 3))
vmap("addmm", case.floats(4, 2), case.floats(4, 3, 2), case.floats(4, 2, 2), alpha=0.5, beta=2.0)
vmap("einsum", "ij,jk->ik", case.floats(4, 2, 3), case.floats(3, 2), in_axes=(0, None))
vmap("tensordot", case.floats(4, 2, 3), case.floats(4, 3, 2), 1)
vmap("inner", case.floats(4, 3), case.floats(4, 3))
vmap("outer", case.floats(4, 3), case.floats(4, 2), out_axes=-1)
w, scales = mx.quantize(case.floats(2, 32), mode="mxfp4")
vmap("quantized_matmul", case.floats(3, 2, 32), w, scales, mode="mxfp4", in_axes=(0, None, None))

indices = case.ints(3, 2, low=0, high=4)
vmap("take", case.floats(3, 4), indices)
vmap("take", case.floats(3, 4, 2), indices, axis=0)
vmap("take", case.floats(4, 2), indices, axis=0, in_axes=(None, 0))
vmap("take", case.floats(4, 3, 2), mx.array([2, 0]), axis=0, in_axes=(1, None))
vmap("take_along_axis", case.floats(3, 4), indices, axis=0)
vmap("take_along_axis", case.floats(4, 3, 2), case.ints(2, 3, 2, low=0, high=4), axis=0, in_axes=(1, 1), out_axes=1)
vmap("put_along_axis", case.floats(3, 4), indices, case.floats(3, 2), axis=0)

vmap("reshape", case.floats(3, 2, 4), [4, 3], in_axes=1)
vmap("flatten", case.floats(3, 2, 4), in_axes=-1)
vmap("transpose", case.floats(3, 2, 4), in_axes=1, out_axes=-1)
vmap("swapaxes", case.floats(3, 2, 4, 1), 0, 2, in_axes=1)
vmap("moveaxis", case.floats(3, 2, 4, 1), 0, -1, in_axes=2)
vmap("expand_dims", case.floats(3, 2), -1, in_axes=1)
vmap("squeeze", case.floats(3, 2, 1), 1)
vmap("broadcast_to", case.floats(3, 1), [2, 4])
vmap("concatenate", [case.floats(3, 2), case.floats(3, 4)], axis=0)
vmap("concatenate", [case.floats(2, 3), case.floats(4)], axis=-1, in_axes=(1, None))
vmap("stack", [case.floats(3, 2), case.floats(3, 2)], axis=1)
vmap("split", case.floats(3, 4), 2, out_axes=1)
vmap("split", case.floats(4, 3), [1, 3], in_axes=1)
vmap("repeat", case.floats(3, 2), 2, axis=0)
vmap("tile", case.floats(3, 2), [2])
vmap("pad", case.floats(3, 2), 1)
vmap("roll", case.floats(3, 4), 1)
vmap("tril", case.floats(3, 3, 2), in_axes=2)
vmap("diag", case.floats(3, 2))
vmap("as_strided", case.floats(3, 4), [2, 2], [2, 1])
vmap("unflatten", case.floats(3, 4), 0, [2, 2])
vmap("view", case.floats(3, 2), mx.int32)
vmap("contiguous", case.floats(3, 2), in_axes=1)
vmap("stop_gradient", case.floats(3, 2), out_axes=1)
vmap("depends", case.floats(3, 2), case.floats(3))

vmap("conv1d", case.floats(3, 1, 6, 2), case.floats(4, 3, 2), in_axes=(0, None))
vmap("conv1d", case.floats(3, 1, 6, 2), case.floats(3, 4, 3, 2))
vmap("conv2d", case.floats(1, 5, 5, 3, 2), case.floats(2, 3, 3, 2), padding=1, stride=2, in_axes=(3, None))
vmap("conv2d", case.floats(1, 5, 5, 2), case.floats(3, 2, 3, 3, 2), in_axes=(None, 0))
vmap("fft.fft", case.floats(3, 4))
vmap("fft.rfft", case.floats(4, 3), in_axes=1)
vmap("fft.ifftn", case.complexes(3, 4, 2))

for name in ["norm", "inv", "cholesky", "qr", "svd", "eigh", "eigvalsh", "lu_factor", "pinv", "cross"]:
    square = case.floats(3, 2, 2)
    square = square @ square.swapaxes(-1, -2) + 3.0 * mx.eye(2)
    if name == "cross":
        vmap("linalg.cross", case.floats(2, 3), case.floats(2, 3))
    else:
        vmap(f"linalg.{name}", square)["tolerance"] = 1e-4
vmap("linalg.norm", case.floats(3, 2, 4), 1, axis=0, in_axes=1)
vmap("linalg.solve", mx.eye(2) * case.floats(3, 1, 1, low=1.0), case.floats(3, 2))

for name in ["rms_norm", "layer_norm"]:
    more = [case.floats(4)] if name == "layer_norm" else []
    vmap(f"fast.{name}", case.floats(3, 2, 4), case.floats(4), *more, 1e-5, in_axes=(0, None, None)[: 2 + len(more)])
vmap("fast.rope", case.floats(3, 1, 2, 4), 4, traditional=False, base=100.0, scale=1.0, offset=1)
vmap("fast.scaled_dot_product_attention", case.floats(3, 1, 2, 2, 4), case.floats(3, 1, 2, 3, 4), case.floats(3, 1, 2, 3, 4), scale=0.5)  # fmt: skip
vmap("segmented_mm", case.floats(3, 2, 6), case.floats(3, 6, 2), mx.array([[0, 2]], mx.uint32), in_axes=(0, 0, None))
vmap("gather_mm", case.floats(3, 2, 2, 3), case.floats(3, 2, 3, 2))
vmap("hadamard_transform", case.floats(3, 4))

vmap("add", case.floats(2), case.floats(3))
vmap("add", case.floats(2), case.floats(2), in_axes=(None, None))
vmap("sin", case.floats(2), in_axes=1)
vmap("sin", case.floats(2, 3), in_axes=-3)
vmap("sin", case.floats(2, 3), out_axes=2)
vmap("sin", case.floats())
vmap("add", case.floats(2), case.floats(2), in_axes=(0,))
vmap("add", case.floats(2), case.floats(2), in_axes=({"a": 0}, 0))
vmap("sin", case.floats(0, 2))

# Derivatives of operations along a direction.

for transform in [jvp, vjp]:
    for dtype in FLOATS:
        transform("multiply", case.floats(2, 3, dtype=dtype), case.floats(3, dtype=dtype))
        transform("exp", case.floats(3, dtype=dtype))
    transform("multiply", case.complexes(3), case.complexes(3))
    for name in ["sin", "tanh", "square", "sigmoid", "erf", "abs", "arctan", "sinh", "expm1"]:
        transform(name, case.floats(2, 3))
    for name in ["log", "sqrt", "rsqrt", "log1p", "log2"]:
        transform(name, case.floats(3, low=0.2))
    for name in ["add", "subtract", "divide", "maximum", "minimum", "logaddexp", "arctan2"]:
        transform(name, case.floats(2, 3), case.floats(3))
    transform("power", case.floats(3, low=0.5), case.floats(3))
    transform("where", case.values(mx.bool_, 3), case.floats(3), case.floats(3))
    for name in ["sum", "mean", "prod", "max", "logsumexp", "cumsum", "softmax", "var", "std", "sort", "cumprod"]:
        transform(name, case.floats(2, 4), axis=1)
    transform("sum", case.floats(2, 3, 2), axis=[0, -1], keepdims=True)
    transform("matmul", case.floats(2, 3), case.floats(3, 4))
    transform("matmul", case.floats(2, 2, 3), case.floats(3, 1))
    # Forwards MLX forgets the factors.
    factors = {} if transform is jvp else {"alpha": 0.5, "beta": -2.0}
    transform("addmm", case.floats(2), case.floats(2, 3), case.floats(3, 2), **factors)
    transform("take", case.floats(4, 2), mx.array([3, 0, 3]), axis=0)
    transform("take_along_axis", case.floats(4, 2), case.ints(1, 2, low=0, high=4), axis=0)
    transform("reshape", case.floats(2, 3), [3, 2])
    transform("transpose", case.floats(2, 3))
    transform("broadcast_to", case.floats(1, 3), [2, 3])
    transform("concatenate", [case.floats(2), case.floats(3)])
    transform("split", case.floats(4, 2), 2)
    transform("pad", case.floats(2, 2), 1)
    transform("conv1d", case.floats(1, 6, 2), case.floats(3, 3, 2), padding=1)
    transform("conv2d", case.floats(1, 4, 4, 2), case.floats(2, 2, 2, 2), stride=2)
    transform("fft.fft", case.complexes(4))
    transform("fft.irfft", case.complexes(3))
    transform("linalg.norm", case.floats(2, 3))
    transform("linalg.inv", case.floats(2, 2) + 4.0 * mx.eye(2))
    transform("linalg.cholesky", mx.array([[4.0, 1.0], [1.0, 3.0]]))
    transform("fast.rms_norm", case.floats(2, 4), case.floats(4), 1e-5)
    transform("fast.layer_norm", case.floats(2, 4), case.floats(4), case.floats(4), 1e-5)
    transform("floor", case.floats(3))
    transform("argmax", case.floats(3))
    transform("stop_gradient", case.floats(3))
    transform("depends", case.floats(3), case.floats(2))

x, y = case.floats(2, 3), case.floats(3)
for directions in [[x], [x, y, y], [y, x], [mx.array(1.0), y], []]:
    along("jvp", "multiply", (x, y), directions, {})
    along("vjp", "multiply", (x, y), directions, {})
along("vjp", "multiply", (x, y), [y], {})
along("vjp", "split", (case.floats(4), 2), [case.floats(2)], {})
along("vjp", "multiply", (x, y), [case.floats(2, 3, dtype=mx.float16)], {})

# Programs: transformations of transformations, and functions with rules of their own.


def cubes(x):
    return (x * x * x).sum()


def mixed(x, y):
    return mx.sin(x) * y + mx.exp(-x)


@program
def second_derivative(x):
    return mx.grad(lambda z: mx.grad(cubes)(z).sum())(x)


@program
def hessian(x):
    return mx.vmap(lambda v: mx.jvp(mx.grad(cubes), [x], [v])[1][0])(mx.eye(x.shape[0]))


@program
def jacobian(x, w):
    f = lambda z: mx.tanh(w @ z)  # noqa: E731
    return mx.vmap(lambda v: mx.vjp(f, [x], [v])[1][0])(mx.eye(w.shape[0]))


@program
def jvp_of_grad(x, v):
    return mx.jvp(mx.grad(cubes), [x], [v])


@program
def jvp_of_vjp(x, v, w):
    return mx.jvp(lambda z: mx.vjp(mx.sin, [z], [w])[1], [x], [v])


@program
def jvp_of_jvp(x, v, w):
    return mx.jvp(lambda z: mx.jvp(mx.sin, [z], [v])[1], [x], [w])


@program
def vmap_of_grad(x, y):
    return mx.vmap(mx.grad(lambda a, b: mixed(a, b).sum(), argnums=1), in_axes=(0, None))(x, y)


@program
def grad_of_vmap(x, y):
    return mx.grad(lambda a, b: (mx.vmap(mixed, in_axes=(0, 1))(a, b) ** 2).sum(), argnums=(0, 1))(x, y)


@program
def grad_of_vmap_of_compiled(x, y):
    return mx.grad(lambda a: mx.vmap(mx.compile(mixed), in_axes=(0, None))(a, y).sum())(x)


@program
def compiled_vmap_of_grad(x, y):
    return mx.compile(mx.vmap(mx.grad(lambda a, b: mixed(a, b).sum())))(x, y)


@program
def jvp_of_vmap(x, v):
    return mx.jvp(mx.vmap(mx.softmax, in_axes=1, out_axes=-1), [x], [v])


@program
def nested_vmap(x, y):
    inner = mx.vmap(mixed, in_axes=(None, 0))
    return mx.vmap(inner, in_axes=(0, None), out_axes=1)(x, y)


@program
def vmap_of_vmap_of_vmap(x):
    return mx.vmap(mx.vmap(mx.vmap(mx.exp, in_axes=-1), out_axes=1), in_axes=1)(x)


@program
def vmap_of_trees(params, x):
    def f(p, z):
        return {"y": p["w"] @ z + p["b"][0], "more": [p["b"][0] * 2, z.sum()]}

    return mx.vmap(f, in_axes=({"w": 0, "b": [1]}, None), out_axes={"y": 1, "more": [0, -1]})(params, x)


@program
def vmap_of_prefixes(params, x):
    return mx.vmap(lambda p, z: (p["w"] * z, p["b"][0]), in_axes=(1, 0), out_axes=(-1, 0))(params, x)


@program
def vmap_of_constants(x):
    return mx.vmap(lambda a: (mx.array([1.0, 2.0]), a * 2), out_axes=(1, 0))(x)


@program
def vmap_of_the_input(x):
    return mx.vmap(lambda a: (a, a.sum()), in_axes=1, out_axes=(1, 0))(x)


@program
def vmap_of_one_tree(x, y):
    return mx.vmap(lambda p: p[0] + p[1], in_axes=[0, 1])([x, y])


@program
def scatters(x, i, v):
    def f(a, j, w):
        return [a.at[j].add(w), a.at[j].multiply(w), a.at[j].maximum(w), a.at[j].minimum(w)]

    return [mx.vmap(f)(x, i, v), mx.vmap(f, in_axes=(0, None, None))(x, i[0], v[0])]


@program
def slices(x):
    return mx.vmap(lambda a: [a[1:], a[::-1], a[0], a[None, :2], a[..., -1]], in_axes=1)(x)


@program
def slice_updates(x, v):
    def f(a, w):
        b = a + 0
        b[1:3] = w
        return b

    return mx.vmap(f, in_axes=(0, 1))(x, v)


@program
def random_in_vmap(x):
    key = mx.random.key(3)
    return mx.vmap(lambda a: a + mx.random.uniform(shape=[2], key=key))(x)


@program
def gradients_of_checkpoint(x, w):
    f = mx.checkpoint(lambda a, b: mx.tanh(a @ b))
    return mx.value_and_grad(lambda a, b: f(a, b).sum(), argnums=(0, 1))(x, w)


@program
def checkpoint_of_trees(x):
    f = mx.checkpoint(lambda t, n: {"a": [t["x"] * n], "n": n})
    return [mx.grad(lambda a: (f({"x": a}, 3)["a"][0] ** 2).sum())(x), f({"x": x}, 3)]


@program
def second_derivative_of_checkpoint(x):
    f = mx.checkpoint(cubes)
    return mx.grad(lambda z: mx.grad(f)(z).sum())(x)


@program
def checkpoint_in_other_transforms(x, v):
    f = mx.checkpoint(lambda a: mx.sin(a) * a)
    return [mx.jvp(f, [x], [v]), mx.vmap(f)(x), f(x)]


@program
def checkpoint_in_checkpoint(x):
    f = mx.checkpoint(lambda a: mx.checkpoint(mx.sin)(a) * a)
    return mx.grad(lambda a: f(a).sum())(x)


@program
def vmap_of_grad_of_checkpoint(x):
    return mx.vmap(mx.grad(mx.checkpoint(mx.sin)))(x)


def doubling(rules):
    """x * y, whose rules give twice what is right."""
    f = mx.custom_function(lambda x, y: x * y)
    if "vjp" in rules:
        f.vjp(lambda xy, c, out: (2 * c * xy[1], 2 * c * xy[0]))
    if "jvp" in rules:

        @f.jvp
        def f_jvp(xy, t):
            x, y = xy
            return sum(d * o * 2 for d, o in [(t[0], y), (t[1], x)] if d is not None)

    if "vmap" in rules:

        @f.vmap
        def f_vmap(xy, axes):
            x, y = (a if n is None else a.moveaxis(n, 0) for a, n in zip(xy, axes, strict=True))
            return 2 * x * y, 0

    return f


def custom_values(x, y, rules):
    f = doubling(rules)
    return [
        f(x, y),
        mx.grad(lambda a, b: f(a, b).sum(), argnums=(0, 1))(x, y),
        mx.jvp(f, [x, y], [y, x]),
        mx.jvp(lambda a: f(a, y), [x], [y]),
        mx.vmap(f)(x, y),
        mx.vmap(f, in_axes=(-1, None), out_axes=-1)(x, y[:, 0]),
        mx.vmap(mx.vmap(f))(x, y),
        mx.grad(lambda a: mx.vmap(f)(a, y).sum())(x),
        mx.vmap(mx.grad(lambda a, b: f(a, b).sum()))(x, y),
        mx.grad(lambda a: (mx.grad(lambda b: (f(b, y) ** 2).sum())(a) ** 2).sum())(x),
        mx.jvp(mx.grad(lambda b: (f(b, y) ** 2).sum()), [x], [y]),
    ]


@program
def without_rules(x, y):
    return custom_values(x, y, [])


@program
def custom_vjp(x, y):
    return custom_values(x, y, ["vjp"])


@program
def custom_jvp(x, y):
    return custom_values(x, y, ["jvp"])


@program
def custom_vmap(x, y):
    return custom_values(x, y, ["vmap"])


@program
def all_rules(x, y):
    return custom_values(x, y, ["vjp", "jvp", "vmap"])


@program
def rules_over_trees(x, y):
    f = mx.custom_function(lambda p, n: {"s": p["a"] + p["b"][0], "d": [p["a"] * n]})
    f.vjp(lambda args, c, out: {"a": c["s"] * out["s"], "b": [c["d"][0] * args[1]]})
    f.jvp(lambda args, t: [t[0]["a"] * 3, args[0]["b"][0]])
    f.vmap(lambda args, axes: ({"s": args[0]["a"] * 7, "d": [args[0]["a"]]}, {"s": axes[0]["a"], "d": axes[0]["a"]}))

    def g(a, b):
        out = f({"a": a, "b": [b]}, 5)
        return out["s"] + 2 * out["d"][0]

    return [
        g(x, y),
        mx.grad(lambda a, b: g(a, b).sum(), argnums=(0, 1))(x, y),
        mx.jvp(lambda a: g(a, y), [x], [y]),
    ]


@program
def rules_of_one_argument(x):
    seen = []
    f = mx.custom_function(mx.sin)
    f.vjp(lambda a, c, out: (seen.append([a, c, out]), c * 3)[1])
    f.jvp(lambda a, t: (seen.append([a, t]), t * 5)[1])
    f.vmap(lambda a, axis: (a * (axis + 7), axis))
    grads = mx.grad(lambda a: f(a).sum())(x)
    tangents = mx.jvp(f, [x], [x])
    return [grads, tangents, mx.vmap(f, in_axes=1)(x), seen]


@program
def captured_arrays_are_constants(x, y):
    def g(a, b):
        f = mx.custom_function(lambda c: c * b)
        f.vjp(lambda c, d, out: d * 10)
        return f(a).sum()

    return mx.grad(g, argnums=(0, 1))(x, y)


@program
def straight_through(x):
    f = mx.custom_function(mx.round)
    f.vjp(lambda a, c, out: c)
    return mx.value_and_grad(lambda a: (f(a) * a).sum())(x)


@program
def rules_that_change(x):
    f = mx.custom_function(mx.sin)
    f.vjp(lambda a, c, out: c * 2)
    first = mx.grad(lambda a: f(a).sum())(x)
    f.vjp(lambda a, c, out: c * 3)
    return [first, mx.grad(lambda a: f(a).sum())(x)]


@program
def custom_in_checkpoint_in_compile(x):
    f = mx.custom_function(mx.sin)
    f.vjp(lambda a, c, out: c * out)
    g = mx.checkpoint(lambda a: f(a) * a)
    return mx.compile(mx.grad(lambda a: g(a).sum()))(x)


@program
def not_differentiable_in_vmap(x):
    return mx.vmap(mx.grad(lambda a: mx.depends(a, [a * 2]).sum()))(x)


@program
def evaluation_in_vmap(x):
    return mx.vmap(lambda a: a + a.sum().item())(x)


@program
def value_in_grad(x):
    return mx.grad(lambda a: (a * a.sum().item()).sum())(x)


@program
def vmap_without_arguments(x):
    return mx.vmap(lambda: x)()


@program
def gradients_of_a_vector(x):
    return mx.grad(mx.sin)(x)


@program
def gradients_of_no_array(x):
    return mx.value_and_grad(lambda a: (1, a))(x)


@program
def gradients_of_a_list(x):
    return mx.grad(lambda a: (a.sum(), a))(x)


@program
def gradients_of_no_argument(x):
    return mx.grad(mx.sum, argnums=[])(x)


@program
def gradients_of_too_many(x):
    return mx.grad(mx.sum, argnums=1)(x)


@program
def gradients_of_one_twice(x):
    return mx.grad(mx.sum, argnums=[0, 0])(x)


@program
def gradients_with_aux(x):
    return mx.value_and_grad(lambda p: (p["a"].sum(), {"b": p["a"] * 2, "c": [p["a"], 3]}))({"a": x})


@program
def gradients_of_some(x, y):
    return mx.value_and_grad(lambda a, t, b: (a * t["q"][0] * b).sum(), argnums=(0, 1))(x, {"q": [y, x]}, x)


for dtype in FLOATS:
    run(second_derivative, case.floats(3, dtype=dtype))
    run(nested_vmap, case.floats(2, dtype=dtype), case.floats(3, dtype=dtype))
run(hessian, case.floats(3))
run(jacobian, case.floats(3), case.floats(2, 3))
run(jvp_of_grad, case.floats(2, 3), case.floats(2, 3))
run(jvp_of_vjp, case.floats(3), case.floats(3), case.floats(3))
run(jvp_of_jvp, case.floats(3), case.floats(3), case.floats(3))
run(vmap_of_grad, case.floats(2, 3), case.floats(3))
run(grad_of_vmap, case.floats(2, 3), case.floats(3, 2))
run(grad_of_vmap_of_compiled, case.floats(2, 3), case.floats(3))
run(compiled_vmap_of_grad, case.floats(2, 3), case.floats(2, 3))
run(jvp_of_vmap, case.floats(2, 3), case.floats(2, 3))
run(vmap_of_vmap_of_vmap, case.floats(2, 3, 4))
params = {"w": case.floats(3, 2, 4), "b": [case.floats(2, 3)]}
run(vmap_of_trees, params, case.floats(4))
run(vmap_of_prefixes, {"w": case.floats(4, 3), "b": [case.floats(2, 3)]}, case.floats(3, 4))
run(vmap_of_prefixes, {"w": case.floats(4, 3), "b": [case.floats(2, 2)]}, case.floats(3, 4))
run(vmap_of_constants, case.floats(3))
run(vmap_of_the_input, case.floats(2, 3))
run(vmap_of_one_tree, case.floats(3, 2), case.floats(2, 3))
run(scatters, case.floats(2, 4), mx.array([[0, 3], [2, 1]]), case.floats(2, 2))
run(slices, case.floats(4, 3))
run(slice_updates, case.floats(3, 4), case.floats(2, 3))
run(random_in_vmap, case.floats(3, 2))
run(gradients_of_checkpoint, case.floats(2, 3), case.floats(3, 4))
run(checkpoint_of_trees, case.floats(3))
run(second_derivative_of_checkpoint, case.floats(3))
run(checkpoint_in_other_transforms, case.floats(3), case.floats(3))
run(checkpoint_in_checkpoint, case.floats(3))
run(vmap_of_grad_of_checkpoint, case.floats(3))
for fun in [without_rules, custom_vjp, custom_jvp, custom_vmap, all_rules]:
    run(fun, case.floats(2, 3), case.floats(2, 3))
run(rules_over_trees, case.floats(3), case.floats(3))
run(rules_of_one_argument, case.floats(2, 3))
run(captured_arrays_are_constants, case.floats(3), case.floats(3))
run(straight_through, case.floats(4))
run(rules_that_change, case.floats(3))
run(custom_in_checkpoint_in_compile, case.floats(3))
run(gradients_of_some, case.floats(3), case.floats(3))
for fun in [
    not_differentiable_in_vmap, evaluation_in_vmap, value_in_grad, vmap_without_arguments, gradients_of_a_vector,
    gradients_of_no_array, gradients_of_a_list, gradients_of_no_argument, gradients_of_too_many,
    gradients_of_one_twice, gradients_with_aux,
]:  # fmt: skip
    run(fun, case.floats(3))
run(gradients_with_aux, case.floats(3))
assert {c["program"] for c in case.cases if "program" in c} == set(map(camel, PROGRAMS))
