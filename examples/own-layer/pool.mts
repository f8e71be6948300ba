/** A layer of one's own: many vectors become one, by weights that it learns. */
import { mx, nn } from "mlx-js";

export interface PoolOptions {
  /** False or 0 where a vector does not count, shape (batch, length); by default all do. */
  mask?: mx.array | null | undefined;
}

/**
 * The mean of vectors (batch, length, dims), weighted by how well each fits a query that is
 * learned: shape (batch, dims). Where no vector counts, the result is 0.
 */
export class AttentionPool extends nn.Module {
  // Public fields that hold arrays or modules are parameters; what is private is none.
  query: mx.array;
  readonly key: nn.Linear;
  readonly #scale: number;

  constructor(dims: number) {
    super();
    this.query = mx.random.normal([dims]);
    this.key = new nn.Linear(dims, dims, { bias: false });
    this.#scale = dims ** -0.5;
  }

  forward(x: mx.array, { mask }: PoolOptions = {}): mx.array {
    const scores = this.key.forward(x).matmul(this.query).multiply(this.#scale);
    if (!mask) {
      return mx.softmax(scores, -1).get("...", null).multiply(x).sum(1);
    }
    const counts = mask.astype(mx.bool);
    // A finite number: softmax would give NaN for a row of infinities, also as a gradient.
    const weights = mx.softmax(mx.where(counts, scores, -1e9), -1);
    return mx.where(counts, weights, 0).get("...", null).multiply(x).sum(1);
  }
}

/** Tells which vector of a row matters, and reads a number from it. */
export class Reader extends nn.Module {
  readonly pool: AttentionPool;
  readonly output: nn.Linear;

  constructor(dims: number) {
    super();
    this.pool = new AttentionPool(dims);
    this.output = new nn.Linear(dims, 1);
  }

  forward(x: mx.array, options?: PoolOptions): mx.array {
    return this.output.forward(this.pool.forward(x, options)).squeeze(-1);
  }
}
