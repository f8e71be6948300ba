import { mx } from "mlx-js";
import { asCount, asLength, kindOf, length, mismatch, optionsOf, outOfRange } from "mlx-js/options";
import { failure } from "./errors.js";
import { causalMask, type Mask, maskOfAll } from "./masks.js";

/** The keys and values that an attention reads. */
export interface KeysValues {
  keys: mx.array;
  values: mx.array;
  /** The same as it is kept, where that is quantized: who reads this needs no array of full precision. */
  quantized?: QuantizedKeysValues | undefined;
}

/** Quantized keys and values, and their format. */
export interface QuantizedKeysValues {
  readonly keys: Quantized;
  readonly values: Quantized;
  readonly groupSize: number;
  readonly bits: number;
}

/** An array whose last axis is quantized: the packed numbers, and the scales and biases of its groups. */
export type Quantized = [packed: mx.array, scales: mx.array, biases: mx.array];

/** What a layer's attention keeps of the tokens before: see {@link KVCache}. */
export interface Cache extends Disposable {
  /** How many tokens have been seen: the position of the next one. */
  readonly offset: number;

  /** Whether `trim` can forget tokens. */
  readonly trimmable: boolean;

  /**
   * Adds the keys and values of new tokens.
   *
   * @param keys Of shape (batch, heads, length, headDim).
   * @param values Of the same shape, but for the last axis.
   * @returns those of all tokens that the new ones may attend to.
   */
  update(keys: mx.array, values: mx.array): KeysValues;

  /**
   * The mask for `length` tokens that are to be added, among what `update` will then return.
   *
   * @param window How many tokens each may attend to, itself included. By default all that there are.
   */
  mask(length: number, window?: number): Mask;

  /**
   * Forgets the last tokens.
   *
   * @returns how many it forgot: none if it is not `trimmable`.
   */
  trim(count: number): number;

  /** What a file holds of it: see {@link savePromptCache}. */
  saved(): SavedCache;
}

/** A cache as files hold it. */
export interface SavedCache {
  /** The name of its class. */
  readonly name: string;
  /** Keys and values. */
  readonly arrays: readonly (mx.array | Quantized)[];
  readonly numbers: Readonly<Record<string, number>>;
}

/** What a function makes of each of the three. */
function mapQuantized(
  [packed, scales, biases]: Quantized,
  map: (part: mx.array, place: 0 | 1 | 2) => mx.array,
): Quantized {
  return [map(packed, 0), map(scales, 1), map(biases, 2)];
}

/** The numbers of a cache, by their names. */
type Numbers = Readonly<Record<string, number | undefined>>;

/** Buffers grow by this many tokens, so that most tokens copy nothing. */
const step = 256;

function between(x: mx.array, start: number, end?: number): mx.array {
  return x.get(":", ":", new mx.Slice(start, end));
}

function write(buffer: mx.array, start: number, x: mx.array): void {
  // In place, so that MLX writes into the buffer and does not copy it.
  buffer.set([":", ":", new mx.Slice(start, start + x.dim(2))], x);
}

/** The first `used` tokens of a buffer, with room for `added` more of the shape of `like`. */
function grown(buffer: mx.array | null, used: number, like: mx.array, added: number): mx.array {
  const [batch = 1, heads = 1, , headDim = 1] = like.shape;
  const room = mx.zeros([batch, heads, added, headDim], like.dtype);
  if (buffer === null) {
    return room;
  }
  const longer = mx.concatenate([between(buffer, 0, used), room], 2);
  // At once, and not when the collector comes: it is as large as all tokens so far.
  buffer.dispose();
  return longer;
}

/**
 * Refuses tokens of another model than those of a cache, or of another number of texts: where one of their sizes is 1, they
 * would be broadcast.
 */
