// A model that has every layer with parameters; reference/checkpoint.py has the same.
import { mx, nn } from "mlx-js";

/**
 * Numbers that both sides have alike.
 *
 * @param {number[]} shape
 */
function wave(...shape) {
  const size = shape.reduce((product, n) => product * n, 1);
  return mx.sin(mx.arange(size)).reshape(shape);
}

export class EveryLayer extends nn.Module {
  layers = {
    linear: new nn.Linear(3, 2),
    bilinear: new nn.Bilinear(3, 4, 2),
    embedding: new nn.Embedding(5, 3),
    prelu: new nn.PReLU({ numParameters: 3 }),
    layerNorm: new nn.LayerNorm(4),
    rmsNorm: new nn.RMSNorm(4),
    instanceNorm: new nn.InstanceNorm(3, { affine: true }),
    groupNorm: new nn.GroupNorm(2, 6),
    batchNorm: new nn.BatchNorm(3),
    attention: new nn.MultiHeadAttention(4, 2, { bias: true }),
    conv1d: new nn.Conv1d(3, 4, 2),
    conv2d: new nn.Conv2d(2, 3, 2),
    conv3d: new nn.Conv3d(2, 3, 2),
    convTranspose1d: new nn.ConvTranspose1d(3, 4, 2),
    convTranspose2d: new nn.ConvTranspose2d(2, 3, 2),
    convTranspose3d: new nn.ConvTranspose3d(2, 3, 2),
    rnn: new nn.RNN(3, 4),
    gru: new nn.GRU(3, 4),
    lstm: new nn.LSTM(3, 4),
    encoder: new nn.TransformerEncoder(2, 4, 2, { mlpDims: 6 }),
    decoder: new nn.TransformerDecoder(2, 4, 2, { mlpDims: 6 }),
    transformer: new nn.Transformer({
      ...{ dims: 4, numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1, mlpDims: 6 },
    }),
    quantizedLinear: new nn.QuantizedLinear(64, 8, { groupSize: 32, bits: 4 }),
    quantizedEmbedding: new nn.QuantizedEmbedding(5, 64, { groupSize: 32, bits: 8 }),
    qqLinear: new nn.QQLinear(64, 32), // which no CPU computes
    allToSharded: new nn.AllToShardedLinear(3, 2),
    shardedToAll: new nn.ShardedToAllLinear(3, 2),
    quantizedAllToSharded: new nn.QuantizedAllToShardedLinear(64, 8, { groupSize: 32 }),
    quantizedShardedToAll: new nn.QuantizedShardedToAllLinear(64, 8, { groupSize: 32 }),
    sequential: new nn.Sequential(new nn.Linear(3, 4), nn.relu, new nn.Linear(4, 2)),
  };

  /**
   * What each layer gives for inputs of its own, by name and place.
   *
   * @returns {Record<string, mx.array>}
   */
  forward() {
    const { layers } = this;
    const tokens = mx.array([4, 0, 2], mx.int32);
    const sequence = wave(2, 5, 3);
    const [x, y] = [wave(1, 3, 4), wave(1, 2, 4)];
    /** @type {Record<string, mx.array | mx.array[]>} */
    const results = {
      linear: layers.linear.forward(sequence),
      bilinear: layers.bilinear.forward(wave(5, 3), wave(5, 4)),
      embedding: layers.embedding.forward(tokens),
      prelu: layers.prelu.forward(sequence),
      layer_norm: layers.layerNorm.forward(x),
      rms_norm: layers.rmsNorm.forward(x),
      instance_norm: layers.instanceNorm.forward(sequence),
      group_norm: layers.groupNorm.forward(wave(2, 3, 6)),
      batch_norm: layers.batchNorm.forward(sequence),
      attention: layers.attention.forward(x, y, y),
      conv1d: layers.conv1d.forward(sequence),
      conv2d: layers.conv2d.forward(wave(1, 4, 5, 2)),
      conv3d: layers.conv3d.forward(wave(1, 3, 4, 2, 2)),
      conv_transpose1d: layers.convTranspose1d.forward(sequence),
      conv_transpose2d: layers.convTranspose2d.forward(wave(1, 4, 5, 2)),
      conv_transpose3d: layers.convTranspose3d.forward(wave(1, 3, 4, 2, 2)),
      rnn: layers.rnn.forward(sequence),
      gru: layers.gru.forward(sequence),
      lstm: layers.lstm.forward(sequence),
      encoder: layers.encoder.forward(x, null),
      decoder: layers.decoder.forward(x, y, null, null),
      transformer: layers.transformer.forward(x, y, null, null, null),
      quantized_linear: layers.quantizedLinear.forward(wave(2, 64)),
      quantized_embedding: layers.quantizedEmbedding.forward(tokens),
      all_to_sharded: layers.allToSharded.forward(sequence),
      sharded_to_all: layers.shardedToAll.forward(sequence),
      quantized_all_to_sharded: layers.quantizedAllToSharded.forward(wave(2, 64)),
      quantized_sharded_to_all: layers.quantizedShardedToAll.forward(wave(2, 64)),
      sequential: layers.sequential.forward(sequence),
    };
    return Object.fromEntries(
      Object.entries(results).flatMap(([name, result]) =>
        [result].flat().map((part, i) => [`${name}.${i}`, part]),
      ),
    );
  }
}
