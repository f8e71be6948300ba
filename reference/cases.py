"""Cases and their JSON: what the modules of the families are written with."""

import functools
import json
import math
import re
import zlib
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten

from reference.calls import ROOT, UNSET, bind, camel

DTYPES = [
    mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64,
    mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64,
]  # fmt: skip
FLOATS = [mx.float32, mx.float16, mx.bfloat16]


class View:
    """An array that is not contiguous, made alike on both sides from one that is."""

    def __init__(self, base, **how):
        (self.kind, self.how), self.base = next(iter(how.items())), base

    def array(self):
        if self.kind == "transpose":
            return mx.transpose(self.base, self.how)
        if self.kind == "broadcast":
            return mx.broadcast_to(self.base, self.how)
        return self.base[tuple(parse_slice(s) for s in self.how)]


def transposed(base, *axes):
    return View(base, transpose=list(axes or range(base.ndim)[::-1]))


def sliced(base, *slices):
    return View(base, slice=list(slices))


def broadcasted(base, *shape):
    return View(base, broadcast=list(shape))


def parse_slice(text):
    return slice(*(int(part) if part else None for part in text.split(":")))


class Call:
    """The result of a call as an argument, such as a schedule for an optimizer."""

    def __init__(self, name, *args, **kwargs):
        self.name, self.args, self.kwargs = name, args, kwargs

    def value(self):
        return lookup(self.name)(*map(plain, self.args), **plain(self.kwargs))


class Function:
    """A function as an argument, by its name."""

    def __init__(self, name):
        self.name = name

    def value(self):
        return lookup(self.name)


def plain(x):
    """What Python's MLX is called with."""
    if isinstance(x, View):
        return x.array()
    if isinstance(x, (Call, Function)):
        return x.value()
    if isinstance(x, (list, tuple)):
        return type(x)(plain(y) for y in x)
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x


def number(x):
    """A float as JSON: what JSON cannot say is a string."""
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    whole = abs(x) < 1e15 and x == int(x) and not (x == 0 and math.copysign(1, x) < 0)
    return int(x) if whole else x


def float32(x):
    """The shortest number that rounds to this float32."""
    if not np.isfinite(x):
        return number(float(x))
    short = float(str(x))
    assert np.float32(short) == x
    return number(short)


def array_data(x):
    if x.dtype == mx.complex64:
        return [[float32(v.real), float32(v.imag)] for v in np.array(x).ravel()]
    if x.dtype == mx.float64:
        return [number(float(v)) for v in np.array(x).ravel()]
    if mx.issubdtype(x.dtype, mx.floating):
        return [float32(v) for v in np.array(x.astype(mx.float32)).ravel()]
    values = [int(v) for v in np.array(x).ravel()]
    return [v if abs(v) <= 2**53 else str(v) for v in values]


def dtype_name(dtype):
    return str(dtype).rpartition(".")[2]


def encode(x):
    if x is UNSET:
        return {"$undefined": True}
    if isinstance(x, mx.array):
        return {"$array": {"dtype": dtype_name(x.dtype), "shape": list(x.shape), "data": array_data(x)}}
    if isinstance(x, View):
        return {**encode(x.base), x.kind: x.how}
    if isinstance(x, Call):
        args, options = bind(x.name, x.args, x.kwargs)
        return {"$call": camel_path(x.name), "args": encode(args), "options": encode(options)}
    if isinstance(x, Function):
        return {"$function": camel_path(x.name)}
    if isinstance(x, mx.Dtype):
        return {"$dtype": dtype_name(x)}
    if isinstance(x, mx.DtypeCategory):
        return {"$category": x.name}
    if isinstance(x, slice):
        return {"$slice": [x.start, x.stop, x.step]}
    if isinstance(x, complex):
        return {"$complex": [x.real, x.imag]}
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, int):
        return x if abs(x) <= 2**53 else {"$bigint": str(x)}
    if isinstance(x, float):
        return {"$number": number(x)} if not math.isfinite(x) else x
    if isinstance(x, (list, tuple)):
        return [encode(y) for y in x]
    if isinstance(x, dict):
        return {k: encode(v) for k, v in x.items()}
    raise TypeError(f"no JSON for {type(x)}")


def written(name, args, kwargs):
    """The arguments of a call, as TypeScript has them."""
    positional, options = bind(name, args, kwargs)
    return {"args": encode(positional), **({"options": encode(options)} if options else {})}


