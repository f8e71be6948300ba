"""How long MLX takes to load: prints seconds."""

import time

start = time.perf_counter()
import mlx.core  # noqa: E402, F401

print(time.perf_counter() - start)
