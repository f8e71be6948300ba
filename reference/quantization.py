import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed

case = Family("quantization")
# Of each mode, a length that its groups divide.
MODES = {"affine": 64, "mxfp4": 32, "mxfp8": 32, "nvfp4": 32}


def index(*values):
    return mx.array(values, mx.uint32)


def packed(w, **how):
    """The quantized matrix, and its scales and biases as arguments by name."""
    w, *scales = mx.quantize(w, **how)
    return w, dict(zip(["scales", "biases"], scales, strict=False)), how


for mode, size in MODES.items():
    for dtype in FLOATS:
        case("quantize", case.floats(2, size, dtype=dtype), mode=mode)
    case("quantize", case.floats(2, 1, 2 * size), mode=mode)
    case("quantize", transposed(case.floats(size, 2)), mode=mode)
    case("quantize", broadcasted(case.floats(1, size), 2, size), mode=mode)
    case("quantize", mx.zeros((1, size)), mode=mode)
for size in [32, 64, 128]:
    case("quantize", case.floats(1, 128), group_size=size, bits=8)
for bits in [1, 2, 3, 5, 6, 8]:
    case("quantize", case.floats(2, 32), group_size=32, bits=bits)
case("quantize", mx.zeros((0, 64)))
case("quantize", mx.zeros((2, 0)))
scale = mx.array(2.5)
case("quantize", case.floats(2, 16), mode="nvfp4", global_scale=scale)
case.throws("quantize", case.floats(64))
case.throws("quantize", case.floats())
case.throws("quantize", case.floats(2, 48))
case.throws("quantize", case.floats(2, 64), bits=7)
case.throws("quantize", case.floats(2, 48), group_size=16)
case.throws("quantize", case.floats(2, 64), mode="mxfp4", group_size=64)
case.throws("quantize", case.floats(2, 64), mode="mxfp8", bits=4)
case.throws("quantize", case.floats(2, 64), mode="int4")
case.throws("quantize", case.ints(2, 64))
case.throws("quantize", case.floats(2, 64), global_scale=scale)
case.throws("quantize", case.floats(2, 16), mode="nvfp4", global_scale=mx.array([1.0, 2.0]))
case.throws("quantize", case.floats(2, 16), mode="nvfp4", global_scale=scale.astype(mx.float16))
case.throws("quantize", case.floats(2, 64).astype(mx.float64))

for mode, size in MODES.items():
    # In other modes MLX takes float64 for pairs of floats.
    for dtype in [*FLOATS, None, *([mx.float64] if mode == "affine" else [])]:
        w, scales, _ = packed(case.floats(2, size), mode=mode)
        case("dequantize", w, **scales, mode=mode, dtype=dtype)
    w, scales, _ = packed(case.floats(2, 2, 2 * size), mode=mode)
    case("dequantize", w, **scales, mode=mode)
    case("dequantize", sliced(w, "1:", "::-1"), **{k: v[1:, ::-1] for k, v in scales.items()}, mode=mode)
for bits in [1, 2, 3, 5, 6, 8]:
    w, scales, how = packed(case.floats(2, 32), group_size=32, bits=bits)
    case("dequantize", w, **scales, **how)
for dtype in FLOATS:
    w, scales, how = packed(case.floats(1, 128, dtype=dtype), group_size=128)
    case("dequantize", w, **scales, **how)
w, scales, how = packed(case.floats(2, 16), mode="nvfp4", global_scale=scale)
case("dequantize", w, **scales, **how)
w, scales, _ = packed(case.floats(2, 64))
case("dequantize", mx.zeros((2, 0), mx.uint32), mx.zeros((2, 0)), mx.zeros((2, 0)))
case.throws("dequantize", w, scales["scales"])
case.throws("dequantize", w, **scales, group_size=32)
case.throws("dequantize", w, **scales, bits=8)
case.throws("dequantize", w, **scales, mode="mxfp4")
case.throws("dequantize", w, **scales, dtype=mx.int32)
case.throws("dequantize", w[0], scales["scales"][0], scales["biases"][0])
case.throws("dequantize", w[:1], **scales)
case.throws("dequantize", w.astype(mx.int32), **scales)
case.throws("dequantize", w, scales["scales"], mode="nvfp4")
case.throws("dequantize", w, **scales, global_scale=scale)

