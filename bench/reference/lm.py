"""What a model takes to read a prompt and to write an answer with mlx-lm: see lm-ours.mjs.

usage: lm.py MODEL PROMPT-TOKENS NEW-TOKENS     prints the figures as JSON
"""

import json
import sys
import time

import mlx.core as mx
from mlx_lm import load
from mlx_lm.generate import stream_generate

path, prompt_tokens, new_tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model, tokenizer = load(path)
prompt = [100 + (i * 7919) % 40_000 for i in range(prompt_tokens)]
tokenizer.eos_token_ids = set()


def measure(max_tokens):
    mx.reset_peak_memory()
    began = time.perf_counter()
    start = time.process_time()
    first = last = read = None
    for step in stream_generate(model, tokenizer, prompt, max_tokens=max_tokens):
        last = time.perf_counter()
        first = first or last
        read = read or time.process_time() - start
    return {
        "promptTps": prompt_tokens / (first - began),
        "generationTps": (max_tokens - 1) / (last - first),
        "firstToken": first - began,
        "peakMemory": mx.get_peak_memory(),
        "promptProcessor": read / prompt_tokens,
        "generationProcessor": (time.process_time() - start - read) / (max_tokens - 1),
    }


measure(4)
print(json.dumps(measure(new_tokens)))
