/** Attention, and transformers. */
import { isArray } from "../../core/array/array.js";
import { dtypeId } from "../../core/call/arguments.js";
import { outOfRange } from "../../core/call/errors.js";
import { asCount, asDepth } from "../../core/call/numbers.js";
import {
  count,
  flag,
  kindOf,
  kindWhere,
  nullable,
  optionsOf,
  share,
} from "../../core/call/options.js";
import * as mx from "../../core/index.js";
import { asCallable, type Callable, call, checkShape, type Layer, layer } from "../layer.js";
import { Module } from "../module.js";
import { checkpoint } from "../utils.js";
import { relu } from "./activations.js";
import { Dropout } from "./dropout.js";
import { Linear } from "./linear.js";
import { LayerNorm } from "./normalization.js";

/** What attention may see: a mask as in {@link AttentionOptions}, or null for all. */
export type AttentionMask = mx.array | "causal" | null;

/** Options of {@link MultiHeadAttention}: the sizes of last axes, and biases. */
export interface MultiHeadAttentionOptions {
  /** The size of the queries. By default `dims`. */
  queryInputDims?: number | undefined;
  /** The size of the keys. By default `dims`. */
  keyInputDims?: number | undefined;
  /** The size of the values. By default that of the keys. */
  valueInputDims?: number | undefined;
  /** The size of the projected values, of all heads together. By default `dims`. */
  valueDims?: number | undefined;
  /** The size of the result. By default `dims`. */
  valueOutputDims?: number | undefined;
  /** Whether projections add a bias. By default false. */
  bias?: boolean | undefined;
}

const read = optionsOf<MultiHeadAttentionOptions>()("MultiHeadAttention", {
  queryInputDims: count(),
  keyInputDims: count(),
  valueInputDims: count(),
  valueDims: count(),
  valueOutputDims: count(),
  bias: flag(false),
});

/** Options of the call of a {@link MultiHeadAttention}. */
export interface AttentionOptions {
  /**
   * Broadcasts to (B, numHeads, Tq, Tk). It is added to the scores or, if it is
   * boolean, true where a query may see a key. `"causal"` keeps queries from
   * seeing later keys. By default all is seen.
   */
  mask?: AttentionMask | undefined;
}

const mask = kindWhere<mx.array | "causal">(
  (x) => x === "causal" || isArray(x),
  'an array or "causal"',
);

const readCall = optionsOf<AttentionOptions>()("MultiHeadAttention.forward", {
  mask: nullable(mask()),
});

/**
 * Scaled dot-product attention with several heads, between linear projections.
 * Vaswani et al., "Attention Is All You Need", arXiv 1706.03762.
 *
 * @throws RangeError if `dims` is no multiple of `numHeads` or, when called, for other
 * shapes.
 * @example
 * const attention = new nn.MultiHeadAttention(8, 2);
 * attention.forward(mx.ones([1, 3, 8]), mx.ones([1, 5, 8]), mx.ones([1, 5, 8])).shape
 * // [ 1, 3, 8 ]
 */
export class MultiHeadAttention extends Module {
  readonly queryProj: Linear;
  readonly keyProj: Linear;
  readonly valueProj: Linear;
  readonly outProj: Linear;
  readonly numHeads: number;
  // Kept here since the projections, which have these sizes, may be replaced, for example by
  // quantized ones.
  readonly #inputDims: readonly [queries: number, keys: number, values: number];

  constructor(dims: number, numHeads: number, options?: MultiHeadAttentionOptions) {
    super();
    const fn = "MultiHeadAttention";
    asCount(dims, fn, "dims");
    this.numHeads = asCount(numHeads, fn, "numHeads");
    const {
      queryInputDims = dims,
      keyInputDims = dims,
      valueInputDims = keyInputDims,
      valueDims = dims,
      valueOutputDims = dims,
      bias,
    } = read(options);
    for (const [name, size] of Object.entries({ dims, valueDims })) {
      if (size % numHeads !== 0) {
        throw outOfRange(fn, name, `a multiple of the ${numHeads} heads`, size);
      }
    }
    this.#inputDims = [queryInputDims, keyInputDims, valueInputDims];
    this.queryProj = new Linear(queryInputDims, dims, { bias });
    this.keyProj = new Linear(keyInputDims, dims, { bias });
    this.valueProj = new Linear(valueInputDims, valueDims, { bias });
    this.outProj = new Linear(valueDims, valueOutputDims, { bias });
  }