def check_scalars(args):
    """2.0 is an integer in JavaScript: where that would make a difference to Python, no case may have it."""
    arrays = [a for a in map(plain, args) if isinstance(a, mx.array)]
    if any(mx.issubdtype(a.dtype, mx.inexact) for a in arrays):
        return
    for a in args:
        if isinstance(a, float) and a.is_integer():
            raise ValueError(f"{a} means something else in JavaScript")


def lookup(name):
    if name.startswith(("nn.", "optimizers.")):
        place = {"nn": nn, "optimizers": optimizers}[name.partition(".")[0]]
        name = name.partition(".")[2]
    else:
        place = mx
    for part in name.split("."):
        place = getattr(place, part)
    return place


def camel_path(name):
    *path, last = name.split(".")
    return ".".join(path + [camel(last) if last[0].islower() else last])


@functools.cache
def libmlx():
    return b"".join(f.read_bytes() for f in (ROOT / "lib").glob("libmlx.*"))


def says(error):
    """The text of an error where MLX's library says it; true where Python's own layer does, in words of its own."""
    text = str(error)
    names = "|".join(map(dtype_name, DTYPES))
    name = re.match(r"\[(\w+)\]|", text).group(1) or "\0"
    literals = re.split(rf"\[\w+\]|[\d()\[\]'\"]+|\b(?:{names}|{name})\b", text)
    return text if any(len(part) > 7 and part[:24].strip().encode() in libmlx() for part in literals) else True


