// What stands in a model's folder.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { mx } from "mlx-js";
import { Config } from "./config.js";
import { failure } from "./errors.js";
import { parseJson } from "./json.js";
import { inTurns } from "./turns.js";

export const indexName = "model.safetensors.index.json";

/** Reads a file of text; undefined if there is none. */
export function readText(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** Reads a file of JSON; undefined if there is none. */
export function readJson(folder: string, name: string): unknown {
  const text = readText(folder, name);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    throw noJson(join(folder, name), error);
  }
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
  if (!existsSync(path)) {
    return undefined;
  }
  const text = await readFile(path, "utf8");
  signal?.throwIfAborted();
  try {
    return await inTurns(parseJson(text, asMap), signal);
  } catch (error) {
    throw error instanceof SyntaxError ? noJson(path, error) : error;
  }
}

/** The files of the weights: those that an index in the folder names, or those of all that there are. */
export function weightFiles(folder: string, names = readdirSync(folder)): string[] {
  const index = readJson(folder, indexName);
  if (index !== undefined) {
    const map = new Config(index, join(folder, indexName)).part("weight_map");
    const files = Object.keys(map?.values ?? {}).map((name) => map?.text(name) as string);
    return [...new Set(files)].sort();
  }
  const files = names.filter((name) => /^[^/]*\.safetensors$/.test(name));
  // Some folders have the same weights twice, under other names in files called otherwise.
  const usual = files.filter((name) => name.startsWith("model"));
  return (usual.length > 0 ? usual : files).sort();
}