function checkFits(held: readonly number[], added: readonly number[]): void {
  if ([0, 1, 3].some((axis) => held[axis] !== added[axis])) {
    const shown = ([texts, heads, , dims]: readonly number[]) => `[${texts}, ${heads}, …, ${dims}]`;
    throw failure(
      "ERR_MLX_LM_CACHE",
      `[update] keys, values: expected the shape of those in the cache, ${shown(held)} (texts, heads, tokens, size of a ` +
        `head), received ${shown(added)}: the cache is of another model, or of another number of texts. ` +
        "makePromptCache(model) makes an empty one.",
    );
  }
}

/** As `grown`, if there is not room for `like` already. */
function roomFor(buffer: mx.array | null, used: number, like: mx.array): mx.array {
  const shape = like.shape;
  const [, , length = 0] = shape;
  if (buffer !== null) {
    const held = buffer.shape;
    checkFits(held, shape);
    if (used + length <= (held[2] ?? 0)) {
      return buffer;
    }
  }
  return grown(buffer, used, like, Math.ceil(length / step) * step);
}

/** What caches that forget no token by themselves have in common. */
abstract class WholeCache extends mx.Owner implements Cache {
  offset = 0;

  get trimmable(): boolean {
    return true;
  }

  mask(length: number, window?: number): Mask {
    return maskOfAll(length, this.offset, window);
  }

  trim(count: number): number {
    const trimmed = Math.min(count, this.offset);
    this.offset -= trimmed;
    return trimmed;
  }

  abstract update(keys: mx.array, values: mx.array): KeysValues;
  abstract saved(): SavedCache;
}

/**
 * The keys and values of all tokens so far, in a buffer that grows by 256 tokens at a time. What
 * it holds outlives `mx.tidy` and is freed with it. The buffers are its own: a longer one
 * takes the place of one that is full, which is freed.
 *
 * @example
 * using cache = new KVCache();
 * cache.update(mx.ones([1, 2, 3, 4]), mx.ones([1, 2, 3, 4])).keys.shape
 * // [ 1, 2, 3, 4 ]
 */
export class KVCache extends WholeCache {
  keys: mx.array | null = null;
  values: mx.array | null = null;

  update(keys: mx.array, values: mx.array): KeysValues {
    const { offset } = this;
    this.keys = roomFor(this.keys, offset, keys);
    this.values = roomFor(this.values, offset, values);
    write(this.keys, offset, keys);
    write(this.values, offset, values);
    this.offset += keys.dim(2);
    return {
      keys: between(this.keys, 0, this.offset),
      values: between(this.values, 0, this.offset),
    };
  }

  /** The same tokens in a {@link QuantizedKVCache}; this cache stays as it is. */
  toQuantized(options?: QuantizedKVCacheOptions): QuantizedKVCache {
    const quantized = new QuantizedKVCache(options);
    if (this.keys !== null && this.values !== null && this.offset > 0) {
      quantized.updateQuantized(
        between(this.keys, 0, this.offset),
        between(this.values, 0, this.offset),
      );
    }
    return quantized;
  }

  saved(): SavedCache {
    const arrays = [this.keys, this.values].map((x) => between(filled(x), 0, this.offset));
    return { name: "KVCache", arrays, numbers: { offset: this.offset } };
  }

  /** @internal */
  static restored(keys: mx.array, values: mx.array, { offset }: Numbers): KVCache {
    const cache = new KVCache();
    cache.keys = keys;
    cache.values = values;
    cache.offset = offset ?? keys.dim(2);
    return cache;
  }
}

/** Options of {@link RotatingKVCache}. */
export interface RotatingKVCacheOptions {
  /** How many of the first tokens are never forgotten. By default 0. */
  keep?: number | undefined;
}

const readRotating = optionsOf<RotatingKVCacheOptions>()("RotatingKVCache", { keep: length(0) });