  /**
   * For queries (B, Tq, queryInputDims), keys (B, Tk, keyInputDims) and values
   * (B, Tk, valueInputDims): (B, Tq, valueOutputDims).
   */
  forward(
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    options?: AttentionOptions,
  ): mx.array {
    const { mask } = readCall(options);
    const fn = "MultiHeadAttention.forward";
    const [queryDims, keyDims, valueDims] = this.#inputDims;
    checkShape(queries, fn, "queries", ["B", "Tq", queryDims]);
    checkShape(keys, fn, "keys", ["B", "Tk", keyDims]);
    checkShape(values, fn, "values", ["B", "Tk", valueDims]);
    const q = this.#split(this.queryProj.forward(queries));
    const k = this.#split(this.keyProj.forward(keys));
    const v = this.#split(this.valueProj.forward(values));
    const scale = Math.sqrt(1 / q.dim(-1));
    const out = mx.fast.scaledDotProductAttention(q, k, v, { scale, mask });
    return this.outProj.forward(out.transpose([0, 2, 1, 3]).flatten({ startAxis: -2 }));
  }

  // From (B, T, heads * size) to (B, heads, T, size).
  #split(x: mx.array): mx.array {
    return mx.unflatten(x, -1, [this.numHeads, -1]).transpose([0, 2, 1, 3]);
  }

  /**
   * A mask of shape (n, n) that keeps positions from seeing later ones: the
   * lowest finite number there, zero elsewhere.
   *
   * @example
   * nn.MultiHeadAttention.createAdditiveCausalMask(2)
   * // array([[-0, -3.40282e+38],
   * //        [-0, -0]], dtype=float32)
   */
  static createAdditiveCausalMask(n: number, dtype: mx.Dtype = mx.float32): mx.array {
    const fn = "createAdditiveCausalMask";
    dtypeId(dtype, fn);
    const indices = mx.arange(asCount(n, fn, "n"));
    const later = mx.expandDims(indices, 1).less(mx.expandDims(indices, 0));
    return later.astype(dtype).multiply(mx.finfo(dtype).min);
  }
}

/** Options of {@link TransformerEncoderLayer} and {@link TransformerDecoderLayer}. */
export interface TransformerLayerOptions {
  /** The size of the hidden layer of the two linear ones. By default `4 * dims`. */
  mlpDims?: number | undefined;
  /**
   * The share of the results of attention and of the hidden layer that is dropped in training. By
   * default 0.
   */
  dropout?: number | undefined;
  /** The function or layer after the hidden layer. By default `nn.relu`. */
  activation?: Layer | undefined;
  /** Whether to normalize before attention and the linear layers, rather than after the sums. By default true. */
  normFirst?: boolean | undefined;
}

const layerOptions = {
  mlpDims: count(),
  dropout: share(0),
  activation: layer(relu),
  normFirst: flag(true),
};

const readLayer = optionsOf<TransformerLayerOptions>()("TransformerEncoderLayer", layerOptions);

/** Adds a part of a layer to its input, with the norm before or after. */
function sum(
  x: mx.array,
  { normFirst }: { readonly normFirst: boolean },
  norm: LayerNorm,
  part: (x: mx.array) => mx.array,
): mx.array {
  return normFirst ? x.add(part(norm.forward(x))) : norm.forward(x.add(part(x)));
}

/**
 * A layer of a transformer's encoder: attention of the input to itself, then two linear
 * layers at each place, each with a sum and a {@link LayerNorm}: `x + part(norm(x))` or,
 * without `normFirst`, `norm(x + part(x))`. Vaswani et al., "Attention Is All You Need",
 * arXiv 1706.03762; `normFirst` as in Xiong et al., "On Layer Normalization in the
 * Transformer Architecture", arXiv 2002.04745.
 *
 * @throws RangeError if `dims` is no multiple of `numHeads` or, when called, for other
 * shapes.
 * @example
 * const layer = new nn.TransformerEncoderLayer(8, 2, { mlpDims: 16 });
 * layer.forward(mx.ones([1, 3, 8]), "causal").shape
 * // [ 1, 3, 8 ]
 */
