"""The most memory in use in 40 steps of training; ../memory.mjs has the same."""

import argparse

import mlx.core as mx
from model_cases import training

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cpu")
options = parser.parse_args()
mx.set_default_device(mx.gpu if options.device == "gpu" else mx.cpu)

steps = training()
steps(2)
mx.reset_peak_memory()
steps(40)
print(mx.get_peak_memory())
