import mlx.core as mx

from reference.cases import FLOATS, Family, broadcasted, sliced, transposed

case = Family("fft")
NORMS = ["backward", "ortho", "forward"]


def add(name, *args, **kwargs):
    made = case(f"fft.{name}", *args, **kwargs)
    made["tolerance"] = 2e-5
    return made


for name in ["fft", "ifft", "rfft", "irfft"]:
    for dtype in [*FLOATS, mx.complex64, mx.int32, mx.bool_]:
        add(name, case.values(dtype, 6))
    for n in [1, 2, 3, 7, 8]:
        add(name, case.values(mx.complex64 if name == "irfft" else mx.float32, 5), n)
    for norm in NORMS:
        add(name, case.floats(2, 6), norm=norm)
        add(name, case.complexes(3, 4), 5, norm=norm)
    add(name, case.floats(3, 4), None, 0)
    add(name, case.floats(2, 3, 4), 5, -2, norm="ortho")
    add(name, transposed(case.floats(5, 2)))
    add(name, sliced(case.complexes(4, 6), "::2", "::-1"))
    add(name, broadcasted(case.floats(4), 3, 4), axis=0)
    add(name, case.floats(0, 4))
    add(name, case.floats(2, 13))
    case.throws(f"fft.{name}", case.floats())
    case.throws(f"fft.{name}", case.floats(0))
    case.throws(f"fft.{name}", case.floats(3), 0)
    case.throws(f"fft.{name}", case.floats(3), -1)
    case.throws(f"fft.{name}", case.floats(3), 3, 1)
    case.throws(f"fft.{name}", case.floats(3), norm="none")
case("fft.fft", case.floats(1))
case("fft.rfft", case.floats(1))
case.throws("fft.irfft", case.complexes(1))

for name in ["fft2", "ifft2", "rfft2", "irfft2"]:
    for x in [case.floats(4, 3), case.complexes(2, 3, 4), transposed(case.complexes(4, 3))]:
        add(name, x)
    for norm in NORMS:
        add(name, case.complexes(3, 4), norm=norm)
    add(name, case.floats(3, 4), [2, 6])
    add(name, case.floats(2, 3, 4), [4, 3], [0, -1], norm="forward")
    add(name, case.floats(2, 3, 4), None, [1, 0])
    add(name, case.floats(2, 3, 4), None, None)
    case.throws(f"fft.{name}", case.floats(3, 4), [2])
    case.throws(f"fft.{name}", case.floats(3, 4), [2, 2], None)
    case.throws(f"fft.{name}", case.floats(3, 4), None, [0, 0])
for name in ["fftn", "ifftn", "rfftn", "irfftn"]:
    for x in [case.floats(5), case.complexes(3, 4), case.floats(2, 3, 4), sliced(case.floats(4, 6), "::2")]:
        add(name, x)
    for norm in NORMS:
        add(name, case.complexes(2, 3, 2), norm=norm)
    add(name, case.floats(3, 4), [4, 2], [0, 1])
    add(name, case.floats(2, 3, 4), None, [-1, 0], norm="ortho")
    add(name, case.floats(2, 3, 4), None, [1])
    add(name, case.floats(2, 3, 2), [3], [2])
    case(f"fft.{name}", case.floats(2, 3), [], [])
    case(f"fft.{name}", case.floats(2, 3), None, [])
    case.throws(f"fft.{name}", case.floats())
    case.throws(f"fft.{name}", case.floats(3, 4), [2, 2])
    case.throws(f"fft.{name}", case.floats(3, 4), [2, 2], [0])
    case.throws(f"fft.{name}", case.floats(3, 4), [2, 0], [0, 1])
    case.throws(f"fft.{name}", case.floats(3, 4), [2, 2], [0, 2])

for name in ["fftshift", "ifftshift"]:
    for shape in [(), (0,), (1,), (4,), (5,), (3, 4), (3, 0)]:
        case(f"fft.{name}", case.floats(*shape))
    for dtype in [mx.int32, mx.float16, mx.complex64, mx.bool_]:
        case(f"fft.{name}", case.values(dtype, 5))
    case(f"fft.{name}", case.floats(3, 5), 1)
    case(f"fft.{name}", case.floats(3, 5), [-2])
    case(f"fft.{name}", case.floats(3, 2, 5), [0, 2])
    case(f"fft.{name}", case.floats(3, 5), [])
    case(f"fft.{name}", transposed(case.floats(3, 5)), 0)
    case.throws(f"fft.{name}", case.floats(3), 1)
for name in ["fftfreq", "rfftfreq"]:
    for n in [1, 2, 5, 8]:
        case(f"fft.{name}", n)
        case(f"fft.{name}", n, d=0.25)
    case(f"fft.{name}", 4, d=-3.5)
    case.throws(f"fft.{name}", 0)
    case.throws(f"fft.{name}", -2)
    case.throws(f"fft.{name}", 4, d=0.0)

signal = case.floats(14)
hann = mx.array([0.0, 0.25, 0.75, 1.0, 0.75, 0.25])
STFT = [
    {}, {"hop_length": 3}, {"window": hann}, {"win_length": 4}, {"window": hann, "win_length": 6, "hop_length": 1},
    {"window": mx.array([1.0, 2.0, 1.0])}, {"center": False}, {"norm": "ortho"}, {"norm": "forward"},
    {"onesided": False}, {"onesided": True},
]  # fmt: skip
for options in STFT:
    add("stft", signal, n_fft=6, **options)
    bins = 6 if options.get("onesided") is False else 4
    add("istft", case.complexes(bins, 5), n_fft=6, **options)
    add("istft", case.complexes(bins, 5), **options)
for mode in ["reflect", "constant", "edge"]:
    add("stft", case.floats(2, 7), n_fft=4, pad_mode=mode)
for dtype in [mx.float16, mx.int32, mx.complex64]:
    add("stft", case.values(dtype, 9), n_fft=4)
add("stft", case.complexes(9), n_fft=4, onesided=True)
add("stft", case.floats(9), n_fft=5, hop_length=2)
add("stft", case.floats(0, 8), n_fft=4)
add("stft", transposed(case.floats(8, 2)), n_fft=4)
add("istft", case.complexes(2, 3, 4), hop_length=2)
add("istft", case.complexes(3, 4), n_fft=5)
add("istft", case.complexes(3, 4), length=5)
add("istft", case.complexes(3, 4), length=9)
add("istft", case.complexes(3, 4), length=0)
add("istft", case.complexes(3, 4), n_fft=4, hop_length=6)
add("istft", case.complexes(3, 1))
for bad in [
    {"n_fft": 0}, {"n_fft": -4}, {"n_fft": 8, "hop_length": 0}, {"n_fft": 8, "hop_length": -1}, {"n_fft": 2},
    {"n_fft": 8, "win_length": 9}, {"n_fft": 8, "win_length": -1}, {"n_fft": 8, "window": mx.ones((8, 1))},
    {"n_fft": 8, "window": mx.array(1.0)}, {"n_fft": 8, "norm": "none"},
]:  # fmt: skip
    case.throws("fft.stft", case.floats(16), **bad)
    if bad != {"n_fft": 2}:
        case.throws("fft.istft", case.complexes(5, 3), **bad)
case.throws("fft.stft", case.floats(16), n_fft=8, pad_mode="wrap")
case.throws("fft.stft", case.floats(16), n_fft=32, center=False)
case.throws("fft.stft", case.floats(), n_fft=2, hop_length=1)
case.throws("fft.istft", case.complexes(3))
case.throws("fft.istft", case.complexes(5, 0))
case.throws("fft.istft", case.complexes(1, 5))
