import { setImmediate } from "node:timers/promises";
import { mx, nn } from "mlx-js";
import { asFunction, asString, kindOf, optionsOf, outOfRange, signalOption } from "mlx-js/options";
import type { Config } from "./config.js";
import { failure, reasonOf } from "./errors.js";
import type { Weights } from "./models/model.js";
import { stopIfAborted } from "./options.js";

/** How far {@link load} has come. */
export interface LoadProgress {
  /** Whether files are fetched by their name, or the weights are read, which comes after it. */
  stage: "download" | "read";
  /** Bytes that have come. */
  loaded: number;
  /** Bytes that there are. */
  total: number;
}

/** Options of {@link load}. */
export interface LoadOptions {
  /** Gives up when it is aborted, with its reason. */
  signal?: mx.Signal | undefined;
  /** Called at the beginning, and after each piece of a download and of the weights. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Which version of a model on the Hugging Face Hub: a branch, a tag or the hash of a commit. By default the main branch. */
  revision?: string | undefined;
}

/** What git lets be a name; it becomes that of a file. */
const isRevision = /^(?!.*\.\.)[^\s\\~^:?*[/]+(\/[^\s\\~^:?*[/]+)*$/;

function asRevision(value: unknown, fn: string, param: string): string {
  const text = asString(value, fn, param);
  if (!isRevision.test(text)) {
    throw outOfRange(fn, param, "a branch, a tag or the hash of a commit", text);
  }
  return text;
}

export const readLoadOptions = optionsOf<LoadOptions>()("load", {
  signal: signalOption(),
  onProgress: kindOf(asFunction<(progress: LoadProgress) => void>)(),
  revision: kindOf(asRevision)(),
});

/** A model that knows the weights of its checkpoints. */
export interface Loadable extends nn.Module {
  sanitize(weights: Weights): Weights;
}

/** How a layer is quantized, as `config.json` has it. */
function formatOf(config: Config): nn.ToQuantizedOptions {
  return {
    groupSize: config.count("group_size", 64),
    bits: config.count("bits", 4),
    mode: config.oneOf<mx.QuantizationMode>(
      "mode",
      ["affine", "mxfp4", "mxfp8", "nvfp4"],
      "affine",
    ),
  };
}

/** `layers.0.qProj` is `layers.0.q_proj` in files. */
function nameInFiles(path: string): string {
  return path.replace(/(?<=[^.])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Puts quantized layers where the weights are quantized, in the format that the configuration has. */
function quantizeAs(model: Loadable, weights: Weights, config: Config): void {
  const formats = config.part("quantization") ?? config.part("quantization_config");
  if (formats === undefined) {
    const scales = Object.keys(weights).find((name) => name.endsWith(".scales"));
    if (scales !== undefined) {
      throw failure(
        "ERR_MLX_LM_MODEL",
        `${config.source}: expected quantization, with group_size and bits, since there is ` +
          `${scales}, received nothing`,
      );
    }
    return;
  }
  if (formats.has("quant_method")) {
    throw failure(
      "ERR_MLX_LM_MODEL",
      `${formats.source}: expected weights in MLX's own formats, received those of ` +
        `${formats.text("quant_method")}: take the model as mlx_lm.convert writes it`,
    );
  }
  nn.quantize(model, {
    classPredicate(path) {
      const name = nameInFiles(path);
      if (weights[`${name}.scales`] === undefined) {
        return false;
      }
      const own = formats.values[name];
      return formatOf(
        typeof own === "object" && own !== null ? (formats.part(name) ?? formats) : formats,
      );
    },
  });
}

function fill(model: Loadable, weights: Weights, config: Config): void {
  try {
    model.loadWeights(weights);
  } catch (error) {
    const text = `${config.source} does not fit the weights: ${reasonOf(error)}`;
    throw failure("ERR_MLX_LM_MODEL", text, error);
  }
}

// Read together, so that progress is told and an abort is heard.
const piece = 1 << 26;

/** Reads arrays from their files, piece by piece, while the event loop goes on. */
async function read(arrays: readonly mx.array[], options: LoadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const total = arrays.reduce((sum, { nbytes }) => sum + nbytes, 0);
  let loaded = 0;
  onProgress?.({ stage: "read", loaded, total });
  let some: mx.array[] = [];
  let bytes = 0;
  for (const [i, x] of arrays.entries()) {
    some.push(x);
    bytes += x.nbytes;
    if (bytes >= piece || i === arrays.length - 1) {
      await mx.asyncEval(some, signal);
      loaded += bytes;
      onProgress?.({ stage: "read", loaded, total });
      some = [];
      bytes = 0;
    }
  }
}

/**
 * Gives a model the weights of a checkpoint, under the names that they have there, quantized or not.
 *
 * @throws Error if some are missing, unexpected or of another shape, with how many are, and the first of them.
 */
export async function loadWeights(
  model: Loadable,
  checkpoint: Weights,
  config: Config,
  options: LoadOptions,
): Promise<void> {
  const weights = model.sanitize(checkpoint);
  try {
    quantizeAs(model, weights, config);
    // Where there are many layers, each of the two takes a while.
    await setImmediate();
    stopIfAborted(options.signal);
    fill(model, weights, config);
  } catch (error) {
    mx.dispose(weights);
    throw error;
  }
  // Those that went into others, such as the experts that are joined, are freed as soon as these
  // are read, and those of no use are not read at all.
  const held = new Set(Object.values(weights));
  mx.dispose(Object.values(checkpoint).filter((x) => !held.has(x)));
  await read(Object.values(weights), options);
}
