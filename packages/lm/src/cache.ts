import { mx } from "mlx-js";

/** What a layer's attention keeps of the tokens before: see {@link KVCache}. */
export interface Cache extends Disposable {
  /** How many tokens have been seen: the position of the next one. */
  readonly offset: number;

  /**
   * Adds the keys and values of new tokens.
   *
   * @param keys Of shape (batch, heads, length, headDim).
   * @param values Of the same shape, but for the last axis.
   * @returns those of all tokens that the new ones may attend to.
   */
  update(keys: mx.array, values: mx.array): { keys: mx.array; values: mx.array };

  /**
   * Forgets the last tokens, of which a rotating cache may have lost what came before.
   *
   * @returns how many it forgot.
   */
  trim(count: number): number;
}

/** Buffers grow by this many tokens, so that most tokens copy nothing. */
const step = 256;

/** The buffer, or a longer one with its first `offset` tokens, that has room for more. */
function roomFor(buffer: mx.array | null, more: mx.array, offset: number): mx.array {
  const length = more.dim(2);
  if (buffer !== null && offset + length <= buffer.dim(2)) {
    return buffer;
  }
  const [batch = 1, heads = 1, , headDim = 1] = more.shape;
  const added = mx.zeros([batch, heads, Math.ceil(length / step) * step, headDim], more.dtype);
  return buffer === null ? added : mx.concatenate([upTo(buffer, offset), added], 2);
}

function upTo(buffer: mx.array, end: number): mx.array {
  return buffer.get(":", ":", new mx.Slice(0, end));
}

/**
 * The keys and values of all tokens so far, in a buffer that grows by 256 tokens at a time. What
 * it holds outlives `mx.tidy` and is freed with it.
 *
 * @example
 * using cache = new KVCache();
 * cache.update(mx.ones([1, 2, 3, 4]), mx.ones([1, 2, 3, 4])).keys.shape
 * // [1, 2, 3, 4]
 */
export class KVCache extends mx.Owner implements Cache {
  keys: mx.array | null = null;
  values: mx.array | null = null;
  offset = 0;

  update(keys: mx.array, values: mx.array): { keys: mx.array; values: mx.array } {
    const end = this.offset + keys.dim(2);
    this.keys = roomFor(this.keys, keys, this.offset);
    this.values = roomFor(this.values, values, this.offset);
    // In place, so that MLX writes into the buffer and does not copy it.
    this.keys.set([":", ":", new mx.Slice(this.offset, end)], keys);
    this.values.set([":", ":", new mx.Slice(this.offset, end)], values);
    this.offset = end;
    return { keys: upTo(this.keys, end), values: upTo(this.values, end) };
  }

  trim(count: number): number {
    const trimmed = Math.min(count, this.offset);
    this.offset -= trimmed;
    return trimmed;
  }
}
