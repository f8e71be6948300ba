"""Writes test/upstream/api.json: names and signatures of MLX's Python API.

usage: upstream.py [--out FILE]

Those of mlx.core come from the stubs of the installed wheel, the others from the modules themselves. A function has the
list of its signatures, one for each overload; anything else says what it is.
"""

import sys

# Not this folder, whose random.py would hide Python's own.
sys.dont_write_bytecode = True
del sys.path[0]

import argparse
import ast
import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import mlx.core as mx
import mlx.nn
import mlx.optimizers
import mlx.utils


def written(parameters):
    """Parameters in Python's notation, of (kind, name, default or None)."""
    parts, kinds = [], [kind for kind, *_ in parameters]
    for i, (kind, name, default) in enumerate(parameters):
        if kind == "keyword" and "variadic" not in kinds[:i] and "keyword" not in kinds[:i]:
            parts.append("*")
        star = {"variadic": "*", "record": "**"}.get(kind, "")
        parts.append(star + name + ("" if default is None else f"={default}"))
        if kind == "positional" and kinds[i + 1 : i + 2] != ["positional"]:
            parts.append("/")
    return f"({', '.join(parts)})"


# The stubs of mlx.core.


def of_stub(node):
    a = node.args
    parameters = [("positional", p) for p in a.posonlyargs] + [("either", p) for p in a.args]
    defaults = [None] * (len(parameters) - len(a.defaults)) + list(a.defaults)
    out = [(kind, p.arg, default) for (kind, p), default in zip(parameters, defaults)]
    if a.vararg:
        out.append(("variadic", a.vararg.arg, None))
    out += [("keyword", p.arg, default) for p, default in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg:
        out.append(("record", a.kwarg.arg, None))
    return written([(kind, name, default and ast.unparse(default)) for kind, name, default in out])


def stub_members(name, node, api):
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            if any(getattr(d, "id", "") == "property" for d in member.decorator_list):
                api[f"{name}.{member.name}"] = "property"
            elif not any(getattr(d, "attr", "") == "setter" for d in member.decorator_list):
                api.setdefault(f"{name}.{member.name}", []).append(of_stub(member))
        elif isinstance(member, (ast.Assign, ast.AnnAssign)):
            target = member.targets[0] if isinstance(member, ast.Assign) else member.target
            api[f"{name}.{target.id}"] = "value"


def core(api):
    aliases = {}
    for file in sorted((Path(mx.__file__).parent / "core").glob("*.pyi")):
        module = mx if file.stem == "__init__" else getattr(mx, file.stem)
        prefix = module.__name__.removeprefix("mlx.")
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                name = node.name
            elif isinstance(node, ast.FunctionDef):
                name = node.name
            elif isinstance(node, ast.Assign):
                name = node.targets[0].id
            elif isinstance(node, ast.AnnAssign):
                name = node.target.id
            else:
                continue
            # What is written for the types alone is not in the module.
            if not hasattr(module, name) or name.startswith("_"):
                continue
            key = f"{prefix}.{name}"
            if isinstance(node, ast.ClassDef):
                api[key] = "class"
                stub_members(key, node, api)
                # The one member that the stubs leave out.
                if "__format__" in vars(getattr(module, name)):
                    api[f"{key}.__format__"] = ["(self, format_spec, /)"]
            elif isinstance(node, ast.FunctionDef):
                api.setdefault(key, []).append(of_stub(node))
            elif isinstance(node, ast.Assign):
                aliases[key] = f"core.{ast.unparse(node.value)}"
            else:
                api[key] = "value"
    for key, of in aliases.items():
        api[key] = api[of]


# The modules in Python.


def default_text(value):
    if callable(value) and not isinstance(value, type):
        known = [name for name, x in vars(mlx.nn).items() if x is value]
        return f"mlx.nn.{known[0]}" if known else value.__qualname__
    return repr(value)


def of_callable(function):
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: "positional",
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "either",
        inspect.Parameter.VAR_POSITIONAL: "variadic",
        inspect.Parameter.KEYWORD_ONLY: "keyword",
        inspect.Parameter.VAR_KEYWORD: "record",
    }
    parameters = inspect.signature(function).parameters.values()
    return written(
        [
            (kinds[p.kind], p.name, None if p.default is inspect.Parameter.empty else default_text(p.default))
            for p in parameters
        ]
    )


def describe(key, value, api):
    if not inspect.isclass(value):
        api[key] = [of_callable(value)]
        return
    api[key] = "class"
    api[f"{key}.__init__"] = [of_callable(value.__init__)]
    for name, member in vars(value).items():
        if isinstance(member, property):
            api[f"{key}.{name}"] = "property"
        elif name == "__init__" or (name.startswith("_") and not name.startswith("__")):
            continue
        elif isinstance(member, (staticmethod, classmethod)):
            api[f"{key}.{name}"] = [of_callable(member.__func__)]
        elif inspect.isfunction(member):
            api[f"{key}.{name}"] = [of_callable(member)]


def python(package, api):
    modules = [package]
    if hasattr(package, "__path__"):
        found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        modules += [importlib.import_module(info.name) for info in found]
    seen = set()
    for module in modules:
        prefix = module.__name__.removeprefix("mlx.")
        for name, value in vars(module).items():
            # What the module only imports belongs elsewhere; the package's own names are the shortest.
            home = getattr(value, "__module__", None) or ""
            compiled = type(value).__name__ == "_gc_func"
            own = compiled or home == module.__name__ or (module is package and home.startswith(package.__name__))
            if name.startswith("_") or not own or inspect.ismodule(value) or id(value) in seen:
                continue
            if inspect.isclass(value) or inspect.isfunction(inspect.unwrap(value)) or compiled:
                seen.add(id(value))
                describe(f"{prefix}.{name}", value, api)


def main():
    parser = argparse.ArgumentParser()
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", default=root / "test" / "upstream" / "api.json", type=Path)
    options = parser.parse_args()

    api = {}
    core(api)
    for package in (mlx.nn, mlx.optimizers, mlx.utils):
        python(package, api)
    # One name a line, so that the difference between two versions can be read.
    rows = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(api.items())]
    text = f'{{\n  "mlx": {json.dumps(mx.__version__)},\n  "api": {{\n' + ",\n".join(rows) + "\n  }\n}\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)


main()
