"""Files as Python's MLX, NumPy and other programs write them, and what Python's MLX reads from them."""

import base64
import io
import json
import struct
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

import mlx.core as mx
import numpy as np

from reference.cases import DTYPES, Family, dtype_name, encode

case = Family("io")
folder = tempfile.TemporaryDirectory()


def file(data, format, title, right=None):
    """A case: the bytes of a file, its arrays and its metadata; `right` are the values where MLX reads others."""
    path = Path(folder.name) / f"file.{format}"
    path.write_bytes(data)
    metadata = {}
    if format in ("safetensors", "gguf"):
        arrays, metadata = mx.load(str(path), return_metadata=True)
    else:
        arrays = mx.load(str(path))
    if right is not None:
        arrays = {name: mx.array(right[name], arrays[name].dtype).reshape(arrays[name].shape) for name in arrays}
    mx.eval(arrays)
    expect = encode(arrays if isinstance(arrays, mx.array) else dict(sorted(arrays.items())))
    more = {"metadata": encode(dict(sorted(metadata.items())))} if metadata else {}
    case.add({"file": title, "format": format, "bytes": base64.b64encode(data).decode(), "expect": expect, **more})


def saved(save, format):
    """The bytes that a function writes to the file of a name."""
    path = Path(folder.name) / f"saved.{format}"
    save(str(path))
    return path.read_bytes()


def numpy_bytes(save, *args, **kwargs):
    out = io.BytesIO()
    # An archive has the times of its files.
    with mock.patch("time.localtime", return_value=(1980, 1, 1, 0, 0, 0, 1, 1, 0)):
        save(out, *args, **kwargs)
    return out.getvalue()


# npy: MLX's own, of every dtype and of awkward shapes; NumPy's, also big-endian and in Fortran's order.
for dtype in DTYPES:
    name = dtype_name(dtype)
    a = case.values(dtype, 2, 3)
    file(saved(lambda path, a=a: mx.save(path, a), "npy"), "npy", f"MLX, {name}")
for shape in [(), (0,), (3, 0, 2), (1, 1, 1, 1, 1)]:
    file(saved(lambda path, s=shape: mx.save(path, mx.ones(s)), "npy"), "npy", f"MLX, shape {list(shape)}")
file(saved(lambda path: mx.save(path, case.floats(3, 2).T), "npy"), "npy", "MLX, transposed")

numbers = np.arange(6).reshape(2, 3)
for code in ["?", "u1", "<u2", "<i4", "<i8", "<f2", "<f4", "<f8", "<c8", ">i2", ">i4", ">u8", ">f4", ">f8"]:
    file(numpy_bytes(np.save, numbers.astype(code)), "npy", f"NumPy, {code}")
file(numpy_bytes(np.save, np.asfortranarray(numbers.astype("<f4"))), "npy", "NumPy, Fortran's order")
file(numpy_bytes(np.save, np.asfortranarray(numbers.astype(">i2"))), "npy", "NumPy, Fortran's order, big-endian")
file(numpy_bytes(np.save, np.float32(3.5)), "npy", "NumPy, a scalar")
file(numpy_bytes(np.save, np.zeros((0, 4), "<f4")), "npy", "NumPy, no values")
version2 = io.BytesIO()
np.lib.format.write_array(version2, numbers.astype("<f4"), version=(2, 0))
file(version2.getvalue(), "npy", "NumPy, version 2")

# npz
arrays = {"a": numbers.astype("<f4"), "b/c": np.array(True), "ä": np.zeros((2, 0), "<i8"), "z": np.arange(300, dtype="<i4")}
file(numpy_bytes(np.savez, **arrays), "npz", "NumPy, stored")
file(numpy_bytes(np.savez_compressed, **arrays), "npz", "NumPy, compressed")
file(numpy_bytes(np.savez, numbers, numbers.astype("<f2")), "npz", "NumPy, a list")
with mock.patch("time.localtime", return_value=(1980, 1, 1, 0, 0, 0, 1, 1, 0)):
    x = case.floats(2, 3, dtype=mx.bfloat16)
    file(saved(lambda path: mx.savez(path, x=x), "npz"), "npz", "MLX, stored")
    file(saved(lambda path: mx.savez_compressed(path, mx.ones((100,))), "npz"), "npz", "MLX, compressed")
commented = io.BytesIO()
with zipfile.ZipFile(commented, "w") as archive:
    archive.writestr(zipfile.ZipInfo("raw"), numpy_bytes(np.save, numbers.astype("<i2")))
    archive.comment = b"a comment"
file(commented.getvalue(), "npz", "zip with a comment")

# safetensors. MLX's have one array each: the order of several is not the same everywhere.
for dtype in DTYPES:
    if dtype != mx.float64:
        a = case.values(dtype, 3, 2)
        data = saved(lambda path, a=a: mx.save_safetensors(path, {"a": a}), "safetensors")
        file(data, "safetensors", f"MLX, {dtype_name(dtype)}")
