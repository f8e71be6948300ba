import { mx, nn } from "mlx-js";
import type { Config } from "../config.js";
import { failure } from "../errors.js";

/** Rotates queries or keys by their positions, of which the first is `offset`. */
export interface Rope extends nn.Module {
  forward(x: mx.array, options?: { offset?: number }): mx.array;
}

/** Rotates by given wavelengths, after a factor, if there is one. */
class ScaledRope extends nn.Module implements Rope {
  readonly dims: number;
  readonly traditional: boolean;
  readonly factor: number;
  // No parameter: files do not have it.
  readonly _wavelengths: mx.array;

  constructor(dims: number, wavelengths: readonly number[], traditional: boolean, factor = 1) {
    super();
    this.dims = dims;
    this.traditional = traditional;
    this.factor = factor;
    this._wavelengths = mx.array(wavelengths);
  }

  forward(x: mx.array, { offset = 0 } = {}): mx.array {
    const { dims, traditional, factor, _wavelengths: freqs } = this;
    return mx.fast.rope(scaled(x, dims, factor), dims, { traditional, offset, freqs });
  }
}

/**
 * Rotates with a base that grows with the text, once it is longer than the context that was trained: "dynamic NTK".
 */
class DynamicRope extends nn.Module implements Rope {
  readonly dims: number;
  readonly base: number;
  readonly traditional: boolean;
  readonly factor: number;
  readonly context: number;

  constructor(dims: number, base: number, traditional: boolean, factor: number, context: number) {
    super();
    this.dims = dims;
    this.base = base;
    this.traditional = traditional;
    this.factor = factor;
    this.context = context;
  }

  forward(x: mx.array, { offset = 0 } = {}): mx.array {
    const { dims, factor, context, traditional } = this;
    const length = Math.max(x.dim(-2) + offset, context);
    const stretched = (factor * length) / context - (factor - 1);
    const base = this.base * stretched ** (dims / (dims - 2));
    return mx.fast.rope(x, dims, { traditional, base, offset });
  }
}

/** The first `dims` entries of the last axis, times a factor; the others as they are. */
function scaled(x: mx.array, dims: number, factor: number): mx.array {
  if (factor === 1) {
    return x;
  }
  const head = x.get("...", new mx.Slice(0, dims)).multiply(factor);
  return dims === x.dim(-1)
    ? head
    : mx.concatenate([head, x.get("...", new mx.Slice(dims, null))], -1);
}

/** The wavelength of each pair, over 2π: base^(2i / dims). */
function wavelengthsOf(dims: number, base: number): number[] {
  return Array.from({ length: Math.ceil(dims / 2) }, (_, i) => base ** ((2 * i) / dims));
}

/**
 * Llama 3's scaling: long waves are stretched, short ones stay, and those between change
 * gradually. "The Llama 3 Herd of Models", arXiv 2407.21783.
 */
function llama3(dims: number, base: number, scaling: Config): number[] {
  const factor = scaling.positive("factor");
  const low = scaling.number("low_freq_factor", 1);
  const high = scaling.number("high_freq_factor", 4);
  const context = scaling.number("original_max_position_embeddings", 8192);
  return wavelengthsOf(dims, base).map((w) => {
    const turns = context / (2 * Math.PI * w);
    const kept = Math.min(Math.max((turns - low) / (high - low), 0), 1);
    return w / ((1 - kept) / factor + kept);
  });
}

/**
 * YaRN's scaling: waves that turn often in the context that was trained stay, those that do not
 * turn once are stretched. "YaRN: Efficient Context Window Extension", arXiv 2309.00071.
 */
