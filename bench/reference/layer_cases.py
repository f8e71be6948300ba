"""Steps of training with convolutions and with recurrence; ../layers.mjs has the same."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


def steps(model, loss_of, compiled=False):
    optimizer = optim.Adam(1e-3)
    loss_and_gradients = nn.value_and_grad(model, loss_of)
    optimizer.init(model.trainable_parameters())

    def step():
        loss, gradients = loss_and_gradients()
        optimizer.update(model, gradients)
        return loss

    if compiled:
        state = [model.state, optimizer.state]
        step = mx.compile(step, inputs=state, outputs=state)

    def body(count):
        for _ in range(count):
            mx.eval(step(), model, optimizer.state)

    return body


def convolutional():
    """64 pictures of 28 x 28 pixels through two convolutions."""
    mx.random.seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm(16),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.relu,
        nn.MaxPool2d(2),
        lambda x: x.flatten(1),
        nn.Linear(32 * 7 * 7, 10),
    )
    images = mx.random.normal((64, 28, 28, 1))
    labels = mx.random.randint(0, 10, (64,))
    mx.eval(model, images, labels)
    return steps(model, lambda: nn.losses.cross_entropy(model(images), labels, reduction="mean"))


def recurrent(compiled=False):
    """32 sequences of 64 characters through a gated recurrent unit of 128."""
    mx.random.seed(0)
    vocabulary, width = 90, 128
    model = nn.Sequential(nn.Embedding(vocabulary, width), nn.GRU(width, width), nn.Linear(width, vocabulary))
    tokens = mx.random.randint(0, vocabulary, (32, 65))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    mx.eval(model, inputs, targets)

    def loss_of():
        return nn.losses.cross_entropy(model(inputs), targets, reduction="mean")

    return steps(model, loss_of, compiled)
