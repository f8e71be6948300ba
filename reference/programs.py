"""Random programs: nested calls, up to twenty deep, of mixed dtypes and shapes, on views and with broadcasting.

MLX_PROGRAMS="seed count" makes others than those that are kept.
"""

import math
import os

import mlx.core as mx
import numpy as np

from reference.cases import DTYPES, Call, Family, View, plain

case = Family("programs")
FLOATS = [mx.float16, mx.bfloat16, mx.float32, mx.float32, mx.float32]
INTS = [d for d in DTYPES if mx.issubdtype(d, mx.integer)]


def floating(x):
    return mx.issubdtype(x.dtype, mx.floating)


def integral(x):
    return mx.issubdtype(x.dtype, mx.integer)


def real(x):
    return x.dtype != mx.complex64


class Program:
    """Grows an expression and its value, a call at a time."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        case.random = np.random.RandomState(seed + 2**20)
        self.leaves = [self.leaf() for _ in range(3)]
        self.expression, self.value, self.depth = *self.leaves[0], 0

    def pick(self, xs):
        return xs[self.random.randint(len(xs))]

    def shape(self, ndim):
        return [int(n) for n in self.random.randint(1, 5, ndim)]

    def leaf(self):
        dtype = self.pick([*FLOATS, *FLOATS, self.pick(INTS), self.pick(INTS), mx.bool_, mx.complex64])
        shape = self.shape(self.random.randint(0, 4))
        x = case.values(dtype, *shape)
        kind = self.random.randint(6)
        if kind == 0 and x.ndim > 1:
            x = View(x, transpose=[int(i) for i in self.random.permutation(x.ndim)])
        elif kind == 1 and x.ndim > 0:
            x = View(x, slice=[self.pick(["::-1", "::2", "1:", ":"]) for _ in shape])
        elif kind == 2:
            x = View(x, broadcast=[self.random.randint(1, 4), *shape])
        return x, plain(x)

    def axis(self, ndim):
        return int(self.random.randint(-ndim, ndim))

    def other(self):
        """Another operand, often a scalar: an array or a weak one."""
        if self.random.rand() < 0.3:
            whole = int(self.random.randint(1, 4))
            return whole if integral(self.value) else self.pick([whole, 0.5, -1.25])
        return self.pick(self.leaves)[0]

    def axes(self):
        ndim = self.value.ndim
        if ndim == 0 or self.random.rand() < 0.2:
            return None
        if self.random.rand() < 0.6:
            return self.axis(ndim)
        count = self.random.randint(1, ndim + 1)
        return [int(i) - ndim * int(self.random.randint(2)) for i in self.random.permutation(ndim)[:count]]

    def step(self):
        """The name, arguments and options of the next call, or nothing where it does not suit the value."""
        x, v, ndim = self.expression, self.value, self.value.ndim
        kind = self.pick(
            ["unary", "unary", "binary", "binary", "reduce", "scan", "shape", "shape", "join", "index", "sort"]
            + ["product", "choose", "softmax", "fft"]
        )
        if kind == "unary":
            names = ["negative", "abs", "square", "sign"]
            if v.dtype == mx.bool_:
                names = ["logical_not"]
            elif floating(v):
                names += ["sin", "cos", "tanh", "sigmoid", "arctan", "erf", "floor", "ceil", "round", "log1p", "sqrt"]
                names += ["isnan", "reciprocal", "rsqrt", "expm1"]
            elif v.dtype == mx.complex64:
                names = ["negative", "abs", "real", "imag", "conjugate", "exp", "square"]
            return self.pick(names), [x], {}
        if kind == "binary":
            names = ["add", "subtract", "multiply", "equal", "not_equal"]
            if real(v):
                names += ["maximum", "minimum", "less", "greater_equal", "logical_and", "logical_or"]
            if floating(v):
                names += ["divide", "arctan2", "logaddexp", "power"]
            if integral(v):
                names += ["floor_divide", "remainder", "bitwise_and", "bitwise_xor", "left_shift"]
            y = self.other()
            return self.pick(names), ([x, y] if self.random.rand() < 0.7 else [y, x]), {}
        if kind == "reduce" and v.size:
            names = ["sum", "mean", "prod"] + (["max", "min", "any", "all"] if real(v) else [])
            names += ["var", "std", "logsumexp"] if floating(v) else []
            return self.pick(names), [x, self.axes()], {"keepdims": bool(self.random.randint(2))}
        if kind == "scan" and ndim and real(v):
            name = self.pick(["cumsum", "cumprod", "cummax", "cummin"] + (["logcumsumexp"] if floating(v) else []))
            options = {"reverse": bool(self.random.randint(2)), "inclusive": bool(self.random.randint(2))}
            return name, [x, self.axis(ndim)], options
        if kind == "shape":
            steps = [("flatten", [x], {}), ("expand_dims", [x, self.axis(ndim + 1)], {}), ("atleast_2d", [x], {})]
            if ndim:
                order = [int(i) for i in self.random.permutation(ndim)]
                steps += [("transpose", [x, order], {}), ("reshape", [x, [-1, v.shape[-1]]], {})]
                steps += [("moveaxis", [x, self.axis(ndim), self.axis(ndim)], {})]
                steps += [("swapaxes", [x, self.axis(ndim), self.axis(ndim)], {})]
                steps += [("broadcast_to", [x, [2, *v.shape]], {}), ("roll", [x, 2, self.axis(ndim)], {})]
                steps += [("repeat", [x, 2, self.axis(ndim)], {}), ("tile", [x, [2] + [1] * (ndim - 1)], {})]
                steps += [("pad", [x, [1, 0]], {}), ("squeeze", [x], {}), ("contiguous", [x], {})]
            if v.size > 1:
                steps += [("as_strided", [x, [2, v.size // 2], [1, 1]], {})]
            if ndim > 1:
                steps += [("tril", [x, 1], {}), ("diagonal", [x], {"offset": 1}), ("triu", [x], {})]
            return self.pick(steps)
        if kind == "join" and ndim:
            flipped = Call("take", x, mx.arange(v.shape[-1] - 1, -1, -1), -1)
            if self.random.rand() < 0.5:
                return "concatenate", [[x, flipped], self.axis(ndim)], {}
            return "stack", [[flipped, x], self.axis(ndim + 1)], {}
        if kind == "index" and ndim and v.size:
            axis = self.axis(ndim)
            indices = case.ints(self.random.randint(1, 4), low=-v.shape[axis], high=v.shape[axis])
            if self.random.rand() < 0.5 or not real(v):
                return "take", [x, indices, axis], {}
            return "take_along_axis", [x, Call("argsort", x, axis), axis], {}
        if kind == "sort" and ndim and v.size and real(v):
            return self.pick(["sort", "argsort", "argmax", "argmin"]), [x, self.axis(ndim)], {}
        if kind == "product" and floating(v) and ndim:
            n, m = v.shape[-1], int(self.random.randint(1, 4))
            matrix = case.floats(n, m, low=-1, high=1, dtype=v.dtype)
            steps = [("matmul", [x, matrix], {}), ("inner", [x, Call("transpose", matrix)], {})]
            steps += [("outer", [x, matrix], {}), ("tensordot", [x, matrix], {"axes": 1})]
            if ndim == 2:
                steps += [("einsum", ["ij,jk->ki", x, matrix], {}), ("trace", [x], {})]
            return self.pick(steps)
        if kind == "choose":
            if self.random.rand() < 0.4 and real(v) and v.dtype != mx.bool_:
                return "clip", [x, 0, 2], {}
            pair = [x, self.other()]
            condition = Call("greater", self.pick(self.leaves)[0], 0)
            return "where", [condition, *(pair if self.random.rand() < 0.5 else pair[::-1])], {}
        if kind == "softmax" and floating(v) and ndim:
            return "softmax", [x, self.axis(ndim)], {"precise": bool(self.random.randint(2))}
        if kind == "fft" and v.dtype == mx.float32 and ndim and v.size:
            return self.pick(["fft.rfft", "fft.fft"]), [x], {"axis": self.axis(ndim)}
        return None

    def grow(self):
        made = self.step()
        if made is None:
            return False
        name, args, options = made
        try:
            value = Call(name, *args, **options).value()
            mx.eval(value)
        except (ValueError, RuntimeError, TypeError, IndexError):
            return False
        if not isinstance(value, mx.array) or not 0 < value.size <= 96 or value.ndim > 4:
            return False
        if mx.issubdtype(value.dtype, mx.inexact):
            magnitude = mx.abs(value).astype(mx.float32)
            if not bool(mx.all(magnitude < 1e4)):
                return False
        self.last = (name, args, options)
        self.expression, self.value = Call(name, *args, **options), value
        self.depth += 1
        return True


def perturbed(x, by):
    """The same expression, with floats that are a little off."""
    if isinstance(x, Call):
        return Call(x.name, *perturbed(x.args, by), **perturbed(x.kwargs, by))
    if isinstance(x, View):
        return View(perturbed(x.base, by), **{x.kind: x.how})
    if isinstance(x, mx.array) and floating(x):
        return x * (1 + by)
    if isinstance(x, (list, tuple)):
        return type(x)(perturbed(y, by) for y in x)
    if isinstance(x, dict):
        return {k: perturbed(v, by) for k, v in x.items()}
    return x


def steady(expression, value):
    """Whether rounding cannot move the result: comparisons and sorts of near ties would."""
    if not mx.issubdtype(value.dtype, mx.inexact):
        value = value.astype(mx.float32)
    for by in (1e-6, -1e-6):
        other = perturbed(expression, by).value()
        if other.shape != value.shape:
            return False
        off = mx.abs(other.astype(value.dtype) - value)
        if not bool(mx.all(off.astype(mx.float32) <= 1e-4 + 1e-3 * mx.abs(value).astype(mx.float32))):
            return False
    return True


seed, count = map(int, os.environ.get("MLX_PROGRAMS", "0 400").split())
kept = 0
while kept < count:
    program = Program(seed)
    seed += 1
    depth = int(program.random.randint(3, 21))
    for _ in range(8 * depth):
        if program.depth == depth:
            break
        program.grow()
    if program.depth >= 3 and steady(program.expression, program.value):
        name, args, options = program.last
        case(name, *args, **options)
        kept += 1