/**
 * The keys and values of the last `maxSize` tokens, the first `keep` always among them: for
 * layers with a sliding window, and for texts without end. A token that is alone takes the place of the
 * oldest one; several at once are appended, after all that the first of them may attend to.
 *
 * @example
 * using cache = new RotatingKVCache(2);
 * cache.update(mx.ones([1, 1, 1, 4]), mx.ones([1, 1, 1, 4]));
 * cache.update(mx.ones([1, 1, 1, 4]), mx.ones([1, 1, 1, 4]));
 * [cache.update(mx.ones([1, 1, 1, 4]), mx.ones([1, 1, 1, 4])).keys.shape, cache.offset]
 * // [ [ 1, 1, 2, 4 ], 3 ]
 */
export class RotatingKVCache extends mx.Owner implements Cache {
  readonly maxSize: number;
  readonly keep: number;
  keys: mx.array | null = null;
  values: mx.array | null = null;
  offset = 0;
  /** Where the next token goes. */
  #next = 0;

  constructor(maxSize: number, options?: RotatingKVCacheOptions) {
    super();
    const { keep } = readRotating(options);
    this.maxSize = asCount(maxSize, "RotatingKVCache", "maxSize");
    this.keep = keep;
    if (keep >= maxSize) {
      throw outOfRange("RotatingKVCache", "keep", `less than maxSize, ${maxSize}`, keep);
    }
  }

  /** Until the first token was forgotten, since what stood in its place cannot come back. */
  get trimmable(): boolean {
    return this.offset < this.maxSize;
  }

  update(keys: mx.array, values: mx.array): KeysValues {
    return keys.dim(2) === 1 ? this.#replace(keys, values) : this.#append(keys, values);
  }

  #append(keys: mx.array, values: mx.array): KeysValues {
    const length = keys.dim(2);
    this.keys = this.#joined(this.keys, keys);
    this.values = this.#joined(this.values, values);
    this.offset += length;
    this.#next = this.keys.dim(2);
    // Copies: the next update frees or changes the buffers.
    return { keys: between(this.keys, 0), values: between(this.values, 0) };
  }

  /** What a buffer holds in the order of time, without what no new token sees, and then `x`. */
  #joined(buffer: mx.array | null, x: mx.array): mx.array {
    if (buffer === null) {
      return between(x, 0);
    }
    checkFits(buffer.shape, x.shape);
    const { keep, maxSize } = this;
    const next = this.#next;
    const full = buffer.dim(2);
    const ordered =
      next === full || next >= this.offset
        ? between(buffer, 0, next)
        : mx.concatenate(
            [between(buffer, 0, keep), between(buffer, next), between(buffer, keep, next)],
            2,
          );
    // The first of the new tokens sees maxSize - 1 tokens before it.
    const tooMany = ordered.dim(2) - (maxSize - 1);
    const joined = mx.concatenate([...this.#without(ordered, tooMany), x], 2);
    buffer.dispose();
    return joined;
  }

  /** Without the oldest tokens after those to keep. */
  #without(ordered: mx.array, count: number): mx.array[] {
    return count > 0
      ? [between(ordered, 0, this.keep), between(ordered, this.keep + count)]
      : [ordered];
  }

  #replace(keys: mx.array, values: mx.array): KeysValues {
    const { keep, maxSize, offset } = this;
    this.keys = this.#roomForOne(this.keys, keys);
    this.values = this.#roomForOne(this.values, values);
    this.#next = this.#next >= maxSize ? keep : this.#next;
    write(this.keys, this.#next, keys);
    write(this.values, this.#next, values);
    this.#next += 1;
    this.offset = offset + 1;
    const end = Math.min(this.offset, maxSize);
    return { keys: between(this.keys, 0, end), values: between(this.values, 0, end) };
  }

  #roomForOne(buffer: mx.array | null, like: mx.array): mx.array {
    const { maxSize, offset } = this;
    const held = buffer?.shape;
    const size = held?.[2] ?? 0;
    if (held !== undefined) {
      checkFits(held, like.shape);
    }
    if (buffer !== null && size > maxSize) {
      // Several tokens at once left it too long, in the order of time.
      const shorter = mx.concatenate(this.#without(buffer, size - maxSize), 2);
      buffer.dispose();
      return shorter;
    }
    if (buffer === null || (offset >= size && size < maxSize)) {
      return grown(buffer, size, like, Math.min(step, maxSize - offset));
    }
    return buffer;
  }

  mask(length: number, window = this.maxSize): Mask {
    const { maxSize } = this;
    if (length > 1) {
      const before = Math.min(maxSize - 1, this.offset);
      return before + length > window ? causalMask(length, before, window) : "causal";
    }
    if (window >= maxSize || this.offset < window) {
      return null;
    }
    // How old each token will be, by where it will stand: the newest at `next`, the older ones before
    // it and, around the end, after it.
    const next = this.#next >= maxSize ? this.keep : this.#next;
    const size = Math.min(this.offset + 1, maxSize);
    const ages = Array.from({ length: size }, (_, i) =>
      i < this.keep ? this.offset - i : next - i + (i > next ? size - this.keep : 0),
    );
    return mx.array(ages.map((age) => age < window));
  }

  trim(count: number): number {
    if (!this.trimmable) {
      return 0;
    }
    const trimmed = Math.min(count, this.offset);
    this.offset -= trimmed;
    this.#next -= trimmed;
    return trimmed;
  }

  saved(): SavedCache {
    const end = Math.min(this.offset, filled(this.keys).dim(2));
    return {
      name: "RotatingKVCache",
      arrays: [this.keys, this.values].map((x) => between(filled(x), 0, end)),
      numbers: {
        offset: this.offset,
        keep: this.keep,
        maxSize: this.maxSize,
        next: this.#next,
      },
    };
  }

  /** @internal */
  static restored(keys: mx.array, values: mx.array, numbers: Numbers): RotatingKVCache {
    const { keep = 0, maxSize = 0, offset = 0, next = 0 } = numbers;
    const cache = new RotatingKVCache(maxSize, { keep });
    cache.keys = keys;
    cache.values = values;
    cache.offset = offset;
    cache.#next = next;
    return cache;
  }
}

