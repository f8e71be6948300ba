/** A decoder-only transformer that knows positions in one of two ways. */
import { mx, nn } from "mlx-js";

/** How a model knows where a token stands; nothing else differs. */
export type Positions = "alibi" | "sinusoidal";

export interface ModelOptions {
  /** Different tokens. */
  vocabulary: number;
  /** The size of a token's vector, a multiple of `heads`. */
  width: number;
  /** Attention heads in each layer. */
  heads: number;
  layers: number;
  positions: Positions;
}

/** What one layer has read so far: keys and values of shape (B, heads, tokens, width / heads). */
export interface LayerCache {
  keys: mx.array;
  values: mx.array;
}

class Attention extends nn.Module {
  readonly wq: nn.Linear;
  readonly wk: nn.Linear;
  readonly wv: nn.Linear;
  readonly wo: nn.Linear;
  // What is private is no parameter, and not saved with them.
  readonly #heads: number;
  readonly #scale: number;
  readonly #alibi: nn.ALiBi | undefined;

  constructor({ width, heads, positions }: ModelOptions) {
    super();
    this.wq = new nn.Linear(width, width, { bias: false });
    this.wk = new nn.Linear(width, width, { bias: false });
    this.wv = new nn.Linear(width, width, { bias: false });
    this.wo = new nn.Linear(width, width, { bias: false });
    this.#heads = heads;
    this.#scale = (width / heads) ** -0.5;
    this.#alibi = positions === "alibi" ? new nn.ALiBi() : undefined;
  }

  forward(x: mx.array, mask: mx.array | undefined, cache?: LayerCache): [mx.array, LayerCache] {
    const q = this.#split(this.wq.forward(x));
    let keys = this.#split(this.wk.forward(x));
    let values = this.#split(this.wv.forward(x));
    let offset = 0;
    if (cache !== undefined) {
      offset = cache.keys.dim(2);
      keys = mx.concatenate([cache.keys, keys], 2);
      values = mx.concatenate([cache.values, values], 2);
    }
    let scores = q.multiply(this.#scale).matmul(keys.transpose([0, 1, 3, 2]));
    if (this.#alibi !== undefined) {
      scores = this.#alibi.forward(scores, { offset, mask });
    } else if (mask !== undefined) {
      scores = scores.add(mask);
    }
    const y = mx.softmax(scores, -1).matmul(values).transpose([0, 2, 1, 3]);
    return [this.wo.forward(y.reshape(x.shape)), { keys, values }];
  }

  /** From (B, tokens, width) to (B, heads, tokens, width / heads). */
  #split(x: mx.array): mx.array {
    return x.reshape([x.dim(0), x.dim(1), this.#heads, -1]).transpose([0, 2, 1, 3]);
  }
}

class Block extends nn.Module {
  readonly attentionNorm: nn.LayerNorm;
  readonly attention: Attention;
  readonly mlpNorm: nn.LayerNorm;
  readonly up: nn.Linear;
  readonly down: nn.Linear;

  constructor(options: ModelOptions) {
    super();
    const { width } = options;
    this.attentionNorm = new nn.LayerNorm(width);
    this.attention = new Attention(options);
    this.mlpNorm = new nn.LayerNorm(width);
    this.up = new nn.Linear(width, 4 * width);
    this.down = new nn.Linear(4 * width, width);
  }

  forward(x: mx.array, mask: mx.array | undefined, cache?: LayerCache): [mx.array, LayerCache] {
    const [read, next] = this.attention.forward(this.attentionNorm.forward(x), mask, cache);
    const attended = x.add(read);
    const thought = this.down.forward(nn.relu(this.up.forward(this.mlpNorm.forward(attended))));
    return [attended.add(thought), next];
  }
}

export class Transformer extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly blocks: Block[];
  readonly norm: nn.LayerNorm;
  readonly head: nn.Linear;
  readonly #scale: number;
  readonly #positions: nn.SinusoidalPositionalEncoding | undefined;

  constructor(options: ModelOptions) {
    super();
    const { vocabulary, width, layers, positions } = options;
    this.embedding = new nn.Embedding(vocabulary, width);
    this.blocks = Array.from({ length: layers }, () => new Block(options));
    this.norm = new nn.LayerNorm(width);
    this.head = new nn.Linear(width, vocabulary, { bias: false });
    this.#scale = width ** 0.5;
    this.#positions =
      positions === "sinusoidal"
        ? new nn.SinusoidalPositionalEncoding(width, { scale: 1 })
        : undefined;
  }

  /** For tokens (B, length), the logits of the token that follows each: (B, length, vocabulary). */
  forward(tokens: mx.array): mx.array {
    return this.read(tokens)[0];
  }

  /** The same for tokens that follow those in the cache, and the cache with them. */
  read(tokens: mx.array, cache: readonly LayerCache[] = []): [mx.array, LayerCache[]] {
    const length = tokens.dim(1);
    const offset = cache[0]?.keys.shape[2] ?? 0;
    // As loud as the sinusoids, which are from -1 to 1.
    let x = this.embedding.forward(tokens).multiply(this.#scale);
    if (this.#positions !== undefined) {
      x = x.add(this.#positions.forward(mx.arange(offset, offset + length)));
    }
    const mask = length > 1 ? causalMask(offset, length) : undefined;
    const caches = this.blocks.map((block, layer) => {
      const [y, next] = block.forward(x, mask, cache[layer]);
      x = y;
      return next;
    });
    return [this.head.forward(this.norm.forward(x)), caches];
  }
}

/** What keeps a token from seeing those after it: (length, offset + length). */
function causalMask(offset: number, length: number): mx.array {
  const queries = mx.arange(offset, offset + length).get(":", null);
  const keys = mx.arange(offset + length);
  return queries.less(keys).multiply(mx.finfo(mx.float32).min);
}
