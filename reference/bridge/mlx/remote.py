"""The process that runs mlx-js, and what stands for its values in Python."""

import ast
import base64
import json
import math
import os
import re
import subprocess
import threading
import weakref
from functools import lru_cache
from pathlib import Path

import numpy as np

API = json.loads((Path(__file__).parents[3] / "test/upstream/api.json").read_text())["api"]


# JavaScript has fewer types of errors than Python: each stands for those that Python's MLX throws in its place.
class WrongArgument(TypeError, ValueError):
    """A TypeError: an argument is not what is expected."""


class OutOfRange(ValueError, IndexError, KeyError):
    """A RangeError: a value, shape or name is none of the possible ones."""

    __str__ = Exception.__str__


class Failed(ValueError, RuntimeError):
    """Any other Error."""


FAILURES = {"TypeError": WrongArgument, "RangeError": OutOfRange}


# Requests. Those of Python's threads wait for each other: mlx-js has one.

turn = threading.RLock()


def start():
    read, theirs = os.pipe()
    ours, write = os.pipe()
    server = Path(__file__).parents[1] / "server.mjs"
    # Descriptors 3 and 4, in this order, whatever they are here.
    command = f'exec "$0" --expose-gc "$1" 3<&{ours} 4>&{theirs}'
    node = os.environ.get("NODE", "node")
    process = subprocess.Popen(["sh", "-c", command, node, server], pass_fds=(ours, theirs), stdin=subprocess.DEVNULL)
    os.close(ours)
    os.close(theirs)
    return process, os.fdopen(read, "rb"), os.fdopen(write, "wb")


process, incoming, outgoing = start()
released = set()


def send(message):
    message["release"] = list(released)
    # What JSON has no word for is found out before anything is sent.
    line = json.dumps(message, allow_nan=False).encode() + b"\n"
    released.difference_update(message["release"])
    outgoing.write(line)
    outgoing.flush()


def request(op, **fields):
    with turn:
        return ask({"op": op, **fields})


def ask(message):
    send(message)
    while True:
        line = incoming.readline()
        if not line:
            raise SystemExit(f"The process of mlx-js ended: {process.wait()}")
        answer = json.loads(line)
        if "callback" in answer:
            serve(answer)
        elif "error" in answer:
            error = answer["error"]
            # An exception comes out as the same object.
            raise raised.pop(error["python"]) if "python" in error else FAILURES.get(error["name"], Failed)(
                error["message"]
            )
        else:
            return decode(answer["value"])


functions = []
raised = {}


def serve(callback):
    """Calls a function on behalf of mlx-js."""
    try:
        result = functions[callback["callback"]](*[decode(x) for x in callback["args"]])
        send({"done": encode(result)})
    except Exception as error:
        raised[id(error)] = error
        send({"failed": id(error)})


# Values.

TYPES = {}
proxies = weakref.WeakValueDictionary()
# What Python's own code is in must not be collected while mlx-js has it.
kept = []