function yarn(dims: number, base: number, scaling: Config): [number[], number] {
  const factor = scaling.positive("factor");
  const context = scaling.number("original_max_position_embeddings", 4096);
  /** The pair that turns so many times within the context. */
  const pairOf = (turns: number) =>
    (dims * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const first = Math.max(Math.floor(pairOf(scaling.number("beta_fast", 32))), 0);
  const last = Math.min(Math.ceil(pairOf(scaling.number("beta_slow", 1))), dims - 1);
  const length = last === first ? 0.001 : last - first;
  const wavelengths = wavelengthsOf(dims, base).map((w, i) => {
    const stretched = Math.min(Math.max((i - first) / length, 0), 1);
    return w / (stretched / factor + 1 - stretched);
  });
  const magnitude = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  const scale =
    magnitude(scaling.number("mscale", 1)) / magnitude(scaling.number("mscale_all_dim", 0));
  return [wavelengths, scale];
}

/**
 * LongRoPE's scaling: a factor of its own for each wavelength. "LongRoPE", arXiv 2402.13753.
 */
function longRope(dims: number, base: number, scaling: Config, config: Config): [number[], number] {
  const context = config.number(
    "original_max_position_embeddings",
    scaling.number("original_max_position_embeddings", 4096),
  );
  const factors = scaling.numbers("long_factor");
  const all = wavelengthsOf(dims, base);
  if (factors.length !== all.length) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${scaling.source}: expected ${all.length} numbers in long_factor, received ${factors.length}`,
    );
  }
  const longer = config.number("max_position_embeddings", 131072) / context;
  const scale = longer <= 1 ? 1 : Math.sqrt(1 + Math.log(longer) / Math.log(context));
  return [all.map((w, i) => w * (factors[i] ?? 1)), scale];
}

const kinds = [
  "default",
  "linear",
  "dynamic",
  "llama3",
  "yarn",
  "longrope",
  "su",
  "mrope",
] as const;

/** The scaling that a configuration asks for: by `rope_scaling`, or as a part of `rope_parameters`. */
function scalingOf(config: Config): { scaling: Config; kind: (typeof kinds)[number] } | undefined {
  const scaling = config.part("rope_scaling") ?? config.part("rope_parameters");
  const name = scaling?.has("type") ? "type" : "rope_type";
  return scaling && { scaling, kind: scaling.oneOf(name, kinds, "default") };
}

/** How many tokens a text may have: more than in training where positions are stretched for it. */
export function contextLengthOf(config: Config): number | undefined {
  if (!config.has("max_position_embeddings")) {
    return undefined;
  }
  const context = config.count("max_position_embeddings");
  const { scaling, kind } = scalingOf(config) ?? {};
  if (scaling === undefined || (kind !== "dynamic" && kind !== "yarn")) {
    return context;
  }
  const trained = scaling.number("original_max_position_embeddings", context);
  return Math.max(context, Math.floor(trained * scaling.positive("factor")));
}

/** A rotary encoding without scaling. */
export function plainRope(dims: number, base: number): Rope {
  return new nn.RoPE(dims, { base });
}

/**
 * The rotary encoding that a configuration asks for: by `rope_theta` and `rope_scaling`, or by
 * `rope_parameters`, which newer files have in the place of both.
 */
export function ropeOf(config: Config, dims: number, defaultBase = 10_000): Rope {
  const traditional = config.flag("rope_traditional", false);
  const base = config.positive(
    "rope_theta",
    config.part("rope_parameters")?.positive("rope_theta", defaultBase) ?? defaultBase,
  );
  const { scaling, kind } = scalingOf(config) ?? {};
  if (scaling === undefined) {
    return new nn.RoPE(dims, { base, traditional });
  }
  switch (kind) {
    case "linear":
      return new nn.RoPE(dims, { base, traditional, scale: 1 / scaling.positive("factor") });
    case "dynamic": {
      const context = config.count("max_position_embeddings");
      return new DynamicRope(dims, base, traditional, scaling.positive("factor"), context);
    }
    case "llama3":
      return new ScaledRope(dims, llama3(dims, base, scaling), traditional);
    case "yarn": {
      const [wavelengths, scale] = yarn(dims, base, scaling);
      return new ScaledRope(dims, wavelengths, traditional, scale);
    }
    case "longrope":
    case "su": {
      const [wavelengths, scale] = longRope(dims, base, scaling, config);
      return new ScaledRope(dims, wavelengths, traditional, scale);
    }
    default:
      // Also "mrope", whose positions in time, height and width are the same for text.
      return new nn.RoPE(dims, { base, traditional });
  }
}