/** One of the numbers that `mx.quantize` takes. */
function oneOfNumbers(...known: readonly number[]) {
  return kindOf((value, fn, param) => {
    const x = asCount(value, fn, param);
    if (!known.includes(x)) {
      throw outOfRange(fn, param, `one of ${known.join(", ")}`, x);
    }
    return x;
  });
}

export const groupSizeOption = oneOfNumbers(32, 64, 128);
export const bitsOption = oneOfNumbers(1, 2, 3, 4, 5, 6, 8);

/** Options of {@link QuantizedKVCache}. */
export interface QuantizedKVCacheOptions {
  /** How many numbers share a scale. By default 64. */
  groupSize?: number | undefined;
  /** Bits for each number. By default 8. */
  bits?: number | undefined;
}

const readQuantized = optionsOf<QuantizedKVCacheOptions>()("QuantizedKVCache", {
  groupSize: groupSizeOption(64),
  bits: bitsOption(8),
});

/**
 * The keys and values of all tokens so far, quantized: in 8 bits they take a bit more than a quarter of the
 * memory of float32.
 *
 * @example
 * using cache = new QuantizedKVCache({ bits: 4 });
 * const { keys } = cache.update(mx.ones([1, 1, 2, 64]), mx.ones([1, 1, 2, 64]));
 * [keys.shape, cache.keys?.[0].shape]
 * // [ [ 1, 1, 2, 64 ], [ 1, 1, 256, 8 ] ]
 */
export class QuantizedKVCache extends WholeCache {
  readonly groupSize: number;
  readonly bits: number;
  keys: Quantized | null = null;
  values: Quantized | null = null;

