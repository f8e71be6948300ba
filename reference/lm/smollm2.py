"""SmolLM2-135M-Instruct as mlx-lm reads it, and what mlx-lm writes with it.

usage: smollm2.py GGUF FOLDER          writes a folder for mlx-lm: float32 weights, tokenizer, configuration
       smollm2.py GGUF FOLDER GOLDEN   and packages/lm/test/golden/smollm2.json
"""

import json
import pathlib
import sys

import mlx.core as mx

NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
}


def metadata(path):
    """The lists and texts of a GGUF, of which mx.load gives no lists of texts in order."""
    _, fields = mx.load(path, return_metadata=True)
    return fields


def weights(path, heads, key_heads):
    arrays, _ = mx.load(path, return_metadata=True)
    result = {}
    for name, w in arrays.items():
        if not name.endswith(".weight"):
            continue
        base = name.removesuffix(".weight")
        if f"{base}.scales" in arrays:
            scales, biases = (arrays[f"{base}.{x}"].astype(mx.float32) for x in ("scales", "biases"))
            bits = w.shape[-1] * 32 // (scales.shape[-1] * 32)
            w = mx.dequantize(w, scales, biases, group_size=32, bits=bits)
        w = w.astype(mx.float32)
        *block, kind = base.split(".")
        if kind in ("attn_q", "attn_k"):
            # GGUF has the halves of a rotary head interleaved.
            n = heads if kind == "attn_q" else key_heads
            w = w.reshape(n, -1, 2, w.shape[-1]).swapaxes(1, 2).reshape(w.shape)
        prefix = f"model.layers.{block[1]}." if block else ""
        result[f"{prefix}{NAMES[kind]}.weight"] = w
    return result


def write(path, folder):
    fields = metadata(path)
    number = lambda key: fields[f"llama.{key}"].item()
    heads, key_heads = number("attention.head_count"), number("attention.head_count_kv")
    config = {
        "model_type": "llama",
        "hidden_size": number("embedding_length"),
        "num_hidden_layers": number("block_count"),
        "intermediate_size": number("feed_forward_length"),
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "rms_norm_eps": 1e-5,
        "vocab_size": number("vocab_size"),
        "max_position_embeddings": number("context_length"),
        "rope_theta": number("rope.freq_base"),
        "tie_word_embeddings": True,
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"].item(),
    }
    tokens, merges = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.merges"]
    types = fields["tokenizer.ggml.token_type"].tolist()
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": tokens[i], **flags, "special": True}
            for i, kind in enumerate(types)
            if kind == 3
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {**byte_level, "use_regex": True},
            ],
        },
        "post_processor": None,
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": merges,
        },
    }
    special = lambda name: tokens[fields[f"tokenizer.ggml.{name}_token_id"].item()]
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": special("bos"),
        "eos_token": special("eos"),
        "unk_token": special("unknown"),
        "clean_up_tokenization_spaces": False,
        "chat_template": fields["tokenizer.chat_template"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in [
        ("config", config),
        ("tokenizer", tokenizer),
        ("tokenizer_config", tokenizer_config),
    ]:
        (folder / f"{name}.json").write_text(json.dumps(content))
    mx.save_safetensors(str(folder / "model.safetensors"), weights(path, heads, key_heads))


TEXTS = [
    "Hello, world! 1234567",
    "  two spaces, a tab\tand\n\na new line  ",
    "naïve café — 日本語のテキスト, Ελληνικά, русский",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301",
    "<|im_start|>user\nHi<|im_end|>",
    "def f(x):\n    return x**2  # it's",
    "don't we'll I'M",
]
PROMPT = "Write a story about a lighthouse keeper and a whale."


def golden(folder):
    from mlx_lm import load
    from mlx_lm.generate import generate_step

    model, tokenizer = load(str(folder))
    messages = [{"role": "user", "content": PROMPT}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    tokens = [
        token
        for token, _ in generate_step(mx.array(prompt), model, max_tokens=200)
    ]
    streamed = tokenizer.detokenizer
    for token in tokens:
        streamed.add_token(token)
    streamed.finalize()
    return {
        "origin": "mlx-lm 0.32.2, MLX 0.32.4, float32 weights, greedy, without an end",
        "message": PROMPT,
        "prompt": prompt,
        "tokens": tokens,
        "text": streamed.text,
        "encoded": [
            {"text": text, "tokens": tokenizer.encode(text, add_special_tokens=False)}
            for text in TEXTS
        ],
    }


path, folder, *rest = sys.argv[1:]
write(path, pathlib.Path(folder))
if rest:
    content = json.dumps(golden(folder), ensure_ascii=False, separators=(",", ":"))
    pathlib.Path(rest[0]).write_text(content + "\n")
