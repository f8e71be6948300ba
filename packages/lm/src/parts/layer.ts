import { type mx, nn } from "mlx-js";
import type { Cache } from "../cache.js";
import type { Config } from "../config.js";
import { failure } from "../errors.js";
import type { Mask } from "../masks.js";
import type { DecoderLayer } from "./decoder.js";
import { rmsNorm } from "./norm.js";

/** An attention, of whatever kind. */
export interface AnyAttention extends nn.Module {
  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array;
}

/** Whether `layer_types` says that a layer sees a window alone; undefined where it says nothing. */
export function isSliding(config: Config, layer: number): boolean | undefined {
  if (!config.has("layer_types")) {
    return undefined;
  }
  const type = config.texts("layer_types")[layer];
  if (type !== "full_attention" && type !== "sliding_attention") {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${config.source}: expected layer_types to have "full_attention" or "sliding_attention" for layer ` +
        `${layer}, received ${type ?? "nothing"}`,
    );
  }
  return type === "sliding_attention";
}

/** Options of {@link PreNormLayer}. */
export interface PreNormLayerOptions {
  /** How many of the last tokens each sees. By default all. */
  window?: number | undefined;
  /** Makes a norm. By default an RMSNorm. */
  norm?: () => nn.UnaryLayer;
}

/** A layer with a norm before the attention and one before the rest, as in most models. */
export class PreNormLayer extends nn.Module implements DecoderLayer {
  readonly window: number | undefined;
  selfAttn: AnyAttention;
  mlp: nn.UnaryLayer;
  inputLayernorm: nn.UnaryLayer;
  postAttentionLayernorm: nn.UnaryLayer;

  constructor(
    config: Config,
    attention: AnyAttention,
    mlp: nn.UnaryLayer,
    { window, norm = () => rmsNorm(config) }: PreNormLayerOptions = {},
  ) {
    super();
    this.window = window;
    this.selfAttn = attention;
    this.mlp = mlp;
    this.inputLayernorm = norm();
    this.postAttentionLayernorm = norm();
  }

  forward(x: mx.array, mask: Mask, cache?: Cache): mx.array {
    const h = x.add(this.selfAttn.forward(this.inputLayernorm.forward(x), mask, cache));
    return h.add(this.mlp.forward(this.postAttentionLayernorm.forward(h)));
  }
}