with_text = {"made by": "Python's MLX"}
file(
    saved(lambda path: mx.save_safetensors(path, {"weight": case.floats(2, 2)}, with_text), "safetensors"),
    "safetensors", "MLX, metadata",
)  # fmt: skip


def safetensors(header, data=b"", pad=0):
    text = json.dumps(header, ensure_ascii=False).encode() + b" " * pad
    return struct.pack("<Q", len(text)) + text + data


file(safetensors({}), "safetensors", "nothing in it")
file(
    safetensors(
        {
            "__metadata__": {"format": "pt", "ü": "ö \" \\"},
            "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]},
            "a": {"dtype": "U16", "shape": [2, 3], "data_offsets": [0, 12]},
            "fp8": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [16, 18]},
            "empty": {"dtype": "F16", "shape": [3, 0], "data_offsets": [18, 18]},
        },
        np.arange(6, dtype="<u2").tobytes() + np.float32(2.5).tobytes() + b"\x38\x40",
        pad=5,
    ),
    "safetensors", "another program's",
)  # fmt: skip

# gguf
for dtype in [mx.float32, mx.float16, mx.int8, mx.int16, mx.int32]:
    a = case.values(dtype, 2, 3)
    file(saved(lambda path, a=a: mx.save_gguf(path, {"a": a}, {}), "gguf"), "gguf", f"MLX, {dtype_name(dtype)}")
metadata = {
    "text": "some text", "texts": ["a", "", "ä"], "float": mx.array(1.5), "floats": mx.array([0.5, -2.0]),
    **{dtype_name(t): mx.array([1, 0, 3], t) for t in DTYPES if mx.issubdtype(t, mx.integer)},
    "bool": mx.array(True), "bools": mx.array([True, False]), "scalar": mx.array(7, mx.uint64),
}  # fmt: skip
for key, value in metadata.items():
    file(saved(lambda path, m={key: value}: mx.save_gguf(path, {}, m), "gguf"), "gguf", f"MLX, metadata {key}")


def text(x):
    return struct.pack("<Q", len(x.encode())) + x.encode()


def gguf(tensors, entries=(), alignment=32):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
    for key, type, value in entries:
        head += text(key) + struct.pack("<I", type) + value
    data = b""
    for name, shape, type, values in tensors:
        data += b"\0" * (-len(data) % alignment)
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, type, len(data))
        data += values
    return head + b"\0" * (-len(head) % alignment) + data


def blocks(count, size):
    """Blocks of any bits but for the scales: floats that are not small or infinite."""
    raw = case.random.randint(0, 128, (count, size)).astype(np.uint8)
    return raw, lambda *places: [raw.__setitem__((slice(None), p + 1), 0x38) for p in places] and raw.tobytes()


def q4_k(raw):
    """The weights of Q4_K, of which MLX takes those of every other group with the scales of the one before."""
    scale, minimum = (raw[:, i : i + 2].copy().view("<f2").astype("<f4") for i in (0, 2))
    factors = raw[:, 4:16].astype(int)
    groups = []
    for j in range(8):
        if j < 4:
            s, m = factors[:, j] & 63, factors[:, j + 4] & 63
        else:
            s = factors[:, j + 4] & 15 | factors[:, j - 4] >> 6 << 4
            m = factors[:, j + 4] >> 4 | factors[:, j] >> 6 << 4
        quants = raw[:, 16 + j // 2 * 32 :][:, :32] >> j % 2 * 4 & 15
        groups.append(scale * s[:, None].astype("<f4") * quants - minimum * m[:, None].astype("<f4"))
    return np.concatenate(groups, 1).astype("<f4")


for title, type, block, size, scales in [
    ("Q4_0", 2, 32, 18, [0]), ("Q4_1", 3, 32, 20, [0, 2]), ("Q8_0", 8, 32, 34, [0]), ("Q2_K", 10, 256, 84, [80, 82]),
    ("Q4_K", 12, 256, 144, [0, 2]), ("Q6_K", 14, 256, 210, [208]),
]:  # fmt: skip
    raw, filled = blocks(4, size)
    data = gguf([("x.weight", [2 * block, 2], type, filled(*scales))])
    file(data, "gguf", title, {"x.weight": q4_k(raw)} if title == "Q4_K" else None)
file(gguf([("x", [4], 30, np.array([0x3F80, 0xC000, 0, 0x4049], "<u2").tobytes())]), "gguf", "BF16")
file(
    gguf(
        [("b", [1], 24, b"\5"), ("a", [3, 2], 0, np.arange(6, dtype="<f4").tobytes())],
        [("general.alignment", 4, struct.pack("<I", 64))],
        alignment=64,
    ),
    "gguf", "another alignment",
)  # fmt: skip
folder.cleanup()