export class TransformerEncoderLayer extends Module {
  readonly attention: MultiHeadAttention;
  readonly ln1: LayerNorm;
  readonly ln2: LayerNorm;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly activation: Layer;
  readonly normFirst: boolean;

  constructor(dims: number, numHeads: number, options?: TransformerLayerOptions) {
    super();
    asCount(dims, "TransformerEncoderLayer", "dims");
    const { mlpDims = 4 * dims, dropout: p, activation, normFirst } = readLayer(options);
    this.attention = new MultiHeadAttention(dims, numHeads);
    this.ln1 = new LayerNorm(dims);
    this.ln2 = new LayerNorm(dims);
    this.linear1 = new Linear(dims, mlpDims);
    this.linear2 = new Linear(mlpDims, dims);
    this.dropout1 = new Dropout({ p });
    this.dropout2 = new Dropout({ p });
    this.activation = activation;
    this.normFirst = normFirst;
  }

  /** From (B, T, dims) to the same shape. The mask broadcasts to (B, numHeads, T, T). */
  forward(x: mx.array, mask: AttentionMask): mx.array {
    checkShape(x, "TransformerEncoderLayer.forward", "x", ["B", "T", this.ln1.dims]);
    const seen = sum(x, this, this.ln1, (y) =>
      this.dropout1.forward(this.attention.forward(y, y, y, { mask })),
    );
    return sum(seen, this, this.ln2, (y) => {
      const hidden = call(this.activation, this.linear1.forward(y));
      return this.linear2.forward(this.dropout2.forward(hidden));
    });
  }
}

/** Options of {@link TransformerEncoder} and {@link TransformerDecoder}. */
export interface TransformerStackOptions extends TransformerLayerOptions {
  /** Whether gradients compute each layer again rather than keep what it computed; see {@link checkpoint}. By default false. */
  checkpoint?: boolean | undefined;
}

const readStack = optionsOf<TransformerStackOptions>()("TransformerEncoder", {
  ...layerOptions,
  checkpoint: flag(false),
});

/** What encoders and decoders have in common: layers, one after the other, and a norm. */
class TransformerStack<
  L extends Module & { forward(x: mx.array, ...rest: Rest): mx.array },
  Rest extends unknown[],
> extends Module {
  readonly layers: readonly L[];
  readonly ln: LayerNorm;
  readonly checkpoint: boolean;

  constructor(
    fn: string,
    numLayers: number,
    dims: number,
    options: TransformerStackOptions | undefined,
    layerOf: (options: TransformerLayerOptions) => L,
  ) {
    super();
    const { checkpoint, ...layer } = readStack(options, fn);
    this.layers = Array.from({ length: asDepth(numLayers, fn, "numLayers") }, () => layerOf(layer));
    this.ln = new LayerNorm(dims);
    this.checkpoint = checkpoint;
  }

  /** What all layers make of an input, one after the other. */
  protected through(x: mx.array, ...rest: Rest): mx.array {
    let y = x;
    for (const layer of this.layers) {
      y = this.checkpoint ? checkpoint(layer)(y, ...rest) : layer.forward(y, ...rest);
    }
    return this.ln.forward(y);
  }
}

/**
 * Layers of a transformer's encoder, {@link TransformerEncoderLayer}, one after the
 * other, and a {@link LayerNorm}.
 *
 * @example
 * const encoder = new nn.TransformerEncoder(2, 8, 2, { mlpDims: 16 });
 * encoder.forward(mx.ones([1, 3, 8]), null).shape
 * // [ 1, 3, 8 ]
 */
export class TransformerEncoder extends TransformerStack<
  TransformerEncoderLayer,
  [mask: AttentionMask]