class Remote:
    """An object of mlx-js."""

    _id = None

    def __del__(self):
        if self._id is not None:
            if released is not None:
                released.add(self._id)

    def _is(self, id):
        object.__setattr__(self, "_id", id)
        proxies[id] = self

    def _method(self, name, *args):
        return request("method", of=encode(self), name=name, args=[encode(x) for x in args])

    def __getattr__(self, name):
        if name.startswith("__") or self._id is None:
            raise AttributeError(name)
        value = request("get", of=encode(self), name=name)
        if value is MISSING:
            raise AttributeError(name)
        return value

    def __setattr__(self, name, value):
        request("set", of=encode(self), name=name, value=encode(value))

    def __delattr__(self, name):
        request("delete", of=encode(self), name=name)

    def __repr__(self):
        return python_notation(self._method("toString"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        request("dispose", of=encode(self))


class Function(Remote):
    """A function that mlx-js made."""

    def __call__(self, *args):
        return request("invoke", fn=encode(self), args=[encode(x) for x in args])


class Live:
    """A list or record that mlx-js has: what is read is what it is now, and what is written is written there."""

    def __init__(self, id, items):
        super().__init__(items)
        self._id = id

    def _now(self):
        return request("read", of={"t": "object", "v": self._id})

    def __setitem__(self, key, value):
        request("set", of={"t": "object", "v": self._id}, name=key, value=encode(value))


def current(method):
    return lambda self, *args: getattr(self._now(), method)(*args)


class Record(Live, dict):
    pass


class List(Live, list):
    pass


for type_, names in [(Record, "get items keys values __contains__"), (List, "index")]:
    for name in names.split() + ["__getitem__", "__len__", "__iter__", "__eq__", "__repr__"]:
        setattr(type_, name, current(name))

MISSING = object()


def python_notation(text):
    """What mlx-js prints of a module, as Python writes the same names and values."""
    text = re.sub(r"(?<=[a-z0-9])[A-Z](?=\w*=)", lambda m: "_" + m[0].lower(), text)
    text = re.sub(r"(?<==)(true|false)", lambda m: m[0].capitalize(), text)
    text = re.sub(r"(?<==)\[([^\]]*)\]", lambda m: f"({m[1]}{'' if ',' in m[1] else ','})", text)
    return re.sub(r"(?<==)\d+\.\d+", lambda m: repr(float(m[0])), text)


# JavaScript reads a request as one string, which has its limits.
MOST_BYTES = 2**28


def encode(x):
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, (Remote, Live)):
        return {"t": "object", "v": x._id}
    if isinstance(x, (int, np.integer)):
        return int(x) if abs(x) < 2**53 else {"t": "int", "v": str(x)}
    if isinstance(x, (float, np.floating)):
        return float(x) if math.isfinite(x) else {"t": "float", "v": str(x).replace("inf", "Infinity")}
    if isinstance(x, (complex, np.complexfloating)):
        return {"t": "complex", "v": [encode(float(x.real)), encode(float(x.imag))]}
    if isinstance(x, (list, tuple)):
        return [encode(y) for y in x]
    if isinstance(x, dict):
        return {"t": "dict", "v": {str(key): encode(value) for key, value in x.items()}}
    if isinstance(x, slice):
        return {"t": "slice", "v": [encode(x.start), encode(x.stop), encode(x.step)]}
    if x is Ellipsis:
        return "..."
    if isinstance(x, os.PathLike):
        return os.fspath(x)
    if isinstance(x, (np.ndarray, np.bool_)):
        if x.nbytes > MOST_BYTES:
            raise NotImplementedError(f"The bridge carries no array of {x.nbytes} bytes.")
        numbers = np.ascontiguousarray(x)
        data = base64.b64encode(numbers.tobytes()).decode()
        return {"t": "numbers", "v": {"dtype": x.dtype.name, "shape": x.shape, "data": data}}
    if hasattr(x, "mlx_name"):
        return {"t": "name", "v": x.mlx_name}
    if callable(x):
        if x not in functions:
            functions.append(x)
        return {"t": "function", "v": functions.index(x)}
    raise TypeError(f"The bridge has no word for {x!r}.")


EXPORTS = {}


def decode(x):
    if isinstance(x, list):
        return [decode(y) for y in x]
    if not isinstance(x, dict):
        return x
    kind, value = x["t"], x.get("v")
    if kind == "missing":
        return MISSING
    if kind == "object" or kind == "function":
        released.discard(value)
        proxy = proxies.get(value)
        if proxy is None:
            type_ = TYPES[x["class"]] if kind == "object" else Function
            proxy = type_.__new__(type_)
            proxy._is(value)
        return proxy
    if kind == "dict":
        return {key: decode(y) for key, y in value.items()}
    if kind == "record":
        return Record(value, {key: decode(y) for key, y in x["items"].items()})
    if kind == "list":
        return List(value, [decode(y) for y in x["items"]])
    if kind == "complex":
        return complex(*value)
    if kind == "name":
        return EXPORTS[value]
    if kind == "callable":
        return functions[value]
    return {"float": float, "int": int}[kind](value)


# Calls.


class Signature:
    """One of the forms in which Python calls a function."""

    def __init__(self, text, method):
        self.text = text
        # A default that is no expression is one that has to be given.
        a = ast.parse(re.sub(r"[\w.]*<[^>]*>", "...", f"def f{text}: pass")).body[0].args
        places = [p.arg for p in a.posonlyargs + a.args]
        self.positional = places[1:] if method and places and places[0] in ("self", "cls", "_") else places
        self.variadic = a.vararg and a.vararg.arg
        named = dict(zip(reversed(places), reversed(a.defaults)))
        named.update({p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults)})
        self.names = self.positional + [p.arg for p in a.kwonlyargs]
        self.required = [p for p in self.positional if p not in named]
        self.nothing = [p for p, d in named.items() if isinstance(d, ast.Constant) and d.value is None]

    def bind(self, args, kwargs):
        """The arguments by name, or None where they do not fit."""
        given = dict(zip(self.positional, args))
        more = args[len(self.positional) :]
        if (more and not self.variadic) or any(name in given or name not in self.names for name in kwargs):
            return None
        given.update(kwargs)
        if any(name not in given for name in self.required):
            return None
        if self.variadic and more:
            # `x.reshape(2, 3)` and `x.reshape((2, 3))` are one.
            one = len(more) == 1 and isinstance(more[0], (list, tuple)) and self.variadic in ("shape", "axes")
            given[self.variadic] = more[0] if one else more
        return {name: x for name, x in given.items() if x is not None or name not in self.nothing}


@lru_cache(None)
def signatures(name):
    owner = name.rpartition(".")[0]
    return [Signature(text, API.get(owner) == "class") for text in API[name]]


def call(name, args, kwargs, self=None, derived=None):
    """Calls what MLX has under a name."""
    for form in signatures(name):
        given = form.bind(args, kwargs)
        if given is not None:
            values = {key: encode(x) for key, x in given.items()}
            return request("call", name=name, form=form.text, given=values, self=encode(self), derived=derived)
    raise TypeError(f"{name}{API[name]} does not take {len(args)} arguments and {list(kwargs)}")
