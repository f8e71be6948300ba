// Models by their names on the Hugging Face Hub, in the cache that its other programs use.
import { createHash, type Hash, randomUUID } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ListFileEntry } from "@huggingface/hub";
import { failure } from "./errors.js";
import { type FileUrl, indexName, isThere, pathOf, readText, weightFiles } from "./folder.js";
import { stopIfAborted } from "./options.js";
import type { LoadOptions } from "./weights.js";

/** What a folder of a model has beside its weights, as far as anything here reads it. */
const wanted = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "chat_template.json",
  "sentence_bert_config.json",
  "1_Pooling/config.json",
  indexName,
]);

/** `owner/name`, and the GGUF file in it. */
interface Name {
  repo: string;
  file: string | undefined;
}

function nameOf(text: string): Name | undefined {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?:\/((?:\w[\w.-]*\/)*\w[\w.-]*\.gguf))?$/.exec(text);
  return match?.[1] === undefined ? undefined : { repo: match[1], file: match[2] };
}

/** As the programs for Python find it. */
function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home =
    env["HF_HOME"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "huggingface");
  return env["HF_HUB_CACHE"] ?? env["HUGGINGFACE_HUB_CACHE"] ?? join(home, "hub");
}

function storeOf({ repo }: Name): string {
  return join(cacheFolder(), `models--${repo.replace("/", "--")}`);
}

/** The folder or the file in the cache, if it is whole. */
function cached(name: Name, fn: string): string | undefined {
  const revision = readText(join(storeOf(name), "refs"), "main");
  if (revision === undefined) {
    return undefined;
  }
  const folder = join(storeOf(name), "snapshots", revision.trim());
  const has = (file: string) => existsSync(join(folder, file));
  if (name.file !== undefined) {
    return has(name.file) ? join(folder, name.file) : undefined;
  }
  const needed = fn === "loadModel" ? ["config.json"] : ["config.json", "tokenizer.json"];
  if (!needed.every(has)) {
    return undefined;
  }
  const weights = weightFiles(folder);
  return weights.length > 0 && weights.every(has) ? folder : undefined;
}

/** What git and its store of large files name a content by. */
function digestOf({ lfs, size }: ListFileEntry): Hash {
  return lfs === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
}

async function importHub(name: Name): Promise<typeof import("@huggingface/hub")> {
  try {
    return await import("@huggingface/hub");
  } catch (error) {
    throw failure(
      "ERR_MLX_LM_HUB",
      `${name.repo} is fetched with @huggingface/hub, which cannot be loaded: npm install @huggingface/hub`,
      error,
    );
  }
}

/** What a callback has thrown, which says nothing about a download. */
class FromCallback extends Error {}

/** A snapshot of a repository, into which files are fetched. */
class Download {
  readonly #hub: typeof import("@huggingface/hub");
  readonly #name: Name;
  readonly #onProgress: LoadOptions["onProgress"];
  readonly #signal: AbortSignal;
  readonly #request: { fetch: typeof fetch; hubUrl?: string; accessToken?: string };
  #revision = "";
  #loaded = 0;
  #total = 0;

