"""Functions that Python's MLX exported, and what it computes with them once they are imported again."""

import base64
import json
import tempfile
from pathlib import Path

import mlx.core as mx

from reference.cases import Family, dtype_name, encode

case = Family("export")
folder = tempfile.TemporaryDirectory()
path = str(Path(folder.name) / "function.mlxfn")

# The files have addresses of memory in them, so each is made once and then stays.
golden = Path(__file__).resolve().parents[1] / "test" / "golden" / "export.json"
made = {c["file"]: c["bytes"] for c in json.loads(golden.read_text())["cases"]} if golden.exists() else {}


def function(title, write, *calls, metadata=""):
    """A case: the bytes of a file, and for each call its arguments, a dict for those with names, and its result."""
    if title in made:
        Path(path).write_bytes(base64.b64decode(made[title]))
    else:
        write()
    fn, found = mx.import_function(path, return_metadata=True)
    assert found == metadata
    results = []
    for args in calls:
        named = args[-1] if args and isinstance(args[-1], dict) else {}
        out = fn(*(a for a in args if isinstance(a, mx.array)), **named)
        mx.eval(out)
        results.append({"args": encode(args), "expect": encode(out)})
    data = base64.b64encode(Path(path).read_bytes()).decode()
    case.add({"file": title, "format": "mlxfn", "bytes": data, "metadata": metadata, "calls": results})


def export(title, fn, *args, others=(), metadata="", **options):
    """A function of one trace. What is random is not compared, which `same` is not told to."""
    named = args[-1] if args and isinstance(args[-1], dict) else {}
    arrays = [a for a in args if isinstance(a, mx.array)]
    function(
        title,
        lambda: mx.export_function(path, fn, *arrays, metadata=metadata, **options, **named),
        args,
        *others,
        metadata=metadata,
    )


x, y = case.floats(2, 3), case.floats(2, 3, low=0.2, high=0.9)
a, b = case.floats(3, 4), case.floats(4, 2)
i, j = case.ints(2, 3, low=1, high=6), case.ints(2, 3, low=1, high=4)
p, q = case.values(mx.bool_, 2, 3), case.values(mx.bool_, 2, 3)
z = case.complexes(2, 3)
square = case.floats(3, 3)
definite = square @ square.T + 3 * mx.eye(3)

# Every operation that MLX exports and the CPU has.
smooth = [mx.abs, mx.cos, mx.cosh, mx.erf, mx.exp, mx.expm1, mx.negative, mx.sigmoid, mx.sign, mx.sin, mx.sinh]
smooth += [mx.square, mx.tan, mx.tanh, mx.arctan, mx.arcsinh, mx.ceil, mx.floor, mx.round, mx.stop_gradient]
positive = [mx.arccos, mx.arcsin, mx.arctanh, mx.erfinv, mx.log, mx.log2, mx.log10, mx.log1p, mx.sqrt, mx.rsqrt]
export("unary", lambda x: [f(x) for f in smooth], x)
export("unary, positive", lambda y: [f(y) for f in positive] + [mx.arccosh(y + 1)], y)
export("unary, complex", lambda z: [mx.real(z), mx.imag(z), mx.conjugate(z), mx.abs(z), mx.exp(z)], z)
export("unary, integers", lambda i, p: [mx.abs(i), mx.negative(i), mx.square(i), ~p, mx.exp(i)], i, p)