> {
  constructor(
    numLayers: number,
    dims: number,
    numHeads: number,
    options?: TransformerStackOptions,
  ) {
    const layerOf = (layer: TransformerLayerOptions) =>
      new TransformerEncoderLayer(dims, numHeads, layer);
    super("TransformerEncoder", numLayers, dims, options, layerOf);
  }

  /** From (B, T, dims) to the same shape. The mask broadcasts to (B, numHeads, T, T). */
  forward(x: mx.array, mask: AttentionMask): mx.array {
    checkShape(x, "TransformerEncoder.forward", "x", ["B", "T", this.ln.dims]);
    return this.through(x, mask);
  }
}

/**
 * A layer of a transformer's decoder: attention of the input to itself, then to what an
 * encoder gave, then two linear layers at each place, each with a sum and a
 * {@link LayerNorm}, as in {@link TransformerEncoderLayer}.
 *
 * @throws RangeError if `dims` is no multiple of `numHeads` or, when called, for other
 * shapes.
 * @example
 * const layer = new nn.TransformerDecoderLayer(8, 2, { mlpDims: 16 });
 * layer.forward(mx.ones([1, 3, 8]), mx.ones([1, 5, 8]), "causal", null).shape
 * // [ 1, 3, 8 ]
 */
export class TransformerDecoderLayer extends Module {
  readonly selfAttention: MultiHeadAttention;
  readonly crossAttention: MultiHeadAttention;
  readonly ln1: LayerNorm;
  readonly ln2: LayerNorm;
  readonly ln3: LayerNorm;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;
  readonly activation: Layer;
  readonly normFirst: boolean;

  constructor(dims: number, numHeads: number, options?: TransformerLayerOptions) {
    super();
    const fn = "TransformerDecoderLayer";
    asCount(dims, fn, "dims");
    const { mlpDims = 4 * dims, dropout: p, activation, normFirst } = readLayer(options, fn);
    this.selfAttention = new MultiHeadAttention(dims, numHeads);
    this.crossAttention = new MultiHeadAttention(dims, numHeads);
    this.ln1 = new LayerNorm(dims);
    this.ln2 = new LayerNorm(dims);
    this.ln3 = new LayerNorm(dims);
    this.linear1 = new Linear(dims, mlpDims);
    this.linear2 = new Linear(mlpDims, dims);
    this.dropout1 = new Dropout({ p });
    this.dropout2 = new Dropout({ p });
    this.dropout3 = new Dropout({ p });
    this.activation = activation;
    this.normFirst = normFirst;
  }

  /**
   * From (B, T, dims), and what an encoder gave, (B, S, dims), to (B, T, dims). The
   * masks broadcast to (B, numHeads, T, T) and (B, numHeads, T, S).
   */
  forward(
    x: mx.array,
    memory: mx.array,
    xMask: AttentionMask,
    memoryMask: AttentionMask,
  ): mx.array {
    const fn = "TransformerDecoderLayer.forward";
    checkShape(x, fn, "x", ["B", "T", this.ln1.dims]);
    checkShape(memory, fn, "memory", ["B", "S", this.ln1.dims]);
    const seen = sum(x, this, this.ln1, (y) =>
      this.dropout1.forward(this.selfAttention.forward(y, y, y, { mask: xMask })),
    );
    const crossed = sum(seen, this, this.ln2, (y) =>
      this.dropout2.forward(this.crossAttention.forward(y, memory, memory, { mask: memoryMask })),
    );
    return sum(crossed, this, this.ln3, (y) => {
      const hidden = call(this.activation, this.linear1.forward(y));
      return this.linear2.forward(this.dropout3.forward(hidden));
    });
  }
}

/**
 * Layers of a transformer's decoder, {@link TransformerDecoderLayer}, one after the
 * other, and a {@link LayerNorm}.
 *
 * @example
 * const decoder = new nn.TransformerDecoder(2, 8, 2, { mlpDims: 16 });
 * decoder.forward(mx.ones([1, 3, 8]), mx.ones([1, 5, 8]), "causal", null).shape
 * // [ 1, 3, 8 ]
 */
export class TransformerDecoder extends TransformerStack<
  TransformerDecoderLayer,
  [memory: mx.array, xMask: AttentionMask, memoryMask: AttentionMask]
