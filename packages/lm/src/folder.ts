// What stands in a model's folder.
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mx } from "mlx-js";
import { Config } from "./config.js";
import { failure } from "./errors.js";
import { parseJson } from "./json.js";
import { stopIfAborted } from "./options.js";
import { inTurns } from "./turns.js";

export const indexName = "model.safetensors.index.json";

/** For a file that is there, and cannot be read. */
export function unreadable(path: string, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  const advice = error instanceof mx.FormatError ? ", download it again" : "";
  return failure("ERR_MLX_LM_MODEL", `${path} cannot be read${advice}: ${why}`, error);
}

/** Reads a file of text; undefined if there is none. */
export function readText(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw unreadable(path, error);
  }
}

/** Whether a file is not there. */
export function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Reads a file of JSON that is a record of settings; undefined if there is none. */
export function readConfig(folder: string, name: string): Config | undefined {
  const text = readText(folder, name);
  const path = join(folder, name);
  if (text === undefined) {
    return undefined;
  }
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw noJson(path, error);
  }
  return new Config(values, path);
}

function noJson(path: string, error: unknown): Error {
  return failure("ERR_MLX_LM_MODEL", `${path}: expected JSON, received other text`, error);
}

/** Reads a long file of JSON while the event loop goes on: see `parseJson`. Undefined if there is none. */
export async function readJsonInTurns(
  folder: string,
  name: string,
  asMap: string,
  signal: mx.Signal | undefined,
): Promise<unknown> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw unreadable(path, error);
  }
  stopIfAborted(signal);
  try {
    return await inTurns(parseJson(text, asMap), signal);
  } catch (error) {
    throw error instanceof SyntaxError ? noJson(path, error) : error;
  }
}

/** The files of the weights: those that an index in the folder names, or those of all that there are. */
export function weightFiles(folder: string, names = readdirSync(folder)): string[] {
  const index = readConfig(folder, indexName);
  if (index !== undefined) {
    const map = index.part("weight_map");
    const files = Object.keys(map?.values ?? {}).map((name) => map?.text(name) as string);
    return [...new Set(files)].sort();
  }
  const files = names.filter((name) => /^[^/]*\.safetensors$/.test(name));
  // Some folders have the same weights twice, under other names in files called otherwise.
  const usual = files.filter((name) => name.startsWith("model"));
  return (usual.length > 0 ? usual : files).sort();
}