binary = [mx.add, mx.subtract, mx.multiply, mx.divide, mx.maximum, mx.minimum, mx.logaddexp, mx.arctan2, mx.power]
binary += [mx.remainder, mx.greater, mx.greater_equal, mx.less, mx.less_equal, mx.equal, mx.not_equal]
export("binary", lambda x, y: [f(x, y) for f in binary], y, y[::-1])
export("binary, broadcast", lambda x, y: [f(x, y) for f in binary], y, y[:1])
export("binary, integers", lambda i, j: [i & j, i | j, i ^ j, i << j, i >> j, i // j, *mx.divmod(i, j)], i, j)
export("binary, mixed", lambda x, i: [x + i, x * 2, i - 1, i / 2, i**2], x, i)
export("logical", lambda p, q: [mx.logical_and(p, q), mx.logical_or(p, q), mx.where(p, 1.5, q)], p, q)
export("array_equal", lambda x: [mx.array_equal(x, x, equal_nan=True), mx.allclose(x, x), mx.isnan(x)], x)

for f in [mx.sum, mx.prod, mx.min, mx.max, mx.mean, mx.var, mx.logsumexp]:
    export(f.__name__, lambda x, f=f: [f(x), f(x, axis=0), f(x, axis=[0, 1], keepdims=True), f(x, axis=-1)], x)
export("all, any", lambda x, p: [mx.all(x), mx.any(p, axis=0), mx.all(p, axis=1), mx.sum(p), mx.prod(p)], x, p)
export("sum of small integers", lambda i: [mx.sum(i, axis=1), mx.max(i)], i.astype(mx.int8))
export("argmin", lambda x: [mx.argmin(x), mx.argmax(x, axis=0), mx.argmin(x, axis=1, keepdims=True)], x)
# Not logcumsumexp: MLX knows its name otherwise and does not export it.
scans = [mx.cumsum, mx.cumprod, mx.cummax, mx.cummin]
export("scans", lambda x: [f(x, axis=k, reverse=k == 1, inclusive=k == 0) for f in scans for k in (0, 1)], x)
export("sort", lambda x: [mx.sort(x), mx.argsort(x, axis=0), mx.sort(x, axis=None)], x)
export("partition", lambda a: [mx.sort(mx.partition(a, 1)[:, :2]), mx.topk(a, 1), mx.partition(a, 3)[:, 3]], a)
export("argpartition", lambda a: mx.argpartition(a, 0, axis=1)[:, 0], a)
export("softmax", lambda x: [mx.softmax(x, axis=1), mx.softmax(x), mx.softmax(x, axis=-1, precise=True)], x)
export("searchsorted", lambda s, x: [mx.searchsorted(s, x), mx.searchsorted(s, x, side="right")], a[0], x)

export("shapes", lambda a: [a.T, a.reshape(2, 6), a[None], a.reshape(-1, 1, 4).squeeze(1), a.flatten()], a)
export("more shapes", lambda a: [mx.unflatten(a, 1, [2, -1]), mx.expand_dims(a, [0, 3]), mx.moveaxis(a, 0, 1)], a)
export("tiles", lambda x: [mx.tile(x, [2, 1]), mx.repeat(x, 2, 1), mx.broadcast_to(x, [4, 2, 3]), mx.roll(x, 1)], x)
export("joins", lambda x, y: [mx.concatenate([x, y, x], axis=1), mx.stack([x, y]), *mx.split(x, [1, 2], axis=1)], x, y)
export("pad", lambda x: [mx.pad(x, [(1, 2), (0, 1)], constant_values=2), mx.pad(x, 1, mode="edge")], x)
export("slices", lambda a: [a[1:], a[::-1, ::2], a[-1], a[:, 3:0:-1], a[2:2], a[..., -2:]], a)
export("dynamic slices", lambda a, s: [mx.slice(a, s, [0], [2, 4]), mx.slice_update(a, a[:1], s, [0])], a, mx.array([1]))
export("as_strided", lambda a: [mx.as_strided(a, [2, 3], [1, 2], 1), mx.diag(a), mx.as_strided(a, [3], [-1], 5)], a)
export("views", lambda x, i: [x.view(mx.int32), i.view(mx.uint8), x.astype(mx.int32), x.astype(mx.float16)], x, i)
export("creation", lambda x: [x + mx.arange(3), mx.arange(2, 8, 2), mx.zeros_like(x), mx.full([2], x[0, 0]), mx.eye(2)], x)
export("triangles", lambda a: [mx.tril(a), mx.triu(a, 1), mx.trace(a), mx.linspace(0, 1, 5) * a[0, 0]], a)
export("depends", lambda x, y: mx.depends([x], [y]), x, y)

rows = mx.array([2, 0])
export("gather", lambda a, k: [a[k], mx.take(a, k, axis=1), a[k, k], a[k, 1:3], mx.take(a, 3)], a, rows)
export("along an axis", lambda a, k: [mx.take_along_axis(a, k, 0), mx.put_along_axis(a, k, mx.array(1.0), 0)], a, rows.reshape(1, 2)[:, [0, 1, 0, 1]])


def updated(a, k, v):
    out = [a.at[k].add(v), a.at[k].multiply(v), a.at[k].maximum(v), a.at[k].minimum(v), a.at[1:].add(v)]
    a[k] = v
    out += [a.at[0].multiply(2), a.at[:, ::-2].maximum(1), a.at[1].minimum(-1)]
    a[:, 1] = 7
    return [*out, a]


export("updates", updated, a, rows, case.floats(2, 4))


def masked(x, p):
    x[p] = 5
    return x


export("masks", masked, x, p)

export("matmul", lambda a, b, c: [a @ b, a @ b[:, 0], a[0] @ b, mx.addmm(c, a, b, 0.5, 2), mx.inner(a, a)], a, b, case.floats(3, 2))
batch = case.floats(2, 3, 4)
export("matmul in batches", lambda t, b: [t @ b, t @ t.transpose(0, 2, 1), t[:, None] @ b, mx.einsum("bij,jk->bki", t, b)], batch, b)
export("gather_mm", lambda t, k: mx.gather_mm(t, t.transpose(0, 2, 1), k, k[::-1]), batch, mx.array([0, 1, 1], mx.uint32))
big = case.ints(32, 32, dtype=mx.float32)
export(
    "block_masked_mm",
    lambda x, m: [
        mx.block_masked_mm(x, x, 32, m),
        mx.block_masked_mm(x, x, 32, None, m, m),
        mx.block_masked_mm(x, x, 32, m, m, m),
    ],
    big,
    mx.array([[True]]),
)
wide = case.floats(4, 64)
for mode, more in [("affine", {"group_size": 32, "bits": 8}), ("mxfp4", {}), ("nvfp4", {}), ("mxfp8", {})]:
    w, *rest = mx.quantize(wide, mode=mode, **more)

    def product(x, w, *rest, mode=mode, more=more):
        left, right = mx.array([0], mx.uint32), mx.array([0], mx.uint32)
        more = dict(more, mode=mode)
        batch = [r[None] for r in rest]
        return [
            mx.quantized_matmul(x, w, *rest, **more),
            mx.quantized_matmul(x[:, :4], w, *rest, transpose=False, **more),
            mx.gather_qmm(x[None], w[None], *batch, lhs_indices=left, rhs_indices=right, **more),
        ]

    export(f"quantized, {mode}", product, case.floats(3, 64), w, *rest)
image = case.floats(1, 5, 4, 2)
export("conv2d", lambda x, w: mx.conv2d(x, w, stride=(2, 1), padding=(1, 0), groups=2), image, case.floats(4, 3, 2, 1))
export("conv_transpose2d", lambda x, w: mx.conv_transpose2d(x, w, stride=2, padding=1), image, case.floats(3, 2, 2, 2))
export("conv1d", lambda x, w: mx.conv1d(x, w, padding=1, dilation=2), image[:, :, 0], case.floats(3, 2, 2))
export("hadamard_transform", lambda a: [mx.hadamard_transform(a), mx.hadamard_transform(a, 2.0)], a)

export("fft", lambda x, z: [mx.fft.fft(z), mx.fft.ifft2(z), mx.fft.rfft(x), mx.fft.rfft(x, 2)], x, z)
export("irfft", lambda z: [mx.fft.irfft(z), mx.fft.irfft(z, 5), mx.fft.irfft2(z, [3, 2]), mx.fft.fftn(z, [4], [0])], z)

cpu = {"stream": mx.cpu}
export("linear algebra", lambda m: [mx.linalg.inv(m, **cpu), mx.linalg.cholesky(m, **cpu), mx.linalg.eigvalsh(m, **cpu)], definite)
export("eigenvalues", lambda m: [mx.sort(mx.abs(mx.linalg.eigvals(m, **cpu))), mx.abs(mx.linalg.eigh(m, **cpu)[1])], definite)
export("decompositions", lambda a: [*map(mx.abs, mx.linalg.qr(a, **cpu)), mx.linalg.svd(a, compute_uv=False, **cpu)], a)
export("svd and eig", lambda m: [mx.abs(mx.linalg.svd(m, **cpu)[2]), mx.sort(mx.abs(mx.linalg.eig(m, **cpu)[0]))], definite)
export("triangular inverse", lambda m: mx.linalg.tri_inv(mx.tril(m), **cpu), definite)

# Random numbers come from a key, that is captured where none is given.
export("random", lambda k: [mx.random.uniform(shape=[2, 3], key=k), mx.random.randint(0, 9, [4], key=k)], mx.random.key(3))
mx.random.seed(7)
export("random, captured", lambda x: x + mx.random.normal([2, 3]), x)


# Layers, gradients and transformations, which are many operations.
heads = case.floats(1, 2, 3, 4)


def layers(x, t):
    return [
        mx.fast.rms_norm(x, mx.ones([3]), 1e-5),
        mx.fast.layer_norm(x, mx.ones([3]), mx.zeros([3]), 1e-5),
        mx.fast.rope(t, 4, traditional=False, base=10000.0, scale=1.0, offset=2),
        mx.fast.scaled_dot_product_attention(t, t, t, scale=0.5, mask="causal"),
    ]


export("layers", layers, x, heads)


def loss(x, w):
    h = mx.tanh(mx.fast.layer_norm(x @ w, None, None, 1e-5))
    return mx.logsumexp(h, axis=-1).sum() + mx.softmax(h)[0].max() + mx.sort(h)[:, 0].sum()


export("gradients", lambda x, w: mx.grad(loss, [0, 1])(x, w), a, b)
export("vmap", lambda x, w: mx.vmap(lambda r: mx.cumsum(mx.exp(r) @ w)[::-1])(x), a, b)
export("compile", mx.compile(lambda x, y: mx.exp(x) * y + mx.sin(x)), x, y)

# Calls: names, several traces, other shapes, what is captured, metadata.
export("names", lambda x, *, y, bias: x * y + bias, x, {"y": y, "bias": case.floats(3)})
export("names alone", lambda *, b, a: [a - b, b], {"b": y, "a": x})
export("no inputs", lambda: mx.arange(3))
table = case.floats(2, 3)
export("captured", lambda x: [x * table, x @ table.T, mx.where(x > 0, table, mx.inf), x + table], x)
for dtype in [mx.bool_, mx.uint8, mx.int64, mx.float16, mx.bfloat16, mx.float64, mx.complex64]:
    held = case.values(dtype, 2, 3)
    export(f"captured {dtype_name(dtype)}", lambda held2, held=held: mx.where(held2, held, held[::-1]), p)
export("metadata", lambda x: x, x, metadata='{"name": "ü"}')
export("shapeless", lambda x, y: [(x - x.mean()) * y, mx.sum(x, axis=0)[:, None] + y.sum()], x, y[:1], others=[[a, a[:1]]], shapeless=True)


def traces():
    with mx.exporter(path, lambda *xs, y=None: [sum(xs), xs[0] * table] + ([] if y is None else [y])) as exporter:
        exporter(x)
        exporter(x, x)
        exporter(x.astype(mx.float16))
        exporter(x, y=i)


function("several traces", traces, [x], [x, y], [x.astype(mx.float16)], [x, {"y": i}])
