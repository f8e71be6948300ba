/**
 * BERT, which reads a text in both directions, and the same with ALiBi in the place of positions.
 * "BERT", arXiv 1810.04805; "Jina Embeddings 2", arXiv 2310.19923.
 */
import { mx, nn } from "mlx-js";
import type { Config } from "../config.js";
import { joinHeads, splitHeads } from "../parts/attention.js";
import { renamed, type Weights, without } from "./model.js";

function layerNorm(config: Config): nn.LayerNorm {
  const eps = config.positive("layer_norm_eps", 1e-12);
  return new nn.LayerNorm(config.count("hidden_size"), { eps });
}

/** Whether positions are told by ALiBi, and not by an embedding. */
function hasAlibi(config: Config): boolean {
  const kinds = ["absolute", "alibi"] as const;
  return config.oneOf("position_embedding_type", kinds, "absolute") === "alibi";
}

class Embeddings extends nn.Module {
  wordEmbeddings: nn.Embedding;
  positionEmbeddings: nn.Embedding | null;
  tokenTypeEmbeddings: nn.Embedding;
  norm: nn.LayerNorm;

  constructor(config: Config) {
    super();
    const dims = config.count("hidden_size");
    this.wordEmbeddings = new nn.Embedding(config.count("vocab_size"), dims);
    this.positionEmbeddings = hasAlibi(config)
      ? null
      : new nn.Embedding(config.count("max_position_embeddings"), dims);
    this.tokenTypeEmbeddings = new nn.Embedding(config.count("type_vocab_size", 2), dims);
    this.norm = layerNorm(config);
  }

  forward(tokens: mx.array): mx.array {
    const words = this.wordEmbeddings.forward(tokens);
    const typed = words.add(this.tokenTypeEmbeddings.forward(mx.zerosLike(tokens)));
    const positions = this.positionEmbeddings?.forward(mx.arange(tokens.dim(1)));
    return this.norm.forward(positions === undefined ? typed : typed.add(positions));
  }
}

class Attention extends nn.Module {
  readonly heads: number;
  query: nn.Linear;
  key: nn.Linear;
  value: nn.Linear;
  output: nn.Linear;
  readonly alibi: nn.ALiBi | null;

  constructor(config: Config) {
    super();
    const dims = config.count("hidden_size");
    this.heads = config.count("num_attention_heads");
    this.query = new nn.Linear(dims, dims);
    this.key = new nn.Linear(dims, dims);
    this.value = new nn.Linear(dims, dims);
    this.output = new nn.Linear(dims, dims);
    this.alibi = hasAlibi(config) ? new nn.ALiBi() : null;
  }

  /** @param mask Of shape (batch, 1, 1, length): true for tokens, false for padding. */
  forward(x: mx.array, mask: mx.array): mx.array {
    const q = splitHeads(this.query.forward(x), this.heads);
    const k = splitHeads(this.key.forward(x), this.heads);
    const v = splitHeads(this.value.forward(x), this.heads);
    const scale = q.dim(-1) ** -0.5;
    if (this.alibi === null) {
      const seen = mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
      return this.output.forward(joinHeads(seen));
    }
    const scores = this.alibi.forward(mx.matmul(q, k.swapaxes(-1, -2)).multiply(scale), { mask });
    const weights = mx.softmax(scores, -1, { precise: true });
    return this.output.forward(joinHeads(mx.matmul(weights, v)));
  }
}

class Mlp extends nn.Module {
  up: nn.Linear;
  down: nn.Linear;

  constructor(config: Config) {
    super();
    config.expect("hidden_act", "gelu");
    const [dims, hidden] = [config.count("hidden_size"), config.count("intermediate_size")];
    this.up = new nn.Linear(dims, hidden);
    this.down = new nn.Linear(hidden, dims);
  }

  forward(x: mx.array): mx.array {
    return this.down.forward(nn.gelu(this.up.forward(x)));
  }
}

/** With a gate, whose weights come before the others. */
class GatedMlp extends nn.Module {
  gatedUp: nn.Linear;
  down: nn.Linear;

  constructor(config: Config) {
    super();
    config.expect("hidden_act", "gelu");
    const [dims, hidden] = [config.count("hidden_size"), config.count("intermediate_size")];
    this.gatedUp = new nn.Linear(dims, 2 * hidden, { bias: false });
    this.down = new nn.Linear(hidden, dims);
  }

  forward(x: mx.array): mx.array {
    const [gate, up] = mx.split(this.gatedUp.forward(x), 2, -1);
    return this.down.forward(nn.gelu(gate).multiply(up));
  }
}

class Layer extends nn.Module {
  attention: Attention;
  attentionNorm: nn.LayerNorm;
  mlp: Mlp | GatedMlp;
  mlpNorm: nn.LayerNorm;

  constructor(config: Config) {
    super();
    const kinds = ["original", "geglu"] as const;
    const isGated = config.oneOf("feed_forward_type", kinds, "original") === "geglu";
    this.attention = new Attention(config);
    this.attentionNorm = layerNorm(config);
    this.mlp = isGated ? new GatedMlp(config) : new Mlp(config);
    this.mlpNorm = layerNorm(config);
  }

  forward(x: mx.array, mask: mx.array): mx.array {
    const h = this.attentionNorm.forward(x.add(this.attention.forward(x, mask)));
    return this.mlpNorm.forward(h.add(this.mlp.forward(h)));
  }
}

/** Names in files, and what they are here. */
const names: readonly [RegExp, string][] = [
  [/^bert\./, ""],
  [/^encoder\.layer\./, "layers."],
  [/\.attention\.self\./, ".attention."],
  [/\.attention\.output\.LayerNorm\./, ".attention_norm."],
  [/\.attention\.output\.dense\./, ".attention.output."],
  [/\.intermediate\.dense\./, ".mlp.up."],
  [/\.output\.LayerNorm\./, ".mlp_norm."],
  [/\.output\.dense\./, ".mlp.down."],
  [/\.mlp\.gated_layers\./, ".mlp.gated_up."],
  [/\.mlp\.wo\./, ".mlp.down."],
  [/\.mlp\.layernorm\./, ".mlp_norm."],
  [/^embeddings\.LayerNorm\./, "embeddings.norm."],
];

/** An encoder: what each token means in its text. */
export class Bert extends nn.Module {
  embeddings: Embeddings;
  layers: Layer[];
  readonly dims: number;
  /** How many tokens a text may have; undefined where the model itself sets no limit. */
  readonly contextLength: number | undefined;

  constructor(config: Config) {
    super();
    this.dims = config.count("hidden_size");
    this.contextLength = hasAlibi(config) ? undefined : config.count("max_position_embeddings");
    this.embeddings = new Embeddings(config);
    this.layers = Array.from(
      { length: config.depth("num_hidden_layers") },
      () => new Layer(config),
    );
  }

  /**
   * @param tokens Of shape (batch, length), integers.
   * @param isToken Of the same shape: false where a shorter text is padded.
   * @returns of shape (batch, length, dims).
   */
  forward(tokens: mx.array, isToken: mx.array): mx.array {
    const mask = mx.expandDims(isToken, [1, 2]);
    let x = this.embeddings.forward(tokens);
    for (const layer of this.layers) {
      x = layer.forward(x, mask);
    }
    return x;
  }

  /** The weights of a checkpoint, under the names that they have here. */
  sanitize(weights: Weights): Weights {
    const isUseless = (name: string) => /^(pooler|cls)\.|position_ids$/.test(name);
    return without(renamed(weights, names), isUseless);
  }
}
