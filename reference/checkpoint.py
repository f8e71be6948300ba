"""A model that has every layer with parameters, for files of weights; test/support/every-layer.mjs has the same.

usage: checkpoint.py write WEIGHTS OUTPUTS   writes its weights and what each layer then gives
       checkpoint.py read WEIGHTS OUTPUTS    loads weights and compares what each layer gives
"""

import os
import sys

# The parent, for `reference`; not this folder, whose random.py would hide Python's own.
sys.dont_write_bytecode = True
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import mlx.core as mx
import mlx.nn as nn


def wave(*shape):
    """Numbers that both sides have alike."""
    size = 1
    for n in shape:
        size *= n
    return mx.sin(mx.arange(size)).reshape(shape)


class EveryLayer(nn.Module):
    def __init__(self):
        super().__init__()
        transformer = dict(mlp_dims=6)
        self.layers = {
            "linear": nn.Linear(3, 2),
            "bilinear": nn.Bilinear(3, 4, 2),
            "embedding": nn.Embedding(5, 3),
            "prelu": nn.PReLU(3),
            "layer_norm": nn.LayerNorm(4),
            "rms_norm": nn.RMSNorm(4),
            "instance_norm": nn.InstanceNorm(3, affine=True),
            "group_norm": nn.GroupNorm(2, 6),
            "batch_norm": nn.BatchNorm(3),
            "attention": nn.MultiHeadAttention(4, 2, bias=True),
            "conv1d": nn.Conv1d(3, 4, 2),
            "conv2d": nn.Conv2d(2, 3, 2),
            "conv3d": nn.Conv3d(2, 3, 2),
            "conv_transpose1d": nn.ConvTranspose1d(3, 4, 2),
            "conv_transpose2d": nn.ConvTranspose2d(2, 3, 2),
            "conv_transpose3d": nn.ConvTranspose3d(2, 3, 2),
            "rnn": nn.RNN(3, 4),
            "gru": nn.GRU(3, 4),
            "lstm": nn.LSTM(3, 4),
            "encoder": nn.TransformerEncoder(2, 4, 2, **transformer),
            "decoder": nn.TransformerDecoder(2, 4, 2, **transformer),
            "transformer": nn.Transformer(4, 2, 1, 1, **transformer),
            "quantized_linear": nn.QuantizedLinear(64, 8, group_size=32, bits=4),
            "quantized_embedding": nn.QuantizedEmbedding(5, 64, group_size=32, bits=8),
            "qq_linear": nn.QQLinear(64, 32),  # which no CPU computes
            "all_to_sharded": nn.AllToShardedLinear(3, 2),
            "sharded_to_all": nn.ShardedToAllLinear(3, 2),
            "quantized_all_to_sharded": nn.QuantizedAllToShardedLinear(64, 8, group_size=32),
            "quantized_sharded_to_all": nn.QuantizedShardedToAllLinear(64, 8, group_size=32),
            "sequential": nn.Sequential(nn.Linear(3, 4), nn.relu, nn.Linear(4, 2)),
        }

    def __call__(self):
        tokens, sequence = mx.array([4, 0, 2]), wave(2, 5, 3)
        x, y = wave(1, 3, 4), wave(1, 2, 4)
        inputs = {
            "bilinear": [wave(5, 3), wave(5, 4)],
            "embedding": [tokens],
            "layer_norm": [x],
            "rms_norm": [x],
            "instance_norm": [sequence],
            "group_norm": [wave(2, 3, 6)],
            "batch_norm": [sequence],
            "attention": [x, y, y],
            "conv2d": [wave(1, 4, 5, 2)],
            "conv3d": [wave(1, 3, 4, 2, 2)],
            "conv_transpose2d": [wave(1, 4, 5, 2)],
            "conv_transpose3d": [wave(1, 3, 4, 2, 2)],
            "encoder": [x, None],
            "decoder": [x, y, None, None],
            "transformer": [x, y, None, None, None],
            "quantized_linear": [wave(2, 64)],
            "quantized_embedding": [tokens],
            "quantized_all_to_sharded": [wave(2, 64)],
            "quantized_sharded_to_all": [wave(2, 64)],
        }
        outputs = {}
        for name, layer in self.layers.items():
            if name == "qq_linear":
                continue
            result = layer(*inputs.get(name, [sequence]))
            for i, part in enumerate(result if isinstance(result, tuple) else [result]):
                outputs[f"{name}.{i}"] = part
        return outputs


def main():
    what, weights, outputs = sys.argv[1:]
    mx.set_default_device(mx.cpu)
    mx.random.seed(7)
    model = EveryLayer().eval()
    if what == "write":
        model.save_weights(weights)
        mx.save_safetensors(outputs, model())
        return
    model.load_weights(weights)
    given = mx.load(outputs)
    for name, expected in model().items():
        if name not in given or not mx.allclose(given[name], expected, rtol=1e-4, atol=1e-5):
            raise SystemExit(f"{name} differs after Python loaded the weights")


main()
