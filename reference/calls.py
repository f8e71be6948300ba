"""How a Python call is written in TypeScript: derived from MLX's own stubs and sources.

Functions of mlx.core: required parameters are positional; an optional one stays positional while it and all optional
ones before it are in POSITIONAL; the others go into one trailing record. Of mlx.nn and mlx.optimizers, all that has a
default goes into the record, but static methods take everything by position. `*args` is one list.
"""

import ast
import functools
import inspect
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers

ROOT = Path(mx.__file__).parent
POSITIONAL = set("axis axes dtype shape start stop step num k n s decimals low high p ord argnums".split())
UNSET = object()


def camel(name):
    head, *tail = name.strip("_").split("_")
    return head + "".join(t[:1].upper() + t[1:] for t in tail)


class Form:
    """One overload: its parameters in Python's order and their places in TypeScript."""

    def __init__(self, fn, positional, skip=0):
        a = fn.args
        self.params = [p.arg for p in a.posonlyargs + a.args][skip:]
        self.variadic = a.vararg and a.vararg.arg
        optional = self.params[len(self.params) - len(a.defaults) :] if a.defaults else []
        self.positional, self.options, still = [], [], True
        for name in self.params:
            if name == "stream":
                self.options.append(name)
            elif name not in optional:
                self.positional.append(name)
            elif still and name in positional:
                self.positional.append(name)
            else:
                still = False
                self.options.append(name)
        self.options += [p.arg for p in a.kwonlyargs]
        if self.variadic:
            self.positional.append(self.variadic)
        self.names = set(self.positional + self.options)

    def fits(self, args, kwargs):
        return set(kwargs) <= self.names and (self.variadic or len(args) <= len(self.params))

    def bind(self, args, kwargs):
        bound = dict(zip(self.params, args, strict=False), **kwargs)
        if self.variadic:
            bound[self.variadic] = list(args[len(self.params) :])
        positional = [bound.get(name, UNSET) for name in self.positional]
        options = {camel(n): bound[n] for n in self.options if n in bound}
        while not options and positional and positional[-1] is UNSET:
            positional.pop()
        return positional, options


def _functions(path):
    return [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)]


def _methods(module):
    """The methods of a module's classes, inherited ones too."""
    for name, klass in inspect.getmembers(module, inspect.isclass):
        for method, fn in inspect.getmembers(klass, inspect.isfunction):
            if method.startswith("_") and method not in ("__init__", "__call__"):
                continue
            params = inspect.signature(fn).parameters.values()
            text = ", ".join(
                str(p.replace(annotation=p.empty, default=p.default if p.default is p.empty else 0)) for p in params
            )
            static = isinstance(inspect.getattr_static(klass, method), staticmethod)
            node = ast.parse(f"def f({text}): ...").body[0]
            form = Form(node, [p.name for p in params]) if static else Form(node, (), skip=1)
            yield name, method, form


@functools.cache
def forms():
    """All forms of every function, by its Python name ("random.uniform", "nn.gelu", "nn.Linear", ...)."""
    table = {}
    for stub in sorted((ROOT / "core").glob("*.pyi")):
        module = "" if stub.stem == "__init__" else stub.stem + "."
        for fn in _functions(stub):
            table.setdefault(module + fn.name, []).append(Form(fn, POSITIONAL))
    # The stubs do not list aliases.
    listed = {id(getattr(mx, name)): name for name in table if hasattr(mx, name)}
    for name in dir(mx):
        original = listed.get(id(getattr(mx, name)))
        if original and name not in table:
            table[name] = table[original]

    sources = [(f, "nn.") for f in sorted((ROOT / "nn" / "layers").glob("*.py"))]
    sources += [(ROOT / "nn" / "losses.py", "nn.losses.")]
    sources += [(ROOT / "nn" / "init.py", "nn.init.")]
    sources += [(f, "optimizers.") for f in sorted((ROOT / "optimizers").glob("*.py"))]
    for source, module in sources:
        for node in ast.parse(source.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                table[module + node.name] = [Form(node, ())]
                # What a function returns: an initializer, a schedule.
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        table[module + node.name + "()"] = [Form(inner, ())]

    for module, prefix in [(nn, "nn."), (optimizers, "optimizers.")]:
        for klass, method, fn in _methods(module):
            suffix = {"__init__": "", "__call__": "()"}.get(method, f".{method}")
            table[f"{prefix}{klass}{suffix}"] = [fn]
    return table


def bind(name, args, kwargs):
    """The positional arguments and the options of the TypeScript call."""
    if name == "arange":  # arange(stop), or arange(start, stop, step?, dtype?)
        dtype = kwargs.get("dtype", UNSET)
        args = list(args) + [UNSET] * (3 - len(args)) + [dtype] if kwargs else args
        return list(args), {}
    for form in forms().get(name, []):
        if form.fits(args, kwargs):
            positional, options = form.bind(args, kwargs)
            # A single array stays one: atleast_2d(x), not atleast_2d([x]).
            if name.startswith("atleast") and len(positional[0]) == 1:
                positional = positional[0]
            return positional, options
    raise TypeError(f"{name} has no form for {args} {kwargs}")