  constructor(options?: QuantizedKVCacheOptions) {
    super();
    const { groupSize, bits } = readQuantized(options);
    this.groupSize = groupSize;
    this.bits = bits;
  }

  /** Adds tokens, and gives all of them: as they are kept and, computed if it is read, in full precision. */
  update(keys: mx.array, values: mx.array): KeysValues {
    const quantized = this.updateQuantized(keys, values);
    return {
      keys: this.#dequantized(quantized.keys),
      values: this.#dequantized(quantized.values),
      quantized,
    };
  }

  /** Adds tokens, and gives all of them as they are kept, for `mx.quantizedMatmul`. */
  updateQuantized(keys: mx.array, values: mx.array): QuantizedKeysValues {
    this.keys = this.#added(this.keys, keys);
    this.values = this.#added(this.values, values);
    this.offset += keys.dim(2);
    const { groupSize, bits } = this;
    return { keys: this.#all(this.keys), values: this.#all(this.values), groupSize, bits };
  }

  #added(buffers: Quantized | null, x: mx.array): Quantized {
    const { groupSize, bits, offset } = this;
    const shape = x.shape;
    const [, , , dims = 0] = shape;
    if (dims % groupSize !== 0) {
      const expected = `a divisor of the size of a head, ${dims}`;
      throw outOfRange("QuantizedKVCache", "groupSize", expected, groupSize);
    }
    if (buffers !== null) {
      const [texts = 0, heads = 0, length = 0, packed = 0] = buffers[0].shape;
      checkFits([texts, heads, length, (packed * 32) / bits], shape);
    }
    return mapQuantized(mx.quantize(x, { groupSize, bits }), (part, place) => {
      const buffer = roomFor(buffers?.[place] ?? null, offset, part);
      write(buffer, offset, part);
      return buffer;
    });
  }

  #all(buffers: Quantized): Quantized {
    return mapQuantized(buffers, (buffer) => between(buffer, 0, this.offset));
  }

  #dequantized([packed, scales, biases]: Quantized): mx.array {
    const { groupSize, bits } = this;
    return mx.dequantize(packed, scales, { biases, groupSize, bits });
  }

  saved(): SavedCache {
    return {
      name: "QuantizedKVCache",
      arrays: [this.#all(filled(this.keys)), this.#all(filled(this.values))],
      numbers: { offset: this.offset, groupSize: this.groupSize, bits: this.bits },
    };
  }

  /** @internal */
  static restored(keys: Quantized, values: Quantized, numbers: Numbers): QuantizedKVCache {
    const { offset = 0, groupSize, bits } = numbers;
    const cache = new QuantizedKVCache({ groupSize, bits });
    cache.keys = keys;
    cache.values = values;
    cache.offset = offset;
    return cache;
  }
}

function filled<T>(x: T | null): T {
  if (x === null) {
    throw failure(
      "ERR_MLX_LM_CACHE",
      "[savePromptCache] caches: expected caches that have seen tokens, received an empty one",
    );
  }
  return x;
}

/** Refuses what are no caches. */
export function asCaches(caches: unknown, fn: string, param = "caches"): Cache[] {
  const areCaches = Array.isArray(caches) && caches.every((x) => typeof x?.update === "function");
  if (!areCaches) {
    throw mismatch(fn, param, "what makePromptCache gives", caches);
  }
  return caches;
}

/**
 * Leaves at most the first tokens in all layers, and as many in each: where a model threw, some have more than
 * others. Does nothing if a layer cannot forget.
 */
export function trimTo(caches: readonly Cache[], length: number): void {
  const kept = Math.min(length, ...caches.map(({ offset }) => offset));
  if (caches.every(({ trimmable }) => trimmable)) {
    for (const cache of caches) {
      cache.trim(cache.offset - kept);
    }
  }
}

/**
 * Forgets the last tokens, in all layers.
 *
 * @returns how many were forgotten: none if a layer cannot, since a rotating cache has lost what
 * came before.
 */