  constructor(
    hub: typeof import("@huggingface/hub"),
    name: Name,
    onProgress: LoadOptions["onProgress"],
    signal: AbortSignal,
  ) {
    const { HF_ENDPOINT: hubUrl, HF_TOKEN: accessToken } = process.env;
    this.#hub = hub;
    this.#name = name;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#request = {
      fetch: (input, init) => fetch(input, { ...init, signal }),
      ...(hubUrl ? { hubUrl } : {}),
      ...(accessToken ? { accessToken } : {}),
    };
  }

  get #folder(): string {
    return join(storeOf(this.#name), "snapshots", this.#revision);
  }

  /** Fetches what is needed, and returns where it is. */
  async run(): Promise<string> {
    const { repo, file } = this.#name;
    const { sha } = await this.#hub.modelInfo({
      ...this.#request,
      name: repo,
      revision: "main",
      additionalFields: ["sha"],
    });
    if (!/^[0-9a-f]{40}$/.test(sha)) {
      throw failure("ERR_MLX_LM_HUB", `${repo}: expected the hash of a commit, received ${sha}`);
    }
    this.#revision = sha;
    const entries: ListFileEntry[] = [];
    const place = { ...this.#request, repo, revision: sha };
    for await (const entry of this.#hub.listFiles({ ...place, recursive: true })) {
      // Not what would lie elsewhere.
      if (entry.type === "file" && !/(^|[/\\])(\.\.)?([/\\]|$)/.test(entry.path)) {
        entries.push(entry);
      }
    }
    const names = entries.map(({ path }) => path);
    const these = (chosen: (path: string) => boolean) => entries.filter(({ path }) => chosen(path));
    if (file === undefined) {
      this.#checkFolder(names);
      await this.#fetchAll(these((path) => wanted.has(path)));
      const weights = new Set(weightFiles(this.#folder, names));
      await this.#fetchAll(these((path) => weights.has(path)));
    } else if (names.includes(file)) {
      await this.#fetchAll(these((path) => path === file));
    } else {
      throw failure("ERR_MLX_LM_HUB", `${repo} has no file ${file}${this.#ggufs(names)}`);
    }
    // Last, so that what was interrupted is not taken for whole.
    await mkdir(join(storeOf(this.#name), "refs"), { recursive: true });
    await writeFile(join(storeOf(this.#name), "refs", "main"), sha);
    return file === undefined ? this.#folder : join(this.#folder, file);
  }

  #ggufs(names: readonly string[]): string {
    const files = names.filter((name) => name.endsWith(".gguf"));
    const most = 8;
    const shown = files.slice(0, most).map((name) => `${this.#name.repo}/${name}`);
    const more = files.length - most;
    return files.length === 0
      ? ""
      : `. It has these: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  }

  #checkFolder(names: readonly string[]): void {
    const weights = names.some((name) => /^[^/]*\.safetensors$/.test(name));
    if (!names.includes("config.json") || !weights) {
      throw failure(
        "ERR_MLX_LM_HUB",
        `${this.#name.repo} has no config.json with *.safetensors${this.#ggufs(names)}`,
      );
    }
  }

  async #fetchAll(entries: readonly ListFileEntry[]): Promise<void> {
    const missing = entries.filter(({ path }) => !existsSync(join(this.#folder, path)));
    this.#total += missing.reduce((sum, { size }) => sum + size, 0);
    for (const entry of missing) {
      await this.#fetch(entry);
    }
  }

  #tell(bytes: number): void {
    this.#loaded += bytes;
    try {
      this.#onProgress?.({ stage: "download", loaded: this.#loaded, total: this.#total });
    } catch (error) {
      throw new FromCallback("", { cause: error });
    }
  }

  /** Fetches a file into the cache, where its content has the name of its hash. */
  async #fetch(entry: ListFileEntry): Promise<void> {
    const hash = entry.lfs?.oid ?? entry.oid;
    if (hash === undefined || !/^[0-9a-f]{40,64}$/.test(hash)) {
      throw failure("ERR_MLX_LM_HUB", `${this.#name.repo}: ${entry.path} is listed without a hash`);
    }
    const blob = join(storeOf(this.#name), "blobs", hash);
    await mkdir(dirname(blob), { recursive: true });
    if (existsSync(blob)) {
      this.#tell(entry.size);
    } else {
      await this.#fetchBlob(entry, hash, blob);
    }
    const pointer = join(this.#folder, entry.path);
    await mkdir(dirname(pointer), { recursive: true });
    try {
      await symlink(relative(dirname(pointer), blob), pointer);
    } catch (error) {
      // Windows lets not every user make links; another program may have made this one meanwhile.
      if (!existsSync(pointer)) {
        await copyFile(blob, pointer).catch(() => Promise.reject(error));
      }
    }
  }

  async #fetchBlob(entry: ListFileEntry, hash: string, blob: string): Promise<void> {
    const { repo } = this.#name;
    const place = { ...this.#request, repo, revision: this.#revision, path: entry.path };
    const content = await this.#hub.downloadFile(place);
    if (content === null) {
      throw failure("ERR_MLX_LM_HUB", `${repo} has no ${entry.path}, though it is listed`);
    }
    const digest = digestOf(entry);
    const tell = (bytes: number) => this.#tell(bytes);
    // Programs that fetch the same do not write into one file.
    const incomplete = `${blob}.${randomUUID()}.incomplete`;
    try {
      await pipeline(
        content.stream(),
        async function* (pieces: AsyncIterable<Uint8Array>) {
          for await (const piece of pieces) {
            digest.update(piece);
            tell(piece.length);
            yield piece;
          }
        },
        createWriteStream(incomplete),
        { signal: this.#signal },
      );
      if (digest.digest("hex") !== hash) {
        throw failure(
          "ERR_MLX_LM_HUB",
          `${repo}: what came of ${entry.path} is not what its hash says: load it again`,
        );
      }
      await rename(incomplete, blob);
    } finally {
      await rm(incomplete, { force: true });
    }
  }
}

/** What to do about a download that failed; other errors are left as they are. */
function explained(name: Name, error: unknown): unknown {
  if (error instanceof FromCallback) {
    return error.cause;
  }
  if (error instanceof Error && "syscall" in error) {
    return failure(
      "ERR_MLX_LM_HUB",
      `${name.repo} cannot be stored in the cache, ${cacheFolder()}: ${error.message}. Make room there, or ` +
        "set HF_HUB_CACHE to a folder that may be written",
      error,
    );
  }
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  const isRefused = status === 401 || status === 403 || status === 404;
  // What fetch throws without a network, or where it ends meanwhile, and what streams of files make of it.
  const isCut =
    typeof error === "string" || (error instanceof TypeError && error.cause !== undefined);
  if (status === undefined && !isCut) {
    return error;
  }
  const advice = isRefused
    ? "there is no such folder here, and no such model on the Hugging Face Hub, or only for those " +
      "who may read it: check the name, or set HF_TOKEN"
    : offline();
  const why = error instanceof Error ? error.message : error;
  return failure("ERR_MLX_LM_HUB", `${name.repo}: ${advice}. ${why}`, error);
}

function offline(): string {
  return (
    `it is not whole in the cache, ${cacheFolder()}, and cannot be fetched: connect to the network, ` +
    "or give the path of a folder"
  );
}

/** The path that was given, or that of what has this name on the Hugging Face Hub, which is fetched. */
export async function fetched(
  pathOrName: string | FileUrl,
  fn: string,
  options: LoadOptions,
): Promise<string> {
  const expected = "the path of a folder or of a GGUF file, or owner/name on the Hugging Face Hub";
  const path = pathOf(pathOrName, fn, "pathOrName", expected);
  if (isThere(path)) {
    return path;
  }
  const name = nameOf(path);
  if (name === undefined) {
    const hint = path.startsWith("~")
      ? `; only a shell takes ~ for a home, such as ${homedir()}`
      : /^https?:/i.test(path)
        ? "; what is on the Hugging Face Hub is called owner/name here"
        : "";
    throw failure(
      "ERR_MLX_LM_MODEL",
      `[${fn}] pathOrName: there is no folder or GGUF file ${JSON.stringify(path)}${hint}`,
    );
  }
  const found = cached(name, fn);
  if (found !== undefined) {
    return found;
  }
  if (/^(1|true|yes|on)$/i.test(process.env["HF_HUB_OFFLINE"] ?? "")) {
    throw failure("ERR_MLX_LM_HUB", `${name.repo}: ${offline()}. HF_HUB_OFFLINE is set`);
  }
  const hub = await importHub(name);
  const { signal, onProgress } = options;
  stopIfAborted(signal);
  // fetch asks for a signal of its own realm.
  const ended = new AbortController();
  const end = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", end);
  try {
    return await new Download(hub, name, onProgress, ended.signal).run();
  } catch (error) {
    stopIfAborted(signal);
    throw explained(name, error);
  } finally {
    signal?.removeEventListener("abort", end);
  }
}