> {
  constructor(
    numLayers: number,
    dims: number,
    numHeads: number,
    options?: TransformerStackOptions,
  ) {
    const layerOf = (layer: TransformerLayerOptions) =>
      new TransformerDecoderLayer(dims, numHeads, layer);
    super("TransformerDecoder", numLayers, dims, options, layerOf);
  }

  /**
   * From (B, T, dims), and what an encoder gave, (B, S, dims), to (B, T, dims). The
   * masks broadcast to (B, numHeads, T, T) and (B, numHeads, T, S).
   */
  forward(
    x: mx.array,
    memory: mx.array,
    xMask: AttentionMask,
    memoryMask: AttentionMask,
  ): mx.array {
    const fn = "TransformerDecoder.forward";
    checkShape(x, fn, "x", ["B", "T", this.ln.dims]);
    checkShape(memory, fn, "memory", ["B", "S", this.ln.dims]);
    return this.through(x, memory, xMask, memoryMask);
  }
}

/** A layer or function that can replace a {@link TransformerEncoder}. */
export type Encoder = Callable<TransformerEncoder["forward"]>;

/** A layer or function that can replace a {@link TransformerDecoder}. */
export type Decoder = Callable<TransformerDecoder["forward"]>;

/** Options of {@link Transformer}. */
export interface TransformerOptions extends TransformerStackOptions {
  /** The size of the inputs' last axis. By default 512. */
  dims?: number | undefined;
  /** The number of heads in attention. By default 8. */
  numHeads?: number | undefined;
  /** The number of layers in the encoder. By default 6. */
  numEncoderLayers?: number | undefined;
  /** The number of layers in the decoder. By default 6. */
  numDecoderLayers?: number | undefined;
  /** A layer or function to use as the encoder. */
  customEncoder?: Encoder | undefined;
  /** A layer or function to use as the decoder. */
  customDecoder?: Decoder | undefined;
}

const depth = kindOf(asDepth);
const readTransformer = optionsOf<TransformerOptions>()("Transformer", {
  ...layerOptions,
  checkpoint: flag(false),
  dims: count(512),
  numHeads: count(8),
  numEncoderLayers: depth(6),
  numDecoderLayers: depth(6),
  customEncoder: kindOf<Encoder>(asCallable)(),
  customDecoder: kindOf<Decoder>(asCallable)(),
});

/**
 * An encoder that reads one sequence, and a decoder that reads another one and what the
 * encoder gave. Vaswani et al., "Attention Is All You Need", arXiv 1706.03762.
 *
 * @throws RangeError if `dims` is no multiple of `numHeads` or, when called, for other
 * shapes.
 * @example
 * const options = { dims: 8, numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1 };
 * const model = new nn.Transformer(options);
 * model.forward(mx.ones([1, 5, 8]), mx.ones([1, 3, 8]), null, "causal", null).shape
 * // [ 1, 3, 8 ]
 */
export class Transformer extends Module {
  readonly encoder: Encoder;
  readonly decoder: Decoder;

  constructor(options?: TransformerOptions) {
    super();
    const {
      dims,
      numHeads,
      numEncoderLayers,
      numDecoderLayers,
      customEncoder,
      customDecoder,
      ...stack
    } = readTransformer(options);
    this.encoder = customEncoder ?? new TransformerEncoder(numEncoderLayers, dims, numHeads, stack);
    this.decoder = customDecoder ?? new TransformerDecoder(numDecoderLayers, dims, numHeads, stack);
  }

  /**
   * From the encoder's input, (B, S, dims), and the decoder's, (B, T, dims), to
   * (B, T, dims). The masks broadcast to (B, numHeads, S, S), (B, numHeads, T, T) and
   * (B, numHeads, T, S).
   */
  forward(
    src: mx.array,
    tgt: mx.array,
    srcMask: AttentionMask,
    tgtMask: AttentionMask,
    memoryMask: AttentionMask,
  ): mx.array {
    const memory = call(this.encoder, src, srcMask);
    return call(this.decoder, tgt, memory, tgtMask, memoryMask);
  }
}