export function trimPromptCache(caches: readonly Cache[], count: number): number {
  asCaches(caches, "trimPromptCache");
  asLength(count, "trimPromptCache", "count");
  const before = caches[0]?.offset ?? 0;
  trimTo(caches, Math.max(0, before - count));
  return before - (caches[0]?.offset ?? 0);
}

/** A kind of cache in files. */
interface Kind {
  /** Where the keys are, or the first part of them. */
  readonly keys: string;
  /** The names of its numbers, in order. */
  readonly numbers: readonly string[];
  /** The same before mlx-lm 0.32.2. */
  readonly before: readonly string[];
  /** Makes one of the arrays at some places. */
  restored(part: (place: string) => mx.array, numbers: Numbers): Cache;
}

const kinds: Readonly<Record<string, Kind>> = {
  KVCache: {
    keys: "0",
    numbers: ["offset"],
    before: [],
    restored: (part, numbers) => KVCache.restored(part("0"), part("1"), numbers),
  },
  RotatingKVCache: {
    keys: "0",
    numbers: ["offset", "keep", "maxSize", "next"],
    before: ["keep", "maxSize", "offset", "next"],
    restored: (part, numbers) => RotatingKVCache.restored(part("0"), part("1"), numbers),
  },
  QuantizedKVCache: {
    keys: "0.0",
    numbers: ["offset", "groupSize", "bits"],
    before: ["offset", "groupSize", "bits"],
    restored(part, numbers) {
      const whole = (x: number): Quantized => [part(`${x}.0`), part(`${x}.1`), part(`${x}.2`)];
      return QuantizedKVCache.restored(whole(0), whole(1), numbers);
    },
  },
};

/** The kind of this name, for the function that asks for it. */
function kindNamed(name: string, refuse: (what: string) => Error): Kind {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) {
    throw refuse(`one with a ${name}; the kinds are ${Object.keys(kinds).join(", ")}`);
  }
  return kind;
}

/**
 * Saves the caches of a model's layers, in the format of mlx-lm 0.32.2: a text that is read again and again is
 * read once.
 *
 * @param file The name of a safetensors file.
 * @param metadata Texts to save with them, such as the name of the model.
 */
