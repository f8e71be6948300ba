"""Stands in for Python's mlx: every call is made in mlx-js.

The modules mlx.core, mlx.nn, mlx.optimizers and mlx.utils are made of the names in test/upstream/api.json. Written here
are only what Python has a syntax for, and how Python's numbers become arrays.
"""

import base64
import builtins
import sys
import threading
import types

import numpy as np

from . import remote
from .remote import API, EXPORTS, TYPES, Remote, call, decode, encode, request


class Method:
    """A method of a class, or of its instances."""

    def __init__(self, name):
        self.name = name
        self.mlx_name = name

    def __get__(self, instance, owner):
        return Bound(self.name, instance)


class Bound:
    def __init__(self, name, instance):
        self.name, self.instance = name, instance
        if instance is None:
            self.mlx_name = name

    def __call__(self, *args, **kwargs):
        return call(self.name, args, kwargs, self.instance)


class Export:
    """A function."""

    def __init__(self, name):
        self.mlx_name = name
        self.__name__ = name.rpartition(".")[2]

    def __call__(self, *args, **kwargs):
        return call(self.mlx_name, args, kwargs)


class Class(Remote):
    """The base of what stands for a class."""

    def __init__(self, *args, **kwargs):
        own = next(t for t in type(self).__mro__ if "mlx_name" in vars(t))
        derived = None
        if own is not type(self):
            forward = getattr(type(self), "__call__", None)
            ours = isinstance(forward, Bound) or forward is own.__call__
            derived = {"name": type(self).__name__, "forward": None if ours else encode(forward)}
            remote.kept.append(self)
        # It is given its number before anything else can ask for it.
        made = call(f"{own.mlx_name}.__init__", args, kwargs, derived=derived)
        if isinstance(made, dict):
            # What Python has a class for is a record here.
            vars(self).update(made)
            return
        id = made._id
        object.__setattr__(made, "_id", None)
        self._is(id)

    def __eq__(self, other):
        if self is other or not hasattr(self, "equals"):
            return self is other
        return self._method("equals", other)

    __hash__ = object.__hash__


def operator(name, swapped):
    return lambda self, x: NotImplemented if isinstance(x, dict) else core_call(name, x, self) if swapped else core_call(name, self, x)


def core_call(name, *operands):
    return call(f"core.{name}", [operand(x, operands) for x in operands], {})


def operand(x, all):
    """A number beside an array. One with a point makes integers float32, also where JavaScript has no point."""
    array = TYPES["core.array"]
    whole = isinstance(x, builtins.float) and x.is_integer()
    if whole and not any(isinstance(y, array) and "int" not in y.dtype.name and y.dtype.name != "bool" for y in all):
        return array(x)
    return x


OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}


def dtype_name(x):
    """The dtype that Python's MLX gives to numbers and lists of them, or None."""
    if isinstance(x, (list, tuple)):
        names = [dtype_name(y) for y in x]
        order = ["bool_", "int32", "int64", "float32", "complex64"]
        return None if None in names else max(names, key=order.index, default="float32")
    if isinstance(x, (bool, np.bool_)):
        return "bool_"
    if isinstance(x, int):
        return "int32" if -(2**31) <= x < 2**31 else "int64"
    return {builtins.float: "float32", complex: "complex64"}.get(type(x))


class array(Class):
    def __init__(self, val, dtype=None):
        name = dtype_name(val) if dtype is None else None
        dtype = EXPORTS[f"core.{name}"] if name else dtype
        if isinstance(val, np.generic) and not isinstance(val, (bool, int, float, complex)):
            val = np.asarray(val)
        if isinstance(val, np.ndarray) and val.dtype.name == "float64" and dtype is None:
            val = val.astype(np.float32)
        args = [encode(val)] if dtype is None else [encode(val), encode(dtype)]
        made = request("invoke", fn={"t": "name", "v": "core.array"}, args=args)
        id = made._id
        object.__setattr__(made, "_id", None)
        self._is(id)

    def __array__(self, dtype=None, copy=None):
        type, shape, data = request("data", of=encode(self))
        values = np.frombuffer(base64.b64decode(data), type).reshape(shape)
        return values.astype(dtype) if dtype else values.copy()

    @property
    def shape(self):
        return tuple(remote.request("get", of=encode(self), name="shape"))

    @property
    def at(self):
        return At(self)

    def item(self):
        return self.__array__().item()

    def tolist(self):
        return self.__array__().tolist()

    def __getitem__(self, index):
        return self._method("get", *indices(index))

    def __setitem__(self, index, value):
        self._method("set", list(indices(index)), value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __len__(self):
        if not self.shape:
            raise TypeError("len() 0-dimensional array.")
        return self.shape[0]

    def __bool__(self):
        return bool(self.item())

    def __float__(self):
        return builtins.float(self.item())

    def __int__(self):
        return int(self.item())

    __index__ = __int__

    def __complex__(self):
        return complex(self.item())

    def __format__(self, spec):
        return format(self.item() if spec else str(self), spec)

    def __neg__(self):
        return core_call("negative", self)

    def __invert__(self):
        return core_call("bitwise_invert", self)

    def __abs__(self):
        return core_call("abs", self)

    __hash__ = object.__hash__


for name, function in OPERATORS.items():
    setattr(array, f"__{name}__", operator(function, False))
    setattr(array, f"__r{name}__", operator(function, True))
for name, function in COMPARISONS.items():
    setattr(array, f"__{name}__", operator(function, False))


def compared(name, otherwise):
    """Equal or not. Lists and texts are other things than arrays."""
    compare = getattr(array, name)
    setattr(array, name, lambda self, x: otherwise if isinstance(x, (list, tuple, str)) else compare(self, x))


compared("__eq__", False)
compared("__ne__", True)


class At:
    def __init__(self, array):
        self.array = array

    def __getitem__(self, index):
        return self.array._method("at", *indices(index))


def indices(index):
    return index if isinstance(index, tuple) else (index,)


class Container(Class):
    """What Python has as a dictionary of its fields."""

    def __call__(self, *args):
        return self._method("forward", *args)

    def __getitem__(self, name):
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name, value):
        setattr(self, name, value)

    def __contains__(self, name):
        return hasattr(self, name)


