"""How long a module of MLX takes to load, by default mlx.core: prints seconds."""

import importlib
import sys
import time

name = sys.argv[1] if len(sys.argv) > 1 else "mlx.core"
start = time.perf_counter()
importlib.import_module(name)
print(time.perf_counter() - start)