export function savePromptCache(
  file: string,
  caches: readonly Cache[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  asCaches(caches, "savePromptCache");
  if (caches.length === 0) {
    throw outOfRange("savePromptCache", "caches", "at least one", caches);
  }
  const areTexts =
    typeof metadata === "object" &&
    metadata !== null &&
    Object.values(metadata).every((text) => typeof text === "string");
  if (!areTexts) {
    throw mismatch("savePromptCache", "metadata", "a record of texts", metadata);
  }
  mx.tidy(() => {
    const arrays: Record<string, mx.array> = {};
    const texts: Record<string, string> = { "2.0": "" };
    let count = 0;
    for (const [i, cache] of caches.entries()) {
      const saved = cache.saved();
      const kind = kindNamed(saved.name, (what) =>
        failure(
          "ERR_MLX_LM_CACHE",
          `[savePromptCache] caches: expected known ones, received ${what}`,
        ),
      );
      texts[`1.${i}`] = saved.name;
      for (const [j, x] of saved.arrays.entries()) {
        if (x instanceof mx.array) {
          arrays[`${i}.${j}`] = x;
        } else {
          for (const [k, part] of x.entries()) {
            arrays[`${i}.${j}.${k}`] = part;
          }
        }
      }
      // Numbers are arrays, of which the texts say that they are numbers.
      for (const [j, name] of kind.numbers.entries()) {
        const place = `${i}.${saved.arrays.length + j}`;
        arrays[place] = mx.array(saved.numbers[name] ?? 0, mx.int32);
        count += 1;
        texts[`2.${count}.0`] = place;
        texts[`2.${count}.1`] = "scalar";
      }
    }
    for (const [name, text] of Object.entries(metadata)) {
      texts[`0.${name}`] = text;
    }
    mx.saveSafetensors(file, arrays, { metadata: texts });
  });
}

/** What {@link loadPromptCache} gives. */
export interface LoadedPromptCache {
  caches: Cache[];
  metadata: Record<string, string>;
}

/** Where a file has what it says of the caches: as mlx-lm 0.32.2 writes it, or as it was before. */
interface Layout {
  metadata: string;
  classes: string;
  numberOf(layer: number, kind: Kind, name: string): number | undefined;
}

function layoutOf(arrays: Record<string, mx.array>, texts: Record<string, string>): Layout {
  return texts["2.0"] === ""
    ? {
        metadata: "0.",
        classes: "1.",
        numberOf(layer, kind, name) {
          const place = kind.numbers.indexOf(name);
          const number = arrays[`${layer}.${2 + place}`];
          return place < 0 || number?.size !== 1 ? undefined : Number(number.item());
        },
      }
    : {
        metadata: "1.",
        classes: "2.",
        numberOf(layer, kind, name) {
          const place = kind.before.indexOf(name);
          const number = texts[`0.${layer}.${place}`];
          return number === undefined ? undefined : Number(number);
        },
      };
}

function readCaches(file: string): [Record<string, mx.array>, Record<string, string>] {
  try {
    return mx.load(file, { format: "safetensors", returnMetadata: true });
  } catch (error) {
    throw error instanceof mx.FormatError
      ? failure(
          "ERR_MLX_LM_CACHE",
          `[loadPromptCache] file: expected a prompt cache, received another file: ${error.message}`,
          error,
        )
      : error;
  }
}

/**
 * Loads what {@link savePromptCache}, or mlx-lm, saved.
 *
 * @throws Error if the file is none, or has a kind of cache that is unknown here.
 */
export function loadPromptCache(file: string): LoadedPromptCache {
  const refuse = (what: string) =>
    failure(
      "ERR_MLX_LM_CACHE",
      `[loadPromptCache] file: expected a prompt cache, received ${what}`,
    );
  return mx.tidy(() => {
    const [arrays, texts] = readCaches(file);
    const layout = layoutOf(arrays, texts);
    const caches: Cache[] = [];
    for (let i = 0; ; i++) {
      const name = texts[`${layout.classes}${i}`];
      if (name === undefined) {
        break;
      }
      const kind = kindNamed(name, refuse);
      const size = arrays[`${i}.${kind.keys}`]?.shape[2] ?? 0;
      const part = (place: string): mx.array => {
        const x = arrays[`${i}.${place}`];
        if (x?.ndim !== 4 || x.dim(2) !== size) {
          throw refuse(
            `${file}, where arrays of layer ${i} are missing, or have not four axes and as many tokens`,
          );
        }
        return x;
      };
      const numbers: Record<string, number> = {};
      for (const each of kind.numbers) {
        const value = layout.numberOf(i, kind, each);
        if (value !== undefined) {
          numbers[each] = value;
        }
      }
      const { offset = size, next = 0 }: Numbers = numbers;
      const isWhole = (x: number, most: number) => Number.isInteger(x) && x >= 0 && x <= most;
      // A rotating cache has seen tokens that it has forgotten.
      const most = name === "RotatingKVCache" ? Number.MAX_SAFE_INTEGER : size;
      const cache = kind.restored(part, numbers);
      if (!isWhole(offset, most) || !isWhole(next, size)) {
        throw refuse(`${file}, where layer ${i} has ${size} tokens and says that it has ${offset}`);
      }
      caches.push(cache);
    }
    if (caches.length === 0) {
      throw refuse(`${file}, which has none`);
    }
    const metadata = Object.entries(texts)
      .filter(([name]) => name.startsWith(layout.metadata))
      .map(([name, text]) => [name.slice(layout.metadata.length), text]);
    return { caches, metadata: Object.fromEntries(metadata) };
  });
}
