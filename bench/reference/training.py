"""A training step of the demo's transformer, at the demo's size."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import transformer

BATCH, LENGTH, VOCABULARY = 32, 64, 90


def training_step(best):
    """Seconds of a step."""
    mx.random.seed(0)
    model = transformer.Transformer(VOCABULARY, 128, 8, 3, "alibi")
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

    return best(3, 8, body)
