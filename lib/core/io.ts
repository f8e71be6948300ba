/** Arrays in files. */
import { asString, flag, readOptions, slot, slots, streamOf } from "./arguments.js";
import { type array, make, makeAll } from "./array.js";
import type { StreamOptions } from "./device.js";
import { mismatch } from "./errors.js";
import { native } from "./native.js";
import { isBranch } from "./tree.js";

/** Texts that a file carries beside its arrays. */
export type Metadata = Record<string, string>;

export interface LoadOptions extends StreamOptions {
  /** The format, where the file's name does not say it. */
  format?: "npy" | "safetensors" | undefined;
  /** Whether to give the file's metadata, too. */
  returnMetadata?: boolean | undefined;
}

/**
 * Saves an array in NumPy's format. A name without `.npy` gets it.
 *
 * @throws Error if the file cannot be written.
 */
export function save(file: string, arr: array): void {
  native.save_npy(asString(file, "save", "file"), slot(arr, "save", "arr"));
}

/**
 * Saves arrays by name in the safetensors format, with texts beside them.
 *
 * @throws Error if the file cannot be written.
 */
export function saveSafetensors(
  file: string,
  arrays: Record<string, array>,
  options?: { metadata?: Metadata | undefined },
): void {
  const fn = "saveSafetensors";
  const { metadata = {} } = readOptions<{ metadata?: Metadata | undefined } & StreamOptions>(
    options,
    ["metadata"],
    fn,
  );
  if (!isBranch(arrays) || Array.isArray(arrays)) {
    throw mismatch(fn, "arrays", "a record of arrays", arrays);
  }
  if (!isBranch(metadata) || Object.values(metadata).some((x) => typeof x !== "string")) {
    throw mismatch(fn, "metadata", "a record of texts", metadata);
  }
  native.save_safetensors(
    asString(file, fn, "file"),
    Object.keys(arrays),
    slots(Object.values(arrays), fn, "arrays"),
    metadata,
  );
}

/**
 * Loads what `save` or `saveSafetensors` wrote: an array from an npy file, a
 * record of arrays from a safetensors file. Values are read when they are
 * needed.
 *
 * @throws Error if the file cannot be read or is damaged.
 */
export function load(
  file: string,
  options: LoadOptions & { returnMetadata: true },
): [Record<string, array>, Metadata];
export function load(file: string, options?: LoadOptions): array | Record<string, array>;
export function load(
  file: string,
  options?: LoadOptions,
): array | Record<string, array> | [Record<string, array>, Metadata] {
  const o = readOptions(options, ["format", "returnMetadata"], "load");
  const path = asString(file, "load", "file");
  const format = o.format ?? /\.(\w+)$/.exec(path)?.[1];
  const returnMetadata = flag(o.returnMetadata, false, "load", "returnMetadata");
  const stream = streamOf(o, "load");
  if (format === "npy") {
    if (returnMetadata) {
      throw mismatch("load", "returnMetadata", "a format that has metadata", format);
    }
    return make(native.load_npy(path, stream));
  }
  if (format === "safetensors") {
    const [names, values, metadata] = native.load_safetensors(path, stream) as [
      string[],
      Parameters<typeof makeAll>[0],
      Metadata,
    ];
    const arrays = makeAll(values);
    const record = Object.fromEntries(names.map((name, i) => [name, arrays[i] as array]));
    return returnMetadata ? [record, metadata] : record;
  }
  throw mismatch("load", "format", '"npy" or "safetensors"', format ?? path);
}