# Products. Most of one row: the files stay small.
for mode, size in MODES.items():
    for dtype in FLOATS:
        w, scales, how = packed(case.floats(3, size, dtype=dtype), mode=mode)
        case("quantized_matmul", case.floats(2, size, dtype=dtype), w, **scales, **how)
    w, scales, how = packed(case.floats(3, size), mode=mode)
    case("quantized_matmul", case.floats(size), w, **scales, **how)
    case("quantized_matmul", case.floats(2, 1, size), w, **scales, **how)
    case("quantized_matmul", transposed(case.floats(size, 2)), w, **scales, **how)
    case("quantized_matmul", case.floats(2, 3), w, **scales, **how, transpose=False)
    w, scales, how = packed(case.floats(2, 3, size), mode=mode)
    case("quantized_matmul", case.floats(2, 1, size), w, **scales, **how)
    case("quantized_matmul", case.floats(1, 1, size), w, **scales, **how)
for bits in [1, 2, 3, 5, 6, 8]:
    w, scales, how = packed(case.floats(2, 32), group_size=32, bits=bits)
    case("quantized_matmul", case.floats(1, 32), w, **scales, **how)
    case("quantized_matmul", case.floats(1, 2), w, **scales, **how, transpose=False)
w, scales, how = packed(case.floats(2, 128), group_size=128)
case("quantized_matmul", case.floats(1, 128), w, **scales, **how)
case("quantized_matmul", case.floats(1, 128, dtype=mx.float16), w, **scales, **how)
w, scales, _ = packed(case.floats(3, 64))
x = case.floats(2, 64)
case("quantized_matmul", case.ints(2, 64), w, **scales)
case.throws("quantized_matmul", case.floats(2, 32), w, **scales)
case.throws("quantized_matmul", x, w, **scales, transpose=False)
case.throws("quantized_matmul", x, w, scales["scales"])
case.throws("quantized_matmul", x, w, **scales, bits=8)
case.throws("quantized_matmul", x, w, **scales, mode="int4")
case.throws("quantized_matmul", x, w, **scales, mode="mxfp4")
case.throws("quantized_matmul", x, w.astype(mx.int32), **scales)
case.throws("quantized_matmul", x, w, scales["scales"], scales["biases"][:1])
case.throws("quantized_matmul", case.floats(), w, **scales)
case.throws("quantized_matmul", case.floats(2, 3, 64), mx.zeros((5, 4, 8), mx.uint32), *[mx.zeros((5, 4, 1))] * 2)
case.throws("quantized_matmul", x.astype(mx.float64), w, **scales)
case.throws("quantized_matmul", case.ints(1, 32), *mx.quantize(case.floats(1, 32), mode="mxfp4"), mode="mxfp4")

for mode, size in MODES.items():
    w, scales, how = packed(case.floats(3, 2, size), mode=mode)
    for dtype in FLOATS:
        x = case.floats(2, 1, size, dtype=dtype)
        case("gather_qmm", x, w, **scales, **how, lhs_indices=index(1, 0), rhs_indices=index(2, 0))
    case("gather_qmm", case.floats(1, size), w, **scales, **how, rhs_indices=index(2, 2, 1))
    case("gather_qmm", case.floats(3, 1, size), w, **scales, **how, lhs_indices=index(1, 1, 0), sorted_indices=True)
    case("gather_qmm", case.floats(3, 1, 2), w, **scales, **how, rhs_indices=index(2, 0, 1), transpose=False)
    case("gather_qmm", case.floats(3, 1, size), w, **scales, **how)
