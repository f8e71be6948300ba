// What stands in a model's folder.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";
import { mismatch } from "mlx-js/options";
import { Config } from "./config.js";
import { codeOf, failure, reasonOf } from "./errors.js";
import { parseJson } from "./json.js";
import { mismatchBecause, stopIfAborted } from "./options.js";
import { inTurns } from "./turns.js";

export const indexName = "model.safetensors.index.json";

/** A `URL`, of this realm or another, that begins with `file:`. */
export interface FileUrl {
  readonly href: string;
  readonly protocol: string;
}

/** The path that is given, as it is or as a URL. */
export function pathOf(given: unknown, fn: string, param: string, expected: string): string {
  const text = typeof given === "string" ? given : (given as Partial<FileUrl> | null)?.href;
  if (typeof text !== "string") {
    throw mismatch(fn, param, expected, given);
  }
  if (typeof given === "string" && !/^file:/i.test(given)) {
    return given;
  }
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw mismatchBecause(error, fn, param, `${expected}; as a URL, one of a file`, text);
  }
}

/** Whether there is a file or a folder. */
export function isThere(path: string): boolean {
  return kindOf(path) !== undefined;
}

/** What a path leads to; undefined if there is nothing. */
export function kindOf(path: string): "file" | "folder" | undefined {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch (error) {
    // The last is for names that no file can have.
    if (isMissing(error) || codeOf(error) === "ERR_INVALID_ARG_VALUE") {
      return undefined;
    }
    throw unreadable(path, error);
  }
}

/** For what is there, and cannot be read. */
export function unreadable(path: string, error: unknown): Error {
  const isDamaged = error instanceof mx.FormatError && statSync(path).isFile();
  const advice = isDamaged ? ", download it again" : "";
  return failure("ERR_MLX_LM_MODEL", `${path} cannot be read${advice}: ${reasonOf(error)}`, error);
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
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
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

/** Reads a file of JSON that is a record of settings; undefined if there is none. */
export function readConfig(folder: string, name: string): Config | undefined {
  const values = readJson(folder, name);
  return values === undefined ? undefined : new Config(values, join(folder, name));
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

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** The files of the weights: those that an index in the folder names, or those of all that there are. */
export function weightFiles(folder: string, names = namesIn(folder)): string[] {
  const index = readConfig(folder, indexName);
  if (index !== undefined) {
    const map = index.part("weight_map") ?? new Config({}, index.source);
    return [...new Set(Object.keys(map.values).map((name) => map.text(name)))].sort();
  }
  const files = names.filter((name) => /^[^/]*\.safetensors$/.test(name));
  // Some folders have the same weights twice, under other names in files called otherwise.
  const usual = files.filter((name) => name.startsWith("model"));
  return (usual.length > 0 ? usual : files).sort();
}