def update(self, model, gradients):
    """A step. Python's dictionaries have `update`, as models do."""
    if isinstance(model, dict):
        return model.update(self.apply_gradients(gradients, model))
    return call("optimizers.Optimizer.update", [model, gradients], {}, self)


# The modules.


def module(path):
    if path not in sys.modules:
        made = sys.modules[path] = types.ModuleType(path)
        if "." in path:
            parent, _, name = path.rpartition(".")
            setattr(module(parent), name, made)
    return sys.modules[path]


parents = dict(request("classes"))


def make_class(name):
    if name not in TYPES:
        parent = parents.get(name)
        bases = (make_class(parent),) if parent else (Container,) if name == "nn.Module" else (Class,)
        TYPES[name] = array if name == "core.array" else type(name.rpartition(".")[2], bases, {})
        TYPES[name].mlx_name = name
    return TYPES[name]


for name in parents:
    make_class(name)
for name, what in API.items():
    owner, _, last = name.rpartition(".")
    if API.get(owner) == "class":
        if owner in TYPES and isinstance(what, list) and last not in vars(TYPES[owner]):
            if not last.startswith("__") or last == "__call__":
                setattr(TYPES[owner], last, Method(name))
        continue
    value = TYPES.get(name) if what == "class" else request("export", name=name) if what == "value" else Export(name)
    if value is not None:
        EXPORTS[name] = value
        setattr(module(f"mlx.{owner}"), last, value)

core, nn, optimizers = module("mlx.core"), module("mlx.nn"), module("mlx.optimizers")
TYPES["optimizers.Optimizer"].update = update
TYPES["core.Dtype"].__repr__ = lambda self: f"mlx.core.{self.name}"
core.newaxis = None
for alias, of in [("mlx.nn.activations", nn), ("mlx.optimizers.schedulers", optimizers)]:
    sys.modules[alias] = of
    setattr(sys.modules[alias.rpartition(".")[0]], alias.rpartition(".")[2], of)


def dtype_of(numbers, dtype):
    """The dtype that is given, or the one that Python gives to numbers, if it knows."""
    return {"dtype": dtype or EXPORTS.get(f"core.{dtype_name(numbers)}")}


def full(shape, vals, dtype=None, **kwargs):
    return make_full(shape, vals, **dtype_of(vals, dtype), **kwargs)


def arange(*args, **kwargs):
    """With a dtype, the beginning and the step are given, too."""
    names = ["start", "stop", "step", "dtype"][0 if len(args) > 1 or "start" in kwargs else 1 :]
    given = {**dict(zip(names, args)), **kwargs}
    if "stop" not in given:
        raise TypeError("arange has no stop.")
    numbers = [given.pop("start", 0), given.pop("stop"), given.pop("step", None) or 1]
    return make_arange(*numbers, **dtype_of(numbers, given.pop("dtype", None)), **given)


make_full, core.full = core.full, full
make_arange, core.arange = core.arange, arange


def collected(figure):
    """A figure of memory, without what JavaScript has not found to be garbage yet."""

    def called():
        request("collect")
        return figure()

    return called


core.get_active_memory = collected(core.get_active_memory)
clear_streams = core.clear_streams
# The streams of other threads are those of the only one that mlx-js has.
core.clear_streams = lambda: threading.current_thread() is threading.main_thread() and clear_streams()