w, scales, how = packed(case.floats(2, 2, 2, 32), group_size=32, bits=8)
lhs, rhs = mx.array([[0], [2]], mx.int64), mx.array([3, 0, 1], mx.int32)
case("gather_qmm", case.floats(3, 1, 32), w, **scales, **how, lhs_indices=lhs, rhs_indices=rhs)
case("gather_qmm", transposed(case.floats(3, 32, 1), 0, 2, 1), w, **scales, **how, lhs_indices=lhs, rhs_indices=rhs)
case.throws("gather_qmm", case.floats(2, 1, 32), w, **scales, **how, rhs_indices=rhs)
case.throws("gather_qmm", case.floats(1, 32), w, **scales, **how, rhs_indices=case.floats(2))
case.throws("gather_qmm", case.floats(32), w, **scales, **how, rhs_indices=rhs)
case.throws("gather_qmm", case.floats(1, 64), w, **scales, **how, rhs_indices=rhs)
case.throws("gather_qmm", case.floats(1, 32), w, scales["scales"], **how, rhs_indices=rhs)
w, scales, how = packed(case.floats(2, 16), mode="nvfp4")
case("gather_qmm", case.floats(1, 16), w, **scales, **how, global_scale=scale, rhs_indices=index(0))["cpu"] = True

# What the CPU has of these.
for mode in ["mxfp4", "mxfp8", "nvfp4"]:
    for dtype in FLOATS:
        w, scales, how = packed(case.floats(3, 64), mode=mode)
        case("qqmm", case.floats(1, 64, dtype=dtype), w, **scales, **how)
    case("qqmm", case.floats(64), w, **scales, **how)
    case("qqmm", case.floats(1, 1, 64), w, **scales, **how)
    case("qqmm", sliced(case.floats(1, 128), ":", "::2"), w, **scales, **how)
w, scales, _ = packed(case.floats(3, 32), mode="nvfp4")
for x, y in [(case.floats(2, 32), w), (case.floats(1, 32), case.floats(3, 32))]:
    case.throws("qqmm", x, y, **(scales if y is w else {}))["cpu"] = True
case.throws("qqmm", case.floats(1, 32), w)
case.throws("qqmm", case.floats(1, 64), w, **scales)
case.throws("qqmm", case.ints(1, 32), w, **scales)
case.throws("qqmm", case.floats(1, 32), w, **scales, global_scale_x=scale)
case.throws("qqmm", case.floats(1, 32), w, **scales, mode="int4")
case.throws("qqmm", case.floats(1, 32), mx.stack([w, w]), mx.stack([scales["scales"]] * 2))
case.throws("gather_qqmm", case.floats(1, 32), case.floats(3, 32))["cpu"] = True
case.throws("gather_qqmm", case.floats(1, 32), w, **scales, rhs_indices=index(0))["cpu"] = True
case.throws("gather_qqmm", case.floats(1, 32), w, **scales, mode="int4")

for dtype in FLOATS:
    case("to_fp8", case.floats(2, 3, dtype=dtype))
    case("from_fp8", case.ints(2, 4, low=0, high=256, dtype=mx.uint8), dtype)
bytes_ = mx.array([0, 1, 7, 8, 56, 126, 127, 128, 129, 254, 255], mx.uint8)
case("from_fp8", bytes_)
case("from_fp8", bytes_, mx.float32)
case("from_fp8", transposed(case.ints(2, 3, low=0, high=256, dtype=mx.uint8)), mx.float16)
case("from_fp8", mx.array(57, mx.uint8), mx.float32)
case("from_fp8", mx.zeros((0, 2), mx.uint8))
case("to_fp8", mx.array([0.0, -0.0, 1e-9, 0.001, 447.9, 448.0, 464.0, 465.0, 1e9, float("inf"), float("-inf")]))
case("to_fp8", transposed(case.floats(2, 3)))
case("to_fp8", sliced(case.floats(7), "::-2"))
case("to_fp8", case.floats())
case("to_fp8", case.floats(0, 2))
case.throws("to_fp8", case.ints(3))
case.throws("to_fp8", case.complexes(2))
case.throws("from_fp8", case.ints(3))
case.throws("from_fp8", bytes_, mx.int32)
