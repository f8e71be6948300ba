"""How long a module of MLX takes to load, by default mlx.core: prints seconds.

A library as the second argument is loaded within that time, in front of MLX's own.
"""

import ctypes
import importlib
import sys
import time

name, *library = sys.argv[1:] or ["mlx.core"]
start = time.perf_counter()
for path in library:
    ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
importlib.import_module(name)
print(time.perf_counter() - start)
