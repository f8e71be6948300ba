"""The demo's transformer at the demo's size; ../transformer.mjs has the same."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import transformer

BATCH, LENGTH, VOCABULARY = 32, 64, 90


def new_model():
    mx.random.seed(0)
    return transformer.Transformer(VOCABULARY, 128, 8, 3, "alibi")


def training(dtype=mx.float32):
    """Steps of training."""
    model = new_model()
    model.set_dtype(dtype)
    optimizer = optim.AdamW(1e-3, weight_decay=0.1)
    tokens = mx.random.randint(0, VOCABULARY, (BATCH, LENGTH + 1))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    mx.eval(model, inputs, targets)
    loss_and_gradients = nn.value_and_grad(model, transformer.loss_of)

    def body(count):
        for _ in range(count):
            loss, gradients = loss_and_gradients(model, inputs, targets)
            gradients, _ = optim.clip_grad_norm(gradients, 1.0)
            optimizer.update(model, gradients)
            mx.eval(loss, model, optimizer.state)

    return body


def decoding():
    """Writes tokens after a prompt of 16, each the likeliest one."""
    model = new_model()
    prompt = mx.random.randint(0, VOCABULARY, (1, 16))
    mx.eval(model, prompt)

    def body(count):
        token, caches = prompt, None
        for _ in range(count):
            logits, caches = model.read(token, caches)
            token = mx.argmax(logits[:, -1], axis=-1, keepdims=True)
            mx.eval(token, caches)

    return body