class Family:
    """The cases of one file. Calling it calls the function of that name in Python and adds what came of it."""

    def __init__(self, name):
        self.name, self.cases = name, []
        # RandomState: its streams are frozen, other generators' may change with NumPy.
        self.random = np.random.RandomState(zlib.crc32(name.encode()) % 2**32)

    def add(self, case):
        self.cases.append(case)
        return case

    def __call__(self, name, *args, seed=None, then=None, **kwargs):
        """A case: what the call gives, or the error that it raises.

        `then` are the arguments of a second call, of the function that the first one returns; a dict is its options.
        """
        if not name.startswith(("nn.", "optimizers.")):
            check_scalars(args)
        case = {"name": camel_path(name), **written(name, args, kwargs)}
        fn = lookup(name)
        if then is not None:
            made, positional = fn, [a for a in then if not isinstance(a, dict)]
            options = {k: v for a in then if isinstance(a, dict) for k, v in a.items()}
            args2, options2 = bind(name + "()", positional, options)
            case["then"] = encode([*args2, options2] if options2 else args2)

            def fn(*args, **kwargs):
                return made(*args, **kwargs)(*plain(positional), **options)

        if seed is not None:
            case["seed"] = seed
            mx.random.seed(seed)
        case.update(outcome(fn, *args, **kwargs))
        if "throws" in case and name.startswith(("nn.", "optimizers.")):
            case["throws"] = True  # these are Python's words
        return self.add(case)

    def throws(self, name, *args, **kwargs):
        case = self(name, *args, **kwargs)
        assert "throws" in case, f"{name} did not raise: {case}"
        return case

    def layer(
        self, name, *args, inputs, call=None, method=None, grads=None, training=True, seed=None, dtype=mx.float32,
        light=False, **kwargs
    ):  # fmt: skip
        """A case of a layer of mlx.nn: made from `args` and `kwargs`, called with `inputs` and the options `call`.

        Its weights are of `dtype`. `grads` adds gradients of sum(sin(output) * cotangent), or of softmax, for the
        weights, the float inputs and the arrays in `call`. `light` calls it by way of mlx.nn.utils.checkpoint.
        """
        call = call or {}
        case = {"layer": name, **written(f"nn.{name}", args, kwargs), "inputs": encode(inputs)}
        forward_options = bind(f"nn.{name}.{method}" if method else f"nn.{name}()", inputs, call)[1]
        if forward_options:
            case["forwardOptions"] = encode(forward_options)
        if method:
            case["method"] = camel(method)
        if not training:
            case["training"] = False
        if light:
            case["light"] = True
        try:
            layer = lookup(f"nn.{name}")(*plain(args), **plain(kwargs))
        except ValueError:
            return self.add({**case, "throws": True})
        layer.train(training)
        weights = [(k, self.weight(k, v).astype(dtype)) for k, v in tree_flatten(layer.parameters())]
        if weights:
            layer.load_weights(weights)
            case["weights"] = encode(dict(weights))

        if seed is not None:
            case["seed"] = seed
            mx.random.seed(seed)

        def forward(*inputs, **more):
            called = nn.utils.checkpoint(layer) if light else getattr(layer, method) if method else layer
            return called(*inputs, **{**plain(call), **more})

        self.add({**case, **outcome(forward, *inputs)})
        if "throws" in self.cases[-1]:
            self.cases[-1]["throws"] = True
            return self.cases[-1]
        if "running_var" in dict(weights):  # BatchNorm's statistics after one batch
            self.cases[-1]["after"] = encode(dict(tree_flatten(layer.parameters())))
        if grads:
            self.cases[-1]["grads"] = self.gradients(layer, forward, plain(inputs), plain(call), grads, seed)
        return self.cases[-1]

    def gradients(self, layer, forward, inputs, call, kind, seed):
        first = forward(*inputs)
        cotangents = [self.floats(*y.shape) for y in (first if isinstance(first, tuple) else [first])]

        def loss(*inputs, **call):
            if seed is not None:
                mx.random.seed(seed)
            out = forward(*inputs, **call)
            total = 0
            for y, cotangent in zip(out if isinstance(out, tuple) else [out], cotangents, strict=True):
                total = total + ((mx.softmax(y, -1) if kind == "softmax" else mx.sin(y)) * cotangent).sum()
            return total

        found = {"of": kind, "cotangent": encode(cotangents if isinstance(first, tuple) else cotangents[0])}
        floating = [i for i, x in enumerate(inputs) if isinstance(x, mx.array) and mx.issubdtype(x.dtype, mx.floating)]
        if floating:
            grads = mx.grad(loss, floating)(*inputs)
            # A list of one argument gives no list.
            grads = [grads] if isinstance(grads, mx.array) else grads
            found["inputs"] = {str(i): encode(g) for i, g in zip(floating, grads, strict=True)}
        states = {k: v for k, v in call.items() if isinstance(v, mx.array) and mx.issubdtype(v.dtype, mx.floating)}
        if states:
            found["options"] = encode(
                {camel(k): mx.grad(loss, argnums=(), argnames=k)(*inputs, **call)[1][k] for k in states}
            )
        if layer.trainable_parameters():
            found["weights"] = encode(dict(tree_flatten(nn.value_and_grad(layer, loss)(*inputs)[1])))
        return found

    # Inputs. Few digits keep the files small.

    def weight(self, name, like):
        if not mx.issubdtype(like.dtype, mx.floating):
            return like  # packed bits and their scales, which are not any integers
        # Small: gradients through a saturated softmax would only compare noise.
        return self.floats(*like.shape, low=0.2 if name == "running_var" else -0.6, high=0.6)

    def floats(self, *shape, low=-3.0, high=3.0, dtype=mx.float32):
        return mx.array(self.random.uniform(low, high, shape).round(2).astype(np.float32)).astype(dtype)

    def ints(self, *shape, low=-9, high=10, dtype=mx.int32):
        return mx.array(self.random.randint(low, high, shape).astype(np.int64)).astype(dtype)

    def complexes(self, *shape, low=-2.0, high=2.0):
        re, im = (self.random.uniform(low, high, shape).round(2) for _ in range(2))
        return mx.array((re + 1j * im).astype(np.complex64))

    def values(self, dtype, *shape, low=None, high=None):
        """Values that fit the dtype, within the bounds where they make sense for it."""
        if dtype == mx.complex64:
            return self.complexes(*shape)
        if mx.issubdtype(dtype, mx.floating):
            return self.floats(
                *shape, low=-3.0 if low is None else low, high=3.0 if high is None else high, dtype=dtype
            )
        if dtype == mx.bool_:
            return self.ints(*shape, low=0, high=2, dtype=dtype)
        least = 0 if mx.issubdtype(dtype, mx.unsignedinteger) else -9
        most = 10
        if low is not None:
            least = max(least, math.ceil(low))
        if high is not None:
            most = max(least + 2, min(most, math.floor(high) + 1))
        return self.ints(*shape, low=least, high=most, dtype=dtype)

    def write(self, folder):
        lines = ",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in self.cases)
        head = json.dumps({"mlx": mx.__version__, "family": self.name})[:-1]
        path = Path(folder) / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{head}, "cases": [\n{lines}\n]}}\n')
        return path


def outcome(fn, *args, **kwargs):
    try:
        result = fn(*plain(args), **plain(kwargs))
        mx.eval(result)
    except (ValueError, IndexError, RuntimeError, TypeError) as error:
        if "incompatible function arguments" in str(error):
            raise  # a mistake in the case: nanobind found no overload
        # What only the CPU's kernels refuse.
        return {"throws": says(error), **({"cpu": True} if re.search("::eval|CPU", str(error)) else {})}
    return {"expect": encode(result)}
